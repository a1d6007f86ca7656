//! General-ciphering and general-signing of the client (Green Book 9.2.7.2): a request is signed
//! first and ciphered then, and its answer must come back with as many layers.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{Client, Opening, Protected, State};
use crate::{
    association::{Entropy, Failure, Misuse},
    security::{
        Compatibility, GeneralCipheredHead, GeneralHeader, GeneralKeys, GeneralProtectRequest,
        GeneralUnprotectRequest, KEY_INFO_LEN_MAX, Key, KeyEstablishment, KeyInfo, PrivateKey,
        SIGNING_OVERHEAD_MAX, SecurityControl, SecurityError, SignRequest, SignedApdu, SystemTitle,
        Verification, VerifyRequest, protect_general, sign, unprotect_general_in_place,
    },
    xdlms::{Conformance, tag},
};

/// Octets of a transaction-id of ours.
const TRANSACTION_ID_LEN: usize = 8;
/// Octets of the five fields that we send: the transaction-id, two titles, and two that are empty.
const FIELDS_LEN: usize = 1 + TRANSACTION_ID_LEN + 9 + 9 + 1 + 1;

/// What general-ciphering and general-signing of one association need.
#[derive(Default)]
pub(super) struct General {
    /// The transaction-id of the last request; the answer has the same.
    transaction: u64,
    /// Random octets for the key that is wrapped or for the ephemeral one. They serve the whole
    /// association: its counters never come twice.
    random: Zeroizing<Vec<u8>>,
    /// The key that was made of them, and what the meter is told about it.
    established: Option<(KeyInfo, Key)>,
}

impl Client {
    /// Begins anew: other transactions, another key.
    pub(super) fn begin_general(&mut self, entropy: &mut dyn Entropy) -> Result<(), Misuse> {
        let mut transaction = [0; TRANSACTION_ID_LEN];
        let mut random = Zeroizing::new(Vec::new());
        if self.config.layered() {
            entropy.fill(&mut transaction);
            let suite = self.config.ciphering.as_ref().map(|ciphering| ciphering.suite);
            match (self.config.general_ciphering, suite) {
                (Some(KeyEstablishment::Wrapped), Some(suite)) => {
                    random.resize(suite.key_len(), 0);
                    entropy.fill(&mut random);
                }
                (Some(KeyEstablishment::OnePass), Some(suite)) => {
                    let curve = suite.curve().ok_or(Misuse::Curve)?;
                    let ephemeral = PrivateKey::from_entropy(curve, |octets| entropy.fill(octets));
                    let ephemeral = ephemeral.map_err(|_| Misuse::Lacks("random octets"))?;
                    random.extend_from_slice(ephemeral.octets());
                }
                _ => {}
            }
        }
        let transaction = u64::from_be_bytes(transaction);
        self.general = General { transaction, random, established: None };
        Ok(())
    }

    /// The fields of the next request.
    pub(super) fn next_header(&mut self) -> Result<GeneralHeader, Failure> {
        self.general.transaction = self.general.transaction.wrapping_add(1);
        let [own, meter] = self.titles()?;
        Ok(GeneralHeader {
            transaction_id: self.general.transaction.to_be_bytes().to_vec(),
            originator: Some(own),
            recipient: Some(meter),
            ..GeneralHeader::default()
        })
    }

    /// The last transaction.
    pub(super) const fn transaction(&self) -> u64 {
        self.general.transaction
    }

    /// Whether an answer belongs to another transaction than those that wait for one. A request
    /// without the fields has none, though a meter may sign its answer.
    pub(super) fn is_of_another_transaction(&self, opening: &Opening<'_>) -> bool {
        let Some(found) = &opening.transaction else { return false };
        let is_found = |transaction: u64| *found == transaction.to_be_bytes();
        let is_due = match self.state {
            State::Associated => {
                self.operations.iter().any(|operation| is_found(operation.transaction()))
            }
            _ => is_found(self.general.transaction),
        };
        self.config.layered() && !is_due
    }

    /// Octets that the layers of a request add to it, beyond those of a ciphered APDU.
    pub(super) fn layers_len_max(&self) -> usize {
        let signature = match self.config.signs() {
            true => FIELDS_LEN.saturating_add(SIGNING_OVERHEAD_MAX),
            false => 0,
        };
        let ciphering = match self.config.general_ciphering {
            Some(_) => FIELDS_LEN.saturating_add(KEY_INFO_LEN_MAX),
            None => 0,
        };
        signature.saturating_add(ciphering)
    }

    /// The client and the meter.
    fn titles(&self) -> Result<[SystemTitle; 2], SecurityError> {
        let own = self.config.system_title.ok_or(SecurityError::SystemTitleMissing)?;
        let meter = self.association.server_title.ok_or(SecurityError::SystemTitleMissing)?;
        Ok([own, meter])
    }

    const fn compatibility(&self) -> &Compatibility {
        &self.config.party_keys.compatibility
    }

    /// `plain` with a signature around it.
    pub(super) fn sign(&self, header: &GeneralHeader, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        self.needs(Conformance::GENERAL_PROTECTION, "general protection")?;
        let keys = self.config.party_keys.signing.as_ref().ok_or(Failure::NoKeys)?;
        let request = SignRequest {
            header,
            key: &keys.own,
            exclude_content_length: self.compatibility().signing_excludes_content_length,
        };
        let mut out = Vec::new();
        sign(self.crypto(), &request, plain, &mut out)?;
        Ok(out)
    }

    /// Takes a signature off, where there is one.
    pub(super) fn unsign<'a>(&self, opening: Opening<'a>) -> Result<Opening<'a>, Failure> {
        if opening.plain.first() != Some(&tag::GENERAL_SIGNING) {
            return Ok(opening);
        }
        let signed = SignedApdu::decode(opening.plain)?;
        let keys = self.config.party_keys.signing.as_ref().ok_or(Failure::NoKeys)?;
        let [own, meter] = self.titles()?;
        let request = VerifyRequest {
            originator: Some(meter),
            recipient: own,
            key: &keys.peer,
            exclude_content_length: self.compatibility().signing_excludes_content_length,
        };
        let plain = signed.verify(self.crypto(), &request)?;
        let transaction = Some(signed.header.transaction_id);
        Ok(Opening { plain, signed: true, transaction, ..opening })
    }

    /// A service APDU in general-ciphering.
    pub(super) fn protected_generally(
        &mut self,
        how: KeyEstablishment,
        header: &GeneralHeader,
        plain: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        if self.state == State::Associated {
            self.needs(Conformance::GENERAL_PROTECTION, "general protection")?;
        }
        let counter = self.send_counters.take().map_err(|_| Failure::CountersExhausted)?;
        let titles = self.titles()?;
        let ciphering = self.config.protecting().ok_or(Failure::NoKeys)?;
        let keys = GeneralKeys {
            suite: ciphering.suite,
            global: &ciphering.encryption_key,
            party: Some(&self.config.party_keys),
        };
        // The static key is another one in each transaction.
        let keep = how != KeyEstablishment::StaticUnified;
        let established = match self.general.established.take().filter(|_| keep) {
            Some(established) => established,
            None => {
                let random = &self.general.random;
                let fill = |octets: &mut [u8]| {
                    for (octet, drawn) in octets.iter_mut().zip(random.iter()) {
                        *octet = *drawn;
                    }
                };
                keys.establish(self.crypto(), how, header, titles, fill)?
            }
        };
        let (key_info, key) = &established;
        let request = GeneralProtectRequest {
            header,
            system_title: titles[0],
            key_info: Some(key_info),
            control: SecurityControl::new(ciphering.suite, ciphering.protection),
            counter,
            key,
            authentication_key: ciphering.authentication_key.as_ref(),
            short_aad: self.compatibility().general_ciphering_short_aad,
        };
        let mut out = Vec::new();
        protect_general(self.crypto(), &request, plain, &mut out)?;
        self.general.established = Some(established);
        Ok(out)
    }

    /// Takes general-ciphering off, in place. Its counter is that of the global key: a fresh key
    /// would begin anew, and a recorded APDU could come again with it.
    pub(super) fn open_general<'a>(
        &self,
        apdu: &'a mut [u8],
    ) -> Result<(Opening<'a>, u32, Verification), Failure> {
        let ciphering = self.config.ciphering.as_ref().ok_or(Failure::NoKeys)?;
        let head = GeneralCipheredHead::decode(apdu)?;
        let [own, meter] = self.titles()?;
        head.header.check_parties(Some(meter), own)?;
        self.receive_counter.check(head.counter)?;
        let keys = GeneralKeys {
            suite: ciphering.suite,
            global: &ciphering.encryption_key,
            party: Some(&self.config.party_keys),
        };
        let key = keys.find(self.crypto(), head.key_info.as_ref(), &head.header, [meter, own])?;
        let request = GeneralUnprotectRequest {
            required: SecurityControl::new(ciphering.suite, ciphering.protection),
            originator: Some(meter),
            recipient: own,
            key: &key,
            authentication_key: ciphering.authentication_key.as_ref(),
            short_aad: self.compatibility().general_ciphering_short_aad,
        };
        // Without a key that is there, an empty one would be taken.
        if head.control.protection().authenticated && request.authentication_key.is_none() {
            return Err(SecurityError::AuthenticationKeyMissing.into());
        }
        let opened = unprotect_general_in_place(self.crypto(), &request, &head, apdu)?;
        let opening = Opening {
            plain: opened.plain,
            protected: Protected::General,
            signed: false,
            transaction: Some(head.header.transaction_id),
            unverified: Some(head.counter),
        };
        Ok((opening, head.counter, opened.verified))
    }
}
