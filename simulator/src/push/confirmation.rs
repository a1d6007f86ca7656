//! What a meter makes of the answer to a push: is it the confirmation, and of whom?
//!
//! A push in clear is confirmed in clear. One that is protected is confirmed by who protects the
//! answer at least by a tag or a signature: anybody could answer otherwise, and the meter would
//! never send again what somebody kept from arriving.

use dlms_core::{
    association::LogicalDevice,
    gateway::GatewayHeader,
    security::{
        GeneralCipheredHead, GeneralKeys, GeneralUnprotectRequest, Protection, ReceiveCounter,
        RustCrypto, SecurityControl, SignedApdu, SystemTitle, UnprotectRequest, VerifyRequest,
        decode_head, unprotect_general_in_place, unprotect_in_place,
    },
    xdlms::{DataNotificationConfirm, tag},
};

use super::Push;
use crate::meter::Meter;

/// Layers of protection that are taken off.
const LAYERS_MAX: usize = 4;

impl Meter {
    /// Whether `apdu`, with the header of a gateway or without, confirms `push`, which was sent
    /// `protected` or in clear. The counters of what verified are used up.
    pub fn confirms(&mut self, push: &Push, protected: bool, apdu: &[u8]) -> bool {
        let apdu = GatewayHeader::decode(apdu).map_or(apdu, |(_, apdu)| apdu);
        let Some(device) = self.logical_device(push.logical_device) else { return false };
        let plain = if protected { device.verified(apdu) } else { Some(apdu.to_vec()) };
        plain.is_some_and(|plain| {
            let confirm = DataNotificationConfirm::decode(&plain);
            confirm.is_ok_and(|confirm| confirm.invoke.id() == push.invoke.id())
        })
    }

    /// What is inside of `apdu`, if every layer of it verifies and there is one.
    fn verified(&mut self, apdu: &[u8]) -> Option<Vec<u8>> {
        let mut apdu = apdu.to_vec();
        let mut counters = Vec::new();
        for layer in 0..=LAYERS_MAX {
            let opened = match *apdu.first()? {
                tag::GENERAL_GLO_CIPHERING => self.open_ciphered(&mut apdu, &mut counters)?,
                tag::GENERAL_CIPHERING => self.open_general(&mut apdu, &mut counters)?,
                tag::GENERAL_SIGNING => self.open_signed(&apdu)?,
                _ if layer == 0 => return None,
                _ => {
                    // Only now: all layers verified.
                    let accepted = |(title, counter)| self.accept(title, counter);
                    return counters.into_iter().all(accepted).then_some(apdu);
                }
            };
            apdu = opened;
        }
        None
    }

    fn open_ciphered(
        &self,
        apdu: &mut [u8],
        counters: &mut Vec<(SystemTitle, u32)>,
    ) -> Option<Vec<u8>> {
        let head = decode_head(apdu).ok()?;
        let title = head.system_title.filter(|title| *title != self.system_title())?;
        self.check(title, head.counter)?;
        let security = self.security();
        let request = UnprotectRequest {
            required: SecurityControl::new(security.suite, Protection::AUTHENTICATED),
            system_title: None,
            key: &security.encryption,
            authentication_key: Some(&security.authentication),
        };
        let opened = unprotect_in_place(&RustCrypto, &request, &head, apdu).ok()?;
        counters.push((title, head.counter));
        Some(opened.plain.to_vec())
    }

    fn open_general(
        &self,
        apdu: &mut [u8],
        counters: &mut Vec<(SystemTitle, u32)>,
    ) -> Option<Vec<u8>> {
        let head = GeneralCipheredHead::decode(apdu).ok()?;
        let own = self.system_title();
        let title = head.originator(None, own).ok()?;
        self.check(title, head.counter)?;
        let security = self.security();
        let (suite, party) = (security.suite, Some(&security.party));
        let keys = GeneralKeys { suite, global: &security.encryption, party };
        let info = head.key_info.as_ref();
        let key = keys.find(&RustCrypto, info, &head.header, [title, own]).ok()?;
        let request = GeneralUnprotectRequest {
            required: SecurityControl::new(suite, Protection::AUTHENTICATED),
            originator: Some(title),
            recipient: own,
            key: &key,
            authentication_key: Some(&security.authentication),
            short_aad: security.party.compatibility.general_ciphering_short_aad,
        };
        let opened = unprotect_general_in_place(&RustCrypto, &request, &head, apdu).ok()?;
        counters.push((title, head.counter));
        Some(opened.plain.to_vec())
    }

    fn open_signed(&self, apdu: &[u8]) -> Option<Vec<u8>> {
        let signed = SignedApdu::decode(apdu).ok()?;
        let party = &self.security().party;
        let request = VerifyRequest {
            originator: None,
            recipient: self.system_title(),
            key: &party.signing.as_ref()?.peer,
            exclude_content_length: party.compatibility.signing_excludes_content_length,
        };
        signed.verify(&RustCrypto, &request).ok().map(<[u8]>::to_vec)
    }

    fn check(&self, title: SystemTitle, counter: u32) -> Option<()> {
        let received: ReceiveCounter = self.received(title);
        received.check(counter).ok()
    }
}
