//! Finds frames in a stream of octets.
//!
//! The deframer holds offsets, not octets: the owner keeps one buffer, appends what arrives, asks
//! for frames, and drops from the front what [`Deframer::take_consumed`] says.
//!
//! ```text
//!    hunting --- flag --> candidate --- header right, all octets there, flag, FCS --> frame
//!       ^                    |                                                         |
//!       |                    +--- anything wrong, or given up ---> hunting             |
//!       |                         from the octet after its opening flag                |
//!       |                                                                              |
//!       |                    the closing flag opens the next candidate <---------------+
//! ```
//!
//! A frame ends where its length says, not at the next flag, so 0x7E may stand anywhere in it. A
//! length damaged on the way would swallow what follows; therefore nothing after the opening flag
//! is given up with a failed candidate: the search goes on at the very next octet. The checks come
//! in the order of their cost, and the expensive one, the FCS, is limited to
//! [`FCS_ATTEMPTS_MAX`] failures inside one failed candidate. So the work is linear in the octets,
//! whatever they are.

use crate::frame::{FLAG, Frame, FrameError, FrameErrorKind, Header, announced_length};

/// Failed frame check sequences inside the extent of one failed candidate, from which on a
/// candidate that fails there is given up with all its octets. Noise has one of them now and then;
/// only octets crafted for it have more, for each needs a right header check sequence and a flag in
/// the right place. With four, such octets cost no more than the shortest frames do, which is what
/// `benches/tests/counts/linear.rs` counts.
pub const FCS_ATTEMPTS_MAX: u8 = 4;

/// What to do about octets that are not a frame: a property of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnError {
    /// Pass over them and count them: for RS-485, optical heads and CSD calls, where noise is
    /// weather.
    Resync,
    /// Say so once per damaged frame, then go on: for TCP and TLS, where the octets arrived as
    /// they were sent and something is wrong at the other end.
    Report,
}

/// What a deframer has seen so far. Counting wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Frames found.
    pub frames: u64,
    /// Octets that belonged to no frame, flags not counted.
    pub noise_octets: u64,
    /// Candidates with a wrong format, length or address.
    pub bad_header: u64,
    /// Candidates with a wrong header check sequence.
    pub bad_hcs: u64,
    /// Candidates without a flag where their length says that they end.
    pub bad_closing_flag: u64,
    /// Candidates with a wrong frame check sequence.
    pub bad_fcs: u64,
    /// Candidates given up unfinished by [`Deframer::abandon_partial`].
    pub abandoned: u64,
    /// How often [`FCS_ATTEMPTS_MAX`] was reached.
    pub attempts_exhausted: u64,
}

/// Finds frames in the owner's buffer.
///
/// ```
/// use hdlc::deframer::{Deframer, OnError};
///
/// let mut deframer = Deframer::new(OnError::Resync);
/// let mut buffer = Vec::new();
/// // Noise, then half of a frame.
/// buffer.extend([0x00, 0xff, 0x7e, 0xa0, 0x07, 0x03, 0x21]);
/// assert_eq!(deframer.next_frame(&buffer), None);
/// buffer.drain(..deframer.take_consumed());
/// // The other half.
/// buffer.extend([0x93, 0x0f, 0x01, 0x7e]);
/// let frame = deframer.next_frame(&buffer).unwrap()?;
/// assert_eq!(frame.source.upper(), 0x10);
/// assert_eq!(deframer.counters().noise_octets, 2);
/// # Ok::<(), hdlc::frame::FrameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Deframer {
    on_error: OnError,
    /// Everything before this offset is settled. While not hunting, either the buffer ends here or
    /// the octet here is a flag, or the very first octet of the stream.
    start: usize,
    /// The octets from `start` up to the next flag belong to no frame, and that has been said.
    hunting: bool,
    /// Nothing new can be found before the buffer holds this many octets.
    wanted: usize,
    /// End of the octets that the latest failed candidate claimed. What fails before it is no news
    /// to report.
    claimed_until: usize,
    /// End of the octets that a candidate claimed whose frame check sequence failed, the first
    /// since the end before. Other failures do not move it: they would reset the count.
    fcs_until: usize,
    /// Failed frame check sequences of candidates that start before `fcs_until`.
    fcs_attempts: u8,
    counters: Counters,
}

impl Deframer {
    /// A deframer at the start of a stream.
    pub const fn new(on_error: OnError) -> Self {
        Self {
            on_error,
            start: 0,
            hunting: false,
            wanted: 1,
            claimed_until: 0,
            fcs_until: 0,
            fcs_attempts: 0,
            counters: Counters {
                frames: 0,
                noise_octets: 0,
                bad_header: 0,
                bad_hcs: 0,
                bad_closing_flag: 0,
                bad_fcs: 0,
                abandoned: 0,
                attempts_exhausted: 0,
            },
        }
    }

    /// The next frame in `buf`, or with [`OnError::Report`] the next error.
    ///
    /// `None` means that more octets are needed. `buf` holds everything that has arrived since the
    /// octets dropped last; between calls the owner may append to it, and drop from its front
    /// exactly what [`Deframer::take_consumed`] returned. With room for
    /// [`FRAME_LEN_MAX`](crate::frame::FRAME_LEN_MAX) octets the buffer never fills up with an
    /// unfinished frame.
    pub fn next_frame<'a>(&mut self, buf: &'a [u8]) -> Option<Result<Frame<'a>, FrameError>> {
        while buf.len() >= self.wanted {
            let candidate = buf.get(self.start..)?;
            if self.hunting {
                self.hunt(candidate);
                continue;
            }
            let outcome = match candidate {
                // Between two frames: of several flags, the last one opens.
                [FLAG, FLAG, ..] => {
                    let flags = leading(candidate, |octet| octet == FLAG);
                    self.advance(flags.saturating_sub(1));
                    continue;
                }
                [FLAG, octets @ ..] => self.check(octets),
                _ => Err(FrameErrorKind::OpeningFlag.at(0)),
            };
            match outcome {
                Ok(None) => return None,
                Ok(Some(frame)) => return Some(Ok(frame)),
                Err(error) if self.fail(error, candidate) => return Some(Err(error)),
                Err(_) => {}
            }
        }
        None
    }

    /// How many octets the owner has to drop from the front of its buffer before the next call:
    /// they are counted as dropped from here on.
    #[must_use = "the owner has to drop exactly this many octets"]
    pub fn take_consumed(&mut self) -> usize {
        let consumed = self.start;
        self.start = 0;
        self.wanted = self.wanted.saturating_sub(consumed);
        self.claimed_until = self.claimed_until.saturating_sub(consumed);
        self.fcs_until = self.fcs_until.saturating_sub(consumed);
        consumed
    }

    /// Whether a frame has begun and not ended: while this is so, the inter-octet timeout runs,
    /// and waiting for an answer makes no sense.
    pub fn is_inside_frame(&self) -> bool {
        // With the opening flag alone, the octet after it is wanted, and it may come any time.
        !self.hunting && self.wanted > self.start.saturating_add(2)
    }

    /// Gives up the unfinished frame: call it when the inter-octet timeout has passed, then ask
    /// for frames again, for there may be one in what the unfinished frame claimed.
    ///
    /// Does nothing when no frame is unfinished.
    pub fn abandon_partial(&mut self) {
        if self.is_inside_frame() {
            self.counters.abandoned = self.counters.abandoned.wrapping_add(1);
            self.advance(1);
            self.hunting = true;
        }
    }

    /// What has been seen so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Checks the candidate behind the opening flag at `start`.
    fn check<'a>(&mut self, octets: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        let Some(header) = Header::decode(octets)? else {
            self.want(octets.len().saturating_add(1));
            return Ok(None);
        };
        let length = header.length;
        let Some((octets, rest)) = octets.split_at_checked(length) else {
            self.want(length.saturating_add(1));
            return Ok(None);
        };
        match rest.first() {
            None => {
                self.want(length.saturating_add(1));
                return Ok(None);
            }
            Some(&FLAG) => {}
            Some(_) => return Err(FrameErrorKind::ClosingFlag.at(length)),
        }
        let frame = header.into_frame(octets)?;
        self.counters.frames = self.counters.frames.wrapping_add(1);
        // The closing flag may open the next frame.
        self.advance(length.saturating_add(1));
        Ok(Some(frame))
    }

    /// Leaves the failed candidate at `start`; returns whether the owner wants to hear of it.
    fn fail(&mut self, error: FrameError, candidate: &[u8]) -> bool {
        let counter = match error.kind {
            FrameErrorKind::OpeningFlag => {
                self.hunting = true;
                return self.on_error == OnError::Report;
            }
            FrameErrorKind::Format | FrameErrorKind::Length | FrameErrorKind::Address => {
                &mut self.counters.bad_header
            }
            FrameErrorKind::Hcs => &mut self.counters.bad_hcs,
            FrameErrorKind::ClosingFlag => &mut self.counters.bad_closing_flag,
            FrameErrorKind::Fcs => &mut self.counters.bad_fcs,
        };
        *counter = counter.wrapping_add(1);

        let claims_until = match (error.kind, candidate) {
            (FrameErrorKind::Format, _) | (_, []) => self.start.saturating_add(1),
            (_, [_, octets @ ..]) => {
                self.start.saturating_add(1).saturating_add(announced_length(octets))
            }
        };
        let is_new = self.start >= self.claimed_until;
        if is_new {
            self.claimed_until = claims_until;
        }
        if error.kind == FrameErrorKind::Fcs {
            if self.start >= self.fcs_until {
                self.fcs_until = claims_until;
                self.fcs_attempts = 0;
            }
            self.fcs_attempts = self.fcs_attempts.saturating_add(1);
        }
        match candidate {
            // All its octets are there, or its sum could not have failed: what is given up does
            // not depend on how much has arrived.
            [_, octets @ ..]
                if error.kind == FrameErrorKind::Fcs && self.fcs_attempts >= FCS_ATTEMPTS_MAX =>
            {
                self.counters.attempts_exhausted = self.counters.attempts_exhausted.wrapping_add(1);
                let extent = announced_length(octets).saturating_add(1);
                self.discard(candidate.get(..extent).unwrap_or(candidate));
            }
            _ => self.advance(1),
        }
        self.hunting = true;
        is_new && self.on_error == OnError::Report
    }

    /// Moves to the next flag in `candidate`, or to its end.
    fn hunt(&mut self, candidate: &[u8]) {
        let noise = leading(candidate, |octet| octet != FLAG);
        self.discard(candidate.get(..noise).unwrap_or(candidate));
        self.hunting = noise == candidate.len();
    }

    /// Passes over `octets`, which belong to no frame.
    fn discard(&mut self, octets: &[u8]) {
        let noise = octets.iter().filter(|&&octet| octet != FLAG).count();
        let noise = u64::try_from(noise).unwrap_or(u64::MAX);
        self.counters.noise_octets = self.counters.noise_octets.wrapping_add(noise);
        self.advance(octets.len());
    }

    /// Settles `octets` more octets.
    fn advance(&mut self, octets: usize) {
        self.start = self.start.saturating_add(octets);
        self.want(0);
    }

    /// Asks for `octets` octets behind the one at `start`.
    fn want(&mut self, octets: usize) {
        self.wanted = self.start.saturating_add(1).saturating_add(octets);
    }
}

/// How many octets `is` holds for, from the front. Many are looked at together, because the
/// compiler then compares them with vectors.
fn leading(octets: &[u8], is: impl Fn(u8) -> bool) -> usize {
    const TOGETHER: usize = 32;

    let (chunks, _) = octets.as_chunks::<TOGETHER>();
    let all = |chunk: &&[u8; TOGETHER]| chunk.iter().fold(true, |all, &octet| all & is(octet));
    let whole = chunks.iter().take_while(all).count().saturating_mul(TOGETHER);
    let rest = octets.get(whole..).unwrap_or_default();
    rest.iter().take_while(|&&octet| is(octet)).count().saturating_add(whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{address::Address, control::Control, fcs::checksum, frame::FRAME_LEN_MAX};

    const SNRM: [u8; 9] = [0x7e, 0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x7e];

    /// UI with the information 7E 7E 7E.
    const FLAGS_INSIDE: [u8; 14] =
        [0x7e, 0xa0, 0x0c, 0x03, 0x21, 0x13, 0x12, 0x45, 0x7e, 0x7e, 0x7e, 0x99, 0xaf, 0x7e];

    /// A frame of its own: what `next_frame` found.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Found {
        control: Control,
        information: Vec<u8>,
    }

    /// Feeds `chunks` one after the other as an owner would, with the inter-octet timeout at the
    /// end.
    fn run(deframer: &mut Deframer, chunks: &[&[u8]]) -> Vec<Result<Found, FrameErrorKind>> {
        let mut found = Vec::new();
        let mut buffer = Vec::new();
        let mut drain = |deframer: &mut Deframer, buffer: &mut Vec<u8>| {
            while let Some(outcome) = deframer.next_frame(buffer) {
                found.push(match outcome {
                    Ok(frame) => Ok(Found {
                        control: frame.control,
                        information: frame.information.to_vec(),
                    }),
                    Err(error) => Err(error.kind),
                });
            }
            buffer.drain(..deframer.take_consumed());
            assert!(buffer.len() < FRAME_LEN_MAX, "an unfinished frame outgrows its buffer");
        };
        for chunk in chunks {
            // A real owner has a buffer of its own size; here one octet more than a frame.
            for piece in chunk.chunks(FRAME_LEN_MAX) {
                buffer.extend_from_slice(piece);
                drain(deframer, &mut buffer);
            }
        }
        while deframer.is_inside_frame() {
            deframer.abandon_partial();
            drain(deframer, &mut buffer);
        }
        found
    }

    fn resync(octets: &[u8]) -> (Vec<Found>, Counters) {
        let mut deframer = Deframer::new(OnError::Resync);
        let found = run(&mut deframer, &[octets]);
        (found.into_iter().map(Result::unwrap).collect(), *deframer.counters())
    }

    fn report(octets: &[u8]) -> Vec<Result<Control, FrameErrorKind>> {
        run(&mut Deframer::new(OnError::Report), &[octets])
            .into_iter()
            .map(|outcome| outcome.map(|found| found.control))
            .collect()
    }

    fn encoded(information: &[u8]) -> Vec<u8> {
        let frame = Frame {
            destination: Address::MANAGEMENT,
            source: Address::PUBLIC_CLIENT,
            control: Control::Ui { pf: true },
            segmented: false,
            information,
        };
        let mut out = [0; FRAME_LEN_MAX];
        let written = frame.encode(&mut out).unwrap();
        out[..written].to_vec()
    }

    const SNRM_FOUND: Control = Control::Snrm { pf: true };

    #[test]
    fn a_frame_split_at_every_octet_is_found_once() {
        for at in 0..=FLAGS_INSIDE.len() {
            let (head, tail) = FLAGS_INSIDE.split_at(at);
            let found = run(&mut Deframer::new(OnError::Resync), &[head, tail]);
            assert_eq!(
                found,
                [Ok(Found { control: Control::Ui { pf: true }, information: vec![0x7e; 3] })],
                "split at {at}"
            );
        }
    }

    #[test]
    fn flags_inside_a_frame_end_nothing() {
        let (found, counters) = resync(&FLAGS_INSIDE);
        assert_eq!(found.len(), 1);
        assert_eq!(counters, Counters { frames: 1, ..Counters::default() });
    }

    #[test]
    fn one_flag_may_close_a_frame_and_open_the_next() {
        let mut octets = SNRM.to_vec();
        octets.extend(&SNRM[1..]);
        octets.extend(&FLAGS_INSIDE[1..]);
        octets.extend(&SNRM[1..]);
        let (found, counters) = resync(&octets);
        assert_eq!(found.len(), 4);
        assert_eq!(counters.noise_octets, 0);
    }

    #[test]
    fn frames_back_to_back_and_with_many_flags_between_are_found() {
        let mut octets = vec![FLAG; 5];
        for _ in 0..3 {
            octets.extend(SNRM);
        }
        octets.extend([FLAG; 7]);
        octets.extend(SNRM);
        let (found, counters) = resync(&octets);
        assert_eq!(found.len(), 4);
        assert_eq!(counters.noise_octets, 0);
    }

    #[test]
    fn octets_before_between_and_after_frames_are_counted() {
        let mut octets = vec![0x00, 0x11];
        octets.extend(SNRM);
        octets.extend([0x22, 0x33, 0x44]);
        octets.extend(SNRM);
        octets.extend([0x55]);
        let (found, counters) = resync(&octets);
        assert_eq!(found.len(), 2);
        assert_eq!(counters.noise_octets, 6);
    }

    #[test]
    fn a_frame_with_a_wrong_sum_is_silence_and_the_next_one_is_found() {
        let mut octets = FLAGS_INSIDE.to_vec();
        octets[11] ^= 1;
        octets.extend(SNRM);
        let (found, counters) = resync(&octets);
        assert_eq!(found.len(), 1);
        assert_eq!(counters.bad_fcs, 1);

        let mut octets = FLAGS_INSIDE.to_vec();
        octets[7] ^= 1;
        octets.extend(SNRM);
        let (found, counters) = resync(&octets);
        assert_eq!(found.len(), 1);
        assert_eq!(counters.bad_hcs, 1);
    }

    #[test]
    fn a_damaged_length_does_not_swallow_the_next_frame() {
        for damaged in [0xa0_u8, 0xa1, 0xa4, 0xa7] {
            for low in 0..=0xff {
                let mut octets = SNRM.to_vec();
                octets[1] = damaged;
                octets[2] = low;
                octets.extend(FLAGS_INSIDE);
                let (found, _) = resync(&octets);
                assert_eq!(
                    found.last().map(|frame| frame.information.len()),
                    Some(3),
                    "{damaged:02x} {low:02x}"
                );
            }
        }
    }

    #[test]
    fn an_octet_lost_inside_a_frame_costs_that_frame_only() {
        for lost in 0..FLAGS_INSIDE.len() {
            let mut octets = FLAGS_INSIDE.to_vec();
            octets.remove(lost);
            octets.extend(SNRM);
            let (found, _) = resync(&octets);
            assert_eq!(found.last().map(|frame| frame.control), Some(SNRM_FOUND), "{lost}");
        }
    }

    /// A right header that announces 100 octets of which only a few come, then a good frame.
    #[test]
    fn a_frame_that_never_ends_blocks_nothing_after_the_inter_octet_timeout() {
        let long = encoded(&[0x55; 100]);
        let mut buffer = long[..20].to_vec();
        buffer.extend(SNRM);

        let mut deframer = Deframer::new(OnError::Resync);
        assert_eq!(deframer.next_frame(&buffer), None);
        assert!(deframer.is_inside_frame());
        deframer.abandon_partial();
        assert_eq!(deframer.next_frame(&buffer).unwrap().unwrap().control, SNRM_FOUND);
        assert_eq!(deframer.next_frame(&buffer), None);
        assert!(!deframer.is_inside_frame(), "the closing flag alone is no frame");
        deframer.abandon_partial();
        assert_eq!(deframer.counters().abandoned, 1);
        // The closing flag still opens what comes.
        buffer.drain(..deframer.take_consumed());
        buffer.extend(&SNRM[1..]);
        assert_eq!(deframer.next_frame(&buffer).unwrap().unwrap().control, SNRM_FOUND);
    }

    #[test]
    fn report_says_once_that_octets_stand_before_the_first_flag() {
        let mut octets = vec![0x01, 0x02, 0x03];
        octets.extend(SNRM);
        assert_eq!(report(&octets), [Err(FrameErrorKind::OpeningFlag), Ok(SNRM_FOUND)]);
    }

    #[test]
    fn report_says_once_that_a_frame_is_bad_and_goes_on() {
        let mut octets = FLAGS_INSIDE.to_vec();
        octets[11] ^= 1;
        octets.extend(SNRM);
        assert_eq!(report(&octets), [Err(FrameErrorKind::Fcs), Ok(SNRM_FOUND)]);

        let mut octets = FLAGS_INSIDE.to_vec();
        octets[6] ^= 1;
        octets.extend(SNRM);
        assert_eq!(report(&octets), [Err(FrameErrorKind::Hcs), Ok(SNRM_FOUND)]);

        let mut octets = SNRM.to_vec();
        octets.extend([0x99, 0x98, 0x97]);
        octets.extend(SNRM);
        assert_eq!(report(&octets), [Ok(SNRM_FOUND), Err(FrameErrorKind::Format), Ok(SNRM_FOUND)]);

        let mut octets = SNRM.to_vec();
        octets[8] = 0x7f;
        octets.extend(SNRM);
        assert_eq!(report(&octets), [Err(FrameErrorKind::ClosingFlag), Ok(SNRM_FOUND)]);
    }

    /// Every eight octets a right header that claims 2047 octets and ends on a flag.
    #[test]
    fn octets_crafted_against_the_fcs_are_summed_a_limited_number_of_times() {
        let mut header = vec![0xa7, 0xff, 0x03, 0x21, 0x13];
        header.extend(checksum(&header).to_le_bytes());
        let mut octets = Vec::new();
        while octets.len() < 64 * 1024 {
            octets.push(FLAG);
            octets.extend(&header);
        }
        octets.extend(SNRM);
        let mut deframer = Deframer::new(OnError::Resync);
        while deframer.next_frame(&octets).is_some() {}
        while deframer.is_inside_frame() {
            deframer.abandon_partial();
            while deframer.next_frame(&octets).is_some() {}
        }
        let counters = deframer.counters();
        // The last of so many candidates, eight octets apart, goes with its extent.
        let extent = 2048 + (u64::from(FCS_ATTEMPTS_MAX) - 1) * 8;
        assert_eq!(counters.attempts_exhausted, 64 * 1024 / extent, "{counters:?}");
        let extents = 64 * 1024 / 2048 + 1;
        assert!(counters.bad_fcs <= u64::from(FCS_ATTEMPTS_MAX) * extents, "{counters:?}");
        assert_eq!(counters.frames, 1, "the frame after it is found all the same");

        // What is given up does not depend on how the octets arrive.
        let mut split = Deframer::new(OnError::Resync);
        let chunks: Vec<_> = octets.chunks(61).collect();
        run(&mut split, &chunks);
        assert_eq!(split.counters(), counters);
    }

    /// Before each header that claims 2047 octets, one that claims a few and is wrong at once.
    #[test]
    fn other_failures_between_them_do_not_raise_the_limit() {
        let mut header = vec![0xa7, 0xff, 0x03, 0x21, 0x13];
        header.extend(checksum(&header).to_le_bytes());
        let bad_hcs = [FLAG, 0xa0, 0x09, 0x03, 0x21, 0x13, 0x00, 0x00];
        let mut octets = Vec::new();
        while octets.len() < 64 * 1024 {
            octets.extend(bad_hcs);
            octets.push(FLAG);
            octets.extend(&header);
        }
        let mut deframer = Deframer::new(OnError::Resync);
        while deframer.next_frame(&octets).is_some() {}
        let counters = deframer.counters();
        let extents = 64 * 1024 / 2048 + 1;
        assert!(counters.bad_hcs > 0 && counters.bad_fcs > 0, "{counters:?}");
        assert!(counters.bad_fcs <= u64::from(FCS_ATTEMPTS_MAX) * extents, "{counters:?}");
    }

    #[test]
    fn a_stream_of_flags_is_consumed_as_it_comes() {
        let mut deframer = Deframer::new(OnError::Report);
        assert_eq!(deframer.next_frame(&[FLAG; 5000]), None);
        assert_eq!(deframer.take_consumed(), 4999);
        assert_eq!(deframer.counters(), &Counters::default());
    }

    /// Noise with many octets that look like the beginning of something.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![
            Just(FLAG),
            Just(0xa0_u8),
            Just(0xa7_u8),
            Just(0x07_u8),
            Just(0x03_u8),
            any::<u8>(),
        ];
        proptest::collection::vec(octet, 0..40)
    }

    fn information() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => proptest::collection::vec(prop_oneof![Just(FLAG), any::<u8>()], 0..40),
            1 => proptest::collection::vec(any::<u8>(), 0..2030),
        ]
    }

    proptest! {
        #[test]
        fn cuts_between_chunks_change_nothing(
            frames in proptest::collection::vec((noise(), information()), 1..6),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
            on_error in prop_oneof![Just(OnError::Resync), Just(OnError::Report)],
        ) {
            let mut octets = Vec::new();
            for (noise, information) in &frames {
                octets.extend(noise);
                octets.extend(encoded(information));
            }
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(octets.len())).collect();
            cuts.push(octets.len());
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for to in cuts {
                chunks.push(&octets[from..to]);
                from = to;
            }
            let mut whole = Deframer::new(on_error);
            let mut cut = Deframer::new(on_error);
            prop_assert_eq!(run(&mut whole, &[&octets]), run(&mut cut, &chunks));
            prop_assert_eq!(whole.counters(), cut.counters());
        }

        #[test]
        fn noise_between_frames_loses_none_of_them(
            frames in proptest::collection::vec((noise(), information(), any::<bool>()), 1..8),
        ) {
            let mut octets = Vec::new();
            for (noise, information, shares_flag) in &frames {
                let frame = encoded(information);
                octets.extend(noise);
                let shared = *shares_flag && octets.last() == Some(&FLAG);
                octets.extend(&frame[usize::from(shared)..]);
            }
            let (found, counters) = resync(&octets);
            let mut found = found.iter();
            for (_, information, _) in &frames {
                prop_assert!(found.any(|found| found.information == *information));
            }
            prop_assert!(counters.frames >= frames.len() as u64);
        }

        #[test]
        fn every_octet_is_a_flag_or_in_a_frame_or_noise(octets in noise()) {
            let mut deframer = Deframer::new(OnError::Resync);
            let frames = run(&mut deframer, &[&octets]);
            prop_assert!(frames.is_empty());
            let others = octets.iter().filter(|&&octet| octet != FLAG).count() as u64;
            prop_assert_eq!(deframer.counters().noise_octets, others);
        }
    }
}
