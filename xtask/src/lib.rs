//! What `cargo xtask` does, one command a file. Nothing here runs on a gateway.
#![forbid(unsafe_code)]

pub mod bench;
pub mod build;
pub mod cleanup;
pub mod command;
pub mod demo;
pub mod evaluate;
pub mod fuzz;
pub mod kernels;
pub mod lint;
pub mod netns;
pub mod object;
pub mod test;
pub mod toolchain;
