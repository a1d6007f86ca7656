//! The four passes of high level security, with a scripted meter (Green Book 9.2.7.4).

use super::*;
use crate::security::{Protection, hls as passes};

const MECHANISMS: [Mechanism; 5] = [
    Mechanism::Hls2,
    Mechanism::HlsMd5,
    Mechanism::HlsSha1,
    Mechanism::HlsGmac,
    Mechanism::HlsSha256,
];
/// What `Counting` fills the first 16 octets with.
const CTOS: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const STOC: &[u8] = b"P6wRJ21F";

fn config(mechanism: Mechanism) -> ClientConfig {
    ClientConfig {
        mechanism,
        secret: Secret::from("12345678"),
        manufacturer_mechanism: Some(Arc::new(passes::AesEcb)),
        server_title: None,
        ..ciphered_with(Protection::NONE)
    }
}

/// The meter's half.
struct Meter {
    mechanism: Mechanism,
    secret: Secret,
    key: Key,
    authentication_key: Key,
    stoc: Vec<u8>,
}

impl Meter {
    fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            secret: Secret::from("12345678"),
            key: key(0),
            authentication_key: key(0xd0),
            stoc: STOC.to_vec(),
        }
    }

    fn exchange(&self) -> passes::Exchange<'_> {
        let secret = |mechanism| {
            passes::Credentials::Secret(passes::SharedSecret { mechanism, secret: &self.secret })
        };
        let credentials = match self.mechanism {
            Mechanism::Hls2 => secret(passes::SecretMechanism::Manufacturer(&passes::AesEcb)),
            Mechanism::HlsMd5 => secret(passes::SecretMechanism::Md5),
            Mechanism::HlsSha1 => secret(passes::SecretMechanism::Sha1),
            Mechanism::HlsSha256 => secret(passes::SecretMechanism::Sha256),
            _ => passes::Credentials::Gmac(passes::GmacKeys {
                suite: SecuritySuite::Suite0,
                key: &self.key,
                authentication_key: &self.authentication_key,
            }),
        };
        passes::Exchange {
            credentials,
            client_title: Some(CLIENT_TITLE),
            server_title: Some(SERVER_TITLE),
            ctos: &CTOS,
            stoc: &self.stoc,
        }
    }

    /// Accepted so far, and here is a challenge.
    fn aare(&self) -> Vec<u8> {
        self.aare_but(|_| {})
    }

    /// The same, but for what is changed in it.
    fn aare_but(&self, change: impl FnOnce(&mut Aare<'_>)) -> Vec<u8> {
        self.aare_with(&octets(INITIATE_RESPONSE), change)
    }

    fn aare_with(&self, initiate: &[u8], change: impl FnOnce(&mut Aare<'_>)) -> Vec<u8> {
        let mut aare = Aare {
            responding_ap_title: Some(&SERVER_TITLE.0),
            acse_requirements: true,
            mechanism: Some(self.mechanism),
            responding_authentication_value: Some(&self.stoc),
            user_information: Some(initiate),
            ..Aare::new(
                ApplicationContext::LogicalName,
                AssociationResult::Accepted,
                Diagnostic::User(AcseUserDiagnostic::AuthenticationRequired),
            )
        };
        change(&mut aare);
        encoded(&aare)
    }

    /// f(CtoS), under counter 200 where there is one.
    fn reply(&self) -> Vec<u8> {
        let mut counters = SendCounters::new();
        counters.grant(200..201);
        self.exchange().server_reply(&RustCrypto, &mut counters).unwrap()
    }
}

/// The ActionResponse that returns `reply`.
fn success(reply: &[u8]) -> String {
    format!("c701c1 00 01 00 09{:02x}{}", reply.len(), hex(reply))
}

/// A client that has sent f(StoC).
fn authenticating(mechanism: Mechanism) -> (Bench, Meter, Vec<u8>) {
    let mut bench = Bench::associating(config(mechanism));
    let meter = Meter::new(mechanism);
    bench.answer_octets(&meter.aare());
    let sent = bench.sent();
    (bench, meter, sent)
}

fn authentication_failure(bench: &mut Bench) -> Failure {
    let (phase, failure) = bench.association_failure();
    assert_eq!(phase, Phase::Authenticate);
    failure
}

#[test]
fn both_sides_prove_themselves_with_every_mechanism() {
    for mechanism in MECHANISMS {
        let mut bench = Bench::new(config(mechanism));
        bench.client.grant_counters(100..102);
        bench.client.associate(&mut Counting(0)).unwrap();
        let aarq = hex(&bench.sent());
        // Authentication functional unit, the mechanism's name, CtoS.
        let code = mechanism.code();
        let proposal = format!("8a0207808b07608574050802{code:02x}ac128010{}", hex(&CTOS));
        assert!(aarq.contains(&proposal), "{aarq}");
        let tells_title = matches!(mechanism, Mechanism::HlsGmac | Mechanism::HlsSha256);
        assert_eq!(aarq.contains("a60a04084d4d4d0000000001"), tells_title, "{aarq}");

        let meter = Meter::new(mechanism);
        bench.answer_octets(&meter.aare());
        assert_eq!(bench.event(), None);
        assert!(!bench.client.is_associated() && bench.client.is_waiting());
        let sent = bench.sent();
        // Method 1 of the current association, one octet-string.
        assert_eq!(hex(&sent[..14]), "c301c1000f0000280000ff010109");
        let stoc_reply = &sent[15..];
        assert_eq!(usize::from(sent[14]), stoc_reply.len());
        let verified = meter.exchange().verify_client_reply(
            &RustCrypto,
            &mut ReceiveCounter::new(),
            stoc_reply,
        );
        assert_eq!(verified, Ok(()), "{mechanism:?}");

        bench.answer(&success(&meter.reply()));
        let Some(Event::Associated(association)) = bench.event() else { panic!("{mechanism:?}") };
        assert_eq!(association.server_title, Some(SERVER_TITLE));
        assert_eq!(bench.client.poll_timeout(), None);
        // GMAC took a counter for its proof.
        let taken = u32::from(mechanism == Mechanism::HlsGmac);
        assert_eq!(bench.client.counters_left(), 2 - taken);
        assert_eq!(bench.client.needs_counters(), mechanism == Mechanism::HlsGmac);
    }
}

#[test]
fn a_meter_without_the_secret_is_not_the_meter() {
    for mechanism in MECHANISMS {
        let (_, meter, stoc_reply) = authenticating(mechanism);
        let right = meter.reply();
        let mut stranger = Meter::new(mechanism);
        stranger.secret = Secret::from("12345679");
        stranger.authentication_key = key(1);
        let cut = &right[..right.len() - 1];
        let longer = [&right[..], &[0]].concat();
        let returned = |octets: &[u8]| success(octets);
        for wrong in [
            returned(&stranger.reply()),
            returned(cut),
            returned(&longer),
            returned(&[]),
            // Our own proof thrown back.
            returned(&stoc_reply[15..]),
            // Success and nothing returned; a refusal in place of the proof; a number.
            "c701c1 00 00".into(),
            "c701c1 00 01 01 03".into(),
            "c701c1 00 01 00 1105".into(),
        ] {
            let (mut bench, ..) = authenticating(mechanism);
            bench.answer(&wrong);
            let failure = authentication_failure(&mut bench);
            assert_eq!(failure, Failure::ServerNotAuthentic, "{mechanism:?} {wrong}");
            assert!(failure.is_security());
        }
    }
}

#[test]
fn no_single_bit_of_a_proof_may_be_wrong() {
    for mechanism in MECHANISMS {
        let right = Meter::new(mechanism).reply();
        for octet in 0..right.len() {
            let mut wrong = right.clone();
            wrong[octet] ^= 0x10;
            let (mut bench, ..) = authenticating(mechanism);
            bench.answer(&success(&wrong));
            let failure = authentication_failure(&mut bench);
            assert!(failure.is_security(), "{mechanism:?} {failure:?}");
        }
    }
}

#[test]
fn a_meter_that_refuses_our_proof_says_so() {
    for mechanism in MECHANISMS {
        let (mut bench, ..) = authenticating(mechanism);
        bench.answer("c701c1 03 00");
        let refused = Failure::AuthenticationRefused(ActionResult::ReadWriteDenied);
        assert_eq!(authentication_failure(&mut bench), refused);
    }
}

#[test]
fn an_aare_without_what_the_mechanism_needs_opens_nothing() {
    for mechanism in MECHANISMS {
        let meter = Meter::new(mechanism);
        let needs_title = matches!(mechanism, Mechanism::HlsGmac | Mechanism::HlsSha256);
        let lacking = [
            ("challenge", meter.aare_but(|aare| aare.responding_authentication_value = None)),
            ("user-information", meter.aare_but(|aare| aare.user_information = None)),
            ("system title", meter.aare_but(|aare| aare.responding_ap_title = None)),
        ];
        for (what, aare) in lacking {
            let mut bench = Bench::associating(config(mechanism));
            bench.answer_octets(&aare);
            if what == "system title" && !needs_title {
                assert_eq!(bench.event(), None);
                assert!(!bench.silent(), "{mechanism:?} needs no title");
                continue;
            }
            let failure = Violation::AareLacks(what).into();
            assert_eq!(bench.association_failure(), (Phase::Associate, failure), "{mechanism:?}");
        }
    }
    // Known beforehand, the title need not be told.
    let meter = Meter::new(Mechanism::HlsGmac);
    let known = ClientConfig { server_title: Some(SERVER_TITLE), ..config(Mechanism::HlsGmac) };
    let mut bench = Bench::associating(known);
    bench.answer_octets(&meter.aare_but(|aare| aare.responding_ap_title = None));
    bench.sent();
    bench.answer(&success(&meter.reply()));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
}

#[test]
fn an_association_that_skips_the_proofs_is_refused() {
    for mechanism in MECHANISMS {
        let mut bench = Bench::associating(config(mechanism));
        let null = Diagnostic::User(AcseUserDiagnostic::Null);
        bench.answer_octets(&Meter::new(mechanism).aare_but(|aare| aare.diagnostic = null));
        let failure = Violation::NotAuthenticated.into();
        assert_eq!(bench.association_failure(), (Phase::Associate, failure));
    }
}

#[test]
fn a_challenge_that_proves_nothing_is_not_answered() {
    for mechanism in MECHANISMS {
        let too_long = [0x55; 65];
        for (stoc, error) in [
            // Ours thrown back: our proof would be the meter's.
            (&CTOS[..], SecurityError::ChallengeReflected),
            (&STOC[..7], SecurityError::ChallengeLength(7)),
            (&too_long, SecurityError::ChallengeLength(65)),
        ] {
            let mut bench = Bench::associating(config(mechanism));
            let meter = Meter { stoc: stoc.to_vec(), ..Meter::new(mechanism) };
            bench.answer_octets(&meter.aare());
            assert_eq!(authentication_failure(&mut bench), Failure::Security(error));
        }
    }
}

#[test]
fn nothing_but_the_proof_is_an_answer_to_ours() {
    for (answer, expected) in [
        ("c401c1 00 1208fd", unexpected("get-response")),
        ("c703c1 01 00 00", unexpected("blocks of an HLS answer")),
        ("c702c1 01 00000001 02 0000", unexpected("blocks of an HLS answer")),
        ("6303800100", unexpected("RLRE")),
        (
            "d80101",
            Failure::Exception(ExceptionResponse {
                state: ExceptionState::ServiceNotAllowed,
                service: ExceptionService::OperationNotPossible,
            }),
        ),
    ] {
        let (mut bench, ..) = authenticating(Mechanism::HlsMd5);
        bench.answer(answer);
        assert_eq!(authentication_failure(&mut bench), expected, "{answer}");
    }
    // The answer to another invocation is a late one.
    let (mut bench, meter, _) = authenticating(Mechanism::HlsMd5);
    bench.answer("c701c2 03 00");
    assert!(bench.dropped(1));
    bench.answer(&success(&meter.reply()));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
}

#[test]
fn a_silent_meter_is_challenged_anew() {
    let (mut bench, meter, first) = authenticating(Mechanism::HlsGmac);
    bench.pass_to_timeout();
    // The AARQ again: the meter may have lost everything.
    assert_eq!(bench.sent()[0], tag::AARQ);
    let another = Meter { stoc: b"another challenge".to_vec(), ..Meter::new(Mechanism::HlsGmac) };
    bench.answer_octets(&another.aare());
    let second = bench.sent();
    assert_ne!(first, second);
    // An answer to the first proof is none to the second.
    bench.answer(&success(&meter.reply()));
    assert!(bench.dropped(1));
    bench.answer(&success(&another.reply()).replacen("c1", "c2", 1));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
}

#[test]
fn a_ciphered_proof_takes_three_counters() {
    for (granted, phase) in [
        (0..0, Some(Phase::Associate)),
        (0..1, Some(Phase::Authenticate)),
        (0..2, Some(Phase::Authenticate)),
        (0..3, None),
    ] {
        let mut bench = Bench::new(ClientConfig { mechanism: Mechanism::HlsGmac, ..ciphered() });
        bench.client.grant_counters(granted);
        bench.client.associate(&mut Counting(0)).unwrap();
        let mut aarq = Vec::new();
        if bench.client.poll_transmit(bench.now, &mut aarq) {
            bench.answer_octets(&ciphered_aare(7));
        }
        let Some(phase) = phase else {
            // glo-action-request under the third counter.
            assert_eq!(hex(&bench.sent()[..7]), "cb313000000002");
            continue;
        };
        let (found, failure) = bench.association_failure();
        assert_eq!(found, phase);
        let exhausted = SecurityError::CountersExhausted(crate::security::CountersExhausted);
        let expected = [Failure::CountersExhausted, Failure::Security(exhausted)];
        assert!(expected.contains(&failure), "{failure:?}");
    }
}

/// The AARE of a meter with GMAC that ciphers its InitiateResponse under `counter`.
fn ciphered_aare(counter: u32) -> Vec<u8> {
    let initiate = from_meter(0x28, counter, BOTH, INITIATE_RESPONSE);
    Meter::new(Mechanism::HlsGmac).aare_with(&initiate, |aare| {
        aare.application_context = ApplicationContext::LogicalNameCiphered;
    })
}

/// A ciphered client that has sent its proof; the AARE had the meter's counter 199.
fn ciphered_and_authenticating() -> (Bench, String) {
    let mut bench =
        Bench::associating(ClientConfig { mechanism: Mechanism::HlsGmac, ..ciphered() });
    bench.answer_octets(&ciphered_aare(199));
    bench.sent();
    (bench, success(&Meter::new(Mechanism::HlsGmac).reply()))
}

#[test]
fn the_proof_of_a_ciphered_association_comes_ciphered() {
    let (mut bench, proof) = ciphered_and_authenticating();
    bench.answer(&proof);
    assert_eq!(authentication_failure(&mut bench), Failure::Unprotected);

    // The meter makes the proof first and ciphers it then; some do it the other way round.
    for counter in [201, 205] {
        let (mut bench, proof) = ciphered_and_authenticating();
        bench.answer_octets(&from_meter(0xcf, counter, BOTH, &proof));
        assert!(matches!(bench.event(), Some(Event::Associated(_))));
        // Both counters are used up now.
        bench.request(get(VOLTAGE));
        bench.answer_octets(&from_meter(0xcc, counter, BOTH, "c401c2 00 1208fd"));
        let error = SecurityError::CounterNotGreater { received: counter, last: counter };
        assert_eq!(bench.failure(), error.into());
    }
}

#[test]
fn a_proof_under_a_counter_that_was_used_is_a_replay() {
    let mut bench =
        Bench::associating(ClientConfig { mechanism: Mechanism::HlsGmac, ..ciphered() });
    bench.answer_octets(&ciphered_aare(200));
    bench.sent();
    let proof = success(&Meter::new(Mechanism::HlsGmac).reply());
    bench.answer_octets(&from_meter(0xcf, 201, BOTH, &proof));
    let error = SecurityError::CounterNotGreater { received: 200, last: 200 };
    assert_eq!(authentication_failure(&mut bench), error.into());
}

#[test]
fn nothing_secret_shows_while_the_proof_is_under_way() {
    for mechanism in MECHANISMS {
        let (bench, meter, sent) = authenticating(mechanism);
        let shown = format!("{:?}", bench.client);
        for secret in ["12345678", &hex(&meter.reply()), &hex(&sent[15..]), "[0, 1, 2, 3"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
