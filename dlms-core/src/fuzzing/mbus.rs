//! Wired M-Bus frames in any stream of octets, and the APDUs in them.

use alloc::vec::Vec;

use super::next;
use crate::mbus::{
    APDU_MAX, FRAME_LEN_MAX, MbusFrame, MbusSegments, last_frame, next_frame, resynchronize,
};

/// However a stream is split, the same frames come out of it, and so the same APDUs.
///
/// First octet: how the stream is split. Then the stream.
pub fn mbus(mut octets: &[u8]) {
    let chunk = usize::from(next(&mut octets)) + 1;
    let whole = run(octets, usize::MAX);
    assert_eq!(whole, run(octets, 1));
    assert_eq!(whole, run(octets, chunk));
}

/// The frames of a stream that comes in chunks, by their octets, and the APDUs joined of them.
fn run(octets: &[u8], chunk: usize) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut found = (Vec::new(), Vec::new());
    let mut segments = MbusSegments::new();
    let mut take = |frame: &MbusFrame<'_>, taken: &[u8]| {
        assert_eq!(next_frame(taken), Some(Ok(*frame)));
        assert!(taken.len() <= FRAME_LEN_MAX);
        found.0.push(taken.to_vec());
        if let Ok(Some(apdu)) = segments.take(frame) {
            assert!(apdu.len() <= APDU_MAX);
            assert!(frame.last && !segments.is_inside_apdu());
            found.1.push(apdu);
        }
    };
    let mut buffer = Vec::new();
    for chunk in octets.chunks(chunk) {
        buffer.extend_from_slice(chunk);
        while let Some(outcome) = next_frame(&buffer) {
            let drop = match outcome {
                Ok(frame) => {
                    take(&frame, &buffer[..frame.consumed()]);
                    frame.consumed()
                }
                Err(_) => resynchronize(&buffer),
            };
            assert!(drop > 0, "the same octets again");
            buffer.drain(..drop);
        }
        assert!(buffer.len() < FRAME_LEN_MAX, "an unfinished frame outgrows its buffer");
    }
    while let Some(outcome) = last_frame(&buffer) {
        let drop = match outcome {
            Ok(frame) => {
                take(&frame, &buffer[..frame.consumed()]);
                frame.consumed()
            }
            Err(_) => resynchronize(&buffer),
        };
        assert!(drop > 0, "the same octets again");
        buffer.drain(..drop);
    }
    found
}
