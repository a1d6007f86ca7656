//! Companion profiles: what the meters of one specification have in common, as data. IDIS, the
//! Dutch DSMR/SMR and the Spanish meters on PRIME are here, as far as public sources tell; each
//! fact names its source.
//!
//! The tables are made of `companions/*.toml` by `tests/companions.rs`, which also proves that they
//! are current. A companion decides nothing: what a meter says of itself counts more.
//!
//! ```
//! use dlms_core::{companion, cosem::LogicalName};
//!
//! let idis = companion::companion("idis").unwrap();
//! let load_profile = idis.object("load profile 1").unwrap();
//! assert_eq!(load_profile.instance, LogicalName([1, 0, 99, 1, 0, 255]));
//! assert_eq!(idis.profile(load_profile.instance).unwrap().columns.len(), 4);
//! ```

#[rustfmt::skip]
mod tables;

use alloc::vec::Vec;

use crate::{
    cosem::{CaptureObject, ClassId, LogicalName, ScalerUnit},
    device::ObjectId,
};

/// A companion profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Companion {
    /// What it is called here: `idis`, `prime`, `smr`.
    pub name: &'static str,
    /// The specification and its edition.
    pub title: &'static str,
    /// How its meters tell the time.
    pub time: TimeConvention,
    /// Who may ask.
    pub clients: &'static [Client],
    /// What its meters have, push setups and profiles included.
    pub objects: &'static [CompanionObject],
    /// What the profiles among the objects capture.
    pub profiles: &'static [Profile],
    /// What meters of it are known to do differently.
    pub quirks: &'static [Quirk],
}

/// How meters tell the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeConvention {
    /// Minutes to add to local time without daylight saving to get UTC: -60 in Central Europe.
    pub deviation_minutes: i16,
    /// Whether the clock has daylight saving.
    pub daylight_saving: bool,
    /// Where that is from.
    pub source: &'static str,
}

/// A client that the specification has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// What it is called.
    pub name: &'static str,
    /// Its SAP.
    pub sap: u16,
    /// How it proves who it is.
    pub authentication: Authentication,
    /// How its APDUs are protected.
    pub security: Security,
    /// The number of the security suite, where it has one.
    pub suite: Option<u8>,
    /// Whether its association is there without having been opened.
    pub pre_established: bool,
    /// Where that is from.
    pub source: &'static str,
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all.
    None,
    /// With a password.
    Lls,
    /// With GMAC, mechanism 5.
    HlsGmac,
}

/// How APDUs are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// With authentication and encryption.
    AuthenticatedEncrypted,
}

/// Whether every meter has an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Every meter.
    Always,
    /// Meters with three phases, with something on the M-Bus, and the like.
    Sometimes,
}

/// An object that the specification has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompanionObject {
    /// What it is called, unique within the companion.
    pub name: &'static str,
    /// Its class.
    pub class: ClassId,
    /// The version of the class; `None` where the source does not tell it.
    pub version: Option<u8>,
    /// Its logical name.
    pub instance: LogicalName,
    /// The scaler and unit of a register.
    pub scaler_unit: Option<ScalerUnit>,
    /// Whether every meter has it.
    pub presence: Presence,
    /// Where that is from.
    pub source: &'static str,
}

/// What a profile captures, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its logical name.
    pub instance: LogicalName,
    /// When a row is captured.
    pub period: Period,
    /// The capture objects.
    pub columns: &'static [CaptureObject],
}

/// When a row is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Every so many seconds, in step with 00:00 UTC; 86,400 is once a day, at local midnight.
    Seconds(u32),
    /// At the beginning of every month.
    Month,
    /// When something happens.
    Event,
}

impl Period {
    /// What attribute capture_period says: seconds, and 0 for what no number of seconds tells.
    pub const fn capture_period_s(self) -> u32 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Month | Self::Event => 0,
        }
    }
}

/// What some meters do differently, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirk {
    /// What.
    pub text: &'static str,
    /// Where that is from.
    pub source: &'static str,
}

impl Companion {
    /// The object called `name`.
    pub fn object(&self, name: &str) -> Option<&'static CompanionObject> {
        self.objects.iter().find(|object| object.name.eq_ignore_ascii_case(name))
    }

    /// The object at `instance`.
    pub fn object_at(&self, instance: LogicalName) -> Option<&'static CompanionObject> {
        self.objects.iter().find(|object| object.instance == instance)
    }

    /// The profile at `instance`.
    pub fn profile(&self, instance: LogicalName) -> Option<&'static Profile> {
        self.profiles.iter().find(|profile| profile.instance == instance)
    }

    /// In what a meter with these objects differs from the specification, missing objects first.
    pub fn deviations(&self, present: &[ObjectId]) -> Vec<Deviation> {
        let same = |object: &CompanionObject, id: &ObjectId| {
            (object.class, object.instance) == (id.class, id.name)
        };
        let mut deviations = Vec::new();
        for object in self.objects {
            match present.iter().find(|id| same(object, id)) {
                None if object.presence == Presence::Always => {
                    deviations.push(Deviation::Missing(object));
                }
                Some(id) if object.version.is_some_and(|version| version != id.version) => {
                    deviations.push(Deviation::OtherVersion(object, id.version));
                }
                _ => {}
            }
        }
        let unexpected = |id: &&ObjectId| !self.objects.iter().any(|object| same(object, id));
        deviations.extend(present.iter().filter(unexpected).copied().map(Deviation::Unexpected));
        deviations
    }
}

/// In what a meter differs from a companion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// The meter does not show an object that every meter has.
    Missing(&'static CompanionObject),
    /// The meter has another version of the class of an object: this one.
    OtherVersion(&'static CompanionObject, u8),
    /// The meter has an object that the companion does not name.
    Unexpected(ObjectId),
}

/// All companions, in the order of their names.
pub const fn companions() -> &'static [Companion] {
    tables::COMPANIONS
}

/// The companion called `name`.
pub fn companion(name: &str) -> Option<&'static Companion> {
    tables::COMPANIONS.iter().find(|companion| companion.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(companion: &Companion) -> Vec<ObjectId> {
        let id = |object: &CompanionObject| ObjectId {
            class: object.class,
            version: object.version.unwrap_or(0),
            name: object.instance,
        };
        companion.objects.iter().map(id).collect()
    }

    #[test]
    fn a_meter_with_what_the_companion_names_has_no_deviation() {
        for companion in companions() {
            assert_eq!(companion.deviations(&ids(companion)), [], "{}", companion.name);
        }
    }

    #[test]
    fn what_is_missing_of_another_version_or_unexpected_is_told() {
        let smr = companion("smr").unwrap();
        let clock = smr.object("clock").unwrap();
        let mut present = ids(smr);
        let at = |present: &[ObjectId], object: &CompanionObject| {
            present.iter().position(|id| id.name == object.instance).unwrap()
        };
        // Not every meter has gas: without it nothing is missing.
        present.remove(at(&present, smr.object("gas").unwrap()));
        let energy = smr.object("Active Energy Import").unwrap();
        present.remove(at(&present, energy));
        let clock_at = at(&present, clock);
        present[clock_at].version = 1;
        let own = ObjectId {
            class: ClassId::DATA,
            version: 0,
            name: LogicalName([0, 0, 128, 0, 0, 255]),
        };
        present.push(own);
        assert_eq!(
            smr.deviations(&present),
            [
                Deviation::Missing(energy),
                Deviation::OtherVersion(clock, 1),
                Deviation::Unexpected(own),
            ]
        );
    }

    #[test]
    fn every_fact_has_a_source() {
        for companion in companions() {
            let objects = companion.objects.iter().map(|object| object.source);
            let clients = companion.clients.iter().map(|client| client.source);
            let quirks = companion.quirks.iter().map(|quirk| quirk.source);
            let mut sources = objects.chain(clients).chain(quirks).chain([companion.time.source]);
            assert!(sources.all(|source| source.len() > 20), "{}", companion.name);
        }
    }
}
