//! Hostile input for Straggler. `checks` holds what must be true whatever the bytes, `seeds` the inputs to start from.
//!
//! libFuzzer runs the checks through `fuzz_targets`; `tests/hostile.rs` of the project runs the same files over damaged
//! seeds with the stable compiler. Every byte is made by the builders of `tests/support`; none was recorded.

pub mod checks;
pub mod seeds;
#[path = "../../tests/support/mod.rs"]
pub mod support;
