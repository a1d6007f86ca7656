//! What is measured. Each workload does what a head-end does with such octets, from the frame to
//! the values, and nothing else; buffers are warm, as they are in a head-end.

use core::{fmt, mem};

use dlms_core::{
    axdr::{CompactArrayRules, DataBuf, DataType, RawData, Reader, RowTemplate, Writer},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName,
        profile::{RowFeed, Rows},
    },
    security::{
        CryptoProvider, ProtectRequest, RustCrypto, UnprotectRequest, decode_head, protect,
        unprotect_in_place,
    },
    wrapper::{self, WrapperHeader},
    xdlms::{AttributeSelection, GetRequest, GetResponse, InvokeIdAndPriority, tag},
};
use dlms_tokio::AwsLc;
use hdlc::{
    deframer::{Deframer, OnError},
    frame::FLAG,
    llc::Llc,
};

use crate::input::{self, Keys, Meters};

/// Something to measure.
pub struct Workload {
    /// What one of the units is.
    pub unit: &'static str,
    /// How many of them one run handles.
    pub units: u64,
    /// Does it once; returns a number that depends on all of it and is the same every time.
    pub run: Box<dyn FnMut() -> u64>,
}

impl Workload {
    pub(crate) fn new(unit: &'static str, units: u64, run: impl FnMut() -> u64 + 'static) -> Self {
        Self { unit, units, run: Box::new(run) }
    }
}

impl fmt::Debug for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of a {}", self.units, self.unit)
    }
}

/// A name, and what makes what has it ready.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The name, for the reference workloads with the name of theirs first.
    pub name: &'static str,
    /// Makes it ready on an input of about so many octets. The inputs of the reference workloads
    /// have their sizes.
    pub ready: fn(usize) -> Workload,
}

pub(crate) const fn named(name: &'static str, ready: fn(usize) -> Workload) -> Named {
    Named { name, ready }
}

/// The reference workloads.
pub const WORKLOADS: &[Named] = &[
    named("w1_frames_of_128_octets", |_| frames(input::STREAM_LEN, &[128])),
    named("w1_frames_of_1024_octets", |_| frames(input::STREAM_LEN, &[1024])),
    named("w1_frames_of_2030_octets", |_| frames(input::STREAM_LEN, &[2030])),
    named("w1_mixed_frames", |_| frames(input::STREAM_LEN, &input::MIXED)),
    named("w2_1000_rows_to_columns", |_| columns(input::profile(input::ROWS, 0))),
    named("w2_96_rows_to_columns", |_| columns(input::profile(96, 0))),
    named("w2_1000_rows_visited", |_| visited()),
    named("w2_1000_rows_owned", |_| owned()),
    named("w3_1000_rows_deciphered_rustcrypto", |_| {
        deciphered(&input::profile(input::ROWS, 0), &RustCrypto)
    }),
    named("w3_1000_rows_deciphered_aws_lc", |_| {
        deciphered(&input::profile(input::ROWS, 0), &AwsLc)
    }),
    named("w3s_messages_of_4096_meters_rustcrypto", |_| from_many_meters(&RustCrypto)),
    named("w3s_messages_of_4096_meters_aws_lc", |_| from_many_meters(&AwsLc)),
    named("w4_get_request_sealed_glo_rustcrypto", |_| sealed(tag::GLO_GET_REQUEST, &RustCrypto)),
    named("w4_get_request_sealed_glo_aws_lc", |_| sealed(tag::GLO_GET_REQUEST, &AwsLc)),
    named("w4_get_request_sealed_general_glo_rustcrypto", |_| {
        sealed(tag::GENERAL_GLO_CIPHERING, &RustCrypto)
    }),
];

/// Workloads on inputs of about so many octets, to see how cost grows.
pub const SIZED: &[Named] = &[
    named("nothing", |_| Workload::new("run", 1, || 0)),
    named("announced_elements", |_| announced_elements()),
    named("frames", |size| frames_repeated(size, &input::frames(4096, &input::MIXED))),
    named("shortest_frames", |size| frames_repeated(size, &SNRM)),
    named("frames_in_two_parts", frames_in_two_parts),
    named("frames_as_often", frames_as_often),
    named("noise_of_flags", |size| frames_repeated(size, &[FLAG])),
    named("noise_of_format_octets", |size| frames_repeated(size, &[FLAG, 0xa7, 0xff])),
    named("noise_of_headers", |size| frames_repeated(size, &input::header_that_claims_all())),
    named("columns", |size| columns(input::long_profile(size))),
    named("deciphered", |size| deciphered(&input::long_profile(size), &RustCrypto)),
];

/// The workload of that name, ready.
pub fn ready(name: &str, size: usize) -> Option<Workload> {
    let mut all = WORKLOADS.iter().chain(SIZED);
    all.find(|named| named.name == name).map(|named| (named.ready)(size))
}

/// The shortest frame with a meaning; the next one shares its flag.
const SNRM: [u8; 8] = [0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, FLAG];

/// W1: a stream that is there as a whole, taken apart to APDUs.
fn frames(total: usize, lengths: &[usize]) -> Workload {
    frames_of(input::frames(total, lengths))
}

fn frames_of(stream: Vec<u8>) -> Workload {
    let units = frames_in(&mut Deframer::new(OnError::Resync), &stream).0;
    Workload::new("frame", units, move || frames_in(&mut Deframer::new(OnError::Resync), &stream).1)
}

/// The same octets again and again, behind a flag.
fn frames_repeated(size: usize, octets: &[u8]) -> Workload {
    let mut stream = vec![FLAG];
    stream.extend(octets.iter().copied().cycle().take(size));
    frames_of(stream)
}

/// A stream that arrives in two parts, cut at every octet in turn.
fn frames_in_two_parts(size: usize) -> Workload {
    let stream = input::frames(size, &input::MIXED);
    let runs = stream.len() as u64;
    Workload::new("stream", runs, move || {
        let mut octets = 0;
        for cut in 0..stream.len() {
            let mut deframer = Deframer::new(OnError::Resync);
            octets += frames_in(&mut deframer, &stream[..cut]).1;
            octets += frames_in(&mut deframer, &stream).1;
        }
        octets
    })
}

/// The same stream as a whole, as many times.
fn frames_as_often(size: usize) -> Workload {
    let stream = input::frames(size, &input::MIXED);
    let runs = stream.len() as u64;
    Workload::new("stream", runs, move || {
        let run = |_| frames_in(&mut Deframer::new(OnError::Resync), &stream).1;
        (0..runs).map(run).sum()
    })
}

/// How many frames there are, and how many octets of APDU in them.
fn frames_in(deframer: &mut Deframer, buffer: &[u8]) -> (u64, u64) {
    let (mut frames, mut octets) = (0, 0);
    while let Some(frame) = deframer.next_frame(buffer) {
        let frame = frame.expect("nobody asked for errors");
        let (_, apdu) = Llc::decode(frame.information).unwrap_or((Llc::Response, &[]));
        frames += 1;
        octets += apdu.len() as u64;
    }
    (frames, octets)
}

/// The columns of a profile of a clock and six counters.
#[derive(Debug, Default)]
struct Columns {
    template: Option<RowTemplate>,
    clocks: Vec<[u8; 12]>,
    counters: [Vec<u32>; 6],
}

impl Columns {
    /// Appends the rows that `apdu` carries and returns how many there are in all. Every octet is
    /// checked once: what is no contents is compared with the template.
    fn append(&mut self, apdu: &[u8]) -> usize {
        let (_, mut reader) = GetResponse::unwalked_value(apdu).expect("a value");
        assert_eq!(reader.u8(), Ok(DataType::Array.tag()));
        let count = reader.length().expect("a count");
        // Most profiles look like the one before.
        let alike = |template: &RowTemplate| !template.take_rows(&mut reader.clone(), 1).is_empty();
        if !self.template.as_ref().is_some_and(alike) {
            let first = RawData::decode(&mut reader.clone()).expect("a row");
            self.template = Some(RowTemplate::from_row(first).expect("a row of scalars"));
        }
        let template = self.template.as_ref().expect("there is one now");
        let rows = template.take_rows(&mut reader, count);
        assert_eq!((rows.len(), reader.is_empty()), (count, true));

        self.clocks.extend(rows.column::<[u8; 12]>(0).expect("a clock"));
        for (at, counters) in self.counters.iter_mut().enumerate() {
            counters.extend(rows.column::<u32>(at + 1).expect("a counter"));
        }
        self.clocks.len()
    }

    fn clear(&mut self) {
        self.clocks.clear();
        self.counters.iter_mut().for_each(Vec::clear);
    }

    /// Depends on every column.
    fn sum(&self) -> u64 {
        let last = self.counters.iter().filter_map(|counters| counters.last());
        let last: u64 = last.map(|&counter| u64::from(counter)).sum();
        last + self.clocks.last().map_or(0, |clock| u64::from(clock[6]))
    }
}

/// W2: the rows are compared with a template, then read by the column.
fn columns(profile: Vec<u8>) -> Workload {
    let apdu = input::get_response(&profile);
    let mut columns = Columns::default();
    Workload::new("profile", 1, move || {
        columns.clear();
        columns.append(&apdu);
        columns.sum()
    })
}

/// W2, value by value, whatever their types.
fn visited() -> Workload {
    let apdu = input::get_response(&input::profile(input::ROWS, 0));
    Workload::new("profile", 1, move || {
        let mut sum = 0;
        for row in Rows::new(value_in(&apdu), CompactArrayRules::Standard).expect("a buffer") {
            for cell in row.expect("a row").cells() {
                sum += cell.expect("a value").as_unsigned().unwrap_or(1);
            }
        }
        sum
    })
}

/// W2, into a tree that owns all of it.
fn owned() -> Workload {
    let apdu = input::get_response(&input::profile(input::ROWS, 0));
    Workload::new("profile", 1, move || {
        let value = DataBuf::decode(&mut Reader::new(value_in(&apdu).octets())).expect("a value");
        let DataBuf::Array(rows) = value else { panic!("no array") };
        rows.len() as u64
    })
}

/// Get-responses of sixteen octets that announce 2^32 - 1 elements, octets, bits or rows, to every
/// decoder that could believe them.
fn announced_elements() -> Workload {
    let announced = [0x84, 0xff, 0xff, 0xff, 0xff];
    let heads: [&[u8]; 5] = [&[0x01], &[0x02], &[0x09], &[0x04], &[0x13, 0x02, 0x01, 0x11]];
    let values = heads.map(|head| {
        let mut value = [head, &announced[..]].concat();
        value.resize(12, 0);
        value
    });
    Workload::new("message", values.len() as u64, move || {
        let mut refused = 0;
        for value in &values {
            let mut feed = RowFeed::new(CompactArrayRules::Standard);
            feed.feed(value);
            while feed.next_row().is_some_and(|row| row.is_ok()) {}
            refused += u64::from(GetResponse::decode(&input::get_response(value)).is_err());
            refused += u64::from(DataBuf::decode(&mut Reader::new(value)).is_err());
            refused += u64::from(feed.finish().is_err());
        }
        refused
    })
}

fn value_in(apdu: &[u8]) -> RawData<'_> {
    match GetResponse::decode(apdu) {
        Ok(GetResponse::Normal { result: Ok(value), .. }) => value,
        other => panic!("no value: {other:?}"),
    }
}

/// W3: found, verified, decrypted in place, and read by the column. The copy that is decrypted is
/// part of the run.
fn deciphered(profile: &[u8], provider: &dyn CryptoProvider) -> Workload {
    let apdu = input::get_response(profile);
    let apdu = input::ciphered(tag::GENERAL_GLO_CIPHERING, &apdu);
    let (keys, mut buffer, mut columns) = (Keys::published(), Vec::new(), Columns::default());
    let provider = with_key_ready(provider, &keys);
    Workload::new("profile", 1, move || {
        buffer.clear();
        buffer.extend_from_slice(&apdu);
        columns.clear();
        columns.append(opened(&*provider, &keys, &mut buffer));
        columns.sum()
    })
}

/// The provider of an association: it has the key ready.
fn with_key_ready(provider: &dyn CryptoProvider, keys: &Keys) -> Box<dyn CryptoProvider> {
    provider.ready(&keys.encryption).expect("a key that it takes")
}

fn opened<'a>(provider: &dyn CryptoProvider, keys: &Keys, apdu: &'a mut [u8]) -> &'a [u8] {
    let head = decode_head(apdu).expect("a ciphered APDU");
    let request = UnprotectRequest {
        required: input::CONTROL,
        system_title: None,
        key: &keys.encryption,
        authentication_key: Some(&keys.authentication),
    };
    unprotect_in_place(provider, &request, &head, apdu).expect("it verifies").plain
}

/// W3s: wrapper frames from many meters, each with keys of its own, made ready as in an association
/// that is open. The copy is part of the run.
fn from_many_meters(provider: &dyn CryptoProvider) -> Workload {
    let Meters { stream, keys, .. } = Meters::new(input::METERS);
    let meters: Vec<_> =
        keys.into_iter().map(|keys| (with_key_ready(provider, &keys), keys)).collect();
    let (mut buffer, mut columns) = (Vec::new(), Columns::default());
    Workload::new("message", input::METERS.into(), move || {
        buffer.clear();
        buffer.extend_from_slice(&stream);
        columns.clear();
        let mut rest = &mut buffer[..];
        for (provider, keys) in &meters {
            let frame = wrapper::next_frame(rest).expect("a whole frame").expect("a wrapper frame");
            let consumed = frame.consumed();
            let (frame, behind) = mem::take(&mut rest).split_at_mut(consumed);
            columns.append(opened(&**provider, keys, &mut frame[wrapper::HEADER_LEN..]));
            rest = behind;
        }
        columns.sum()
    })
}

/// W4: a get-request for the buffer of a load profile, sealed, behind a wrapper header.
fn sealed(tag: u8, provider: &dyn CryptoProvider) -> Workload {
    let load_profile = LogicalName([1, 0, 99, 1, 0, 255]);
    let keys = Keys::published();
    let provider = with_key_ready(provider, &keys);
    let (mut plain, mut frame) = (Vec::new(), Vec::new());
    Workload::new("frame", 1, move || {
        let attribute = AttributeDescriptor::new(ClassId::PROFILE_GENERIC, load_profile, 2);
        let attribute = AttributeSelection::whole(attribute);
        plain.clear();
        GetRequest::Normal { invoke: InvokeIdAndPriority(0xc1), attribute }
            .encode(&mut Writer::new(&mut plain));

        frame.clear();
        frame.extend_from_slice(&[0; wrapper::HEADER_LEN]);
        let request = ProtectRequest {
            tag,
            system_title: input::METER,
            send_title: true,
            control: input::CONTROL,
            counter: 1,
            key: &keys.encryption,
            authentication_key: Some(&keys.authentication),
        };
        protect(&*provider, &request, &plain, &mut frame).expect("nothing is wrong with it");
        let length = (frame.len() - wrapper::HEADER_LEN).try_into().expect("a short APDU");
        let header = WrapperHeader { source: 16, destination: 1, length };
        frame[..wrapper::HEADER_LEN].copy_from_slice(&header.encode_header());
        frame.len() as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_does_all_of_its_work_and_the_same_again() {
        for (name, units, result) in [
            ("w1_frames_of_128_octets", 30_175, 30_175 * 125),
            ("w1_frames_of_1024_octets", 4_053, 4_053 * 1_021),
            ("w1_frames_of_2030_octets", 2_056, 2_056 * 2_027),
            ("w1_mixed_frames", 5_779, 4_113_729),
            ("w2_1000_rows_to_columns", 1, 2_156_988),
            ("w2_96_rows_to_columns", 1, 2_105_460),
            ("w2_1000_rows_visited", 1, 2_128_472_500),
            ("w2_1000_rows_owned", 1, 1000),
            ("w3_1000_rows_deciphered_rustcrypto", 1, 2_156_988),
            ("w3_1000_rows_deciphered_aws_lc", 1, 2_156_988),
            ("w3s_messages_of_4096_meters_rustcrypto", 4096, 2_333_616),
            ("w3s_messages_of_4096_meters_aws_lc", 4096, 2_333_616),
            ("w4_get_request_sealed_glo_rustcrypto", 1, 40),
            ("w4_get_request_sealed_glo_aws_lc", 1, 40),
            ("w4_get_request_sealed_general_glo_rustcrypto", 1, 49),
        ] {
            let mut workload = ready(name, 0).unwrap();
            assert_eq!(((workload.run)(), workload.units), (result, units), "{name}");
            assert_eq!((workload.run)(), result, "{name} again");
        }
    }
}
