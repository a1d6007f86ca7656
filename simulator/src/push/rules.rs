//! Where what is published of Push setup leaves open what a meter does: a switch for each question,
//! with what the meters here do by default.

/// The switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushRules {
    /// What the numbers of restriction_by_entry count.
    pub entries: RestrictedEntries,
    /// What confirmation_interval is for.
    pub confirmation: ConfirmationInterval,
    /// How protection_type is numbered.
    pub protection_types: ProtectionTypes,
}

/// What the numbers of restriction_by_entry count. Sources give a first and a last number and do
/// not say from which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestrictedEntries {
    /// From the first entry of the buffer, as selective access by entry does.
    #[default]
    FromFirst,
    /// From the last entry back: 1 to 4 are the four latest.
    FromLast,
}

/// What confirmation_interval is for. One source names the attribute and not what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfirmationInterval {
    /// From confirmation_start_date on one push in an interval asks to be confirmed; 0 is every
    /// push.
    #[default]
    OneInInterval,
    /// Nothing: every push of a confirmed operation method asks.
    Ignored,
}

/// How protection_type in push_protection_parameters is numbered. The sources differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProtectionTypes {
    /// 0 authentication, 1 encryption, 2 both, 3 digital signature.
    #[default]
    FromZero,
    /// 1 authentication, 2 encryption, 3 both, 4 digital signature.
    FromOne,
}
