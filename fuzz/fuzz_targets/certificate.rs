#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| dlms_core::fuzzing::certificate(octets));
