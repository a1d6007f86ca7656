//! What stands in front of both general-ciphering and general-signing: whose APDU it is, for whom,
//! and in which transaction (Green Book 9.2.7.2).

use alloc::vec::Vec;

use super::{SecurityError, SystemTitle};
use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
};

/// The five fields. Each may be empty, and what they mean to the receiver is settled elsewhere; the
/// tag or the signature of the APDU covers their octets with the lengths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeneralHeader {
    /// Which exchange it is part of, chosen by whoever began it.
    pub transaction_id: Vec<u8>,
    /// Who protected it. None where the receiver knows that anyway.
    pub originator: Option<SystemTitle>,
    /// For whom it is protected. None where it is told by the association.
    pub recipient: Option<SystemTitle>,
    /// When it was protected: twelve octets or none.
    pub date_time: Vec<u8>,
    /// Whatever else was agreed on.
    pub other_information: Vec<u8>,
}

impl GeneralHeader {
    /// Takes the fields from `reader`.
    ///
    /// # Errors
    /// What is missing; [`MalformedKind::Length`] for a title that has neither eight octets nor
    /// none.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            transaction_id: reader.octet_string()?.to_vec(),
            originator: decode_title(reader)?,
            recipient: decode_title(reader)?,
            date_time: reader.octet_string()?.to_vec(),
            other_information: reader.octet_string()?.to_vec(),
        })
    }

    /// Appends the fields.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octet_string(&self.transaction_id);
        for title in [self.originator, self.recipient] {
            writer.octet_string(title.as_ref().map_or(&[][..], |title| &title.0));
        }
        writer.octet_string(&self.date_time);
        writer.octet_string(&self.other_information);
    }

    /// How many octets [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        let mut out = Vec::new();
        self.encode(&mut Writer::new(&mut out));
        out.len()
    }

    /// Whose APDU it is: by the header, by what the receiver knows, or by both when they agree.
    ///
    /// # Errors
    /// [`SecurityError::SystemTitleMismatch`], [`SecurityError::SystemTitleMissing`],
    /// [`SecurityError::RecipientMismatch`], [`SecurityError::Reflected`].
    pub fn check_parties(
        &self,
        known: Option<SystemTitle>,
        own: SystemTitle,
    ) -> Result<SystemTitle, SecurityError> {
        if self.originator == Some(own) {
            return Err(SecurityError::Reflected);
        }
        if let Some(received) = self.recipient
            && received != own
        {
            return Err(SecurityError::RecipientMismatch { received, own });
        }
        let originator = match (self.originator, known) {
            (Some(received), Some(expected)) if received != expected => {
                return Err(SecurityError::SystemTitleMismatch { received, expected });
            }
            (Some(title), _) | (None, Some(title)) => title,
            (None, None) => return Err(SecurityError::SystemTitleMissing),
        };
        if originator == own { Err(SecurityError::Reflected) } else { Ok(originator) }
    }
}

/// Takes a title: eight octets, or none where both sides know it anyway.
pub(super) fn decode_title(reader: &mut Reader<'_>) -> Result<Option<SystemTitle>, Malformed> {
    let length_offset = reader.offset();
    match reader.octet_string()? {
        [] => Ok(None),
        title => match SystemTitle::try_from(title) {
            Ok(title) => Ok(Some(title)),
            Err(_) => Err(Malformed::new(MalformedKind::Length, length_offset)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_apdu_is_from_a_known_other_and_for_oneself() {
        let [me, peer, stranger] = [1, 2, 3].map(|octet| SystemTitle([octet; 8]));
        for (originator, recipient, known, result) in [
            (Some(peer), Some(me), None, Ok(peer)),
            (Some(peer), None, Some(peer), Ok(peer)),
            (None, Some(me), Some(peer), Ok(peer)),
            (None, None, None, Err(SecurityError::SystemTitleMissing)),
            (
                Some(stranger),
                Some(me),
                Some(peer),
                Err(SecurityError::SystemTitleMismatch { received: stranger, expected: peer }),
            ),
            (
                Some(peer),
                Some(stranger),
                None,
                Err(SecurityError::RecipientMismatch { received: stranger, own: me }),
            ),
            (Some(me), None, None, Err(SecurityError::Reflected)),
            (None, Some(me), Some(me), Err(SecurityError::Reflected)),
        ] {
            let header = GeneralHeader { originator, recipient, ..GeneralHeader::default() };
            assert_eq!(header.check_parties(known, me), result);
        }
    }

    #[test]
    fn a_title_of_another_length_is_malformed_at_its_length() {
        for (octets, offset) in [(&[0, 1, 0x4d, 0, 0, 0][..], 1), (&[0, 0, 9], 2)] {
            let mut octets = octets.to_vec();
            octets.extend_from_slice(&[0; 12]);
            let refused = GeneralHeader::decode(&mut Reader::new(&octets));
            assert_eq!(refused, Err(Malformed::new(MalformedKind::Length, offset)));
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_and_no_prefix_of_it(
            transaction_id in prop::collection::vec(any::<u8>(), 0..140),
            titles in any::<[Option<[u8; 8]>; 2]>(),
            date_time in prop::collection::vec(any::<u8>(), 0..13),
            other_information in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let [originator, recipient] = titles.map(|title| title.map(SystemTitle));
            let header = GeneralHeader {
                transaction_id,
                originator,
                recipient,
                date_time,
                other_information,
            };
            let mut out = Vec::new();
            header.encode(&mut Writer::new(&mut out));
            prop_assert_eq!(out.len(), header.encoded_len());
            let mut reader = Reader::new(&out);
            prop_assert_eq!(GeneralHeader::decode(&mut reader), Ok(header));
            prop_assert!(reader.is_empty());
            for end in 0..out.len() {
                prop_assert!(GeneralHeader::decode(&mut Reader::new(&out[..end])).is_err());
            }
        }
    }
}
