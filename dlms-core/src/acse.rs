//! ACSE, the opening and closing of associations (IEC 62056-5-3 clauses 6.2, 6.3, 7.2 and 8;
//! ISO/IEC 15954).
//!
//! [`Aarq`] and [`Aare`] open an association, [`Rlrq`] and [`Rlre`] close it. All four are BER.
//! Their user-information carries an xDLMS APDU, ciphered or not, that is left as octets here.
//!
//! What is tolerated: fields in any order, fields that are not known, and every field missing that
//! the standard calls optional, user-information of a rejection included (the text of the standard
//! contradicts itself there and meters do leave it out).

mod aare;
mod aarq;
mod diagnostic;
pub(crate) mod enumerated;
mod field;
mod name;
mod release;

pub use aare::Aare;
pub use aarq::Aarq;
pub use diagnostic::{AcseProviderDiagnostic, AcseUserDiagnostic, AssociationResult, Diagnostic};
pub use name::{ApplicationContext, Mechanism};
pub use release::{ReleaseRequestReason, ReleaseResponseReason, Rlre, Rlrq};
