//! AARQ to AARE, and RLRQ to RLRE.

use std::format;

use super::*;

/// An AARE that rejects: its context, its diagnostic, the error of the InitiateRequest.
fn rejection(context: u8, diagnostic: u8, error: &str) -> String {
    format!(
        "611fa1090607608574050801{context:02x}a203020101a305a1030201{diagnostic:02x}be060404{error}"
    )
}

/// An AARQ without ciphering: its fields after the application context.
fn aarq(fields: &str) -> String {
    let fields = format!("a109060760857405080101{fields}be10040e01000000065f1f0400007e1fffff");
    format!("60{:02x}{fields}", fields.len() / 2)
}

#[test]
fn a_public_client_comes_reads_and_goes() {
    let mut bench = Bench::new(Toy::new());
    assert_eq!(
        bench.ask(AARQ),
        "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400001e1d04000007",
    );
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}00")), "c401c100060000002a");
    assert_eq!(bench.ask("6203800100"), "6303800100");
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}00")), "d80101");
    assert_eq!(bench.ask("6203800100"), "6303800100", "the first RLRE may have been lost");
}

#[test]
fn nothing_is_served_before_an_association() {
    for request in [format!("c001c1{ENERGY}00"), "c8051000000001".to_owned(), "ff".to_owned()] {
        assert_eq!(Bench::new(Toy::new()).ask(&request), "d80101");
    }
    assert_eq!(Bench::new(Toy::new()).ask(""), "d80101");
}

#[test]
fn a_client_that_the_device_does_not_know_is_rejected() {
    let mut bench = Bench::new(Toy::new());
    bench.server = Server::new(ServerConfig::new(17));
    assert_eq!(bench.ask(AARQ), rejection(1, 1, "0e010600"));
    assert!(!bench.server.is_associated());
}

#[test]
fn there_is_but_one_acse_version() {
    // protocol-version, of which the first bit is version 1
    let version = |bits: &str| {
        let fields = "a109060760857405080101be10040e01000000065f1f0400007e1fffff";
        format!("60218002{bits}{fields}")
    };
    let mut bench = Bench::new(Toy::new());
    assert_eq!(
        bench.ask(&version("0700")),
        "611fa109060760857405080101a203020101a305a203020102be0604040e010600",
    );
    assert!(!bench.server.is_associated());
    bench.ask(&version("0780"));
    assert!(bench.server.is_associated());
}

#[test]
fn the_password_must_be_right() {
    let mechanism = "8a0207808b0760857405080201";
    for (password, accepted) in
        [("12345678", true), ("12345679", false), ("1234567", false), ("", false)]
    {
        let mut bench = Bench::new(Toy::demanding(Mechanism::Lls));
        let value = hex(password.as_bytes());
        let len = password.len();
        let aarq = aarq(&format!("{mechanism}ac{:02x}80{len:02x}{value}", len + 2));
        let aare = bench.ask(&aarq);
        assert_eq!(bench.server.is_associated(), accepted, "{password}");
        if !accepted {
            assert_eq!(aare, rejection(1, 13, "0e010600"));
        }
    }
}

#[test]
fn who_must_authenticate_is_told_so() {
    let mut bench = Bench::new(Toy::demanding(Mechanism::Lls));
    assert_eq!(bench.ask(AARQ), rejection(1, 14, "0e010600"));
}

#[test]
fn a_mechanism_that_is_not_allowed_is_not_recognised() {
    for mechanism in ["02", "05", "07", "63"] {
        let mut bench = Bench::new(Toy::demanding(Mechanism::Lls));
        let fields = format!("8a0207808b07608574050802{mechanism}ac0a80084142434445464748");
        assert_eq!(bench.ask(&aarq(&fields)), rejection(1, 11, "0e010600"));
    }
    // Whatever the policy says, nobody verifies ECDSA without the client's public key.
    let mut bench = Bench::new(Toy::demanding(Mechanism::HlsEcdsa));
    let fields = "8a0207808b0760857405080207ac0a80084142434445464748";
    assert_eq!(bench.ask(&aarq(fields)), rejection(1, 11, "0e010600"));
}

#[test]
fn an_authentication_value_needs_a_mechanism_name() {
    let mut bench = Bench::new(Toy::new());
    let fields = "8a020780ac0a80083132333435363738";
    assert_eq!(bench.ask(&aarq(fields)), rejection(1, 12, "0e010600"));
}

#[test]
fn a_challenge_has_8_to_64_octets() {
    for (len, accepted) in [(7, false), (8, true), (64, true), (65, false)] {
        let mut bench = Bench::new(Toy::new());
        let challenge = hex(&[0x41].repeat(len));
        let value = format!("ac{:02x}80{len:02x}{challenge}", len + 2);
        let aare = bench.ask(&aarq(&format!("8a0207808b0760857405080203{value}")));
        assert_eq!(aare.contains("a203020100"), accepted, "{len}");
    }
}

#[test]
fn the_mechanisms_with_titles_in_their_proofs_need_the_title_of_the_client() {
    for (mechanism, needs) in [("03", false), ("05", true), ("06", true)] {
        let mut bench = Bench::new(Toy::new());
        let fields = format!("8a0207808b07608574050802{mechanism}ac0a80084142434445464748");
        let aare = bench.ask(&aarq(&fields));
        assert_eq!(aare == rejection(1, 3, "0e010600"), needs, "{mechanism}");
    }
}

#[test]
fn short_name_referencing_is_not_supported() {
    let mut bench = Bench::new(Toy::new());
    let aarq = AARQ.replace("60857405080101", "60857405080102");
    assert_eq!(bench.ask(&aarq), rejection(1, 2, "0e010600"));
    let aarq = AARQ.replace("60857405080101", "60857405080104");
    assert_eq!(bench.ask(&aarq), rejection(3, 2, "0e010600"));
}

#[test]
fn a_client_that_must_protect_gets_no_context_without_ciphering() {
    let mut bench = Bench::new(Toy { protection: Protection::ENCRYPTED, ..Toy::new() });
    assert_eq!(bench.ask(AARQ), rejection(1, 2, "0e010600"));
}

#[test]
fn what_is_wrong_with_the_initiate_request_is_told() {
    for (initiate, error) in [
        // DLMS version 5
        ("01000000055f1f0400007e1fffff", "0e010601"),
        // nothing in common
        ("01000000065f1f04001c0000ffff", "0e010602"),
        // 11 octets are too few, 12 are enough
        ("01000000065f1f0400007e1f000b", "0e010603"),
        // a dedicated key in the clear
        ("0101040102030400000000065f1f", "0e010600"),
        // not an InitiateRequest
        ("08000000065f1f0400007e1fffff", "0e010600"),
    ] {
        let mut bench = Bench::new(Toy::new());
        let aarq = format!("601da109060760857405080101be10040e{initiate}");
        assert_eq!(bench.ask(&aarq), rejection(1, 1, error), "{initiate}");
        assert!(!bench.server.is_associated());
    }
    let key = "00112233445566778899aabbccddeeff";
    let initiate = format!("010110{key}0000065f1f0400007e1fffff");
    let mut bench = Bench::new(Toy::new());
    let aarq = format!("602ea109060760857405080101be21041f{initiate}");
    assert_eq!(bench.ask(&aarq), rejection(1, 1, "0e010604"));
}

#[test]
fn octets_that_are_no_aarq_are_rejected() {
    for aarq in ["60", "6000", "601d", "601da10906076085740508"] {
        let mut bench = Bench::new(Toy::new());
        assert_eq!(bench.ask(aarq), rejection(1, 1, "0e010600"), "{aarq}");
    }
}

#[test]
fn a_client_that_wants_no_response_gets_none() {
    let mut bench = Bench::new(Toy::new());
    // response-allowed FALSE
    let initiate = "0100010000065f1f0400007e1fffff";
    let aarq = format!("601ea109060760857405080101be11040f{initiate}");
    assert_eq!(bench.ask(&aarq), "");
    assert!(bench.server.is_associated());
    assert_eq!(bench.ask(&format!("c10181{NOTE}001107")), "");
    assert_eq!(bench.device.note, [0x11, 0x07]);
    assert_eq!(bench.ask(&format!("c001c1{NOTE}00")), "");
    assert_eq!(bench.ask("6203800100"), "", "nor is its release answered");
    assert!(!bench.server.is_associated());
    // The next one that wants to know is told.
    assert_eq!(bench.ask(&aarq), "");
    assert!(!bench.ask("60").is_empty());
}

#[test]
fn a_new_aarq_replaces_the_association() {
    let mut bench = Bench::associated();
    let aarq = aarq("8a0207808b0760857405080203ac0a80084142434445464748");
    assert!(bench.ask(&aarq).contains("a305a10302010e"));
    assert!(!bench.server.is_associated());
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}00")), "d80101");
}

#[test]
fn between_aare_and_the_right_answer_only_the_answer_is_served() {
    let mut bench = Bench::new(Toy::demanding(Mechanism::HlsMd5));
    let aarq = aarq("8a0207808b0760857405080203ac0a80084142434445464748");
    let aare = bench.ask(&aarq);
    // authentication-required, mechanism 3, the challenge 01 02 .. 10
    assert!(aare.contains("a305a10302010e88020780890760857405080203aa1280100102030405060708090a"));
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}00")), "d80101");
    assert_eq!(bench.ask(&format!("c301c1{SINK}00")), "d80101");
    // a wrong answer ends it
    let reply = format!("0910{}", "00".repeat(16));
    assert_eq!(bench.ask(&format!("c301c1000f0000280000ff0101{reply}")), "c701c10300");
    assert_eq!(bench.ask(&format!("c301c1000f0000280000ff0101{reply}")), "d80101");
}

#[test]
fn the_right_answer_to_the_challenge_opens_the_association() {
    let mut bench = Bench::new(Toy::demanding(Mechanism::HlsMd5));
    bench.ask(&aarq("8a0207808b0760857405080203ac0a80084142434445464748"));
    let stoc: [u8; 16] = core::array::from_fn(|octet| octet as u8 + 1);
    let reply = RustCrypto.md5(&[&stoc, b"12345678"]).unwrap();
    let ctos = RustCrypto.md5(&[b"ABCDEFGH", b"12345678"]).unwrap();
    assert_eq!(
        bench.ask(&format!("c301c1000f0000280000ff01010910{}", hex(&reply))),
        format!("c701c10001000910{}", hex(&ctos)),
    );
    assert!(bench.server.is_associated());
    // There is nothing to answer any more.
    assert_eq!(bench.ask(&format!("c301c1000f0000280000ff0101{}", "0900")), "c701c10300");
}
