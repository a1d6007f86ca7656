//! The reference workloads, done by the other DLMS crates that the registry offers, on the same
//! octets and in processor time. Prints `crate workload nanoseconds` for one frame, message or
//! profile, or `crate workload - why` where a crate cannot.

use std::{array, hint::black_box, panic, time::Duration};

use dlms_benches::input::{self, Meters};
use dlms_core::xdlms::tag;
use dlms_cosem_rs::{
    codec::{Decode, Encode},
    cosem::profile::ProfileBuffer,
    obis::Obis,
    security::{
        KeyRing, Protector, RustCryptoProvider, SecurityPolicy, SecuritySuite, SystemTitle,
    },
    transport::{
        hdlc::{Found, Framer},
        wrapper::{StreamReassembler, Wpdu},
    },
    xdlms::{
        Apdu, AttributeDescriptor, CipheredService, GeneralGloCiphering, GetDataResult, GetRequest,
        GetResponse, InvokeId, SecurityControl,
    },
};
use rustix::time::{ClockId, clock_gettime};

/// Samples, of which the median counts.
const SAMPLES: usize = 15;
/// What a sample takes at least.
const SAMPLE_TIME: Duration = Duration::from_millis(20);

const PEER: &str = "dlms-cosem-rs";

fn main() {
    for (length, name) in [(128, "w1_frames_of_128_octets"), (2030, "w1_frames_of_2030_octets")] {
        let stream = input::frames(input::STREAM_LEN, &[length]);
        let frames = count_frames(&stream);
        measure(name, frames, || count_frames(black_box(&stream)));
    }

    let apdu = input::get_response(&input::profile(input::ROWS, 0));
    let mut columns = Columns::default();
    measure("w2_1000_rows_to_columns", 1, || {
        columns.clear();
        columns.append(black_box(&apdu));
        columns.clocks.len()
    });

    let sealed = input::ciphered(tag::GENERAL_GLO_CIPHERING, &apdu);
    let published = protector([counted(0), counted(0xd0)]);
    let mut buffer = Vec::new();
    measure("w3_1000_rows_deciphered_rustcrypto", 1, || {
        columns.clear();
        columns.append(opened(&published, black_box(&sealed), &mut buffer));
        columns.clocks.len()
    });

    let Meters { stream, keys, .. } = Meters::new(input::METERS);
    let key = |key: &dlms_core::security::Key| key.octets().try_into().expect("sixteen octets");
    let protectors: Vec<_> = keys
        .iter()
        .map(|keys| protector([key(&keys.encryption), key(&keys.authentication)]))
        .collect();
    measure("w3s_messages_of_4096_meters_rustcrypto", input::METERS.into(), || {
        columns.clear();
        let (wrapper, mut rest) = (StreamReassembler::new(0), black_box(&stream[..]));
        for protector in &protectors {
            let (frame, consumed) =
                wrapper.next_pdu(rest).expect("a wrapper frame").expect("a whole frame");
            columns.append(opened(protector, frame.apdu, &mut buffer));
            rest = &rest[consumed..];
        }
        columns.clocks.len()
    });

    let mut frame = Vec::new();
    measure("w4_get_request_sealed_general_glo_rustcrypto", 1, || {
        frame.clear();
        seal_get_request(&published, &mut frame);
        frame.len()
    });

    // The other crate decodes pushes only, as a whole; a GET response is no subject of it, and of
    // the values in one it has no arrays.
    let data = input::profile(input::ROWS, 0);
    panic::set_hook(Box::new(|_| {}));
    let decoded = panic::catch_unwind(|| dlms_cosem::Data::parse(&data).is_ok());
    let why = match decoded {
        Ok(true) => "decodes it",
        Ok(false) => "refuses an array",
        Err(_) => "panics at an array",
    };
    println!("dlms_cosem w2_1000_rows_owned - {why}");
}

fn count_frames(stream: &[u8]) -> u64 {
    let (mut framer, mut rest, mut frames) = (Framer::new(), stream, 0);
    while let Ok(Found::Frame { frame, consumed }) = framer.next_frame(rest) {
        black_box(frame.information);
        rest = &rest[consumed..];
        frames += 1;
    }
    frames
}

/// The columns of a profile of a clock and six counters.
#[derive(Default)]
struct Columns {
    clocks: Vec<[u8; 12]>,
    counters: [Vec<u32>; 6],
}

impl Columns {
    fn clear(&mut self) {
        self.clocks.clear();
        self.counters.iter_mut().for_each(Vec::clear);
    }

    fn append(&mut self, apdu: &[u8]) {
        let Ok(Apdu::GetResponse(GetResponse::Normal {
            result: GetDataResult::Data(data), ..
        })) = Apdu::from_bytes(apdu)
        else {
            panic!("no get-response")
        };
        let rows = ProfileBuffer::new(&data).expect("an array");
        let visited = rows.for_each_cell(7, |_, column, value| {
            match column {
                0 => {
                    let octets = value.as_bytes().and_then(|octets| octets.try_into().ok());
                    self.clocks.push(octets.expect("a clock"));
                }
                _ => {
                    let counter = value.as_u64().and_then(|counter| counter.try_into().ok());
                    self.counters[column - 1].push(counter.expect("a counter"));
                }
            }
            Ok(())
        });
        visited.expect("rows");
    }
}

fn protector([encryption, authentication]: [[u8; 16]; 2]) -> Protector<RustCryptoProvider> {
    let policy = SecurityPolicy::authenticated_encrypted(SecuritySuite::Suite0);
    Protector::new(RustCryptoProvider::new(KeyRing::new(encryption, authentication)), policy)
}

fn counted(first: u8) -> [u8; 16] {
    array::from_fn(|at| first + at.to_le_bytes()[0])
}

fn opened<'b>(
    protector: &Protector<RustCryptoProvider>,
    apdu: &[u8],
    buffer: &'b mut Vec<u8>,
) -> &'b [u8] {
    let Ok(Apdu::GeneralCiphered { body, .. }) = Apdu::from_bytes(apdu) else {
        panic!("no general-glo-ciphering")
    };
    let title = SystemTitle::from_slice(body.system_title).expect("a title");
    let CipheredService { security_control, invocation_counter, payload } = body.ciphered;
    buffer.clear();
    buffer.extend_from_slice(payload);
    let key = protector.auth_key().expect("a key");
    protector
        .unprotect(security_control, &title, invocation_counter, key, buffer)
        .expect("it verifies")
}

fn seal_get_request(protector: &Protector<RustCryptoProvider>, frame: &mut Vec<u8>) {
    let request = GetRequest::Normal {
        invoke_id: InvokeId(0xc1),
        descriptor: AttributeDescriptor::new(7, Obis::new(1, 0, 99, 1, 0, 255), 2),
        access: None,
    };
    let (mut plain, mut sealed) = (Vec::new(), [0; 64]);
    Apdu::GetRequest(request).encode(&mut plain).expect("it fits");
    let key = protector.auth_key().expect("a key");
    let title = SystemTitle::new(input::METER.0);
    let payload = protector.protect(&title, 1, key, &plain, &mut sealed).expect("it fits");
    let ciphered = CipheredService {
        security_control: SecurityControl::new(0, true, true),
        invocation_counter: 1,
        payload,
    };
    let body = GeneralGloCiphering { system_title: &title.0, ciphered };
    let mut apdu = Vec::from([tag::GENERAL_GLO_CIPHERING]);
    body.encode(&mut apdu).expect("it fits");
    Wpdu::new(16, 1, &apdu).expect("a short APDU").encode(frame).expect("it fits");
}

/// Prints the median time of one of the `units` that a run of `work` handles.
fn measure<R>(name: &str, units: u64, mut work: impl FnMut() -> R) {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time");
    let mut sample = || {
        let (start, mut runs) = (now(), 0_u32);
        loop {
            black_box(work());
            runs += 1;
            let took = now() - start;
            if took >= SAMPLE_TIME {
                return took.as_nanos() as f64 / f64::from(runs) / units as f64;
            }
        }
    };
    sample();
    let mut samples: [f64; SAMPLES] = array::from_fn(|_| sample());
    samples.sort_by(f64::total_cmp);
    println!("{PEER} {name} {:.1}", samples[SAMPLES / 2]);
}
