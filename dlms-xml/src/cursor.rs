//! Reading elements, one at a time and forwards only.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use crate::error::{Problem, XmlError};

/// The longest document that is read, in octets: the most that an APDU of
/// [`APDU_LEN_MAX`](crate::APDU_LEN_MAX) octets is shown as
/// ([`XML_PER_OCTET_MAX`](crate::XML_PER_OCTET_MAX)), and a third more for comments.
pub const XML_LEN_MAX: usize = 1 << 26;

/// Characters of a wrong value that an error shows.
const SHOWN_MAX: usize = 40;

/// The beginning of an element.
#[derive(Debug, Default)]
pub(crate) struct Tag {
    /// The name, without prefix.
    pub(crate) name: String,
    /// The attribute `Value`.
    pub(crate) value: Option<String>,
    /// The attribute `Hex`: a text that XML cannot carry, in octets.
    pub(crate) hex: Option<String>,
    /// The attribute `Qty`: how many items a list has.
    pub(crate) quantity: Option<String>,
    /// The attribute `Name`, of a conformance bit.
    pub(crate) bit: Option<String>,
    /// Where it begins in the document.
    at: usize,
}

/// The value of an element that has no elements in it.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) text: String,
    /// Whether it is an attribute: numbers are hexadecimal there, and decimal between the tags.
    pub(crate) attribute: bool,
    /// As in [`Tag::hex`].
    pub(crate) hex: Option<String>,
    /// The name of the element.
    name: String,
    at: usize,
}

impl Leaf {
    /// A part of the value, for an error.
    pub(crate) fn part(&self, text: &str) -> Self {
        Self {
            text: text.to_owned(),
            attribute: self.attribute,
            hex: None,
            name: self.name.clone(),
            at: self.at,
        }
    }
}

#[derive(Debug)]
enum Node {
    Open(Tag),
    Close,
    End,
}

/// A place in a document.
pub(crate) struct Cursor<'t> {
    document: &'t str,
    reader: Reader<&'t [u8]>,
    /// What comes next, when it was looked at.
    ahead: Option<Node>,
    /// Text since the last tag.
    text: String,
    /// The names of the elements that are open.
    open: Vec<String>,
    /// Where what was read last begins.
    at: usize,
}

impl<'t> Cursor<'t> {
    /// The beginning of a document.
    pub(crate) fn new(document: &'t str) -> Result<Self, XmlError> {
        let mut reader = Reader::from_str(document);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = false;
        let cursor =
            Self { document, reader, ahead: None, text: String::new(), open: Vec::new(), at: 0 };
        if document.len() > XML_LEN_MAX {
            return Err(cursor.fail(Problem::TooLong));
        }
        Ok(cursor)
    }

    /// An error at what was read last.
    pub(crate) fn fail(&self, problem: Problem) -> XmlError {
        self.fail_at(self.at, problem)
    }

    fn fail_at(&self, at: usize, problem: Problem) -> XmlError {
        let before = self.document.get(..at).unwrap_or(self.document);
        let line = before.rsplit('\n').next().unwrap_or_default();
        XmlError {
            line: before.matches('\n').count().saturating_add(1),
            column: line.chars().count().saturating_add(1),
            element: self.open.last().cloned().unwrap_or_default(),
            problem,
        }
    }

    /// An error at a value that is not `expected`.
    pub(crate) fn wrong(&self, leaf: &Leaf, expected: impl Into<String>) -> XmlError {
        let found = leaf.hex.as_ref().unwrap_or(&leaf.text);
        let mut shown: String = found.trim().chars().take(SHOWN_MAX).collect();
        if shown.len() < found.trim().len() {
            shown.push('…');
        }
        let problem = Problem::Value { found: shown, expected: expected.into() };
        XmlError { element: leaf.name.clone(), ..self.fail_at(leaf.at, problem) }
    }

    /// An error at an element that has no place there.
    pub(crate) fn unexpected(&self, tag: &Tag, expected: impl Into<String>) -> XmlError {
        let found = tag.name.chars().take(SHOWN_MAX).collect();
        let error = self.fail_at(tag.at, Problem::Element { found, expected: expected.into() });
        // It is named already if it was entered: what it is in tells more.
        let entered = self.at == tag.at && self.open.last() == Some(&tag.name);
        let around = self.open.iter().rev().nth(usize::from(entered));
        XmlError { element: around.cloned().unwrap_or_default(), ..error }
    }

    /// An error at the end of the open element, in which `expected` should have been.
    pub(crate) fn missing(&self, expected: impl Into<String>) -> XmlError {
        let expected = expected.into();
        self.fail(if self.open.is_empty() {
            Problem::Ends(expected)
        } else {
            Problem::Missing(expected)
        })
    }

    /// How many elements are open.
    pub(crate) const fn depth(&self) -> usize {
        self.open.len()
    }

    /// The next element of the open one, which is left where it is. None at its end.
    pub(crate) fn peek(&mut self) -> Result<Option<&Tag>, XmlError> {
        if self.ahead.is_none() {
            let node = self.pull()?;
            self.ahead = Some(node);
        }
        let blank = self.text.trim().is_empty();
        match &self.ahead {
            Some(Node::Open(tag)) if blank => Ok(Some(tag)),
            None | Some(Node::Close | Node::End) if blank => Ok(None),
            _ => {
                let text = core::mem::take(&mut self.text);
                let name = self.open.last().cloned().unwrap_or_default();
                let leaf = Leaf { text, attribute: false, hex: None, name, at: self.at };
                Err(self.wrong(&leaf, "an element"))
            }
        }
    }

    /// Whether the open element has elements in it, and not a value.
    pub(crate) fn has_elements(&mut self) -> Result<bool, XmlError> {
        if self.ahead.is_none() {
            let node = self.pull()?;
            self.ahead = Some(node);
        }
        Ok(matches!(self.ahead, Some(Node::Open(_))))
    }

    /// Enters the next element of the open one. None at its end.
    pub(crate) fn enter(&mut self) -> Result<Option<Tag>, XmlError> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let Some(Node::Open(tag)) = self.ahead.take() else { return Ok(None) };
        self.open.push(tag.name.clone());
        self.at = tag.at;
        Ok(Some(tag))
    }

    /// Leaves the open element, which must have nothing more in it.
    pub(crate) fn leave(&mut self, expected: &str) -> Result<(), XmlError> {
        if self.peek()?.is_some()
            && let Some(Node::Open(tag)) = self.ahead.take()
        {
            return Err(self.unexpected(&tag, expected));
        }
        match self.ahead.take() {
            Some(Node::Close) => {
                self.open.pop();
                Ok(())
            }
            _ => Err(self.missing("its end")),
        }
    }

    /// The value of the element that was entered with `tag`, and leaves it.
    pub(crate) fn leaf(&mut self, tag: Tag) -> Result<Leaf, XmlError> {
        let node = match self.ahead.take() {
            Some(node) => node,
            None => self.pull()?,
        };
        match node {
            Node::Close => {}
            Node::Open(inner) => return Err(self.unexpected(&inner, "a value")),
            Node::End => return Err(self.missing("its end")),
        }
        let text = core::mem::take(&mut self.text);
        let attribute = tag.value.is_some();
        self.open.pop();
        Ok(Leaf {
            text: tag.value.unwrap_or(text),
            attribute,
            hex: tag.hex,
            name: tag.name,
            at: tag.at,
        })
    }

    fn pull(&mut self) -> Result<Node, XmlError> {
        self.text.clear();
        loop {
            let at = position(&self.reader);
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    return Err(self.fail_at(at, Problem::NotWellFormed(error.to_string())));
                }
            };
            self.at = at;
            match event {
                Event::Start(start) => {
                    let tag = self.tag(&start, at)?;
                    return Ok(Node::Open(tag));
                }
                Event::End(_) => return Ok(Node::Close),
                Event::Eof if self.open.is_empty() => return Ok(Node::End),
                Event::Eof => return Err(self.missing("its end")),
                Event::Text(text) => self.text.push_str(&text),
                Event::CData(text) => self.text.push_str(&text),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().ok().flatten();
                    match (character, resolve_predefined_entity(&reference)) {
                        (Some(character), _) => self.text.push(character),
                        (None, Some(text)) => self.text.push_str(text),
                        // Nothing outside of the document is ever looked at.
                        (None, None) => {
                            let unknown = format!("&{}; is not known", &*reference);
                            return Err(self.fail(Problem::NotWellFormed(unknown)));
                        }
                    }
                }
                Event::Empty(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_) => {}
            }
        }
    }

    fn tag(&self, start: &BytesStart<'_>, at: usize) -> Result<Tag, XmlError> {
        let mut tag = Tag { name: start.local_name().as_ref().to_owned(), at, ..Tag::default() };
        for attribute in start.attributes() {
            let ill = |error: String| self.fail_at(at, Problem::NotWellFormed(error));
            let attribute = attribute.map_err(|error| ill(error.to_string()))?;
            let place = match attribute.key.as_ref() {
                "Value" => &mut tag.value,
                "Hex" => &mut tag.hex,
                "Qty" => &mut tag.quantity,
                "Name" => &mut tag.bit,
                _ => continue,
            };
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            *place = Some(value.map_err(|error| ill(error.to_string()))?.into_owned());
        }
        Ok(tag)
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}
