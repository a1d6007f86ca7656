//! Keys and counters of the client: what goes out is protected as agreed, and nothing less
//! protected comes in.

use alloc::vec::Vec;
use core::mem;

use super::{Client, KeySet, State, in_flight::Outgoing};
use crate::{
    Malformed, MalformedKind,
    acse::Mechanism,
    association::{Failure, Violation},
    security::{
        CipherForm, CryptoProvider, ProtectRequest, ReceiveCounter, SecurityControl, SecurityError,
        TagSuspicion, UnprotectRequest, Verification, decode_head, hls, protect, suspect_tag,
        unprotect_in_place,
    },
    xdlms::{Conformance, tag},
};

/// How far an unproven counter may be ahead to count. Beyond it the APDU is taken, but what came
/// before it may still come.
const UNVERIFIED_JUMP_MAX: u32 = 1 << 20;

/// How an APDU was protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protected {
    Not,
    Global,
    Dedicated,
    /// By general-ciphering.
    General,
}

/// An APDU with its protection taken off.
pub(super) struct Opening<'a> {
    pub(super) plain: &'a [u8],
    pub(super) protected: Protected,
    /// Whether there was a signature inside.
    pub(super) signed: bool,
    /// The transaction-id of general-ciphering or general-signing.
    pub(super) transaction: Option<Vec<u8>>,
    /// The counter of an APDU that is encrypted only, and so proves nothing.
    pub(super) unverified: Option<u32>,
}

impl<'a> Opening<'a> {
    /// An APDU that came in blocks, each with a protection of its own, whose counters have counted.
    pub(super) const fn of_blocks(plain: &'a [u8], protected: Protected) -> Self {
        Self { plain, protected, signed: false, transaction: None, unverified: None }
    }

    /// Lets the counter of an encrypted APDU count, once its content turned out to make sense:
    /// noise must not be able to lock the meter out.
    pub(super) fn accept_unverified_counter(&self, client: &mut Client) {
        let Some(counter) = client.counter_of(self.protected) else { return };
        if let Some(received) = self.unverified
            && received.saturating_sub(counter.lowest_acceptable()) <= UNVERIFIED_JUMP_MAX
        {
            counter.accept(received);
        }
    }
}

impl Client {
    /// What was received under the key of an APDU protected so.
    fn counter_of(&mut self, protected: Protected) -> Option<&mut ReceiveCounter> {
        match protected {
            Protected::Not => None,
            Protected::Global | Protected::General => Some(&mut self.receive_counter),
            Protected::Dedicated => Some(&mut self.dedicated_receive_counter),
        }
    }

    pub(super) fn crypto(&self) -> &dyn CryptoProvider {
        self.ready.as_deref().unwrap_or(&*self.provider)
    }

    /// A service APDU, protected as agreed.
    pub(super) fn protected(&mut self, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        if self.config.protecting().is_none() {
            return Ok(plain.to_vec());
        }
        let general_ciphering = self.config.general_ciphering;
        let signs = self.config.signs() && self.state == State::Associated;
        if general_ciphering.is_some() || signs {
            let header = self.next_header()?;
            let signed;
            let plain = if signs {
                signed = self.sign(&header, plain)?;
                &signed
            } else {
                plain
            };
            return match general_ciphering {
                Some(how) => self.protected_generally(how, &header, plain),
                None => self.ciphered(plain),
            };
        }
        self.ciphered(plain)
    }

    /// An APDU under one of the keys of the association.
    fn ciphered(&mut self, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let ciphering = self.config.protecting().ok_or(Failure::NoKeys)?;
        let plain_tag = plain.first().copied().unwrap_or_default();
        // ACCESS has no other ciphered form.
        let general = ciphering.general || tag::global(plain_tag).is_none();
        if general && self.state == State::Associated {
            self.needs(Conformance::GENERAL_PROTECTION, "general protection")?;
        }
        // The answer to the challenge still goes under the global key.
        let dedicated = self.dedicated_key.is_some() && self.state == State::Associated;
        let wire = match (general, dedicated) {
            (true, false) => Some(tag::GENERAL_GLO_CIPHERING),
            (true, true) => Some(tag::GENERAL_DED_CIPHERING),
            (false, false) => tag::global(plain_tag),
            (false, true) => tag::dedicated(plain_tag),
        };
        let wire = wire.ok_or(Failure::NotNegotiated("a ciphered form of this service"))?;
        let mut out = Vec::new();
        self.protect(wire, general, dedicated, plain, &mut out)?;
        Ok(out)
    }

    /// Sends an APDU about the association itself, in the place of the one before.
    pub(super) fn transmit_as_is(&mut self, apdu: Vec<u8>) {
        self.outgoing.clear();
        self.outgoing.push_back(Outgoing { request: None, apdu });
        self.deadline = None;
    }

    /// Appends the ciphered form of `plain` to `out`, under the next counter of the key it takes.
    pub(super) fn protect(
        &mut self,
        tag: u8,
        general: bool,
        dedicated: bool,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let ciphering = self.config.protecting().ok_or(Failure::CountersExhausted)?;
        let counters =
            if dedicated { &mut self.dedicated_send_counters } else { &mut self.send_counters };
        let dedicated_key = self.dedicated_key.as_ref().filter(|_| dedicated);
        let control = SecurityControl::new(ciphering.suite, ciphering.protection);
        let request = ProtectRequest {
            tag,
            system_title: self.config.system_title.ok_or(SecurityError::SystemTitleMissing)?,
            send_title: general,
            control: match self.config.key_set {
                KeySet::Unicast => control,
                KeySet::Broadcast => control.with_broadcast_key(),
            },
            counter: counters.take().map_err(|_| Failure::CountersExhausted)?,
            key: dedicated_key.unwrap_or(&ciphering.encryption_key),
            authentication_key: ciphering.authentication_key.as_ref(),
        };
        Ok(protect(self.crypto(), &request, plain, out)?)
    }

    /// Takes the protection off an APDU, in place. A counter counts only once the tag verified, and
    /// the signature inside it.
    pub(super) fn open<'a>(&mut self, apdu: &'a mut [u8]) -> Result<Opening<'a>, Failure> {
        let outer = apdu.first().copied().ok_or(Malformed::new(MalformedKind::Truncated, 0))?;
        let (opening, counter, verified) = match outer {
            tag::GENERAL_CIPHERING => self.open_general(apdu)?,
            _ if CipherForm::from_tag(outer).is_some() => self.open_ciphered(outer, apdu)?,
            _ => {
                return Ok(Opening {
                    plain: apdu,
                    protected: Protected::Not,
                    signed: false,
                    transaction: None,
                    unverified: None,
                });
            }
        };
        let mut opening = self.unsign(opening)?;
        if verified == Verification::Verified {
            if let Some(received) = self.counter_of(opening.protected) {
                received.accept(counter);
            }
            opening.unverified = None;
        }
        Ok(opening)
    }

    /// What is probably wrong with the first ciphered APDU of the meter, whose tag did not verify.
    /// Later ones come under the same keys: if they do not verify, they were altered.
    pub(super) fn suspicion(&self, apdu: &[u8]) -> SecurityError {
        let suspected = || {
            let ciphering = self.config.ciphering.as_ref()?;
            let head = decode_head(apdu).ok()?;
            let request = UnprotectRequest {
                required: head.control,
                system_title: self.association.server_title,
                key: &ciphering.encryption_key,
                authentication_key: ciphering.authentication_key.as_ref(),
            };
            suspect_tag(&*self.provider, &request, &head, apdu).ok()
        };
        match suspected() {
            Some(TagSuspicion::AuthenticationKey) => SecurityError::AuthenticationKeySuspected,
            Some(TagSuspicion::EncryptionKeyOrTitle) => SecurityError::EncryptionKeySuspected,
            Some(TagSuspicion::Unknown) | None => SecurityError::TagMismatch,
        }
    }

    /// Takes glo-, ded-, general-glo- and general-ded-ciphering off, in place.
    fn open_ciphered<'a>(
        &self,
        outer: u8,
        apdu: &'a mut [u8],
    ) -> Result<(Opening<'a>, u32, Verification), Failure> {
        let ciphering = self.config.ciphering.as_ref().ok_or(Failure::NoKeys)?;
        let head = decode_head(apdu)?;
        let dedicated = head.form.is_dedicated();
        let (key, counter, protected) = match (dedicated, &self.dedicated_key) {
            (true, Some(key)) => (key, &self.dedicated_receive_counter, Protected::Dedicated),
            (true, None) => return Err(Failure::NoKeys),
            (false, _) => (&ciphering.encryption_key, &self.receive_counter, Protected::Global),
        };
        counter.check(head.counter)?;
        let request = UnprotectRequest {
            required: SecurityControl::new(ciphering.suite, ciphering.protection),
            system_title: self.association.server_title,
            key,
            authentication_key: ciphering.authentication_key.as_ref(),
        };
        let crypto = self.ready.as_deref().unwrap_or(&*self.provider);
        let opened = unprotect_in_place(crypto, &request, &head, apdu)?;
        // The tag in front of a ciphered APDU is not covered by its protection.
        let inner = opened.plain.first().copied();
        if !head.form.is_general() && inner != tag::plain(outer) {
            return Err(Violation::Unexpected("content of a ciphered APDU").into());
        }
        let opening = Opening {
            plain: opened.plain,
            protected,
            signed: false,
            transaction: None,
            unverified: Some(head.counter),
        };
        Ok((opening, head.counter, opened.verified))
    }

    /// Whether an APDU that could not be opened is none that is waited for: what the meter tells
    /// everybody, or by itself, under keys that are not this association's. On a line of datagrams
    /// also one that came twice, and one that is left over from an earlier association.
    pub(super) fn is_beside_the_point(&self, outer: Option<u8>, failure: &Failure) -> bool {
        let general = matches!(
            outer,
            Some(
                tag::GENERAL_GLO_CIPHERING
                    | tag::GENERAL_DED_CIPHERING
                    | tag::GENERAL_CIPHERING
                    | tag::GLO_EVENT_NOTIFICATION_REQUEST
            )
        );
        match failure {
            Failure::NoKeys => general,
            Failure::Security(
                SecurityError::KeySet { broadcast: true }
                | SecurityError::KeyMissing(_)
                | SecurityError::RecipientMismatch { .. },
            ) => general,
            Failure::Security(SecurityError::CounterNotGreater { .. }) => self.config.datagrams,
            // The AARE is not ciphered as a whole.
            _ => self.config.datagrams && self.state == State::Associating,
        }
    }

    /// Whether a meter that expects the counter `expected` complains about an APDU that the line
    /// doubled: the first copy moved it to where we are. A meter that is really ahead of us expects
    /// more than that.
    pub(super) fn is_about_a_copy(&self, expected: u32) -> bool {
        let dedicated = self.dedicated_key.is_some() && self.state == State::Associated;
        let counters = if dedicated { &self.dedicated_send_counters } else { &self.send_counters };
        self.config.datagrams && expected <= counters.next()
    }

    pub(super) fn exchange(&self) -> Result<hls::Exchange<'_>, Failure> {
        let secret = |mechanism| {
            hls::Credentials::Secret(hls::SharedSecret { secret: &self.config.secret, mechanism })
        };
        let credentials = match self.config.mechanism {
            Mechanism::Hls2 => {
                let mechanism = self.config.manufacturer_mechanism.as_deref();
                secret(hls::SecretMechanism::Manufacturer(mechanism.ok_or(Failure::NoKeys)?))
            }
            Mechanism::HlsMd5 => secret(hls::SecretMechanism::Md5),
            Mechanism::HlsSha1 => secret(hls::SecretMechanism::Sha1),
            Mechanism::HlsSha256 => secret(hls::SecretMechanism::Sha256),
            Mechanism::HlsEcdsa => hls::Credentials::Ecdsa(hls::EcdsaKeys {
                curve: self.config.curve().ok_or(SecurityError::NotOnCurve)?,
                keys: self.config.party_keys.signing.as_ref().ok_or(Failure::NoKeys)?,
                short_challenges: self.config.party_keys.compatibility.short_ecdsa_challenges,
            }),
            _ => {
                let keys = self.config.ciphering.as_ref().ok_or(Failure::NoKeys)?;
                let authentication_key = keys.authentication_key.as_ref();
                hls::Credentials::Gmac(hls::GmacKeys {
                    suite: keys.suite,
                    key: &keys.encryption_key,
                    authentication_key: authentication_key
                        .ok_or(SecurityError::AuthenticationKeyMissing)?,
                })
            }
        };
        Ok(hls::Exchange {
            credentials,
            client_title: self.config.system_title,
            server_title: self.association.server_title,
            ctos: &self.client_challenge,
            stoc: &self.server_challenge,
        })
    }

    pub(super) fn client_reply(&mut self) -> Result<Vec<u8>, Failure> {
        let mut counters = mem::take(&mut self.send_counters);
        let reply = self
            .exchange()
            .and_then(|exchange| Ok(exchange.client_reply(self.crypto(), &mut counters)?));
        self.send_counters = counters;
        reply
    }

    /// `before` is the receive counter as it was before the APDU around the reply was opened: the
    /// meter computes the reply, under a counter of its own, before it ciphers the APDU.
    pub(super) fn verify_server_reply(
        &mut self,
        mut before: ReceiveCounter,
        reply: &[u8],
    ) -> Result<(), Failure> {
        let verified = self.exchange()?.verify_server_reply(self.crypto(), &mut before, reply);
        match verified {
            Ok(()) => {
                if let Some(last) = before.last() {
                    self.receive_counter.accept(last);
                }
                Ok(())
            }
            Err(SecurityError::ReplyMismatch | SecurityError::TagMismatch) => {
                Err(Failure::ServerNotAuthentic)
            }
            Err(error) => Err(error.into()),
        }
    }
}
