//! The clients that a meter knows: how each proves itself and what it may do.

use dlms_core::{
    acse::{ApplicationContext, Mechanism},
    association::{ClientPolicy, DeviceKeys, PreEstablished, ServerConfig},
    companion::{self, Authentication, Companion, Security},
    cosem::ClassId,
    device::{AttributeRights, ClientRights, MethodRights, ObjectId},
    security::{
        Curve, Key, KeysWithPeer, PartyKeys, PrivateKey, Protection, PublicKeyProvider, RustCrypto,
        Secret, SecurityPolicy, SecuritySetup, SecuritySetupVersion, SecuritySuite, SystemTitle,
    },
};

/// The SAP of the public client (IEC 62056-47).
pub const PUBLIC_CLIENT: u16 = 16;
/// The SAP of the client that reads with a password.
pub const READING_CLIENT: u16 = 17;
/// The SAP of the management client.
pub const MANAGEMENT_CLIENT: u16 = 1;

/// The SAP of the client with a pre-established association, where there is one: that of the
/// companion profiles that have such a client.
pub const PRE_ESTABLISHED_CLIENT: u16 = 102;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything that the objects allow.
    Management,
    /// Read everything, change nothing.
    Reading,
    /// Read what a client needs to find its way: names, the clock, the invocation counter, the
    /// list of logical devices and the association itself.
    Public,
}

impl ClientRights for Role {
    fn attribute(&self, object: ObjectId, _: i8, given: AttributeRights) -> AttributeRights {
        match self {
            Self::Management => given,
            Self::Reading => given.without_write(),
            Self::Public if is_public(object) => given.without_write(),
            Self::Public => AttributeRights::NONE,
        }
    }

    fn method(&self, _: ObjectId, _: i8, given: MethodRights) -> MethodRights {
        if *self == Self::Management { given } else { MethodRights::NONE }
    }
}

fn is_public(object: ObjectId) -> bool {
    match object.class {
        ClassId::CLOCK | ClassId::SAP_ASSIGNMENT | ClassId::ASSOCIATION_LN => true,
        // Logical device name, device ID, invocation counter: 0-0:42, 0-0:96.1, 0-0:43.1.
        ClassId::DATA => matches!(object.name.0, [0, 0, 42, ..] | [0, 0, 96 | 43, 1, ..]),
        _ => false,
    }
}

/// The keys of a meter, the same for all its clients.
#[derive(Clone, Debug)]
pub struct MeterKeys {
    /// The suite, which decides how long the keys are.
    pub suite: SecuritySuite,
    /// The global unicast encryption key.
    pub encryption: Key,
    /// The global authentication key.
    pub authentication: Key,
    /// The global broadcast encryption key.
    pub broadcast: Key,
    /// The key encryption key and, in suites 1 and 2, the meter's private and the clients' public
    /// keys.
    pub party: PartyKeys,
}

impl Default for MeterKeys {
    /// Those of suite 0.
    fn default() -> Self {
        Self::of(SecuritySuite::Suite0)
    }
}

impl MeterKeys {
    /// The keys of published worked examples: 00 01 .. for encryption, D0 D1 .. for authentication,
    /// B0 B1 .. for broadcasts, as many octets as the suite asks for. The key encryption key is
    /// 60 61 .., and the private keys are one octet repeated: 11 (client) and 22 (meter) for
    /// signatures, 33 and 44 for key agreement. They protect nothing.
    pub fn of(suite: SecuritySuite) -> Self {
        let key = |first: u8| {
            let octets: Vec<u8> = (first..).take(suite.key_len()).collect();
            Key::try_from(&octets[..]).expect("as many octets as a key has")
        };
        let pair = |client, meter| suite.curve().map(|curve| pair(curve, client, meter));
        Self {
            suite,
            encryption: key(0),
            authentication: key(0xd0),
            broadcast: key(0xb0),
            party: PartyKeys {
                key_encryption_key: Some(key(0x60)),
                signing: pair(0x11, 0x22),
                agreement: pair(0x33, 0x44),
                ..PartyKeys::default()
            },
        }
    }
}

impl MeterKeys {
    /// A security setup that has these keys and demands nothing.
    pub(crate) fn security_setup(&self) -> SecuritySetup {
        SecuritySetup {
            version: match self.suite {
                SecuritySuite::Suite0 => SecuritySetupVersion::V0,
                _ => SecuritySetupVersion::V1,
            },
            suite: self.suite,
            policy: SecurityPolicy::NOTHING,
            encryption: self.encryption.clone(),
            broadcast: Some(self.broadcast.clone()),
            authentication: self.authentication.clone(),
            party: self.party.clone(),
        }
    }
}

/// The meter's keys with its client, each private key one octet repeated.
fn pair(curve: Curve, client: u8, meter: u8) -> KeysWithPeer {
    let private = |octet: u8| {
        let octets = vec![octet; curve.coordinate_len()];
        PrivateKey::try_from(&octets[..]).expect("below the order of the curve")
    };
    let peer = RustCrypto.public_key(&private(client)).expect("a key has a public half");
    KeysWithPeer { own: private(meter), peer }
}

/// One client.
#[derive(Clone, Debug)]
pub struct MeterClient {
    /// Its SAP.
    pub sap: u16,
    /// The mechanisms that it may authenticate with.
    pub mechanisms: Vec<Mechanism>,
    /// Its password or secret.
    pub secret: Secret,
    /// How its requests must be protected at least.
    pub protection: Protection,
    /// Whether it must prove an RLRQ in an association with ciphering.
    pub proven_release: bool,
    /// The association that it need not open, if there is one.
    pub pre_established: Option<PreEstablished>,
    /// What it may do.
    pub role: Role,
}

impl MeterClient {
    /// The client of a pre-established association, which may do everything: with ciphering where
    /// its system title is told, and then every request must be authenticated and encrypted.
    pub fn pre_established(confirmed: bool, client_title: Option<SystemTitle>) -> Self {
        Self {
            sap: PRE_ESTABLISHED_CLIENT,
            mechanisms: Vec::new(),
            secret: Secret::from(""),
            protection: match client_title {
                Some(_) => Protection::AUTHENTICATED_ENCRYPTED,
                None => Protection::NONE,
            },
            proven_release: false,
            pre_established: Some(PreEstablished {
                application_context: match client_title {
                    Some(_) => ApplicationContext::LogicalNameCiphered,
                    None => ApplicationContext::LogicalName,
                },
                client_title,
                conformance: ServerConfig::new(PRE_ESTABLISHED_CLIENT).conformance,
                max_send_pdu: u16::MAX,
                confirmed,
            }),
            role: Role::Management,
        }
    }

    /// The three clients of a meter: public without authentication, reading with the password
    /// `12345678`, management with HLS 2 to 6 and the secret `ABCDEFGHIJKLMNOP`, and in suites 1
    /// and 2 with HLS 7. All of them may do everything, so that every client program can be tried
    /// in every mode; a real meter is stricter, see [`strict`](Self::strict).
    pub fn open() -> Vec<Self> {
        let client = |sap, mechanisms: &[Mechanism], secret: &str| Self {
            sap,
            mechanisms: mechanisms.to_vec(),
            secret: Secret::from(secret),
            protection: Protection::NONE,
            proven_release: false,
            pre_established: None,
            role: Role::Management,
        };
        let high = [
            Mechanism::Hls2,
            Mechanism::HlsMd5,
            Mechanism::HlsSha1,
            Mechanism::HlsGmac,
            Mechanism::HlsSha256,
            Mechanism::HlsEcdsa,
        ];
        vec![
            client(PUBLIC_CLIENT, &[Mechanism::Lowest], ""),
            client(READING_CLIENT, &[Mechanism::Lls], "12345678"),
            client(MANAGEMENT_CLIENT, &high, "ABCDEFGHIJKLMNOP"),
        ]
    }

    /// The same clients as a meter in the field has them: the public client reads what it needs to
    /// find its way, the reading client reads, and the management client must use GMAC or ECDSA and
    /// protect every request with authentication and encryption.
    pub fn strict() -> Vec<Self> {
        let mut clients = Self::open();
        for client in &mut clients {
            match client.sap {
                PUBLIC_CLIENT => client.role = Role::Public,
                READING_CLIENT => client.role = Role::Reading,
                _ => {
                    client.mechanisms = vec![Mechanism::HlsGmac, Mechanism::HlsEcdsa];
                    client.protection = Protection::AUTHENTICATED_ENCRYPTED;
                    client.proven_release = true;
                }
            }
        }
        clients
    }

    /// The clients that a companion has, with the secrets of [`open`](Self::open). The public one
    /// reads what it needs to find its way, the others may do everything. Those whose association
    /// is there without having been opened are left out: no meter here has such.
    pub fn of(companion: &Companion) -> Vec<Self> {
        let opened = companion.clients.iter().filter(|client| !client.pre_established);
        opened.map(Self::of_companion).collect()
    }

    fn of_companion(client: &companion::Client) -> Self {
        let (mechanism, secret) = match client.authentication {
            Authentication::None => (Mechanism::Lowest, ""),
            Authentication::Lls => (Mechanism::Lls, "12345678"),
            Authentication::HlsGmac => (Mechanism::HlsGmac, "ABCDEFGHIJKLMNOP"),
        };
        let ciphered = client.security == Security::AuthenticatedEncrypted;
        Self {
            sap: client.sap,
            mechanisms: vec![mechanism],
            secret: Secret::from(secret),
            protection: match client.security {
                Security::None => Protection::NONE,
                Security::AuthenticatedEncrypted => Protection::AUTHENTICATED_ENCRYPTED,
            },
            proven_release: ciphered,
            pre_established: None,
            role: if mechanism == Mechanism::Lowest { Role::Public } else { Role::Management },
        }
    }

    pub(crate) fn policy<'c>(&'c self, keys: &'c SecuritySetup) -> ClientPolicy<'c> {
        ClientPolicy {
            mechanisms: &self.mechanisms,
            secret: &self.secret,
            keys: Some(DeviceKeys {
                suite: keys.suite,
                encryption: &keys.encryption,
                authentication: &keys.authentication,
            }),
            protection: match self.sap {
                // The security setup is that of the client with the keys.
                MANAGEMENT_CLIENT => self.protection.and(keys.policy.request),
                _ => self.protection,
            },
            proven_release: self.proven_release,
        }
    }
}
