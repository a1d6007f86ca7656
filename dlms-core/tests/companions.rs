//! The tables of `companion` are made of `companions/*.toml` here. When they are not current, this
//! test writes them anew and fails once.
#![allow(clippy::unwrap_used, reason = "a data file that cannot be read is a test that fails")]

use core::fmt::Write as _;
use std::{collections::BTreeMap, fs};

use dlms_core::{
    companion,
    cosem::{LogicalName, Unit, registry},
};
use serde::Deserialize;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/companions");
const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/companion/tables.rs");

/// Characters of a text in one line of the tables.
const LITERAL_MAX: usize = 78;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    sources: BTreeMap<String, String>,
    time: Time,
    client: Vec<Client>,
    group: Vec<Group>,
    profile: Vec<Profile>,
    #[serde(default)]
    push: Vec<Push>,
    #[serde(default)]
    quirk: Vec<Quirk>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Time {
    deviation: i16,
    daylight_saving: bool,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Client {
    name: String,
    sap: u16,
    authentication: Option<String>,
    security: Option<String>,
    suite: Option<u8>,
    #[serde(default)]
    pre_established: bool,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    source: String,
    #[serde(default)]
    optional: bool,
    objects: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
    instance: String,
    period: toml::Value,
    columns: Vec<String>,
    #[serde(default)]
    optional: bool,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    name: String,
    instance: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quirk {
    text: String,
    source: String,
}

fn files() -> BTreeMap<String, File> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let file = toml::from_str(&fs::read_to_string(&path).unwrap());
            files.insert(name.clone(), file.unwrap_or_else(|error| panic!("{name}: {error}")));
        }
    }
    files
}

#[test]
fn the_tables_are_those_of_the_data_files() {
    let tables = generate(&files());
    if fs::read_to_string(TABLES).unwrap_or_default() != tables {
        fs::write(TABLES, tables).unwrap();
        panic!("src/companion/tables.rs was not current. It is now: commit it.");
    }
}

fn generate(files: &BTreeMap<String, File>) -> String {
    let mut out = String::from(
        "// Made of companions/*.toml by tests/companions.rs: change those and run the test.\n\n\
         use super::{\n    \
             Authentication as A, Client, Companion, CompanionObject, Period as P,\n    \
             Presence::{self, Always, Sometimes}, Profile, Quirk, Security as S, TimeConvention,\n\
         };\n\
         use crate::cosem::{\n    \
             AttributeDescriptor, CaptureObject, ClassId, LogicalName, ScalerUnit, Unit,\n\
         };\n\n\
         const fn object(\n    \
             name: &'static str, class: u16, version: Option<u8>, instance: [u8; 6],\n    \
             scaler_unit: Option<ScalerUnit>, presence: Presence, source: &'static str,\n\
         ) -> CompanionObject {\n    \
             let (class, instance) = (ClassId(class), LogicalName(instance));\n    \
             CompanionObject { name, class, version, instance, scaler_unit, presence, source }\n\
         }\n\n\
         const fn unit(scaler: i8, unit: Unit) -> Option<ScalerUnit> {\n    \
             Some(ScalerUnit::new(scaler, unit))\n\
         }\n\n\
         const fn column(class: u16, name: [u8; 6], attribute: i8) -> CaptureObject {\n    \
             let name = LogicalName(name);\n    \
             CaptureObject::new(AttributeDescriptor::new(ClassId(class), name, attribute))\n\
         }\n",
    );
    for (name, file) in files {
        for (key, text) in &file.sources {
            let (name, text) = (constant(name, key), literal(text, "    "));
            write!(out, "\nconst {name}: &str =\n    {text};\n").unwrap();
        }
    }
    out.push_str("\npub(super) const COMPANIONS: &[Companion] = &[\n");
    for (name, file) in files {
        write_companion(&mut out, name, file);
    }
    out.push_str("];\n");
    out
}

fn write_companion(out: &mut String, name: &str, file: &File) {
    // Where a fact comes from stands beside it; a source that nothing names is none.
    let mut named = Vec::new();
    let mut source = |key: &str| {
        assert!(file.sources.contains_key(key), "{name}: no source {key}");
        named.push(key.to_owned());
        constant(name, key)
    };
    let Time { deviation, daylight_saving, source: key } = &file.time;
    writeln!(out, "Companion {{\n    name: {name:?},\n    title: {:?},", file.title).unwrap();
    writeln!(out, "    time: TimeConvention {{").unwrap();
    writeln!(out, "        deviation_minutes: {deviation},").unwrap();
    writeln!(out, "        daylight_saving: {daylight_saving},").unwrap();
    writeln!(out, "        source: {},\n    }},", source(key)).unwrap();
    out.push_str("    clients: &[\n");
    for client in &file.client {
        let authentication = match client.authentication.as_deref() {
            None => "None",
            Some("lls") => "Lls",
            Some("hls-gmac") => "HlsGmac",
            Some(other) => panic!("{name}: no authentication {other}"),
        };
        let security = match client.security.as_deref() {
            None => "None",
            Some("authenticated-encrypted") => "AuthenticatedEncrypted",
            Some(other) => panic!("{name}: no security {other}"),
        };
        writeln!(
            out,
            "        Client {{\n            name: {:?}, sap: {}, authentication: \
             A::{authentication},\n            security: S::{security}, suite: {:?}, \
             pre_established: {},\n            source: {},\n        }},",
            client.name,
            client.sap,
            client.suite,
            client.pre_established,
            source(&client.source)
        )
        .unwrap();
    }
    out.push_str("    ],\n    objects: &[\n");
    for group in &file.group {
        let from = source(&group.source);
        for object in &group.objects {
            let line = object_line(object, group.optional, &from);
            out.push_str(&line.unwrap_or_else(|| panic!("{name}: {object}")));
        }
    }
    for push in &file.push {
        let object = format!("40 {} {}", push.instance, push.name);
        out.push_str(&object_line(&object, false, &source(&push.source)).unwrap());
    }
    for profile in &file.profile {
        let object = format!("7/1 {} {}", profile.instance, profile.name);
        out.push_str(&object_line(&object, profile.optional, &source(&profile.source)).unwrap());
    }
    out.push_str("    ],\n    profiles: &[\n");
    for profile in &file.profile {
        let period = match &profile.period {
            toml::Value::Integer(seconds) => format!("P::Seconds({seconds})"),
            toml::Value::String(month) if month == "month" => "P::Month".into(),
            toml::Value::String(event) if event == "event" => "P::Event".into(),
            other => panic!("{name}: no period {other}"),
        };
        let instance = octets(&profile.instance);
        writeln!(out, "        Profile {{").unwrap();
        writeln!(out, "            instance: LogicalName({instance:?}), period: {period},")
            .unwrap();
        writeln!(out, "            columns: &[").unwrap();
        for column in &profile.columns {
            let line = column_line(column).unwrap_or_else(|| panic!("{name}: {column}"));
            writeln!(out, "                {line},").unwrap();
        }
        out.push_str("            ],\n        },\n");
    }
    out.push_str("    ],\n    quirks: &[\n");
    for quirk in &file.quirk {
        let from = source(&quirk.source);
        writeln!(out, "        Quirk {{").unwrap();
        let text = literal(&quirk.text, "                ");
        writeln!(out, "            text:\n                {text},").unwrap();
        writeln!(out, "            source: {from},\n        }},").unwrap();
    }
    out.push_str("    ],\n},\n");
    for key in file.sources.keys() {
        assert!(named.contains(key), "{name}: nothing is from {key}");
    }
}

fn octets(text: &str) -> [u8; 6] {
    text.parse::<LogicalName>().unwrap_or_else(|error| panic!("{text}: {error}")).0
}

/// A text in lines of at most [`LITERAL_MAX`] characters, but for a longer word.
fn literal(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let last = lines.last_mut().unwrap();
        if last.len() + word.len() > LITERAL_MAX && !last.is_empty() {
            lines.push(word.to_owned());
        } else {
            last.push_str(word);
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| line.escape_debug().to_string()).collect();
    format!("\"{}\"", lines.join(&format!("\\\n{indent} ")))
}

/// The constant that a source has.
fn constant(name: &str, key: &str) -> String {
    format!("{name}_{key}").to_uppercase().replace('-', "_")
}

/// `CLASS[/VERSION] LOGICAL-NAME [SCALER,UNIT] NAME`.
fn object_line(text: &str, optional: bool, source: &str) -> Option<String> {
    let (class, rest) = text.split_once(' ')?;
    let (class, version) = match class.split_once('/') {
        Some((class, version)) => (class, Some(version.parse::<u8>().ok()?)),
        None => (class, None),
    };
    let class: u16 = class.parse().ok()?;
    let (at, rest) = rest.split_once(' ')?;
    let (scaler_unit, name) = match rest.split_once(' ') {
        Some((first, name)) if first.contains(',') => (Some(scaler_unit(first)?), name),
        _ => (None, rest),
    };
    assert_eq!(scaler_unit.is_some(), matches!(class, 3..=5), "{text}");
    let scaler_unit = scaler_unit.unwrap_or_else(|| "None".into());
    let presence = if optional { "Sometimes" } else { "Always" };
    let at = octets(at);
    Some(format!(
        "        object(\n            {name:?}, {class}, {version:?}, {at:?},\n            \
         {scaler_unit}, {presence}, {source},\n        ),\n"
    ))
}

fn scaler_unit(text: &str) -> Option<String> {
    let (scaler, symbol) = text.split_once(',')?;
    let scaler: i8 = scaler.parse().ok()?;
    let code = (0..=254).find(|code| Unit::from_code(*code).symbol() == Some(symbol))?;
    Some(format!("unit({scaler}, Unit::{:?})", Unit::from_code(code)))
}

/// `CLASS LOGICAL-NAME [ATTRIBUTE]`.
fn column_line(text: &str) -> Option<String> {
    let mut words = text.split(' ');
    let class: u16 = words.next()?.parse().ok()?;
    let at = octets(words.next()?);
    let attribute: i8 = words.next().map_or(Some(2), |word| word.parse().ok())?;
    Some(format!("column({class}, {at:?}, {attribute})"))
}

#[test]
fn a_companion_has_every_object_once_under_one_name_and_one_of_each_column() {
    for companion in companion::companions() {
        for (index, object) in companion.objects.iter().enumerate() {
            let case = (companion.name, object.name);
            let version = object.version.unwrap_or_else(|| {
                registry::versions(object.class).next().expect("a class of the standard").version
            });
            assert!(registry::interface_class(object.class, version).is_some(), "{case:?}");
            for other in &companion.objects[index + 1..] {
                assert_ne!(object.name, other.name, "{}", companion.name);
                let same = (object.class, object.instance) == (other.class, other.instance);
                assert!(!same, "{case:?} and {}", other.name);
            }
        }
        for profile in companion.profiles {
            assert!(companion.object_at(profile.instance).is_some());
            for column in profile.columns {
                let object = companion.object_at(column.instance);
                let object = object.unwrap_or_else(|| panic!("{}: {column:?}", companion.name));
                assert_eq!(object.class, column.class, "{}: {column:?}", companion.name);
            }
        }
    }
}
