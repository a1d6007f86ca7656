//! A logical device that neglects its clients, keys and counters.

use dlms_core::{
    association::{Access, ClientPolicy, LogicalDevice, ShortNameObject},
    axdr::{CompactArrayBuf, CompactArrayRules, DataBuf, RawData, Writer},
    cosem::{
        AttributeDescriptor, ClassId, DateTime, LogicalName, MethodDescriptor, ProfileSelector,
    },
    security::{
        CryptoError, CryptoProvider, Key, PartyKeys, PrivateKey, Protection, PublicKey,
        PublicKeyProvider, ReceiveCounter, RustCrypto, Secret, Signature, SystemTitle, TAG_LEN,
    },
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};

use super::{Fault, Faults};
use crate::{client::MANAGEMENT_CLIENT, meter::Meter};

/// The counter of every APDU of a meter that does not count.
const SAME_COUNTER: u32 = 7;

/// A meter as the association server sees it.
pub(crate) struct FaultyDevice<'m> {
    meter: &'m mut Meter,
    faults: Faults,
    /// What takes the place of the meter's keys with its clients.
    party: Option<PartyKeys>,
}

impl<'m> FaultyDevice<'m> {
    pub(crate) fn new(meter: &'m mut Meter, faults: Faults) -> Self {
        let mut party = None;
        if faults.has(Fault::SignsWithAnotherKey) {
            party = meter.party_keys(MANAGEMENT_CLIENT).cloned();
            if let Some(signing) = party.as_mut().and_then(|party| party.signing.as_mut()) {
                let octets = vec![0x55; signing.own.curve().coordinate_len()];
                signing.own = PrivateKey::try_from(&octets[..]).expect("below the order");
            }
        }
        Self { meter, faults, party }
    }
}

impl FaultyDevice<'_> {
    /// What is left of a selection. One that is not of a profile stays.
    fn neglect<'p>(
        &self,
        selection: SelectiveAccess<'p>,
        parameters: &'p mut Vec<u8>,
    ) -> Option<SelectiveAccess<'p>> {
        let data = selection.parameters.data().ok();
        let of_profile = |data| ProfileSelector::from_parts(selection.selector, &data);
        let Some(mut selector) = data.and_then(of_profile) else { return Some(selection) };
        match &mut selector {
            ProfileSelector::Range(_) if self.faults.has(Fault::IgnoresRanges) => return None,
            ProfileSelector::Entry(_) if self.faults.has(Fault::IgnoresEntries) => return None,
            ProfileSelector::Range(range) if self.faults.has(Fault::IgnoresColumns) => {
                range.selected_values.clear();
            }
            ProfileSelector::Entry(entry) if self.faults.has(Fault::IgnoresColumns) => {
                (entry.from_selected_value, entry.to_selected_value) = (1, 0);
            }
            _ => return Some(selection),
        }
        *parameters = selector.parameters().to_octets();
        let parameters = RawData::from_octets(parameters).ok()?;
        Some(SelectiveAccess { parameters, ..selection })
    }

    /// Changes a value that was read.
    fn falsify(&self, attribute: AttributeDescriptor, out: &mut Vec<u8>) {
        let has = |fault| self.faults.has(fault);
        let AttributeDescriptor { class, instance, attribute } = attribute;
        match (class, attribute.0) {
            (ClassId::CLOCK, 1) if has(Fault::MisnamesObjects) => {
                *out = LogicalName([0; 6]).to_data().to_octets();
            }
            (ClassId::ASSOCIATION_LN, 8) if has(Fault::DeniesAssociation) => {
                *out = DataBuf::Enum(0).to_octets();
            }
            (ClassId::SCRIPT_TABLE, 2) if has(Fault::CountsInContents) => {
                if let Some(packed) = packed(out) {
                    *out = packed;
                }
            }
            (ClassId::SAP_ASSIGNMENT, 2) if has(Fault::DoublesSaps) => {
                // An array of one: the element, twice.
                if let [array, 1, device @ ..] = &out[..] {
                    *out = [&[*array, 2], device, device].concat();
                }
            }
            (ClassId::DATA, 2)
                if has(Fault::MisnamesDevice) && instance == LogicalName::LOGICAL_DEVICE_NAME =>
            {
                *out = DataBuf::octet_string(*b"DHE0000000000000").to_octets();
            }
            _ => {}
        }
    }
}

/// An array as a compact-array with the counts of inner arrays in the contents. None where its
/// elements are not of one type.
fn packed(array: &[u8]) -> Option<Vec<u8>> {
    let DataBuf::Array(elements) = RawData::from_octets(array).ok()?.data().ok()?.to_buf().ok()?
    else {
        return None;
    };
    let packed = CompactArrayBuf::from_elements(&elements, CompactArrayRules::CountInContents);
    Some(DataBuf::from(packed.ok()?).to_octets())
}

/// Whether a selection is a range of times that have a deviation.
fn has_deviation(selection: &SelectiveAccess<'_>) -> bool {
    let data = selection.parameters.data().ok();
    let selector = data.and_then(|data| ProfileSelector::from_parts(selection.selector, &data));
    let Some(ProfileSelector::Range(range)) = selector else { return false };
    [&range.from_value, &range.to_value].into_iter().any(|value| {
        let octets = value.to_octets();
        let data = RawData::from_octets(&octets).ok().and_then(|raw| raw.data().ok());
        let time = data.and_then(|data| DateTime::from_data(&data));
        time.is_some_and(|time| time.deviation().is_some())
    })
}

impl LogicalDevice for FaultyDevice<'_> {
    fn system_title(&self) -> SystemTitle {
        self.meter.system_title()
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        if self.faults.has(Fault::TakesForgedTags) {
            &Credulous::Tags
        } else if self.faults.has(Fault::TakesAnySignature) {
            &Credulous::Signatures
        } else {
            self.meter.crypto()
        }
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        let mut policy = self.meter.client(sap)?;
        policy.proven_release &= !self.faults.has(Fault::TakesUnprovenReleases);
        if self.faults.has(Fault::TakesWeakProtection)
            || self.faults.has(Fault::TakesPlainAssociations)
        {
            policy.protection = Protection::NONE;
        }
        Some(policy)
    }

    fn party_keys(&self, client: u16) -> Option<&PartyKeys> {
        self.party.as_ref().or_else(|| self.meter.party_keys(client))
    }

    fn response_protection(&self, client: u16) -> Protection {
        self.meter.response_protection(client)
    }

    fn short_names(&self) -> &[ShortNameObject] {
        self.meter.short_names()
    }

    fn take_counter(&mut self) -> Option<u32> {
        match self.faults.has(Fault::RepeatsCounters) {
            true => Some(SAME_COUNTER),
            false => self.meter.take_counter(),
        }
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        match self.faults.has(Fault::TakesReplays) {
            true => ReceiveCounter::new(),
            false => self.meter.received(client),
        }
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        self.meter.accept(client, counter)
    }

    fn broadcast_key(&self) -> Option<&Key> {
        self.meter.broadcast_key()
    }

    fn received_broadcast(&self, client: SystemTitle) -> ReceiveCounter {
        match self.faults.has(Fault::TakesReplays) {
            true => ReceiveCounter::new(),
            false => self.meter.received_broadcast(client),
        }
    }

    fn accept_broadcast(&mut self, client: SystemTitle, counter: u32) -> bool {
        self.meter.accept_broadcast(client, counter)
    }

    fn get(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        if self.faults.has(Fault::RefusesDeviations)
            && selection.as_ref().is_some_and(has_deviation)
        {
            return Err(DataAccessResult::OtherReason);
        }
        let mut parameters = Vec::new();
        let selection = selection.and_then(|selection| self.neglect(selection, &mut parameters));
        let result = self.meter.get(access, attribute, selection, out);
        if result.is_err() && self.faults.has(Fault::InventsAttributes) {
            RawData::NULL.encode(&mut Writer::new(out));
            return Ok(());
        }
        if result.is_ok() {
            self.falsify(attribute, out);
        }
        result
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        let result = self.meter.set(access, attribute, selection, value);
        if self.faults.has(Fault::ConfirmsRefusedSet) { Ok(()) } else { result }
    }

    fn action(
        &mut self,
        access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let transfers_keys = method.class == ClassId::SECURITY_SETUP && method.method.0 == 2;
        if transfers_keys && self.faults.has(Fault::IgnoresKeys) {
            return Ok(());
        }
        let pushes = method.class == ClassId::PUSH_SETUP && method.method.0 == 1;
        if pushes && self.faults.has(Fault::PushesNothing) {
            return Ok(());
        }
        let result = self.meter.action(access, method, parameters, out);
        if transfers_keys && self.faults.has(Fault::ConfirmsAnyKey) { Ok(()) } else { result }
    }
}

/// Cryptography that believes what it should verify.
#[derive(Clone, Copy, Debug)]
enum Credulous {
    /// Every tag.
    Tags,
    /// Every signature.
    Signatures,
}

impl CryptoProvider for Credulous {
    fn inner(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn ready(&self, _: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
        Ok(Box::new(*self))
    }

    fn gcm_open(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        match self {
            Self::Tags => RustCrypto.gcm_keystream(key, iv, text),
            Self::Signatures => RustCrypto.gcm_open(key, iv, aad, text, tag),
        }
    }

    fn public_keys(&self) -> Option<&dyn PublicKeyProvider> {
        Some(self)
    }
}

impl PublicKeyProvider for Credulous {
    fn public_key(&self, private: &PrivateKey) -> Result<PublicKey, CryptoError> {
        RustCrypto.public_key(private)
    }

    fn ecdsa_sign(&self, key: &PrivateKey, parts: &[&[u8]]) -> Result<Signature, CryptoError> {
        RustCrypto.ecdsa_sign(key, parts)
    }

    fn ecdsa_verify(
        &self,
        key: &PublicKey,
        parts: &[&[u8]],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        match self {
            Self::Tags => RustCrypto.ecdsa_verify(key, parts, signature),
            Self::Signatures => Ok(()),
        }
    }

    fn ecdh(&self, own: &PrivateKey, peer: &PublicKey) -> Result<Secret, CryptoError> {
        RustCrypto.ecdh(own, peer)
    }
}
