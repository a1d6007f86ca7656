//! The certificates of a device, and what the methods of class 64 version 1 do with them
//! (IEC 62056-6-2, class 64).
//!
//! | method | does |
//! |---|---|
//! | 4 generate_key_pair | makes a key pair, which is not used yet |
//! | 5 generate_certificate_request | asks for a certificate of it, or of the one in use |
//! | 6 import_certificate | verifies and keeps a certificate, and uses the key that it is for |
//! | 7 export_certificate | gives a certificate, by whose it is or by its serial number |
//! | 8 remove_certificate | forgets it, and the key that nothing else vouches for |
//!
//! Trust begins at anchors, which the owner puts in and no method can change. What is imported must
//! be signed by one of them, or by an authority that was imported before.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::{
    Certificate, CertificateEntity, CertificateError, CertificateIdentification, CertificateInfo,
    CertificateType, identification::is, request,
};
use crate::{
    axdr::{Data, DataBuf, Writer},
    security::{
        CryptoProvider, KeysWithPeer, PartyKeys, PrivateKey, PublicKey, SecuritySetup, SystemTitle,
    },
    xdlms::ActionResult,
};

/// Certificates that are kept: of the device three, two of each client and third party, and some
/// authorities.
const CERTIFICATES_MAX: usize = 32;

/// The certificates of a device, its trust anchors, and the key pairs that are not in use yet.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    anchors: Vec<Certificate>,
    held: Vec<Held>,
    generated: Vec<(CertificateType, PrivateKey)>,
    waiting: Vec<(CertificateType, Half)>,
}

/// One side of a pair of keys that lacks the other side.
#[derive(Clone, Debug)]
enum Half {
    Own(PrivateKey),
    Peer(PublicKey),
}

/// A certificate that was verified.
#[derive(Clone, Debug)]
struct Held {
    certificate: Certificate,
    entity: CertificateEntity,
    /// How many authorities may be below this one, all those above considered.
    path_len: Option<u8>,
    /// When it is valid, and all those above.
    validity: RangeInclusive<u64>,
}

impl Certificates {
    /// No certificates but the trust anchors, which are taken as they are.
    pub const fn new(anchors: Vec<Certificate>) -> Self {
        Self { anchors, held: Vec::new(), generated: Vec::new(), waiting: Vec::new() }
    }

    /// All certificates with whose they are, the trust anchors first.
    pub fn iter(&self) -> impl Iterator<Item = (CertificateEntity, &Certificate)> {
        let anchors = self.anchors.iter().map(|it| (CertificateEntity::CertificationAuthority, it));
        anchors.chain(self.held.iter().map(|held| (held.entity, &held.certificate)))
    }

    /// Attribute 6, certificates. Names are in DER, serial numbers the contents of the INTEGER.
    pub fn attribute(&self) -> DataBuf {
        DataBuf::array(self.iter().map(|(entity, it)| CertificateInfo::of(entity, it).to_data()))
    }

    /// Method 4, generate_key_pair: makes a key pair of the kind that an enum names, of random
    /// octets from `fill`. It takes the place of another that is not in use yet.
    ///
    /// # Errors
    /// [`ActionResult::TypeUnmatched`] for what is no enum, [`ActionResult::OtherReason`] for a
    /// reserved value, a suite without curves and a source of random octets that repeats itself.
    pub fn generate_key_pair(
        &mut self,
        setup: &SecuritySetup,
        parameter: &Data<'_>,
        fill: impl FnMut(&mut [u8]),
    ) -> Result<(), ActionResult> {
        let kind = key_pair(parameter)?;
        let curve = setup.suite.curve().ok_or(ActionResult::OtherReason)?;
        let key = PrivateKey::from_entropy(curve, fill).map_err(|_| ActionResult::OtherReason)?;
        self.generated.retain(|(of, _)| *of != kind);
        self.generated.push((kind, key));
        Ok(())
    }

    /// Method 5, generate_certificate_request: appends a request for a certificate of the newest
    /// key pair of a kind to `out`, as one Data: an octet-string with PKCS #10 in DER.
    ///
    /// # Errors
    /// As [`generate_key_pair`](Self::generate_key_pair), and [`ActionResult::ObjectUndefined`]
    /// when there is no such key pair.
    pub fn generate_certificate_request(
        &self,
        setup: &SecuritySetup,
        provider: &dyn CryptoProvider,
        device: SystemTitle,
        parameter: &Data<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let kind = key_pair(parameter)?;
        let key = self.generated(kind).or_else(|| self.certified(&setup.party, kind));
        let key = key.ok_or(ActionResult::ObjectUndefined)?;
        let der = request::certificate_request(provider, key, kind, device)
            .map_err(|_| ActionResult::OtherReason)?;
        DataBuf::octet_string(der).encode(&mut Writer::new(out));
        Ok(())
    }

    /// Method 6, import_certificate: [`import`](Self::import) of an octet-string.
    ///
    /// # Errors
    /// [`ActionResult::TypeUnmatched`] for what is no octet-string, [`ActionResult::OtherReason`]
    /// for a certificate that is not taken.
    pub fn import_certificate(
        &mut self,
        setup: &mut SecuritySetup,
        provider: &dyn CryptoProvider,
        parties: [SystemTitle; 2],
        now_unix_s: u64,
        parameter: &Data<'_>,
    ) -> Result<(), ActionResult> {
        let Data::OctetString(der) = parameter else { return Err(ActionResult::TypeUnmatched) };
        let imported = Certificate::decode(der)
            .and_then(|certificate| self.import(setup, provider, parties, now_unix_s, certificate));
        imported.map_err(|_| ActionResult::OtherReason)
    }

    /// Verifies `certificate` and keeps it. A certificate of `device` must be for a key pair that
    /// it has, which is used from now on; one of `client`, with whom the keys of `setup` are
    /// shared, replaces the client's public key. The last one of a kind counts. That of anybody
    /// else is kept, and its key used for nothing.
    ///
    /// # Errors
    /// Why it is not taken; nothing changes then.
    pub fn import(
        &mut self,
        setup: &mut SecuritySetup,
        provider: &dyn CryptoProvider,
        [client, device]: [SystemTitle; 2],
        now_unix_s: u64,
        certificate: Certificate,
    ) -> Result<(), CertificateError> {
        let (path_len, validity) = self.check(provider, now_unix_s, &certificate)?;
        let kind = certificate.certificate_type();
        let entity = match certificate.system_title() {
            _ if certificate.is_authority() => CertificateEntity::CertificationAuthority,
            Some(title) if title == device => CertificateEntity::Server,
            Some(_) => CertificateEntity::Client,
            None => return Err(CertificateError::SystemTitle),
        };
        let of_end_entity = entity != CertificateEntity::CertificationAuthority;
        if of_end_entity && setup.suite.curve() != Some(certificate.public_key().curve()) {
            return Err(CertificateError::Curve);
        }
        let own = match entity {
            CertificateEntity::Server => {
                let fresh = self.generated(kind);
                let used = self.certified(&setup.party, kind);
                let key = certificate.public_key();
                let mut keys = fresh.into_iter().chain(used);
                let own = keys.find(|own| is_public_half(provider, own, key));
                Some(own.cloned().ok_or(CertificateError::NotOurKey)?)
            }
            _ => None,
        };
        let same = |held: &Held| is(&held.certificate, certificate.serial(), certificate.issuer());
        let others = self.held.iter().filter(|held| !same(held)).count();
        if others >= CERTIFICATES_MAX {
            return Err(CertificateError::Full);
        }
        self.held.retain(|held| !same(held));
        let peer = match entity {
            CertificateEntity::Client if certificate.system_title() == Some(client) => {
                Some(*certificate.public_key())
            }
            _ => None,
        };
        self.held.push(Held { certificate, entity, path_len, validity });
        if let Some(pair) = pair_of(&mut setup.party, kind) {
            self.put_in_use(pair, kind, own, peer);
        }
        Ok(())
    }

    /// Method 7, export_certificate: appends the certificate that `parameter` names to `out`, as
    /// one Data: an octet-string in DER. Of several that answer to an entity, the last one.
    ///
    /// # Errors
    /// [`ActionResult::TypeUnmatched`] for another structure, [`ActionResult::ObjectUndefined`]
    /// when there is no such certificate.
    pub fn export_certificate(
        &self,
        parameter: &Data<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let wanted = CertificateIdentification::decode(parameter)?;
        let found = self.iter().filter(|(entity, it)| wanted.names(*entity, it)).last();
        let (_, certificate) = found.ok_or(ActionResult::ObjectUndefined)?;
        DataBuf::octet_string(certificate.der().to_vec()).encode(&mut Writer::new(out));
        Ok(())
    }

    /// Method 8, remove_certificate: forgets the certificate that `parameter` names, of several
    /// that answer to an entity the last one, and the key that it vouched for unless another
    /// certificate vouches for the same key. The key of the other side stays, and waits.
    ///
    /// # Errors
    /// As [`export_certificate`](Self::export_certificate), and [`ActionResult::ReadWriteDenied`]
    /// for a trust anchor, and for a signature key while the policy demands signatures.
    pub fn remove_certificate(
        &mut self,
        setup: &mut SecuritySetup,
        provider: &dyn CryptoProvider,
        parameter: &Data<'_>,
    ) -> Result<(), ActionResult> {
        let wanted = CertificateIdentification::decode(parameter)?;
        let named = |held: &Held| wanted.names(held.entity, &held.certificate);
        let Some(at) = self.held.iter().rposition(named) else {
            return Err(match self.iter().any(|(entity, it)| wanted.names(entity, it)) {
                true => ActionResult::ReadWriteDenied,
                false => ActionResult::ObjectUndefined,
            });
        };
        let removed = self.held.get(at).ok_or(ActionResult::ObjectUndefined)?;
        let kind = removed.certificate.certificate_type();
        let key = *removed.certificate.public_key();
        let of_key = |held: &&Held| {
            held.certificate.certificate_type() == kind && *held.certificate.public_key() == key
        };
        let is_last = self.held.iter().filter(of_key).count() == 1;
        let is_half = |own: &PrivateKey| is_public_half(provider, own, &key);
        let policy = setup.policy;
        let signs = policy.request.signed || policy.response.signed;
        let uses = |keys: &KeysWithPeer| keys.peer == key || is_half(&keys.own);
        let used = kind == CertificateType::DigitalSignature
            && setup.party.signing.as_ref().is_none_or(uses);
        if is_last && signs && used {
            return Err(ActionResult::ReadWriteDenied);
        }
        if let Some(pair) = pair_of(&mut setup.party, kind).filter(|_| is_last) {
            let (own, peer) = self.take_apart(pair, kind);
            let own = own.filter(|own| !is_half(own));
            self.put_together(pair, kind, own, peer.filter(|peer| *peer != key));
        }
        self.held.remove(at);
        Ok(())
    }

    /// The key pair of a kind that is not in use yet.
    fn generated(&self, kind: CertificateType) -> Option<&PrivateKey> {
        self.generated.iter().find(|(of, _)| *of == kind).map(|(_, key)| key)
    }

    /// The own key of a kind that is in use, or would be if the other side had one.
    fn certified<'a>(
        &'a self,
        party: &'a PartyKeys,
        kind: CertificateType,
    ) -> Option<&'a PrivateKey> {
        let waiting = self.waiting.iter().find_map(|(of, half)| match half {
            Half::Own(own) if *of == kind => Some(own),
            _ => None,
        });
        in_use(party, kind).map(|keys| &keys.own).or(waiting)
    }

    /// That somebody trusted signed it, and that it and all those above are valid now (RFC 5280
    /// clause 6.1.3 (a)(2)); how many authorities may be below it, and when all of them are valid.
    fn check(
        &self,
        provider: &dyn CryptoProvider,
        now_unix_s: u64,
        certificate: &Certificate,
    ) -> Result<(Option<u8>, RangeInclusive<u64>), CertificateError> {
        let anchors = self.anchors.iter().map(|it| {
            let path_len = it.authority.and_then(|own| own.path_len);
            (it, path_len, it.validity())
        });
        let held = self.held.iter().map(|it| (&it.certificate, it.path_len, &it.validity));
        let issuers = anchors.chain(held);
        // Authorities renew their keys under the same name: the last reason is as good as another.
        let mut refused = CertificateError::Issuer;
        for (issuer, path_len, above) in
            issuers.filter(|(it, ..)| it.subject() == certificate.issuer())
        {
            let own = certificate.validity();
            let validity = *own.start().max(above.start())..=*own.end().min(above.end());
            match certificate.verify(provider, issuer) {
                Ok(()) if !validity.contains(&now_unix_s) => {
                    refused = CertificateError::Validity;
                }
                Ok(()) if certificate.is_authority() && path_len == Some(0) => {
                    refused = CertificateError::Issuer;
                }
                Ok(()) => {
                    let own = certificate.authority.and_then(|own| own.path_len);
                    let above = path_len.map(|path_len| path_len.saturating_sub(1));
                    return Ok((own.into_iter().chain(above).min(), validity));
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Uses a key of the device or of a client, as soon as there is one of both.
    fn put_in_use(
        &mut self,
        pair: &mut Option<KeysWithPeer>,
        kind: CertificateType,
        own: Option<PrivateKey>,
        peer: Option<PublicKey>,
    ) {
        if let Some(own) = &own {
            self.generated.retain(|(of, key)| *of != kind || key != own);
        }
        let (own_before, peer_before) = self.take_apart(pair, kind);
        self.put_together(pair, kind, own.or(own_before), peer.or(peer_before));
    }

    /// The two sides of a pair, or what there is of them.
    fn take_apart(
        &mut self,
        pair: &mut Option<KeysWithPeer>,
        kind: CertificateType,
    ) -> (Option<PrivateKey>, Option<PublicKey>) {
        let waiting = self.waiting.iter().position(|(of, _)| *of == kind);
        let waiting = waiting.map(|at| self.waiting.swap_remove(at).1);
        match (pair.take(), waiting) {
            (Some(KeysWithPeer { own, peer }), _) => (Some(own), Some(peer)),
            (None, Some(Half::Own(own))) => (Some(own), None),
            (None, Some(Half::Peer(peer))) => (None, Some(peer)),
            (None, None) => (None, None),
        }
    }

    /// A pair of both sides; one alone waits.
    fn put_together(
        &mut self,
        pair: &mut Option<KeysWithPeer>,
        kind: CertificateType,
        own: Option<PrivateKey>,
        peer: Option<PublicKey>,
    ) {
        match (own, peer) {
            (Some(own), Some(peer)) => *pair = Some(KeysWithPeer { own, peer }),
            (Some(own), None) => self.waiting.push((kind, Half::Own(own))),
            (None, Some(peer)) => self.waiting.push((kind, Half::Peer(peer))),
            (None, None) => {}
        }
    }
}

/// The keys of a kind that are in use.
fn in_use(party: &PartyKeys, kind: CertificateType) -> Option<&KeysWithPeer> {
    match kind {
        CertificateType::DigitalSignature => party.signing.as_ref(),
        CertificateType::KeyAgreement => party.agreement.as_ref(),
        CertificateType::Tls | CertificateType::Other => None,
    }
}

/// Where the keys of a kind are; those of TLS are not used here.
fn pair_of(party: &mut PartyKeys, kind: CertificateType) -> Option<&mut Option<KeysWithPeer>> {
    match kind {
        CertificateType::DigitalSignature => Some(&mut party.signing),
        CertificateType::KeyAgreement => Some(&mut party.agreement),
        CertificateType::Tls | CertificateType::Other => None,
    }
}

/// Whether `public` belongs to `own`.
fn is_public_half(provider: &dyn CryptoProvider, own: &PrivateKey, public: &PublicKey) -> bool {
    let half = provider.public_keys().map(|curves| curves.public_key(own));
    matches!(half, Some(Ok(half)) if half == *public)
}

/// The key pair that an enum names.
fn key_pair(parameter: &Data<'_>) -> Result<CertificateType, ActionResult> {
    let code = parameter.as_enum().ok_or(ActionResult::TypeUnmatched)?;
    match CertificateType::from_code(code) {
        Some(CertificateType::Other) | None => Err(ActionResult::OtherReason),
        Some(kind) => Ok(kind),
    }
}

#[cfg(test)]
#[cfg(feature = "public-keys")]
mod tests {
    use super::{super::tests::*, *};
    use crate::security::{RustCrypto, SecuritySuite};

    #[test]
    fn there_is_a_limit_to_what_is_kept() {
        let (mut setup, mut certificates) = device(SecuritySuite::Suite1);
        let [_, sub, client, agrees, ..] = all(SecuritySuite::Suite1);
        let mut import = |certificates: &mut Certificates, certificate| {
            certificates.import(&mut setup, &RustCrypto, [CLIENT, DEVICE], NOW, certificate)
        };
        import(&mut certificates, sub).unwrap();
        while certificates.held.len() < CERTIFICATES_MAX {
            let entity = CertificateEntity::Client;
            let (certificate, validity) = (client.clone(), client.validity().clone());
            certificates.held.push(Held { certificate, entity, path_len: None, validity });
        }
        assert_eq!(import(&mut certificates, agrees), Err(CertificateError::Full));
        // One that takes the place of others fits.
        assert_eq!(import(&mut certificates, client), Ok(()));
        assert_eq!(certificates.held.len(), 2);
    }
}
