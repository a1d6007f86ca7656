//! An attribute and, where only a part of it is wanted, which part (IEC 62056-5-3 clause 8,
//! Cosem-Attribute-Descriptor-With-Selection and Selective-Access-Descriptor).

use crate::{
    Malformed,
    axdr::{RawData, Reader, Writer},
    cosem::AttributeDescriptor,
};

/// Which part of an attribute is wanted. What the selectors mean is a matter of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectiveAccess<'a> {
    /// The access-selector: of a profile, 1 by range and 2 by entry.
    pub selector: u8,
    /// The access-parameters.
    pub parameters: RawData<'a>,
}

/// An attribute, or the part of it that is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeSelection<'a> {
    /// The attribute.
    pub attribute: AttributeDescriptor,
    /// The part; absent for all of it.
    pub selection: Option<SelectiveAccess<'a>>,
}

impl<'a> AttributeSelection<'a> {
    /// All of the attribute.
    pub const fn whole(attribute: AttributeDescriptor) -> Self {
        Self { attribute, selection: None }
    }

    /// Takes a descriptor and its optional selection. The presence octet is there in all services,
    /// though the ASN.1 of one SET writes the selection as implicitly tagged.
    ///
    /// # Errors
    /// Truncation, a presence octet other than 00 and 01, parameters that are not a value.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let attribute = AttributeDescriptor::decode(reader)?;
        let selection = if reader.presence()? {
            let selector = reader.u8()?;
            Some(SelectiveAccess { selector, parameters: RawData::decode(reader)? })
        } else {
            None
        };
        Ok(Self { attribute, selection })
    }

    /// Appends the descriptor and its optional selection.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        self.attribute.encode(writer);
        writer.presence(self.selection.is_some());
        if let Some(SelectiveAccess { selector, parameters }) = self.selection {
            writer.u8(selector);
            writer.octets(parameters.octets());
        }
    }
}
