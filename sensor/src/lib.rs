//! Isthmus: a passive sensor for the gateway between IT and OT networks.
//!
//! In the order of the data: [`source`] delivers records, [`protocol`] reads payload, [`detect`] finds what is unusual
//! by [`importance`], [`incident`] writes the story. Time is always [`time::Time`], from the records.
#![deny(unsafe_code)]

pub mod detect;
pub mod importance;
pub mod incident;
pub mod protocol;
pub mod source;
pub mod time;
