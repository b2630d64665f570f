#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| straggler_fuzz::checks::device_files::check(input));
