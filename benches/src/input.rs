//! The inputs of the workloads, the same octets in every run and in every language: their SHA-256
//! sums are in `workloads.sha256`.

use core::array;

use dlms_core::{
    axdr::Writer,
    security::{
        Key, ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, SystemTitle,
        protect,
    },
    wrapper::WrapperHeader,
    xdlms::tag,
};
use hdlc::{
    address::Address,
    control::{Control, Sequence},
    fcs::checksum,
    frame::{FLAG, FRAME_LEN_MAX, Frame},
    llc,
};
use sha2::{Digest, Sha256};

/// Octets of each stream of frames, at least.
pub const STREAM_LEN: usize = 4 << 20;
/// The lengths that the information fields of mixed frames have in turn.
pub const MIXED: [usize; 8] = [128, 2030, 512, 256, 1024, 140, 1500, 128];
/// Rows of the large profile; the small one is a day of quarters of an hour.
pub const ROWS: u32 = 1000;
/// Octets of a row.
pub const ROW_LEN: usize = 46;
/// Meters of W3s, each with keys of its own.
pub const METERS: u32 = 4096;
/// Rows that each of them sends.
pub const ROWS_OF_EACH: u32 = 4;
/// Authenticated and encrypted, suite 0.
pub const CONTROL: SecurityControl =
    SecurityControl::new(SecuritySuite::Suite0, Protection::AUTHENTICATED_ENCRYPTED);
/// Who sends W3.
pub const METER: SystemTitle = SystemTitle(*b"MDM12345");

/// get-response-normal, invoke-id 1, confirmed, high priority, data.
const GET_RESPONSE: [u8; 4] = [tag::GET_RESPONSE, 0x01, 0xc1, 0x00];

/// W1: I-frames from a meter to its client, each a get-response with a visible-string. Their
/// information fields have `lengths` in turn, until there are `total` octets.
pub fn frames(total: usize, lengths: &[usize]) -> Vec<u8> {
    let mut stream = Vec::with_capacity(total + FRAME_LEN_MAX);
    for (at, &length) in (0_u8..=u8::MAX).cycle().zip(lengths.iter().cycle()) {
        if stream.len() >= total {
            break;
        }
        let mut information = [&llc::RESPONSE[..], &GET_RESPONSE].concat();
        information.push(0x0a);
        // Not always the shortest form of a length: 81 up to 138 octets in all, then 82.
        let text = length - information.len();
        if length < 139 {
            information.extend([0x81, low_octet(text - 2)]);
        } else {
            let [.., high, low] = (text - 3).to_be_bytes();
            information.extend([0x82, high, low]);
        }
        information.extend(chance(&(at % 64).to_string(), length - information.len()));

        let (ns, nr) = (Sequence::new(at), Sequence::new(at).next());
        let frame = Frame {
            destination: Address::PUBLIC_CLIENT,
            source: Address::MANAGEMENT,
            control: Control::I { ns, nr, pf: true },
            segmented: false,
            information: &information,
        };
        let mut octets = [0; FRAME_LEN_MAX];
        let written = frame.encode(&mut octets).expect("the frame fits");
        stream.extend(&octets[..written]);
    }
    stream
}

/// Octets that look like chance and are those of `seed`.
fn chance(seed: &str, length: usize) -> Vec<u8> {
    let blocks = (0..length.div_ceil(32)).map(|block| Sha256::digest(format!("{seed}:{block}")));
    blocks.flatten().take(length).collect()
}

/// The buffer of a profile: an array of structures of a clock and six counters.
pub fn profile(rows: u32, first: u32) -> Vec<u8> {
    let mut buffer = vec![0x01];
    Writer::new(&mut buffer).length(rows as usize);
    (first..first + rows).for_each(|row| buffer.extend(profile_row(row)));
    buffer
}

fn profile_row(row: u32) -> Vec<u8> {
    let mut octets = vec![0x02, 0x07, 0x09, 0x0c];
    octets.extend(clock(row));
    for column in 0..6 {
        octets.push(0x06);
        octets.extend((100_000 * (column + 1) + row * (7 + column)).to_be_bytes());
    }
    octets
}

/// `row` quarters of an hour into the year 2025, which is enough for January and February.
fn clock(row: u32) -> [u8; 12] {
    let (day, quarter) = (row / 96, row % 96);
    let octet = |number: u32| low_octet(number as usize);
    let (month, day_of_month) = if day < 31 { (1, day + 1) } else { (2, day - 30) };
    let weekday = (day + 2) % 7 + 1; // the year began on a Wednesday
    let [year_high, year_low] = 2025_u16.to_be_bytes();
    let [deviation_high, deviation_low] = (-60_i16).to_be_bytes();
    [
        year_high,
        year_low,
        month,
        octet(day_of_month),
        octet(weekday),
        octet(quarter / 4),
        octet(quarter % 4 * 15),
        0,
        0,
        deviation_high,
        deviation_low,
        0,
    ]
}

/// A profile of about `size` octets: the rows of a large one again and again.
pub fn long_profile(size: usize) -> Vec<u8> {
    let rows = size / ROW_LEN;
    let mut buffer = vec![0x01];
    Writer::new(&mut buffer).length(rows);
    let some: Vec<u8> = (0..ROWS).flat_map(profile_row).collect();
    buffer.extend(some.into_iter().cycle().take(rows * ROW_LEN));
    buffer
}

/// A header with a right check sequence, of the longest frame there is, and the flag that would
/// close another one.
pub fn header_that_claims_all() -> Vec<u8> {
    let mut header = vec![0xa7, 0xff, 0x03, 0x21, 0x13];
    header.extend(checksum(&header).to_le_bytes());
    header.push(FLAG);
    header
}

/// The get-response that carries `data`.
pub fn get_response(data: &[u8]) -> Vec<u8> {
    [&GET_RESPONSE, data].concat()
}

/// W3: `apdu` from [`METER`] in the ciphered APDU with `tag`.
pub fn ciphered(tag: u8, apdu: &[u8]) -> Vec<u8> {
    ciphered_by(tag, apdu, METER, 1, &Keys::published())
}

fn ciphered_by(tag: u8, apdu: &[u8], title: SystemTitle, counter: u32, keys: &Keys) -> Vec<u8> {
    let request = ProtectRequest {
        tag,
        system_title: title,
        send_title: true,
        control: CONTROL,
        counter,
        key: &keys.encryption,
        authentication_key: Some(&keys.authentication),
    };
    let mut octets = Vec::new();
    protect(&RustCrypto, &request, apdu, &mut octets).expect("nothing is wrong with it");
    octets
}

/// `apdu` behind the header of the wrapper, from logical device 1 to client 16.
pub fn wrapped(apdu: &[u8]) -> Vec<u8> {
    let length = apdu.len().try_into().expect("an APDU for the wrapper");
    let header = WrapperHeader { source: 1, destination: 16, length };
    [&header.encode_header(), apdu].concat()
}

/// The two keys of a meter.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Global unicast encryption key.
    pub encryption: Key,
    /// Global authentication key.
    pub authentication: Key,
}

impl Keys {
    /// The keys of the published examples: octets that count up from 00 and from D0.
    pub fn published() -> Self {
        let counted = |first: u8| Key::from(array::from_fn(|at| first + low_octet(at)));
        Self { encryption: counted(0), authentication: counted(0xd0) }
    }

    fn of_meter(meter: u32) -> Self {
        let key = |name: &str| {
            Key::try_from(&*chance(&format!("{name}{meter}"), 16)).expect("sixteen octets")
        };
        Self { encryption: key("ek"), authentication: key("ak") }
    }
}

/// W3s: one get-response from each of many meters.
#[derive(Clone, Debug)]
pub struct Meters {
    /// Wrapper frames, one after another.
    pub stream: Vec<u8>,
    /// Octets of each frame.
    pub lengths: Vec<usize>,
    /// The keys of each meter, in the order of the frames.
    pub keys: Vec<Keys>,
}

impl Meters {
    /// The first `count` of [`METERS`] meters.
    pub fn new(count: u32) -> Self {
        let keys: Vec<Keys> = (0..count).map(Keys::of_meter).collect();
        let (mut stream, mut lengths) = (Vec::new(), Vec::new());
        for (meter, keys) in (0_u32..).zip(&keys) {
            let title = SystemTitle(array::from_fn(|at| match at {
                0..3 => b"MTR"[at],
                3..7 => meter.to_be_bytes()[at - 3],
                _ => 1,
            }));
            let apdu = get_response(&profile(ROWS_OF_EACH, meter));
            let apdu = ciphered_by(tag::GENERAL_GLO_CIPHERING, &apdu, title, meter + 1, keys);
            let frame = wrapped(&apdu);
            lengths.push(frame.len());
            stream.extend(frame);
        }
        Self { stream, lengths, keys }
    }
}

fn low_octet(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_has_its_sum() {
        let sums = include_str!("../workloads.sha256").lines();
        let sums: Vec<(&str, &str)> = sums.map(|line| line.split_once(' ').unwrap()).collect();
        let mut checked = 0;
        let mut check = |name: &str, octets: &[u8]| {
            let sum: String =
                Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect();
            assert!(sums.contains(&(&sum, name)), "{name} has {sum}, not the sum listed");
            checked += 1;
        };

        check("w1_128.bin", &frames(STREAM_LEN, &[128]));
        check("w1_1024.bin", &frames(STREAM_LEN, &[1024]));
        check("w1_2030.bin", &frames(STREAM_LEN, &[2030]));
        check("w1_mix.bin", &frames(STREAM_LEN, &MIXED));
        for (name, rows) in [("w2", ROWS), ("w2_96", 96)] {
            check(&format!("{name}_data.bin"), &profile(rows, 0));
            check(&format!("{name}_apdu.bin"), &get_response(&profile(rows, 0)));
        }
        let apdu = get_response(&profile(ROWS, 0));
        check("w2_wrapped.bin", &wrapped(&apdu));
        let general = ciphered(tag::GENERAL_GLO_CIPHERING, &apdu);
        check("w3_general.bin", &general);
        check("w3_wrapped.bin", &wrapped(&general));
        check("w3_glo_get.bin", &ciphered(tag::GLO_GET_RESPONSE, &apdu));
        let meters = Meters::new(METERS);
        check("w3s.bin", &meters.stream);
        let lengths = meters.lengths.iter().map(|&length| u32::try_from(length).unwrap());
        check("w3s.idx", &lengths.flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        let keys = meters.keys.iter().flat_map(|keys| [&keys.encryption, &keys.authentication]);
        check("w3s.keys", &keys.flat_map(Key::octets).copied().collect::<Vec<u8>>());
        assert_eq!(checked, sums.len());
    }
}
