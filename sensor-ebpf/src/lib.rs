//! The packet path of Isthmus. Most of it also runs on the host.
//!
//! One packet, one call of [`observe::observe`], generic over [`frame::Frame`] (bounded reads) and
//! [`tables::Tables`] (clock, flows, policy, rings). The XDP binary implements both with packet pointers and BPF
//! maps; capture replay, tests, fuzzing and benches implement them with slices and vectors. There is no second parser.
//!
//! In the order a packet meets them: [`frame`] reads, [`wire`] finds the headers, [`flow`] keeps the one-direction
//! flow cache, [`observe`] decides what leaves, [`record`] is what crosses to user space. [`policy`] holds what user
//! space sets: ports, classes, limits. The kernel observes; client, server, refused are the engine's words.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic, clippy::expect_used)]

pub mod counters;
pub mod flow;
pub mod frame;
pub mod observe;
pub mod policy;
pub mod record;
pub mod ship;
pub mod storm;
pub mod tables;
pub mod wire;
