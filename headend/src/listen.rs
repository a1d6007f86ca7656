//! What meters push, as lines: one for each value, in the order of the message.
//!
//! [`Gate`] decides which messages are taken. It opens what is ciphered, refuses what is forged,
//! replayed or incomplete, and remembers invocation counters for as long as it runs. Whatever it
//! refuses yields no value at all.

use std::collections::BTreeMap;

use dlms_core::{
    axdr::Data,
    cosem::{AttributeId, ClassId, DateTime, LogicalName, obis},
    push::{Patterns, PushValue},
    security::{ReceiveCounter, SecurityError, SystemTitle},
    xdlms::tag,
};
use serde::Serialize;

use crate::{
    decode::{
        Fault,
        content::{self, Content},
        keyring::{Envelope, KeyRing, Seal},
    },
    diagnosis::ErrorObject,
    reading::Shown,
    render::{self, Align, Header, Record},
};

/// Meters whose counters are remembered. A head-end of the largest utilities has more meters, but
/// not behind one process.
const METERS_MAX: usize = 1_000_000;

/// One value of a push: a line of `headend listen`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct PushLine {
    /// When the message had arrived, in UTC.
    pub(crate) received_at: String,
    /// Where it came from.
    pub(crate) from: String,
    /// The meter's network and address behind a gateway; null without one.
    pub(crate) gateway: Option<String>,
    /// The system title of the meter; null when the message was not ciphered.
    pub(crate) meter: Option<String>,
    /// Whether the tag verified; null when there was nothing to verify, or nothing to verify with.
    pub(crate) verified: Option<bool>,
    /// When the meter made the message, if it says so.
    pub(crate) time: Option<String>,
    /// Null where only its position tells what the value is.
    pub(crate) logical_name: Option<String>,
    /// Null where the push does not tell.
    pub(crate) class: Option<u16>,
    /// Null where the push does not tell.
    pub(crate) attribute: Option<i8>,
    /// Value, scaler, unit and text.
    #[serde(flatten)]
    pub(crate) shown: Shown,
    /// Always null: what is wrong with a message does not come as a line.
    pub(crate) error: Option<ErrorObject>,
}

/// Lets good messages through.
#[derive(Debug)]
pub(crate) struct Gate {
    keys: KeyRing,
    patterns: Patterns,
    verified_only: bool,
    /// Of a meter of which nothing was accepted yet.
    fresh: ReceiveCounter,
    /// What was accepted under the key of each meter.
    counters: BTreeMap<SystemTitle, ReceiveCounter>,
}

impl Gate {
    /// A gate for messages whose counters come in order; but those within `counter_window` of the
    /// greatest may come in any order, see [`ReceiveCounter::with_window`].
    pub(crate) const fn new(
        keys: KeyRing,
        patterns: Patterns,
        verified_only: bool,
        counter_window: u32,
    ) -> Self {
        let fresh = ReceiveCounter::new().with_window(counter_window);
        Self { keys, patterns, verified_only, fresh, counters: BTreeMap::new() }
    }

    /// What was accepted last under the key of each meter, to be kept.
    pub(crate) fn received(&self) -> impl Iterator<Item = (SystemTitle, u32)> + '_ {
        self.counters.iter().filter_map(|(title, counter)| Some((*title, counter.last()?)))
    }

    /// `last` was accepted under the key of the meter `title`, and whatever is below it, as far as
    /// anybody knows.
    pub(crate) fn restore(&mut self, title: SystemTitle, last: u32, counter_window: u32) {
        let counter = ReceiveCounter::after(last).with_window(counter_window);
        self.counters.insert(title, counter);
    }

    /// The lines of the message `apdu`, which is opened in place.
    ///
    /// # Errors
    /// Why the message is not taken.
    pub(crate) fn take(
        &mut self,
        apdu: &mut [u8],
        from: &str,
        received_at: &str,
    ) -> Result<Vec<PushLine>, Fault> {
        let first = apdu.first().copied().unwrap_or_default();
        if !tag::is_protected(first) {
            if self.verified_only {
                return Err(Fault::new("not-verified", 0, "the message is not protected"));
            }
            return lines(apdu, &self.patterns, None, None, from, received_at);
        }
        let envelope = self.keys.open(apdu)?;
        if let Some(fault) = envelope.seal.fault() {
            return Err(fault);
        }
        if self.verified_only && envelope.seal != Seal::Verified {
            return Err(Fault::new("not-verified", 0, "there is no tag, or no key to verify it"));
        }
        let Envelope { head, title, seal, plain: Some(plain) } = envelope else {
            return Err(Fault::new("no-key", 0, "there is no key for it"));
        };
        // The tag of the ciphered APDU is not protected, that of the plain one is.
        if tag::plain(head.tag).is_some_and(|expected| plain.first() != Some(&expected)) {
            return Err(Fault::new("tag-disagrees", 0, "ciphered under the tag of another APDU"));
        }

        // A counter counts when the tag proves it, or when a text that nobody can encrypt without
        // the key makes sense under it.
        let counts = seal == Seal::Verified || head.control.protection().encrypted;
        let title = title.ok_or(SecurityError::SystemTitleMissing)?;
        let known = self.counters.get(&title).copied();
        if counts {
            known.unwrap_or(self.fresh).check(head.counter)?;
            if known.is_none() && self.counters.len() >= METERS_MAX {
                let text = format!("more than {METERS_MAX} meters");
                return Err(Fault::new("too-many-meters", 0, text));
            }
        }
        let verified = seal.verified();
        let lines = lines(plain, &self.patterns, Some(title), verified, from, received_at)?;
        if counts {
            self.counters.entry(title).or_insert(self.fresh).accept(head.counter);
        }
        Ok(lines)
    }
}

fn lines(
    apdu: &[u8],
    patterns: &Patterns,
    meter: Option<SystemTitle>,
    verified: Option<bool>,
    from: &str,
    received_at: &str,
) -> Result<Vec<PushLine>, Fault> {
    let first = apdu.first().copied().unwrap_or_default();
    if !matches!(first, tag::DATA_NOTIFICATION | tag::EVENT_NOTIFICATION_REQUEST) {
        let text = format!("{} ({first:#04x}) is not a push", tag::name(first));
        return Err(Fault::new("not-a-push", 0, text));
    }
    let content = match content::read(apdu, patterns) {
        (_, _, Some(malformed)) => return Err(malformed.into()),
        (_, content, None) => content,
    };
    let Content { time, values, .. } =
        content.ok_or_else(|| Fault::new("not-a-push", 0, "it has no body"))?;
    let time = time
        .and_then(|octets| DateTime::from_data(&Data::OctetString(octets)))
        .map(|time| time.to_string());
    let empty = PushLine {
        received_at: received_at.to_owned(),
        from: from.to_owned(),
        gateway: None,
        meter: meter.map(|title| title.to_string()),
        verified,
        time,
        logical_name: None,
        class: None,
        attribute: None,
        shown: Shown::default(),
        error: None,
    };
    values.iter().map(|value| Ok(empty.with(value)?)).collect()
}

impl PushLine {
    /// The line of `pushed` in the message that this line is of.
    fn with(&self, pushed: &PushValue<'_>) -> Result<Self, dlms_core::Malformed> {
        let object = pushed.object;
        let (class, attribute) = match object {
            None => (ClassId(0), AttributeId(0)),
            Some(object) => {
                let class = object.class.unwrap_or(match object.instance {
                    LogicalName([0, _, 1, 0, ..]) => ClassId::CLOCK,
                    _ => ClassId(0),
                });
                (class, object.attribute.unwrap_or(AttributeId(2)))
            }
        };
        Ok(Self {
            logical_name: object.map(|object| object.instance.to_string()),
            class: object.and_then(|object| object.class).map(|class| class.0),
            attribute: object.and_then(|object| object.attribute).map(|number| number.0),
            shown: Shown::new(&pushed.value, class, attribute, pushed.scaler_unit)?,
            ..self.clone()
        })
    }

    /// The columns.
    pub(crate) fn header() -> Header {
        Header::new(
            &[
                ("RECEIVED", Align::Left),
                ("METER", Align::Left),
                ("VERIFIED", Align::Left),
                ("OBJECT", Align::Left),
                ("NAME", Align::Left),
                ("VALUE", Align::Left),
            ],
            &[
                "received_at",
                "from",
                "gateway",
                "meter",
                "verified",
                "time",
                "logical_name",
                "class",
                "attribute",
                "type",
                "value",
                "raw",
                "scaler",
                "unit",
                "text",
                "error",
            ],
        )
    }
}

impl Record for PushLine {
    fn table(&self) -> Vec<String> {
        let name = self.logical_name.as_deref().and_then(|name| name.parse().ok());
        let name = name.and_then(obis::name).map(|name| name.to_string());
        vec![
            self.received_at.clone(),
            self.meter.clone().unwrap_or_else(|| "-".to_owned()),
            self.verified.map_or("-", |verified| if verified { "yes" } else { "no" }).to_owned(),
            self.logical_name.clone().unwrap_or_else(|| "-".to_owned()),
            name.unwrap_or_default(),
            self.shown.text.clone().unwrap_or_default(),
        ]
    }

    fn csv(&self) -> Vec<String> {
        let shown = &self.shown;
        vec![
            self.received_at.clone(),
            self.from.clone(),
            self.gateway.clone().unwrap_or_default(),
            self.meter.clone().unwrap_or_default(),
            self.verified.map(|verified| verified.to_string()).unwrap_or_default(),
            self.time.clone().unwrap_or_default(),
            self.logical_name.clone().unwrap_or_default(),
            self.class.map(|class| class.to_string()).unwrap_or_default(),
            self.attribute.map(|attribute| attribute.to_string()).unwrap_or_default(),
            shown.data_type.unwrap_or_default().to_owned(),
            render::csv_cell(&shown.value),
            shown.raw.clone().unwrap_or_default(),
            shown.scaler.map(|scaler| scaler.to_string()).unwrap_or_default(),
            shown.unit.clone().unwrap_or_default(),
            shown.text.clone().unwrap_or_default(),
            String::new(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::security::{
        Key, ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, protect,
    };

    use super::*;

    const TITLE: SystemTitle = SystemTitle(*b"GRX\x01\0\0\x03\xe8");
    const PUSH: &str = "0f 00000001 00 02 03 0906 0100200700ff 12 08fd 02 02 0f ff 16 23";
    const EVENT: &str = "c2 00 0001 0000600b00ff 02 11 07";

    fn octets(hex: &str) -> Vec<u8> {
        crate::decode::capture::parse(hex).unwrap()
    }

    fn keys() -> [Key; 2] {
        [Key::from([1; 16]), Key::from([2; 16])]
    }

    fn gate(verified_only: bool) -> Gate {
        let [encryption, authentication] = keys();
        let keys = KeyRing {
            encryption: Some(encryption),
            authentication: Some(authentication),
            title: Some(TITLE),
            ..KeyRing::default()
        };
        Gate::new(keys, Patterns::built_in(), verified_only, 0)
    }

    fn ciphered(outer: u8, protection: Protection, counter: u32, plain: &str) -> Vec<u8> {
        let [key, authentication_key] = keys();
        let request = ProtectRequest {
            tag: outer,
            system_title: TITLE,
            send_title: true,
            control: SecurityControl::new(SecuritySuite::Suite0, protection),
            counter,
            key: &key,
            authentication_key: Some(&authentication_key),
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, &octets(plain), &mut out).unwrap();
        out
    }

    /// The texts of the values, or the code of the fault.
    fn taken(gate: &mut Gate, apdu: &[u8]) -> Result<Vec<String>, &'static str> {
        let lines = gate.take(&mut apdu.to_vec(), "peer", "now").map_err(|fault| fault.code)?;
        Ok(lines.into_iter().filter_map(|line| line.shown.text).collect())
    }

    const BOTH: Protection = Protection::AUTHENTICATED_ENCRYPTED;

    #[test]
    fn a_plain_push_is_taken_unless_only_verified_ones_are_wanted() {
        assert_eq!(taken(&mut gate(false), &octets(PUSH)), Ok(vec!["230.1 V".to_owned()]));
        assert_eq!(taken(&mut gate(true), &octets(PUSH)), Err("not-verified"));
        assert_eq!(taken(&mut gate(false), &octets(EVENT)), Ok(vec!["7".to_owned()]));
    }

    #[test]
    fn a_ciphered_push_is_taken_once() {
        for protection in [BOTH, Protection::ENCRYPTED] {
            let mut gate = gate(false);
            let push = ciphered(0xdb, protection, 5, PUSH);
            let line = gate.take(&mut push.clone(), "peer", "now").unwrap().remove(0);
            assert_eq!(line.meter.as_deref(), Some("47525801000003E8"));
            assert_eq!(line.verified, (protection == BOTH).then_some(true));
            assert_eq!(taken(&mut gate, &push), Err("replayed"));
            assert_eq!(taken(&mut gate, &ciphered(0xdb, protection, 4, PUSH)), Err("replayed"));
            assert!(taken(&mut gate, &ciphered(0xdb, protection, 6, PUSH)).is_ok());
        }
    }

    #[test]
    fn datagrams_that_overtook_each_other_are_taken_once_each_within_the_window() {
        let mut gate = gate(false);
        gate.fresh = ReceiveCounter::new().with_window(8);
        for counter in [5, 3, 9, 4, 2] {
            assert!(taken(&mut gate, &ciphered(0xdb, BOTH, counter, PUSH)).is_ok(), "{counter}");
        }
        for counter in [9, 5, 4, 3, 2, 1] {
            let again = taken(&mut gate, &ciphered(0xdb, BOTH, counter, PUSH));
            assert_eq!(again, Err("replayed"), "{counter}");
        }
        // A forged one moves nothing.
        let mut forged = ciphered(0xdb, BOTH, 1_000, PUSH);
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(taken(&mut gate, &forged), Err("tag-mismatch"));
        assert!(taken(&mut gate, &ciphered(0xdb, BOTH, 7, PUSH)).is_ok());
    }

    #[test]
    fn a_forged_push_yields_nothing_and_does_not_move_the_counter() {
        let mut gate = gate(false);
        let mut forged = ciphered(0xdb, BOTH, 1_000_000, PUSH);
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(taken(&mut gate, &forged), Err("tag-mismatch"));
        let mut garbled = ciphered(0xdb, Protection::ENCRYPTED, 1_000_000, PUSH);
        garbled[16] ^= 0x55;
        assert!(taken(&mut gate, &garbled).is_err());
        assert!(taken(&mut gate, &ciphered(0xdb, BOTH, 1, PUSH)).is_ok());
    }

    #[test]
    fn what_is_cut_short_or_no_push_yields_nothing() {
        let mut gate = gate(false);
        let push = octets(PUSH);
        for end in 0..push.len() {
            assert!(taken(&mut gate, &push[..end]).is_err(), "{end}");
        }
        let ciphered = ciphered(0xdb, BOTH, 1, PUSH);
        for end in 0..ciphered.len() {
            assert!(taken(&mut gate, &ciphered[..end]).is_err(), "{end}");
        }
        assert_eq!(taken(&mut gate, &octets("c4 01 c1 00 11 05")), Err("not-a-push"));
        assert!(taken(&mut gate, &ciphered).is_ok());
    }

    #[test]
    fn an_event_is_taken_only_under_its_own_tag() {
        let mut gate = gate(false);
        let wrong = ciphered(0xcc, BOTH, 1, EVENT);
        assert_eq!(taken(&mut gate, &wrong), Err("tag-disagrees"));
        let right = ciphered(0xca, BOTH, 1, EVENT);
        assert_eq!(taken(&mut gate, &right), Ok(vec!["7".to_owned()]));
    }

    #[test]
    fn only_verified_ones_means_no_others() {
        let mut gate = gate(true);
        let encrypted = ciphered(0xdb, Protection::ENCRYPTED, 1, PUSH);
        assert_eq!(taken(&mut gate, &encrypted), Err("not-verified"));
        assert!(taken(&mut gate, &ciphered(0xdb, BOTH, 1, PUSH)).is_ok());
        gate.keys = KeyRing::default();
        assert_eq!(taken(&mut gate, &ciphered(0xdb, BOTH, 2, PUSH)), Err("no-key"));
    }

    #[test]
    fn a_line_has_the_members_of_a_reading_and_some_more() {
        let line = gate(false).take(&mut octets(PUSH), "peer", "now").unwrap().remove(0);
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"received_at":"now","from":"peer","gateway":null,"meter":null,"verified":null,"#
                .to_owned()
                + r#""time":null,"logical_name":"1-0:32.7.0*255","class":null,"attribute":null,"#
                + r#""type":"long-unsigned","value":2301,"scaler":-1,"unit":"V","#
                + r#""text":"230.1 V","error":null}"#
        );
        assert_eq!(line.csv().len(), PushLine::header().csv.len());
        assert_eq!(line.table().len(), PushLine::header().table.len());
    }
}
