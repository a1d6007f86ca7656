//! The fields of a frame, and what some frames carry in their information.

use crate::{
    address::Address,
    control::{Control, FrameReject},
    fcs::{Fcs, checksum},
    llc::Llc,
    parameters::{OnUnknown, Parameters},
};

/// Whatever can be read as a field is written to the same octets, or, where there are several
/// encodings, to octets that read the same.
pub fn fields(octets: &[u8]) {
    sum(octets);
    if let Ok(Some((address, rest))) = Address::decode(octets) {
        let len = address.length().octets();
        assert_eq!(octets.len(), len + rest.len());
        assert_eq!(address.encode()[..len], octets[..len]);
        assert!(address.is_same_station(address));
        let (upper, lower) = (address.upper(), address.lower());
        let built = match (u8::try_from(upper), lower.map(u8::try_from)) {
            _ if len == 4 => Address::try_four(upper, lower.expect("four octets have both")),
            (Ok(upper), None) => Address::try_one(upper),
            (Ok(upper), Some(Ok(lower))) => Address::try_two(upper, lower),
            parts => panic!("{address:?}: {parts:?}"),
        };
        assert_eq!(built, Ok(address));
        for cut in 0..len {
            assert_eq!(Address::decode(&octets[..cut]), Ok(None));
        }
        if address.reach(address).is_none() {
            assert_eq!(address, Address::NO_STATION);
        }
    }
    if let Some(&octet) = octets.first() {
        let control = Control::decode(octet);
        assert_eq!(control.encode(), octet);
        assert_eq!(control.pf(), octet & 0x10 != 0);
    }
    if let Some(reject) = FrameReject::decode(octets) {
        assert_eq!(FrameReject::decode(&reject.encode()), Some(reject));
    }
    if let Ok((llc, apdu)) = Llc::decode(octets) {
        assert_eq!(octets.len(), Llc::LEN + apdu.len());
        assert_eq!(llc.encode()[1..], octets[1..Llc::LEN]);
    }
    let lenient = Parameters::decode(octets, OnUnknown::Ignore);
    let strict = Parameters::decode(octets, OnUnknown::Refuse);
    assert!(strict.is_err() || strict == lenient, "{strict:?} {lenient:?}");
    if let Ok(parameters) = lenient {
        let mut out = [0; Parameters::ENCODED_LEN_MAX];
        let encoded = parameters.encode(&mut out);
        assert_eq!(Parameters::decode(encoded, OnUnknown::Refuse), Ok(parameters));
        let ours = Parameters::DEFAULT.negotiate(parameters);
        let theirs = parameters.negotiate(Parameters::DEFAULT);
        assert_eq!(ours.information_transmit, theirs.information_receive);
        assert_eq!(ours.information_receive, theirs.information_transmit);
        assert_eq!(ours.window_transmit, theirs.window_receive);
        assert_eq!(ours.window_receive, theirs.window_transmit);
    }
}

/// The check sequence is that of the textbook, whatever parts the octets come in.
fn sum(octets: &[u8]) {
    let by_bit = octets.iter().fold(0xffff_u16, |sum, octet| {
        (0..8).fold(sum ^ u16::from(*octet), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0x8408 } else { sum >> 1 }
        })
    });
    assert_eq!(checksum(octets), !by_bit);
    let (head, tail) = octets.split_at(octets.len() / 3);
    let mut fcs = Fcs::new();
    fcs.update(head);
    fcs.update(tail);
    assert_eq!(fcs.value(), !by_bit);
}
