//! Transcripts: octets in, octets out.

mod blocks;
mod ciphering;
mod establish;
mod held;
mod layers;
mod pair;
mod replay;
mod services;
mod short_names;
mod suites;
mod unconfirmed;

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt::Write;
use std::collections::BTreeMap;

use super::*;
use crate::{
    acse::Mechanism,
    association::{KeySet, ShortNameObject},
    axdr::{Data, DataBuf, RawData},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, ShortName},
    security::{
        CryptoProvider, Key, PartyKeys, Protection, ReceiveCounter, RustCrypto, Secret,
        SecuritySuite, SystemTitle,
    },
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};

/// AARQ of the public client: LN without ciphering, conformance 007E1F, any PDU size.
const AARQ: &str = "601da109060760857405080101be10040e01000000065f1f0400007e1fffff";
/// The same, but it wants blocks of ACTION as well.
const AARQ_ALL: &str = "601da109060760857405080101be10040e01000000065f1f04007fffffffff";

/// 1-0:1.8.0*255: a double-long-unsigned.
const ENERGY: &str = "00030100010800ff02";
/// 0-0:96.1.0*255: whatever was written.
const NOTE: &str = "00010000600100ff02";
/// 1-0:99.1.0*255: a hundred numbers.
const LONG: &str = "00070100630100ff02";
/// 9-9:9.9.9*255 is not there.
const NOTHING: &str = "00010909090909ff02";
/// Method 1 of 0-0:10.0.0*255 returns its parameter, method 2 takes anything and returns nothing,
/// and method 4 returns what was written to the note.
const ECHO: &str = "000900000a0000ff01";
const SINK: &str = "000900000a0000ff02";

const MECHANISMS: [Mechanism; 7] = [
    Mechanism::Lowest,
    Mechanism::Lls,
    Mechanism::Hls2,
    Mechanism::HlsMd5,
    Mechanism::HlsSha1,
    Mechanism::HlsGmac,
    Mechanism::HlsSha256,
];

/// A device with an object of each kind that the tests need.
struct Toy {
    mechanisms: Vec<Mechanism>,
    secret: Secret,
    suite: SecuritySuite,
    party_keys: Option<PartyKeys>,
    encryption_key: Key,
    authentication_key: Key,
    protection: Protection,
    proven_release: bool,
    note: Vec<u8>,
    /// How often it was read.
    note_reads: usize,
    counter: u32,
    received: BTreeMap<[u8; 8], ReceiveCounter>,
    broadcast_key: Option<Key>,
    received_broadcast: ReceiveCounter,
    has_short_names: bool,
    /// Under which keys the last SET came.
    key_set: Option<KeySet>,
}

impl Toy {
    /// Open to everybody, with every mechanism.
    fn new() -> Self {
        Self {
            mechanisms: MECHANISMS.to_vec(),
            secret: Secret::from("12345678"),
            suite: SecuritySuite::Suite0,
            party_keys: None,
            encryption_key: Key::from(core::array::from_fn(|octet| octet as u8)),
            authentication_key: Key::from(core::array::from_fn(|octet| 0xd0 + octet as u8)),
            protection: Protection::NONE,
            proven_release: true,
            note: [0x11, 0x05].to_vec(),
            note_reads: 0,
            counter: 100,
            received: BTreeMap::new(),
            broadcast_key: None,
            received_broadcast: ReceiveCounter::new(),
            has_short_names: false,
            key_set: None,
        }
    }

    /// With short names as well.
    fn with_short_names() -> Self {
        Self { has_short_names: true, ..Self::new() }
    }

    /// Closed to whoever does not use this mechanism.
    fn demanding(mechanism: Mechanism) -> Self {
        Self { mechanisms: [mechanism].to_vec(), ..Self::new() }
    }
}

impl LogicalDevice for Toy {
    fn system_title(&self) -> SystemTitle {
        SystemTitle(*b"TOY\0\0\0\0\x01")
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        (sap == 16).then_some(ClientPolicy {
            mechanisms: &self.mechanisms,
            secret: &self.secret,
            keys: Some(DeviceKeys {
                suite: self.suite,
                encryption: &self.encryption_key,
                authentication: &self.authentication_key,
            }),
            protection: self.protection,
            proven_release: self.proven_release,
        })
    }

    fn party_keys(&self, _client: u16) -> Option<&PartyKeys> {
        self.party_keys.as_ref()
    }

    fn short_names(&self) -> &[ShortNameObject] {
        const fn object(base: u16, class: u16, instance: [u8; 6]) -> ShortNameObject {
            let instance = LogicalName(instance);
            let (base, class) = (ShortName(base), ClassId(class));
            ShortNameObject { base, class, version: 0, instance, attributes: 3 }
        }
        const OBJECTS: [ShortNameObject; 4] = [
            object(0x1000, 3, [1, 0, 1, 8, 0, 255]),
            object(0x2000, 1, [0, 0, 96, 1, 0, 255]),
            object(0x3000, 7, [1, 0, 99, 1, 0, 255]),
            object(0x4000, 9, [0, 0, 10, 0, 0, 255]),
        ];
        if self.has_short_names { &OBJECTS } else { &[] }
    }

    fn take_counter(&mut self) -> Option<u32> {
        self.counter += 1;
        Some(self.counter)
    }

    fn broadcast_key(&self) -> Option<&Key> {
        self.broadcast_key.as_ref()
    }

    fn received_broadcast(&self, _: SystemTitle) -> ReceiveCounter {
        self.received_broadcast
    }

    fn accept_broadcast(&mut self, _: SystemTitle, counter: u32) -> bool {
        self.received_broadcast.accept(counter);
        true
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.received.get(&client.0).copied().unwrap_or_default()
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        self.received.entry(client.0).or_default().accept(counter);
        true
    }

    fn get(
        &mut self,
        _access: &Access,
        attribute: AttributeDescriptor,
        _selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        match attribute.instance.0 {
            [1, 0, 1, 8, 0, 255] => Data::DoubleLongUnsigned(42).encode(&mut Writer::new(out)),
            [0, 0, 96, 1, 0, 255] => {
                self.note_reads += 1;
                out.extend_from_slice(&self.note);
            }
            [1, 0, 99, 1, 0, 255] => DataBuf::array((0..100).map(DataBuf::DoubleLongUnsigned))
                .encode(&mut Writer::new(out)),
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(())
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        _selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        self.key_set = Some(access.key_set);
        match attribute.instance.0 {
            [0, 0, 96, 1, 0, 255] => {
                self.note = value.octets().to_owned();
                Ok(())
            }
            _ => Err(DataAccessResult::ReadWriteDenied),
        }
    }

    fn action(
        &mut self,
        _access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let scripts = LogicalName([0, 0, 10, 0, 0, 255]);
        if (method.class, method.instance) != (ClassId::SCRIPT_TABLE, scripts) {
            return Err(ActionResult::ObjectUndefined);
        }
        match method.method.0 {
            1 => out.extend_from_slice(parameters.unwrap_or(RawData::NULL).octets()),
            2 => {}
            4 => {
                self.note_reads += 1;
                out.extend_from_slice(&self.note);
            }
            _ => return Err(ActionResult::ReadWriteDenied),
        }
        Ok(())
    }
}

/// Octets 1, 2, 3 and so on.
#[derive(Default)]
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            self.0 = self.0.wrapping_add(1);
            *octet = self.0;
        }
    }
}

/// A server and its device, asked in hex.
struct Bench {
    server: Server,
    device: Toy,
}

impl Bench {
    fn new(device: Toy) -> Self {
        Self { server: Server::new(ServerConfig::new(16)), device }
    }

    /// With an association of the public client.
    fn associated() -> Self {
        let mut bench = Self::new(Toy::new());
        bench.ask(AARQ_ALL);
        assert!(bench.server.is_associated());
        bench
    }

    /// The answer to an APDU; empty when there is none.
    fn ask(&mut self, apdu: &str) -> String {
        hex(&self.ask_octets(&octets(apdu)))
    }

    fn ask_octets(&mut self, apdu: &[u8]) -> Vec<u8> {
        let mut apdu = apdu.to_owned();
        let mut out = [0xee].to_vec();
        let entropy = &mut Counting::default();
        let answered = self.server.handle_apdu(&mut self.device, entropy, &mut apdu, &mut out);
        assert_eq!(answered, !out.is_empty());
        out
    }
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| {
            u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal digits")
        })
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("writing to a string");
        text
    })
}
