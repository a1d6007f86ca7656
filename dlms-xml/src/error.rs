//! What is wrong with a document, and where.

/// XML that is not the XML of an APDU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{}: {problem}", within(.element))]
pub struct XmlError {
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// The innermost element that was open there; empty at the top.
    pub element: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong at a place of a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It is no well-formed XML.
    #[error("not well-formed: {0}")]
    NotWellFormed(String),
    /// It ends before it is complete.
    #[error("the document ends where {0} is expected")]
    Ends(String),
    /// An element is there instead of what belongs there.
    #[error("<{found}> where {expected} is expected")]
    Element {
        /// The name of what is there.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// The element ends before what belongs into it.
    #[error("{0} is missing")]
    Missing(String),
    /// A value is not one of its type.
    #[error("\"{found}\" is not {expected}")]
    Value {
        /// What is there, shortened.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// The count of a list is not that of its items.
    #[error("Qty says {claimed}, and there are {found}")]
    Quantity {
        /// The attribute, as it stands there.
        claimed: String,
        /// Items that there are.
        found: usize,
    },
    /// Elements in elements, deeper than any APDU has them.
    #[error("nested too deeply")]
    Nesting,
    /// It is longer than [`XML_LEN_MAX`](crate::XML_LEN_MAX).
    #[error("a document of more than {} octets", crate::XML_LEN_MAX)]
    TooLong,
}

fn within(element: &str) -> String {
    if element.is_empty() { String::new() } else { format!(", in <{element}>") }
}
