//! Several workers on a live interface: each frame comes to one of them, and what sensors find on one wire does not depend on
//! how many workers they have.
//!
//! Needs root; says so and skips without.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod handles;
#[path = "../fanout/kernel.rs"]
mod kernel;
#[path = "../live/namespace.rs"]
mod namespace;
#[path = "../live/needs.rs"]
mod needs;
mod sensors;
#[path = "../served/mod.rs"]
mod served;
#[path = "../support/mod.rs"]
mod support;
mod wire;
