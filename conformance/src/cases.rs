//! The cases, one file for each group, in the order in which they are run.

mod application_layer;
mod cosem_objects;
mod hdlc;
mod symsec_0;

use crate::case::Case;

/// All cases: 22 of HDLC, 20 of the application layer, those of COSEM objects, 15 of security
/// suite 0.
pub fn catalogue() -> impl Iterator<Item = &'static Case> {
    let groups = [hdlc::CASES, application_layer::CASES, cosem_objects::CASES, symsec_0::CASES];
    groups.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Group;

    #[test]
    fn every_public_name_is_there_once() {
        let names: BTreeSet<&str> = catalogue().map(|case| case.name).collect();
        assert_eq!(names.len(), catalogue().count());
        let count = |group| catalogue().filter(|case| case.group == group).count();
        assert_eq!(count(Group::Hdlc), 22);
        assert_eq!(count(Group::ApplicationLayer), 20);
        assert_eq!(count(Group::Symsec0), 15);
    }
}
