//! What meters push, as lines: one for each value, in the order of the message.
//!
//! [`Gate`] decides which messages are taken. It opens what is ciphered, refuses what is forged,
//! replayed or incomplete, and remembers invocation counters for as long as it runs, and no longer:
//! after a new start what was recorded before is taken once more. Whatever it
//! refuses yields no value at all.

mod confirmation;

use std::collections::{BTreeMap, VecDeque};

use dlms_core::{
    axdr::Data,
    cosem::{AttributeId, ClassId, DateTime, LogicalName, obis},
    push::{Patterns, PushValue},
    security::{ReceiveCounter, SecurityError, SystemTitle},
    xdlms::{DataNotificationHead, LongInvokeIdAndPriority, tag},
};
use serde::Serialize;

use crate::{
    decode::{
        Fault,
        content::{self, Content},
        keyring::{Fingerprint, KeyRing, NO_TAG, Once, Seal},
        layers::{Layer, Layers},
        suspicion::Suspect,
    },
    diagnosis::ErrorObject,
    reading::Shown,
    render::{self, Align, Header, Record},
};

pub(crate) use self::confirmation::Confirmer;

/// Meters whose counters are remembered. A head-end of the largest utilities has more meters, but
/// not behind one process.
const METERS_MAX: usize = 1_000_000;
/// Keys of single messages that are remembered: ten days of a thousand meters that push every
/// quarter of an hour.
const SINGLE_MAX: usize = 1_000_000;

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
    /// Of a key under which nothing was accepted yet.
    fresh: ReceiveCounter,
    /// What was accepted under the global key of each meter.
    counters: BTreeMap<SystemTitle, ReceiveCounter>,
    /// What was accepted under keys of single messages, and what was signed and not ciphered. The
    /// oldest makes room, so that only what is older than all these could be played back.
    single: BTreeMap<(SystemTitle, Fingerprint), ReceiveCounter>,
    /// The order in which they came.
    order: VecDeque<(SystemTitle, Fingerprint)>,
}

/// A message that was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Its values.
    pub(crate) lines: Vec<PushLine>,
    /// Which push it is and whether it asks to be confirmed; none where a confirmation does not
    /// exist.
    pub(crate) invoke: Option<LongInvokeIdAndPriority>,
    /// From the outermost on, how it was protected.
    pub(crate) layers: Vec<Layer>,
    /// Whether it is proven to be of its meter.
    pub(crate) verified: bool,
    /// Why not, if it is not.
    pub(crate) why_unverified: &'static str,
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
        Self {
            keys,
            patterns,
            verified_only,
            fresh,
            counters: BTreeMap::new(),
            single: BTreeMap::new(),
            order: VecDeque::new(),
        }
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

    /// Takes the message `apdu`.
    ///
    /// # Errors
    /// Why the message is not taken.
    pub(crate) fn take(
        &mut self,
        apdu: Vec<u8>,
        from: &str,
        received_at: &str,
    ) -> Result<Taken, Fault> {
        let opened = Layers::open(&self.keys, apdu);
        if let Some(fault) = opened.fault {
            return Err(fault);
        }
        let verified = opened.verified();
        if self.verified_only && verified != Some(true) {
            let fault = Fault::new("not-verified", 0, opened.why_unverified());
            // Where a key is missing here, the meter did its part.
            let done =
                |layer: &Layer| matches!(layer.seal, Seal::Verified | Seal::Unverified(NO_TAG));
            let suspect = opened.layers.iter().all(done).then_some(Suspect::Policy);
            return Err(fault.suspecting(suspect));
        }
        let title = opened.title();
        if !opened.layers.is_empty() && title.is_none() {
            return Err(SecurityError::SystemTitleMissing.into());
        }
        for layer in &opened.layers {
            self.check_parties(layer)?;
            // The tag of the ciphered APDU is not protected, that of the plain one is.
            if tag::plain(layer.head.tag()).is_some_and(|tag| layer.inside != Some(tag)) {
                let text = "ciphered under the tag of another APDU";
                return Err(Fault::new("tag-disagrees", 0, text));
            }
        }
        let once = once(&opened.layers);
        let why_unverified = opened.why_unverified();
        for (title, once) in &once {
            self.check(*title, *once)?;
        }
        let Layers { layers, plain: Some(plain), .. } = opened else {
            return Err(Fault::new("no-key", 0, "there is no key for it"));
        };
        let message = match title {
            None => Message::InClear(&plain),
            Some(title) if verified == Some(true) => Message::Verified(title, &plain),
            Some(title) => Message::Unverified(title, &plain),
        };
        let lines = lines(&message, &self.patterns, from, received_at)?;
        // Only now: nothing that is not taken moves anything.
        for (title, once) in once {
            self.accept(title, once);
        }
        let invoke = DataNotificationHead::decode(&plain).ok().map(|push| push.invoke);
        Ok(Taken { lines, invoke, layers, verified: verified == Some(true), why_unverified })
    }

    /// The keys.
    pub(crate) const fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// What says that it is for another or from ourselves is not taken.
    fn check_parties(&self, layer: &Layer) -> Result<(), SecurityError> {
        let Some(own) = self.keys.recipient else { return Ok(()) };
        match layer.head.recipient() {
            Some(received) if received != own => {
                Err(SecurityError::RecipientMismatch { received, own })
            }
            _ if layer.title == Some(own) => Err(SecurityError::Reflected),
            _ => Ok(()),
        }
    }

    fn check(&self, title: SystemTitle, once: Once) -> Result<(), Fault> {
        let known = match once.under {
            None => self.counters.get(&title),
            Some(under) => self.single.get(&(title, under)),
        };
        known.unwrap_or(&self.fresh).check(once.counter)?;
        if known.is_none() && once.under.is_none() && self.counters.len() >= METERS_MAX {
            return Err(Fault::new("too-many-meters", 0, format!("more than {METERS_MAX} meters")));
        }
        Ok(())
    }

    fn accept(&mut self, title: SystemTitle, Once { under, counter }: Once) {
        let Some(under) = under else {
            return self.counters.entry(title).or_insert(self.fresh).accept(counter);
        };
        let key = (title, under);
        if !self.single.contains_key(&key) {
            self.order.push_back(key);
        }
        self.single.entry(key).or_insert(self.fresh).accept(counter);
        if self.order.len() > SINGLE_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.single.remove(&oldest);
        }
    }
}

/// What must not come a second time: the counters, or what was signed where there are none.
fn once(layers: &[Layer]) -> Vec<(SystemTitle, Once)> {
    let of = |layer: &Layer| layer.title.zip(layer.once);
    let counted: Vec<_> =
        layers.iter().filter(|layer| layer.head.counter().is_some()).filter_map(of).collect();
    if counted.is_empty() { layers.iter().filter_map(of).collect() } else { counted }
}

/// The plain APDU of a message, and whose word it is: the two never part, so that no line says of
/// one message what was found out about another.
#[derive(Debug)]
enum Message<'a> {
    /// Anybody's.
    InClear(&'a [u8]),
    /// It calls itself that of this meter, and nothing proves it.
    Unverified(SystemTitle, &'a [u8]),
    /// That of this meter.
    Verified(SystemTitle, &'a [u8]),
}

impl<'a> Message<'a> {
    const fn apdu(&self) -> &'a [u8] {
        match self {
            Self::InClear(apdu) | Self::Unverified(_, apdu) | Self::Verified(_, apdu) => apdu,
        }
    }

    const fn meter(&self) -> Option<SystemTitle> {
        match self {
            Self::InClear(_) => None,
            Self::Unverified(title, _) | Self::Verified(title, _) => Some(*title),
        }
    }

    /// What [`PushLine::verified`] says of it.
    const fn verified(&self) -> Option<bool> {
        match self {
            Self::InClear(_) | Self::Unverified(..) => None,
            Self::Verified(..) => Some(true),
        }
    }
}

fn lines(
    message: &Message<'_>,
    patterns: &Patterns,
    from: &str,
    received_at: &str,
) -> Result<Vec<PushLine>, Fault> {
    let apdu = message.apdu();
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
        meter: message.meter().map(|title| title.to_string()),
        verified: message.verified(),
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
        CryptoProvider, GeneralHeader, GeneralProtectRequest, Key, KeyInfo, ProtectRequest,
        Protection, PublicKey, RustCrypto, SecurityControl, SecuritySuite, SignRequest,
        decode_head, protect, protect_general, sign,
    };

    use super::*;
    use crate::counter_file::CounterFile;

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
        let taken = gate.take(apdu.to_vec(), "peer", "now").map_err(|fault| fault.code)?;
        Ok(taken.lines.into_iter().filter_map(|line| line.shown.text).collect())
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
            let line = gate.take(push.clone(), "peer", "now").unwrap().lines.remove(0);
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

    /// Signed by the meter with the key 11.., or ciphered under a key that is wrapped.
    fn signed(content: &str) -> Vec<u8> {
        let header = GeneralHeader {
            originator: Some(TITLE),
            recipient: Some(OURS),
            ..GeneralHeader::default()
        };
        let key = "11".repeat(32).parse().unwrap();
        let request = SignRequest { header: &header, key: &key, exclude_content_length: false };
        let mut out = Vec::new();
        sign(&RustCrypto, &request, &octets(content), &mut out).unwrap();
        out
    }

    fn wrapped(octet: u8, counter: u32) -> Vec<u8> {
        let [_, authentication_key] = keys();
        let key = Key::from([octet; 16]);
        let info = KeyInfo::Wrapped(RustCrypto.key_wrap(&Key::from([3; 16]), &key).unwrap());
        let request = GeneralProtectRequest {
            header: &GeneralHeader { originator: Some(TITLE), ..GeneralHeader::default() },
            system_title: TITLE,
            key_info: Some(&info),
            control: SecurityControl::new(SecuritySuite::Suite0, BOTH),
            counter,
            key: &key,
            authentication_key: Some(&authentication_key),
            short_aad: false,
        };
        let mut out = Vec::new();
        protect_general(&RustCrypto, &request, &octets(PUSH), &mut out).unwrap();
        out
    }

    const OURS: SystemTitle = SystemTitle(*b"DHE\0\0\0\0\x01");

    /// That of the private key with these digits repeated.
    fn public_key(digits: &str) -> PublicKey {
        let key = digits.repeat(32).parse().unwrap();
        RustCrypto.public_keys().unwrap().public_key(&key).unwrap()
    }

    /// With the keys of both.
    fn gate_of_all() -> Gate {
        let mut gate = gate(true);
        gate.keys.peer_signature = Some(public_key("11"));
        gate.keys.key_encryption = Some(Key::from([3; 16]));
        gate.keys.recipient = Some(OURS);
        gate
    }

    #[test]
    fn a_signed_push_is_taken_once() {
        let mut gate = gate_of_all();
        assert_eq!(taken(&mut gate, &signed(PUSH)), Ok(vec!["230.1 V".to_owned()]));
        assert_eq!(taken(&mut gate, &signed(PUSH)), Err("replayed"));
        assert_eq!(taken(&mut gate, &signed(EVENT)), Ok(vec!["7".to_owned()]));
        // Around it is a counter: that one decides.
        let both = |counter| ciphered(0xdb, BOTH, counter, &crate::hex::text(&signed(PUSH)));
        assert!(taken(&mut gate, &both(1)).is_ok());
        assert!(taken(&mut gate, &both(2)).is_ok());
        assert_eq!(taken(&mut gate, &both(2)), Err("replayed"));
    }

    #[test]
    fn every_key_has_a_counter_of_its_own() {
        let mut gate = gate_of_all();
        assert!(taken(&mut gate, &ciphered(0xdb, BOTH, 100, PUSH)).is_ok());
        assert!(taken(&mut gate, &wrapped(5, 0)).is_ok());
        assert_eq!(taken(&mut gate, &wrapped(5, 0)), Err("replayed"));
        assert!(taken(&mut gate, &wrapped(6, 0)).is_ok());
        assert!(taken(&mut gate, &wrapped(5, 1)).is_ok());
        assert_eq!(taken(&mut gate, &wrapped(6, 0)), Err("replayed"));
        assert_eq!(taken(&mut gate, &ciphered(0xdb, BOTH, 100, PUSH)), Err("replayed"));
    }

    #[test]
    fn what_is_for_another_or_from_ourselves_is_not_taken() {
        let mut gate = gate_of_all();
        gate.keys.recipient = Some(SystemTitle(*b"DHE\0\0\0\0\x02"));
        assert_eq!(taken(&mut gate, &signed(PUSH)), Err("for-another"));
        gate.keys.recipient = Some(TITLE);
        assert_eq!(taken(&mut gate, &ciphered(0xdb, BOTH, 1, PUSH)), Err("reflected"));
    }

    /// Asks to be confirmed.
    const CONFIRMED: &str = "0f 40000007 00 02 03 0906 0100200700ff 12 08fd 02 02 0f ff 16 23";

    fn confirmer(folder: &Folder) -> Confirmer {
        Confirmer {
            file: Some(CounterFile::new(folder.0.join("counters.json"))),
            title: Some(OURS),
            signing: "22".repeat(32).parse().ok(),
            random: [0; 5],
            reserved: BTreeMap::new(),
        }
    }

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("listen-{name}-{}", std::process::id())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// What the confirmation of a push says, and its layers, as the meter opens it.
    fn confirmed(
        confirmer: &mut Confirmer,
        gate: &mut Gate,
        push: Vec<u8>,
    ) -> Option<(Vec<u8>, Layers)> {
        let taken = gate.take(push, "peer", "now").unwrap();
        let apdu = confirmer.confirm(&gate.keys, &taken).unwrap()?;
        let [encryption, authentication] = keys();
        let meter = KeyRing {
            encryption: Some(encryption),
            authentication: Some(authentication),
            peer_signature: Some(public_key("22")),
            ..KeyRing::default()
        };
        Some((apdu.clone(), Layers::open(&meter, apdu)))
    }

    #[test]
    fn a_confirmation_is_protected_as_the_push_was() {
        let folder = Folder::new("protected");
        let (mut confirmer, mut gate) = (confirmer(&folder), gate_of_all());
        gate.verified_only = false;
        let plain = octets("10 40000007 00");
        let (apdu, _) = confirmed(&mut confirmer, &mut gate, octets(CONFIRMED)).unwrap();
        assert_eq!(apdu, plain);
        let signed = crate::hex::text(&signed(CONFIRMED));
        for (push, tags) in [
            (ciphered(0xdb, BOTH, 1, CONFIRMED), &[0xdb][..]),
            (ciphered(0xdb, Protection::AUTHENTICATED, 2, CONFIRMED), &[0xdb]),
            (ciphered(0xdb, Protection::ENCRYPTED, 3, CONFIRMED), &[0xdb]),
            (octets(&signed), &[0xdf]),
            (ciphered(0xdb, BOTH, 4, &signed), &[0xdb, 0xdf]),
        ] {
            let control = decode_head(&push).ok().map(|head| head.control);
            let (apdu, opened) = confirmed(&mut confirmer, &mut gate, push).unwrap();
            let found: Vec<u8> = opened.layers.iter().map(|layer| layer.head.tag()).collect();
            assert_eq!((&found[..], opened.plain.as_deref()), (tags, Some(&plain[..])));
            assert!(opened.layers.iter().all(|layer| layer.title == Some(OURS)));
            assert_eq!(decode_head(&apdu).ok().map(|head| head.control), control);
        }
        assert!(confirmed(&mut confirmer, &mut gate, ciphered(0xdb, BOTH, 5, PUSH)).is_none());
    }

    #[test]
    fn no_counter_confirms_twice_also_after_a_restart() {
        let folder = Folder::new("counters");
        let (mut first, mut gate) = (confirmer(&folder), gate_of_all());
        let mut counters = Vec::new();
        for counter in 1..40 {
            let push = ciphered(0xdb, BOTH, counter, CONFIRMED);
            if counter == 20 {
                first = confirmer(&folder);
            }
            let (apdu, _) = confirmed(&mut first, &mut gate, push).unwrap();
            counters.push(decode_head(&apdu).unwrap().counter);
        }
        assert!(counters.is_sorted_by(|one, next| one < next), "{counters:?}");
    }

    #[test]
    fn what_is_not_verified_is_not_confirmed() {
        let folder = Folder::new("unverified");
        let mut confirmer = confirmer(&folder);
        let mut gate = gate(false);
        gate.keys.authentication = None;
        for push in [ciphered(0xdb, BOTH, 1, CONFIRMED), signed(CONFIRMED)] {
            let taken = gate.take(push, "peer", "now").unwrap();
            let refused = confirmer.confirm(&gate.keys, &taken).unwrap_err();
            assert!(refused.to_string().contains("not verified"), "{refused}");
        }
        // Nor is anything signed where we have no key to sign with, or ciphered without counters.
        let mut gate = gate_of_all();
        confirmer.signing = None;
        let taken = gate.take(signed(CONFIRMED), "peer", "now").unwrap();
        let refused = confirmer.confirm(&gate.keys, &taken).unwrap_err();
        assert!(refused.to_string().contains("--signing-key"), "{refused}");
        confirmer.file = None;
        let taken = gate.take(ciphered(0xdb, BOTH, 1, CONFIRMED), "peer", "now").unwrap();
        let refused = confirmer.confirm(&gate.keys, &taken).unwrap_err();
        assert!(refused.to_string().contains("--counter-file"), "{refused}");
    }

    #[test]
    fn a_line_has_the_members_of_a_reading_and_some_more() {
        let line = gate(false).take(octets(PUSH), "peer", "now").unwrap().lines.remove(0);
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
