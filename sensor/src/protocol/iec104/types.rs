//! Type identifications and causes of transmission (IEC 60870-5-101 7.2.1.1 and 7.2.3, IEC 60870-5-104 chapter 8).

use crate::protocol::command::Action;

/// One type: number, name, action in control direction, bytes of one object without its address (where they are fixed).
pub struct Type {
    /// The type identification.
    pub id: u8,
    /// The mnemonic and what it stands for.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
    size: Option<u8>,
}

impl Type {
    /// The bytes of one information object, without its address.
    pub fn size(&self) -> Option<usize> {
        self.size.map(usize::from)
    }
}

/// The type of that number.
pub fn find(id: u8) -> Option<&'static Type> {
    TYPES.binary_search_by_key(&id, |row| row.id).ok().and_then(|at| TYPES.get(at))
}

/// The name of a cause. `None`: reserved.
pub const fn cause(cause: u8) -> Option<&'static str> {
    Some(match cause {
        1 => "periodic",
        2 => "background scan",
        3 => "spontaneous",
        4 => "initialised",
        5 => "requested",
        6 => "activation",
        7 => "activation confirmation",
        8 => "deactivation",
        9 => "deactivation confirmation",
        10 => "activation termination",
        11 => "return information of a remote command",
        12 => "return information of a local command",
        13 => "file transfer",
        14 => "authentication",
        15 => "session key",
        16 => "user role and update key",
        20..=36 => "interrogated",
        37..=41 => "counters interrogated",
        44 => "unknown type identification",
        45 => "unknown cause of transmission",
        46 => "unknown common address",
        47 => "unknown information object address",
        _ => return None,
    })
}

const fn row(id: u8, name: &'static str, action: Action, size: u8) -> Type {
    Type { id, name, action, size: Some(size) }
}

const fn open(id: u8, name: &'static str, action: Action) -> Type {
    Type { id, name, action, size: None }
}

#[rustfmt::skip]
static TYPES: &[Type] = &[
    row(1,   "M_SP_NA_1 single-point information",              Action::Read, 1),
    row(2,   "M_SP_TA_1 single-point information with time",    Action::Read, 4),
    row(3,   "M_DP_NA_1 double-point information",              Action::Read, 1),
    row(4,   "M_DP_TA_1 double-point information with time",    Action::Read, 4),
    row(5,   "M_ST_NA_1 step position",                         Action::Read, 2),
    row(6,   "M_ST_TA_1 step position with time",               Action::Read, 5),
    row(7,   "M_BO_NA_1 bitstring",                             Action::Read, 5),
    row(8,   "M_BO_TA_1 bitstring with time",                   Action::Read, 8),
    row(9,   "M_ME_NA_1 measured value, normalised",            Action::Read, 3),
    row(10,  "M_ME_TA_1 measured value, normalised with time",  Action::Read, 6),
    row(11,  "M_ME_NB_1 measured value, scaled",                Action::Read, 3),
    row(12,  "M_ME_TB_1 measured value, scaled with time",      Action::Read, 6),
    row(13,  "M_ME_NC_1 measured value, float",                 Action::Read, 5),
    row(14,  "M_ME_TC_1 measured value, float with time",       Action::Read, 8),
    row(15,  "M_IT_NA_1 integrated totals",                     Action::Read, 5),
    row(16,  "M_IT_TA_1 integrated totals with time",           Action::Read, 8),
    row(20,  "M_PS_NA_1 packed single points",                  Action::Read, 5),
    row(21,  "M_ME_ND_1 measured value without quality",        Action::Read, 2),
    row(30,  "M_SP_TB_1 single-point information with time",    Action::Read, 8),
    row(31,  "M_DP_TB_1 double-point information with time",    Action::Read, 8),
    row(32,  "M_ST_TB_1 step position with time",               Action::Read, 9),
    row(33,  "M_BO_TB_1 bitstring with time",                   Action::Read, 12),
    row(34,  "M_ME_TD_1 measured value, normalised with time",  Action::Read, 10),
    row(35,  "M_ME_TE_1 measured value, scaled with time",      Action::Read, 10),
    row(36,  "M_ME_TF_1 measured value, float with time",       Action::Read, 12),
    row(37,  "M_IT_TB_1 integrated totals with time",           Action::Read, 12),
    row(38,  "M_EP_TD_1 event of protection equipment",         Action::Read, 10),
    row(39,  "M_EP_TE_1 start events of protection equipment",  Action::Read, 11),
    row(40,  "M_EP_TF_1 output circuit of protection equipment", Action::Read, 11),
    open(41, "S_IT_TC_1 integrated totals, secure",             Action::Read),
    row(45,  "C_SC_NA_1 single command",                        Action::Write, 1),
    row(46,  "C_DC_NA_1 double command",                        Action::Write, 1),
    row(47,  "C_RC_NA_1 regulating step command",               Action::Write, 1),
    row(48,  "C_SE_NA_1 set-point, normalised",                 Action::Write, 3),
    row(49,  "C_SE_NB_1 set-point, scaled",                     Action::Write, 3),
    row(50,  "C_SE_NC_1 set-point, float",                      Action::Write, 5),
    row(51,  "C_BO_NA_1 bitstring command",                     Action::Write, 4),
    row(58,  "C_SC_TA_1 single command with time",              Action::Write, 8),
    row(59,  "C_DC_TA_1 double command with time",              Action::Write, 8),
    row(60,  "C_RC_TA_1 regulating step command with time",     Action::Write, 8),
    row(61,  "C_SE_TA_1 set-point, normalised with time",       Action::Write, 10),
    row(62,  "C_SE_TB_1 set-point, scaled with time",           Action::Write, 10),
    row(63,  "C_SE_TC_1 set-point, float with time",            Action::Write, 12),
    row(64,  "C_BO_TA_1 bitstring command with time",           Action::Write, 11),
    row(70,  "M_EI_NA_1 end of initialisation",                 Action::Session, 1),
    open(81, "S_CH_NA_1 authentication challenge",              Action::Auth),
    open(82, "S_RP_NA_1 authentication reply",                  Action::Auth),
    open(83, "S_AR_NA_1 aggressive mode authentication",        Action::Auth),
    open(84, "S_KR_NA_1 session key status request",            Action::Auth),
    open(85, "S_KS_NA_1 session key status",                    Action::Auth),
    open(86, "S_KC_NA_1 session key change",                    Action::Auth),
    open(87, "S_ER_NA_1 authentication error",                  Action::Auth),
    open(90, "S_US_NA_1 user status change",                    Action::Auth),
    open(91, "S_UQ_NA_1 update key change request",             Action::Auth),
    open(92, "S_UR_NA_1 update key change reply",               Action::Auth),
    open(93, "S_UK_NA_1 update key change, symmetric",          Action::Auth),
    open(94, "S_UA_NA_1 update key change, asymmetric",         Action::Auth),
    open(95, "S_UC_NA_1 update key change confirmation",        Action::Auth),
    row(100, "C_IC_NA_1 interrogation",                         Action::Read, 1),
    row(101, "C_CI_NA_1 counter interrogation",                 Action::Read, 1),
    row(102, "C_RD_NA_1 read",                                  Action::Read, 0),
    row(103, "C_CS_NA_1 clock synchronisation",                 Action::Configure, 7),
    row(104, "C_TS_NA_1 test",                                  Action::Session, 2),
    row(105, "C_RP_NA_1 reset process",                         Action::Control, 1),
    row(106, "C_CD_NA_1 delay acquisition",                     Action::Session, 2),
    row(107, "C_TS_TA_1 test with time",                        Action::Session, 9),
    row(110, "P_ME_NA_1 parameter, normalised",                 Action::Configure, 3),
    row(111, "P_ME_NB_1 parameter, scaled",                     Action::Configure, 3),
    row(112, "P_ME_NC_1 parameter, float",                      Action::Configure, 5),
    row(113, "P_AC_NA_1 parameter activation",                  Action::Configure, 1),
    row(120, "F_FR_NA_1 file ready",                            Action::Program, 6),
    row(121, "F_SR_NA_1 section ready",                         Action::Program, 7),
    row(122, "F_SC_NA_1 call directory, select or call file",   Action::Read, 4),
    row(123, "F_LS_NA_1 last section or segment",               Action::Program, 5),
    row(124, "F_AF_NA_1 acknowledge file or section",           Action::Session, 4),
    open(125, "F_SG_NA_1 segment",                              Action::Program),
    row(126, "F_DR_TA_1 directory",                             Action::Discover, 13),
    open(127, "F_SC_NB_1 query log",                            Action::Read),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_only_commands_act() {
        assert!(TYPES.is_sorted_by(|a, b| a.id < b.id));
        assert!(TYPES.iter().all(|row| row.name.starts_with(['M', 'C', 'P', 'S', 'F'])));
        for row in TYPES.iter().filter(|row| row.name.starts_with('M')) {
            assert!(!row.action.changes_the_process(), "{}", row.name);
        }
        assert_eq!(find(105).map(|row| row.action), Some(Action::Control));
        assert!(find(0).is_none() && find(17).is_none());
    }
}
