//! Faults on request: a meter that breaks one rule, so that a tester can show that it notices.
//!
//! No fault is in the protocol itself. Each stands outside, as near to its rule as that allows:
//!
//! ```text
//!   octets ── line ──► link server ── apdu ──► association server ── device ──► meter
//! ```
//!
//! - `line` alters frames on their way in and out;
//! - `apdu` alters APDUs between the link and the association;
//! - `device` stands before the logical device, with its clients, keys and counters.

pub(crate) mod apdu;
pub(crate) mod device;
pub(crate) mod line;

use core::{fmt, str::FromStr};

/// Declares the faults with their names.
macro_rules! faults {
    ($($(#[$doc:meta])+ $Fault:ident = $name:literal,)+) => {
        /// One rule that a meter breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault { $($(#[$doc])+ $Fault,)+ }

        impl Fault {
            /// All faults.
            pub const ALL: &'static [Self] = &[$(Self::$Fault,)+];

            /// The name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Fault => $name,)+ }
            }
        }
    };
}

faults! {
    // On the line (IEC 62056-46).
    /// DISC of a link is answered with DM.
    DeniesLinks = "denies-links",
    /// A frame is waited for however long its octets take.
    BridgesGaps = "bridges-gaps",
    /// A link without frames is kept for ever.
    KeepsIdleLinks = "keeps-idle-links",
    /// Octets without flags are taken for a frame.
    TakesMissingFlags = "takes-missing-flags",
    /// A frame without check sequence is taken.
    TakesShortFrames = "takes-short-frames",
    /// Any frame format type is taken.
    TakesAnyFormat = "takes-any-format",
    /// The length subfield is not looked at.
    TakesAnyLength = "takes-any-length",
    /// An undefined control field is taken for RR.
    TakesAnyControl = "takes-any-control",
    /// The header check sequence is not looked at.
    TakesAnyHcs = "takes-any-hcs",
    /// The frame check sequence is not looked at.
    TakesAnyFcs = "takes-any-fcs",
    /// Answers come from another address than was asked.
    AnswersFromElsewhere = "answers-from-elsewhere",
    /// A client address of two octets is taken.
    TakesLongClients = "takes-long-clients",
    /// Every server address is taken for the own one.
    AnswersForOthers = "answers-for-others",
    /// One octet is taken for the own address, whatever that is.
    TakesShortAddresses = "takes-short-addresses",
    /// Addresses of three and five octets are taken.
    TakesOddAddresses = "takes-odd-addresses",
    /// UA promises longer information fields than were proposed.
    PromisesLongFields = "promises-long-fields",
    /// UA promises a wider window than was proposed.
    PromisesWideWindows = "promises-wide-windows",
    /// N(R) of I-frames counts one too many.
    MiscountsFrames = "miscounts-frames",
    /// What is too long for an information field is cut off.
    TakesLongFields = "takes-long-fields",
    /// N(R) is not looked at.
    TakesAnyNr = "takes-any-nr",
    /// N(S) is not looked at.
    TakesAnyNs = "takes-any-ns",
    /// Without a link RR is answered instead of DM.
    FeignsLinks = "feigns-links",
    // APDUs (IEC 62056-5-3).
    /// GET is served without an association.
    ServesStrangers = "serves-strangers",
    /// AARE has the VAA name of short names.
    MisnamesVaa = "misnames-vaa",
    /// An AARQ that names a user is rejected.
    RejectsUsers = "rejects-users",
    /// f(CtoS) is wrong.
    FailsProof = "fails-proof",
    /// The ACSE protocol version is not looked at.
    TakesAnyAcseVersion = "takes-any-acse-version",
    /// An unknown application context is taken for the usual one.
    TakesAnyContext = "takes-any-context",
    /// An AARQ with a called title or an invocation identifier is rejected.
    RejectsTitles = "rejects-titles",
    /// Every password is right.
    TakesAnyPassword = "takes-any-password",
    /// What was asked under a dedicated key is answered as if under the global one.
    ConfusesKeys = "confuses-keys",
    /// An InitiateRequest with a quality of service is rejected.
    RejectsQuality = "rejects-quality",
    /// Every DLMS version is taken.
    TakesAnyDlmsVersion = "takes-any-dlms-version",
    /// AARE agrees to a service that nobody has.
    PromisesServices = "promises-services",
    /// A PDU size that nothing fits is taken.
    TakesTinyPdus = "takes-tiny-pdus",
    /// A GET or Read that cannot be read is answered with data.
    AnswersFaultyGet = "answers-faulty-get",
    /// The invoke-id of a GET response is not that of the request.
    ConfusesRequests = "confuses-requests",
    /// A SET or Write that was refused is confirmed.
    ConfirmsRefusedSet = "confirms-refused-set",
    /// An APDU of no service is answered with data.
    AnswersAnything = "answers-anything",
    /// RLRQ is answered and the association stays.
    StaysAssociated = "stays-associated",
    // Security (IEC 62056-5-3 clause 5).
    /// f(CtoS) of HLS 7 is signed with a key that is not the meter's.
    SignsWithAnotherKey = "signs-with-another-key",
    /// Every f(StoC) of HLS 7 is right.
    TakesAnySignature = "takes-any-signature",
    /// A ciphered answer says that it is of suite 0.
    MisnamesSuite = "misnames-suite",
    /// The tag of a ciphered answer is wrong.
    SpoilsTags = "spoils-tags",
    /// The counters of clients are not looked at.
    TakesReplays = "takes-replays",
    /// Every APDU is sent with the same counter.
    RepeatsCounters = "repeats-counters",
    /// What cannot be deciphered is answered with data, in clear.
    AnswersUndeciphered = "answers-undeciphered",
    /// What was asked under the global key is answered as if under a dedicated one.
    AnswersInAnotherForm = "answers-in-another-form",
    /// The tags of clients are not looked at.
    TakesForgedTags = "takes-forged-tags",
    /// A release needs no proof.
    TakesUnprovenReleases = "takes-unproven-releases",
    /// What is not protected is answered with data.
    AnswersUnprotected = "answers-unprotected",
    /// Any protection is enough.
    TakesWeakProtection = "takes-weak-protection",
    /// A client that must cipher is let in without.
    TakesPlainAssociations = "takes-plain-associations",
    /// A key transfer is confirmed, and the keys stay as they are.
    IgnoresKeys = "ignores-keys",
    /// A key transfer is confirmed, whatever becomes of it.
    ConfirmsAnyKey = "confirms-any-key",
    // COSEM objects (IEC 62056-6-2).
    /// The clock has a logical name that is not its own.
    MisnamesObjects = "misnames-objects",
    /// A range of a profile is not looked at: all rows come.
    IgnoresRanges = "ignores-ranges",
    /// The columns that are asked for in a profile are not looked at.
    IgnoresColumns = "ignores-columns",
    /// The entries that are asked for in a profile are not looked at: all rows come.
    IgnoresEntries = "ignores-entries",
    /// Every value of a list is the first one.
    RepeatsFirstOfList = "repeats-first-of-list",
    /// A push is confirmed, and nothing is sent.
    PushesNothing = "pushes-nothing",
    /// The current association says that it is not open.
    DeniesAssociation = "denies-association",
    /// A logical device is in the SAP assignment twice.
    DoublesSaps = "doubles-saps",
    /// The logical device name is not that of the device.
    MisnamesDevice = "misnames-device",
    /// Attributes that do not exist are read as null-data.
    InventsAttributes = "invents-attributes",
    // In the field: what a client has to live with.
    /// The LLC header of answers is that of a client: E6 E6 00.
    AnswersAsClient = "answers-as-client",
    /// Answers have no LLC header.
    OmitsLlc = "omits-llc",
    /// What is ciphered in a general form carries an empty system title.
    OmitsTitles = "omits-titles",
    /// The date-time of a push has the tag of an octet-string, which does not belong there.
    TagsPushTimes = "tags-push-times",
    /// More than one general block in a go is not answered, whatever window was told.
    ChokesOnWindows = "chokes-on-windows",
    /// Scripts are a compact-array whose inner arrays have their counts in the contents.
    CountsInContents = "counts-in-contents",
    /// A range of a profile is refused when its times have a deviation.
    RefusesDeviations = "refuses-deviations",
}

impl Fault {
    /// Whether meters in the field do this and a client has to live with it. No test case of the
    /// Yellow Book notices it.
    pub const fn is_of_the_field(self) -> bool {
        self as u32 >= Self::AnswersAsClient as u32
    }
}

/// A set of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults(u128);

const _: () = assert!(Fault::ALL.len() <= u128::BITS as usize);

impl Faults {
    /// A meter without faults.
    pub const NONE: Self = Self(0);

    /// The same faults and one more.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | 1 << fault as u32)
    }

    /// Whether `fault` is among them.
    pub const fn has(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u32) != 0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self::NONE.with(fault)
    }
}

/// Not the name of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFault;

impl core::error::Error for UnknownFault {}

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such fault; known are")?;
        for fault in Fault::ALL {
            write!(f, " {}", fault.name())?;
        }
        Ok(())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL.iter().find(|fault| fault.name() == name).copied().ok_or(UnknownFault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(*fault));
        }
        assert!("no-fault".parse::<Fault>().is_err());
    }

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let faults = Faults::from(Fault::TakesAnyFcs).with(Fault::StaysAssociated);
        let has = Fault::ALL.iter().filter(|fault| faults.has(**fault)).count();
        assert_eq!(has, 2);
        assert!(faults.has(Fault::StaysAssociated) && Faults::NONE.is_empty());
    }
}
