//! What two parties hold beyond the global keys (Green Book 9.2.5).

use super::{Key, KeysWithPeer};

/// The keys behind HLS 7, general-ciphering, general-signing and key transfer, as one party holds
/// them towards another. Each may be missing; what needs it is then refused.
#[derive(Clone, Debug, Default)]
pub struct PartyKeys {
    /// The key encryption key (KEK, also called master key), which wraps other keys.
    pub key_encryption_key: Option<Key>,
    /// For HLS 7, general-signing and the signature of ephemeral keys.
    pub signing: Option<KeysWithPeer>,
    /// For key agreement with static keys.
    pub agreement: Option<KeysWithPeer>,
    /// Where this peer differs from the standard.
    pub compatibility: Compatibility,
}

/// Known ways in which peers differ from the standard. All are off by default; each weakens
/// nothing but the agreement with conforming peers, unless it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compatibility {
    /// The authenticated data of general-ciphering leaves out the five fields in front of the
    /// key information, which are then not protected: gurux-dlms, dlms-cosem-rs.
    pub general_ciphering_short_aad: bool,
    /// The signed octets of general-signing leave out the length of the content: gurux-dlms, and
    /// EnergyICT by default.
    pub signing_excludes_content_length: bool,
    /// The identifier of the key derivation has 06 as its fourth octet: the misprint of Green Book
    /// 8.0, and what GBCS really uses.
    pub kdf_arc_06: bool,
    /// The signature of an ephemeral key in general-ciphering covers the key identifier too, as it
    /// does in the key_agreement method of security setup: gurux-dlms.
    pub ephemeral_signature_covers_key_id: bool,
    /// Challenges of HLS 7 may have 8 to 31 octets: gurux-dlms.
    pub short_ecdsa_challenges: bool,
}

impl Compatibility {
    /// The switches by name, as command lines and descriptions of peers write them.
    pub const SWITCHES: [&'static str; 5] = [
        "general-ciphering-short-aad",
        "signing-excludes-content-length",
        "kdf-arc-06",
        "ephemeral-signature-covers-key-id",
        "short-ecdsa-challenges",
    ];

    /// Turns on the switch of this name; false when there is none.
    pub fn turn_on(&mut self, name: &str) -> bool {
        let [short_aad, excludes_length, arc_06, covers_key_id, short_challenges] = Self::SWITCHES;
        let switch = match name {
            _ if name == short_aad => &mut self.general_ciphering_short_aad,
            _ if name == excludes_length => &mut self.signing_excludes_content_length,
            _ if name == arc_06 => &mut self.kdf_arc_06,
            _ if name == covers_key_id => &mut self.ephemeral_signature_covers_key_id,
            _ if name == short_challenges => &mut self.short_ecdsa_challenges,
            _ => return false,
        };
        *switch = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_turns_on_a_switch_of_its_own() {
        let all = Compatibility::SWITCHES.map(|name| {
            let mut compatibility = Compatibility::default();
            assert!(compatibility.turn_on(name));
            assert_ne!(compatibility, Compatibility::default());
            compatibility
        });
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one));
        }
        let mut none = Compatibility::default();
        assert!(!none.turn_on("kdf") && none == Compatibility::default());
    }
}
