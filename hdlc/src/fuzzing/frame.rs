//! One frame between two flags.

use crate::frame::{FLAG, FRAME_LEN_MAX, Frame};

/// A frame that can be read can be written, and reads the same again; written once more it is the
/// same octets.
pub fn frame(octets: &[u8]) {
    let Ok(frame) = Frame::decode(octets) else { return };
    let (out, written) = encode(&frame);
    let [FLAG, between @ .., FLAG] = &out[..written] else { panic!("no flags: {frame:?}") };
    let again = Frame::decode(between);
    assert_eq!(again, Ok(frame));
    assert_eq!(encode(&frame), (out, written));
    // A header check sequence may stand before no information at all; it is not written. And what
    // is right for the fuzzer alone is not written either.
    if !cfg!(fuzzing) && !frame.information.is_empty() {
        assert_eq!(between, octets);
    }

    // A buffer of any other length is refused or is enough, and what it lacks is told.
    for len in 0..written {
        let mut short = [0; FRAME_LEN_MAX];
        assert!(frame.encode(&mut short[..len]).is_err());
        assert!(short.iter().all(|octet| *octet == 0), "half a frame");
    }
}

fn encode(frame: &Frame<'_>) -> ([u8; FRAME_LEN_MAX], usize) {
    let mut out = [0; FRAME_LEN_MAX];
    let written = frame.encode(&mut out).expect("no longer than what was read");
    (out, written)
}
