//! The tables of `cosem::registry` are made of `classes.txt` here. When they are not current, this
//! test writes them anew and fails once.
#![allow(clippy::unwrap_used, reason = "a data file that cannot be read is a test that fails")]

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;

use dlms_core::axdr::DataType;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/classes.txt");
const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cosem/registry/tables.rs");

#[derive(Clone, Default)]
struct Class {
    name: String,
    attributes: BTreeMap<i8, Attribute>,
    methods: BTreeMap<i8, Method>,
}

#[derive(Clone, PartialEq)]
struct Attribute {
    name: String,
    types: u64,
    dynamic: bool,
}

#[derive(Clone, PartialEq)]
struct Method {
    name: String,
    parameter: u64,
    offset: Option<u16>,
}

/// Class and version.
type Key = (u16, u8);

#[derive(Default)]
struct Classes {
    classes: BTreeMap<Key, Class>,
    named: BTreeMap<u16, String>,
}

#[test]
fn the_tables_are_those_of_the_data_file() {
    let tables = generate(&parse(&fs::read_to_string(SOURCE).unwrap()));
    if fs::read_to_string(TABLES).unwrap_or_default() != tables {
        fs::write(TABLES, tables).unwrap();
        panic!("src/cosem/registry/tables.rs was not current. It is now: commit it.");
    }
}

fn parse(text: &str) -> Classes {
    let mut parsed = Classes::default();
    let mut current = None;
    for (number, line) in (1..).zip(text.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let done = match words[..] {
            [] => Some(()),
            [first, ..] if first.starts_with('#') => Some(()),
            ["named", id, ref name @ ..] => parse_named(&mut parsed, id, name),
            ["class", ref class @ ..] => {
                parse_class(&mut parsed, class).map(|key| current = Some(key))
            }
            _ => {
                let class = current.and_then(|key| parsed.classes.get_mut(&key));
                class.and_then(|class| parse_member(class, &words))
            }
        };
        assert!(done.is_some(), "classes.txt:{number}: {line}");
    }
    parsed
}

fn parse_named(parsed: &mut Classes, id: &str, name: &[&str]) -> Option<()> {
    let id = id.parse().ok()?;
    let described = parsed.classes.keys().any(|(described, _)| *described == id);
    let repeated = parsed.named.insert(id, name.join(" ")).is_some();
    (!described && !repeated).then_some(())
}

fn parse_class(parsed: &mut Classes, words: &[&str]) -> Option<Key> {
    let (key, words) = words.split_first()?;
    let key = parse_key(key)?;
    let (mut class, name) = match words {
        ["like", like, name @ ..] => (parsed.classes.get(&parse_key(like)?)?.clone(), name),
        name => (Class::default(), name),
    };
    class.name = name.join(" ");
    class.attributes.entry(1).or_insert_with(|| Attribute {
        name: "logical_name".into(),
        types: bit(DataType::OctetString),
        dynamic: false,
    });
    parsed.classes.insert(key, class).is_none().then_some(key)
}

fn parse_key(text: &str) -> Option<Key> {
    let (id, version) = text.split_once('/')?;
    Some((id.parse().ok()?, version.parse().ok()?))
}

fn parse_member(class: &mut Class, words: &[&str]) -> Option<()> {
    match words {
        ["method", id, name, parameter, offset @ ..] => {
            let offset = match offset {
                [] => None,
                [offset] => Some(u16::from_str_radix(offset.strip_prefix('@')?, 16).ok()?),
                _ => return None,
            };
            let (name, parameter) = ((*name).into(), types(parameter)?);
            class.methods.insert(id.parse().ok()?, Method { name, parameter, offset });
        }
        [id, name, kinds, behaviour @ ..] => {
            let dynamic = match behaviour {
                [] => false,
                ["dynamic"] => true,
                _ => return None,
            };
            let (name, types) = ((*name).into(), types(kinds)?);
            class.attributes.insert(id.parse().ok()?, Attribute { name, types, dynamic });
        }
        _ => return None,
    }
    Some(())
}

fn types(text: &str) -> Option<u64> {
    if text == "any" {
        return Some(any());
    }
    let mut names = text.split('|');
    names.try_fold(0, |set, name| Some(set | bit(data_types().find(|t| t.name() == name)?)))
}

/// All but don't-care.
fn data_types() -> impl Iterator<Item = DataType> {
    (0..64).filter_map(DataType::from_tag)
}

fn bit(data_type: DataType) -> u64 {
    1 << data_type.tag()
}

fn any() -> u64 {
    data_types().map(bit).sum()
}

fn generate(parsed: &Classes) -> String {
    let mut out = String::from(
        "// Made of classes.txt by tests/registry.rs: change that file and run the test.\n\n\
         use super::{\n    \
             Attribute as A,\n    \
             Behaviour::{Dynamic as D, Static as S},\n    \
             ClassId, InterfaceClass, Method as M,\n\
         };\n\n",
    );
    writeln!(out, "pub(super) const ANY: u64 = {:#x};", any()).unwrap();
    let mut list = String::new();
    let mut before: Option<(Key, &Class)> = None;
    for (key, class) in &parsed.classes {
        let (id, version) = key;
        // A table that did not change is that of the version before.
        let earlier = before.filter(|((earlier, _), _)| earlier == id);
        let attributes = earlier.filter(|(_, earlier)| earlier.attributes == class.attributes);
        let methods = earlier.filter(|(_, earlier)| earlier.methods == class.methods);
        writeln!(out, "\n// {}, version {version}", class.name).unwrap();
        let same = attributes.map(|(key, _)| key);
        table(&mut out, 'A', *key, same, &class.attributes, |attribute| {
            let behaviour = if attribute.dynamic { 'D' } else { 'S' };
            format!("{:?}, {}, {behaviour}", attribute.name, type_set(attribute.types))
        });
        let same = methods.map(|(key, _)| key);
        table(&mut out, 'M', *key, same, &class.methods, |method| {
            let offset =
                method.offset.map_or_else(|| "None".into(), |offset| format!("Some({offset:#x})"));
            format!("{:?}, {}, {offset}", method.name, type_set(method.parameter))
        });
        writeln!(list, "    InterfaceClass {{").unwrap();
        writeln!(list, "        id: ClassId({id}), version: {version},").unwrap();
        writeln!(list, "        name: {:?},", class.name).unwrap();
        writeln!(list, "        attributes: A{id}_{version}, methods: M{id}_{version},").unwrap();
        writeln!(list, "    }},").unwrap();
        before = Some((*key, class));
    }
    write!(out, "\npub(super) const CLASSES: &[InterfaceClass] = &[\n{list}];\n").unwrap();
    out.push_str("\npub(super) const NAMED: &[(ClassId, &str)] = &[\n");
    for (id, name) in &parsed.named {
        writeln!(out, "    (ClassId({id}), {name:?}),").unwrap();
    }
    out.push_str("];\n");
    out
}

fn table<T>(
    out: &mut String,
    letter: char,
    (id, version): Key,
    same: Option<Key>,
    members: &BTreeMap<i8, T>,
    fields: impl Fn(&T) -> String,
) {
    let head = format!("const {letter}{id}_{version}: &[{letter}] =");
    match same {
        Some((id, version)) => writeln!(out, "{head} {letter}{id}_{version};").unwrap(),
        None if members.is_empty() => writeln!(out, "{head} &[];").unwrap(),
        None => {
            writeln!(out, "{head} &[").unwrap();
            for (number, member) in members {
                writeln!(out, "    {letter}::new({number}, {}),", fields(member)).unwrap();
            }
            out.push_str("];\n");
        }
    }
}

fn type_set(types: u64) -> String {
    if types == any() { "ANY".into() } else { format!("{types:#x}") }
}
