//! The client side of an association (IEC 62056-5-3 clauses 6.2 to 6.5 and 7).
//!
//! ```text
//!             associate                AARE accepted (no security, LLS)
//!    Idle ───────────────► Associating ─────────────────────────────────► Associated ◄─┐
//!     ▲  ▲                  │       │ AARE accepted, diagnostic 14            │  │       │ answer,
//!     │  └── rejected ──────┘       ▼                                         │  └───────┘ request
//!     │                      Authenticating ──── f(CtoS) verified ───────────►│
//!     │                             │ refused, or f(CtoS) wrong               │ release
//!     └─────────────────────────────┴──────────── RLRE, or no answer ──── Releasing
//! ```
//!
//! One request is in flight at a time, or several where [`ClientConfig::in_flight_max`] allows it:
//! `in_flight` says what goes together. Blocks are joined here, one block asked for after the
//! other, and requests too long for the meter are cut into blocks. A reading (GET) that gets no
//! answer is asked again from its start with a new invoke-id; a SET or an ACTION is never repeated,
//! because the meter may have executed it. An answer with another invoke-id than those in flight is
//! a late one and is dropped.

mod access;
mod config;
mod general_blocks;
pub(super) mod in_flight;
mod layers;
mod protection;
mod request;
mod short_names;
mod transfer;
mod unconfirmed;
mod verified;

use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};
use core::{fmt, mem, ops::Range};

use sans_io_time::Instant;
use zeroize::Zeroizing;

use self::general_blocks::GeneralBlocks;
use self::in_flight::{Outgoing, Refusal};
use self::layers::General;
use self::protection::{Opening, Protected};
use self::transfer::{Operation, ServiceClass};
use self::verified::{Answer, Hint, Judged, Verified};
use super::{Entropy, Failure, Misuse, ShortNameObject, Violation};
use crate::{
    acse::{
        Aare, Aarq, AcseUserDiagnostic, ApplicationContext, AssociationResult, Diagnostic,
        Mechanism, ReleaseRequestReason, Rlrq,
    },
    axdr::{Data, RawData, Reader, Writer},
    cosem::{ClassId, LogicalName, MethodDescriptor},
    gateway::{self, GatewayAddress, GatewayHeader},
    security::{
        CryptoProvider, Key, ReceiveCounter, Received, SecurityError, SendCounters, SystemTitle,
    },
    xdlms::{
        ActionRequest, ActionResponse, ActionResult, Apdu, Conformance, InitiateRequest,
        InitiateResponse, tag,
    },
};

pub use self::{
    config::{Ciphering, ClientConfig, Referencing},
    in_flight::{IN_FLIGHT_MAX, Priority, RequestId},
    request::{AccessAnswer, AccessItem, ActionOutcome, OnRefusal, Request, Response, Selection},
    unconfirmed::{Establishment, KeySet},
};

/// Events that wait for the owner; a notification beyond it is dropped and counted. Answers always
/// find room, since only so many requests are in flight.
const EVENTS_MAX: usize = 64;
/// Octets of an InitiateRequest with the longest dedicated key, and some.
const INITIATE_LEN_MAX: usize = 64;
/// The DLMS version of every standard since 2002.
const DLMS_VERSION: u8 = 6;

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Association {
    /// The meter's system title, where it told one or it was known.
    pub server_title: Option<SystemTitle>,
    /// The services that both sides have.
    pub conformance: Conformance,
    /// The largest APDU that the meter takes, in octets.
    pub max_send_pdu: u16,
}

/// Where in the life of an association something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// AARQ to AARE.
    Associate,
    /// The exchange of answers to the challenges.
    Authenticate,
    /// A request.
    Request,
    /// RLRQ to RLRE.
    Release,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Associate => "associate",
            Self::Authenticate => "authenticate",
            Self::Request => "request",
            Self::Release => "release",
        })
    }
}

/// What the owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The association is open.
    Associated(Association),
    /// The association did not come about.
    AssociationFailed {
        /// How far it came.
        phase: Phase,
        /// Why.
        failure: Failure,
    },
    /// The next octets of the attribute that a [`Request::GetBlocks`] asked for.
    Block(RequestId, Vec<u8>),
    /// The meter's answer to a request.
    Response(RequestId, Response),
    /// A request came to nothing; the association stands, and so do the other requests.
    RequestFailed(RequestId, Failure),
    /// A notification that the meter sent by itself: one APDU, protection taken off.
    Notification(Vec<u8>),
    /// The association is closed.
    Released,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Associating,
    Authenticating,
    Associated,
    Releasing,
}

/// The client machine. See the module for its states.
pub struct Client {
    config: ClientConfig,
    provider: Arc<dyn CryptoProvider>,
    state: State,
    association: Association,
    client_challenge: Vec<u8>,
    server_challenge: Vec<u8>,
    dedicated_key: Option<Key>,
    /// The provider with the key ready that the requests of this association go under.
    ready: Option<Box<dyn CryptoProvider>>,
    general: General,
    send_counters: SendCounters,
    dedicated_send_counters: SendCounters,
    receive_counter: ReceiveCounter,
    /// Whose the receive counter is, when it was resumed.
    resumed: Option<SystemTitle>,
    dedicated_receive_counter: ReceiveCounter,
    /// What is in flight, in no order.
    operations: Vec<Operation>,
    /// What answered one of several requests without saying which.
    refusals: Vec<Refusal>,
    last_request: RequestId,
    short_names: Vec<ShortNameObject>,
    invoke_id: u8,
    long_invoke_id: u32,
    /// How often the association is tried again.
    attempts_left: u8,
    /// Ready to go out, in the order of their invocation counters.
    outgoing: VecDeque<Outgoing>,
    blocks: GeneralBlocks,
    plain: Vec<u8>,
    /// Until when an answer about the association itself is waited for.
    deadline: Option<Instant>,
    events: VecDeque<Event>,
    discarded: u64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state)
            .field("association", &self.association)
            .field("in_flight", &self.operations.len())
            .field("deadline", &self.poll_timeout())
            .field("discarded", &self.discarded)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client without association. The cryptography is the provider's.
    pub fn new(config: ClientConfig, provider: Arc<dyn CryptoProvider>) -> Self {
        let association = Association {
            server_title: config.server_title,
            conformance: Conformance::NONE,
            max_send_pdu: u16::MAX,
        };
        Self {
            config,
            provider,
            state: State::Idle,
            association,
            client_challenge: Vec::new(),
            server_challenge: Vec::new(),
            dedicated_key: None,
            ready: None,
            general: General::default(),
            send_counters: SendCounters::default(),
            dedicated_send_counters: SendCounters::default(),
            receive_counter: ReceiveCounter::default(),
            resumed: None,
            dedicated_receive_counter: ReceiveCounter::default(),
            operations: Vec::new(),
            refusals: Vec::new(),
            last_request: RequestId::default(),
            short_names: Vec::new(),
            invoke_id: 0,
            long_invoke_id: 0,
            attempts_left: 0,
            outgoing: VecDeque::new(),
            blocks: GeneralBlocks::default(),
            plain: Vec::new(),
            deadline: None,
            events: VecDeque::new(),
            discarded: 0,
        }
    }

    /// Invocation counters to send with. The owner has stored durably that they are used before it
    /// grants them.
    pub fn grant_counters(&mut self, counters: Range<u32>) {
        self.send_counters.grant(counters);
    }

    /// Takes up what was accepted from the meter in earlier associations under the same key, so
    /// that none of them can be played back. Of another meter than answers, it counts for nothing.
    pub const fn resume_received(&mut self, received: Received) {
        self.resumed = Some(received.originator);
        self.receive_counter = received.counter;
    }

    /// What was accepted from the meter under the global key, for whoever remembers it; None while
    /// nothing was, or while the meter has no title.
    pub fn received(&self) -> Option<Received> {
        self.receive_counter.last()?;
        let originator = self.association.server_title?;
        Some(Received { originator, counter: self.receive_counter })
    }

    /// How many granted counters are left. One APDU takes one; opening a ciphered association with
    /// GMAC takes three, closing it one.
    pub fn counters_left(&self) -> u32 {
        self.send_counters.remaining()
    }

    /// Whether sending needs invocation counters at all.
    pub fn needs_counters(&self) -> bool {
        self.config.mechanism == Mechanism::HlsGmac || self.config.protecting().is_some()
    }

    /// APDUs that answered nothing that was asked, and notifications that found no room.
    pub const fn discarded(&self) -> u64 {
        self.discarded
    }

    /// What was agreed on, once [`Event::Associated`] came.
    pub const fn association(&self) -> &Association {
        &self.association
    }

    /// Whether requests can be made.
    pub fn is_associated(&self) -> bool {
        self.state == State::Associated
    }

    /// Opens the association, or takes up one that is pre-established.
    ///
    /// # Errors
    /// [`Misuse::State`] when one is open or opening, [`Misuse::Unanswered`] for authentication and
    /// keys that an association of this kind cannot have, [`Misuse::Lacks`] when the configuration
    /// lacks what its mechanism or ciphering needs.
    pub fn associate(&mut self, entropy: &mut dyn Entropy) -> Result<(), Misuse> {
        if self.state != State::Idle {
            return Err(Misuse::State);
        }
        self.config.check()?;
        if self.config.needs_curves() && self.provider.public_keys().is_none() {
            return Err(Misuse::Lacks("elliptic curves in the cryptographic provider"));
        }
        self.client_challenge.resize(self.config.challenge_len(), 0);
        entropy.fill(&mut self.client_challenge);
        self.begin_general(entropy)?;
        self.dedicated_key = match self.config.protecting() {
            Some(ciphering) if ciphering.dedicated => {
                let mut octets = Zeroizing::new([0; 32]);
                entropy.fill(octets.as_mut_slice());
                let octets = octets.get(..ciphering.suite.key_len()).unwrap_or_default();
                Some(Key::try_from(octets).map_err(|_| Misuse::Lacks("dedicated key"))?)
            }
            _ => None,
        };
        let global = self.config.ciphering.as_ref().map(|ciphering| &ciphering.encryption_key);
        let key = self.dedicated_key.as_ref().or(global);
        // A provider that cannot will say so again at the first APDU that needs it.
        self.ready = key.and_then(|key| self.provider.ready(key).ok());
        // A fresh key has counters of its own, from the start.
        self.dedicated_send_counters = SendCounters::new();
        self.dedicated_send_counters.grant(0..u32::MAX);
        self.dedicated_receive_counter = ReceiveCounter::new();
        self.attempts_left = self.config.retries;
        match self.config.establishment {
            Establishment::PreEstablished { .. } => self.agree_unanswered(),
            Establishment::Confirmed | Establishment::Unconfirmed { .. } => self.send_aarq(),
        }
        Ok(())
    }

    /// Starts a request, of high priority.
    ///
    /// # Errors
    /// [`Misuse::State`] outside an association, [`Misuse::Busy`] while there is no room for
    /// another request ([`has_room`](Self::has_room)), [`Misuse::Unanswered`] where nothing is
    /// answered, [`Misuse::List`] for an empty list, [`Misuse::Value`] for octets that are not one
    /// encoded Data.
    pub fn request(&mut self, request: Request) -> Result<RequestId, Misuse> {
        self.request_with_priority(request, Priority::High)
    }

    /// Starts a request. Where several wait at the meter, those of high priority may be answered
    /// first.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_with_priority(
        &mut self,
        request: Request,
        priority: Priority,
    ) -> Result<RequestId, Misuse> {
        if !self.config.establishment.is_answered() {
            return Err(Misuse::Unanswered);
        }
        self.begin(request, ServiceClass::Confirmed, priority)
    }

    /// Closes the association. Without RLRQ ([`ClientConfig::release`]) it is closed at once, and
    /// the owner ends the link.
    ///
    /// # Errors
    /// [`Misuse::State`] outside an association.
    pub fn release(&mut self) -> Result<(), Misuse> {
        if self.state != State::Associated {
            return Err(Misuse::State);
        }
        self.forget_requests();
        self.blocks.end();
        let stands = matches!(self.config.establishment, Establishment::PreEstablished { .. });
        if !self.config.release || stands {
            self.close();
            return Ok(());
        }
        self.state = State::Releasing;
        if self.send_rlrq().is_err() {
            // Without a counter to protect it, the meter would refuse the RLRQ anyway.
            self.close();
        }
        Ok(())
    }

    /// Gives up a request. What was not sent of it is not sent; whatever the meter still answers
    /// is dropped. The association stands, and so do other requests. Nothing happens where that
    /// request is over.
    pub fn cancel(&mut self, request: RequestId) {
        if let Some(operation) = self.take_operation(|operation| operation.id() == request) {
            self.end(&operation);
        }
    }

    /// Forgets the association without telling the meter: the line below is gone.
    pub fn abort(&mut self) {
        self.state = State::Idle;
        self.forget_requests();
        self.blocks = GeneralBlocks::default();
        self.deadline = None;
        self.dedicated_key = None;
        self.ready = None;
        self.general = General::default();
    }

    /// Takes an APDU from the meter; a ciphered one is deciphered in place.
    pub fn handle_apdu(&mut self, apdu: &mut [u8]) {
        if self.state == State::Idle {
            self.discard();
            return;
        }
        let Some(apdu) = self.without_gateway(apdu) else { return self.discard() };
        let before = self.receive_counter;
        let Some(opened) = self.take_off(apdu) else { return };
        self.handle_opened(before, &opened);
    }

    /// Takes the protection off an APDU that has no header of a gateway. None when that does not
    /// come off, which then has had its consequences.
    fn take_off<'a>(&mut self, apdu: &'a mut [u8]) -> Option<Opening<'a>> {
        let outer = apdu.first().copied();
        match self.open(apdu) {
            Ok(opened) => return Some(opened),
            Err(failure) if self.is_beside_the_point(outer, &failure) => self.discard(),
            Err(failure) => self.fail(failure),
        }
        None
    }

    /// An APDU without the header of the gateway. None from another meter than ours, and with a
    /// header from one that is behind no gateway.
    fn without_gateway<'a>(&self, octets: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let headed = octets.first().is_some_and(|first| gateway::is_header(*first));
        let Some(GatewayAddress { network, address }) = &self.config.gateway else {
            return if headed { None } else { Some(octets) };
        };
        let (header, apdu) = GatewayHeader::decode(octets).ok()?;
        if header.network != *network || header.address != address {
            return None;
        }
        let start = octets.len().checked_sub(apdu.len())?;
        octets.get_mut(start..)
    }

    /// Takes an APDU, its protection taken off. `before` is the receive counter as it was before.
    fn handle_opened(&mut self, before: ReceiveCounter, opened: &Opening<'_>) {
        let &Opening { plain, protected, .. } = opened;
        if plain.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) {
            opened.accept_unverified_counter(self);
            return self.on_block(plain, protected);
        }
        let decoded = match Apdu::decode(plain) {
            Ok(decoded) => decoded,
            // A meter's notification may be as odd as it likes: nothing waits for it.
            Err(_) if is_notification(plain) => return self.discard(),
            Err(malformed) => return self.fail(malformed.into()),
        };
        if is_notification(plain) {
            return match self.judge_content(opened) {
                Ok(notification) => self.notify(notification),
                Err(_) => self.discard(),
            };
        }
        let judged = match self.judge(opened, decoded) {
            Ok(judged) => judged,
            Err(failure) => return self.fail(failure),
        };
        // As with another invoke-id: the answer to an earlier request.
        if self.is_of_another_transaction(opened) {
            return self.discard();
        }
        opened.accept_unverified_counter(self);
        match judged {
            Judged::Hint(hint) => self.on_hint(hint),
            Judged::Answer(answer) => self.on_answer(before, answer),
        }
    }

    fn on_hint(&mut self, hint: Hint<'_>) {
        match (self.state, hint) {
            (State::Associating | State::Authenticating, Hint::Aare(aare)) => self.on_aare(&aare),
            (State::Releasing, Hint::Rlre) => self.close(),
            (_, Hint::Exception(exception)) => self.on_exception(exception),
            (_, Hint::ServiceError(error)) => self.fail(Failure::ServiceError(error)),
            // The answer to an AARQ that was repeated.
            (State::Associated, Hint::Aare(_)) => self.discard(),
            (_, Hint::Aare(_)) => self.on_unexpected(tag::name(tag::AARE)),
            (_, Hint::Rlre) => self.on_unexpected(tag::name(tag::RLRE)),
        }
    }

    fn on_answer(&mut self, before: ReceiveCounter, answer: Answer<'_>) {
        match (self.state, answer) {
            (State::Authenticating, Answer::Action(response)) => {
                self.on_authentication(before, response);
            }
            (State::Authenticating, Answer::Read(response)) => {
                self.on_short_authentication(before, response);
            }
            (State::Associated, Answer::Get(response)) => self.on_get(response),
            (State::Associated, Answer::Set(response)) => self.on_set(response),
            (State::Associated, Answer::Action(response)) => self.on_action(response),
            (State::Associated, Answer::Access(response)) => self.on_access(response),
            (State::Associated, Answer::Read(response)) if self.has_short_names() => {
                self.on_read(response);
            }
            (State::Associated, Answer::Write(response)) if self.has_short_names() => {
                self.on_write(response);
            }
            (_, answer) => self.on_unexpected(answer.name()),
        }
    }

    fn on_unexpected(&mut self, name: &'static str) {
        let is_waiting = match self.state {
            State::Associated => !self.operations.is_empty(),
            State::Associating | State::Authenticating => true,
            State::Idle | State::Releasing => false,
        };
        // Of datagrams it may be what an earlier association waited for.
        if is_waiting && !self.config.datagrams {
            self.fail(Violation::Unexpected(name).into());
        } else {
            self.discard();
        }
    }

    /// To be called when [`poll_timeout`](Self::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == State::Associated {
            return self.handle_silence(now);
        }
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.deadline = None;
        let again = self.attempts_left > 0;
        self.attempts_left = self.attempts_left.saturating_sub(1);
        match self.state {
            State::Associating | State::Authenticating if again => self.send_aarq(),
            State::Idle | State::Associated => {}
            State::Associating | State::Authenticating | State::Releasing => {
                self.fail(Failure::NoResponse);
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next. May change with every call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Associated => self.operations.iter().filter_map(Operation::deadline).min(),
            _ => self.deadline,
        }
    }

    /// Moves the APDU that must go out into `out`, replacing what it held; false when there is
    /// none. From now on the answer is waited for, unless none comes
    /// ([`is_waiting`](Self::is_waiting)).
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        match self.outgoing.pop_front() {
            Some(Outgoing { request, apdu })
                if self.goes_in_blocks() && self.awaits_answer(request) =>
            {
                if let Err(failure) = self.send_in_blocks(apdu) {
                    self.fail(failure);
                    return false;
                }
            }
            Some(Outgoing { request, apdu }) => {
                *out = apdu;
                self.address(out);
                if self.awaits_answer(request) {
                    self.wait(request, now);
                } else {
                    self.sent(request);
                }
                return true;
            }
            None => {}
        }
        let sent = self.blocks.poll_transmit(out);
        if sent {
            self.address(out);
            // In blocks there is one request at a time.
            self.wait(self.operations.first().map(Operation::id), now);
        }
        sent
    }

    /// Puts the header of the gateway in front of an APDU.
    fn address(&self, apdu: &mut Vec<u8>) {
        if let Some(address) = &self.config.gateway {
            let mut header = Vec::new();
            address.header(gateway::Direction::Request).encode(&mut Writer::new(&mut header));
            apdu.splice(0..0, header);
        }
    }

    /// Sets the timer of a request, or of what the association itself waits for.
    fn wait(&mut self, request: Option<RequestId>, now: Instant) {
        let deadline = self.config.response_timeout.and_then(|timeout| now.checked_add(timeout));
        match request {
            None => self.deadline = deadline,
            Some(request) => {
                if let Some(operation) = self.operations.iter_mut().find(|of| of.id() == request) {
                    operation.set_deadline(deadline);
                }
            }
        }
    }

    /// Whether an APDU must go out.
    #[must_use]
    pub fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty() || self.blocks.has_outgoing()
    }

    /// Whether an answer is due from the meter. A line that polls its peer goes on polling for as
    /// long as this holds.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        match self.state {
            State::Idle => false,
            State::Associated => !self.operations.is_empty(),
            State::Associating | State::Authenticating | State::Releasing => true,
        }
    }

    /// What the owner should know next.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

/// DataNotification, EventNotification or InformationReport.
fn is_notification(plain: &[u8]) -> bool {
    matches!(
        plain.first(),
        Some(
            &(tag::DATA_NOTIFICATION
                | tag::EVENT_NOTIFICATION_REQUEST
                | tag::INFORMATION_REPORT_REQUEST)
        )
    )
}

// Opening and closing.
impl Client {
    fn send_aarq(&mut self) {
        self.state = State::Associating;
        self.association = Association {
            server_title: self.config.server_title,
            conformance: Conformance::NONE,
            max_send_pdu: u16::MAX,
        };
        match self.encode_aarq() {
            Ok(aarq) => self.transmit_as_is(aarq),
            Err(failure) => self.fail(failure),
        }
    }

    fn context(&self) -> ApplicationContext {
        match (self.config.referencing, self.config.protecting()) {
            (Referencing::LogicalName, Some(_)) => ApplicationContext::LogicalNameCiphered,
            (Referencing::LogicalName, None) => ApplicationContext::LogicalName,
            (Referencing::ShortName, Some(_)) => ApplicationContext::ShortNameCiphered,
            (Referencing::ShortName, None) => ApplicationContext::ShortName,
        }
    }

    fn encode_aarq(&mut self) -> Result<Vec<u8>, Failure> {
        let mut initiate = self.encode_initiate();
        if self.config.protecting().is_some() {
            initiate = Zeroizing::new(self.cipher_initiate(&initiate)?);
        }
        let mechanism = self.config.mechanism;
        let authenticates = mechanism != Mechanism::Lowest;
        let title = self.config.system_title.map(|title| title.0);
        let needs_title = self.config.protecting().is_some() || mechanism.proves_titles();
        let context = self.context();
        let aarq = Aarq {
            calling_ap_title: title.as_ref().filter(|_| needs_title).map(<[u8; 8]>::as_slice),
            acse_requirements: authenticates,
            mechanism: authenticates.then_some(mechanism),
            calling_authentication_value: match mechanism {
                Mechanism::Lowest => None,
                Mechanism::Lls => Some(self.config.secret.octets()),
                _ => Some(&self.client_challenge),
            },
            user_information: Some(initiate.as_slice()),
            ..Aarq::new(context)
        };
        let mut out = Vec::new();
        aarq.encode(&mut Writer::new(&mut out));
        Ok(out)
    }

    /// The InitiateRequest under the global key. It takes the service-specific form even where the
    /// services take the general one: that peer has not agreed to yet.
    fn cipher_initiate(&mut self, initiate: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut ciphered = Vec::new();
        self.protect(tag::GLO_INITIATE_REQUEST, false, false, initiate, &mut ciphered)?;
        Ok(ciphered)
    }

    fn encode_initiate(&self) -> Zeroizing<Vec<u8>> {
        // Room enough from the start: growing would leave copies of a dedicated key behind.
        let mut out = Zeroizing::new(Vec::with_capacity(INITIATE_LEN_MAX));
        InitiateRequest {
            dedicated_key: self.dedicated_key.as_ref().map(Key::octets),
            response_allowed: self.config.establishment.is_answered(),
            quality_of_service: None,
            version: DLMS_VERSION,
            conformance: self.config.proposed(),
            max_receive_pdu: self.config.max_receive_pdu,
        }
        .encode(&mut Writer::new(&mut out));
        out
    }

    fn on_aare(&mut self, aare: &Aare<'_>) {
        // While we prove ourselves, a further one answers a repeated AARQ and asks for another
        // proof; with the same challenge it is a copy of the first.
        let copy = self.config.datagrams
            && self.state == State::Authenticating
            && aare.responding_authentication_value == Some(&self.server_challenge);
        if copy {
            return self.discard();
        }
        match self.accept_aare(aare) {
            Ok(()) if self.config.mechanism.is_hls() => self.authenticate(),
            Ok(()) => self.associated(),
            Err(Failure::Security(SecurityError::CounterNotGreater { .. }))
                if self.config.datagrams =>
            {
                self.discard();
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn accept_aare(&mut self, aare: &Aare<'_>) -> Result<(), Failure> {
        if aare.result != AssociationResult::Accepted {
            let error = aare.user_information.and_then(|octets| match Apdu::decode(octets) {
                Ok(Apdu::ConfirmedServiceError(error)) => Some(error),
                _ => None,
            });
            return Err(Failure::Rejected {
                result: aare.result,
                diagnostic: aare.diagnostic,
                error,
            });
        }
        let proposed = self.context();
        if aare.application_context != proposed {
            return Err(Violation::Context(aare.application_context).into());
        }
        let found = aare
            .responding_ap_title
            .and_then(|octets| <[u8; 8]>::try_from(octets).ok())
            .map(SystemTitle);
        match (self.config.server_title, found) {
            (Some(expected), Some(found)) if expected != found => {
                return Err(Failure::OtherMeter { expected, found });
            }
            (expected, found) => self.association.server_title = found.or(expected),
        }
        // Another meter has counters of its own. That it is one, its tags will tell: the title is
        // part of what they prove.
        if self.resumed.is_some() && self.resumed != self.association.server_title {
            self.resumed = None;
            self.receive_counter = ReceiveCounter::new();
        }

        let mut information =
            aare.user_information.ok_or(Violation::AareLacks("user-information"))?.to_vec();
        let opened = match self.open(&mut information) {
            Err(Failure::Security(SecurityError::TagMismatch)) => {
                return Err(self.suspicion(aare.user_information.unwrap_or_default()).into());
            }
            opened => opened?,
        };
        let response = match Apdu::decode(self.judge_content(&opened)?.into_inner())? {
            Apdu::InitiateResponse(response) => response,
            Apdu::ConfirmedServiceError(error) => return Err(Failure::ServiceError(error)),
            other => return Err(Violation::Unexpected(other.name()).into()),
        };
        opened.accept_unverified_counter(self);
        self.agree(&response)?;

        let mechanism = self.config.mechanism;
        let pending = Diagnostic::User(AcseUserDiagnostic::AuthenticationRequired);
        match (mechanism.is_hls(), aare.diagnostic == pending) {
            (true, false) => return Err(Violation::NotAuthenticated.into()),
            (false, true) => return Err(Violation::WantsAuthentication.into()),
            _ => {}
        }
        if mechanism.is_hls() {
            if mechanism.proves_titles() && self.association.server_title.is_none() {
                return Err(Violation::AareLacks("system title").into());
            }
            self.server_challenge = aare
                .responding_authentication_value
                .ok_or(Violation::AareLacks("challenge"))?
                .to_vec();
        }
        Ok(())
    }

    fn agree(&mut self, response: &InitiateResponse) -> Result<(), Failure> {
        if response.version != DLMS_VERSION {
            return Err(Violation::Version(response.version).into());
        }
        let vaa_name = match self.config.referencing {
            Referencing::LogicalName => InitiateResponse::VAA_NAME_LN,
            Referencing::ShortName => InitiateResponse::VAA_NAME_SN,
        };
        if response.vaa_name != vaa_name {
            return Err(Violation::VaaName(response.vaa_name).into());
        }
        self.association.conformance = response.conformance & self.config.proposed();
        // Zero is no limit.
        self.association.max_send_pdu =
            if response.max_receive_pdu == 0 { u16::MAX } else { response.max_receive_pdu };
        Ok(())
    }

    /// Sends f(StoC).
    fn authenticate(&mut self) {
        self.state = State::Authenticating;
        let sent = self.client_reply().and_then(|reply| {
            if self.config.referencing == Referencing::ShortName {
                return self.send_short_reply(&reply);
            }
            let mut parameters = Vec::new();
            Data::OctetString(&reply).encode(&mut Writer::new(&mut parameters));
            let request = ActionRequest::Normal {
                invoke: self.next_invoke(),
                method: REPLY_TO_HLS_AUTHENTICATION,
                parameters: Some(RawData::decode(&mut Reader::new(&parameters))?),
            };
            let mut plain = mem::take(&mut self.plain);
            plain.clear();
            request.encode(&mut Writer::new(&mut plain));
            let sent = self.protected(&plain).map(|apdu| self.transmit_as_is(apdu));
            self.plain = plain;
            sent
        });
        if let Err(failure) = sent {
            self.fail(failure);
        }
    }

    fn on_authentication(
        &mut self,
        before: ReceiveCounter,
        response: Verified<ActionResponse<'_>>,
    ) {
        let response = &response.into_inner();
        if response.invoke().id() != self.invoke_id {
            return self.discard();
        }
        let ActionResponse::Normal { result, returned, .. } = response else {
            return self.fail(Violation::Unexpected("blocks of an HLS answer").into());
        };
        if *result != ActionResult::Success {
            return self.fail(Failure::AuthenticationRefused(*result));
        }
        let reply = match returned {
            Some(Ok(data)) => data.data().map(|data| data.as_octets().unwrap_or_default()),
            _ => Ok(&[][..]),
        };
        let verified = match reply {
            Ok(reply) => self.verify_server_reply(before, reply),
            Err(malformed) => Err(malformed.into()),
        };
        match verified {
            Ok(()) => self.associated(),
            Err(failure) => self.fail(failure),
        }
    }

    fn associated(&mut self) {
        self.state = State::Associated;
        self.deadline = None;
        self.server_challenge.clear();
        self.events.push_back(Event::Associated(self.association));
    }

    fn send_rlrq(&mut self) -> Result<(), Failure> {
        // A release that anybody could send would end the association for everybody.
        let information = match self.config.protecting() {
            Some(_) => {
                let initiate = self.encode_initiate();
                Some(self.cipher_initiate(&initiate)?)
            }
            None => None,
        };
        let mut out = Vec::new();
        Rlrq {
            reason: Some(ReleaseRequestReason::Normal),
            user_information: information.as_deref(),
        }
        .encode(&mut Writer::new(&mut out));
        self.attempts_left = 0;
        self.transmit_as_is(out);
        Ok(())
    }

    fn close(&mut self) {
        self.abort();
        self.events.push_back(Event::Released);
    }
}

/// Class 15, method 1 of the current association.
const REPLY_TO_HLS_AUTHENTICATION: MethodDescriptor =
    MethodDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 1);

#[cfg(test)]
mod tests;
