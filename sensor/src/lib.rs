//! Isthmus: a passive sensor for the gateway between IT and OT networks.
//!
//! In the order of the data: [`source`] delivers records, [`engine`] takes them one by one, [`decode`] and [`protocol`]
//! read payload, [`state`] remembers, [`detect`] finds what is unusual by [`importance`], [`mind`] learns what is not,
//! [`incident`] writes the story and an [`observer`] is told. Time is always [`time::Time`], from the records.
#![deny(unsafe_code)]
// `println!` panics where nobody reads any more (`isthmus hosts | head`).
#![deny(clippy::print_stdout)]

pub mod chronicle;
pub mod cli;
pub mod config;
pub mod decode;
pub mod detect;
pub mod engine;
pub mod importance;
pub mod incident;
pub mod mind;
pub mod observer;
pub mod order;
pub mod output;
pub mod protocol;
pub mod run;
pub mod source;
pub mod state;
pub mod store;
pub mod time;
pub mod words;
