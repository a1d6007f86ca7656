#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| dlms_xml::fuzzing::xml(octets));
