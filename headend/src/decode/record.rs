//! Captures and what they hold, as JSON lines: one object in, one object out.
//!
//! In: `id`, `framing` (`hdlc`, `wrapper`, `mbus`, `apdu`), `hex`, and `keys` with `ek`, `ak`,
//! `system_title` and `kek` in hexadecimal. Out: what [`Record`] has.

use dlms_core::{
    axdr::RawData,
    cosem::{AttributeId, ClassId, ScalerUnit, Unit},
    push::{Patterns, PushValue},
    xdlms::InitiateRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Fault,
    content::{self, Content},
    keyring::KeyRing,
    layers::{Layer, Layers},
    transport::{Event, Framing, Receiver},
};
use crate::{hex, reading::Shown};

/// Octets with what is known about them.
#[derive(Debug, Deserialize)]
pub(crate) struct Capture {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    framing: Option<String>,
    hex: String,
    #[serde(default)]
    keys: Keys,
}

#[derive(Default, Deserialize)]
struct Keys {
    ek: Option<String>,
    ak: Option<String>,
    system_title: Option<String>,
    kek: Option<String>,
}

/// Shows no key.
impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// What a capture holds.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    id: Value,
    /// Good frames.
    frames: usize,
    /// Why others were refused.
    bad_frames: Vec<String>,
    /// What the frames carry, in their order.
    apdus: Vec<ApduRecord>,
    /// The first thing that is wrong.
    error: Option<Fault>,
}

/// One APDU.
#[derive(Debug, Serialize)]
struct ApduRecord {
    /// Its first octet.
    tag: String,
    /// Whether a tag or signature of its originator verified; null when there was nothing to
    /// verify, or nothing to verify with.
    verified: Option<bool>,
    /// The layers of protection, from the outermost on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<LayerRecord>,
    /// The first octet of what was protected.
    plain_tag: Option<String>,
    /// The octets of the date-time of a push; empty when it has none.
    time: String,
    /// Scalar values of a push or an answer, null-data included.
    leaves: Option<usize>,
    values: Vec<ValueRecord>,
}

/// One layer of protection.
#[derive(Debug, Serialize)]
struct LayerRecord {
    /// The first octet of the APDU in it.
    tag: String,
    /// The system title of whom it is from; null when nobody tells.
    originator: Option<String>,
    /// The system title of whom it is for; null when it does not tell.
    recipient: Option<String>,
    /// The invocation counter; null where it is signed, and not ciphered.
    counter: Option<u32>,
    /// As in [`ApduRecord`].
    verified: Option<bool>,
}

impl From<&Layer> for LayerRecord {
    fn from(layer: &Layer) -> Self {
        Self {
            tag: hex::text(&[layer.head.tag()]),
            originator: layer.title.map(|title| title.to_string()),
            recipient: layer.head.recipient().map(|title| title.to_string()),
            counter: layer.head.counter(),
            verified: layer.seal.verified(),
        }
    }
}

/// One value.
#[derive(Debug, Serialize)]
struct ValueRecord {
    /// Null where only its position tells what it is.
    logical_name: Option<String>,
    value: Value,
    scaler: Option<i8>,
    unit: Option<String>,
}

impl Record {
    /// Decodes a line with a [`Capture`] in it; a line with anything else is an error of its own.
    pub(crate) fn of_line(line: &str, keys: &KeyRing, patterns: &Patterns) -> Self {
        match serde_json::from_str::<Capture>(line) {
            Ok(capture) => Self::of_capture(&capture, keys, patterns),
            Err(error) => {
                let fault = Fault::new("not-a-capture", error.column(), error);
                Self { error: Some(fault), ..Self::empty(Value::Null) }
            }
        }
    }

    fn of_capture(capture: &Capture, keys: &KeyRing, patterns: &Patterns) -> Self {
        let record = Self::empty(capture.id.clone());
        let octets = match super::capture::parse(&capture.hex) {
            Ok(octets) => octets,
            Err(error) => {
                return Self { error: Some(Fault::new("not-hexadecimal", 0, error)), ..record };
            }
        };
        let keys = match capture.keys.ring(keys) {
            Ok(keys) => keys,
            Err(fault) => return Self { error: Some(fault), ..record },
        };
        let framing = match capture.framing.as_deref() {
            None | Some("auto") => Framing::guess(&octets),
            Some("hdlc") => Framing::Hdlc,
            Some("wrapper") => Framing::Wrapper,
            Some("mbus") => Framing::Mbus,
            Some("apdu") => Framing::Apdu,
            Some("axdr-or-initiate") => return record.initiate_or_value(&octets),
            Some("p1-ascii") => {
                let text = "a P1 telegram (IEC 62056-21), not an APDU";
                return Self { error: Some(Fault::new("not-an-apdu", 0, text)), ..record };
            }
            Some(other) => {
                let text = format!("{other} stands by itself: not an APDU");
                return Self { error: Some(Fault::new("not-an-apdu", 0, text)), ..record };
            }
        };
        record.of_octets(&octets, framing, &keys, patterns)
    }

    /// Decodes `octets`.
    pub(crate) fn new(
        octets: &[u8],
        framing: Framing,
        keys: &KeyRing,
        patterns: &Patterns,
    ) -> Self {
        Self::empty(Value::Null).of_octets(octets, framing, keys, patterns)
    }

    /// The first thing that is wrong.
    pub(crate) const fn fault(&self) -> Option<&Fault> {
        self.error.as_ref()
    }

    /// Whether a tag or signature did not verify.
    pub(crate) fn forged(&self) -> bool {
        self.apdus.iter().any(|apdu| apdu.verified == Some(false))
    }

    /// APDUs in it.
    pub(crate) const fn apdus(&self) -> usize {
        self.apdus.len()
    }

    const fn empty(id: Value) -> Self {
        Self { id, frames: 0, bad_frames: Vec::new(), apdus: Vec::new(), error: None }
    }

    fn of_octets(
        mut self,
        octets: &[u8],
        framing: Framing,
        keys: &KeyRing,
        patterns: &Patterns,
    ) -> Self {
        let mut receiver = Receiver::new(framing);
        let mut on = |event: Event<'_>| match event {
            Event::Hdlc(_) | Event::Wrapper(_) | Event::Mbus(_) => self.frames += 1,
            Event::Bad(fault) => {
                self.bad_frames.push(format!("{} at octet {}", fault.text, fault.offset));
                self.error.get_or_insert(fault);
            }
            Event::Stray(fault) => drop(self.error.get_or_insert(fault)),
            Event::Apdu(apdu) => {
                let (apdu, fault) = ApduRecord::new(apdu, keys, patterns);
                self.apdus.push(apdu);
                if let Some(fault) = fault {
                    self.error.get_or_insert(fault);
                }
            }
            Event::Llc(_) | Event::Block(_) | Event::Gateway(..) => {}
        };
        receiver.feed(octets, &mut on);
        receiver.finish(&mut on);
        self
    }

    /// Something whose first octet is either the tag of initiate-request or that of an array.
    fn initiate_or_value(mut self, octets: &[u8]) -> Self {
        let mut apdu = ApduRecord::empty(octets);
        let value = RawData::from_octets(octets).and_then(|raw| raw.data());
        match (InitiateRequest::decode(octets), value) {
            (Ok(_), _) => {}
            (Err(_), Ok(value)) => apdu.leaves = dlms_core::push::scalar_count(&value).ok(),
            (Err(_), Err(malformed)) => self.error = Some(malformed.into()),
        }
        self.apdus.push(apdu);
        self
    }
}

impl Keys {
    /// These keys, or `others` where there are none.
    ///
    /// # Errors
    /// What is no key or title: another one is not taken in its place.
    fn ring(&self, others: &KeyRing) -> Result<KeyRing, Fault> {
        let parsed = |text: &Option<String>, name: &str| match text {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                let text = format!("keys.{name} is not a key of 32 or 64 hexadecimal digits");
                Fault::new("not-a-key", 0, text)
            }),
        };
        let mut ring = others.clone();
        let (encryption, authentication) = (parsed(&self.ek, "ek")?, parsed(&self.ak, "ak")?);
        if encryption.is_some() {
            ring.encryption = encryption;
            ring.authentication = authentication;
            ring.file = None;
        }
        if let Some(text) = &self.system_title {
            let text = text.parse().map_err(|_| {
                let text = "keys.system_title is not a title of 16 hexadecimal digits";
                Fault::new("not-a-title", 0, text)
            })?;
            ring.title = Some(text);
        }
        if let Some(key) = parsed(&self.kek, "kek")? {
            ring.key_encryption = Some(key);
        }
        Ok(ring)
    }
}

impl ApduRecord {
    fn empty(apdu: &[u8]) -> Self {
        Self {
            tag: first_octet(apdu),
            verified: None,
            layers: Vec::new(),
            plain_tag: None,
            time: String::new(),
            leaves: None,
            values: Vec::new(),
        }
    }

    /// What is in `apdu`, and what is wrong with it.
    fn new(apdu: &mut Vec<u8>, keys: &KeyRing, patterns: &Patterns) -> (Self, Option<Fault>) {
        let mut record = Self::empty(apdu);
        let opened = Layers::open(keys, core::mem::take(apdu));
        record.verified = opened.verified();
        record.layers = opened.layers.iter().map(LayerRecord::from).collect();
        let Some(plain) = &opened.plain else { return (record, opened.fault) };
        record.plain_tag = (!opened.layers.is_empty()).then(|| first_octet(plain));
        let fault = record.take(plain, patterns);
        (record, fault)
    }

    fn take(&mut self, apdu: &[u8], patterns: &Patterns) -> Option<Fault> {
        let (_, content, malformed) = content::read(apdu, patterns);
        if let Some(Content { time, scalars, values, .. }) = content {
            self.time = hex::text(time.unwrap_or_default());
            self.leaves = Some(scalars);
            self.values = values.iter().filter_map(ValueRecord::new).collect();
        }
        malformed.map(Fault::from)
    }
}

impl ValueRecord {
    fn new(pushed: &PushValue<'_>) -> Option<Self> {
        let object = pushed.object;
        // What a value is shown as depends on its class only where the type does not tell.
        let shown =
            Shown::new(&pushed.value, ClassId(0), AttributeId(0), pushed.scaler_unit).ok()?;
        Some(Self {
            logical_name: object.map(|object| object.instance.to_string()),
            value: shown.value,
            scaler: pushed.scaler_unit.map(|ScalerUnit { scaler, .. }| scaler),
            unit: pushed
                .scaler_unit
                .filter(|both| both.unit != Unit::Count)
                .map(|both| both.unit.to_string()),
        })
    }
}

/// In hexadecimal; empty when there is none.
fn first_octet(octets: &[u8]) -> String {
    hex::text(octets.get(..1).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(line: &str) -> Value {
        let record = Record::of_line(line, &KeyRing::default(), &Patterns::built_in());
        serde_json::to_value(record).unwrap()
    }

    #[test]
    fn a_capture_becomes_a_line() {
        let record = decoded(
            r#"{"id":"x","framing":"apdu",
            "hex":"0f0000000100020309060100200700ff1208fd02020fff1623"}"#,
        );
        assert_eq!(
            record.to_string(),
            serde_json::json!({
                "id": "x", "frames": 0, "bad_frames": [],
                "apdus": [{
                    "tag": "0f", "verified": null, "plain_tag": null, "time": "", "leaves": 4,
                    "values": [{
                        "logical_name": "1-0:32.7.0*255", "value": 2301, "scaler": -1, "unit": "V",
                    }],
                }],
                "error": null,
            })
            .to_string()
        );
    }

    #[test]
    fn the_keys_of_a_capture_open_it() {
        let capture = |ak: &str| {
            format!(
                r#"{{"id":1,"framing":"apdu",
                "hex":"c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b",
                "keys":{{"ek":"000102030405060708090a0b0c0d0e0f","ak":"{ak}",
                "system_title":"4d4d4d0000bc614e"}}}}"#
            )
        };
        let good = decoded(&capture("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"));
        assert_eq!(good["apdus"][0]["verified"], true);
        assert_eq!(good["apdus"][0]["plain_tag"], "c0");
        let forged = decoded(&capture("00000000000000000000000000000000"));
        assert_eq!(forged["apdus"][0]["verified"], false);
        assert_eq!(forged["apdus"][0]["plain_tag"], Value::Null);
        assert_eq!(forged["error"]["code"], "tag-mismatch");
    }

    #[test]
    fn what_is_no_key_is_not_replaced_by_another() {
        let keys = KeyRing {
            encryption: Some("000102030405060708090a0b0c0d0e0f".parse().unwrap()),
            ..KeyRing::default()
        };
        const HEX: &str = "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b";
        for (member, code) in [
            ("ek", "not-a-key"),
            ("ak", "not-a-key"),
            ("kek", "not-a-key"),
            ("system_title", "not-a-title"),
        ] {
            let keys_of_line = serde_json::json!({ member: "0001" });
            let line = serde_json::json!({"framing": "apdu", "hex": HEX, "keys": keys_of_line});
            let record = Record::of_line(&line.to_string(), &keys, &Patterns::built_in());
            let record = serde_json::to_value(record).unwrap();
            assert_eq!(record["error"]["code"], code);
            assert_eq!(record["apdus"], serde_json::json!([]));
        }
    }

    #[test]
    fn whatever_a_line_holds_there_is_a_line_for_it() {
        for (line, code) in [
            ("", "not-a-capture"),
            ("[]", "not-a-capture"),
            (r#"{"id":1,"hex":"7"}"#, "not-hexadecimal"),
            (r#"{"id":1,"framing":"gmac","hex":"10"}"#, "not-an-apdu"),
            (r#"{"id":1,"framing":"apdu","hex":""}"#, "truncated"),
            (r#"{"id":1,"framing":"apdu","hex":"2f4142"}"#, "unknown-tag"),
            (r#"{"id":1,"framing":"hdlc","hex":"7ea019"}"#, "truncated"),
            (r#"{"id":1,"framing":"axdr-or-initiate","hex":"0102"}"#, "truncated"),
        ] {
            assert_eq!(decoded(line)["error"]["code"], code, "{line}");
        }
    }
}
