//! Frames in any stream of octets.

use std::vec::Vec;

use super::next;
use crate::{
    address::Address,
    control::Control,
    deframer::{Counters, Deframer, OnError},
    frame::{FLAG, FRAME_LEN_MAX, Frame, FrameError},
};

/// A frame that owns its information.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    destination: Address,
    source: Address,
    control: Control,
    segmented: bool,
    information: Vec<u8>,
}

impl Found {
    fn new(frame: &Frame<'_>) -> Self {
        Self {
            destination: frame.destination,
            source: frame.source,
            control: frame.control,
            segmented: frame.segmented,
            information: frame.information.to_vec(),
        }
    }
}

/// However a stream is split, the same frames come out of it; and frames that were put into it,
/// with anything between them that opens no frame, are found, each once and nothing else.
///
/// First octet: bit 0 the policy, the other bits how the stream is split.
pub fn deframer(mut octets: &[u8]) {
    let choice = next(&mut octets);
    let on_error = if choice & 1 == 0 { OnError::Resync } else { OnError::Report };

    let whole = run(on_error, octets, |_| FRAME_LEN_MAX);
    let single = run(on_error, octets, |_| 1);
    assert_eq!(whole, single, "octet by octet");
    let mixed = run(on_error, octets, |at| 1 + (at ^ usize::from(choice >> 1)) % 61);
    assert_eq!(whole, mixed, "in chunks");

    among_noise(choice, octets);
}

/// Feeds `octets` in chunks as an owner would; at the end the line stays silent for longer than the
/// inter-octet timeout.
fn run(
    on_error: OnError,
    octets: &[u8],
    chunk_len: impl Fn(usize) -> usize,
) -> (Vec<Result<Found, FrameError>>, Counters) {
    let mut deframer = Deframer::new(on_error);
    let mut found = Vec::new();
    let mut buffer = Vec::new();
    let mut drain = |deframer: &mut Deframer, buffer: &mut Vec<u8>| {
        while let Some(outcome) = deframer.next_frame(buffer) {
            found.push(outcome.map(|frame| Found::new(&frame)));
        }
        buffer.drain(..deframer.take_consumed());
        assert!(buffer.len() < FRAME_LEN_MAX, "an unfinished frame outgrows its buffer");
    };
    let mut rest = octets;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_len(octets.len() - rest.len()).min(rest.len()));
        buffer.extend_from_slice(chunk);
        drain(&mut deframer, &mut buffer);
        rest = after;
    }
    while deframer.is_inside_frame() {
        deframer.abandon_partial();
        drain(&mut deframer, &mut buffer);
    }
    assert_eq!(found.iter().flatten().count() as u64, deframer.counters().frames);
    assert!(on_error == OnError::Report || found.iter().all(Result::is_ok));
    (found, *deframer.counters())
}

/// Cuts `octets` into pieces and sends every other one as the information of a frame.
fn among_noise(choice: u8, mut octets: &[u8]) {
    let mut line = Vec::new();
    let mut sent = Vec::new();
    let mut noise_octets = 0;
    while !octets.is_empty() {
        let len = usize::from(next(&mut octets)).min(octets.len());
        let (information, rest) = octets.split_at(len);
        let frame = Frame {
            destination: Address::MANAGEMENT,
            source: Address::PUBLIC_CLIENT,
            control: Control::decode(choice),
            segmented: choice & 4 != 0,
            information,
        };
        let mut out = [0; FRAME_LEN_MAX];
        let written = frame.encode(&mut out).expect("at most 255 octets of information");
        // The flag that closed the frame before may open this one.
        let shares_flag = choice & 2 != 0 && line.last() == Some(&FLAG);
        line.extend_from_slice(&out[usize::from(shares_flag)..written]);
        sent.push(Found::new(&frame));

        octets = rest;
        let len = usize::from(next(&mut octets) & 0x1f).min(octets.len());
        let (noise, rest) = octets.split_at(len);
        // No octet of it can follow a flag in a frame.
        let noise = noise.iter().map(|&octet| if octet & 0xf0 == 0xa0 { 0 } else { octet });
        noise_octets += noise.clone().filter(|&octet| octet != FLAG).count() as u64;
        line.extend(noise);
        octets = rest;
    }
    let (found, counters) = run(OnError::Resync, &line, |_| 97);
    let found: Vec<Found> = found.into_iter().flatten().collect();
    assert_eq!(found, sent);
    assert_eq!(counters.noise_octets, noise_octets);
}
