//! `headend encode`: octets of APDUs that are written as XML.

use std::{
    fs,
    io::{self, Read, Write},
};

use super::usage;
use crate::{
    cli::{self, EncodeOutput},
    exit::Exit,
    hex,
};

#[expect(clippy::unused_async, reason = "every verb is awaited")]
pub(super) async fn run(typed: cli::Encode) -> io::Result<Exit> {
    let xml = match text(&typed.input) {
        Ok(xml) => xml,
        Err(error) => return Ok(usage(&format!("{}: {error}", typed.input))),
    };
    let messages = match dlms_xml::encode(&xml) {
        Ok(messages) => messages,
        Err(error) => return Ok(usage(&format!("{}: {error}", typed.input))),
    };
    let mut out = io::stdout().lock();
    for message in messages {
        match typed.output {
            EncodeOutput::Hex => writeln!(out, "{}", hex::text(&message))?,
            EncodeOutput::Binary => out.write_all(&message)?,
        }
    }
    out.flush()?;
    Ok(Exit::Success)
}

/// What is in a file or comes on standard input, one octet more than a document may have.
fn text(input: &str) -> io::Result<String> {
    let source: Box<dyn Read> = match input {
        "-" => Box::new(io::stdin()),
        path => Box::new(fs::File::open(path)?),
    };
    let mut text = String::new();
    source.take(dlms_xml::XML_LEN_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}
