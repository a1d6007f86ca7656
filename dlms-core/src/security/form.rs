//! The four forms of a ciphered APDU with one symmetric key (Green Book 9.2.7.2).

use crate::xdlms::tag;

/// How a ciphered APDU names its key and its originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CipherForm {
    /// Service-specific with a global key: glo-initiateRequest, glo-get-request and so on.
    Global,
    /// Service-specific with the dedicated key of the association.
    Dedicated,
    /// general-glo-ciphering, `DB`: a global key, with the system title of the originator.
    GeneralGlobal,
    /// general-ded-ciphering, `DC`: the dedicated key, with the system title of the originator.
    GeneralDedicated,
}

impl CipherForm {
    /// The form behind an APDU tag; `None` when the tag is not of a form handled here.
    pub fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            tag::GENERAL_GLO_CIPHERING => Some(Self::GeneralGlobal),
            tag::GENERAL_DED_CIPHERING => Some(Self::GeneralDedicated),
            _ => {
                let plain = tag::plain(tag)?;
                let global = tag::global(plain) == Some(tag);
                Some(if global { Self::Global } else { Self::Dedicated })
            }
        }
    }

    /// Whether the key is the dedicated one.
    pub const fn is_dedicated(self) -> bool {
        matches!(self, Self::Dedicated | Self::GeneralDedicated)
    }

    /// Whether the APDU has a place for the originator's system title.
    pub const fn is_general(self) -> bool {
        matches!(self, Self::GeneralGlobal | Self::GeneralDedicated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_tells_the_form() {
        for (tag, form) in [
            (0x21, Some(CipherForm::Global)),    // glo-initiateRequest
            (0x28, Some(CipherForm::Global)),    // glo-initiateResponse
            (0x2e, Some(CipherForm::Global)),    // glo-confirmedServiceError
            (0x41, Some(CipherForm::Dedicated)), // ded-initiateRequest
            (0xc8, Some(CipherForm::Global)),    // glo-get-request
            (0xcf, Some(CipherForm::Global)),    // glo-action-response
            (0xd0, Some(CipherForm::Dedicated)), // ded-get-request
            (0xdb, Some(CipherForm::GeneralGlobal)),
            (0xdc, Some(CipherForm::GeneralDedicated)),
            (0xc0, None), // get-request
            (0x01, None), // initiateRequest
            (0xd8, None), // exception-response
            (0xdd, None), // general-ciphering: not one symmetric key
            (0xe0, None), // general-block-transfer
        ] {
            assert_eq!(CipherForm::from_tag(tag), form, "{tag:02x}");
        }
    }
}
