//! A trunk: one wrapper connection to a concentrator, with the associations of many meters on it.
//!
//! ```text
//!    Client     Client     Client         one for each meter
//!       |          |          |
//!     Line       Line       Line          (client SAP, SAP): 16, 16   16, 17   1, 16
//!       '----------+----------'
//!                  | frames                bounded queues, both ways
//!              the owner                   one task: what is ready is written together,
//!                  |                       what was read together is given out
//!           wrapper / TCP, TLS             IEC 62056-47
//! ```
//!
//! A SAP behind the concentrator is the wPort of a meter's logical device, and so the answers to a
//! client are told from all others by the two wPorts of their frames. Each line has a queue of its
//! own: what a slow line does not take is dropped and counted, and the owner never waits for one.
//!
//! What nobody asked for comes from [`Pushes`] with the SAP that it came from: notifications in
//! clear, and ciphered ones where no line is open between these two SAPs. Where one is, nobody here
//! can tell a ciphered notification from an answer; the association can, and its
//! [`Client`](crate::client::Client) gives it out.
//!
//! ```
//! use dlms_tokio::{LineConfig, Trace, trunk::{Trunk, TrunkConfig}};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let (near, mut concentrator) = tokio::io::duplex(4096);
//! let (trunk, _pushes) = Trunk::over(near, &TrunkConfig::default(), Trace::off());
//! let mut meter = trunk.line(&LineConfig { server_upper: 0x10, ..LineConfig::default() })?;
//!
//! meter.send(&[0x62, 0x00]).await?;
//! let mut request = [0; 10];
//! concentrator.read_exact(&mut request).await?;
//! assert_eq!(request, [0, 1, 0, 0x10, 0, 0x10, 0, 2, 0x62, 0x00]);
//!
//! concentrator.write_all(&[0, 1, 0, 0x10, 0, 0x10, 0, 2, 0x63, 0x00]).await?;
//! let mut answer = Vec::new();
//! meter.receive(&mut answer).await?;
//! assert_eq!(answer, [0x63, 0x00]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod owner;
mod ways;

use core::time::Duration;
use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

use crate::{
    address::Endpoint,
    line::{Line, LineConfig, LineError, tcp},
    trace::Trace,
    trunk::owner::Owner,
};

pub(crate) use ways::{Way, Ways};

/// Lines that one trunk carries at once: every SAP of the extended pool with one client. A
/// concentrator has about a thousand meters.
pub const LINES_MAX: usize = 0x4000;
/// Frames of all lines that wait for the owner; a further one waits in its line. As many as one
/// write may take when they are short.
pub const OUTGOING_MAX: usize = 256;
/// APDUs that wait for one line to take them. One with the largest window of general block transfer
/// (63 blocks) comes whole.
pub const INCOMING_MAX: usize = 64;
/// Octets of APDUs that wait for one line, beside the last one: a window of blocks of 4 KiB.
pub const INCOMING_LEN_MAX: usize = 256 * 1024;
/// Unasked APDUs that wait for the reader of [`Pushes`]: each meter of a concentrator has one.
pub const PUSHES_MAX: usize = 2_048;

/// How patient a trunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkConfig {
    /// How long the connection may take to open, to accept octets that wait, and to finish a frame
    /// that has begun. Default 30 s. That nothing comes is no failure: each line has a patience of
    /// its own.
    pub timeout: Duration,
}

impl Default for TrunkConfig {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30) }
    }
}

/// Totals since a trunk was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrunkCounters {
    /// Octets written.
    pub octets_sent: u64,
    /// Octets read.
    pub octets_received: u64,
    /// Frames written.
    pub frames_sent: u64,
    /// Frames read whole.
    pub frames_received: u64,
    /// Writes; each takes what was ready.
    pub writes: u64,
    /// Reads; each gives out every frame that it completed.
    pub reads: u64,
    /// Unasked APDUs given to [`Pushes`].
    pub pushes: u64,
    /// Unasked APDUs that nobody took: the reader of [`Pushes`] is gone or has [`PUSHES_MAX`].
    pub pushes_dropped: u64,
    /// APDUs that their line had no room for.
    pub apdus_dropped: u64,
    /// Frames between two SAPs that have no line here, and dropped.
    pub unclaimed: u64,
    /// Lines that were not opened because there are [`LINES_MAX`].
    pub lines_refused: u64,
}

/// Why a trunk does not open a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrunkError {
    /// It carries [`LINES_MAX`] already.
    #[error("the trunk carries {LINES_MAX} lines and no more")]
    Full,
    /// It has ended.
    #[error(transparent)]
    Ended(#[from] LineError),
}

/// An APDU that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The SAP it came from; 1 is the concentrator itself.
    pub source: u16,
    /// The client SAP it is for.
    pub client: u16,
    /// The APDU, perhaps ciphered.
    pub apdu: Vec<u8>,
}

/// What comes over a trunk without being asked for, in the order in which it came.
#[derive(Debug)]
pub struct Pushes(mpsc::Receiver<Push>);

impl Pushes {
    /// The next; None when the trunk has ended. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Push> {
        self.0.recv().await
    }
}

/// A handle to a trunk. The connection ends with [`close`](Self::close), with a failure, or when
/// the last handle and the last line are gone.
#[derive(Clone, Debug)]
pub struct Trunk {
    outgoing: mpsc::Sender<Vec<u8>>,
    ways: Arc<Ways>,
    trace: Trace,
}

impl Trunk {
    /// Connects to a concentrator over TCP.
    ///
    /// # Errors
    /// [`LineError::Unreachable`] or [`LineError::Timeout`] while resolving or opening.
    pub async fn connect(
        endpoint: &Endpoint,
        config: &TrunkConfig,
        trace: Trace,
    ) -> Result<(Self, Pushes), LineError> {
        let stream = tcp::connect(endpoint, config.timeout).await?;
        Ok(Self::over(stream, config, trace))
    }

    /// A trunk over a stream that is open: TCP, TLS over it, a pipe in memory. To be called within
    /// a runtime, where its owner lives.
    pub fn over(
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        config: &TrunkConfig,
        trace: Trace,
    ) -> (Self, Pushes) {
        let ways = Arc::new(Ways::default());
        let (outgoing, queue) = mpsc::channel(OUTGOING_MAX);
        let (pushes, pushed) = mpsc::channel(PUSHES_MAX);
        let owner = Owner::new(Arc::clone(&ways), queue, pushes, config.timeout, trace.clone());
        tokio::spawn(owner.run(stream));
        (Self { outgoing, ways, trace }, Pushes(pushed))
    }

    /// Opens the line between `config.client` and `config.server_upper`. Nothing is sent.
    ///
    /// A line that is open between the same two ends as if the trunk were closed: who comes later
    /// has the SAPs. What is still on its way to the one that was there comes to the new one.
    ///
    /// # Errors
    /// See [`TrunkError`].
    pub fn line(&self, config: &LineConfig) -> Result<Line, TrunkError> {
        let way = Ways::open(&self.ways, (config.client, config.server_upper))?;
        Ok(Line::over_trunk(self.outgoing.clone(), way, config, self.trace.clone()))
    }

    /// Whether lines can be opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ways.ended().is_none()
    }

    /// Why the trunk ended; None while it is open.
    #[must_use]
    pub fn ended(&self) -> Option<LineError> {
        self.ways.ended()
    }

    /// Closes the connection. Every line fails with [`LineError::Closed`]; what was not sent yet is
    /// lost.
    pub fn close(&self) {
        self.ways.close();
    }

    /// What this trunk has carried so far.
    #[must_use]
    pub fn counters(&self) -> TrunkCounters {
        self.ways.counters()
    }
}
