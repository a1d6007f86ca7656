//! The writing end.

use alloc::vec::Vec;

/// Appends A-XDR octets to a buffer of the caller, who may reuse it: a warm buffer costs no
/// allocation.
#[derive(Debug)]
pub struct Writer<'v> {
    out: &'v mut Vec<u8>,
}

impl<'v> Writer<'v> {
    /// A writer that appends to `out`.
    pub const fn new(out: &'v mut Vec<u8>) -> Self {
        Self { out }
    }

    /// The buffer behind the writer, for an encoder that appends by itself.
    pub const fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Appends one octet.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Appends octets as they are.
    pub fn octets(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }

    /// Appends an Unsigned16, most significant octet first.
    pub fn u16(&mut self, value: u16) {
        self.octets(&value.to_be_bytes());
    }

    /// Appends an Unsigned32.
    pub fn u32(&mut self, value: u32) {
        self.octets(&value.to_be_bytes());
    }

    /// Appends a BOOLEAN as 00 or FF.
    pub fn boolean(&mut self, value: bool) {
        self.u8(if value { 0xff } else { 0x00 });
    }

    /// Appends the presence octet of an OPTIONAL component.
    pub fn presence(&mut self, present: bool) {
        self.u8(u8::from(present));
    }

    /// Appends a length or count in its shortest form. Lengths beyond four octets do not exist in
    /// A-XDR as DLMS uses it; such a length is written as the largest one.
    pub fn length(&mut self, length: usize) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let [a, b, c, d] = length.to_be_bytes();
        match (a, b, c) {
            (0, 0, 0) if d < 0x80 => self.u8(d),
            (0, 0, 0) => self.octets(&[0x81, d]),
            (0, 0, _) => self.octets(&[0x82, c, d]),
            (0, _, _) => self.octets(&[0x83, b, c, d]),
            _ => self.octets(&[0x84, a, b, c, d]),
        }
    }

    /// Appends an OCTET STRING without type tag: its length and its octets.
    pub fn octet_string(&mut self, octets: &[u8]) {
        self.length(octets.len());
        self.octets(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::Reader;

    #[test]
    fn a_length_is_written_in_its_shortest_form_and_read_back() {
        for (length, octets) in [
            (0, &[0x00][..]),
            (127, &[0x7f]),
            (128, &[0x81, 0x80]),
            (255, &[0x81, 0xff]),
            (256, &[0x82, 0x01, 0x00]),
            (65_536, &[0x83, 0x01, 0x00, 0x00]),
            (0x0100_0000, &[0x84, 0x01, 0x00, 0x00, 0x00]),
        ] {
            let mut out = Vec::new();
            Writer::new(&mut out).length(length);
            assert_eq!(out, octets);
            assert_eq!(Reader::new(&out).length(), Ok(length));
        }
    }
}
