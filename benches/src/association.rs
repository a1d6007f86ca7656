//! What an association costs, from the AARQ to the RLRE with one reading between them, in each
//! security suite and with each cryptographic provider. Both sides count: the client and a meter
//! that has one register.

use std::sync::Arc;

use dlms_core::{
    acse::Mechanism,
    association::{
        Access, Ciphering, Client, ClientConfig, ClientPolicy, DeviceKeys, Entropy, Event,
        LogicalDevice, Request, Response, Server, ServerConfig,
    },
    axdr::{Data, RawData, Writer},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::{
        CryptoProvider, Key, KeysWithPeer, PartyKeys, PrivateKey, Protection, ReceiveCounter,
        RustCrypto, Secret, SecuritySuite, SystemTitle,
    },
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};
use dlms_tokio::AwsLc;
use sans_io_time::Instant;

use crate::workload::{Named, Workload, named};

/// An association in every suite; those that have public keys also with ECDSA.
pub const ASSOCIATIONS: &[Named] = &[
    named("association_suite_0_gmac_rustcrypto", |_| {
        association(SecuritySuite::Suite0, Mechanism::HlsGmac, RustCrypto)
    }),
    named("association_suite_0_gmac_aws_lc", |_| {
        association(SecuritySuite::Suite0, Mechanism::HlsGmac, AwsLc)
    }),
    named("association_suite_1_gmac_rustcrypto", |_| {
        association(SecuritySuite::Suite1, Mechanism::HlsGmac, RustCrypto)
    }),
    named("association_suite_1_ecdsa_rustcrypto", |_| {
        association(SecuritySuite::Suite1, Mechanism::HlsEcdsa, RustCrypto)
    }),
    named("association_suite_1_ecdsa_aws_lc", |_| {
        association(SecuritySuite::Suite1, Mechanism::HlsEcdsa, AwsLc)
    }),
    named("association_suite_2_gmac_rustcrypto", |_| {
        association(SecuritySuite::Suite2, Mechanism::HlsGmac, RustCrypto)
    }),
    named("association_suite_2_ecdsa_rustcrypto", |_| {
        association(SecuritySuite::Suite2, Mechanism::HlsEcdsa, RustCrypto)
    }),
    named("association_suite_2_ecdsa_aws_lc", |_| {
        association(SecuritySuite::Suite2, Mechanism::HlsEcdsa, AwsLc)
    }),
];

/// The SAP of the client.
const SAP: u16 = 1;
const CLIENT_TITLE: SystemTitle = SystemTitle(*b"HES00001");
const METER_TITLE: SystemTitle = SystemTitle(*b"MDM12345");
/// Active energy import, total.
const REGISTER: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
const ENERGY: u32 = 1_234_567;
/// Invocation counters that an association takes at most: those of GMAC, of the two Initiate
/// APDUs and of three services.
const COUNTERS: u32 = 8;

fn association<P>(suite: SecuritySuite, mechanism: Mechanism, provider: P) -> Workload
where
    P: CryptoProvider + Clone + 'static,
{
    let [client_keys, meter_keys] = party_keys(suite);
    let (encryption, authentication) = (key(suite, 0), key(suite, 0xd0));
    let config = ClientConfig {
        mechanism,
        system_title: Some(CLIENT_TITLE),
        ciphering: Some(Ciphering {
            suite,
            protection: Protection::AUTHENTICATED_ENCRYPTED,
            encryption_key: encryption.clone(),
            authentication_key: Some(authentication.clone()),
            dedicated: false,
            general: false,
        }),
        party_keys: client_keys,
        ..ClientConfig::default()
    };
    let mut client = Client::new(config, Arc::new(provider.clone()));
    let mut meter = Meter {
        provider: Box::new(provider),
        mechanism,
        suite,
        encryption,
        authentication,
        secret: Secret::from(""),
        party_keys: meter_keys,
        next_counter: 0,
        received: ReceiveCounter::new(),
    };
    let mut server = Server::new(ServerConfig::new(SAP));
    let mut next_counter = 0_u32;
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    Workload::new("association", 1, move || {
        client.grant_counters(next_counter..next_counter + COUNTERS);
        next_counter += COUNTERS;
        client.associate(&mut Counting(1)).expect("nothing is missing");
        let mut energy = 0;
        loop {
            while client.poll_transmit(Instant::ZERO, &mut request) {
                if server.handle_apdu(&mut meter, &mut Counting(9), &mut request, &mut answer) {
                    client.handle_apdu(&mut answer);
                }
            }
            match client.poll_event().expect("something happens") {
                Event::Associated(_) => {
                    let get = Request::Get { attribute: REGISTER, selection: None };
                    client.request(get).expect("an association");
                }
                Event::Response(_, Response::Get(Ok(value))) => {
                    let data = RawData::from_octets(&value).expect("a value");
                    energy = data.data().ok().and_then(|data| data.as_unsigned()).unwrap_or(0);
                    client.release().expect("an association");
                }
                Event::Released => return energy,
                other => panic!("{other:?}"),
            }
        }
    })
}

/// The signature keys of both sides.
fn party_keys(suite: SecuritySuite) -> [PartyKeys; 2] {
    let Some(curve) = suite.curve() else { return Default::default() };
    let own = ["11", "22"].map(|octet| -> PrivateKey {
        octet.repeat(curve.coordinate_len()).parse().expect("a private key")
    });
    let provider = RustCrypto.public_keys().expect("it has them");
    let [client, meter] =
        [&own[0], &own[1]].map(|own| provider.public_key(own).expect("a public key"));
    own.into_iter()
        .zip([meter, client])
        .map(|(own, peer)| PartyKeys {
            signing: Some(KeysWithPeer { own, peer }),
            ..PartyKeys::default()
        })
        .collect::<Vec<_>>()
        .try_into()
        .expect("two sides")
}

/// A key of the suite from octets that count up from `first`.
fn key(suite: SecuritySuite, first: u8) -> Key {
    let octets: Vec<u8> = (first..).take(suite.key_len()).collect();
    Key::try_from(&octets[..]).expect("the length of a key")
}

/// Challenges that look like none, and are the same in every run.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            self.0 = self.0.wrapping_mul(5).wrapping_add(1);
            *octet = self.0;
        }
    }
}

/// A meter with one register for one client.
#[derive(Debug)]
struct Meter {
    provider: Box<dyn CryptoProvider>,
    mechanism: Mechanism,
    suite: SecuritySuite,
    encryption: Key,
    authentication: Key,
    secret: Secret,
    party_keys: PartyKeys,
    next_counter: u32,
    received: ReceiveCounter,
}

impl LogicalDevice for Meter {
    fn system_title(&self) -> SystemTitle {
        METER_TITLE
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &*self.provider
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        (sap == SAP).then_some(ClientPolicy {
            mechanisms: core::slice::from_ref(&self.mechanism),
            secret: &self.secret,
            keys: Some(DeviceKeys {
                suite: self.suite,
                encryption: &self.encryption,
                authentication: &self.authentication,
            }),
            protection: Protection::AUTHENTICATED_ENCRYPTED,
            proven_release: true,
        })
    }

    fn party_keys(&self, _: u16) -> Option<&PartyKeys> {
        Some(&self.party_keys)
    }

    fn take_counter(&mut self) -> Option<u32> {
        self.next_counter += 1;
        Some(self.next_counter)
    }

    fn received(&self, _: SystemTitle) -> ReceiveCounter {
        self.received
    }

    fn accept(&mut self, _: SystemTitle, counter: u32) -> bool {
        self.received.accept(counter);
        true
    }

    fn get(
        &mut self,
        _: &Access,
        attribute: AttributeDescriptor,
        _: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        if attribute != REGISTER {
            return Err(DataAccessResult::ObjectUndefined);
        }
        Data::DoubleLongUnsigned(ENERGY).encode(&mut Writer::new(out));
        Ok(())
    }

    fn set(
        &mut self,
        _: &Access,
        _: AttributeDescriptor,
        _: Option<SelectiveAccess<'_>>,
        _: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        Err(DataAccessResult::ReadWriteDenied)
    }

    fn action(
        &mut self,
        _: &Access,
        _: MethodDescriptor,
        _: Option<RawData<'_>>,
        _: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        Err(ActionResult::ObjectUndefined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_association_reads_the_register_and_does_so_again() {
        for association in ASSOCIATIONS {
            let mut workload = (association.ready)(0);
            for _ in 0..3 {
                assert_eq!((workload.run)(), u64::from(ENERGY), "{}", association.name);
            }
        }
    }
}
