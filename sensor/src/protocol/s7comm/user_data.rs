//! User data messages: requests, responses in several units, and what the controller pushes unasked.
//!
//! ```text
//!  0    3     4        5            6     7          8      9      10
//! +----+-----+--------+------------+-----+----------+------+------+-------+
//! | 00 01 12 | length | method     | type, group | sub | sequence | unit | more | error |   (from unit on: responses
//! +----------+--------+--------+-------------+-----+----------+------+------+-------+    and requests for more)
//! ```

use super::functions::{self, Function};
use super::{Message, command, szl};
use crate::protocol::Event;
use crate::protocol::bytes::Bytes;
use crate::protocol::command::{Action, Direction, Status};
use crate::protocol::input::Side;
use crate::protocol::pending::Pending;
use crate::protocol::text::Text;

/// The most of one answer that is put together; a whole component identification has 400 bytes.
const MAX_ANSWER: usize = 2048;
/// Read SZL.
const READ_SZL: u32 = 4 << 8 | 1;
/// List blocks of type, and get block info.
const LIST_TYPE: u32 = 3 << 8 | 2;
const BLOCK_INFO: u32 = 3 << 8 | 3;
/// Return code, transport size and length before the data proper.
const DATA_HEADER: usize = 4;

/// What is remembered between user data messages.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What requests were about, by who asked and reference.
    objects: Pending<(Side, u16), Option<Text>>,
    /// The answer that is arriving in several units. Real clients ask for one at a time.
    answer: Option<Answer>,
}

/// An answer of which more is to come.
#[derive(Debug)]
struct Answer {
    code: u32,
    sequence: u8,
    object: Option<Text>,
    data: Vec<u8>,
}

impl State {
    /// Forgets what depends on lost bytes of that side.
    pub(super) fn gap(&mut self, side: Side) {
        self.objects.forget(|(asker, _)| *asker == side);
        if side == Side::Server {
            self.answer = None;
        }
    }

    pub(super) fn message(&mut self, message: &Message<'_>, side: Side, out: &mut Vec<Event>) {
        let parameters = message.parameters;
        let kind = parameters.u8_at(5).unwrap_or(0);
        let mut function = functions::user_data(kind & 0x0f, parameters.u8_at(6).unwrap_or(0));
        let sequence = parameters.u8_at(7).unwrap_or(0);
        let body = message.data.tail(DATA_HEADER);
        let (direction, status, object) = match kind >> 4 {
            4 | 7 => {
                let object = match &self.answer {
                    Some(answer) if continues(parameters) && answer.is(function.code, sequence) => {
                        answer.object.clone()
                    }
                    _ => object(function.code, body),
                };
                self.objects.insert((side, message.reference), object.clone());
                (Direction::Request, Status::None, object)
            }
            8 | 11 => {
                let asked = self.objects.take(&(side.other(), message.reference)).flatten();
                let status = status(message);
                // An SZL answer repeats the id, in its first unit.
                let repeats = function.code == READ_SZL && status == Status::Ok && unit(parameters) == 0;
                let object = asked.or_else(|| if repeats { object(READ_SZL, body) } else { None });
                self.answered(&function, message, sequence, object.clone(), side, out);
                (Direction::Response, status, object)
            }
            _ => {
                // What a controller sends by itself does nothing to it.
                if function.action != Action::Read {
                    function.action = Action::Other;
                }
                (Direction::Notification, Status::None, None)
            }
        };
        out.push(command(&function, direction, status, object));
    }

    /// Collects the units of an SZL answer and reads it when it is whole.
    fn answered(
        &mut self,
        function: &Function,
        message: &Message<'_>,
        sequence: u8,
        object: Option<Text>,
        side: Side,
        out: &mut Vec<Event>,
    ) {
        let body = message.data.tail(DATA_HEADER);
        let unit = unit(message.parameters);
        let more = unit != 0 && message.parameters.u8_at(9) == Some(1);
        let earlier = self.answer.take().filter(|answer| unit != 0 && answer.is(function.code, sequence));
        let keep = function.code == READ_SZL;
        match earlier {
            None if !more => {
                // The last unit of an answer whose first was not seen does not start with the list's header.
                if keep && unit == 0 {
                    szl::assets(body, side, out);
                }
            }
            earlier => {
                let mut answer =
                    earlier.unwrap_or(Answer { code: function.code, sequence, object, data: Vec::new() });
                if keep {
                    let room = MAX_ANSWER.saturating_sub(answer.data.len());
                    answer.data.extend_from_slice(body.get(..room).unwrap_or(body));
                }
                if more {
                    self.answer = Some(answer);
                } else if keep {
                    szl::assets(&answer.data, side, out);
                }
            }
        }
    }
}

impl Answer {
    const fn is(&self, code: u32, sequence: u8) -> bool {
        self.code == code && self.sequence == sequence
    }
}

/// The number that marks the units of one answer; 0 where it is the only one.
fn unit(parameters: &[u8]) -> u8 {
    parameters.u8_at(8).unwrap_or(0)
}

/// A request of the longer form asks for the next unit of an answer.
fn continues(parameters: &[u8]) -> bool {
    parameters.len() >= 12
}

/// What a request is about, as far as its function does not say.
fn object(code: u32, body: &[u8]) -> Option<Text> {
    match code {
        READ_SZL => body.be16(0).map(|id| format_args!("SZL {id:#06x}").into()),
        LIST_TYPE => functions::block_type(body.get(..2)?).map(Into::into),
        BLOCK_INFO => super::blocks::name(body),
        _ => None,
    }
}

/// The parameters' error, else the return code of the data where there are any.
fn status(message: &Message<'_>) -> Status {
    match (message.parameters.be16(10), message.data.u8_at(0)) {
        (Some(error), _) if error != 0 => Status::Refused(u32::from(error), functions::error(error)),
        (_, Some(code)) if code != functions::SUCCESS && code != 0x0a => {
            Status::Refused(u32::from(code), functions::item_error(code))
        }
        // 0x0A with nothing behind it is how an answer without data looks.
        _ => Status::Ok,
    }
}
