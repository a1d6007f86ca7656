//! Public key cryptography of suites 1 and 2: keys, signatures and what is asked of a library
//! (Green Book 9.2.3.4; NIST SP 800-56A, FIPS 186).
//!
//! Points and signatures are octets of fixed length, without the prefix of SEC 1 and without DER:
//! a public key is x, y and a signature r, s, each filled with zeros on the left to the length of
//! the curve.

use core::{fmt, str::FromStr};

use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{CryptoError, Secret, SecuritySuite, hex};

/// Octets of a coordinate of the longer curve.
const COORDINATE_LEN_MAX: usize = Curve::P384.coordinate_len();
/// How often octets are drawn for a private key before the source is taken to be broken. Fewer than
/// one draw in 2^32 is out of range.
const DRAWS_MAX: usize = 4;
/// The octet before an uncompressed point (SEC 1 clause 2.3.3), which DLMS/COSEM leaves out.
const UNCOMPRESSED: &str = "04";

/// An elliptic curve of the standard, with the hash that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, with SHA-256: suite 1.
    P256,
    /// NIST P-384, with SHA-384: suite 2.
    P384,
}

impl Curve {
    /// Octets of a coordinate, of a private key and of the shared secret Z: 32 or 48.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// Octets of a public key and of a signature: 64 or 96.
    pub const fn pair_len(self) -> usize {
        match self {
            Self::P256 => 64,
            Self::P384 => 96,
        }
    }

    /// The order n of the base point: a private key is from 1 to n - 1 (NIST SP 800-186).
    const fn order(self) -> &'static [u8] {
        match self {
            Self::P256 => &[
                0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2,
                0xfc, 0x63, 0x25, 0x51,
            ],
            Self::P384 => &[
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81,
                0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec,
                0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
            ],
        }
    }

    /// The curve whose coordinates have `length` octets.
    const fn with_coordinate(length: usize) -> Option<Self> {
        match length {
            32 => Some(Self::P256),
            48 => Some(Self::P384),
            _ => None,
        }
    }

    /// The curve whose public keys and signatures have `length` octets.
    pub const fn with_pair(length: usize) -> Option<Self> {
        match length {
            64 => Some(Self::P256),
            96 => Some(Self::P384),
            _ => None,
        }
    }
}

impl SecuritySuite {
    /// The curve of the suite; suite 0 has none.
    pub const fn curve(self) -> Option<Curve> {
        match self {
            Self::Suite0 => None,
            Self::Suite1 => Some(Curve::P256),
            Self::Suite2 => Some(Curve::P384),
        }
    }
}

/// `P-256`.
impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        })
    }
}

/// A private key for signing or for key agreement, never for both.
///
/// Cleared when dropped, compared in constant time, and `Debug` shows nothing of it.
#[derive(Clone)]
pub struct PrivateKey {
    curve: Curve,
    octets: Zeroizing<[u8; COORDINATE_LEN_MAX]>,
}

impl PrivateKey {
    /// A fresh key from random octets, as ephemeral keys are. `fill` is called until its octets are
    /// a private key, which in practice is once.
    ///
    /// # Errors
    /// [`NotAPublicKeyPart`] when the source repeats octets that are none.
    pub fn from_entropy(
        curve: Curve,
        mut fill: impl FnMut(&mut [u8]),
    ) -> Result<Self, NotAPublicKeyPart> {
        let mut octets = Zeroizing::new([0; COORDINATE_LEN_MAX]);
        let drawn = octets.get_mut(..curve.coordinate_len()).ok_or(NotAPublicKeyPart)?;
        for _ in 0..DRAWS_MAX {
            fill(drawn);
            if let Ok(key) = Self::try_from(&*drawn) {
                return Ok(key);
            }
        }
        Err(NotAPublicKeyPart)
    }

    /// The curve.
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The octets, for a [`PublicKeyProvider`] and for a store of keys. They must reach no log and
    /// no message.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.curve.coordinate_len()).unwrap_or_default()
    }
}

/// Takes 32 or 48 octets, big-endian, from 1 to below the order of the curve.
impl TryFrom<&[u8]> for PrivateKey {
    type Error = NotAPublicKeyPart;

    fn try_from(octets: &[u8]) -> Result<Self, Self::Error> {
        let curve = Curve::with_coordinate(octets.len()).ok_or(NotAPublicKeyPart)?;
        // Both have the same length, so that the order of octets is that of numbers.
        if octets >= curve.order() || octets.iter().all(|octet| *octet == 0) {
            return Err(NotAPublicKeyPart);
        }
        let mut key = Self { curve, octets: Zeroizing::new([0; COORDINATE_LEN_MAX]) };
        if let Some(place) = key.octets.get_mut(..octets.len()) {
            place.copy_from_slice(octets);
        }
        Ok(key)
    }
}

/// Reads 64 or 96 hexadecimal digits.
impl FromStr for PrivateKey {
    type Err = NotAPublicKeyPart;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut octets = Zeroizing::new([0; COORDINATE_LEN_MAX]);
        let octets = octets.get_mut(..text.len() / 2).ok_or(NotAPublicKeyPart)?;
        hex::parse(text, octets).ok_or(NotAPublicKeyPart)?;
        Self::try_from(&*octets)
    }
}

impl PartialEq for PrivateKey {
    fn eq(&self, other: &Self) -> bool {
        self.octets().ct_eq(other.octets()).into()
    }
}

impl Eq for PrivateKey {}

impl ZeroizeOnDrop for PrivateKey {}

/// `PrivateKey(P-256, ..)`.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, ..)", self.curve)
    }
}

/// Two numbers of the length of a curve: the form of a public key and of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Pair {
    curve: Curve,
    octets: [u8; 2 * COORDINATE_LEN_MAX],
}

impl Pair {
    fn new(pair: &[u8]) -> Result<Self, NotAPublicKeyPart> {
        let curve = Curve::with_pair(pair.len()).ok_or(NotAPublicKeyPart)?;
        let mut octets = [0; 2 * COORDINATE_LEN_MAX];
        octets.get_mut(..pair.len()).ok_or(NotAPublicKeyPart)?.copy_from_slice(pair);
        Ok(Self { curve, octets })
    }

    fn octets(&self) -> &[u8] {
        self.octets.get(..self.curve.pair_len()).unwrap_or_default()
    }
}

/// A public key: x and y of a point, 64 or 96 octets. Whether the point is on its curve is found
/// out by whoever uses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(Pair);

impl PublicKey {
    /// The curve.
    pub const fn curve(&self) -> Curve {
        self.0.curve
    }

    /// x and y.
    pub fn octets(&self) -> &[u8] {
        self.0.octets()
    }
}

/// Takes 64 or 96 octets.
impl TryFrom<&[u8]> for PublicKey {
    type Error = NotAPublicKeyPart;

    fn try_from(octets: &[u8]) -> Result<Self, Self::Error> {
        Pair::new(octets).map(Self)
    }
}

/// Reads 128 or 192 hexadecimal digits; the `04` that other tools put in front may be there.
impl FromStr for PublicKey {
    type Err = NotAPublicKeyPart;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = match text.strip_prefix(UNCOMPRESSED) {
            Some(digits) if Curve::with_pair(digits.len() / 2).is_some() => digits,
            _ => text,
        };
        let mut octets = [0; 2 * COORDINATE_LEN_MAX];
        let octets = octets.get_mut(..digits.len() / 2).ok_or(NotAPublicKeyPart)?;
        hex::parse(digits, octets).ok_or(NotAPublicKeyPart)?;
        Self::try_from(&*octets)
    }
}

/// The octets as hexadecimal digits.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::Hex(self.octets()).fmt(f)
    }
}

/// `PublicKey(P-256, 1A2B..)`.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {self})", self.curve())
    }
}

/// An ECDSA signature: r and s, 64 or 96 octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(Pair);

impl Signature {
    /// The curve.
    pub const fn curve(&self) -> Curve {
        self.0.curve
    }

    /// r and s.
    pub fn octets(&self) -> &[u8] {
        self.0.octets()
    }
}

/// Takes 64 or 96 octets.
impl TryFrom<&[u8]> for Signature {
    type Error = NotAPublicKeyPart;

    fn try_from(octets: &[u8]) -> Result<Self, Self::Error> {
        Pair::new(octets).map(Self)
    }
}

/// `Signature(P-256, 1A2B..)`.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}, {})", self.curve(), hex::Hex(self.octets()))
    }
}

/// Not a private key, public key or signature of P-256 or P-384. Says nothing about what was there
/// instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key or signature of P-256 or P-384")]
pub struct NotAPublicKeyPart;

/// The own private key and the peer's public key, for one purpose: signing or key agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysWithPeer {
    /// What only this side has.
    pub own: PrivateKey,
    /// What the peer's certificate says.
    pub peer: PublicKey,
}

/// Elliptic curve cryptography, which a small meter of suite 0 does without: see
/// [`CryptoProvider::public_keys`](super::CryptoProvider::public_keys).
///
/// All keys of a call are of one curve, or the call is refused.
pub trait PublicKeyProvider: fmt::Debug + Send + Sync {
    /// The public key that belongs to a private one.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn public_key(&self, private: &PrivateKey) -> Result<PublicKey, CryptoError>;

    /// ECDSA with the hash of the curve over the concatenated `parts`. No random octets are needed:
    /// the secret number of a signature may be derived from key and message (RFC 6979).
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn ecdsa_sign(&self, key: &PrivateKey, parts: &[&[u8]]) -> Result<Signature, CryptoError>;

    /// Verifies an ECDSA signature over the concatenated `parts`.
    ///
    /// # Errors
    /// [`CryptoError::SignatureMismatch`], also for a public key that is no point of its curve;
    /// [`CryptoError::Unavailable`].
    fn ecdsa_verify(
        &self,
        key: &PublicKey,
        parts: &[&[u8]],
        signature: &Signature,
    ) -> Result<(), CryptoError>;

    /// ECDH: the shared secret Z, which is the x coordinate of the product (SP 800-56A 5.7.1.2).
    ///
    /// # Errors
    /// [`CryptoError::NotOnCurve`], [`CryptoError::Unavailable`].
    fn ecdh(&self, own: &PrivateKey, peer: &PublicKey) -> Result<Secret, CryptoError>;
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString, vec};

    use super::*;

    #[test]
    fn a_private_key_is_below_the_order_of_its_curve_and_not_zero() {
        for curve in [Curve::P256, Curve::P384] {
            let order = curve.order();
            assert_eq!(order.len(), curve.coordinate_len());
            assert_eq!(PrivateKey::try_from(order), Err(NotAPublicKeyPart));
            let mut below = order.to_vec();
            *below.last_mut().unwrap() -= 1;
            assert_eq!(PrivateKey::try_from(&below[..]).unwrap().octets(), below);
            let zero = vec![0; order.len()];
            assert_eq!(PrivateKey::try_from(&zero[..]), Err(NotAPublicKeyPart));
        }
        for length in (0..100).filter(|length| ![32, 48].contains(length)) {
            assert_eq!(PrivateKey::try_from(&vec![1; length][..]), Err(NotAPublicKeyPart));
        }
    }

    #[test]
    fn a_source_that_repeats_itself_gives_no_key_and_no_endless_loop() {
        let mut draws = 0;
        let broken = PrivateKey::from_entropy(Curve::P256, |octets| {
            draws += 1;
            octets.fill(0xff);
        });
        assert_eq!((broken, draws), (Err(NotAPublicKeyPart), DRAWS_MAX));
        // What is out of range is drawn again.
        let mut fills = [0xff, 0x11].into_iter();
        let drawn = PrivateKey::from_entropy(Curve::P384, |octets| {
            octets.fill(fills.next().unwrap());
        });
        assert_eq!(drawn, "11".repeat(48).parse());
    }

    #[test]
    fn public_keys_are_read_with_and_without_the_prefix_of_an_uncompressed_point() {
        for length in [64, 96] {
            let digits = "5A".repeat(length);
            let key: PublicKey = digits.parse().unwrap();
            assert_eq!(key.octets(), vec![0x5a; length]);
            assert_eq!(format!("04{digits}").parse(), Ok(key));
            assert_eq!(key.to_string(), digits);
            assert_eq!(format!("03{digits}").parse::<PublicKey>(), Err(NotAPublicKeyPart));
            // A coordinate may begin with the same octet.
            let digits = "04".repeat(length);
            assert_eq!(digits.parse::<PublicKey>().unwrap().octets(), vec![4; length]);
        }
    }

    #[test]
    fn debug_of_a_private_key_shows_no_octet() {
        let key: PrivateKey = "a7".repeat(32).parse().unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(P-256, ..)");
        let peer = PublicKey::try_from(&[1; 64][..]).unwrap();
        let text = format!("{:?}", KeysWithPeer { own: key, peer }).to_lowercase();
        assert!(!text.contains("a7") && !text.contains("167"), "{text}");
    }
}
