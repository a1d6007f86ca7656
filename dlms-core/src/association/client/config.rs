//! What a client brings to an association.

use alloc::sync::Arc;
use core::time::Duration;

use super::unconfirmed::{Establishment, KeySet};
use crate::{
    acse::Mechanism,
    association::{Misuse, WINDOW_MAX},
    gateway::GatewayAddress,
    security::{
        Curve, Key, KeyEstablishment, KeysWithPeer, PartyKeys, Protection, Secret, SecuritySuite,
        SystemTitle,
        hls::{self, ManufacturerMechanism},
    },
    xdlms::Conformance,
};

/// Octets of a joined answer beyond which a transfer is given up, unless configured otherwise.
/// A year of quarter-hours with twelve columns stays below 4 MiB.
const ANSWER_LEN_MAX: usize = 16 * 1024 * 1024;
/// Octets of a challenge that we send, but with ECDSA (IEC 62056-5-3 allows 8 to 64).
const CHALLENGE_LEN: usize = 16;

/// How APDUs of an association are ciphered.
#[derive(Clone, Debug)]
pub struct Ciphering {
    /// The algorithms and the length of the keys.
    pub suite: SecuritySuite,
    /// How requests are protected and answers must be. A signature is a layer of its own inside a
    /// general form and takes [`ClientConfig::party_keys`]. With [`Protection::NONE`] the keys
    /// serve only the GMAC authentication.
    pub protection: Protection,
    /// The global unicast encryption key (GUEK).
    pub encryption_key: Key,
    /// The global authentication key (GAK). Only encryption without authentication works without.
    pub authentication_key: Option<Key>,
    /// Agree on a key of its own for this association. Only with authenticated encryption: the key
    /// travels in the InitiateRequest.
    pub dedicated: bool,
    /// Use general-glo and general-ded APDUs, which carry the system title, instead of the
    /// service-specific ones.
    pub general: bool,
}

/// How a client names attributes and methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Referencing {
    /// By class, logical name and number.
    LogicalName,
    /// By short names.
    ShortName,
}

/// What a client brings to an association.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How the meter wants attributes and methods named.
    pub referencing: Referencing,
    /// Whether the association is opened, and whether it is answered.
    pub establishment: Establishment,
    /// Which global keys are those in `ciphering`.
    pub key_set: KeySet,
    /// The way to the meter behind a gateway: in front of each APDU goes a
    /// [`GatewayHeader`](crate::gateway::GatewayHeader).
    pub gateway: Option<GatewayAddress>,
    /// How client and meter prove who they are.
    pub mechanism: Mechanism,
    /// The password (LLS) or the secret (HLS 2, 3, 4 and 6).
    pub secret: Secret,
    /// What mechanism 2 is with this manufacturer's meters. The standard does not say.
    pub manufacturer_mechanism: Option<Arc<dyn ManufacturerMechanism>>,
    /// The client's system title; needed for ciphering and for HLS 5, 6 and 7.
    pub system_title: Option<SystemTitle>,
    /// The meter's system title, where known: another one is refused, and a meter that does not
    /// tell its own is taken to have it.
    pub server_title: Option<SystemTitle>,
    /// Keys and how APDUs are ciphered.
    pub ciphering: Option<Ciphering>,
    /// Cipher requests by general-ciphering, with a key that comes to the meter in this way, and
    /// demand the answers so. It takes the place of [`Ciphering::general`].
    pub general_ciphering: Option<KeyEstablishment>,
    /// What HLS 7, general-ciphering and general-signing need beyond those keys.
    pub party_keys: PartyKeys,
    /// The services to propose.
    pub conformance: Conformance,
    /// How many blocks of general block transfer to take in one go, 1 to [`WINDOW_MAX`]. Where the
    /// meter agrees to it, all requests and answers then go in such blocks. None does not propose
    /// it.
    pub block_window: Option<u8>,
    /// How many of them to send in one go at most: 1 on a line that is turned round after each
    /// APDU.
    pub send_window_max: u8,
    /// The largest APDU that the client takes, in octets.
    pub max_receive_pdu: u16,
    /// How long to wait for an answer. None where the line below watches over that, as HDLC does:
    /// it must then poll for as long as [`Client::is_waiting`](super::Client::is_waiting).
    pub response_timeout: Option<Duration>,
    /// How many requests may be in flight at once, 1 to [`IN_FLIGHT_MAX`](super::IN_FLIGHT_MAX).
    /// There is one at a time all the same with short names, whose services have no invoke-id, and
    /// in general block transfer. More than one needs a line on which both sides may send at any
    /// time, and a meter that takes a request before it has answered the one before.
    pub in_flight_max: u8,
    /// How often an association or a GET without answer is tried again.
    pub retries: u8,
    /// Whether the line carries datagrams, which may come twice: a repeated one is then dropped
    /// and no attack.
    pub datagrams: bool,
    /// Whether to send RLRQ; some meters know only the end of the link.
    pub release: bool,
    /// Octets of one joined answer beyond which it is refused.
    pub answer_len_max: usize,
}

impl Default for ClientConfig {
    /// A public client: no authentication, no ciphering, ten seconds.
    fn default() -> Self {
        Self {
            referencing: Referencing::LogicalName,
            establishment: Establishment::Confirmed,
            key_set: KeySet::Unicast,
            gateway: None,
            mechanism: Mechanism::Lowest,
            secret: Secret::from(&[][..]),
            manufacturer_mechanism: None,
            system_title: None,
            server_title: None,
            ciphering: None,
            general_ciphering: None,
            party_keys: PartyKeys::default(),
            conformance: Conformance::GET
                | Conformance::SET
                | Conformance::ACTION
                | Conformance::SELECTIVE_ACCESS
                | Conformance::MULTIPLE_REFERENCES
                | Conformance::BLOCK_GET
                | Conformance::BLOCK_SET
                | Conformance::BLOCK_ACTION
                | Conformance::GENERAL_PROTECTION
                | Conformance::DATA_NOTIFICATION
                | Conformance::EVENT_NOTIFICATION,
            block_window: None,
            send_window_max: WINDOW_MAX,
            max_receive_pdu: 0xffff,
            response_timeout: Some(Duration::from_secs(10)),
            in_flight_max: 1,
            retries: 2,
            datagrams: false,
            release: true,
            answer_len_max: ANSWER_LEN_MAX,
        }
    }
}

/// The services that have no meaning but in short names.
const OF_SHORT_NAMES: Conformance = Conformance::READ
    .union(Conformance::WRITE)
    .union(Conformance::UNCONFIRMED_WRITE)
    .union(Conformance::INFORMATION_REPORT)
    .union(Conformance::PARAMETERIZED_ACCESS);
/// What may be agreed on in either way of referencing.
const OF_BOTH: Conformance = Conformance::GENERAL_PROTECTION
    .union(Conformance::GENERAL_BLOCK_TRANSFER)
    .union(Conformance::DELTA_VALUE_ENCODING)
    .union(Conformance::BLOCK_GET)
    .union(Conformance::BLOCK_SET)
    .union(Conformance::MULTIPLE_REFERENCES)
    .union(Conformance::DATA_NOTIFICATION);

impl ClientConfig {
    /// The ciphering of APDUs, where there is one.
    pub(super) fn protecting(&self) -> Option<&Ciphering> {
        self.ciphering.as_ref().filter(|ciphering| ciphering.protection != Protection::NONE)
    }

    /// What is proposed to the meter.
    pub(super) fn proposed(&self) -> Conformance {
        let services = match self.referencing {
            Referencing::LogicalName => self.conformance,
            Referencing::ShortName => self.conformance & OF_BOTH | OF_SHORT_NAMES,
        };
        match self.block_window {
            Some(_) => services | Conformance::GENERAL_BLOCK_TRANSFER,
            None => services,
        }
    }

    /// Whether requests are signed.
    pub(super) fn signs(&self) -> bool {
        self.protecting().is_some_and(|ciphering| ciphering.protection.signed)
    }

    /// Whether anything needs elliptic curves.
    pub(super) fn needs_curves(&self) -> bool {
        self.mechanism == Mechanism::HlsEcdsa
            || self.signs()
            || matches!(
                self.general_ciphering,
                Some(KeyEstablishment::OnePass | KeyEstablishment::StaticUnified)
            )
    }

    /// Whether requests carry the fields of general-ciphering or general-signing.
    pub(super) fn layered(&self) -> bool {
        self.general_ciphering.is_some() || self.signs()
    }

    /// Whether the party keys suffice for the layers of requests.
    fn check_layers(&self) -> Result<(), Misuse> {
        let (party, curve) = (&self.party_keys, self.curve());
        let of_curve = |keys: &Option<KeysWithPeer>, name| {
            let keys = keys.as_ref().ok_or(Misuse::Lacks(name))?;
            let both = [keys.own.curve(), keys.peer.curve()];
            if both.iter().all(|found| Some(*found) == curve) { Ok(()) } else { Err(Misuse::Curve) }
        };
        if self.signs() {
            of_curve(&party.signing, "signature keys")?;
        }
        match self.general_ciphering {
            None | Some(KeyEstablishment::Identified) => {}
            Some(KeyEstablishment::Wrapped) => {
                if party.key_encryption_key.is_none() {
                    return Err(Misuse::Lacks("key encryption key"));
                }
            }
            Some(KeyEstablishment::OnePass) => {
                of_curve(&party.signing, "signature keys")?;
                of_curve(&party.agreement, "key agreement keys")?;
            }
            Some(KeyEstablishment::StaticUnified) => {
                of_curve(&party.agreement, "key agreement keys")?;
            }
        }
        let Some(ciphering) = self.protecting() else {
            return if self.general_ciphering.is_some() {
                Err(Misuse::Lacks("protection for general-ciphering"))
            } else {
                Ok(())
            };
        };
        if ciphering.dedicated && self.general_ciphering.is_some() {
            return Err(Misuse::Lacks("form of ciphering that has both keys"));
        }
        let ciphered = ciphering.protection.authenticated || ciphering.protection.encrypted;
        let general = ciphering.general || self.general_ciphering.is_some();
        if self.signs() && !(ciphered && general) {
            return Err(Misuse::Lacks("general form of ciphering around signed requests"));
        }
        Ok(())
    }

    /// The curve of the suite or, where nothing is ciphered, of the signature key.
    pub(super) fn curve(&self) -> Option<Curve> {
        match &self.ciphering {
            Some(ciphering) => ciphering.suite.curve(),
            None => self.party_keys.signing.as_ref().map(|keys| keys.own.curve()),
        }
    }

    /// Octets of the challenge that we send.
    pub(super) const fn challenge_len(&self) -> usize {
        match self.mechanism {
            Mechanism::HlsEcdsa => hls::ECDSA_CHALLENGE_LEN_MIN,
            _ => CHALLENGE_LEN,
        }
    }

    pub(super) fn check(&self) -> Result<(), Misuse> {
        self.establishment.check(self)?;
        let title = self.system_title.is_some();
        match self.mechanism {
            Mechanism::Lowest => {}
            Mechanism::HlsGmac => {
                let keys = self.ciphering.as_ref().ok_or(Misuse::Lacks("encryption key"))?;
                keys.authentication_key.as_ref().ok_or(Misuse::Lacks("authentication key"))?;
                if !title {
                    return Err(Misuse::Lacks("client system title"));
                }
            }
            Mechanism::HlsSha256 if !title => return Err(Misuse::Lacks("client system title")),
            Mechanism::Lls
            | Mechanism::Hls2
            | Mechanism::HlsMd5
            | Mechanism::HlsSha1
            | Mechanism::HlsSha256 => {
                if self.secret.octets().is_empty() {
                    return Err(Misuse::Lacks("password"));
                }
            }
            Mechanism::HlsEcdsa => {
                let keys =
                    self.party_keys.signing.as_ref().ok_or(Misuse::Lacks("signature keys"))?;
                let curve = self.curve().ok_or(Misuse::Curve)?;
                if keys.own.curve() != curve || keys.peer.curve() != curve {
                    return Err(Misuse::Curve);
                }
                if !title {
                    return Err(Misuse::Lacks("client system title"));
                }
            }
            Mechanism::Other(_) => return Err(Misuse::Lacks("authentication mechanism")),
        }
        if self.mechanism == Mechanism::Hls2 && self.manufacturer_mechanism.is_none() {
            return Err(Misuse::Lacks("manufacturer's mechanism"));
        }
        match self.protecting() {
            Some(ciphering)
                if ciphering.dedicated
                    && !ciphering.protection.covers(Protection::AUTHENTICATED_ENCRYPTED) =>
            {
                Err(Misuse::DedicatedKeyInClear)
            }
            Some(_) if !title => Err(Misuse::Lacks("client system title")),
            Some(ciphering)
                if ciphering.protection.authenticated && ciphering.authentication_key.is_none() =>
            {
                Err(Misuse::Lacks("authentication key"))
            }
            _ => self.check_layers(),
        }
    }
}
