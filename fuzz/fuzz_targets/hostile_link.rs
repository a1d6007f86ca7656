#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| hdlc::fuzzing::hostile_link(octets));
