//! What concentrators kept of the pushes of meters, as lines: those of `headend listen`, with what
//! names the push in front.
//!
//! When a push came is when the concentrator got it. One that the [`Gate`] refuses is a line as
//! well, with its octets: once it is acknowledged nobody else has it.

use dlms_core::cosem::concentrator::SpoolRow;
use dlms_tokio::ledger::{Digest, PushId};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    associate::device_name,
    decode::Fault,
    diagnosis::ErrorObject,
    exit::Exit,
    hex,
    listen::{Gate, PushLine},
    reading::Shown,
    render::{Align, Header, Record},
};

/// A push as a concentrator has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptPush {
    /// The logical device name of the concentrator.
    pub(crate) concentrator: Vec<u8>,
    /// As in the spool; but a push that is passed on and not kept has the number 0.
    pub(crate) row: SpoolRow,
}

impl KeptPush {
    /// What names it.
    pub(crate) fn id(&self) -> PushId<'_> {
        let SpoolRow { epoch, sequence, .. } = self.row;
        PushId { concentrator: &self.concentrator, epoch, sequence }
    }

    /// The digest of its APDU.
    pub(crate) fn digest(&self) -> Digest {
        let sum: [u8; 32] = Sha256::digest(&self.row.apdu).into();
        let mut digest = Digest::default();
        digest.copy_from_slice(&sum[..16]);
        digest
    }

    /// Its lines, at least one; and why it is refused, if it is.
    pub(crate) fn lines(&self, gate: &mut Gate) -> (Vec<SpoolLine>, Option<Fault>) {
        let from = device_name(&self.concentrator);
        let received_at = self.row.arrived.to_string();
        let (pushed, fault) = match gate.take(self.row.apdu.clone(), &from, &received_at) {
            Ok(taken) => (taken.lines, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        if !pushed.is_empty() {
            return (pushed.into_iter().map(|line| self.line(line)).collect(), None);
        }
        let empty = PushLine {
            received_at,
            from,
            gateway: None,
            meter: None,
            verified: None,
            time: None,
            logical_name: None,
            class: None,
            attribute: None,
            shown: Shown::default(),
            error: fault.as_ref().map(|fault| ErrorObject {
                code: "E-PUSH".to_owned(),
                name: fault.code.to_owned(),
                hint: format!("{} at octet {}; the octets are in apdu", fault.text, fault.offset),
            }),
        };
        let apdu = fault.as_ref().map(|_| hex::text(&self.row.apdu));
        (vec![SpoolLine { apdu, ..self.line(empty) }], fault)
    }

    fn line(&self, push: PushLine) -> SpoolLine {
        let SpoolRow { sequence, epoch, sap, client, .. } = self.row;
        let kept = sequence > 0;
        SpoolLine {
            epoch: kept.then_some(epoch),
            sequence: kept.then_some(sequence),
            sap,
            logical_device_name: device_name(&self.row.name),
            client,
            push,
            apdu: None,
        }
    }
}

/// How a command ends because of a push that was refused. A meter that has got no confirmation
/// sends its push again as it is: that one is refused as replayed, and nothing is wrong.
pub(crate) fn refused(fault: &Fault) -> Option<Exit> {
    match fault.code {
        "replayed" => None,
        "tag-mismatch" | "tag-disagrees" | "counter-maximum" | "no-key" | "not-verified" => {
            Some(Exit::Security)
        }
        _ => Some(Exit::Unreachable),
    }
}

/// One value of a push: a line of `headend spool`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct SpoolLine {
    /// The epoch of the concentrator when the push came; null for one that it did not keep.
    pub(crate) epoch: Option<u32>,
    /// Its number there; null for one that it did not keep.
    pub(crate) sequence: Option<u64>,
    /// The SAP of the meter then.
    pub(crate) sap: u16,
    /// The logical device name of the meter.
    pub(crate) logical_device_name: String,
    /// The client that it is for.
    pub(crate) client: u16,
    #[serde(flatten)]
    pub(crate) push: PushLine,
    /// The octets of a push that was refused, in hexadecimal.
    pub(crate) apdu: Option<String>,
}

impl SpoolLine {
    /// The columns.
    pub(crate) fn header() -> Header {
        let Header { mut table, mut csv } = PushLine::header();
        table.splice(1..1, [("NUMBER".into(), Align::Right), ("DEVICE".into(), Align::Left)]);
        let front = ["epoch", "sequence", "sap", "logical_device_name", "client"];
        csv.splice(0..0, front.map(String::from));
        csv.push("apdu".into());
        Header { table, csv }
    }
}

impl Record for SpoolLine {
    fn table(&self) -> Vec<String> {
        let mut cells = self.push.table();
        let number = self.sequence.map_or_else(|| "-".to_owned(), |number| number.to_string());
        cells.splice(1..1, [number, self.logical_device_name.clone()]);
        if let (Some(error), Some(last)) = (&self.push.error, cells.last_mut()) {
            *last = format!("refused: {}", error.name);
        }
        cells
    }

    fn csv(&self) -> Vec<String> {
        let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let mut cells = self.push.csv();
        if let (Some(error), Some(last)) = (&self.push.error, cells.last_mut()) {
            *last = error.to_string();
        }
        let front = [
            number(self.epoch.map(u64::from)),
            number(self.sequence),
            self.sap.to_string(),
            self.logical_device_name.clone(),
            self.client.to_string(),
        ];
        cells.splice(0..0, front);
        cells.push(self.apdu.clone().unwrap_or_default());
        cells
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::{cosem::DateTime, push::Patterns};

    use super::*;
    use crate::{decode::keyring::KeyRing, render};

    fn gate() -> Gate {
        Gate::new(KeyRing::default(), Patterns::built_in(), false, 0)
    }

    fn kept(apdu: &str) -> KeptPush {
        let row = SpoolRow {
            sequence: 7,
            arrived: DateTime::from_unix(1_790_000_000, Some(0)).unwrap(),
            sap: 16,
            client: 102,
            name: b"ABC0000000000001".to_vec(),
            apdu: crate::decode::capture::parse(apdu).unwrap(),
            epoch: 2,
        };
        KeptPush { concentrator: b"DHC0000000000001".to_vec(), row }
    }

    /// Two values: 230.1 V twice.
    const PUSH: &str = "0f 00000001 00 02 06 0906 0100200700ff 12 08fd 02 02 0f ff 16 23 \
                        0906 0100340700ff 12 08fd 02 02 0f ff 16 23";

    #[test]
    fn a_line_has_what_listen_has_and_what_names_the_push_and_its_time_is_the_original_one() {
        let (lines, fault) = kept(PUSH).lines(&mut gate());
        assert_eq!((lines.len(), fault), (2, None));
        let json = serde_json::to_value(&lines[1]).unwrap();
        assert_eq!(json["sequence"], 7);
        assert_eq!(
            (&json["epoch"], &json["sap"], &json["client"]),
            (&2.into(), &16.into(), &102.into())
        );
        assert_eq!(json["received_at"], "2026-09-21T14:13:20Z");
        assert_eq!(
            (&json["from"], &json["logical_device_name"]),
            (&"DHC0000000000001".into(), &"ABC0000000000001".into())
        );
        assert_eq!(
            (&json["text"], &json["error"], &json["apdu"]),
            (&"230.1 V".into(), &().into(), &().into())
        );
        let csv = render::csv_line(&lines[1]).unwrap();
        assert!(
            csv.starts_with("2,7,16,ABC0000000000001,102,2026-09-21T14:13:20Z,DHC0000000000001,"),
            "{csv}"
        );
        assert_eq!(lines[0].csv().len(), SpoolLine::header().csv.len());
        assert_eq!(lines[0].table().len(), SpoolLine::header().table.len());
    }

    #[test]
    fn a_push_that_nobody_can_open_is_a_line_with_its_octets() {
        for (apdu, name) in [
            ("db 08 47525801000003e8 05 30 00000001", "truncated"),
            ("c4 01 c1 00 11 05", "not-a-push"),
        ] {
            let (lines, fault) = kept(apdu).lines(&mut gate());
            let [line] = &lines[..] else { panic!("{lines:?}") };
            assert_eq!(line.apdu.as_deref(), Some(&*apdu.replace(' ', "")), "{apdu}");
            assert_eq!(line.push.error.as_ref().unwrap().name, name);
            assert_eq!(fault.unwrap().code, name);
            assert!(line.table().last().unwrap().contains(name));
        }
    }

    #[test]
    fn a_push_without_values_is_a_line_all_the_same() {
        let (lines, fault) = kept("0f 00000001 00 02 00").lines(&mut gate());
        assert_eq!((lines.len(), fault, &lines[0].push.error), (1, None, &None));
    }
}
