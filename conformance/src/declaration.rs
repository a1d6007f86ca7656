//! What the implementation under test declares about itself: the file that goes with a run.
//!
//! ```toml
#![doc = include_str!("declaration/example.toml")]
//! ```
//!
//! No secret stands in it, only where each is found. A key that is not known is an error, and the
//! key that was probably meant is suggested: a misspelt declaration would declare something else.

mod section;

use core::{fmt, net::SocketAddr, time::Duration};
use std::{collections::BTreeMap, env, fs, io, path::Path};

use dlms_core::{
    acse::Mechanism,
    cosem::{AttributeDescriptor, ClassId, LogicalName},
    security::{
        Key, KeysWithPeer, PrivateKey, Protection, PublicKey, Secret, SecuritySuite, SystemTitle,
    },
    xdlms::Conformance,
};
use hdlc::{
    address::{Address, AddressLength},
    parameters::{InformationLength, WindowSize},
};
use toml::{Table, Value};
use zeroize::Zeroizing;

use self::section::Section;

/// A declaration to start from: that of the meter which `simulator meter --strict --physical 17`
/// is.
pub(crate) const EXAMPLE: &str = include_str!("declaration/example.toml");
/// How long a meter may take to answer, unless declared otherwise.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The inter-octet timeout that IEC 62056-46 gives for lines without a modem's delay.
const INTER_OCTET_TIMEOUT: Duration = Duration::from_millis(25);
/// The inactivity timeout that the IEC HDLC setup class has by default.
const INACTIVITY_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest of the declared timeouts: two hours, the longest that anybody waits for one case.
const TIMEOUT_MS_MAX: i64 = 7_200_000;

/// The declaration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeclarationError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    System(#[from] io::Error),
    /// Not TOML.
    #[error("is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A key that nobody knows.
    #[error("{place} is not known{}", suggested(*.suggestion))]
    Unknown {
        /// The key, with its section.
        place: String,
        /// The key that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// A value that is missing or wrong.
    #[error("{place}: {what}")]
    Value {
        /// The key, with its section.
        place: String,
        /// What is wrong.
        what: String,
    },
}

fn suggested(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |key| format!(": was {key} meant?"))
}

/// What the implementation under test declares.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Its name, for the report.
    pub name: String,
    /// The SAP of its management logical device.
    pub server: u16,
    /// The largest APDU that it takes, in octets.
    pub max_pdu: u16,
    /// How long it may take to answer.
    pub response_timeout: Duration,
    /// The services that it has.
    pub services: Conformance,
    /// Its logical devices by SAP, with their names.
    pub logical_devices: BTreeMap<u16, String>,
    /// What it declares about its HDLC layer.
    pub hdlc: HdlcDeclaration,
    /// Its clients.
    pub clients: Vec<ClientDeclaration>,
    /// Objects that cases use.
    pub objects: ObjectsDeclaration,
    /// Where the tester waits for pushes: an address of its own that the meter reaches. The port 0
    /// is any that is free.
    pub push_listener: Option<SocketAddr>,
}

/// What is declared about the HDLC layer.
#[derive(Clone, Debug)]
pub struct HdlcDeclaration {
    /// Lengths of the server addresses that it takes.
    pub address_lengths: Vec<AddressLength>,
    /// Its lower address, where its addresses have one.
    pub physical: Option<u16>,
    /// The largest information field that it takes and sends.
    pub information_max: InformationLength,
    /// The largest window that it takes and sends.
    pub window_max: WindowSize,
    /// The longest gap inside a frame.
    pub inter_octet_timeout: Duration,
    /// How long it keeps a link without a frame; none: for ever.
    pub inactivity_timeout: Option<Duration>,
}

/// How an association names objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referencing {
    /// By logical names.
    LogicalNames,
    /// By short names.
    ShortNames,
}

/// What is declared about one client.
#[derive(Clone, Debug)]
pub struct ClientDeclaration {
    /// Its SAP.
    pub sap: u16,
    /// How it names objects.
    pub referencing: Referencing,
    /// How it authenticates itself.
    pub mechanism: Mechanism,
    /// Its password or secret.
    pub secret: Secret,
    /// The security suite of its association.
    pub suite: SecuritySuite,
    /// How its APDUs are protected.
    pub protection: Protection,
    /// Its system title.
    pub system_title: Option<SystemTitle>,
    /// The global unicast encryption key.
    pub encryption_key: Option<Key>,
    /// The global authentication key.
    pub authentication_key: Option<Key>,
    /// The master key, for key transfer.
    pub master_key: Option<Key>,
    /// Its private signature key and the meter's public one, for HLS 7.
    pub signing: Option<KeysWithPeer>,
    /// Whether the meter takes dedicated keys from it.
    pub dedicated_key: bool,
    /// Whether the meter demands that its RLRQ is ciphered.
    pub proven_release: bool,
}

impl ClientDeclaration {
    /// Whether its association has a context with ciphering.
    pub(crate) fn is_ciphered(&self) -> bool {
        self.protection != Protection::NONE
    }

    /// A key that nobody has: one octet, as often as the suite asks for.
    pub(crate) fn key_of(&self, octet: u8) -> Key {
        let octets = vec![octet; self.suite.key_len()];
        Key::try_from(&octets[..]).expect("as many octets as a key has")
    }
}

/// Objects that cases use.
#[derive(Clone, Debug, Default)]
pub struct ObjectsDeclaration {
    /// An attribute that may be written with what was read from it.
    pub writable: Option<AttributeDescriptor>,
    /// An attribute that can be read and not written.
    pub read_only: Option<AttributeDescriptor>,
    /// A profile.
    pub profile: Option<LogicalName>,
    /// A push setup.
    pub push_setup: Option<LogicalName>,
    /// Whether what it pushes is ciphered.
    pub protected_pushes: bool,
    /// The security setup.
    pub security_setup: Option<LogicalName>,
    /// Attributes that are writable and are left as they are.
    pub not_written: Vec<AttributeDescriptor>,
}

/// Every service with its name in the standard (IEC 62056-5-3 clause 7.3.1).
fn services() -> Vec<(&'static str, Conformance)> {
    let bits = (0..24).map(|bit| {
        let [_, a, b, c] = (1_u32 << bit).to_be_bytes();
        Conformance::from_octets([a, b, c])
    });
    bits.filter_map(|service| Some((service.names().next()?, service))).collect()
}

const MECHANISMS: [(&str, Mechanism); 7] = [
    ("none", Mechanism::Lowest),
    ("lls", Mechanism::Lls),
    ("hls-md5", Mechanism::HlsMd5),
    ("hls-sha1", Mechanism::HlsSha1),
    ("hls-gmac", Mechanism::HlsGmac),
    ("hls-sha256", Mechanism::HlsSha256),
    ("hls-ecdsa", Mechanism::HlsEcdsa),
];

const REFERENCING: [(&str, Referencing); 2] =
    [("ln", Referencing::LogicalNames), ("sn", Referencing::ShortNames)];

const PROTECTIONS: [(&str, Protection); 4] = [
    ("none", Protection::NONE),
    ("auth", Protection::AUTHENTICATED),
    ("enc", Protection::ENCRYPTED),
    ("authenc", Protection::AUTHENTICATED_ENCRYPTED),
];

impl Declaration {
    /// Reads the file at `path`, and what it refers to.
    ///
    /// # Errors
    /// Every key that is missing, wrong or not known.
    pub fn read(path: &Path) -> Result<Self, DeclarationError> {
        Self::parse(&fs::read_to_string(path)?)
    }

    /// Reads the text of such a file, and what it refers to.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self, DeclarationError> {
        let mut top = Section::new("", text.parse::<Table>()?);
        let server = top.number("server", 1..=0x3fff)?.unwrap_or(1);
        let services = top.words("services", &services())?;
        let services = services.ok_or_else(|| top.wrong("services", "is missing"))?;
        let mut logical_devices = BTreeMap::new();
        for mut section in top.sections("logical_device")? {
            let sap = section.number("sap", 1..=0x3fff)?;
            let sap = sap.ok_or_else(|| section.wrong("sap", "is missing"))?;
            let name = section.text("name")?;
            let name = name.ok_or_else(|| section.wrong("name", "is missing"))?;
            section.finish()?;
            logical_devices.insert(sap, name);
        }
        let hdlc = HdlcDeclaration::from_section(top.section("hdlc")?)?;
        let clients = top.sections("client")?.into_iter().map(ClientDeclaration::from_section);
        let clients = clients.collect::<Result<Vec<_>, _>>()?;
        if !clients.iter().any(|client| client.referencing == Referencing::LogicalNames) {
            return Err(top.wrong("client", "at least one [[client]] with logical names is due"));
        }
        let objects = ObjectsDeclaration::from_section(top.section("objects")?)?;
        let push_listener = match top.text("push_listener")? {
            None => None,
            // It is written into the meter as the place to push to: 0.0.0.0 is none.
            Some(text) => match text.parse::<SocketAddr>() {
                Ok(address) if !address.ip().is_unspecified() => Some(address),
                _ => {
                    let due = "the IP address and the port that the meter reaches us at are due, \
                               as 192.0.2.1:4059";
                    return Err(top.wrong("push_listener", due));
                }
            },
        };
        let response_timeout = top.number("response_timeout_ms", 1..=TIMEOUT_MS_MAX)?;
        let declaration = Self {
            name: top.text("name")?.unwrap_or_else(|| "unnamed".to_owned()),
            server,
            max_pdu: top.number("max_pdu", 12..=0xffff)?.unwrap_or(0xffff),
            response_timeout: response_timeout.map_or(RESPONSE_TIMEOUT, Duration::from_millis),
            services: services.into_iter().fold(Conformance::NONE, Conformance::union),
            logical_devices,
            hdlc,
            clients,
            objects,
            push_listener,
        };
        top.finish()?;
        Ok(declaration)
    }

    /// The HDLC address of the management logical device in `length` octets.
    pub(crate) fn hdlc_address(&self, length: AddressLength) -> Option<Address> {
        let physical = self.hdlc.physical;
        match length {
            AddressLength::One => Address::try_one(u8::try_from(self.server).ok()?).ok(),
            AddressLength::Two => {
                let upper = u8::try_from(self.server).ok()?;
                Address::try_two(upper, u8::try_from(physical?).ok()?).ok()
            }
            AddressLength::Four => Address::try_four(self.server, physical?).ok(),
        }
    }
}

impl HdlcDeclaration {
    fn from_section(section: Option<Section>) -> Result<Self, DeclarationError> {
        let mut section = section.unwrap_or_else(|| Section::new("hdlc", Table::new()));
        let lengths = section.numbers("address_octets")?.unwrap_or_else(|| vec![1]);
        let length = |octets| match octets {
            1 => Ok(AddressLength::One),
            2 => Ok(AddressLength::Two),
            4 => Ok(AddressLength::Four),
            _ => Err(section.wrong("address_octets", "an address has 1, 2 or 4 octets")),
        };
        let address_lengths = lengths.into_iter().map(length).collect::<Result<Vec<_>, _>>()?;
        let information = section.number("information_max", 1..=2030)?.unwrap_or(128);
        let window = section.number("window_max", 1..=7)?.unwrap_or(1);
        let physical = section.number("physical", 1..=0x3ffd)?;
        if physical.is_none() && address_lengths.iter().any(|it| *it != AddressLength::One) {
            return Err(section.wrong("physical", "addresses of 2 and 4 octets have a lower part"));
        }
        let inter_octet = section.number("inter_octet_timeout_ms", 1..=TIMEOUT_MS_MAX)?;
        let inactivity = section.number("inactivity_timeout_s", 0..=TIMEOUT_MS_MAX / 1_000)?;
        let declaration = Self {
            address_lengths,
            physical,
            information_max: InformationLength::try_new(information)
                .map_err(|error| section.wrong("information_max", error.to_string()))?,
            window_max: WindowSize::try_new(window)
                .map_err(|error| section.wrong("window_max", error.to_string()))?,
            inter_octet_timeout: inter_octet.map_or(INTER_OCTET_TIMEOUT, Duration::from_millis),
            inactivity_timeout: match inactivity {
                None => Some(INACTIVITY_TIMEOUT),
                Some(0) => None,
                Some(seconds) => Some(Duration::from_secs(seconds)),
            },
        };
        section.finish()?;
        Ok(declaration)
    }
}

impl ClientDeclaration {
    fn from_section(mut section: Section) -> Result<Self, DeclarationError> {
        let sap = section.number("sap", 1..=0xffff)?;
        let sap = sap.ok_or_else(|| section.wrong("sap", "is missing"))?;
        let referencing = section.word("referencing", &REFERENCING)?;
        let mechanism = section.word("authentication", &MECHANISMS)?.unwrap_or(Mechanism::Lowest);
        let protection = section.word("security", &PROTECTIONS)?.unwrap_or(Protection::NONE);
        let system_title = match section.text("system_title")? {
            None => None,
            Some(digits) => Some(
                digits
                    .parse()
                    .map_err(|_| section.wrong("system_title", "16 hexadecimal digits are due"))?,
            ),
        };
        let suite = section.number("suite", 0..=2)?.unwrap_or(0);
        let suite =
            SecuritySuite::from_id(suite).ok_or_else(|| section.wrong("suite", "0 to 2"))?;
        let secret = secret(&mut section, "secret")?;
        let client = Self {
            sap,
            referencing: referencing.unwrap_or(Referencing::LogicalNames),
            mechanism,
            secret: Secret::from(secret.as_ref().map_or(&[][..], |text| text.as_bytes())),
            suite,
            protection,
            system_title,
            encryption_key: key(&mut section, "encryption_key", suite)?,
            authentication_key: key(&mut section, "authentication_key", suite)?,
            master_key: key(&mut section, "master_key", suite)?,
            signing: signing(&mut section, suite)?,
            dedicated_key: section.truth("dedicated_key")?,
            proven_release: section.truth("proven_release")?,
        };
        let is_simple = !mechanism.is_hls() && !client.is_ciphered();
        if client.referencing == Referencing::ShortNames && !is_simple {
            let what = "short names are tried without HLS and without ciphering";
            return Err(section.wrong("referencing", what));
        }
        let by_keys = matches!(mechanism, Mechanism::HlsGmac | Mechanism::HlsEcdsa);
        let needs_secret = mechanism != Mechanism::Lowest && !by_keys;
        if needs_secret && secret.is_none() {
            return Err(section.wrong("secret", "this authentication needs one"));
        }
        if (mechanism.proves_titles() || client.is_ciphered()) && system_title.is_none() {
            return Err(section.wrong("system_title", "this client needs one"));
        }
        let keys = mechanism == Mechanism::HlsGmac || client.is_ciphered();
        let has_keys = client.encryption_key.is_some() && client.authentication_key.is_some();
        if keys && !has_keys {
            return Err(section.wrong("encryption_key", "and authentication_key are needed"));
        }
        if mechanism == Mechanism::HlsEcdsa && client.signing.is_none() {
            let what = "and server_signature_key are needed, of suite 1 or 2";
            return Err(section.wrong("signature_key", what));
        }
        section.finish()?;
        Ok(client)
    }
}

impl ObjectsDeclaration {
    fn from_section(section: Option<Section>) -> Result<Self, DeclarationError> {
        let Some(mut section) = section else { return Ok(Self::default()) };
        let not_written = section.texts("not_written")?.unwrap_or_default();
        let not_written = not_written.iter().map(|text| {
            attribute(text).ok_or_else(|| section.wrong("not_written", attribute_due(text)))
        });
        let not_written = not_written.collect::<Result<_, _>>()?;
        let mut one = |key| match section.text(key)? {
            None => Ok(None),
            Some(text) => match attribute(&text) {
                Some(attribute) => Ok(Some(attribute)),
                None => Err(section.wrong(key, attribute_due(&text))),
            },
        };
        let (writable, read_only) = (one("writable")?, one("read_only")?);
        let mut name = |key| match section.text(key)? {
            None => Ok(None),
            Some(text) => text
                .parse::<LogicalName>()
                .map(Some)
                .map_err(|_| section.wrong(key, format!("{text:?} is no logical name"))),
        };
        let objects = Self {
            writable,
            read_only,
            profile: name("profile")?,
            push_setup: name("push_setup")?,
            security_setup: name("security_setup")?,
            protected_pushes: section.truth("protected_pushes")?,
            not_written,
        };
        section.finish()?;
        Ok(objects)
    }
}

/// `CLASS:LOGICAL_NAME:ATTRIBUTE`, as `8:0-0:1.0.0*255:2`.
fn attribute(text: &str) -> Option<AttributeDescriptor> {
    let (class, rest) = text.split_once(':')?;
    let (name, attribute) = rest.rsplit_once(':')?;
    let class = ClassId(class.parse().ok()?);
    Some(AttributeDescriptor::new(class, name.parse().ok()?, attribute.parse().ok()?))
}

fn attribute_due(text: &str) -> String {
    format!("{text:?} is no attribute: write CLASS:NAME:ATTRIBUTE, as 8:0-0:1.0.0*255:2")
}

/// A text that stands elsewhere: `{ env = "NAME" }` or `{ file = "PATH" }`.
fn secret(
    section: &mut Section,
    key: &'static str,
) -> Result<Option<Zeroizing<String>>, DeclarationError> {
    let due = "write { env = \"NAME\" } or { file = \"PATH\" }: no secret stands in this file";
    let Some(value) = section.take(key) else { return Ok(None) };
    let Value::Table(table) = value else { return Err(section.wrong(key, due)) };
    let mut entries = table.into_iter();
    let text = match (entries.next(), entries.next()) {
        (Some((from, Value::String(name))), None) if from == "env" => {
            env::var(&name).map_err(|_| {
                section.wrong(key, format!("the environment variable {name} is not set"))
            })?
        }
        (Some((from, Value::String(path))), None) if from == "file" => {
            let text = fs::read_to_string(&path);
            text.map_err(|error| section.wrong(key, format!("{path}: {error}")))?
        }
        _ => return Err(section.wrong(key, due)),
    };
    let text = Zeroizing::new(text);
    Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}

fn key(
    section: &mut Section,
    key: &'static str,
    suite: SecuritySuite,
) -> Result<Option<Key>, DeclarationError> {
    let Some(digits) = secret(section, key)? else { return Ok(None) };
    let length = suite.key_len();
    let parsed = digits.parse::<Key>().ok().filter(|key| key.octets().len() == length);
    let due = format!("{} hexadecimal digits are due", 2 * length);
    parsed.map(Some).ok_or_else(|| section.wrong(key, due))
}

/// The signature keys: both or neither, on the curve of the suite.
fn signing(
    section: &mut Section,
    suite: SecuritySuite,
) -> Result<Option<KeysWithPeer>, DeclarationError> {
    let own = secret(section, "signature_key")?;
    let peer = secret(section, "server_signature_key")?;
    let (own, peer) = match (own, peer) {
        (None, None) => return Ok(None),
        (Some(own), Some(peer)) => (own, peer),
        _ => return Err(section.wrong("signature_key", "and server_signature_key go together")),
    };
    let curve = suite.curve();
    let curve = curve.ok_or_else(|| section.wrong("signature_key", "suite 0 has no signatures"))?;
    let digits = 2 * curve.coordinate_len();
    let own = own.parse().ok().filter(|key: &PrivateKey| key.curve() == curve);
    let own = own.ok_or_else(|| {
        section.wrong("signature_key", format!("{digits} hexadecimal digits are due"))
    })?;
    let peer = peer.parse().ok().filter(|key: &PublicKey| key.curve() == curve);
    let peer = peer.ok_or_else(|| {
        let due = format!("{} hexadecimal digits are due, of both coordinates", 2 * digits);
        section.wrong("server_signature_key", due)
    })?;
    Ok(Some(KeysWithPeer { own, peer }))
}

/// Octets that an address takes, for messages.
pub(crate) struct Octets(pub(crate) AddressLength);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an address of {} octets", self.0.octets())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "services = [\"get\"]\n[[client]]\nsap = 16\n";

    fn error(text: &str) -> String {
        Declaration::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_small_declaration_is_filled_up_with_the_defaults_of_the_standard() {
        let declaration = Declaration::parse(SMALL).unwrap();
        assert_eq!(declaration.server, 1);
        assert_eq!(declaration.services, Conformance::GET);
        assert_eq!(declaration.hdlc.information_max, InformationLength::DEFAULT);
        assert_eq!(declaration.clients[0].mechanism, Mechanism::Lowest);
        assert_eq!(declaration.hdlc_address(AddressLength::One), Some(Address::MANAGEMENT));
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_known_one_suggested() {
        let text = format!("respons_timeout_ms = 3\n{SMALL}");
        assert_eq!(error(&text), "respons_timeout_ms is not known: was response_timeout_ms meant?");
        let text = format!("{SMALL}sytem_title = \"\"\n");
        assert_eq!(error(&text), "client[0].sytem_title is not known: was system_title meant?");
        let text = format!("{SMALL}[hdlc]\nqq = 1\n");
        assert_eq!(error(&text), "hdlc.qq is not known");
    }

    #[test]
    fn pushes_are_awaited_where_a_meter_can_direct_them_to() {
        let declared = |listener| format!("push_listener = \"{listener}\"\n{SMALL}");
        for wrong in ["0.0.0.0:4059", "[::]:4059", "192.0.2.1", "meter:4059"] {
            let error = error(&declared(wrong));
            assert!(error.starts_with("push_listener: the IP address"), "{wrong}: {error}");
        }
        let right = Declaration::parse(&declared("192.0.2.1:0")).unwrap();
        assert_eq!(right.push_listener, Some("192.0.2.1:0".parse().unwrap()));
    }

    #[test]
    fn a_secret_stands_elsewhere_and_a_message_never_shows_it() {
        let text = format!("{SMALL}authentication = \"lls\"\nsecret = \"12345678\"\n");
        let message = error(&text);
        assert!(message.contains("client[0].secret"), "{message}");
        assert!(!message.contains("12345678"), "{message}");
        let text = format!("{SMALL}secret = {{ env = \"DLMS_CONFORMANCE_NOT_SET\" }}\n");
        assert!(error(&text).contains("DLMS_CONFORMANCE_NOT_SET is not set"));
    }

    #[test]
    fn keys_are_as_long_as_the_suite_asks_for_and_signature_keys_on_its_curve() {
        let folder = env::temp_dir().join(format!("dlms-conformance-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, digits: String| {
            let path = folder.join(name);
            fs::write(&path, digits).unwrap();
            format!("{{ file = {:?} }}", path.display().to_string())
        };
        let (short, long) = (file("short", "5a".repeat(16)), file("long", "5A".repeat(32)));
        let of = |suite: u8, keys: &str| {
            let client = "security = \"authenc\"\nsystem_title = \"434C49454E543031\"";
            Declaration::parse(&format!("{SMALL}suite = {suite}\n{client}\n{keys}\n"))
        };
        let both = |key: &str| format!("encryption_key = {key}\nauthentication_key = {key}");
        for (suite, right, wrong, digits) in
            [(0, &short, &long, 32), (1, &short, &long, 32), (2, &long, &short, 64)]
        {
            let declaration = of(suite, &both(right)).unwrap();
            assert_eq!(declaration.clients[0].suite.id(), suite);
            let due = format!("client[0].encryption_key: {digits} hexadecimal digits are due");
            assert_eq!(of(suite, &both(wrong)).unwrap_err().to_string(), due);
        }
        // 1 is a private key of either curve, and the base point its public one.
        let private = file("private", format!("{:0>64}", "1"));
        let public = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                      4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
        let public = file("public", public.to_owned());
        let signing = format!("signature_key = {private}\nserver_signature_key = {public}");
        let declaration = of(1, &format!("{}\n{signing}", both(&short))).unwrap();
        assert!(declaration.clients[0].signing.is_some());
        for (suite, keys, expected) in [
            (0, format!("{}\n{signing}", both(&short)), "suite 0 has no signatures"),
            (2, format!("{}\n{signing}", both(&long)), "96 hexadecimal digits are due"),
            (1, format!("{}\nsignature_key = {private}", both(&short)), "go together"),
        ] {
            let message = of(suite, &keys).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_a_client_needs_and_does_not_declare_is_named() {
        for (more, expected) in [
            ("authentication = \"lls\"", "client[0].secret"),
            ("security = \"authenc\"", "client[0].system_title"),
            ("authentication = \"hls\"", "none of none, lls"),
            (
                "authentication = \"hls-ecdsa\"\nsystem_title = \"434C49454E543031\"",
                "signature_key",
            ),
            ("suite = 3", "client[0].suite"),
            ("referencing = \"sn\"", "client"),
            ("referencing = \"sn\"\nauthentication = \"hls-md5\"", "client[0].referencing"),
            ("[hdlc]\naddress_octets = [2]", "hdlc.physical"),
            ("[hdlc]\naddress_octets = [3]", "1, 2 or 4"),
            ("[objects]\nwritable = \"1-0:1.8.0\"", "objects.writable"),
        ] {
            let message = error(&format!("{SMALL}{more}\n"));
            assert!(message.contains(expected), "{message}");
        }
    }
}
