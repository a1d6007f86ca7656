//! Associations that nobody opened, and services that nobody answers (IEC 62056-5-3 clauses 6.2 and
//! 9.3; IEC 62056-46 §6.4.2.3 for broadcasts).
//!
//! What must not be answered is done only where it asks for no answer: whoever sent a confirmed
//! service could not learn whether it was done, and asks again. So a confirmed service is discarded
//! in an unconfirmed association, in an APDU to all stations, and under the broadcast key.

use alloc::vec::Vec;
use core::mem;

use super::{Access, Agreement, LogicalDevice, Refusal, Server, ServerConfig, State};
use crate::{
    acse::{ApplicationContext, Mechanism},
    association::{Entropy, KeySet},
    security::{Protection, SystemTitle},
    xdlms::{Apdu, Conformance, tag},
};

/// An association that stands without AARQ, on both sides by configuration. It cannot be released,
/// and nobody has authenticated himself in it but by the keys that his requests come under: no
/// other than global ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreEstablished {
    /// The context: by logical or short names, with or without ciphering.
    pub application_context: ApplicationContext,
    /// The system title of the client, needed for ciphering: there is no AARQ to tell it.
    pub client_title: Option<SystemTitle>,
    /// The services that both sides have.
    pub conformance: Conformance,
    /// The largest APDU that the client takes, in octets.
    pub max_send_pdu: u16,
    /// Whether confirmed services are answered, or there are only unconfirmed ones.
    pub confirmed: bool,
}

impl State {
    /// The state without AARQ.
    pub(super) fn at_rest(config: &ServerConfig) -> Self {
        let Some(pre_established) = config.pre_established else { return Self::Idle };
        Self::Associated(Agreement {
            access: Access {
                client: config.client,
                client_title: pre_established.client_title,
                application_context: pre_established.application_context,
                mechanism: Mechanism::Lowest,
                conformance: pre_established.conformance & config.conformance,
                max_receive_pdu: config.max_pdu,
                max_send_pdu: pre_established.max_send_pdu.min(config.max_pdu),
                protection: Protection::NONE,
                key_set: KeySet::Unicast,
            },
            confirmed: pre_established.confirmed,
            dedicated: None,
        })
    }
}

impl Server {
    /// Takes an APDU from the client that must not be answered, since it is to all stations or came
    /// in a UI frame of HDLC. Unconfirmed services are executed; an AARQ that asks for no response
    /// opens an unconfirmed association, and an RLRQ ends one. Everything else is dropped.
    ///
    /// An exchange in blocks that is under way goes on afterwards as if nothing had come.
    pub fn handle_unconfirmed(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        apdu: &mut [u8],
    ) {
        let mut out = Vec::new();
        let transfers = mem::take(&mut self.transfers);
        let blocks = self.blocks.take();
        self.silent = true;
        // A refusal would be an answer.
        let kept = match apdu.first().copied() {
            Some(tag::AARQ) => {
                let _ = self.on_aarq(device, entropy, apdu, &mut out);
                !self.is_unconfirmed()
            }
            Some(tag::RLRQ) if !self.is_unconfirmed() => true,
            Some(tag::RLRQ) => self.on_rlrq(device, apdu, &mut out).is_err(),
            Some(tag::GENERAL_BLOCK_TRANSFER) => true,
            _ if apdu.len() > usize::from(self.config.max_pdu) => true,
            _ => {
                let _ = self.on_request(device, entropy, apdu, &mut out);
                true
            }
        };
        self.silent = false;
        if kept {
            self.transfers = transfers;
            self.blocks = blocks;
        }
    }

    /// Whether there is an association in which nothing is answered.
    pub(super) fn is_unconfirmed(&mut self) -> bool {
        self.state.agreement().is_some_and(|agreement| !agreement.confirmed)
    }

    /// Whether a request is to be discarded: it asks for an answer that may not be given.
    pub(super) fn is_unanswerable(&mut self, request: &Apdu<'_>) -> bool {
        (self.silent || self.is_unconfirmed()) && is_confirmed(request)
    }

    /// What a refusal becomes where it may not be said.
    pub(super) fn refuse(&self, refusal: Refusal, out: &mut Vec<u8>) {
        out.clear();
        if !self.silent {
            refusal.encode(out);
        }
    }
}

/// Whether a request asks for an answer. A GET or a read has no other purpose.
fn is_confirmed(request: &Apdu<'_>) -> bool {
    match request {
        Apdu::SetRequest(request) => request.invoke().confirmed(),
        Apdu::ActionRequest(request) => request.invoke().confirmed(),
        Apdu::AccessRequest(request) => request.invoke.confirmed(),
        Apdu::UnconfirmedWriteRequest(_) => false,
        _ => true,
    }
}
