//! Wrapper frames in a stream.

use crate::wrapper::{HEADER_LEN, next_frame};

/// A frame is as long as its header says and is found with its last octet, not before; the frames
/// of a stream follow each other without a gap.
pub fn wrapper(mut octets: &[u8]) {
    while let Some(Ok(frame)) = next_frame(octets) {
        assert_eq!(usize::from(frame.header.length), frame.apdu.len());
        assert_eq!(frame.consumed(), HEADER_LEN + frame.apdu.len());
        let (taken, rest) = octets.split_at(frame.consumed());
        assert_eq!(frame.header.encode_header(), taken[..HEADER_LEN]);
        assert_eq!(frame.apdu, &taken[HEADER_LEN..]);
        assert_eq!(next_frame(taken), Some(Ok(frame)));
        assert_eq!(next_frame(&taken[..taken.len() - 1]), None);
        octets = rest;
    }
    if next_frame(octets).is_some_and(|frame| frame.is_err()) {
        // No octets that follow make it better.
        assert!(octets.len() >= 2 && octets[..2] != 1_u16.to_be_bytes());
        assert_eq!(next_frame(&octets[..2]), next_frame(octets));
    }
}
