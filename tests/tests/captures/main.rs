//! Real captures, against figures of an independent dissector. They are found by `ISTHMUS_CAPTURES` or in
//! `../shared/captures` beside the repository; without them these tests say that they skip. Where tshark is installed its
//! own counts are compared too.
//!
//! One module a protocol. A new capture, or a protocol that finds something in one, also needs its row in `every_file`.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

mod bacnet;
mod dnp3;
mod enip;
mod every_file;
mod findings;
mod helper;
mod iec104;
mod it_side;
mod lookalikes;
mod mms;
mod modbus;
mod opcua;
mod oracle;
mod process_bus;
mod profinet;
mod rdp;
mod s7comm;
mod s7comm_plus;
mod streams;
mod tls;
mod vendors;
mod wrong_ports;
