//! The clients that a meter knows: how each proves itself and what it may do.

use dlms_core::{
    acse::Mechanism,
    association::{ClientPolicy, DeviceKeys},
    cosem::ClassId,
    security::{Key, Protection, Secret, SecuritySuite},
};

use crate::objects::{CosemObject, Rights};

/// The SAP of the public client (IEC 62056-47).
pub const PUBLIC_CLIENT: u16 = 16;
/// The SAP of the client that reads with a password.
pub const READING_CLIENT: u16 = 17;
/// The SAP of the management client.
pub const MANAGEMENT_CLIENT: u16 = 1;

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

impl Role {
    /// What is left for this role of the rights that the object allows at all.
    pub(crate) fn limit(self, object: &dyn CosemObject, rights: Rights) -> Rights {
        match (self, rights) {
            (Self::Management, rights) => rights,
            (_, Rights::NoAccess) => Rights::NoAccess,
            (Self::Reading, _) => Rights::Read,
            (Self::Public, _) if is_public(object) => Rights::Read,
            (Self::Public, _) => Rights::NoAccess,
        }
    }

    pub(crate) fn may_invoke(self) -> bool {
        self == Self::Management
    }
}

fn is_public(object: &dyn CosemObject) -> bool {
    match object.class() {
        ClassId::CLOCK | ClassId::SAP_ASSIGNMENT | ClassId::ASSOCIATION_LN => true,
        // Logical device name, device ID, invocation counter: 0-0:42, 0-0:96.1, 0-0:43.1.
        ClassId::DATA => matches!(object.name().0, [0, 0, 42, ..] | [0, 0, 96 | 43, 1, ..]),
        _ => false,
    }
}

/// The keys of a meter, the same for all its clients.
#[derive(Clone, Debug)]
pub struct MeterKeys {
    /// The global unicast encryption key, of 16 octets.
    pub encryption: Key,
    /// The global authentication key, of 16 octets.
    pub authentication: Key,
}

impl Default for MeterKeys {
    /// The keys of published worked examples: 00 01 .. 0F and D0 D1 .. DF.
    fn default() -> Self {
        Self {
            encryption: Key::from(core::array::from_fn(|octet| octet as u8)),
            authentication: Key::from(core::array::from_fn(|octet| 0xd0 + octet as u8)),
        }
    }
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
    /// What it may do.
    pub role: Role,
}

impl MeterClient {
    /// The three clients of a meter: public without authentication, reading with the password
    /// `12345678`, management with HLS 2 to 6 and the secret `ABCDEFGHIJKLMNOP`. All of them may do
    /// everything, so that every client program can be tried in every mode; a real meter is
    /// stricter, see [`strict`](Self::strict).
    pub fn open() -> Vec<Self> {
        let client = |sap, mechanisms: &[Mechanism], secret: &str| Self {
            sap,
            mechanisms: mechanisms.to_vec(),
            secret: Secret::from(secret),
            protection: Protection::NONE,
            proven_release: false,
            role: Role::Management,
        };
        let high = [
            Mechanism::Hls2,
            Mechanism::HlsMd5,
            Mechanism::HlsSha1,
            Mechanism::HlsGmac,
            Mechanism::HlsSha256,
        ];
        vec![
            client(PUBLIC_CLIENT, &[Mechanism::Lowest], ""),
            client(READING_CLIENT, &[Mechanism::Lls], "12345678"),
            client(MANAGEMENT_CLIENT, &high, "ABCDEFGHIJKLMNOP"),
        ]
    }

    /// The same clients as a meter in the field has them: the public client reads what it needs to
    /// find its way, the reading client reads, and the management client must use GMAC and protect
    /// every request with authentication and encryption.
    pub fn strict() -> Vec<Self> {
        let mut clients = Self::open();
        for client in &mut clients {
            match client.sap {
                PUBLIC_CLIENT => client.role = Role::Public,
                READING_CLIENT => client.role = Role::Reading,
                _ => {
                    client.mechanisms = vec![Mechanism::HlsGmac];
                    client.protection = Protection::AUTHENTICATED_ENCRYPTED;
                    client.proven_release = true;
                }
            }
        }
        clients
    }

    pub(crate) fn policy<'c>(&'c self, keys: &'c MeterKeys) -> ClientPolicy<'c> {
        ClientPolicy {
            mechanisms: &self.mechanisms,
            secret: &self.secret,
            keys: Some(DeviceKeys {
                suite: SecuritySuite::Suite0,
                encryption: &keys.encryption,
                authentication: &keys.authentication,
            }),
            protection: self.protection,
            proven_release: self.proven_release,
        }
    }
}
