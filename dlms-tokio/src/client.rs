//! The async client of one meter.
//!
//! [`Client`] is a handle. A task owns the line and the association; requests go to it one after
//! the other, or several at a time where
//! [`ClientConfig::in_flight_max`](dlms_core::association::ClientConfig::in_flight_max) and the
//! line allow it. Every future of the handle can be dropped: the request it started still ends, its
//! answer is then nobody's.

mod secrets;
mod values;

use core::{future, mem, time::Duration};
use std::sync::Arc;

#[cfg(not(feature = "ciphering"))]
use dlms_core::security::NoCrypto as Provider;
#[cfg(feature = "ciphering")]
use dlms_core::security::RustCrypto as Provider;
use dlms_core::{
    association::{
        self, AccessAnswer, AccessItem, Association, ClientConfig, Entropy, Establishment, Event,
        Failure, Misuse, OnRefusal, Phase, Request, RequestId, Response, Selection,
        ShortNameObject,
    },
    axdr::{DataBuf, Writer},
    cosem::{AttributeDescriptor, MethodDescriptor},
    xdlms::{ActionResult, DataAccessResult},
};
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    time::Instant,
};

use crate::{
    address::Address,
    clock::Clock,
    counters::{CounterStore, CounterStoreError},
    line::{Line, LineConfig, LineError},
    trace::{DecodeLevel, Trace},
};

/// Requests that wait for the line; a further one waits in its caller.
const REQUESTS_MAX: usize = 16;
/// Datablocks that wait for a slow reader of [`Blocks`] before the meter is asked for the next.
const BLOCKS_MAX: usize = 4;
/// Counters reserved at a time. What is left of them when the association ends is lost.
const COUNTER_BLOCK: u32 = 64;
/// Below this many counters the next block is reserved: opening an association takes three.
const COUNTERS_MIN: u32 = 4;
/// Notifications kept for a slow receiver.
const NOTIFICATIONS_MAX: usize = 64;
/// How long a reader of [`Blocks`] may take with one. Then the transfer is given up: the meter and
/// everybody behind it in the queue wait meanwhile.
const READER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long saying good-bye may take, the release of the association and of the link together:
/// whatever comes of it changes nothing any more.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the meter said to the end of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// It released the association, or was not asked to: see
    /// [`ClientConfig::release`](dlms_core::association::ClientConfig::release).
    Answered,
    /// Nothing, though it was asked. Some meters know only the end of the link.
    Silent,
    /// The line or the association had ended before.
    Closed,
}

/// Why the client has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The line to the meter failed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The association or a request failed.
    #[error("{phase}: {failure}")]
    Association {
        /// Where.
        phase: Phase,
        /// Why.
        failure: Failure,
    },
    /// Invocation counters could not be read or stored: nothing was sent, or no association stands.
    #[error("{0}")]
    Counters(Arc<str>),
    /// The caller asked for something impossible.
    #[error("{0}")]
    Misuse(#[from] Misuse),
    /// The reader of [`Blocks`] took too long with one, or went away; the transfer was given up.
    #[error("the blocks of the answer were not taken")]
    NotTaken,
    /// The association was closed before the request.
    #[error("the association is closed")]
    Closed,
}

impl From<CounterStoreError> for Error {
    fn from(error: CounterStoreError) -> Self {
        Self::Counters(error.to_string().into())
    }
}

/// An open association with one meter.
#[derive(Debug, Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    association: Association,
    trace: Trace,
    notifications: broadcast::Sender<Arc<[u8]>>,
}

#[derive(Debug)]
enum Command {
    ShortNames(Vec<ShortNameObject>),
    Unconfirmed(Request, oneshot::Sender<Result<Response, Error>>),
    Request(Request, oneshot::Sender<Result<Response, Error>>),
    Blocks(Request, mpsc::Sender<Vec<u8>>, oneshot::Sender<Result<Response, Error>>),
    Release(oneshot::Sender<Result<Released, Error>>),
}

impl Client {
    /// Opens the line to `address` and an association on it, its authentication included.
    ///
    /// `counters` is asked before anything is sent that uses an invocation counter; it may be None
    /// for an association without ciphering and GMAC.
    ///
    /// # Errors
    /// The line cannot be opened or fails, the meter refuses, or what it sends is not secure; each
    /// within the timeouts of the two configurations.
    pub async fn connect(
        address: &Address,
        line: LineConfig,
        mut association: ClientConfig,
        counters: Option<Box<dyn CounterStore<Error = CounterStoreError>>>,
        trace: Trace,
    ) -> Result<Self, Error> {
        trace.hide(association.secret.octets());
        association.response_timeout = Some(line.timeout);
        association.retries = line.retries;
        let opened = Line::open(address, &line, trace).await?;
        Self::over(opened, association, counters).await
    }

    /// Opens an association over a line that is open.
    ///
    /// Dropped before it is done, it leaves nothing behind at the meter. On lines of streams it is
    /// the line that waits and gives up; the timeout and the retries of `association` count on
    /// lines of datagrams. Over HDLC, which is turned round after each APDU, one request is in
    /// flight at a time.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn over(
        line: Line,
        mut association: ClientConfig,
        counters: Option<Box<dyn CounterStore<Error = CounterStoreError>>>,
    ) -> Result<Self, Error> {
        let trace = line.trace().clone();
        trace.hide(association.secret.octets());
        association.datagrams = line.is_datagrams();
        if !line.is_full_duplex() {
            association.send_window_max = 1;
            association.in_flight_max = 1;
        }
        if !association.datagrams {
            // Where several are in flight, the line hears of the meter and cannot tell that one of
            // them got no answer.
            let several = association.in_flight_max > 1;
            association.response_timeout = several.then(|| line.patience());
            association.retries = if several { 0 } else { association.retries };
        }
        let asks_release =
            association.release && association.establishment == Establishment::Confirmed;
        let machine = association::Client::new(association, Arc::new(Provider));
        let (notifications, _) = broadcast::channel(NOTIFICATIONS_MAX);
        let driver = Driver {
            line,
            machine,
            counters,
            clock: Clock::new(),
            apdu: Vec::new(),
            heard: false,
            asks_release,
            notifications: notifications.clone(),
            in_flight: Vec::new(),
        };
        let (commands, queue) = mpsc::channel(REQUESTS_MAX);
        let (opened, association) = oneshot::channel();
        // In the task from the start: it closes what it opened even if nobody waits any more.
        tokio::spawn(driver.run(opened, queue));
        let association = association.await.map_err(|_| Error::Closed)??;
        Ok(Self { commands, association, trace, notifications })
    }

    /// What was agreed on with the meter.
    pub const fn association(&self) -> &Association {
        &self.association
    }

    /// The decode levels of this client's line, switchable at any time.
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What the meter sends by itself from now on, one APDU each, its protection taken off. A
    /// receiver that does not keep up is told how many it missed.
    pub fn notifications(&self) -> broadcast::Receiver<Arc<[u8]>> {
        self.notifications.subscribe()
    }

    /// Makes a request and waits for its answer.
    ///
    /// # Errors
    /// See [`Error`]. A refusal is an answer.
    pub async fn request(&self, request: Request) -> Result<Response, Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Command::Request(request, reply)).await?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Makes a request that asks for no answer, and waits until it is sent. Whether the meter does
    /// it is not known: a failure of the line is all that comes back.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn request_unconfirmed(&self, request: Request) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Command::Unconfirmed(request, reply)).await?;
        answer.await.map_err(|_| Error::Closed)?.map(drop)
    }

    /// Reads an attribute: its encoded Data.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(
        &self,
        attribute: AttributeDescriptor,
    ) -> Result<Result<Vec<u8>, DataAccessResult>, Error> {
        self.read_selected(attribute, None).await
    }

    /// Reads the part of an attribute that `selection` names.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read_selected(
        &self,
        attribute: AttributeDescriptor,
        selection: Option<Selection>,
    ) -> Result<Result<Vec<u8>, DataAccessResult>, Error> {
        match self.request(Request::Get { attribute, selection }).await? {
            Response::Get(result) => Ok(result),
            _ => Err(Error::Closed),
        }
    }

    /// Reads an attribute block by block as the meter sends it, without holding it whole.
    ///
    /// # Errors
    /// [`Error::Closed`]; everything else comes from [`Blocks::next`].
    pub async fn read_blocks(
        &self,
        attribute: AttributeDescriptor,
        selection: Option<Selection>,
    ) -> Result<Blocks, Error> {
        let (sender, blocks) = mpsc::channel(BLOCKS_MAX);
        let (reply, answer) = oneshot::channel();
        let request = Request::GetBlocks { attribute, selection };
        self.submit(Command::Blocks(request, sender, reply)).await?;
        Ok(Blocks { blocks, answer: Some(answer) })
    }

    /// Reads several attributes with one request (GET with list).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read_list(
        &self,
        attributes: &[AttributeDescriptor],
    ) -> Result<Vec<Result<Vec<u8>, DataAccessResult>>, Error> {
        let list = attributes.iter().map(|attribute| (*attribute, None)).collect();
        match self.request(Request::GetList(list)).await? {
            Response::GetList(results) => Ok(results),
            _ => Err(Error::Closed),
        }
    }

    /// Reads, writes and invokes with one request (ACCESS), in the order of `items`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn access(
        &self,
        items: Vec<AccessItem>,
        on_refusal: OnRefusal,
    ) -> Result<Vec<AccessAnswer>, Error> {
        match self.request(Request::Access { items, on_refusal }).await? {
            Response::Access(answers) => Ok(answers),
            _ => Err(Error::Closed),
        }
    }

    /// Tells the short names of the meter's objects, for an association with short names. They are
    /// what [`ShortNameObject::LIST`] reads as.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn know_short_names(&self, objects: Vec<ShortNameObject>) -> Result<(), Error> {
        self.submit(Command::ShortNames(objects)).await
    }

    /// Writes an attribute.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write(
        &self,
        attribute: AttributeDescriptor,
        value: &DataBuf,
    ) -> Result<Result<(), DataAccessResult>, Error> {
        let request = Request::Set { attribute, selection: None, value: encoded(value) };
        match self.request(request).await? {
            Response::Set(DataAccessResult::Success) => Ok(Ok(())),
            Response::Set(refusal) => Ok(Err(refusal)),
            _ => Err(Error::Closed),
        }
    }

    /// Invokes a method. What it returns, if anything, is encoded Data.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn invoke(
        &self,
        method: MethodDescriptor,
        parameters: Option<&DataBuf>,
    ) -> Result<Result<Option<Vec<u8>>, ActionResult>, Error> {
        let request = Request::Action { method, parameters: parameters.map(encoded) };
        match self.request(request).await? {
            Response::Action(outcome) if outcome.result == ActionResult::Success => {
                // The method was done; data that cannot be read does not undo it.
                Ok(Ok(outcome.returned.and_then(Result::ok)))
            }
            Response::Action(outcome) => Ok(Err(outcome.result)),
            _ => Err(Error::Closed),
        }
    }

    /// Closes the association and the line, and tells what the meter said to it.
    ///
    /// # Errors
    /// [`Error::Line`] when the line failed before.
    pub async fn release(self) -> Result<Released, Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Command::Release(reply)).await?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn submit(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).await.map_err(|_| Error::Closed)
    }
}

fn encoded(value: &DataBuf) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut Writer::new(&mut out));
    out
}

/// An attribute on its way, block by block.
#[derive(Debug)]
pub struct Blocks {
    blocks: mpsc::Receiver<Vec<u8>>,
    answer: Option<oneshot::Receiver<Result<Response, Error>>>,
}

impl Blocks {
    /// The next octets of the attribute's encoded Data; None after the last.
    ///
    /// # Errors
    /// The transfer failed (outer), or the meter refused it (inner), possibly after some blocks.
    pub async fn next(&mut self) -> Option<Result<Result<Vec<u8>, DataAccessResult>, Error>> {
        if let Some(block) = self.blocks.recv().await {
            return Some(Ok(Ok(block)));
        }
        match self.answer.take()?.await {
            Ok(Ok(Response::GetBlocks(Err(refusal)))) => Some(Ok(Err(refusal))),
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(Err(error)),
            Err(_) => Some(Err(Error::Closed)),
        }
    }
}

/// Whether a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Confirmed,
    Unconfirmed,
}

/// Who waits for a request in flight.
struct Waiting {
    request: RequestId,
    reply: oneshot::Sender<Result<Response, Error>>,
    /// Who takes its blocks as they come.
    blocks: Option<mpsc::Sender<Vec<u8>>>,
}

/// What the task does next.
enum Next {
    Command(Option<Command>),
    Heard(Result<(), Error>),
}

/// Challenges and dedicated keys come from the operating system.
struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, octets: &mut [u8]) {
        getrandom::fill(octets).expect("the operating system has no random numbers");
    }
}

/// The owner of the line and of the association on it.
struct Driver {
    line: Line,
    machine: association::Client,
    counters: Option<Box<dyn CounterStore<Error = CounterStoreError>>>,
    clock: Clock,
    apdu: Vec<u8>,
    /// Whether an APDU came since this was set to false.
    heard: bool,
    /// Whether the meter is asked to release the association.
    asks_release: bool,
    notifications: broadcast::Sender<Arc<[u8]>>,
    in_flight: Vec<Waiting>,
}

impl Driver {
    async fn associate(&mut self) -> Result<Association, Error> {
        self.line.connect().await?;
        self.reserve_counters()?;
        if let Some(counters) = &mut self.counters
            && let Some(received) = counters.received()?
        {
            self.machine.resume_received(received);
        }
        self.machine.associate(&mut OsEntropy)?;
        loop {
            match self.next_event().await? {
                Event::Associated(association) => {
                    self.remember_received()?;
                    return Ok(association);
                }
                Event::AssociationFailed { phase, failure } => {
                    return Err(Error::Association { phase, failure });
                }
                other => self.aside(other),
            }
        }
    }

    /// Opens the association and serves the handles until it is released, the last handle is gone,
    /// or the line fails; after a failure every further request learns of it.
    async fn run(
        mut self,
        opened: oneshot::Sender<Result<Association, Error>>,
        mut queue: mpsc::Receiver<Command>,
    ) {
        match self.associate().await {
            Ok(association) => {
                if opened.send(Ok(association)).is_err() {
                    self.close().await;
                    return;
                }
            }
            Err(error) => {
                // First the meter is left alone, then the caller learns: it may come back at once.
                self.disconnect().await;
                let _ = opened.send(Err(error));
                return;
            }
        }
        let Some(failure) = self.serve(&mut queue).await else { return };
        for Waiting { reply, .. } in mem::take(&mut self.in_flight) {
            let _ = reply.send(Err(failure.clone()));
        }
        let _ = self.remember_received();
        self.disconnect().await;
        drop(self);
        while let Some(command) = queue.recv().await {
            match command {
                Command::Request(_, reply)
                | Command::Unconfirmed(_, reply)
                | Command::Blocks(_, _, reply) => {
                    let _ = reply.send(Err(failure.clone()));
                }
                Command::Release(reply) => {
                    let _ = reply.send(Err(failure.clone()));
                }
                Command::ShortNames(_) => {}
            }
        }
    }

    /// Serves the handles until the association is closed; why it cannot go on, where the line
    /// failed.
    async fn serve(&mut self, queue: &mut mpsc::Receiver<Command>) -> Option<Error> {
        // What must wait until nothing is in flight.
        let mut alone = None;
        loop {
            if let Err(error) = self.transmit().await {
                return Some(error);
            }
            self.deliver().await;
            if self.in_flight.is_empty()
                && let Some(command) = alone.take()
            {
                match command {
                    Some(Command::Release(reply)) => {
                        let said = self.close().await;
                        let _ = reply.send(Ok(said));
                        return None;
                    }
                    Some(command) => self.start(command),
                    None => {
                        self.close().await;
                        return None;
                    }
                }
                continue;
            }
            let takes = alone.is_none() && self.takes_commands();
            let next = tokio::select! {
                command = queue.recv(), if takes => Next::Command(command),
                heard = self.hear() => Next::Heard(heard),
            };
            match next {
                Next::Heard(Ok(())) => {}
                Next::Heard(Err(error)) => return Some(error),
                // A slow reader of blocks would hold up everybody beside it.
                Next::Command(
                    command @ (None | Some(Command::Release(_) | Command::Blocks(..))),
                ) => {
                    alone = Some(command);
                }
                Next::Command(Some(command)) => self.start(command),
            }
        }
    }

    /// Whether another request may join those in flight.
    fn takes_commands(&self) -> bool {
        let none_alone = || self.in_flight.iter().all(|waiting| waiting.blocks.is_none());
        self.in_flight.is_empty() || (self.machine.has_room() && none_alone())
    }

    /// Makes a request.
    fn start(&mut self, command: Command) {
        let (request, service, blocks, reply) = match command {
            Command::ShortNames(objects) => return self.machine.know_short_names(objects),
            Command::Release(_) => return,
            Command::Request(request, reply) => (request, Service::Confirmed, None, reply),
            Command::Unconfirmed(request, reply) => (request, Service::Unconfirmed, None, reply),
            Command::Blocks(request, blocks, reply) => {
                (request, Service::Confirmed, Some(blocks), reply)
            }
        };
        // Whoever asked for it has given up: a command must not come as a surprise later.
        if reply.is_closed() {
            return;
        }
        secrets::hide(&request, |secret| self.line.trace().hide(secret));
        self.line
            .trace()
            .write(DecodeLevel::Values, || format!("VALUES TX {}", values::asked(&request)));
        match self.begin(request, service) {
            Ok(request) => self.in_flight.push(Waiting { request, reply, blocks }),
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    fn begin(&mut self, request: Request, service: Service) -> Result<RequestId, Error> {
        self.reserve_counters()?;
        Ok(match service {
            Service::Confirmed => self.machine.request(request)?,
            Service::Unconfirmed => self.machine.request_unconfirmed(request)?,
        })
    }

    /// Tells everybody what the machine has to say to him.
    async fn deliver(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            match event {
                Event::Response(request, response) => {
                    self.line.trace().write(DecodeLevel::Values, || {
                        format!("VALUES RX {}", values::answered(&response))
                    });
                    self.reply(request, Ok(response));
                }
                Event::RequestFailed(request, failure) => {
                    let phase = Phase::Request;
                    self.reply(request, Err(Error::Association { phase, failure }));
                }
                Event::Block(request, octets) => {
                    let mut waiting = self.in_flight.iter().filter(|of| of.request == request);
                    let taken = match waiting.next().and_then(|of| of.blocks.clone()) {
                        Some(blocks) => blocks.send_timeout(octets, READER_TIMEOUT).await.is_ok(),
                        None => false,
                    };
                    if !taken {
                        self.machine.cancel(request);
                        self.reply(request, Err(Error::NotTaken));
                    }
                }
                other => self.aside(other),
            }
        }
    }

    /// The end of a request. Where it was the last, the line waits for nothing.
    fn reply(&mut self, request: RequestId, answer: Result<Response, Error>) {
        if let Some(at) = self.in_flight.iter().position(|waiting| waiting.request == request) {
            let _ = self.in_flight.swap_remove(at).reply.send(answer);
        }
        if !self.machine.is_waiting() {
            self.line.waive();
        }
    }

    async fn close(&mut self) -> Released {
        let _ = self.reserve_counters();
        // A failure costs nothing here: what was stored when the association was opened is enough.
        let _ = self.remember_received();
        let begun = Instant::now();
        let mut said = Released::Closed;
        self.heard = !self.asks_release;
        if self.machine.release().is_ok() {
            // A meter that does not know RLRQ keeps silent; its link must be released all the same.
            let has_link = self.line.parameters().is_some();
            let share = if has_link { RELEASE_TIMEOUT / 2 } else { RELEASE_TIMEOUT };
            let released = async {
                loop {
                    match self.next_event().await {
                        Ok(Event::Released) | Err(Error::Line(LineError::Timeout { .. })) => {
                            return true;
                        }
                        Ok(_) => {}
                        Err(_) => return false,
                    }
                }
            };
            let ended = tokio::time::timeout_at(begun + share, released).await;
            said = match ended {
                Ok(false) => Released::Closed,
                // The machine or we had waited long enough.
                Ok(true) | Err(_) if !self.heard => Released::Silent,
                Ok(true) => Released::Answered,
                Err(_) => Released::Closed,
            };
        }
        let _ = tokio::time::timeout_at(begun + RELEASE_TIMEOUT, self.line.disconnect()).await;
        said
    }

    /// Releases the link, of a meter that may be gone.
    async fn disconnect(&mut self) {
        let _ = tokio::time::timeout(RELEASE_TIMEOUT, self.line.disconnect()).await;
    }

    /// Drives line and association until there is an event.
    async fn next_event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.machine.poll_event() {
                return Ok(event);
            }
            self.transmit().await?;
            // What is not answered ends with being sent.
            if let Some(event) = self.machine.poll_event() {
                return Ok(event);
            }
            self.hear().await?;
        }
    }

    /// Sends what must go out.
    async fn transmit(&mut self) -> Result<(), Error> {
        let mut out = Vec::new();
        while self.machine.poll_transmit(self.clock.now(), &mut out) {
            if self.machine.is_waiting() {
                self.line.send(&out).await?;
            } else {
                self.line.send_unanswered(&out).await?;
            }
        }
        // Ahead of the next APDU. That it fails is no failure of what was sent just now: whoever
        // asks next is told.
        let _ = self.reserve_counters();
        Ok(())
    }

    /// Takes an APDU from the meter, or notices that none comes. Can be dropped at any await: all
    /// state is in the line and the machine.
    async fn hear(&mut self) -> Result<(), Error> {
        let timeout = self.machine.poll_timeout().map(|timeout| self.clock.at(timeout));
        let timeout = async {
            match timeout {
                Some(timeout) => tokio::time::sleep_until(timeout).await,
                None => future::pending().await,
            }
        };
        let received = tokio::select! {
            received = self.line.receive(&mut self.apdu) => received,
            () = timeout => {
                self.machine.handle_timeout(self.clock.now());
                return Ok(());
            }
        };
        match received {
            Ok(()) => {
                self.heard = true;
                let mut apdu = mem::take(&mut self.apdu);
                self.machine.handle_apdu(&mut apdu);
                self.apdu = apdu;
            }
            // The machine knows which of several got no answer.
            Err(LineError::Timeout { .. }) if self.is_timeout_due() => {}
            Err(error) => return Err(error.into()),
        }
        // A meter that never pauses keeps the timer beside this from being looked at.
        self.machine.handle_timeout(self.clock.now());
        self.go_on_waiting();
        Ok(())
    }

    /// Whether the machine has waited for long enough itself.
    fn is_timeout_due(&self) -> bool {
        self.machine.poll_timeout().is_some_and(|timeout| timeout <= self.clock.now())
    }

    fn reserve_counters(&mut self) -> Result<(), Error> {
        if self.machine.needs_counters() && self.machine.counters_left() < COUNTERS_MIN {
            let counters =
                self.counters.as_mut().ok_or(Misuse::Lacks("store of invocation counters"))?;
            self.machine.grant_counters(counters.reserve(COUNTER_BLOCK)?);
        }
        Ok(())
    }

    /// Stores what the meter's counters have come to, so that nothing of it is taken again.
    fn remember_received(&mut self) -> Result<(), CounterStoreError> {
        match (&mut self.counters, self.machine.received()) {
            (Some(counters), Some(received)) => counters.accept(received),
            _ => Ok(()),
        }
    }

    /// Tells the line whether what it brought was all that is waited for.
    fn go_on_waiting(&mut self) {
        if !self.machine.is_waiting() {
            self.line.waive();
        } else if !self.machine.has_outgoing() {
            self.line.expect();
        }
    }

    /// What the meter says without being asked.
    fn aside(&self, event: Event) {
        if let Event::Notification(apdu) = event {
            self.line.trace().write(DecodeLevel::Values, || {
                format!("VALUES RX unasked, {} octets of notification", apdu.len())
            });
            // Nobody has to listen.
            let _ = self.notifications.send(apdu.into());
        }
    }
}
