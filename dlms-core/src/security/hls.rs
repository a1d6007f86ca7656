//! High level security: four passes in which client and server prove to each other that they hold
//! the same secret (Green Book 9.2.2.2.2.4, 9.2.7.4).
//!
//! ```text
//! 1  client -> server  AARQ     CtoS, the client's challenge
//! 2  server -> client  AARE     StoC, the server's challenge
//! 3  client -> server  reply_to_HLS_authentication     f(StoC)
//! 4  server -> client  its return parameter            f(CtoS)
//! ```
//!
//! | mechanism | the client's f(StoC) | the server's f(CtoS) |
//! |---|---|---|
//! | 2 | the manufacturer's: see [`ManufacturerMechanism`] | |
//! | 3 | MD5(StoC, secret) | MD5(CtoS, secret) |
//! | 4 | SHA-1(StoC, secret) | SHA-1(CtoS, secret) |
//! | 5 | SC, IC, GMAC(SC, AK, StoC) | SC, IC, GMAC(SC, AK, CtoS) |
//! | 6 | SHA-256(secret, ST-C, ST-S, StoC, CtoS) | SHA-256(secret, ST-S, ST-C, CtoS, StoC) |
//! | 7 | ECDSA(ST-C, ST-S, StoC, CtoS) | ECDSA(ST-S, ST-C, CtoS, StoC) |
//!
//! ST-C and ST-S are the system titles of client and server; in mechanism 5 the initialization
//! vector is the replier's own title and IC.

mod ecdsa;

use alloc::vec::Vec;
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    CryptoError, CryptoProvider, Key, Protection, ReceiveCounter, Secret, SecurityControl,
    SecurityError, SecuritySuite, SendCounters, SystemTitle, TAG_LEN,
    cipher::{associated_data, check_length, initialization_vector},
};

pub use self::ecdsa::EcdsaKeys;

/// Octets of a challenge, at least.
pub const CHALLENGE_LEN_MIN: usize = 8;
/// Octets of a challenge of mechanism 7, at least.
pub const ECDSA_CHALLENGE_LEN_MIN: usize = 32;
/// Octets of a challenge, at most.
pub const CHALLENGE_LEN_MAX: usize = 64;

/// What both sides know when passes 3 and 4 begin.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The mechanism and what it needs to hold.
    pub credentials: Credentials<'a>,
    /// The client's system title, for mechanisms 5, 6 and 7.
    pub client_title: Option<SystemTitle>,
    /// The server's system title, for mechanisms 5, 6 and 7.
    pub server_title: Option<SystemTitle>,
    /// CtoS, the challenge that the client sent.
    pub ctos: &'a [u8],
    /// StoC, the challenge that the server sent.
    pub stoc: &'a [u8],
}

impl Exchange<'_> {
    /// f(StoC), which the client sends in pass 3. Mechanism 5 takes one of `counters`, the counters
    /// of its key; the others take none.
    ///
    /// # Errors
    /// [`SecurityError::ChallengeLength`], [`SecurityError::ChallengeReflected`],
    /// [`SecurityError::SecretEmpty`], [`SecurityError::SystemTitleMissing`],
    /// [`SecurityError::KeyLength`], [`SecurityError::CountersExhausted`], and what the provider
    /// reports.
    pub fn client_reply(
        &self,
        provider: &dyn CryptoProvider,
        counters: &mut SendCounters,
    ) -> Result<Vec<u8>, SecurityError> {
        self.reply(&self.client_turn(), provider, counters)
    }

    /// Verifies, in the server, the reply of pass 3. Mechanism 5 compares its invocation counter
    /// with `counter`, and accepts it there once the reply verified.
    ///
    /// # Errors
    /// [`SecurityError::ReplyMismatch`], [`SecurityError::ReplyControl`],
    /// [`SecurityError::CounterNotGreater`], [`SecurityError::CounterMaximum`], and as
    /// [`client_reply`](Self::client_reply).
    pub fn verify_client_reply(
        &self,
        provider: &dyn CryptoProvider,
        counter: &mut ReceiveCounter,
        reply: &[u8],
    ) -> Result<(), SecurityError> {
        self.verify(&self.client_turn(), provider, counter, reply)
    }

    /// f(CtoS), which the server returns in pass 4, after it verified pass 3. Mechanism 5 takes one
    /// of `counters`.
    ///
    /// # Errors
    /// As [`client_reply`](Self::client_reply).
    pub fn server_reply(
        &self,
        provider: &dyn CryptoProvider,
        counters: &mut SendCounters,
    ) -> Result<Vec<u8>, SecurityError> {
        self.reply(&self.server_turn(), provider, counters)
    }

    /// Verifies, in the client, the reply of pass 4.
    ///
    /// # Errors
    /// As [`verify_client_reply`](Self::verify_client_reply).
    pub fn verify_server_reply(
        &self,
        provider: &dyn CryptoProvider,
        counter: &mut ReceiveCounter,
        reply: &[u8],
    ) -> Result<(), SecurityError> {
        self.verify(&self.server_turn(), provider, counter, reply)
    }

    const fn client_turn(&self) -> Turn<'_> {
        Turn {
            own_title: self.client_title,
            other_title: self.server_title,
            asked: self.stoc,
            asking: self.ctos,
        }
    }

    const fn server_turn(&self) -> Turn<'_> {
        Turn {
            own_title: self.server_title,
            other_title: self.client_title,
            asked: self.ctos,
            asking: self.stoc,
        }
    }

    fn reply(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
        counters: &mut SendCounters,
    ) -> Result<Vec<u8>, SecurityError> {
        turn.check(self.credentials.challenge_len_min())?;
        match &self.credentials {
            Credentials::Secret(shared) => shared.reply(turn, provider),
            Credentials::Ecdsa(keys) => keys.reply(turn, provider),
            Credentials::Gmac(keys) => keys.reply(turn, provider, counters),
        }
    }

    fn verify(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
        counter: &mut ReceiveCounter,
        reply: &[u8],
    ) -> Result<(), SecurityError> {
        turn.check(self.credentials.challenge_len_min())?;
        match &self.credentials {
            Credentials::Secret(shared) => shared.verify(turn, provider, reply),
            Credentials::Ecdsa(keys) => keys.verify(turn, provider, reply),
            Credentials::Gmac(keys) => keys.verify(turn, provider, counter, reply),
        }
    }
}

/// What proves an identity.
#[derive(Clone, Copy, Debug)]
pub enum Credentials<'a> {
    /// Mechanisms 2, 3, 4 and 6.
    Secret(SharedSecret<'a>),
    /// Mechanism 5.
    Gmac(GmacKeys<'a>),
    /// Mechanism 7.
    Ecdsa(EcdsaKeys<'a>),
}

impl Credentials<'_> {
    /// How many octets a challenge has at least.
    const fn challenge_len_min(&self) -> usize {
        match self {
            Self::Ecdsa(keys) if !keys.short_challenges => ECDSA_CHALLENGE_LEN_MIN,
            _ => CHALLENGE_LEN_MIN,
        }
    }
}

/// A shared secret and what is done with it.
#[derive(Clone, Copy, Debug)]
pub struct SharedSecret<'a> {
    /// The mechanism.
    pub mechanism: SecretMechanism<'a>,
    /// The secret: the "secret" attribute of the server's association object.
    pub secret: &'a Secret,
}

/// The mechanisms that make a reply of a secret and the challenges.
#[derive(Clone, Copy, Debug)]
pub enum SecretMechanism<'a> {
    /// Mechanism 2, which the standard leaves to the manufacturer.
    Manufacturer(&'a dyn ManufacturerMechanism),
    /// Mechanism 3.
    Md5,
    /// Mechanism 4.
    Sha1,
    /// Mechanism 6.
    Sha256,
}

impl SharedSecret<'_> {
    fn reply(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<Vec<u8>, SecurityError> {
        let secret = self.secret.octets();
        if secret.is_empty() {
            return Err(SecurityError::SecretEmpty);
        }
        Ok(match self.mechanism {
            SecretMechanism::Manufacturer(mechanism) => {
                mechanism.reply(provider, self.secret, turn.asked)?
            }
            SecretMechanism::Md5 => provider.md5(&[turn.asked, secret])?.to_vec(),
            SecretMechanism::Sha1 => provider.sha1(&[turn.asked, secret])?.to_vec(),
            SecretMechanism::Sha256 => {
                let (own, other) = (turn.own_title()?, turn.other_title()?);
                let parts = [secret, &own.0, &other.0, turn.asked, turn.asking];
                provider.sha256(&parts)?.to_vec()
            }
        })
    }

    fn verify(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
        reply: &[u8],
    ) -> Result<(), SecurityError> {
        let equal: bool = self.reply(turn, provider)?.ct_eq(reply).into();
        if equal { Ok(()) } else { Err(SecurityError::ReplyMismatch) }
    }
}

/// The keys of mechanism 5. A reply is SC, IC and the tag over the challenge.
#[derive(Clone, Copy, Debug)]
pub struct GmacKeys<'a> {
    /// The suite of the association; no other is accepted in a reply.
    pub suite: SecuritySuite,
    /// The global unicast encryption key.
    pub key: &'a Key,
    /// The global authentication key.
    pub authentication_key: &'a Key,
}

impl GmacKeys<'_> {
    fn reply(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
        counters: &mut SendCounters,
    ) -> Result<Vec<u8>, SecurityError> {
        let control = self.control()?;
        let own_title = turn.own_title()?;
        let counter = counters.take()?;
        let iv = initialization_vector(own_title, counter)?;
        let aad = associated_data(control, self.authentication_key, turn.asked);
        let tag = provider.gcm_seal(self.key, &iv, &aad, &mut [])?;
        Ok([&[control.octet()][..], &counter.to_be_bytes(), &tag].concat())
    }

    fn verify(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
        counter: &mut ReceiveCounter,
        reply: &[u8],
    ) -> Result<(), SecurityError> {
        let control = self.control()?;
        let [received, a, b, c, d, tag @ ..] = reply else {
            return Err(SecurityError::ReplyMismatch);
        };
        let tag: &[u8; TAG_LEN] = tag.try_into().map_err(|_| SecurityError::ReplyMismatch)?;
        // A reply that could choose its own security control could choose a weaker one.
        if *received != control.octet() {
            let (received, required) = (*received, control.octet());
            return Err(SecurityError::ReplyControl { received, required });
        }
        let received = u32::from_be_bytes([*a, *b, *c, *d]);
        counter.check(received)?;

        let iv = initialization_vector(turn.own_title()?, received)?;
        let aad = associated_data(control, self.authentication_key, turn.asked);
        match provider.gcm_open(self.key, &iv, &aad, &mut [], tag) {
            Ok(()) => {
                counter.accept(received);
                Ok(())
            }
            Err(CryptoError::TagMismatch) => Err(SecurityError::ReplyMismatch),
            Err(error) => Err(error.into()),
        }
    }

    /// The one security control of these replies, once both keys fit its suite.
    fn control(&self) -> Result<SecurityControl, SecurityError> {
        let control = SecurityControl::new(self.suite, Protection::AUTHENTICATED);
        check_length(control, self.key)?;
        check_length(control, self.authentication_key)?;
        Ok(control)
    }
}

/// One direction of the exchange, seen from whoever replies.
struct Turn<'a> {
    own_title: Option<SystemTitle>,
    other_title: Option<SystemTitle>,
    /// The other side's challenge, which the reply answers.
    asked: &'a [u8],
    /// The replier's own challenge.
    asking: &'a [u8],
}

impl Turn<'_> {
    /// Both challenges are challenges, and not the same one.
    fn check(&self, least: usize) -> Result<(), SecurityError> {
        for challenge in [self.asked, self.asking] {
            if !(least..=CHALLENGE_LEN_MAX).contains(&challenge.len()) {
                return Err(SecurityError::ChallengeLength(challenge.len()));
            }
        }
        if self.asked == self.asking { Err(SecurityError::ChallengeReflected) } else { Ok(()) }
    }

    fn own_title(&self) -> Result<SystemTitle, SecurityError> {
        self.own_title.ok_or(SecurityError::SystemTitleMissing)
    }

    fn other_title(&self) -> Result<SystemTitle, SecurityError> {
        self.other_title.ok_or(SecurityError::SystemTitleMissing)
    }
}

/// What a manufacturer made of mechanism 2.
pub trait ManufacturerMechanism: fmt::Debug + Send + Sync {
    /// The reply to `challenge`, the same from either side. The secret is not empty, the challenge
    /// has 8 to 64 octets.
    ///
    /// # Errors
    /// What the provider reports.
    fn reply(
        &self,
        provider: &dyn CryptoProvider,
        secret: &Secret,
        challenge: &[u8],
    ) -> Result<Vec<u8>, SecurityError>;
}

/// Mechanism 2 as it is often found, though nowhere standardized: AES-128 in ECB mode of the
/// challenge under the secret. The secret is cut or filled with zeros to the 16 octets of a key;
/// the challenge is filled with zeros to whole blocks, at least as many as the secret would need.
#[derive(Clone, Copy, Debug, Default)]
pub struct AesEcb;

impl ManufacturerMechanism for AesEcb {
    fn reply(
        &self,
        provider: &dyn CryptoProvider,
        secret: &Secret,
        challenge: &[u8],
    ) -> Result<Vec<u8>, SecurityError> {
        let mut key = Zeroizing::new([0; 16]);
        for (octet, given) in key.iter_mut().zip(secret.octets()) {
            *octet = *given;
        }
        let key = Key::from(*key);
        let mut reply = challenge.to_vec();
        reply.resize(challenge.len().max(secret.octets().len()).next_multiple_of(16), 0);
        for block in reply.as_chunks_mut().0 {
            provider.aes_ecb_encrypt(&key, block)?;
        }
        Ok(reply)
    }
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use std::{format, vec};

    use super::*;
    use crate::security::{CountersExhausted, RustCrypto, hex::octets};

    const CLIENT: SystemTitle = SystemTitle([0x4d, 0x4d, 0x4d, 0, 0, 0, 0, 0x01]);
    const SERVER: SystemTitle = SystemTitle([0x4d, 0x4d, 0x4d, 0, 0, 0xbc, 0x61, 0x4e]);
    const CTOS: &[u8] = b"K56iVagY";
    const STOC: &[u8] = b"P6wRJ21F";

    fn exchange(credentials: Credentials<'_>) -> Exchange<'_> {
        Exchange {
            credentials,
            client_title: Some(CLIENT),
            server_title: Some(SERVER),
            ctos: CTOS,
            stoc: STOC,
        }
    }

    /// Both keys of the worked example.
    fn keys() -> [Key; 2] {
        ["000102030405060708090A0B0C0D0E0F", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"]
            .map(|digits| digits.parse().unwrap())
    }

    fn gmac(keys: &[Key; 2]) -> Credentials<'_> {
        let [key, authentication_key] = keys;
        Credentials::Gmac(GmacKeys { suite: SecuritySuite::Suite0, key, authentication_key })
    }

    /// All mechanisms that hold `secret`, by number.
    fn with_secret(secret: &Secret) -> [(u8, Credentials<'_>); 4] {
        [
            (2, SecretMechanism::Manufacturer(&AesEcb)),
            (3, SecretMechanism::Md5),
            (4, SecretMechanism::Sha1),
            (6, SecretMechanism::Sha256),
        ]
        .map(|(number, mechanism)| {
            (number, Credentials::Secret(SharedSecret { mechanism, secret }))
        })
    }

    fn granted(counters: core::ops::Range<u32>) -> SendCounters {
        let mut granted = SendCounters::new();
        granted.grant(counters);
        granted
    }

    #[test]
    fn gmac_replies_are_those_of_the_worked_example() {
        let keys = keys();
        let exchange = exchange(gmac(&keys));
        let client = exchange.client_reply(&RustCrypto, &mut granted(1..2));
        assert_eq!(client, Ok(octets("10 00000001 1A52FE7DD3E72748973C1E28")));
        let server = exchange.server_reply(&RustCrypto, &mut granted(0x0123_4567..0x0123_4568));
        assert_eq!(server, Ok(octets("10 01234567 FE1466AFB3DBCD4F9389E2B7")));
    }

    #[test]
    fn secret_replies_are_those_of_an_independent_implementation() {
        let secret = Secret::from("ABCDEFGHIJKLMNOP");
        let replies = [
            ("014fe7d9748110df219ff120cd92bdf4", "ce2fe508e2d68cfbfbd591d4b6db09cc"),
            ("2691b8c3b61bffec6ff803d8d36b90db", "2b53c532ceca92a1667b4f0565a0ea5d"),
            (
                "d29cb4f564daa351b8f2c57bacb65781d34c0398",
                "78bb57653af8c39a387ea4271a2c61596d566e3e",
            ),
            (
                "b3cc981d07e5e819a874c64402d779c2aa7408ddd485af4d521fbb60253aa97a",
                "14de230a53b57b4c099e4ba9494337b436abf04d2811fd0a3e8b990223fa1ec6",
            ),
        ];
        for ((number, credentials), (client, server)) in
            with_secret(&secret).into_iter().zip(replies)
        {
            let exchange = exchange(credentials);
            let mut counters = SendCounters::new();
            let reply = exchange.client_reply(&RustCrypto, &mut counters);
            assert_eq!(reply, Ok(octets(client)), "mechanism {number}");
            let reply = exchange.server_reply(&RustCrypto, &mut counters);
            assert_eq!(reply, Ok(octets(server)), "mechanism {number}");
        }
    }

    #[test]
    fn aes_ecb_fills_secret_and_challenge_as_the_independent_implementation_does() {
        let ascending: Vec<u8> = (0..64).collect();
        for (secret, challenge, reply) in [
            ("12345678", 16, "949502f8d622a59767c6c7d01a331c2b"),
            ("12345678", 20, "949502f8d622a59767c6c7d01a331c2b0337e4c9e7624be1b91685319a91700b"),
            ("ABCDEFGHIJKLMNOP", 16, "045ae6f3321b6fc6e4e79da9eb862921"),
            (
                "ABCDEFGHIJKLMNOPQRSTU",
                16,
                "045ae6f3321b6fc6e4e79da9eb8629218575d1e8939179dda8651eee28f89d7d",
            ),
            (
                "ABCDEFGHIJKLMNOPQRSTU",
                64,
                "045ae6f3321b6fc6e4e79da9eb86292162a932da074843bc254ad7d89dd77c75\
                 cbf75af17aa6b2bf35d478b4a64829e7c576f89e3a26ccf850564fdacd1c66b6",
            ),
        ] {
            let challenge = &ascending[..challenge];
            let made = AesEcb.reply(&RustCrypto, &Secret::from(secret), challenge);
            assert_eq!(made, Ok(octets(reply)));
        }
    }

    #[test]
    fn each_side_takes_the_reply_of_the_other_and_not_its_own() {
        let (secret, keys) = (Secret::from("ABCDEFGHIJKLMNOP"), keys());
        let mut all = vec![(5, gmac(&keys))];
        all.extend(with_secret(&secret));
        for (number, credentials) in all {
            let exchange = exchange(credentials);
            let client = exchange.client_reply(&RustCrypto, &mut granted(7..8)).unwrap();
            let server = exchange.server_reply(&RustCrypto, &mut granted(9..10)).unwrap();
            let mut counter = ReceiveCounter::new();
            let taken = exchange.verify_client_reply(&RustCrypto, &mut counter, &client);
            assert_eq!(taken, Ok(()), "mechanism {number}");
            assert_eq!(counter.last(), (number == 5).then_some(7));

            let mut counter = ReceiveCounter::new();
            let reflected = exchange.verify_server_reply(&RustCrypto, &mut counter, &client);
            assert_eq!(reflected, Err(SecurityError::ReplyMismatch), "mechanism {number}");
            let taken = exchange.verify_server_reply(&RustCrypto, &mut counter, &server);
            assert_eq!(taken, Ok(()), "mechanism {number}");
            assert_eq!(counter.last(), (number == 5).then_some(9));
        }
    }

    #[test]
    fn a_reply_with_a_flipped_bit_or_another_length_is_refused_and_moves_no_counter() {
        let (secret, keys) = (Secret::from("ABCDEFGHIJKLMNOP"), keys());
        let mut all = vec![(5, gmac(&keys))];
        all.extend(with_secret(&secret));
        for (number, credentials) in all {
            let exchange = exchange(credentials);
            let good = exchange.client_reply(&RustCrypto, &mut granted(7..8)).unwrap();
            let mut counter = ReceiveCounter::new();
            let mut refuse = |reply: &[u8]| {
                let taken = exchange.verify_client_reply(&RustCrypto, &mut counter, reply);
                assert!(taken.is_err(), "mechanism {number}: {reply:02x?}");
                assert_eq!(counter.last(), None);
            };
            for place in 0..good.len() {
                for bit in 0..8 {
                    let mut reply = good.clone();
                    reply[place] ^= 1 << bit;
                    refuse(&reply);
                }
                refuse(&good[..place]);
            }
            refuse(&[&good[..], &[0]].concat());
        }
    }

    #[test]
    fn another_secret_key_title_or_challenge_makes_another_reply() {
        let (secret, other_secret) = (Secret::from("ABCDEFGHIJKLMNOP"), Secret::from("ABCDEFGH"));
        let (keys, [key, authentication_key]) = (keys(), keys());
        let other_keys =
            [[key.clone(), Key::from([0x55; 16])], [Key::from([0x55; 16]), authentication_key]];
        let mut pairs =
            vec![(gmac(&keys), gmac(&other_keys[0])), (gmac(&keys), gmac(&other_keys[1]))];
        for ((_, right), (_, wrong)) in
            with_secret(&secret).into_iter().zip(with_secret(&other_secret))
        {
            pairs.push((right, wrong));
        }
        for (right, wrong) in pairs {
            let right = exchange(right);
            let reply = right.client_reply(&RustCrypto, &mut granted(7..8)).unwrap();
            let refuse = |exchange: Exchange<'_>| {
                let mut counter = ReceiveCounter::new();
                let taken = exchange.verify_client_reply(&RustCrypto, &mut counter, &reply);
                assert_eq!(taken, Err(SecurityError::ReplyMismatch));
            };
            refuse(exchange(wrong));
            refuse(Exchange { stoc: b"another challenge", ..right });
            let uses_titles = match right.credentials {
                Credentials::Gmac(_) => true,
                Credentials::Secret(shared) => matches!(shared.mechanism, SecretMechanism::Sha256),
                Credentials::Ecdsa(_) => true,
            };
            if uses_titles {
                refuse(Exchange { client_title: Some(SERVER), ..right });
            }
        }
    }

    #[test]
    fn a_gmac_reply_that_says_anything_but_authentication_only_in_the_suite_is_refused() {
        let keys = keys();
        let exchange = exchange(gmac(&keys));
        let [key, authentication_key] = &keys;
        for received in [0x00, 0x11, 0x12, 0x20, 0x30, 0x50, 0x90, 0x1f] {
            // The replier holds the keys and computed a right tag over the octet that it sent.
            let iv = CLIENT.initialization_vector(1);
            let aad = [&[received][..], authentication_key.octets(), STOC].concat();
            let tag = RustCrypto.gcm_seal(key, &iv, &aad, &mut []).unwrap();
            let reply = [&[received, 0, 0, 0, 1][..], &tag].concat();
            let mut counter = ReceiveCounter::new();
            let taken = exchange.verify_client_reply(&RustCrypto, &mut counter, &reply);
            assert_eq!(taken, Err(SecurityError::ReplyControl { received, required: 0x10 }));
            assert_eq!(counter.last(), None);
        }
    }

    #[test]
    fn a_gmac_reply_must_have_a_greater_counter_below_the_largest() {
        let keys = keys();
        let exchange = exchange(gmac(&keys));
        let reply = exchange.client_reply(&RustCrypto, &mut granted(7..8)).unwrap();
        for last in [7, 8] {
            let mut counter = ReceiveCounter::after(last);
            let taken = exchange.verify_client_reply(&RustCrypto, &mut counter, &reply);
            assert_eq!(taken, Err(SecurityError::CounterNotGreater { received: 7, last }));
        }
        let largest = [&octets("10 FFFFFFFF")[..], &[0; 12]].concat();
        let taken = exchange.verify_client_reply(&RustCrypto, &mut ReceiveCounter::new(), &largest);
        assert_eq!(taken, Err(SecurityError::CounterMaximum));
    }

    #[test]
    fn only_gmac_uses_up_a_counter_and_without_one_it_does_not_reply() {
        let (secret, keys) = (Secret::from("ABCDEFGHIJKLMNOP"), keys());
        let mut counters = granted(5..6);
        for (_, credentials) in with_secret(&secret) {
            exchange(credentials).client_reply(&RustCrypto, &mut counters).unwrap();
        }
        assert_eq!(counters.remaining(), 1);
        exchange(gmac(&keys)).client_reply(&RustCrypto, &mut counters).unwrap();
        let refused = exchange(gmac(&keys)).client_reply(&RustCrypto, &mut counters);
        assert_eq!(refused, Err(SecurityError::CountersExhausted(CountersExhausted)));
    }

    #[test]
    fn a_reflected_challenge_gets_no_reply_and_none_is_taken() {
        let secret = Secret::from("ABCDEFGHIJKLMNOP");
        for (_, credentials) in with_secret(&secret) {
            let reflected = Exchange { stoc: CTOS, ..exchange(credentials) };
            let refused = Err(SecurityError::ChallengeReflected);
            let mut counters = SendCounters::new();
            assert_eq!(reflected.client_reply(&RustCrypto, &mut counters), refused);
            assert_eq!(reflected.server_reply(&RustCrypto, &mut counters), refused);
            let good = exchange(credentials).client_reply(&RustCrypto, &mut counters).unwrap();
            let mut counter = ReceiveCounter::new();
            let taken = reflected.verify_client_reply(&RustCrypto, &mut counter, &good);
            assert_eq!(taken, Err(SecurityError::ChallengeReflected));
        }
    }

    #[test]
    fn a_challenge_has_8_to_64_octets_on_either_side() {
        let secret = Secret::from("ABCDEFGHIJKLMNOP");
        let [_, (_, md5), ..] = with_secret(&secret);
        for length in [0, 7, 8, 64, 65] {
            let challenge = vec![0x5a; length];
            let result = match length {
                8..=64 => None,
                _ => Some(SecurityError::ChallengeLength(length)),
            };
            for exchange in [
                Exchange { stoc: &challenge, ..exchange(md5) },
                Exchange { ctos: &challenge, ..exchange(md5) },
            ] {
                let reply = exchange.client_reply(&RustCrypto, &mut SendCounters::new());
                assert_eq!(reply.err(), result);
            }
        }
    }

    #[test]
    fn what_a_mechanism_needs_must_be_there() {
        let (empty, keys) = (Secret::from(""), keys());
        let mut counters = granted(1..2);
        for (_, credentials) in with_secret(&empty) {
            let refused = exchange(credentials).client_reply(&RustCrypto, &mut counters);
            assert_eq!(refused, Err(SecurityError::SecretEmpty));
        }
        let secret = Secret::from("ABCDEFGH");
        let [.., (_, sha256)] = with_secret(&secret);
        for credentials in [sha256, gmac(&keys)] {
            let anonymous = Exchange { client_title: None, ..exchange(credentials) };
            let refused = anonymous.client_reply(&RustCrypto, &mut counters);
            assert_eq!(refused, Err(SecurityError::SystemTitleMissing));
        }
        let long = Key::try_from(&[1; 32][..]).unwrap();
        for wrong in [[long.clone(), keys[1].clone()], [keys[0].clone(), long]] {
            let refused = exchange(gmac(&wrong)).client_reply(&RustCrypto, &mut counters);
            assert_eq!(refused, Err(SecurityError::KeyLength));
        }
        assert_eq!(counters.remaining(), 1);
    }

    #[test]
    fn debug_of_an_exchange_shows_no_secret_and_no_key() {
        let secret = Secret::from(&[0xa7; 16][..]);
        let keys = [Key::from([0xa7; 16]), Key::from([0xa7; 16])];
        let mut all = vec![gmac(&keys)];
        all.extend(with_secret(&secret).map(|(_, credentials)| credentials));
        for credentials in all {
            let text = format!("{:?}", exchange(credentials)).to_lowercase();
            assert!(!text.contains("167") && !text.contains("a7"), "{text}");
        }
    }
}
