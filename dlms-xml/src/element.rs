//! Writing elements.

use core::fmt::Write;

use crate::{Style, name::Name};

/// Blanks that an element stands further in than the one around it.
const INDENT: usize = 2;

/// A document that is being written.
#[derive(Debug)]
pub(crate) struct Document {
    out: String,
    style: Style,
    depth: usize,
}

impl Document {
    pub(crate) const fn new(style: Style, depth: usize) -> Self {
        Self { out: String::new(), style, depth }
    }

    pub(crate) const fn style(&self) -> Style {
        self.style
    }

    pub(crate) fn into_text(self) -> String {
        self.out
    }

    /// Appends elements that were written elsewhere, at the same depth.
    pub(crate) fn append(&mut self, elements: &str) {
        self.out.push_str(elements);
    }

    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// The name of an element, with the prefix that the style has.
    const fn tag(&self, name: &Name) -> (&'static str, &'static str) {
        match self.style {
            Style::Short => ("", name.short),
            Style::Asn1 => ("x:", name.asn1),
        }
    }

    fn line(&mut self, what: core::fmt::Arguments<'_>) {
        let width = self.depth.saturating_mul(INDENT);
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{:width$}{what}", "");
    }

    /// Begins an element. Where translators leave it out it is left out.
    pub(crate) fn open(&mut self, name: &Name) {
        let (prefix, tag) = self.tag(name);
        if !tag.is_empty() {
            self.line(format_args!("<{prefix}{tag}>"));
            self.depth = self.depth.saturating_add(1);
        }
    }

    /// Begins the element of a list of `count` items.
    pub(crate) fn open_list(&mut self, name: &Name, count: usize) {
        if self.style == Style::Asn1 {
            return self.open(name);
        }
        self.line(format_args!("<{} Qty=\"{count:02X}\">", name.short));
        self.depth = self.depth.saturating_add(1);
    }

    /// Ends an element.
    pub(crate) fn close(&mut self, name: &Name) {
        let (prefix, tag) = self.tag(name);
        if !tag.is_empty() {
            self.depth = self.depth.saturating_sub(1);
            self.line(format_args!("</{prefix}{tag}>"));
        }
    }

    /// An element without a value.
    pub(crate) fn empty(&mut self, name: &Name) {
        let (prefix, tag) = self.tag(name);
        self.line(format_args!("<{prefix}{tag} />"));
    }

    /// An element with a value, which has no character that XML reserves.
    pub(crate) fn value(&mut self, name: &Name, value: impl core::fmt::Display) {
        let (prefix, tag) = self.tag(name);
        match self.style {
            Style::Short => self.line(format_args!("<{tag} Value=\"{value}\" />")),
            Style::Asn1 => self.line(format_args!("<{prefix}{tag}>{value}</{prefix}{tag}>")),
        }
    }

    /// An element with octets as its value.
    pub(crate) fn octets(&mut self, name: &Name, octets: &[u8]) {
        self.value(name, hex(octets));
    }

    /// An element with a text as its value.
    pub(crate) fn text(&mut self, name: &Name, text: &str) {
        self.value(name, quick_xml::escape::escape(text));
    }

    /// One bit of a conformance block.
    pub(crate) fn conformance_bit(&mut self, bit: &str) {
        self.line(format_args!("<ConformanceBit Name=\"{bit}\" />"));
    }

    /// An element with octets that are no text, though they should be.
    pub(crate) fn text_octets(&mut self, name: &Name, octets: &[u8]) {
        let (prefix, tag) = self.tag(name);
        self.line(format_args!("<{prefix}{tag} Hex=\"{}\" />", hex(octets)));
    }
}

/// Two upper-case digits for each octet.
pub(crate) fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().saturating_mul(2));
    for octet in octets {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02X}");
    }
    text
}

/// The text that these octets are, if XML can carry it so that it comes back as it was: a parser
/// makes blanks of line ends, and there are characters that XML does not have.
pub(crate) fn as_text(octets: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(octets).ok()?;
    let carried = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().all(carried).then_some(text)
}
