//! What a line has carried, good and bad.

use hdlc::deframer::Counters;

/// Totals since a line was opened. Noise is weather: it is counted, not reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounters {
    /// Octets written.
    pub octets_sent: u64,
    /// Octets read.
    pub octets_received: u64,
    /// HDLC frames or wrapper PDUs written.
    pub frames_sent: u64,
    /// HDLC frames or wrapper PDUs read whole, those for others included.
    pub frames_received: u64,
    /// Octets that belonged to no frame.
    pub noise_octets: u64,
    /// HDLC frames whose header check sequence was wrong.
    pub bad_hcs: u64,
    /// HDLC frames whose frame check sequence was wrong.
    pub bad_fcs: u64,
    /// HDLC frames, or datagrams, that were malformed in another way.
    pub malformed: u64,
    /// Frames that began and were never finished.
    pub abandoned: u64,
    /// Good frames for or from somebody else.
    pub foreign: u64,
    /// Whole APDUs thrown away because they were too long or too many were waiting.
    pub apdus_dropped: u64,
    /// Waits that ran out, whether something was repeated then or given up.
    pub timeouts: u64,
}

impl LineCounters {
    /// With what a deframer has seen.
    pub(crate) const fn with_deframed(mut self, seen: &Counters) -> Self {
        self.frames_received += seen.frames;
        self.noise_octets += seen.noise_octets;
        self.bad_hcs += seen.bad_hcs;
        self.bad_fcs += seen.bad_fcs;
        self.malformed += seen.bad_header + seen.bad_closing_flag;
        self.abandoned += seen.abandoned;
        self
    }

    /// Adds what an earlier stream has carried.
    pub(crate) const fn add(&mut self, earlier: &Self) {
        self.octets_sent += earlier.octets_sent;
        self.octets_received += earlier.octets_received;
        self.frames_sent += earlier.frames_sent;
        self.frames_received += earlier.frames_received;
        self.noise_octets += earlier.noise_octets;
        self.bad_hcs += earlier.bad_hcs;
        self.bad_fcs += earlier.bad_fcs;
        self.malformed += earlier.malformed;
        self.abandoned += earlier.abandoned;
        self.foreign += earlier.foreign;
        self.apdus_dropped += earlier.apdus_dropped;
        self.timeouts += earlier.timeouts;
    }
}
