#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| qnetwork::fuzzing::names(text));
