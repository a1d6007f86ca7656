//! The server side of an association (IEC 62056-5-3 clauses 6.2 to 6.5 and 7).
//!
//! ```text
//!                AARQ, no security or LLS
//!    Idle ─────────────────────────────────────► Associated ◄─┐
//!     ▲ │                                          ▲   │  │    │ GET, SET, ACTION
//!     │ │ AARQ, HLS               f(StoC) verified │   │  └────┘
//!     │ └──────────► Authenticating ───────────────┘   │
//!     │                   │ f(StoC) wrong              │ RLRQ
//!     └───────────────────┴────────────────────────────┘
//! ```
//!
//! A [`Server`] is one association between one client and one logical device. It does no I/O: the
//! owner hands in each APDU of that client together with the device and sends what comes out. Each
//! request gets its answer at once; an unconfirmed SET or ACTION gets none. In an association that
//! was opened without asking for a response there are only such services, and others are discarded.
//! Elsewhere a GET is always answered: it has no other purpose, and clients exist that do not set
//! its service class. An AARQ replaces the association that may be there: the client has started
//! anew. One that is pre-established is there from the start, and nothing replaces it.
//!
//! Answers too long for the client are cut into blocks, and long requests are joined before the
//! device sees them. Whatever arrives that is not legal, the answer is the refusal that the
//! standard has for it, or else an ExceptionResponse, and the association stands.

mod access;
mod action;
mod block;
mod cipher;
mod device;
mod establish;
mod general_blocks;
mod get;
mod held;
mod layers;
mod set;
mod short_names;
#[cfg(test)]
mod tests;
mod unconfirmed;

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

pub use device::{Access, ClientPolicy, DeviceKeys, LogicalDevice};
pub use unconfirmed::PreEstablished;

use self::{
    block::{ANSWER_LEN_MAX, Transfers},
    establish::Challenges,
    general_blocks::GeneralBlocks,
    layers::Layers,
};
use super::{Entropy, WINDOW_MAX};
use crate::{
    Malformed, MalformedKind,
    axdr::Writer,
    security::{CipherForm, CryptoProvider, Key, Protection, ReceiveCounter},
    xdlms::{Apdu, Conformance, ExceptionResponse, ExceptionService, ExceptionState, tag},
};

/// What a server brings to an association.
#[derive(Clone, Copy, Debug)]
pub struct ServerConfig {
    /// The SAP of the client.
    pub client: u16,
    /// The largest APDU that the device takes and sends, in octets.
    pub max_pdu: u16,
    /// The services of the device. A client gets those of them that it proposes.
    pub conformance: Conformance,
    /// How many blocks of general block transfer the device takes in one go, 1 to [`WINDOW_MAX`].
    pub block_window: u8,
    /// How many of them it sends in one go at most: 1 on a line that is turned round after each
    /// APDU, where nobody calls [`Server::poll_transmit`].
    pub send_window_max: u8,
    /// The association with this client that stands without AARQ, where there is one. An AARQ is
    /// then rejected.
    pub pre_established: Option<PreEstablished>,
}

/// Blocks of general block transfer that a device takes in one go: what one Ethernet frame each
/// makes of 64 KiB of buffer.
const BLOCK_WINDOW: u8 = 40;

impl ServerConfig {
    /// A server for the client with this SAP: APDUs of up to 1,024 octets and all services that
    /// [`Server`] knows.
    pub fn new(client: u16) -> Self {
        Self {
            client,
            max_pdu: 1_024,
            conformance: Conformance::GENERAL_PROTECTION
                | Conformance::GENERAL_BLOCK_TRANSFER
                | Conformance::ACCESS
                | Conformance::READ
                | Conformance::WRITE
                | Conformance::UNCONFIRMED_WRITE
                | Conformance::PARAMETERIZED_ACCESS
                | Conformance::BLOCK_GET
                | Conformance::BLOCK_SET
                | Conformance::BLOCK_ACTION
                | Conformance::MULTIPLE_REFERENCES
                | Conformance::GET
                | Conformance::SET
                | Conformance::SELECTIVE_ACCESS
                | Conformance::ACTION,
            block_window: BLOCK_WINDOW,
            send_window_max: WINDOW_MAX,
            pre_established: None,
        }
    }
}

/// The server machine. Its states are those of IEC 62056-5-3 clause 6: idle, waiting for the answer
/// to its challenge, associated.
///
/// A device that knows its name and nothing else, and a client that asks for it:
///
#[cfg_attr(feature = "rustcrypto", doc = "```")]
#[cfg_attr(not(feature = "rustcrypto"), doc = "```ignore")]
/// use dlms_core::{
///     acse::Mechanism,
///     association::{Access, ClientPolicy, Entropy, LogicalDevice, Server, ServerConfig},
///     axdr::{Data, RawData, Writer},
///     cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
///     security::{
///         CryptoProvider, Protection, ReceiveCounter, RustCrypto, Secret, SystemTitle,
///     },
///     xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
/// };
///
/// const NAME: AttributeDescriptor =
///     AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);
///
/// struct Nameplate {
///     secret: Secret,
/// }
///
/// impl LogicalDevice for Nameplate {
///     fn system_title(&self) -> SystemTitle {
///         SystemTitle(*b"ABC\0\0\0\0\x01")
///     }
///     fn crypto(&self) -> &dyn CryptoProvider {
///         &RustCrypto
///     }
///     // The public client, without authentication, and nobody else.
///     fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
///         (sap == 16).then_some(ClientPolicy {
///             mechanisms: &[Mechanism::Lowest],
///             secret: &self.secret,
///             keys: None,
///             protection: Protection::NONE,
///             proven_release: false,
///         })
///     }
///     // Without keys there are no counters.
///     fn take_counter(&mut self) -> Option<u32> {
///         None
///     }
///     fn received(&self, _: SystemTitle) -> ReceiveCounter {
///         ReceiveCounter::new()
///     }
///     fn accept(&mut self, _: SystemTitle, _: u32) -> bool {
///         false
///     }
///     fn get(
///         &mut self,
///         _: &Access,
///         attribute: AttributeDescriptor,
///         _: Option<SelectiveAccess<'_>>,
///         out: &mut Vec<u8>,
///     ) -> Result<(), DataAccessResult> {
///         if attribute != NAME {
///             return Err(DataAccessResult::ObjectUndefined);
///         }
///         Data::OctetString(b"ABC0000000000001").encode(&mut Writer::new(out));
///         Ok(())
///     }
///     fn set(
///         &mut self,
///         _: &Access,
///         _: AttributeDescriptor,
///         _: Option<SelectiveAccess<'_>>,
///         _: RawData<'_>,
///     ) -> Result<(), DataAccessResult> {
///         Err(DataAccessResult::ReadWriteDenied)
///     }
///     fn action(
///         &mut self,
///         _: &Access,
///         _: MethodDescriptor,
///         _: Option<RawData<'_>>,
///         _: &mut Vec<u8>,
///     ) -> Result<(), ActionResult> {
///         Err(ActionResult::ObjectUndefined)
///     }
/// }
///
/// struct SystemEntropy;
/// impl Entropy for SystemEntropy {
///     fn fill(&mut self, octets: &mut [u8]) {
///         # octets.fill(7);
///         // ... of the operating system
///     }
/// }
///
/// let mut device = Nameplate { secret: Secret::from("") };
/// let mut server = Server::new(ServerConfig::new(16));
/// let mut out = Vec::new();
///
/// let mut aarq = [
///     0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xbe, 0x10,
///     0x04, 0x0e, 0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, 0xff,
///     0xff,
/// ];
/// assert!(server.handle_apdu(&mut device, &mut SystemEntropy, &mut aarq, &mut out));
/// assert!(server.is_associated());
///
/// let mut get = [0xc0, 1, 0xc1, 0, 1, 0, 0, 42, 0, 0, 255, 2, 0];
/// assert!(server.handle_apdu(&mut device, &mut SystemEntropy, &mut get, &mut out));
/// assert_eq!(out, b"\xc4\x01\xc1\x00\x09\x10ABC0000000000001");
/// ```
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    state: State,
    transfers: Transfers,
    /// Requests behind which others wait.
    held: Vec<Vec<u8>>,
    /// Further answers that are ready to go out.
    answers: VecDeque<Vec<u8>>,
    /// The exchange in general block transfer that is under way, or was last.
    blocks: Option<GeneralBlocks>,
    /// Whether the answer goes out in such blocks, whatever its length.
    answers_in_blocks: bool,
    /// Whether what is being handled may not be answered.
    silent: bool,
}

#[derive(Debug)]
enum State {
    Idle,
    /// The AARE asked for f(StoC), and nothing else is answered before it came.
    Authenticating(Agreement, Challenges),
    Associated(Agreement),
}

/// What client and device agreed on.
#[derive(Debug)]
struct Agreement {
    access: Access,
    /// Whether the client wants any answers.
    confirmed: bool,
    dedicated: Option<Dedicated>,
}

/// The key of one association and its counters, which begin and end with it.
#[derive(Debug)]
struct Dedicated {
    key: Key,
    /// The device's cryptography with the key ready.
    crypto: Option<Box<dyn CryptoProvider>>,
    received: ReceiveCounter,
    next: u32,
}

/// What becomes of the association after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Stay,
    Close,
}

impl Server {
    /// A server without association, unless there is a pre-established one.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            state: State::at_rest(&config),
            transfers: Transfers::default(),
            held: Vec::new(),
            answers: VecDeque::new(),
            blocks: None,
            answers_in_blocks: false,
            silent: false,
        }
    }

    /// Whether services are answered.
    pub const fn is_associated(&self) -> bool {
        matches!(self.state, State::Associated(_))
    }

    /// Whether there is no association, nor one that waits for its client to prove himself, nor an
    /// answer that is still to go out.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.answers.is_empty()
    }

    /// Forgets the association without telling the client: the line below is gone. One that is
    /// pre-established stands again as at the start.
    pub fn abort(&mut self) {
        self.state = State::at_rest(&self.config);
        self.transfers = Transfers::default();
        self.blocks = None;
    }

    /// Takes an APDU from the client, which is deciphered in place, and puts the answer into `out`,
    /// replacing what it held. False when there is nothing to answer. Those that were
    /// [held](Self::hold) before it are handled with it, and further answers come from
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn handle_apdu(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        apdu: &mut [u8],
        out: &mut Vec<u8>,
    ) -> bool {
        if self.held.is_empty() {
            return self.handle_one(device, entropy, apdu, out);
        }
        self.handle_held(device, entropy, apdu.to_vec());
        out.clear();
        self.poll_transmit(out)
    }

    fn handle_one(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        apdu: &mut [u8],
        out: &mut Vec<u8>,
    ) -> bool {
        out.clear();
        let first = apdu.first().copied();
        // With an AARQ the client has started anew.
        let unconfirmed = first != Some(tag::AARQ) && self.is_unconfirmed();
        let handled = match first {
            Some(tag::AARQ) => self.on_aarq(device, entropy, apdu, out),
            Some(tag::RLRQ) => self.on_rlrq(device, apdu, out),
            _ if apdu.len() > usize::from(self.config.max_pdu) => Err(Refusal::TooLong),
            Some(tag::GENERAL_BLOCK_TRANSFER) => self.on_block(device, entropy, apdu, None, out),
            _ => self.on_request(device, entropy, apdu, out).and_then(|()| self.cut(out)),
        };
        if let Err(refusal) = handled {
            out.clear();
            refusal.encode(out);
        }
        if unconfirmed || self.is_unconfirmed() {
            out.clear();
        }
        !out.is_empty()
    }

    /// Moves a further APDU of the answer into `out`, replacing what it held; false when there is
    /// none. There are some where the client takes several blocks of general block transfer in one
    /// go, and where several requests were handled at once.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(answer) = self.answers.pop_front() {
            *out = answer;
            return true;
        }
        self.blocks.as_mut().is_some_and(|blocks| blocks.poll_transmit(out))
    }

    fn on_request(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        apdu: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        if !is_layered(apdu) || !cipher::is_broadcast(apdu) {
            let (plain, layers) = self.open(device, apdu)?;
            return self.serve(device, entropy, plain, layers, out);
        }
        // Everybody who has the broadcast key would answer, and be it with a refusal.
        let silent = core::mem::replace(&mut self.silent, true);
        if let Ok((plain, layers)) = self.open(device, apdu) {
            let _ = self.serve(device, entropy, plain, layers, out);
        }
        self.silent = silent;
        out.clear();
        Ok(())
    }

    /// Takes the layers off a request, where it came in some.
    fn open<'a>(
        &mut self,
        device: &mut dyn LogicalDevice,
        apdu: &'a mut [u8],
    ) -> Result<(&'a [u8], Option<Layers>), Refusal> {
        if !is_layered(apdu) {
            return Ok((apdu, None));
        }
        let agreement = self.state.agreement().ok_or(Refusal::NotAssociated)?;
        if !agreement.access.application_context.is_ciphered() {
            return Err(Refusal::NotSupported);
        }
        let (plain, layers) = layers::open(device, agreement, apdu)?;
        if self.is_associated() && !self.is_signed_enough(device, &layers) {
            return Err(Refusal::Unprotected);
        }
        Ok((plain, Some(layers)))
    }

    /// Answers a request that came in these layers, or in none.
    fn serve(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        plain: &[u8],
        layers: Option<Layers>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match layers {
            Some(layers) => self.on_ciphered(device, entropy, plain, layers, out),
            None => self.on_plain(device, plain, out),
        }
    }

    fn on_plain(
        &mut self,
        device: &mut dyn LogicalDevice,
        apdu: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let agreement = self.state.agreement().ok_or(Refusal::NotAssociated)?;
        if agreement.access.application_context.is_ciphered() {
            return Err(Refusal::Unprotected);
        }
        // The policy may have become stricter since the association was opened, and one that is
        // pre-established was never held to it.
        let policy = device.client(self.config.client).ok_or(Refusal::NotAssociated)?;
        if policy.protection != Protection::NONE {
            return Err(Refusal::Unprotected);
        }
        let room = usize::from(agreement.access.max_send_pdu);
        let room = if self.answers_in_blocks { ANSWER_LEN_MAX } else { room };
        if self.on_service(device, apdu, room, out)? == After::Close {
            self.abort();
        }
        Ok(())
    }

    fn on_ciphered(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        plain: &[u8],
        layers: Layers,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match plain.first() {
            Some(&tag::GENERAL_BLOCK_TRANSFER) if self.silent => Ok(()),
            // Blocks in what blocks made are nobody's practice and would nest without end.
            Some(&tag::GENERAL_BLOCK_TRANSFER) if self.answers_in_blocks => {
                Err(Refusal::NotSupported)
            }
            Some(&tag::GENERAL_BLOCK_TRANSFER) => {
                self.on_block(device, entropy, plain, Some(layers), out)
            }
            _ => self.on_opened(device, entropy, plain, &layers, out),
        }
    }

    /// Answers a service request that came in these layers.
    fn on_opened(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        plain: &[u8],
        layers: &Layers,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let agreement = self.state.agreement().ok_or(Refusal::NotAssociated)?;
        agreement.access.protection = layers.protection();
        agreement.access.key_set = layers.key_set();
        let room = layers.room(agreement.access.max_send_pdu);
        let room = if self.answers_in_blocks { ANSWER_LEN_MAX } else { room };
        let mut answer = Vec::new();
        let after = match self.on_service(device, plain, room, &mut answer) {
            Ok(after) => after,
            Err(refusal) => {
                self.refuse(refusal, &mut answer);
                After::Stay
            }
        };
        self.seal(device, entropy, layers, &answer, out)?;
        if after == After::Close {
            self.abort();
        }
        Ok(())
    }

    /// Whether a request has the signature that the device may demand.
    fn is_signed_enough(&self, device: &dyn LogicalDevice, layers: &Layers) -> bool {
        let policy = device.client(self.config.client);
        policy.is_some_and(|policy| !policy.protection.signed || layers.protection().signed)
    }

    /// Protects an answer as the request was. An empty answer stays empty.
    fn seal(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        layers: &Layers,
        answer: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let agreement = self.state.agreement().ok_or(Refusal::NotAssociated)?;
        if answer.is_empty() {
            return Ok(());
        }
        layers::seal(device, entropy, agreement, layers, answer, out)
    }

    /// Answers one service request, its protection taken off, with an APDU of at most `room`
    /// octets.
    fn on_service(
        &mut self,
        device: &mut dyn LogicalDevice,
        apdu: &[u8],
        room: usize,
        answer: &mut Vec<u8>,
    ) -> Result<After, Refusal> {
        // Whatever was answered before in blocks, the client is done with it.
        self.blocks = None;
        let request = Apdu::decode(apdu)?;
        if self.is_unanswerable(&request) {
            return Ok(After::Stay);
        }
        let access = match &self.state {
            State::Idle => return Err(Refusal::NotAssociated),
            State::Authenticating(..) if self.silent => return Err(Refusal::NotAssociated),
            State::Authenticating(..) => return self.on_authentication(device, &request, answer),
            State::Associated(agreement) => agreement.access,
        };
        let mut call = Call { device, access, room, answer };
        let confirmed = match request {
            Apdu::GetRequest(request) => {
                self.on_get(&mut call, request)?;
                true
            }
            Apdu::SetRequest(request) => {
                let confirmed = request.invoke().confirmed();
                self.on_set(&mut call, request)?;
                confirmed
            }
            Apdu::ActionRequest(request) => {
                let confirmed = request.invoke().confirmed();
                self.on_action(&mut call, request)?;
                confirmed
            }
            Apdu::ReadRequest(request) => {
                self.on_read(&mut call, request)?;
                true
            }
            Apdu::WriteRequest(request) => {
                self.on_write(&mut call, request, Conformance::WRITE)?;
                true
            }
            Apdu::UnconfirmedWriteRequest(request) => {
                self.on_write(&mut call, request, Conformance::UNCONFIRMED_WRITE)?;
                false
            }
            Apdu::AccessRequest(request) => {
                let confirmed = request.invoke.confirmed();
                self.on_access(&mut call, request)?;
                confirmed
            }
            _ => return Err(Refusal::NotSupported),
        };
        if !confirmed {
            answer.clear();
        }
        Ok(After::Stay)
    }
}

/// Whether a request comes in layers.
fn is_layered(apdu: &[u8]) -> bool {
    apdu.first().is_some_and(|&first| {
        CipherForm::from_tag(first).is_some() || first == tag::GENERAL_CIPHERING
    })
}

impl State {
    const fn agreement(&mut self) -> Option<&mut Agreement> {
        match self {
            Self::Idle => None,
            Self::Authenticating(agreement, _) | Self::Associated(agreement) => Some(agreement),
        }
    }
}

/// One request on its way to the device, and the place for its answer.
struct Call<'c> {
    device: &'c mut dyn LogicalDevice,
    access: Access,
    room: usize,
    answer: &'c mut Vec<u8>,
}

impl Call<'_> {
    /// Fails when a service was not agreed on.
    const fn needs(&self, service: Conformance) -> Result<(), Refusal> {
        if self.access.conformance.contains(service) { Ok(()) } else { Err(Refusal::NotSupported) }
    }
}

impl Call<'_> {
    /// Lets an answer pass that is longer than one APDU, to be cut into blocks once it is
    /// protected.
    const fn leave_to_blocks(&self) -> Result<(), Refusal> {
        if self.access.conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER) {
            block::check_len(self.answer.as_slice())
        } else {
            Err(Refusal::TooLong)
        }
    }
}

/// Why a request gets an ExceptionResponse and not the answer of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// There is no association, or it is not authenticated yet.
    NotAssociated,
    /// The request is less protected than the association or the device demands.
    Unprotected,
    /// The service was not agreed on, or the server does not have it.
    NotSupported,
    /// The APDU tag is not one that the server knows.
    Unknown,
    /// The octets are not an APDU.
    Malformed,
    /// The request or its answer does not fit, and blocks were not agreed on.
    TooLong,
    /// The tag does not verify, or key, suite or title are not those of the association.
    Deciphering,
    /// The counter was used before; this is the lowest one that is acceptable.
    Counter(u32),
    /// The device cannot protect the answer.
    CannotProtect,
}

impl Refusal {
    fn encode(self, out: &mut Vec<u8>) {
        let (state, service) = match self {
            Self::NotAssociated | Self::Unprotected => {
                (ExceptionState::ServiceNotAllowed, ExceptionService::OperationNotPossible)
            }
            Self::NotSupported => {
                (ExceptionState::ServiceNotAllowed, ExceptionService::ServiceNotSupported)
            }
            Self::Unknown => {
                (ExceptionState::ServiceUnknown, ExceptionService::ServiceNotSupported)
            }
            Self::Malformed | Self::CannotProtect => {
                (ExceptionState::ServiceNotAllowed, ExceptionService::OtherReason)
            }
            Self::TooLong => (ExceptionState::ServiceNotAllowed, ExceptionService::PduTooLong),
            Self::Deciphering => {
                (ExceptionState::ServiceNotAllowed, ExceptionService::DecipheringError)
            }
            Self::Counter(expected) => (
                ExceptionState::ServiceNotAllowed,
                ExceptionService::InvocationCounterError(expected),
            ),
        };
        ExceptionResponse { state, service }.encode(&mut Writer::new(out));
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed { kind: MalformedKind::UnknownTag(_), offset: 0 } => Self::Unknown,
            _ => Self::Malformed,
        }
    }
}
