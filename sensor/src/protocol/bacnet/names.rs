//! Services, functions and errors by name (clauses 18, 21 and annex J).

use crate::protocol::command::Action;

/// A confirmed service: what it does and its name.
pub(super) const fn confirmed(service: u8) -> (Action, &'static str) {
    match service {
        0 => (Action::Write, "acknowledge-alarm"),
        1 => (Action::Read, "confirmed-cov-notification"),
        2 => (Action::Read, "confirmed-event-notification"),
        3 => (Action::Read, "get-alarm-summary"),
        4 => (Action::Read, "get-enrollment-summary"),
        5 => (Action::Read, "subscribe-cov"),
        6 => (Action::ReadProgram, "atomic-read-file"),
        7 => (Action::Program, "atomic-write-file"),
        8 => (Action::Write, "add-list-element"),
        9 => (Action::Write, "remove-list-element"),
        10 => (Action::Configure, "create-object"),
        11 => (Action::Configure, "delete-object"),
        12 => (Action::Read, "read-property"),
        13 => (Action::Read, "read-property-conditional"),
        14 => (Action::Read, "read-property-multiple"),
        15 => (Action::Write, "write-property"),
        16 => (Action::Write, "write-property-multiple"),
        17 => (Action::Control, "device-communication-control"),
        18 => (Action::Other, "confirmed-private-transfer"),
        19 => (Action::Other, "confirmed-text-message"),
        20 => (Action::Control, "reinitialize-device"),
        21 => (Action::Session, "vt-open"),
        22 => (Action::Session, "vt-close"),
        23 => (Action::Other, "vt-data"),
        24 => (Action::Auth, "authenticate"),
        25 => (Action::Auth, "request-key"),
        26 => (Action::Read, "read-range"),
        27 => (Action::Control, "life-safety-operation"),
        28 => (Action::Read, "subscribe-cov-property"),
        29 => (Action::Read, "get-event-information"),
        30 => (Action::Read, "subscribe-cov-property-multiple"),
        31 => (Action::Read, "confirmed-cov-notification-multiple"),
        32 => (Action::Read, "confirmed-audit-notification"),
        33 => (Action::Read, "audit-log-query"),
        _ => (Action::Other, "confirmed service"),
    }
}

/// Confirmed services that a device sends unasked, to have them acknowledged.
pub(super) const fn is_notification(service: u8) -> bool {
    matches!(service, 1 | 2 | 31 | 32)
}

/// An unconfirmed service: what it does, whether it asks, and its name.
pub(super) const fn unconfirmed(service: u8) -> (Action, bool, &'static str) {
    match service {
        0 => (Action::Discover, false, "i-am"),
        1 => (Action::Discover, false, "i-have"),
        2 => (Action::Read, false, "unconfirmed-cov-notification"),
        3 => (Action::Read, false, "unconfirmed-event-notification"),
        4 => (Action::Other, false, "unconfirmed-private-transfer"),
        5 => (Action::Other, false, "unconfirmed-text-message"),
        6 => (Action::Configure, true, "time-synchronization"),
        7 => (Action::Discover, true, "who-has"),
        8 => (Action::Discover, true, "who-is"),
        9 => (Action::Configure, true, "utc-time-synchronization"),
        10 => (Action::Write, true, "write-group"),
        11 => (Action::Read, false, "unconfirmed-cov-notification-multiple"),
        12 => (Action::Read, false, "unconfirmed-audit-notification"),
        13 => (Action::Discover, true, "who-am-i"),
        14 => (Action::Configure, true, "you-are"),
        _ => (Action::Other, false, "unconfirmed service"),
    }
}

/// A BVLC function.
pub(super) const fn bvlc(code: u8) -> &'static str {
    match code {
        0x01 => "write-broadcast-distribution-table",
        0x02 => "read-broadcast-distribution-table",
        0x03 => "read-broadcast-distribution-table-ack",
        0x05 => "register-foreign-device",
        0x06 => "read-foreign-device-table",
        0x07 => "read-foreign-device-table-ack",
        0x08 => "delete-foreign-device-table-entry",
        0x0c => "secured-bvll",
        _ => "bvlc function",
    }
}

/// Why a broadcast manager refused.
pub(super) const fn bvlc_result(code: u16) -> &'static str {
    match code {
        0x10 => "write-broadcast-distribution-table nak",
        0x20 => "read-broadcast-distribution-table nak",
        0x30 => "register-foreign-device nak",
        0x40 => "read-foreign-device-table nak",
        0x50 => "delete-foreign-device-table-entry nak",
        0x60 => "distribute-broadcast-to-network nak",
        _ => "unknown result",
    }
}

/// Why a request was rejected.
pub(super) const fn reject(reason: u8) -> &'static str {
    match reason {
        0 => "reject: other",
        1 => "reject: buffer-overflow",
        2 => "reject: inconsistent-parameters",
        3 => "reject: invalid-parameter-data-type",
        4 => "reject: invalid-tag",
        5 => "reject: missing-required-parameter",
        6 => "reject: parameter-out-of-range",
        7 => "reject: too-many-arguments",
        8 => "reject: undefined-enumeration",
        9 => "reject: unrecognized-service",
        _ => "reject: proprietary",
    }
}

/// Why a transaction was aborted.
pub(super) const fn abort(reason: u8) -> &'static str {
    match reason {
        0 => "abort: other",
        1 => "abort: buffer-overflow",
        2 => "abort: invalid-apdu-in-this-state",
        3 => "abort: preempted-by-higher-priority-task",
        4 => "abort: segmentation-not-supported",
        5 => "abort: security-error",
        6 => "abort: insufficient-security",
        7 => "abort: window-size-out-of-range",
        8 => "abort: application-exceeded-reply-time",
        9 => "abort: out-of-resources",
        10 => "abort: tsm-timeout",
        11 => "abort: apdu-too-long",
        _ => "abort: proprietary",
    }
}

/// What went wrong.
pub(super) const fn error(code: u32) -> &'static str {
    match code {
        0 => "other",
        1 => "authentication-failed",
        2 => "configuration-in-progress",
        3 => "device-busy",
        4 => "dynamic-creation-not-supported",
        5 => "file-access-denied",
        7 => "inconsistent-parameters",
        9 => "invalid-data-type",
        10 => "invalid-file-access-method",
        11 => "invalid-file-start-position",
        13 => "invalid-parameter-data-type",
        14 => "invalid-time-stamp",
        16 => "missing-required-parameter",
        17 => "no-objects-of-specified-type",
        18 => "no-space-for-object",
        19 => "no-space-to-add-list-element",
        20 => "no-space-to-write-property",
        22 => "property-is-not-a-list",
        23 => "object-deletion-not-permitted",
        24 => "object-identifier-already-exists",
        25 => "operational-problem",
        26 => "password-failure",
        27 => "read-access-denied",
        28 => "security-not-supported",
        29 => "service-request-denied",
        30 => "timeout",
        31 => "unknown-object",
        32 => "unknown-property",
        36 => "unsupported-object-type",
        37 => "value-out-of-range",
        40 => "write-access-denied",
        41 => "character-set-not-supported",
        42 => "invalid-array-index",
        43 => "cov-subscription-failed",
        44 => "not-cov-property",
        45 => "optional-functionality-not-supported",
        46 => "invalid-configuration-data",
        47 => "datatype-not-supported",
        48 => "duplicate-name",
        49 => "duplicate-object-id",
        50 => "property-is-not-an-array",
        70 => "unknown-device",
        71 => "unknown-route",
        72 => "value-not-initialized",
        79 => "unknown-subscription",
        82 => "busy",
        83 => "communication-disabled",
        85 => "access-denied",
        122 => "unknown-file-size",
        128 => "file-full",
        131 => "internal-error",
        132 => "not-configured",
        133 => "out-of-memory",
        _ => "unknown error",
    }
}

/// What a device is told to become.
pub(super) const fn reinitialized(state: u32) -> (Action, &'static str) {
    match state {
        0 => (Action::Control, "coldstart"),
        1 => (Action::Control, "warmstart"),
        2 => (Action::ReadProgram, "start-backup"),
        3 => (Action::ReadProgram, "end-backup"),
        4 => (Action::Program, "start-restore"),
        5 => (Action::Program, "end-restore"),
        6 => (Action::Control, "abort-restore"),
        7 => (Action::Control, "activate-changes"),
        _ => (Action::Control, "unknown state"),
    }
}

/// What a program is told to do.
pub(super) const fn program_change(request: u32) -> (Action, &'static str) {
    match request {
        0 => (Action::Write, "ready"),
        1 => (Action::Program, "load"),
        2 => (Action::Control, "run"),
        3 => (Action::Control, "halt"),
        4 => (Action::Control, "restart"),
        5 => (Action::Program, "unload"),
        _ => (Action::Control, "unknown request"),
    }
}

/// What a device's communication is told to be.
pub(super) const fn communication(state: u32) -> &'static str {
    match state {
        0 => "enable",
        1 => "disable",
        2 => "disable-initiation",
        _ => "unknown state",
    }
}
