//! Associations that nobody answers or nobody opens, and unconfirmed services
//! (IEC 62056-5-3 clauses 6.2 and 9.3).

use alloc::vec::Vec;

use super::{
    Client, ClientConfig, Priority, Request, RequestId, Response, State,
    transfer::{ServiceClass, Stage},
};
use crate::{
    acse::Mechanism,
    association::{Failure, Misuse},
    axdr::Writer,
    security::ReceiveCounter,
    xdlms::{Apdu, Conformance},
};

/// How an association comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Establishment {
    /// By AARQ and AARE.
    #[default]
    Confirmed,
    /// By an AARQ that asks for no response. It takes services that ask for none either, and is
    /// the only one that can be opened with all meters at once. What was proposed counts as agreed
    /// on.
    Unconfirmed {
        /// The largest APDU that the meters take, in octets.
        max_send_pdu: u16,
    },
    /// Not at all: it stands, by configuration on both sides, and cannot be released. Nobody proves
    /// himself in it but by the global keys. What is proposed elsewhere is what was agreed on.
    PreEstablished {
        /// The largest APDU that the meter takes, in octets.
        max_send_pdu: u16,
        /// Whether the meter answers confirmed services.
        confirmed: bool,
    },
}

/// Which set of global keys protects what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KeySet {
    /// The encryption key is the global unicast one (GUEK).
    #[default]
    Unicast,
    /// The encryption key is the global broadcast one (GBEK), which many meters have. Its
    /// invocation counters are others. Only where nothing is answered.
    Broadcast,
}

impl Establishment {
    /// Whether confirmed services are answered.
    pub(super) const fn is_answered(self) -> bool {
        matches!(self, Self::Confirmed | Self::PreEstablished { confirmed: true, .. })
    }

    /// What is taken for the meter's limit without its word.
    const fn max_send_pdu(self) -> u16 {
        match self {
            Self::Confirmed => u16::MAX,
            Self::Unconfirmed { max_send_pdu } | Self::PreEstablished { max_send_pdu, .. } => {
                max_send_pdu
            }
        }
    }

    /// Refuses what needs an answer of the meter before there can be services.
    pub(super) fn check(self, config: &ClientConfig) -> Result<(), Misuse> {
        let mechanism = config.mechanism;
        let dedicated = config.protecting().is_some_and(|ciphering| ciphering.dedicated);
        let broadcast = config.key_set == KeySet::Broadcast;
        let fits = match self {
            Self::Confirmed => true,
            Self::Unconfirmed { .. } => !(mechanism.is_hls() || (dedicated && broadcast)),
            Self::PreEstablished { .. } => mechanism == Mechanism::Lowest && !dedicated,
        };
        // A key that came another way is nobody else's.
        let shared = !self.is_answered() && config.general_ciphering.is_none();
        if fits && (shared || !broadcast) { Ok(()) } else { Err(Misuse::Unanswered) }
    }
}

impl Request {
    /// Whether it may be made without an answer: all that it asks for is to be done.
    const fn may_be_unconfirmed(&self) -> bool {
        matches!(
            self,
            Self::Set { .. }
                | Self::SetList(_)
                | Self::Action { .. }
                | Self::ActionList(_)
                | Self::Access { .. }
        )
    }
}

impl Client {
    /// Starts a request that asks for no answer, of one APDU. As soon as it is sent it ends with
    /// [`Response::Unconfirmed`], and whether the meter did it is not known. ACCESS returns nothing
    /// of what it reads.
    ///
    /// # Errors
    /// [`Misuse::Unanswered`] for a request that has no other purpose than its answer, and as
    /// [`request`](Self::request).
    pub fn request_unconfirmed(&mut self, request: Request) -> Result<RequestId, Misuse> {
        if !request.may_be_unconfirmed() {
            return Err(Misuse::Unanswered);
        }
        self.begin(request, ServiceClass::Unconfirmed, Priority::High)
    }

    /// Takes what is configured for agreed on.
    pub(super) fn agree_unanswered(&mut self) {
        self.association.server_title = self.config.server_title;
        self.association.conformance = self.config.proposed();
        self.association.max_send_pdu = self.config.establishment.max_send_pdu();
        if self.resumed.is_some() && self.resumed != self.association.server_title {
            self.resumed = None;
            self.receive_counter = ReceiveCounter::new();
        }
        self.associated();
    }

    /// Whether what goes out, of a request or about the association, is answered.
    pub(super) fn awaits_answer(&self, request: Option<RequestId>) -> bool {
        let establishment = self.config.establishment;
        match self.state {
            State::Associated => !self.operations.iter().any(|operation| {
                Some(operation.id()) == request && operation.stage() == Stage::Unconfirmed
            }),
            State::Associating | State::Releasing => establishment.is_answered(),
            State::Idle | State::Authenticating => true,
        }
    }

    /// What is not answered was sent.
    pub(super) fn sent(&mut self, request: Option<RequestId>) {
        self.deadline = None;
        match self.state {
            State::Associated => {
                if let Some(operation) = self.take_operation(|of| Some(of.id()) == request) {
                    self.complete(&operation, Response::Unconfirmed);
                }
            }
            State::Associating => self.agree_unanswered(),
            State::Releasing => self.close(),
            State::Idle | State::Authenticating => {}
        }
    }

    /// An unconfirmed request with short names: there is such a service for writing only.
    pub(super) fn encode_unconfirmed_write(
        &self,
        request: &Request,
        out: &mut Vec<u8>,
    ) -> Result<Stage, Failure> {
        self.needs(Conformance::UNCONFIRMED_WRITE, "unconfirmed write")?;
        let request = self.write_request(request)?;
        Apdu::UnconfirmedWriteRequest(request).encode(&mut Writer::new(out));
        self.check_unconfirmed(out)
    }

    /// Refuses an unconfirmed request that needs blocks: nobody would ask for the next.
    pub(super) fn check_unconfirmed(&self, out: &[u8]) -> Result<Stage, Failure> {
        let limit = self.plain_len_max();
        if out.len() > limit { Err(Failure::TooLong { limit }) } else { Ok(Stage::Unconfirmed) }
    }
}
