//! Services by the node ids of their binary encodings (OPC 10000-6, opcua_serviceids; the numbers are Wireshark's), and
//! status codes (OPC 10000-6 annex A.2).

use crate::protocol::command::Action;

/// One service.
#[derive(Debug)]
pub struct Service {
    /// The node id of its request.
    pub request: u32,
    /// That of its response.
    pub response: u32,
    /// The request's as text.
    pub text: &'static str,
    /// Its name in OPC 10000-4, in words.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
}

/// Answers instead of a response.
pub const SERVICE_FAULT: u32 = 397;
/// Which endpoints a server has.
pub const GET_ENDPOINTS: u32 = 428;
/// Opens or renews a channel.
pub const OPEN_SECURE_CHANNEL: u32 = 446;
/// Ends it.
pub const CLOSE_SECURE_CHANNEL: u32 = 452;
/// Makes a session.
pub const CREATE_SESSION: u32 = 461;
/// Says who uses it.
pub const ACTIVATE_SESSION: u32 = 467;
/// Adds nodes to the address space.
pub const ADD_NODES: u32 = 488;
/// Adds references between them.
pub const ADD_REFERENCES: u32 = 494;
/// Deletes nodes.
pub const DELETE_NODES: u32 = 500;
/// Deletes references.
pub const DELETE_REFERENCES: u32 = 506;
/// Reads attributes, mostly values.
pub const READ: u32 = 631;
/// Writes attributes, mostly values.
pub const WRITE: u32 = 673;
/// Calls methods.
pub const CALL: u32 = 712;

/// The service, and whether the id is its request's.
pub fn find(id: u32) -> Option<(&'static Service, bool)> {
    SERVICES.iter().find_map(|service| match id {
        _ if service.request == id => Some((service, true)),
        _ if service.response == id => Some((service, false)),
        _ => None,
    })
}

const fn row(request: u32, response: u32, text: &'static str, name: &'static str, action: Action) -> Service {
    Service { request, response, text, name, action }
}

// Those that are used all the time stand first.
#[rustfmt::skip]
static SERVICES: &[Service] = &[
    row(631,   634,   "631",   "read",                       Action::Read),
    row(826,   829,   "826",   "publish",                    Action::Read),
    row(673,   676,   "673",   "write",                      Action::Write),
    row(712,   715,   "712",   "call",                       Action::Write),
    row(527,   530,   "527",   "browse",                     Action::Discover),
    row(533,   536,   "533",   "browse next",                Action::Discover),
    row(554,   557,   "554",   "translate browse paths to node ids", Action::Discover),
    row(422,   425,   "422",   "find servers",               Action::Discover),
    row(428,   431,   "428",   "get endpoints",              Action::Discover),
    row(12208, 12209, "12208", "find servers on network",    Action::Discover),
    row(437,   440,   "437",   "register server",            Action::Session),
    row(12211, 12212, "12211", "register server 2",          Action::Session),
    row(446,   449,   "446",   "open secure channel",        Action::Session),
    row(452,   455,   "452",   "close secure channel",       Action::Session),
    row(461,   464,   "461",   "create session",             Action::Session),
    row(467,   470,   "467",   "activate session",           Action::Session),
    row(473,   476,   "473",   "close session",              Action::Session),
    row(479,   482,   "479",   "cancel",                     Action::Session),
    row(488,   491,   "488",   "add nodes",                  Action::Configure),
    row(494,   497,   "494",   "add references",             Action::Configure),
    row(500,   503,   "500",   "delete nodes",               Action::Configure),
    row(506,   509,   "506",   "delete references",          Action::Configure),
    row(560,   563,   "560",   "register nodes",             Action::Session),
    row(566,   569,   "566",   "unregister nodes",           Action::Session),
    row(615,   618,   "615",   "query first",                Action::Discover),
    row(621,   624,   "621",   "query next",                 Action::Discover),
    row(664,   667,   "664",   "history read",               Action::Read),
    row(700,   703,   "700",   "history update",             Action::Write),
    row(751,   754,   "751",   "create monitored items",     Action::Read),
    row(763,   766,   "763",   "modify monitored items",     Action::Read),
    row(769,   772,   "769",   "set monitoring mode",        Action::Read),
    row(775,   778,   "775",   "set triggering",             Action::Read),
    row(781,   784,   "781",   "delete monitored items",     Action::Session),
    row(787,   790,   "787",   "create subscription",        Action::Read),
    row(793,   796,   "793",   "modify subscription",        Action::Read),
    row(799,   802,   "799",   "set publishing mode",        Action::Read),
    row(832,   835,   "832",   "republish",                  Action::Read),
    row(841,   844,   "841",   "transfer subscriptions",     Action::Read),
    row(847,   850,   "847",   "delete subscriptions",       Action::Session),
    row(410,   413,   "410",   "test stack",                 Action::Session),
    row(416,   419,   "416",   "test stack ex",              Action::Session),
];

/// Methods of namespace 0 that change nothing: condition refresh, get monitored items, resend data.
pub const fn is_reading_method(id: u32) -> bool {
    matches!(id, 3875 | 12912 | 11492 | 12873)
}

/// The name of a status code.
pub const fn status(code: u32) -> &'static str {
    match code >> 16 {
        0x8001 => "BadUnexpectedError",
        0x8002 => "BadInternalError",
        0x8003 => "BadOutOfMemory",
        0x8004 => "BadResourceUnavailable",
        0x8005 => "BadCommunicationError",
        0x8006 => "BadEncodingError",
        0x8007 => "BadDecodingError",
        0x8008 => "BadEncodingLimitsExceeded",
        0x800a => "BadTimeout",
        0x800b => "BadServiceUnsupported",
        0x800c => "BadShutdown",
        0x800d => "BadServerNotConnected",
        0x800e => "BadServerHalted",
        0x800f => "BadNothingToDo",
        0x8010 => "BadTooManyOperations",
        0x8012 => "BadCertificateInvalid",
        0x8013 => "BadSecurityChecksFailed",
        0x8014 => "BadCertificateTimeInvalid",
        0x8016 => "BadCertificateHostNameInvalid",
        0x8017 => "BadCertificateUriInvalid",
        0x801a => "BadCertificateUntrusted",
        0x801d => "BadCertificateRevoked",
        0x801f => "BadUserAccessDenied",
        0x8020 => "BadIdentityTokenInvalid",
        0x8021 => "BadIdentityTokenRejected",
        0x8022 => "BadSecureChannelIdInvalid",
        0x8025 => "BadSessionIdInvalid",
        0x8026 => "BadSessionClosed",
        0x8027 => "BadSessionNotActivated",
        0x8028 => "BadSubscriptionIdInvalid",
        0x802a => "BadRequestHeaderInvalid",
        0x8031 => "BadNoCommunication",
        0x8033 => "BadNodeIdInvalid",
        0x8034 => "BadNodeIdUnknown",
        0x8035 => "BadAttributeIdInvalid",
        0x803a => "BadNotReadable",
        0x803b => "BadNotWritable",
        0x803c => "BadOutOfRange",
        0x803d => "BadNotSupported",
        0x803e => "BadNotFound",
        0x8040 => "BadNotImplemented",
        0x8054 => "BadSecurityModeRejected",
        0x8055 => "BadSecurityPolicyRejected",
        0x8056 => "BadTooManySessions",
        0x8057 => "BadUserSignatureInvalid",
        0x8058 => "BadApplicationSignatureInvalid",
        0x805b => "BadParentNodeIdInvalid",
        0x805e => "BadNodeIdExists",
        0x8069 => "BadNoDeleteRights",
        0x8073 => "BadWriteNotSupported",
        0x8074 => "BadTypeMismatch",
        0x8075 => "BadMethodInvalid",
        0x8076 => "BadArgumentsMissing",
        0x8077 => "BadTooManySubscriptions",
        0x8078 => "BadTooManyPublishRequests",
        0x8079 => "BadNoSubscription",
        0x807d => "BadTcpServerTooBusy",
        0x807e => "BadTcpMessageTypeInvalid",
        0x807f => "BadTcpSecureChannelUnknown",
        0x8080 => "BadTcpMessageTooLarge",
        0x8081 => "BadTcpNotEnoughResources",
        0x8082 => "BadTcpInternalError",
        0x8083 => "BadTcpEndpointUrlInvalid",
        0x8085 => "BadRequestTimeout",
        0x8086 => "BadSecureChannelClosed",
        0x8087 => "BadSecureChannelTokenUnknown",
        0x8088 => "BadSequenceNumberInvalid",
        0x80be => "BadProtocolVersionUnsupported",
        0x80e6 => "BadSecurityModeInsufficient",
        0x80ee => "BadServerTooBusy",
        0x8111 => "BadNotExecutable",
        _ => "Bad",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_requests_numbers_and_no_number_is_twice() {
        let mut ids: Vec<u32> =
            SERVICES.iter().flat_map(|service| [service.request, service.response]).collect();
        assert!(SERVICES.iter().all(|service| service.text == service.request.to_string()));
        ids.sort_unstable();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn requests_are_told_from_responses() {
        assert!(matches!(find(673), Some((service, true)) if service.name == "write"));
        assert!(matches!(find(12209), Some((service, false)) if service.request == 12208));
        assert!(find(SERVICE_FAULT).is_none());
    }
}
