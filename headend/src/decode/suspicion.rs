//! Which input is probably wrong when an APDU cannot be opened or verified: for the operator, who
//! gave that input, and never for the peer, whom each such hint would bring nearer to the keys.

use dlms_core::security::SecurityError;
use serde::{Serialize, Serializer};

/// The input that is probably wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspect {
    /// Encryption and authentication key stand in each other's place.
    KeysExchanged,
    /// The authentication key.
    AuthenticationKey,
    /// The encryption key, or the originator's system title.
    EncryptionKeyOrTitle,
    /// Either of both keys, or the title: nothing was encrypted by which they could be told apart.
    KeysOrTitle,
    /// The key encryption key.
    KeyEncryptionKey,
    /// One of the key agreement keys, or a system title: all of them go into the agreed key.
    AgreementKeys,
    /// The public key that a signature is verified with, or the certificate that it is from.
    Certificate,
    /// The certificate for key agreement stands where that for signatures belongs.
    CertificatePurpose,
    /// The suite: a key is of another length or curve than the APDU asks for.
    Suite,
    /// A system title.
    Title,
    /// The invocation counter.
    Counter,
    /// What the meter protects is less than what is asked for.
    Policy,
    /// The meter differs from the standard in the way that this switch of `--compat` names.
    Compatibility(&'static str),
    /// The meter does not differ in the way of this switch, which is on.
    NoCompatibility(&'static str),
}

impl Suspect {
    /// That the switch of `--compat` with this name is the other way round than it `is`.
    pub(crate) const fn switch(name: &'static str, is: bool) -> Self {
        if is { Self::NoCompatibility(name) } else { Self::Compatibility(name) }
    }

    /// What an error tells by itself, where it tells anything.
    pub(crate) const fn of(error: &SecurityError) -> Option<Self> {
        Some(match error {
            SecurityError::KeyLength | SecurityError::NotOnCurve | SecurityError::Suite { .. } => {
                Self::Suite
            }
            SecurityError::WrappedKeyMismatch => Self::KeyEncryptionKey,
            SecurityError::SignatureMismatch => Self::Certificate,
            SecurityError::SystemTitleMissing
            | SecurityError::SystemTitleMismatch { .. }
            | SecurityError::RecipientMismatch { .. }
            | SecurityError::Reflected => Self::Title,
            SecurityError::CounterNotGreater { .. } | SecurityError::CounterMaximum => {
                Self::Counter
            }
            SecurityError::Protection { .. } | SecurityError::SignatureMissing => Self::Policy,
            _ => return None,
        })
    }

    /// Stable, for programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::KeysExchanged => "keys-exchanged",
            Self::AuthenticationKey => "authentication-key",
            Self::EncryptionKeyOrTitle => "encryption-key-or-title",
            Self::KeysOrTitle => "keys-or-title",
            Self::KeyEncryptionKey => "key-encryption-key",
            Self::AgreementKeys => "agreement-keys",
            Self::Certificate => "certificate",
            Self::CertificatePurpose => "certificate-purpose",
            Self::Suite => "suite",
            Self::Title => "title",
            Self::Counter => "counter",
            Self::Policy => "policy",
            Self::Compatibility(_) | Self::NoCompatibility(_) => "compatibility",
        }
    }

    /// Why it is suspected, and what to look at.
    pub(crate) fn hint(self) -> String {
        let hint = match self {
            Self::KeysExchanged => {
                "the keys are exchanged: it verifies with --ek and --ak in each other's place"
            }
            Self::AuthenticationKey => {
                "probably another authentication key, or altered on the way: under the encryption \
                 key the text makes sense. Check --ak"
            }
            Self::EncryptionKeyOrTitle => {
                "probably another encryption key or system title: under this one the text makes \
                 no sense. Check --ek, or the section of --keys, and --system-title"
            }
            Self::KeysOrTitle => {
                "probably another key or system title, or altered on the way. Check --ek, --ak and \
                 --system-title"
            }
            Self::KeyEncryptionKey => "probably another key encryption key. Check --kek",
            Self::AgreementKeys => {
                "probably another key agreement key, or a system title that is not that of its \
                 owner. Check --agreement-key, --peer-agreement-key and --recipient-title"
            }
            Self::Certificate => {
                "probably the certificate of another signer, or altered on the way. Check \
                 --peer-key against the originator's title"
            }
            Self::CertificatePurpose => {
                "the certificate is that for key agreement: it verifies with \
                 --peer-agreement-key. Exchange it with --peer-key"
            }
            Self::Suite => {
                "probably another security suite: suites 0 and 1 take keys of 32 digits and \
                 P-256, suite 2 keys of 64 digits and P-384"
            }
            Self::Title => {
                "check the system titles: --system-title is the sender's, --recipient-title ours"
            }
            Self::Counter => {
                "a message that came before, or a meter whose invocation counter went back \
                 without new keys"
            }
            Self::Policy => {
                "the meter protects less than is asked for here: look at its security policy \
                 (class 64, attribute 2)"
            }
            Self::Compatibility(switch) => {
                return format!("it verifies in the form of some peers: add --compat {switch}");
            }
            Self::NoCompatibility(switch) => {
                return format!("it verifies as the standard says: leave out --compat {switch}");
            }
        };
        hint.to_owned()
    }
}

/// Its code.
impl Serialize for Suspect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_tells_by_itself_what_is_wrong_names_it() {
        for (error, code) in [
            (SecurityError::KeyLength, Some("suite")),
            (SecurityError::NotOnCurve, Some("suite")),
            (SecurityError::WrappedKeyMismatch, Some("key-encryption-key")),
            (SecurityError::SignatureMismatch, Some("certificate")),
            (SecurityError::SystemTitleMissing, Some("title")),
            (SecurityError::CounterNotGreater { received: 1, last: 2 }, Some("counter")),
            (SecurityError::SignatureMissing, Some("policy")),
            (SecurityError::Compressed, None),
        ] {
            assert_eq!(Suspect::of(&error).map(Suspect::code), code, "{error}");
        }
    }
}
