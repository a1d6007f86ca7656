//! How a client associates: as `headend` is told on its command line, and as the library is.
//!
//! All meters of the tests have the same clients: 16 is public, 17 has a password, 1 a secret and
//! keys. See `tests/interop/README.md`.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use dlms_core::acse::Mechanism;
use dlms_core::association::{Ciphering, ClientConfig};
use dlms_core::security::hls::AesEcb;
use dlms_core::security::{
    CryptoProvider, Curve, Key, KeysWithPeer, PartyKeys, PrivateKey, Protection, PublicKey,
    RustCrypto, Secret, SecuritySuite, SystemTitle,
};
use dlms_tokio::client::{Client, Error};
use dlms_tokio::counters::ForgetfulCounters;
use dlms_tokio::{Address, LineConfig, Trace};

/// The encryption key of every meter, as it is typed.
pub const ENCRYPTION_KEY: &str = "000102030405060708090A0B0C0D0E0F";
/// The authentication key of every meter, as it is typed.
pub const AUTHENTICATION_KEY: &str = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";
/// The password of client 17.
const PASSWORD: &str = "12345678";
/// The private signature keys of client 1 and of every meter, in suite 1: one octet repeated.
const SIGNING_KEYS: [u8; 2] = [0x11, 0x22];
/// The secret of client 1 for HLS 2, MD5, SHA-1 and SHA-256.
const SECRET: &str = "ABCDEFGHIJKLMNOP";

/// How a client proves who it is, and how APDUs are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// The client SAP.
    pub client: u16,
    /// The authentication mechanism.
    pub mechanism: Mechanism,
    /// How requests and answers are protected.
    pub protection: Protection,
    /// General instead of service-specific ciphering.
    pub general: bool,
    /// A key for this association alone.
    pub dedicated: bool,
    /// The suite, 0 or 1: the keys are the same.
    pub suite: SecuritySuite,
}

impl Mode {
    /// The public client.
    pub const PUBLIC: Self = Self::clear(16, Mechanism::Lowest);
    /// GMAC, every APDU authenticated and encrypted: what meters in the field mostly ask for.
    pub const AUTHENC: Self = Self::gmac(Protection::AUTHENTICATED_ENCRYPTED);

    /// Every mode that the meters of the tests have.
    pub const ALL: [Self; 13] = [
        Self::PUBLIC,
        Self::clear(17, Mechanism::Lls),
        Self::clear(1, Mechanism::Hls2),
        Self::clear(1, Mechanism::HlsMd5),
        Self::clear(1, Mechanism::HlsSha1),
        Self::clear(1, Mechanism::HlsSha256),
        Self::gmac(Protection::NONE),
        Self::gmac(Protection::AUTHENTICATED),
        Self::gmac(Protection::ENCRYPTED),
        Self::AUTHENC,
        Self { general: true, ..Self::AUTHENC },
        Self { dedicated: true, ..Self::AUTHENC },
        Self { general: true, dedicated: true, ..Self::AUTHENC },
    ];

    /// What the meters of suite 1 have beyond that.
    pub const SUITE_1: [Self; 4] = [
        Self { suite: SecuritySuite::Suite1, ..Self::AUTHENC },
        Self { suite: SecuritySuite::Suite1, general: true, ..Self::AUTHENC },
        Self { suite: SecuritySuite::Suite1, mechanism: Mechanism::HlsEcdsa, ..Self::AUTHENC },
        Self {
            suite: SecuritySuite::Suite1,
            mechanism: Mechanism::HlsEcdsa,
            dedicated: true,
            ..Self::AUTHENC
        },
    ];

    /// Client 1 with GMAC.
    #[must_use]
    pub const fn gmac(protection: Protection) -> Self {
        Self { protection, ..Self::clear(1, Mechanism::HlsGmac) }
    }

    const fn clear(client: u16, mechanism: Mechanism) -> Self {
        let protection = Protection::NONE;
        let suite = SecuritySuite::Suite0;
        Self { client, mechanism, protection, general: false, dedicated: false, suite }
    }

    /// The options of `headend` that say this.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let mut options = vec!["--client".to_owned(), self.client.to_string()];
        let mut add = |words: &[&str]| options.extend(words.iter().map(|word| (*word).to_owned()));
        match self.mechanism {
            Mechanism::Lowest => {}
            Mechanism::HlsGmac => add(&["--auth", "hls-gmac"]),
            // The foreign meter's challenge has 16 octets, where the mechanism asks for 32.
            Mechanism::HlsEcdsa => {
                add(&["--auth", "hls-ecdsa", "--compat", "short-ecdsa-challenges"]);
            }
            _ => add(&["--auth", self.mechanism_word(), "--password", self.secret()]),
        }
        if self.mechanism == Mechanism::HlsGmac || self.protection != Protection::NONE {
            add(&["--ek", ENCRYPTION_KEY, "--ak", AUTHENTICATION_KEY]);
        }
        if self.suite == SecuritySuite::Suite1 {
            add(&["--suite", "1"]);
        }
        if let Some(word) = self.protection_word() {
            add(&["--security", word]);
        }
        if self.general {
            add(&["--general"]);
        }
        if self.dedicated {
            add(&["--dedicated"]);
        }
        options
    }

    /// Associates by the library, as a client that no meter has met before: it has a system title
    /// of its own, so that its counters may begin at 1.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`].
    pub async fn connect(&self, address: &str, line: LineConfig) -> Result<Client, Error> {
        let address: Address = address.parse().expect("an address");
        let line = LineConfig { client: self.client, ..line };
        let counters = Box::new(ForgetfulCounters::starting_at(1));
        Client::connect(&address, line, self.association(), Some(counters), Trace::off()).await
    }

    fn association(&self) -> ClientConfig {
        static CLIENTS: AtomicU32 = AtomicU32::new(0);
        let [a, b, c, d] = CLIENTS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let key = |digits: &str| digits.parse::<Key>().expect("a key");
        ClientConfig {
            mechanism: self.mechanism,
            secret: Secret::from(self.secret()),
            manufacturer_mechanism: Some(Arc::new(AesEcb)),
            system_title: Some(SystemTitle([b'T', b'S', b'T', 0, a, b, c, d])),
            ciphering: Some(Ciphering {
                suite: self.suite,
                protection: self.protection,
                encryption_key: key(ENCRYPTION_KEY),
                authentication_key: Some(key(AUTHENTICATION_KEY)),
                dedicated: self.dedicated,
                general: self.general,
            }),
            party_keys: party_keys(),
            ..ClientConfig::default()
        }
    }

    const fn secret(&self) -> &'static str {
        match self.mechanism {
            Mechanism::Lls => PASSWORD,
            _ => SECRET,
        }
    }

    fn mechanism_word(&self) -> &'static str {
        match self.mechanism {
            Mechanism::Lowest => "none",
            Mechanism::Lls => "lls",
            Mechanism::Hls2 => "hls2",
            Mechanism::HlsMd5 => "hls-md5",
            Mechanism::HlsSha1 => "hls-sha1",
            Mechanism::HlsGmac => "hls-gmac",
            Mechanism::HlsSha256 => "hls-sha256",
            Mechanism::HlsEcdsa => "hls-ecdsa",
            Mechanism::Other(_) => panic!("{self:?}: headend has no word"),
        }
    }

    const fn protection_word(&self) -> Option<&'static str> {
        match (self.protection.authenticated, self.protection.encrypted) {
            (false, false) => None,
            (true, false) => Some("auth"),
            (false, true) => Some("enc"),
            (true, true) => Some("authenc"),
        }
    }
}

/// The environment of `headend` with the keys of HLS 7.
#[must_use]
pub fn signing_environment() -> [(&'static str, String); 2] {
    let [own, peer] = SIGNING_KEYS;
    [
        ("DLMS_SIGNING_KEY", format!("{own:02x}").repeat(32)),
        ("DLMS_PEER_KEY", public(&private(peer)).to_string()),
    ]
}

fn party_keys() -> PartyKeys {
    let [own, peer] = SIGNING_KEYS.map(private);
    let signing = Some(KeysWithPeer { own, peer: public(&peer) });
    let mut keys = PartyKeys { signing, ..PartyKeys::default() };
    keys.compatibility.short_ecdsa_challenges = true;
    keys
}

fn private(octet: u8) -> PrivateKey {
    let octets = vec![octet; Curve::P256.coordinate_len()];
    PrivateKey::try_from(&octets[..]).expect("below the order of the curve")
}

fn public(key: &PrivateKey) -> PublicKey {
    let provider = RustCrypto.public_keys().expect("elliptic curves");
    provider.public_key(key).expect("a key has a public half")
}

/// In the words of `headend`: `hls-gmac authenc general`.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let general = self.general.then_some("general");
        let dedicated = self.dedicated.then_some("dedicated");
        let suite = (self.suite != SecuritySuite::Suite0).then_some("suite 1");
        let words =
            [Some(self.mechanism_word()), self.protection_word(), general, dedicated, suite];
        f.pad(&words.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_said_in_the_words_of_the_command_line() {
        assert_eq!(Mode::PUBLIC.to_string(), "none");
        assert_eq!(Mode::PUBLIC.options(), ["--client", "16"]);
        let mode = Mode { general: true, ..Mode::AUTHENC };
        assert_eq!(mode.to_string(), "hls-gmac authenc general");
        let options = mode.options().join(" ");
        assert!(options.starts_with("--client 1 --auth hls-gmac --ek 0001"), "{options}");
        assert!(options.ends_with(" --security authenc --general"), "{options}");
    }
}
