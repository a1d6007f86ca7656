//! What counts, told apart by type from what anybody on the way could have written.
//!
//! ```text
//!   APDU ── open ──► Opening ──┬── as protected as agreed ──► Verified ── answers and values
//!                              ├── opens, closes, refuses ──► Hint     ── no value in it
//!                              └── neither ─────────────────► Failure::Unprotected
//! ```
//!
//! Nothing but this file makes a [`Verified`], and a handler that takes a value out of an APDU
//! takes a `Verified` one. In an association without ciphering nothing is demanded, and so
//! everything is as protected as agreed.

use super::{Client, Opening, Protected, State};
use crate::{
    acse::Aare,
    association::Failure,
    xdlms::{
        AccessResponse, ActionResponse, Apdu, ConfirmedServiceError, ExceptionResponse,
        GetResponse, ReadResponse, SetResponse, WriteResponse, tag,
    },
};

/// Something that came as protected as the association demands.
#[derive(Debug)]
pub(super) struct Verified<T>(T);

impl<T> Verified<T> {
    /// What it is; from here on it is as good as ours.
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

/// What a meter may say unprotected in a ciphered association: it opens and closes it, or is an
/// error. An AARE proves itself by what is inside it.
#[derive(Debug)]
pub(super) enum Hint<'a> {
    Aare(Aare<'a>),
    Rlre,
    Exception(ExceptionResponse),
    ServiceError(ConfirmedServiceError),
}

/// What answers a request: as protected as agreed.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    Get(Verified<GetResponse<'a>>),
    Set(Verified<SetResponse>),
    Action(Verified<ActionResponse<'a>>),
    Access(Verified<AccessResponse<'a>>),
    Read(Verified<ReadResponse<'a>>),
    Write(Verified<WriteResponse>),
    /// An APDU of this name, which is no answer.
    None(&'static str),
}

impl Answer<'_> {
    /// The name of the APDU.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => tag::name(tag::GET_RESPONSE),
            Self::Set(_) => tag::name(tag::SET_RESPONSE),
            Self::Action(_) => tag::name(tag::ACTION_RESPONSE),
            Self::Access(_) => tag::name(tag::ACCESS_RESPONSE),
            Self::Read(_) => tag::name(tag::READ_RESPONSE),
            Self::Write(_) => tag::name(tag::WRITE_RESPONSE),
            Self::None(name) => name,
        }
    }
}

/// An APDU that was looked at.
#[derive(Debug)]
pub(super) enum Judged<'a> {
    Hint(Hint<'a>),
    Answer(Answer<'a>),
}

impl Client {
    /// Judges `apdu`, which was decoded from `opening`.
    pub(super) fn judge<'a>(
        &self,
        opening: &Opening<'_>,
        apdu: Apdu<'a>,
    ) -> Result<Judged<'a>, Failure> {
        let unsigned = self.state == State::Associated && self.config.signs() && !opening.signed;
        match sorted(apdu) {
            hint @ Judged::Hint(_) => Ok(hint),
            Judged::Answer(_) if unsigned || !self.is_protected_enough(opening.protected) => {
                Err(Failure::Unprotected)
            }
            answer @ Judged::Answer(_) => Ok(answer),
        }
    }

    fn is_protected_enough(&self, protected: Protected) -> bool {
        match protected {
            Protected::Not => self.config.protecting().is_none(),
            // Under the global key an answer of an earlier association could come again.
            Protected::Global => {
                self.state != State::Associated
                    || (self.dedicated_key.is_none() && self.config.general_ciphering.is_none())
            }
            Protected::General => self.state != State::Associated || self.dedicated_key.is_none(),
            Protected::Dedicated => true,
        }
    }

    /// The content of `opening` where it is no answer: a notification, or what was inside an AARE.
    /// Unprotected where there are keys, it is nobody's word.
    pub(super) fn judge_content<'a>(
        &self,
        opening: &Opening<'a>,
    ) -> Result<Verified<&'a [u8]>, Failure> {
        if opening.protected == Protected::Not && self.config.protecting().is_some() {
            return Err(Failure::Unprotected);
        }
        Ok(Verified(opening.plain))
    }
}

/// What needs no protection, and what is an answer if it has been protected as agreed.
fn sorted(apdu: Apdu<'_>) -> Judged<'_> {
    Judged::Answer(match apdu {
        Apdu::Aare(aare) => return Judged::Hint(Hint::Aare(aare)),
        Apdu::Rlre(_) => return Judged::Hint(Hint::Rlre),
        Apdu::ExceptionResponse(exception) => return Judged::Hint(Hint::Exception(exception)),
        Apdu::ConfirmedServiceError(error) => return Judged::Hint(Hint::ServiceError(error)),
        Apdu::GetResponse(response) => Answer::Get(Verified(response)),
        Apdu::SetResponse(response) => Answer::Set(Verified(response)),
        Apdu::ActionResponse(response) => Answer::Action(Verified(response)),
        Apdu::AccessResponse(response) => Answer::Access(Verified(response)),
        Apdu::ReadResponse(response) => Answer::Read(Verified(response)),
        Apdu::WriteResponse(response) => Answer::Write(Verified(response)),
        other => Answer::None(other.name()),
    })
}
