//! How class 64 speaks of certificates: which one is meant, and what is listed of each.

use alloc::vec::Vec;

use super::{Certificate, CertificateEntity, CertificateType};
use crate::{
    axdr::{Data, DataBuf},
    xdlms::ActionResult,
};

/// The header of an INTEGER, which some peers leave in front of a serial number.
const INTEGER: u8 = 0x02;

/// One certificate in attribute 6, certificates. In what form a name stands there the class leaves
/// open: here it is DER, which is what method 7 can be asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateInfo<'a> {
    /// Whose it is.
    pub entity: CertificateEntity,
    /// What its key is for.
    pub certificate_type: CertificateType,
    /// The serial number: the contents of the INTEGER, or with some meters all of it.
    pub serial: &'a [u8],
    /// The name of the issuer.
    pub issuer: &'a [u8],
    /// The name of the subject.
    pub subject: &'a [u8],
    /// The alternative names of the subject; empty when there are none.
    pub subject_alt_name: &'a [u8],
}

impl<'a> CertificateInfo<'a> {
    /// What is listed of a certificate.
    pub(super) fn of(entity: CertificateEntity, certificate: &'a Certificate) -> Self {
        Self {
            entity,
            certificate_type: certificate.certificate_type(),
            serial: certificate.serial(),
            issuer: certificate.issuer(),
            subject: certificate.subject(),
            subject_alt_name: certificate.subject_alt_name(),
        }
    }

    /// The element of the list.
    pub(super) fn to_data(self) -> DataBuf {
        let octets = |octets: &[u8]| DataBuf::octet_string(octets.to_vec());
        DataBuf::structure([
            DataBuf::Enum(self.entity.code()),
            DataBuf::Enum(self.certificate_type.code()),
            octets(self.serial),
            octets(self.issuer),
            octets(self.subject),
            octets(self.subject_alt_name),
        ])
    }

    /// Reads attribute 6. None for another structure, and for values that the class does not have.
    pub fn decode_list(attribute: &Data<'a>) -> Option<Vec<Self>> {
        let elements = attribute.as_array()?;
        elements.map(|element| Self::decode(&element.ok()?)).collect()
    }

    fn decode(element: &Data<'a>) -> Option<Self> {
        match fields(element).ok()? {
            [
                entity,
                kind,
                Data::OctetString(serial),
                Data::OctetString(issuer),
                Data::OctetString(subject),
                Data::OctetString(subject_alt_name),
            ] => Some(Self {
                entity: CertificateEntity::from_code(entity.as_enum()?)?,
                certificate_type: CertificateType::from_code(kind.as_enum()?)?,
                serial,
                issuer,
                subject,
                subject_alt_name,
            }),
            _ => None,
        }
    }
}

/// Which certificate is meant: certificate_identification of methods 7 and 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateIdentification<'a> {
    /// The one of somebody for something.
    Entity {
        /// Whose it is.
        entity: CertificateEntity,
        /// What for.
        certificate_type: CertificateType,
        /// The system title; empty for an authority.
        system_title: &'a [u8],
    },
    /// The one with a number.
    Serial {
        /// The contents of the INTEGER, or all of it.
        serial: &'a [u8],
        /// The name of the issuer, in DER.
        issuer: &'a [u8],
    },
}

impl<'a> CertificateIdentification<'a> {
    /// The parameter of method 7 or 8.
    pub fn to_data(&self) -> DataBuf {
        let octets = |octets: &[u8]| DataBuf::octet_string(octets.to_vec());
        let (choice, identification) = match self {
            Self::Entity { entity, certificate_type, system_title } => (
                0,
                DataBuf::structure([
                    DataBuf::Enum(entity.code()),
                    DataBuf::Enum(certificate_type.code()),
                    octets(system_title),
                ]),
            ),
            Self::Serial { serial, issuer } => {
                (1, DataBuf::structure([octets(serial), octets(issuer)]))
            }
        };
        DataBuf::structure([DataBuf::Enum(choice), identification])
    }

    /// Reads the parameter of method 7 or 8.
    ///
    /// # Errors
    /// [`ActionResult::TypeUnmatched`] for another structure.
    pub fn decode(parameter: &Data<'a>) -> Result<Self, ActionResult> {
        let wrong = ActionResult::TypeUnmatched;
        let [choice, identification] = fields(parameter)?;
        match choice.as_enum() {
            Some(0) => match fields(&identification)? {
                [entity, kind, Data::OctetString(title)] => {
                    let entity = entity.as_enum().and_then(CertificateEntity::from_code);
                    let kind = kind.as_enum().and_then(CertificateType::from_code);
                    Ok(Self::Entity {
                        entity: entity.ok_or(wrong)?,
                        certificate_type: kind.ok_or(wrong)?,
                        system_title: title,
                    })
                }
                _ => Err(wrong),
            },
            Some(1) => match fields(&identification)? {
                [Data::OctetString(serial), Data::OctetString(issuer)] => {
                    Ok(Self::Serial { serial, issuer })
                }
                _ => Err(wrong),
            },
            _ => Err(wrong),
        }
    }

    pub(super) fn names(&self, entity: CertificateEntity, certificate: &Certificate) -> bool {
        match *self {
            Self::Entity { entity: wanted, certificate_type, system_title } => {
                let held = certificate.system_title();
                let held = held.as_ref().map(|title| &title.0[..]).unwrap_or_default();
                // An authority has no title: none need be given for it.
                wanted == entity
                    && certificate_type == certificate.certificate_type()
                    && held == system_title
            }
            Self::Serial { serial, issuer } => is(certificate, serial, issuer),
        }
    }
}

/// The fields of a structure that has as many.
fn fields<'a, const N: usize>(structure: &Data<'a>) -> Result<[Data<'a>; N], ActionResult> {
    let wrong = ActionResult::TypeUnmatched;
    let elements = structure.as_structure().ok_or(wrong)?;
    let fields: Vec<Data<'a>> = elements.collect::<Result<_, _>>().map_err(|_| wrong)?;
    fields.try_into().map_err(|_| wrong)
}

/// Whether this is the certificate of a serial number, in any form, and an issuer.
pub(super) fn is(certificate: &Certificate, serial: &[u8], issuer: &[u8]) -> bool {
    let contents = match serial {
        [INTEGER, length, contents @ ..] if usize::from(*length) == contents.len() => contents,
        contents => contents,
    };
    let own = number(certificate.serial());
    // A serial number that looks as if it had a header is tried as it is, too.
    [contents, serial].into_iter().any(|it| number(it) == own) && certificate.issuer() == issuer
}

/// Without the zeros in front, which some leave out and others do not.
fn number(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}
