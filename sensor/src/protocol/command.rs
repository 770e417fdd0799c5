//! The common view of an industrial message.

use crate::protocol::text::{Code, Text};

/// What a message does to the process, whatever its protocol. Ordered from harmless to not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Action {
    /// Sets up, keeps or ends a session; negotiates.
    Session,
    /// Understood as far as its frame, not as to what it does.
    Other,
    /// Asks what a device is and holds.
    Discover,
    /// Reads values.
    Read,
    /// Reads a program out of a controller (backups do).
    ReadProgram,
    /// Proves who one is: passwords, challenges.
    Auth,
    /// Writes values.
    Write,
    /// Changes how a device works: address, name, clock, filter.
    Configure,
    /// Changes the program or firmware of a controller.
    Program,
    /// Stops, starts, restarts, resets a controller.
    Control,
}

impl Action {
    /// All actions, in order.
    pub const ALL: [Self; 10] = [
        Self::Session,
        Self::Other,
        Self::Discover,
        Self::Read,
        Self::ReadProgram,
        Self::Auth,
        Self::Write,
        Self::Configure,
        Self::Program,
        Self::Control,
    ];

    /// The word used in JSON and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "Session",
            Self::Other => "Other",
            Self::Discover => "Discover",
            Self::Read => "Read",
            Self::ReadProgram => "ReadProgram",
            Self::Auth => "Auth",
            Self::Write => "Write",
            Self::Configure => "Configure",
            Self::Program => "Program",
            Self::Control => "Control",
        }
    }

    /// Whether the process may behave differently afterwards.
    pub const fn changes_the_process(self) -> bool {
        matches!(self, Self::Write | Self::Configure | Self::Program | Self::Control)
    }
}

/// Which way a message goes in its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Asks.
    Request,
    /// Answers.
    Response,
    /// Neither: sent unasked.
    Notification,
}

impl Direction {
    /// The word used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Notification => "notification",
        }
    }
}

/// How a request fared, as its response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// A request, or a message without an outcome.
    None,
    /// Accepted.
    Ok,
    /// Refused: the protocol's error code and name.
    Refused(u32, &'static str),
}

/// One message of an industrial protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it does.
    pub action: Action,
    /// Which way it goes.
    pub direction: Direction,
    /// The function code as a number; where a protocol has two levels, `group << 8 | function`.
    pub code: u32,
    /// The function code as the field writes it: `0x29`, `4/1`, `90/0x41`.
    pub code_text: Code,
    /// The function's name, lower case, from the specification: `plc stop`, `write multiple registers`.
    pub name: &'static str,
    /// Outcome, on responses.
    pub status: Status,
    /// Modbus unit id or another address below the IP address.
    pub unit: Option<u32>,
    /// What it is about, where that tells more than the function: a block, a PI service, an SZL id.
    pub object: Option<Text>,
    /// The protocol it belongs to, where that travels inside the connection's own (CIP in EtherNet/IP): a registered name.
    pub protocol: Option<&'static str>,
}

/// A function of a protocol: what it is called and does, whoever asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// [`Command::action`].
    pub action: Action,
    /// [`Command::code`].
    pub code: u32,
    /// [`Command::code_text`].
    pub text: Code,
    /// [`Command::name`].
    pub name: &'static str,
}

impl Function {
    /// A function whose code is written as `text`.
    pub fn new(action: Action, code: u32, text: impl Into<Code>, name: &'static str) -> Self {
        Self { action, code, text: text.into(), name }
    }

    /// A message that asks for it, answers it or tells of it.
    pub fn command(self, direction: Direction) -> Command {
        Command {
            action: self.action,
            direction,
            code: self.code,
            code_text: self.text,
            name: self.name,
            status: Status::None,
            unit: None,
            object: None,
            protocol: None,
        }
    }
}

impl Command {
    /// With an outcome.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// With what it is about.
    #[must_use]
    pub fn with_object(mut self, object: Option<Text>) -> Self {
        self.object = object;
        self
    }

    /// With an address below the IP address.
    #[must_use]
    pub fn with_unit(mut self, unit: Option<u32>) -> Self {
        self.unit = unit;
        self
    }
}
