//! A shared medium: one HDLC bus with many meters, an RS-485 line or a PLC modem, and one who
//! speaks on it (IEC 62056-46).
//!
//! ```text
//!   MediumHandle --Down--> queue of each meter --+
//!   MediumHandle --Down--> queue of each meter --+--> one turn at a time --> stream --> meters
//!                             Up <---------------+<------------------------- stream <--
//! ```
//!
//! APDUs are handed in and come back; the links to the meters are the medium's own business: set up
//! when something is to be sent, kept while they are used, released when they are idle, told to be,
//! or too many.
//!
//! Meters have the turn one after the other. One that is not ready to answer, or silent, does not
//! keep the others waiting: it is asked again when they have had their turn. One that has stayed
//! silent through all repetitions rests, twice as long each time, and what is for it meanwhile
//! waits; but not for longer than who asked would, since to carry out later what was given up would
//! surprise.
//!
//! ```
//! use core::time::Duration;
//!
//! use dlms_tokio::medium::{Down, Medium, MediumAddress, MediumConfig, Up};
//! # use dlms_tokio::{ApduServer, HdlcServerConfig, serve_hdlc};
//! # struct Echo;
//! # impl ApduServer for Echo {
//! #     fn knows(&self, server: u16) -> bool { server == 1 }
//! #     fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
//! #         out.append(apdu);
//! #         true
//! #     }
//! #     fn disconnected(&mut self, _: u16, _: u16) {}
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let (near, far) = tokio::io::duplex(1024);
//! # tokio::spawn(async move { serve_hdlc(far, &mut Echo, &HdlcServerConfig::default()).await });
//! let (up, mut ups) = tokio::sync::mpsc::channel(16);
//! let (handle, medium) = Medium::on(near, MediumConfig::default(), move |told| {
//!     let _ = up.try_send(told);
//! });
//! tokio::spawn(medium);
//!
//! let meter = MediumAddress { physical: 17, server: 1 };
//! let apdu = vec![0xC0, 0x01, 0xC1];
//! handle.try_send(Down::Apdu { meter, client: 16, apdu: apdu.clone() })?;
//! assert_eq!(ups.recv().await, Some(Up::Apdu { meter, client: 16, apdu }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bus;
mod room;
mod series;

use core::{future::Future, time::Duration};
use std::sync::{Arc, Mutex, PoisonError};

use hdlc::{
    deframer::{Deframer, OnError},
    frame::{FLAG, FRAME_LEN_MAX},
};
use sans_io_time::Instant;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::{sleep_until, timeout},
};

use self::{
    bus::{Bus, Job},
    room::{Place, Room},
};
use crate::{
    address::Address,
    clock::{self, Clock},
    line::{LineConfig, LineCounters, LineError, Phase, Stream, port::Port, serial, tcp},
    trace::{Direction, ShownFrame, Trace},
};

/// Where a meter is on its medium, and which logical device of it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediumAddress {
    /// The physical device: the lower HDLC address.
    pub physical: u16,
    /// The logical device: the upper HDLC address. Usually 1.
    pub server: u16,
}

/// How a medium is spoken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediumConfig {
    /// Timeouts, frame sizes, address length; the client and server addresses in it are not used.
    ///
    /// A bus is no telephone line: as a default a meter has 3 s to answer, and is asked 3 times.
    pub line: LineConfig,
    /// The rate of a serial bus behind the stream, in baud, if the frames' own time is to be
    /// reckoned with. Known by itself for a serial port. Default none.
    pub baud: Option<u32>,
    /// APDUs and commands that wait for the medium. Default 4096: three for each of 1,200 meters.
    pub queue_max: usize,
    /// APDUs and commands that wait for one meter, what is under way included. Default 8.
    pub meter_queue_max: usize,
    /// Links that are up at a time. Default 2000. Some PLC modems keep far fewer.
    pub links_max: usize,
    /// How long a link is kept without use. Default 100 s: before the 120 s that are usual at the
    /// meter are over (inactivity_time_out of the IEC HDLC setup class).
    pub idle: Duration,
    /// How long one meter keeps the turn while it has more to say and others wait. Default 2 s.
    pub share: Duration,
    /// How long a meter rests after it was silent through all repetitions; doubled each time.
    /// Default 10 s.
    pub rest_min: Duration,
    /// How long it rests at most. Default 10 min.
    pub rest_max: Duration,
    /// How long an APDU may have to wait for a meter that rests; one that would have to wait longer
    /// fails at once. Default 20 s: less than a head-end waits for an answer.
    pub wait_max: Duration,
    /// Silence on the medium after a broadcast, in which meters do what it says. Default 500 ms.
    pub broadcast_pause: Duration,
    /// How long an address that is probed has to answer. Default 1 s.
    pub probe_timeout: Duration,
    /// From one probe to the next at least. Default 2 s.
    pub probe_pause: Duration,
    /// How long to wait before the stream is opened again; doubled each time. Default 1 s.
    pub reopen_min: Duration,
    /// How long at most. Default 60 s.
    pub reopen_max: Duration,
}

impl Default for MediumConfig {
    fn default() -> Self {
        Self {
            line: LineConfig {
                timeout: Duration::from_secs(3),
                retries: 2,
                inter_octet_timeout: Duration::from_millis(500),
                ..LineConfig::default()
            },
            baud: None,
            queue_max: 4_096,
            meter_queue_max: 8,
            links_max: 2_000,
            idle: Duration::from_secs(100),
            share: Duration::from_secs(2),
            rest_min: Duration::from_secs(10),
            rest_max: Duration::from_secs(600),
            wait_max: Duration::from_secs(20),
            broadcast_pause: Duration::from_millis(500),
            probe_timeout: Duration::from_secs(1),
            probe_pause: Duration::from_secs(2),
            reopen_min: Duration::from_secs(1),
            reopen_max: Duration::from_secs(60),
        }
    }
}

/// What a medium is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// An APDU for a meter.
    Apdu {
        /// The meter.
        meter: MediumAddress,
        /// The client SAP it comes from, 1 to 126.
        client: u16,
        /// The APDU, without LLC header.
        apdu: Vec<u8>,
    },
    /// The client is gone. What it has waiting for the meter is dropped, and is told no more; the
    /// link is released when what is under way, and what others have waiting, is done.
    Release {
        /// The meter.
        meter: MediumAddress,
        /// The client SAP.
        client: u16,
    },
    /// An APDU for all meters, in UI frames. Nobody answers.
    Broadcast {
        /// The client SAP it comes from.
        client: u16,
        /// The APDU, without LLC header.
        apdu: Vec<u8>,
    },
    /// Asks with SNRM whether somebody has this address, when nobody has anything better to do,
    /// and releases the link at once.
    Probe {
        /// The address.
        meter: MediumAddress,
        /// The client SAP to ask as.
        client: u16,
    },
}

/// What a medium tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// A meter answers.
    Apdu {
        /// The meter.
        meter: MediumAddress,
        /// The client SAP it is for.
        client: u16,
        /// The APDU, without LLC header.
        apdu: Vec<u8>,
    },
    /// An APDU, or a probe that could not be made, has failed.
    Failed {
        /// The meter it was for.
        meter: MediumAddress,
        /// The client SAP it was from.
        client: u16,
        /// Why.
        cause: LineError,
    },
    /// The meter has the APDU and answers every poll with nothing: perhaps the APDU asked for no
    /// answer, which a ciphered one does not show. The link stands.
    Unanswered {
        /// The meter it was for.
        meter: MediumAddress,
        /// The client SAP it was from.
        client: u16,
    },
    /// A meter says something that nobody asked for.
    Pushed {
        /// The meter.
        meter: MediumAddress,
        /// The client SAP it is for; 127 for all.
        client: u16,
        /// The APDU, without LLC header.
        apdu: Vec<u8>,
    },
    /// An address was probed.
    Probed {
        /// The address.
        meter: MediumAddress,
        /// Whether somebody has it: UA came, or DM.
        found: bool,
    },
}

/// Why something is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Full {
    /// [`MediumConfig::meter_queue_max`] is reached.
    #[error("too much waits for this meter")]
    Meter,
    /// [`MediumConfig::queue_max`] is reached.
    #[error("too much waits for this medium")]
    Medium,
    /// The medium's future is gone.
    #[error("nobody speaks on this medium any more")]
    Gone,
}

/// How often what happened on a medium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediumCounters {
    /// Octets and frames on the streams that were opened.
    pub line: LineCounters,
    /// APDUs that meters were sent.
    pub exchanges: u64,
    /// APDUs that they answered with.
    pub answered: u64,
    /// APDUs that failed.
    pub failed: u64,
    /// APDUs that nobody asked for.
    pub pushed: u64,
    /// APDUs sent to all.
    pub broadcasts: u64,
    /// Addresses probed.
    pub probes: u64,
    /// Links that are up.
    pub links: usize,
    /// Times the stream was opened.
    pub opened: u64,
}

/// Hands something to a medium. Cheap to clone. When the last one is gone, the medium releases its
/// links and ends.
#[derive(Debug, Clone)]
pub struct MediumHandle {
    room: Arc<Room>,
    down: mpsc::UnboundedSender<(Down, Place)>,
    counters: Arc<Mutex<MediumCounters>>,
}

impl MediumHandle {
    /// Hands something in, without waiting.
    ///
    /// # Errors
    /// [`Full`].
    pub fn try_send(&self, down: Down) -> Result<(), Full> {
        let meter = match &down {
            Down::Apdu { meter, .. } => Some(*meter),
            // One that is full must be released all the same.
            Down::Release { .. } | Down::Broadcast { .. } | Down::Probe { .. } => None,
        };
        let place = self.room.place(meter)?;
        self.down.send((down, place)).map_err(|_| Full::Gone)
    }

    /// What the medium has carried so far.
    #[must_use]
    pub fn counters(&self) -> MediumCounters {
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The two halves of a medium: a handle for those who hand in, and the future that speaks, to be
/// spawned.
#[derive(Debug, Clone, Copy)]
pub struct Medium;

impl Medium {
    /// A medium on a stream that is open, and that is not opened again when it ends: then the
    /// future ends as well. Whatever it tells goes to `up`, which must not block.
    pub fn on<S, U>(
        stream: S,
        config: MediumConfig,
        up: U,
    ) -> (MediumHandle, impl Future<Output = ()> + Send)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        U: FnMut(Up) + Send,
    {
        let mut stream = Some(stream);
        let open = move || core::future::ready(Ok(stream.take()));
        Self::with(open, config, Trace::off(), up)
    }

    /// A medium at an address: `hdlc://` or `hdlc+serial://`, opened now, and again whenever it
    /// breaks.
    ///
    /// # Errors
    /// [`LineError::BadParameters`] for an address of the wrapper, which is no shared medium, and
    /// for one with mode E, which is for a single meter.
    pub fn at<U>(
        address: Address,
        config: MediumConfig,
        trace: Trace,
        up: U,
    ) -> Result<(MediumHandle, impl Future<Output = ()> + Send), LineError>
    where
        U: FnMut(Up) + Send,
    {
        let baud = match &address {
            Address::Hdlc(_) => config.baud,
            Address::HdlcSerial(port) if !port.mode_e => Some(port.baud),
            _ => return Err(LineError::BadParameters),
        };
        let limit = config.line.timeout;
        let open = move || {
            let address = address.clone();
            async move {
                match &address {
                    Address::Hdlc(endpoint) => {
                        tcp::connect(endpoint, limit).await.map(|it| Some(Stream::Tcp(it)))
                    }
                    Address::HdlcSerial(port) => {
                        serial::open(port).map(|port| Some(Stream::Serial(port)))
                    }
                    _ => Err(LineError::BadParameters),
                }
            }
        };
        Ok(Self::with(open, MediumConfig { baud, ..config }, trace, up))
    }

    /// A medium on the streams that `open` gives, one after the other; None is the end.
    pub fn with<S, O, F, U>(
        open: O,
        config: MediumConfig,
        trace: Trace,
        up: U,
    ) -> (MediumHandle, impl Future<Output = ()> + Send)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        O: FnMut() -> F + Send,
        F: Future<Output = Result<Option<S>, LineError>> + Send,
        U: FnMut(Up) + Send,
    {
        let room = Room::new(config.queue_max, config.meter_queue_max);
        let (down, downs) = mpsc::unbounded_channel();
        let counters = Arc::new(Mutex::new(MediumCounters::default()));
        let handle = MediumHandle { room, down, counters: Arc::clone(&counters) };
        let talker = Talker {
            bus: Bus::new(config.clone()),
            config,
            clock: Clock::new(),
            downs,
            is_closed: false,
            trace,
            up,
            counters,
            earlier: LineCounters::default(),
        };
        (handle, talker.run(open))
    }
}

/// The one who speaks.
struct Talker<U> {
    bus: Bus<Place>,
    config: MediumConfig,
    clock: Clock,
    /// Bounded by the room: each message has a place in it.
    downs: mpsc::UnboundedReceiver<(Down, Place)>,
    /// No handle is left.
    is_closed: bool,
    trace: Trace,
    up: U,
    counters: Arc<Mutex<MediumCounters>>,
    /// What was carried by streams that are gone.
    earlier: LineCounters,
}

impl<U: FnMut(Up) + Send> Talker<U> {
    async fn run<S, O, F>(mut self, mut open: O)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        O: FnMut() -> F + Send,
        F: Future<Output = Result<Option<S>, LineError>> + Send,
    {
        let mut cause = LineError::Closed { phase: Phase::Opening, mid_frame: false };
        let mut wait = self.config.reopen_min;
        loop {
            match open().await {
                Ok(Some(stream)) => {
                    self.bus.counters.opened += 1;
                    let heard = self.bus.counters.answered;
                    match self.talk(stream).await {
                        Ok(()) => return,
                        Err(error) => cause = error,
                    }
                    if self.bus.counters.answered > heard {
                        wait = self.config.reopen_min;
                    }
                }
                Ok(None) => {
                    self.fail_all(cause);
                    self.downs.close();
                    while let Some((down, place)) = self.downs.recv().await {
                        self.take_down((down, place));
                    }
                    self.fail_all(cause);
                    return;
                }
                Err(error) => cause = error,
            }
            tracing::debug!(%cause, "a medium is opened again");
            self.fail_all(cause);
            let ends = clock::after(wait);
            wait = wait.saturating_mul(2).min(self.config.reopen_max);
            loop {
                tokio::select! {
                    biased;
                    () = sleep_until(ends) => break,
                    down = self.downs.recv() => match down {
                        None => return,
                        Some(down) => {
                            self.take_down(down);
                            self.fail_all(cause);
                        }
                    },
                }
            }
        }
    }

    /// Speaks on a stream until it ends, which is an error, or nobody wants anything any more.
    async fn talk<S>(&mut self, stream: S) -> Result<(), LineError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut wire = Wire {
            port: Port::with_check_sequences(stream, self.trace.clone()),
            deframer: Deframer::new(OnError::Resync),
            gap_ends: None,
            held_until: None,
        };
        let ended = self.converse(&mut wire).await;
        self.count(&wire);
        self.earlier = self.line_counters(&wire);
        self.bus.counters.line = LineCounters::default();
        ended
    }

    async fn converse<S>(&mut self, wire: &mut Wire<S>) -> Result<(), LineError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let phase = Phase::Receiving;
        loop {
            while let Ok(down) = self.downs.try_recv() {
                self.take_down(down);
            }
            let now = self.clock.now();
            if wire.gap_ends.is_some_and(|ends| ends <= now) {
                (wire.gap_ends, wire.held_until) = (None, None);
                // What the frame claimed may begin like another: that has waited as long.
                while wire.deframer.is_inside_frame() {
                    wire.deframer.abandon_partial();
                    self.take_frames(wire);
                }
            }
            if wire.gap_ends.is_none() || wire.held_until.is_some_and(|ends| ends <= now) {
                self.bus.handle_timeout(now);
                self.transmit(wire).await?;
                if wire.held_until.is_some() {
                    wire.held_until = now.checked_add(self.config.line.timeout);
                }
            }
            self.tell();
            self.count(wire);
            if self.is_closed && self.bus.is_quiet() {
                return Ok(());
            }

            // While a frame is coming in, nobody's patience ends and nobody speaks.
            let due = match wire.gap_ends {
                Some(_) => [wire.gap_ends, wire.held_until].into_iter().flatten().min(),
                None => self.bus.poll_timeout(),
            };
            let due = due.map(|due| self.clock.at(due));
            tokio::select! {
                biased;
                read = wire.port.fill() => match read {
                    Ok(0) => {
                        let mid_frame = wire.deframer.is_inside_frame();
                        return Err(LineError::Closed { phase, mid_frame });
                    }
                    Ok(_) => self.take_octets(wire),
                    Err(error) => return Err(LineError::broken(phase, &error)),
                },
                down = self.downs.recv(), if !self.is_closed => match down {
                    Some(down) => self.take_down(down),
                    None => {
                        self.is_closed = true;
                        self.bus.finish();
                    }
                },
                () = sleep_until(due.unwrap_or_else(|| self.clock.at(Instant::ZERO))),
                    if due.is_some() => {}
            }
        }
    }

    async fn transmit<S>(&mut self, wire: &mut Wire<S>) -> Result<(), LineError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut out = [0; FRAME_LEN_MAX];
        while let Some(length) = self.bus.poll_transmit(self.clock.now(), &mut out) {
            wire.port.queue_link_frame(&out[..length]);
            let phase = Phase::Sending;
            match timeout(self.config.line.patience(), wire.port.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(LineError::broken(phase, &error)),
                Err(_) => return Err(LineError::Timeout { phase }),
            }
        }
        Ok(())
    }

    fn take_octets<S>(&mut self, wire: &mut Wire<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        self.take_frames(wire);
        let gap = self.config.line.inter_octet_timeout.min(self.config.line.timeout);
        let now = self.clock.now();
        (wire.gap_ends, wire.held_until) = match wire.deframer.is_inside_frame() {
            true => {
                let held_until = now.checked_add(self.config.line.timeout);
                (now.checked_add(gap), wire.held_until.or(held_until))
            }
            false => (None, None),
        };
    }

    fn take_frames<S>(&mut self, wire: &mut Wire<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        if wire.port.received().len() > 1 && wire.port.received().ends_with(&[FLAG]) {
            wire.port.show_all();
        }
        let now = self.clock.now();
        while let Some(Ok(frame)) = wire.deframer.next_frame(wire.port.received()) {
            wire.port.trace.link(Direction::Rx, ShownFrame(&frame));
            self.bus.handle_frame(now, &frame);
        }
        wire.port.consume(wire.deframer.take_consumed());
    }

    fn take_down(&mut self, (down, place): (Down, Place)) {
        let now = self.clock.now();
        match down {
            Down::Apdu { meter, client, apdu } => {
                self.bus.handle_job(now, meter, Job::Apdu { client, apdu }, place);
            }
            Down::Release { meter, client } => {
                self.bus.handle_job(now, meter, Job::Release { client }, place);
            }
            Down::Probe { meter, client } => {
                self.bus.handle_job(now, meter, Job::Probe { client }, place);
            }
            Down::Broadcast { client, apdu } => self.bus.handle_broadcast(client, &apdu, place),
        }
    }

    fn fail_all(&mut self, cause: LineError) {
        self.bus.handle_broken(cause);
        self.tell();
    }

    fn tell(&mut self) {
        while let Some(told) = self.bus.poll_up() {
            (self.up)(told);
        }
    }

    fn count<S>(&self, wire: &Wire<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut counters = self.bus.counters;
        counters.line = self.line_counters(wire);
        counters.links = self.bus.links();
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner) = counters;
    }

    fn line_counters<S>(&self, wire: &Wire<S>) -> LineCounters
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut counters = wire.port.counters.with_deframed(wire.deframer.counters());
        counters.add(&self.earlier);
        counters.add(&self.bus.counters.line);
        counters
    }
}

/// A stream and what has come of a frame on it.
struct Wire<S> {
    port: Port<S>,
    deframer: Deframer,
    /// When the unfinished frame is given up.
    gap_ends: Option<Instant>,
    /// Until when one who is always in the middle of a frame keeps the others from speaking.
    held_until: Option<Instant>,
}
