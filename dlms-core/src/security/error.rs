//! Why a protected APDU or an HLS reply was not made or not taken.

use crate::Malformed;

use super::{ControlError, CountersExhausted, CryptoError, Protection, SecuritySuite, SystemTitle};

/// Protection that failed. Nothing of the APDU may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecurityError {
    /// The octets are not a ciphered APDU.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The security control octet breaks a rule of the standard.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The peer uses another suite than was agreed.
    #[error("protected with {received}, agreed was {required}")]
    Suite {
        /// The suite in the APDU.
        received: SecuritySuite,
        /// The suite that was agreed.
        required: SecuritySuite,
    },
    /// The peer protects less than was agreed.
    #[error("{received}, agreed was {required}")]
    Protection {
        /// The protection of the APDU.
        received: Protection,
        /// The least protection that was agreed.
        required: Protection,
    },
    /// The key set bit is not the agreed one: unicast and broadcast keys are different keys.
    #[error("another key set than agreed (broadcast key: {broadcast})")]
    KeySet {
        /// Whether the APDU names the broadcast key.
        broadcast: bool,
    },
    /// Compressed APDUs are not handled.
    #[error("compressed APDUs are not supported")]
    Compressed,
    /// A key does not have the length of its suite.
    #[error("a key does not have the length of its suite")]
    KeyLength,
    /// Authentication without an authentication key.
    #[error("no authentication key")]
    AuthenticationKeyMissing,
    /// Nobody said whose APDU it is: it carries no system title and none is known.
    #[error("originator's system title is not known")]
    SystemTitleMissing,
    /// The APDU carries another system title than the association knows.
    #[error("APDU from {received}, expected was {expected}")]
    SystemTitleMismatch {
        /// The title in the APDU.
        received: SystemTitle,
        /// The title of the association's peer.
        expected: SystemTitle,
    },
    /// The APDU is for another recipient.
    #[error("APDU for {received}, own system title is {own}")]
    RecipientMismatch {
        /// The recipient in the APDU.
        received: SystemTitle,
        /// The title of whoever received it.
        own: SystemTitle,
    },
    /// The APDU comes from its own receiver: somebody sent it back.
    #[error("APDU reflected to its originator")]
    Reflected,
    /// A signature was agreed on, and there is none.
    #[error("signature missing")]
    SignatureMissing,
    /// The APDU needs a key that the receiver does not have.
    #[error("no {0}")]
    KeyMissing(&'static str),
    /// The largest counter value, which is neither sent nor accepted.
    #[error("invocation counter at its maximum")]
    CounterMaximum,
    /// A replay, or a counter that was set back.
    #[error("invocation counter {received} is not greater than {last}")]
    CounterNotGreater {
        /// The counter in the APDU.
        received: u32,
        /// The counter that was accepted last.
        last: u32,
    },
    /// No granted invocation counter is left.
    #[error(transparent)]
    CountersExhausted(#[from] CountersExhausted),
    /// The authentication tag does not belong to these octets under these keys, this originator
    /// and this counter. Which of them is wrong cannot be told.
    #[error("authentication tag does not verify")]
    TagMismatch,
    /// The tag of the first APDU of an association does not verify, though its text makes sense:
    /// probably another authentication key. For the operator alone.
    #[error("authentication tag does not verify, though the encryption key fits")]
    AuthenticationKeySuspected,
    /// The tag of the first APDU of an association does not verify, and its text makes no sense:
    /// probably another encryption key or system title. For the operator alone.
    #[error("authentication tag does not verify, and the encryption key does not fit either")]
    EncryptionKeySuspected,
    /// More octets than AES-GCM takes at once.
    #[error("APDU too long for its protection")]
    TooLong,
    /// The cryptographic provider lacks the algorithm, or failed.
    #[error("the cryptographic provider cannot do this")]
    ProviderUnavailable,
    /// The signature does not belong to these octets under the public key of the signer.
    #[error("signature does not verify")]
    SignatureMismatch,
    /// The key that travelled wrapped does not belong to the key encryption key.
    #[error("wrapped key does not verify")]
    WrappedKeyMismatch,
    /// A public key is no point of the curve of the suite.
    #[error("public key is not on the curve of the suite")]
    NotOnCurve,
    /// A challenge of HLS has 8 to 64 octets, and with ECDSA at least 32.
    #[error("challenge of {0} octets, must be 8 to 64, with ECDSA 32 to 64")]
    ChallengeLength(usize),
    /// The server's challenge is the client's own: its reply would answer the client's question.
    #[error("challenge reflected")]
    ChallengeReflected,
    /// An empty secret authenticates nobody.
    #[error("empty secret")]
    SecretEmpty,
    /// The reply to a challenge is not the expected one: another secret, key or system title.
    #[error("reply to the challenge does not verify")]
    ReplyMismatch,
    /// The security control octet of a GMAC reply is not authentication-only in the agreed suite.
    #[error("reply with security control {received:#04x}, must be {required:#04x}")]
    ReplyControl {
        /// The octet in the reply.
        received: u8,
        /// The only octet that is accepted.
        required: u8,
    },
}

impl From<CryptoError> for SecurityError {
    fn from(error: CryptoError) -> Self {
        match error {
            CryptoError::TagMismatch => Self::TagMismatch,
            CryptoError::SignatureMismatch => Self::SignatureMismatch,
            CryptoError::UnwrapMismatch => Self::WrappedKeyMismatch,
            CryptoError::NotOnCurve => Self::NotOnCurve,
            CryptoError::TooLong => Self::TooLong,
            CryptoError::Unavailable => Self::ProviderUnavailable,
        }
    }
}
