//! The async client of one meter.
//!
//! [`Client`] is a handle. A task owns the line and the association; requests go to it one after
//! the other. Every future of the handle can be dropped: the request it started still ends, its
//! answer is then nobody's.

mod values;

use core::{future, mem, time::Duration};
use std::sync::Arc;

use dlms_core::{
    association::{
        self, Association, ClientConfig, Entropy, Event, Failure, Misuse, Phase, Request, Response,
        Selection,
    },
    axdr::{DataBuf, Writer},
    cosem::{AttributeDescriptor, MethodDescriptor},
    security::RustCrypto,
    xdlms::{ActionResult, DataAccessResult},
};
use tokio::sync::{mpsc, oneshot};

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
/// How long a meter gets to answer the release, which changes nothing any more.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

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
    /// No invocation counter could be reserved; nothing was sent.
    #[error("{0}")]
    Counters(Arc<str>),
    /// The caller asked for something impossible.
    #[error("{0}")]
    Misuse(#[from] Misuse),
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
}

#[derive(Debug)]
enum Command {
    Request(Request, oneshot::Sender<Result<Response, Error>>),
    Blocks(Request, mpsc::Sender<Vec<u8>>, oneshot::Sender<Result<Response, Error>>),
    Release(oneshot::Sender<Result<(), Error>>),
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
        counters: Option<Box<dyn CounterStore>>,
        trace: Trace,
    ) -> Result<Self, Error> {
        trace.hide(association.secret.octets());
        let mut opened = Line::open(address, &line, trace.clone()).await?;
        opened.connect().await?;
        association.response_timeout = Some(line.timeout);
        association.retries = line.retries;
        Self::over(opened, association, counters, trace).await
    }

    /// Opens an association over a line that is connected already.
    ///
    /// # Errors
    /// As [`connect`](Self::connect). The line is then disconnected.
    pub async fn over(
        line: Line,
        mut association: ClientConfig,
        counters: Option<Box<dyn CounterStore>>,
        trace: Trace,
    ) -> Result<Self, Error> {
        if line.parameters().is_some() {
            // The HDLC link polls the meter and knows better than a timer when it is gone.
            association.response_timeout = None;
        }
        let machine = association::Client::new(association, Arc::new(RustCrypto));
        let clock = Clock::new();
        let mut driver =
            Driver { line, machine, counters, trace: trace.clone(), clock, apdu: Vec::new() };
        match driver.associate().await {
            Ok(association) => {
                let (commands, queue) = mpsc::channel(REQUESTS_MAX);
                tokio::spawn(driver.run(queue));
                Ok(Self { commands, association, trace })
            }
            Err(error) => {
                driver.line.disconnect().await;
                Err(error)
            }
        }
    }

    /// What was agreed on with the meter.
    pub const fn association(&self) -> &Association {
        &self.association
    }

    /// The decode levels of this client's line, switchable at any time.
    pub const fn trace(&self) -> &Trace {
        &self.trace
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

    /// Closes the association and the line.
    ///
    /// # Errors
    /// [`Error::Line`] when the line failed before.
    pub async fn release(self) -> Result<(), Error> {
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
    counters: Option<Box<dyn CounterStore>>,
    trace: Trace,
    clock: Clock,
    apdu: Vec<u8>,
}

impl Driver {
    async fn associate(&mut self) -> Result<Association, Error> {
        self.reserve_counters()?;
        self.machine.associate(self.clock.now(), &mut OsEntropy)?;
        loop {
            match self.next_event().await? {
                Event::Associated(association) => return Ok(association),
                Event::AssociationFailed { phase, failure } => {
                    return Err(Error::Association { phase, failure });
                }
                other => self.aside(&other),
            }
        }
    }

    /// Serves the handles until the association is released, the last handle is gone, or the line
    /// fails; after a failure every further request learns of it.
    async fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let failure = loop {
            let command = tokio::select! {
                command = queue.recv() => command,
                idle = self.next_event() => match idle {
                    Ok(event) => {
                        self.aside(&event);
                        continue;
                    }
                    Err(error) => break error,
                },
            };
            match command {
                Some(Command::Request(request, reply)) => {
                    let answer = self.answer(request, None).await;
                    let failed = line_failure(&answer);
                    let _ = reply.send(answer);
                    if let Some(error) = failed {
                        break error;
                    }
                }
                Some(Command::Blocks(request, blocks, reply)) => {
                    let answer = self.answer(request, Some(blocks)).await;
                    let failed = line_failure(&answer);
                    let _ = reply.send(answer);
                    if let Some(error) = failed {
                        break error;
                    }
                }
                Some(Command::Release(reply)) => {
                    self.close().await;
                    let _ = reply.send(Ok(()));
                    return;
                }
                None => return self.close().await,
            }
        };
        self.line.disconnect().await;
        drop(self);
        while let Some(command) = queue.recv().await {
            match command {
                Command::Request(_, reply) | Command::Blocks(_, _, reply) => {
                    let _ = reply.send(Err(failure.clone()));
                }
                Command::Release(reply) => {
                    let _ = reply.send(Err(failure.clone()));
                }
            }
        }
    }

    async fn answer(
        &mut self,
        request: Request,
        blocks: Option<mpsc::Sender<Vec<u8>>>,
    ) -> Result<Response, Error> {
        self.trace.write(DecodeLevel::Values, || format!("VALUES TX {}", values::asked(&request)));
        self.reserve_counters()?;
        self.machine.request(self.clock.now(), request)?;
        loop {
            match self.next_event().await? {
                Event::Response(response) => {
                    self.trace.write(DecodeLevel::Values, || {
                        format!("VALUES RX {}", values::answered(&response))
                    });
                    return Ok(response);
                }
                Event::RequestFailed(failure) => {
                    return Err(Error::Association { phase: Phase::Request, failure });
                }
                Event::Block(octets) => {
                    // A reader that went away stops nothing: the meter is half-way through.
                    if let Some(blocks) = &blocks {
                        let _ = blocks.send(octets).await;
                    }
                }
                other => self.aside(&other),
            }
        }
    }

    async fn close(&mut self) {
        let _ = self.reserve_counters();
        if self.machine.release(self.clock.now()).is_ok() {
            let released = async {
                while !matches!(self.next_event().await, Ok(Event::Released) | Err(_)) {}
            };
            let _ = tokio::time::timeout(RELEASE_TIMEOUT, released).await;
        }
        self.line.disconnect().await;
    }

    /// Drives line and association until there is an event. Can be dropped at any await: all state
    /// is in the line and the machine.
    async fn next_event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.machine.poll_event() {
                return Ok(event);
            }
            self.reserve_counters()?;
            let mut out = Vec::new();
            if self.machine.poll_transmit(&mut out) {
                self.line.send(&out).await?;
            }
            let timeout = self.machine.poll_timeout().map(|timeout| self.clock.at(timeout));
            let timeout = async {
                match timeout {
                    Some(timeout) => tokio::time::sleep_until(timeout).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                received = self.line.receive(&mut self.apdu) => {
                    received?;
                    let mut apdu = mem::take(&mut self.apdu);
                    self.machine.handle_apdu(self.clock.now(), &mut apdu);
                    self.apdu = apdu;
                }
                () = timeout => self.machine.handle_timeout(self.clock.now()),
            }
        }
    }

    fn reserve_counters(&mut self) -> Result<(), Error> {
        if self.machine.needs_counters() && self.machine.counters_left() < COUNTERS_MIN {
            let counters = self
                .counters
                .as_mut()
                .ok_or(Misuse::Lacks("store of invocation counters"))?;
            self.machine.grant_counters(counters.reserve(COUNTER_BLOCK)?);
        }
        Ok(())
    }

    /// What the meter says without being asked.
    fn aside(&self, event: &Event) {
        if let Event::Notification(apdu) = event {
            self.trace.write(DecodeLevel::Values, || {
                format!("VALUES RX unasked, {} octets of notification", apdu.len())
            });
        }
    }
}

fn line_failure(answer: &Result<Response, Error>) -> Option<Error> {
    match answer {
        Err(error @ Error::Line(_)) => Some(error.clone()),
        _ => None,
    }
}
