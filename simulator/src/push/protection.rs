//! push_protection_parameters: how a push is protected before it goes out (IEC 62056-6-2, class 40
//! from version 1 on; the parameters are those of Data protection, class 30).

use dlms_core::{
    association::LogicalDevice,
    axdr::DataBuf,
    security::{
        GeneralHeader, GeneralKeys, GeneralProtectRequest, KeyEstablishment, Protection,
        RustCrypto, SecurityControl, SignRequest, SystemTitle, protect_general, sign,
    },
};

use super::{Push, PushRules, rules::ProtectionTypes};
use crate::meter::Meter;

/// One element of push_protection_parameters: one layer. The first is put on first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushProtection {
    kind: Kind,
    header: GeneralHeader,
    key: KeyEstablishment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ciphering(Protection),
    Signature,
}

impl PushProtection {
    /// Reads protection_parameters_element; none when it is no such structure, or names what a
    /// meter cannot do: the broadcast key, a key encryption key but the master key.
    pub(crate) fn from_data(element: &DataBuf, rules: PushRules) -> Option<Self> {
        let DataBuf::Structure(fields) = element else { return None };
        let [DataBuf::Enum(number), DataBuf::Structure(options)] = &fields[..] else { return None };
        let first = match rules.protection_types {
            ProtectionTypes::FromZero => 0,
            ProtectionTypes::FromOne => 1,
        };
        let kind = match number.checked_sub(first)? {
            0 => Kind::Ciphering(Protection::AUTHENTICATED),
            1 => Kind::Ciphering(Protection::ENCRYPTED),
            2 => Kind::Ciphering(Protection::AUTHENTICATED_ENCRYPTED),
            3 => Kind::Signature,
            _ => return None,
        };
        let [transaction_id, originator, recipient, other_information, key_info] = &options[..]
        else {
            return None;
        };
        let header = GeneralHeader {
            transaction_id: octets(transaction_id)?.to_vec(),
            originator: title(originator)?,
            recipient: title(recipient)?,
            date_time: Vec::new(),
            other_information: octets(other_information)?.to_vec(),
        };
        Some(Self { kind, header, key: key(key_info)? })
    }
}

fn octets(value: &DataBuf) -> Option<&[u8]> {
    match value {
        DataBuf::OctetString(octets) => Some(octets),
        _ => None,
    }
}

/// A title or, where both sides know it, none.
fn title(value: &DataBuf) -> Option<Option<SystemTitle>> {
    match octets(value)? {
        [] => Some(None),
        octets => SystemTitle::try_from(octets).ok().map(Some),
    }
}

/// key_info: how the key comes to the recipient. What it says of the key itself a meter makes anew.
fn key(info: &DataBuf) -> Option<KeyEstablishment> {
    let DataBuf::Structure(fields) = info else { return None };
    match &fields[..] {
        [DataBuf::Enum(0), DataBuf::Enum(0)] => Some(KeyEstablishment::Identified),
        [DataBuf::Enum(1), DataBuf::Structure(wrapped)] => match &wrapped[..] {
            [DataBuf::Enum(0), DataBuf::OctetString(_)] => Some(KeyEstablishment::Wrapped),
            _ => None,
        },
        [DataBuf::Enum(2), DataBuf::Structure(agreed)] => match &agreed[..] {
            [DataBuf::OctetString(scheme), DataBuf::OctetString(_)] => match scheme[..] {
                [1] => Some(KeyEstablishment::OnePass),
                [2] => Some(KeyEstablishment::StaticUnified),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

impl Meter {
    /// The APDU of a push, protected as its push setup says. None when the meter has no key for
    /// that, or no counter is left.
    pub fn protect_as_set_up(&mut self, push: &Push) -> Option<Vec<u8>> {
        let device = self.logical_device(push.logical_device)?;
        let mut apdu = push.apdu.clone();
        for layer in &push.protection {
            apdu = device.put_on(layer, push, &apdu)?;
        }
        Some(apdu)
    }

    fn put_on(&mut self, layer: &PushProtection, push: &Push, inside: &[u8]) -> Option<Vec<u8>> {
        let own = self.system_title();
        let mut header = layer.header.clone();
        header.originator = Some(own);
        if header.transaction_id.is_empty() {
            header.transaction_id = push.invoke.0.to_be_bytes().to_vec();
        }
        let mut out = Vec::new();
        let protection = match layer.kind {
            Kind::Signature => {
                let party = &self.security().party;
                let request = SignRequest {
                    header: &header,
                    key: &party.signing.as_ref()?.own,
                    exclude_content_length: party.compatibility.signing_excludes_content_length,
                };
                sign(&RustCrypto, &request, inside, &mut out).ok()?;
                return Some(out);
            }
            Kind::Ciphering(protection) => protection,
        };
        let counter = self.take_counter()?;
        let security = self.security();
        let (suite, party) = (security.suite, Some(&security.party));
        let keys = GeneralKeys { suite, global: &security.encryption, party };
        // Only an agreed key asks who the recipient is.
        let agreed =
            matches!(layer.key, KeyEstablishment::OnePass | KeyEstablishment::StaticUnified);
        let recipient = match header.recipient {
            None if agreed => return None,
            recipient => recipient.unwrap_or(own),
        };
        let fill = |octets: &mut [u8]| {
            #[expect(clippy::expect_used, reason = "nothing can be protected without")]
            getrandom::fill(octets).expect("the operating system has random octets");
        };
        let titles = [own, recipient];
        let (info, key) = keys.establish(&RustCrypto, layer.key, &header, titles, fill).ok()?;
        let request = GeneralProtectRequest {
            header: &header,
            system_title: own,
            key_info: Some(&info),
            control: SecurityControl::new(suite, protection),
            counter,
            key: &key,
            authentication_key: Some(&security.authentication),
            short_aad: security.party.compatibility.general_ciphering_short_aad,
        };
        protect_general(&RustCrypto, &request, inside, &mut out).ok()?;
        Some(out)
    }
}
