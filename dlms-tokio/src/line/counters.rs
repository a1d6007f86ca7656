//! What a line has carried, good and bad.

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
