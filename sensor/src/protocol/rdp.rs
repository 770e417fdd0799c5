//! RDP connection request and confirm (MS-RDPBCGR 2.2.1.1, 2.2.1.2), inside TPKT and X.224.

/// What the two ends agreed on before encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// X.224 Connection Request with RDP's extensions.
    Request {
        /// `mstshash`: a user name cut to nine characters by many clients. `None`: user not observable.
        cookie: Option<Box<str>>,
        /// `msts=`: a load balancer's token, no user.
        routing_token: bool,
        /// requestedProtocols (0 RDP, 1 TLS, 2 CredSSP, 8 CredSSP-EX …); `None` without a negotiation request.
        protocols: Option<u32>,
        /// The client asked for RestrictedAdmin mode.
        restricted_admin: bool,
    },
    /// X.224 Connection Confirm.
    Confirm {
        /// selectedProtocol; `None` without a negotiation response.
        selected: Option<u32>,
        /// failureCode, when the server refused.
        failure: Option<u32>,
    },
}

/// Registration.
pub static SPEC: super::Spec = super::Spec {
    name: "rdp", title: "rdp", ports: &[], industrial: false,
    probe: |_| super::Verdict::No, decoder: || Box::new(Nothing), about: "",
};
struct Nothing;
impl super::Decode for Nothing {
    fn decode(&mut self, input: super::Input<'_>, _out: &mut Vec<super::Event>) -> usize { input.bytes.len() }
}
