//! Names of elements, and what counts as the same name.

/// The name of an element in both styles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// In the ASN.1 module, and so in the schema of DLMS UA.
    pub(crate) asn1: &'static str,
    /// As translators write it. Empty where they leave the element out and write what is in it.
    pub(crate) short: &'static str,
    /// Further names that are met for it.
    pub(crate) also: &'static [&'static str],
}

impl Name {
    pub(crate) const fn new(asn1: &'static str, short: &'static str) -> Self {
        Self { asn1, short, also: &[] }
    }

    pub(crate) const fn also(self, also: &'static [&'static str]) -> Self {
        Self { asn1: self.asn1, short: self.short, also }
    }

    /// Whether an element that is called `found` is meant.
    pub(crate) fn matches(&self, found: &str) -> bool {
        same(self.asn1, found)
            || same(self.short, found)
            || self.also.iter().any(|name| same(name, found))
    }
}

/// Whether two names differ in nothing but what translators disagree about: the case of letters,
/// hyphens and underscores.
pub(crate) fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && letters(one).eq(letters(other))
}

/// What counts of a name.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    let counts = |octet: &u8| !matches!(octet, b'-' | b'_');
    name.bytes().filter(counts).map(|octet| octet.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_styles_are_the_same_name() {
        let name = Name::new("get-request-next", "GetRequestForNextDataBlock").also(&["Next"]);
        for found in ["get-request-next", "GetRequestNext", "getrequestfornextdatablock", "next"] {
            assert!(name.matches(found), "{found}");
        }
        for found in ["", "get-request", "get-request-next1"] {
            assert!(!name.matches(found), "{found}");
        }
        assert!(!Name::new("single-response", "").matches(""));
    }
}
