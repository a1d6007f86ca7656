//! The confirmation of a push that asks for one (IEC 62056-5-3, Data-Notification confirm).
//!
//! It has the same kinds of protection as the push, in the same order, from us to the meter. The
//! key is the global one in every case: a key that the meter made for its push is the meter's.
//! Whoever sends under a key needs counters that no other process uses: they are those of the
//! counter file, under which `headend read` sends to the same meter.
//!
//! What did not verify is never confirmed. A push of which nothing claims to prove whose it is, in
//! clear or only encrypted, is confirmed as it came.

use core::ops::Range;
use std::collections::BTreeMap;

use dlms_core::{
    axdr::Writer,
    security::{
        CipheredHead, GeneralCipheredHead, GeneralHeader, GeneralProtectRequest, KeyInfo,
        PrivateKey, ProtectRequest, RustCrypto, SecurityError, SignRequest, SystemTitle, protect,
        protect_general, sign,
    },
    xdlms::{DataNotificationConfirm, LongInvokeIdAndPriority, tag},
};

use super::Taken;
use crate::{
    counter_file::{CounterFile, CounterFileError, Place},
    decode::{
        keyring::{Head, KeyRing, NO_TAG, Seal},
        layers::Layer,
    },
};

/// Counters that are taken from the file at a time: each time waits for the disk.
const RESERVED: u32 = 16;

/// Makes confirmations.
#[derive(Debug)]
pub(crate) struct Confirmer {
    /// Where counters come from; none when the user has no data folder.
    pub(crate) file: Option<CounterFile>,
    /// Our title; none takes that of this installation.
    pub(crate) title: Option<SystemTitle>,
    /// Our signature key.
    pub(crate) signing: Option<PrivateKey>,
    /// Random octets for the title of this installation, should it have none yet.
    pub(crate) random: [u8; 5],
    /// Counters that were taken and not used, by the meter.
    pub(crate) reserved: BTreeMap<SystemTitle, Range<u32>>,
}

/// Why a push that asks to be confirmed is not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unconfirmed {
    #[error("it is not verified: {0}")]
    Unverified(&'static str),
    #[error("{0} cannot be answered outside of an association")]
    Dedicated(&'static str),
    #[error("there is no global key to cipher the answer with")]
    Key,
    #[error("it is signed, and there is no --signing-key to sign the answer with")]
    SigningKey,
    #[error("there is nowhere to keep invocation counters: add --counter-file F")]
    CountersNowhere,
    #[error(transparent)]
    Counters(#[from] CounterFileError),
    #[error(transparent)]
    Security(#[from] SecurityError),
}

impl Confirmer {
    /// The confirmation of `taken`; none when it does not ask for one.
    ///
    /// # Errors
    /// Why it is not confirmed although it asks for it.
    pub(crate) fn confirm(
        &mut self,
        keys: &KeyRing,
        taken: &Taken,
    ) -> Result<Option<Vec<u8>>, Unconfirmed> {
        let Some(invoke) = taken.invoke.filter(|invoke| invoke.confirmed()) else {
            return Ok(None);
        };
        let proves_nothing = |layer: &Layer| layer.seal == Seal::Unverified(NO_TAG);
        if !taken.verified && !taken.layers.iter().all(proves_nothing) {
            return Err(Unconfirmed::Unverified(taken.why_unverified));
        }
        let mut apdu = confirmation(invoke);
        for layer in taken.layers.iter().rev() {
            let meter = layer.title.ok_or(SecurityError::SystemTitleMissing)?;
            apdu = match &layer.head {
                Head::Ciphered(head) => self.cipher(keys, head, meter, &apdu)?,
                Head::General(head) => self.cipher_general(keys, head, meter, &apdu)?,
                Head::Signed(header) => self.sign(keys, header, meter, &apdu)?,
            };
        }
        Ok(Some(apdu))
    }

    fn cipher(
        &mut self,
        keys: &KeyRing,
        head: &CipheredHead,
        meter: SystemTitle,
        plain: &[u8],
    ) -> Result<Vec<u8>, Unconfirmed> {
        if head.tag != tag::GENERAL_GLO_CIPHERING {
            return Err(Unconfirmed::Dedicated(tag::name(head.tag)));
        }
        let (key, authentication_key) = keys.global(meter).ok_or(Unconfirmed::Key)?;
        let request = ProtectRequest {
            tag: head.tag,
            system_title: self.title()?,
            send_title: true,
            control: head.control,
            counter: self.counter(keys, meter)?,
            key,
            authentication_key,
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, plain, &mut out)?;
        Ok(out)
    }

    fn cipher_general(
        &mut self,
        keys: &KeyRing,
        head: &GeneralCipheredHead,
        meter: SystemTitle,
        plain: &[u8],
    ) -> Result<Vec<u8>, Unconfirmed> {
        let (key, authentication_key) = keys.global(meter).ok_or(Unconfirmed::Key)?;
        let system_title = self.title()?;
        let request = GeneralProtectRequest {
            header: &answer_to(&head.header, system_title, meter),
            system_title,
            key_info: Some(&KeyInfo::GlobalUnicast),
            control: head.control,
            counter: self.counter(keys, meter)?,
            key,
            authentication_key,
            short_aad: keys.compatibility.general_ciphering_short_aad,
        };
        let mut out = Vec::new();
        protect_general(&RustCrypto, &request, plain, &mut out)?;
        Ok(out)
    }

    fn sign(
        &mut self,
        keys: &KeyRing,
        header: &GeneralHeader,
        meter: SystemTitle,
        content: &[u8],
    ) -> Result<Vec<u8>, Unconfirmed> {
        let title = self.title()?;
        let key = self.signing.as_ref().ok_or(Unconfirmed::SigningKey)?;
        let header = answer_to(header, title, meter);
        let exclude_content_length = keys.compatibility.signing_excludes_content_length;
        let request = SignRequest { header: &header, key, exclude_content_length };
        let mut out = Vec::new();
        sign(&RustCrypto, &request, content, &mut out)?;
        Ok(out)
    }

    fn title(&mut self) -> Result<SystemTitle, Unconfirmed> {
        if let Some(title) = self.title {
            return Ok(title);
        }
        let file = self.file.as_ref().ok_or(Unconfirmed::CountersNowhere)?;
        Ok(*self.title.insert(file.client_title(self.random)?))
    }

    /// A counter that was never used under the global key of `meter`, and never will be again.
    fn counter(&mut self, keys: &KeyRing, meter: SystemTitle) -> Result<u32, Unconfirmed> {
        if let Some(counter) = self.reserved.get_mut(&meter).and_then(Iterator::next) {
            return Ok(counter);
        }
        let title = self.title()?;
        let (key, _) = keys.global(meter).ok_or(Unconfirmed::Key)?;
        let file = self.file.as_ref().ok_or(Unconfirmed::CountersNowhere)?;
        let counters = file.counter(&Place::of_meter(meter), title, key);
        let mut reserved = counters.reserve(RESERVED)?;
        let counter = reserved.next().ok_or(CounterFileError::Exhausted)?;
        self.reserved.insert(meter, reserved);
        Ok(counter)
    }
}

/// In clear.
fn confirmation(invoke: LongInvokeIdAndPriority) -> Vec<u8> {
    let mut apdu = Vec::new();
    let confirm = DataNotificationConfirm { invoke, date_time: &[] };
    confirm.encode(&mut Writer::new(&mut apdu));
    apdu
}

/// The fields in front of an answer: of the same transaction, in the other direction.
fn answer_to(header: &GeneralHeader, ours: SystemTitle, meter: SystemTitle) -> GeneralHeader {
    GeneralHeader {
        transaction_id: header.transaction_id.clone(),
        originator: Some(ours),
        recipient: Some(meter),
        ..GeneralHeader::default()
    }
}
