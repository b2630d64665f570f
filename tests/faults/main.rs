//! A live daemon under load, and what may happen to it: killed, its disk full or stalled, no descriptors, no memory, a storm of
//! signals. Nothing that was found is lost, and what is wrong is told.
//!
//! Some minutes, in a network of its own (`unshare`), so it needs root: `make test-long`. What each case measures is printed; it
//! stands in `docs/reliability.md`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod descriptors;
mod disk;
mod inside;
mod killed;
mod memory;
#[path = "../live/needs.rs"]
mod needs;
#[path = "../served/mod.rs"]
mod served;
mod storm;
