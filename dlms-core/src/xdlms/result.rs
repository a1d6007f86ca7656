//! What a meter answers when it does not answer with data (IEC 62056-5-3 clause 8).

use crate::acse::enumerated::enumerated;

enumerated! {
    /// Data-Access-Result: how a GET or SET of one attribute went.
    pub enum DataAccessResult {
        /// It was done.
        Success = 0, "success";
        /// A fault of the hardware.
        HardwareFault = 1, "hardware-fault";
        /// Not possible now.
        TemporaryFailure = 2, "temporary-failure";
        /// This association may not do that.
        ReadWriteDenied = 3, "read-write-denied";
        /// No such object or attribute.
        ObjectUndefined = 4, "object-undefined";
        /// The object is of another class.
        ObjectClassInconsistent = 9, "object-class-inconsistent";
        /// The object cannot be accessed now.
        ObjectUnavailable = 11, "object-unavailable";
        /// The value is of another type.
        TypeUnmatched = 12, "type-unmatched";
        /// Out of the scope of the association.
        ScopeOfAccessViolated = 13, "scope-of-access-violated";
        /// The datablock cannot be delivered.
        DataBlockUnavailable = 14, "data-block-unavailable";
        /// The block transfer of a GET was given up.
        LongGetAborted = 15, "long-get-aborted";
        /// There is no block transfer of a GET to go on with.
        NoLongGetInProgress = 16, "no-long-get-in-progress";
        /// The block transfer of a SET was given up.
        LongSetAborted = 17, "long-set-aborted";
        /// There is no block transfer of a SET to go on with.
        NoLongSetInProgress = 18, "no-long-set-in-progress";
        /// A datablock out of order.
        DataBlockNumberInvalid = 19, "data-block-number-invalid";
        /// A reason without a code.
        OtherReason = 250, "other-reason";
    }
}

enumerated! {
    /// Action-Result: how an ACTION on one method went.
    pub enum ActionResult {
        /// It was done.
        Success = 0, "success";
        /// A fault of the hardware.
        HardwareFault = 1, "hardware-fault";
        /// Not possible now; of an image transfer, that it is still at work.
        TemporaryFailure = 2, "temporary-failure";
        /// This association may not do that.
        ReadWriteDenied = 3, "read-write-denied";
        /// No such object or method.
        ObjectUndefined = 4, "object-undefined";
        /// The object is of another class.
        ObjectClassInconsistent = 9, "object-class-inconsistent";
        /// The object cannot be accessed now.
        ObjectUnavailable = 11, "object-unavailable";
        /// The parameters are of another type.
        TypeUnmatched = 12, "type-unmatched";
        /// Out of the scope of the association.
        ScopeOfAccessViolated = 13, "scope-of-access-violated";
        /// The datablock cannot be delivered.
        DataBlockUnavailable = 14, "data-block-unavailable";
        /// The block transfer of an ACTION was given up.
        LongActionAborted = 15, "long-action-aborted";
        /// There is no block transfer of an ACTION to go on with.
        NoLongActionInProgress = 16, "no-long-action-in-progress";
        /// A reason without a code.
        OtherReason = 250, "other-reason";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_result_shows_name_and_code() {
        assert_eq!(DataAccessResult::ReadWriteDenied.name(), "read-write-denied");
        assert_eq!(DataAccessResult::ObjectUndefined.to_string(), "object-undefined (4)");
        assert_eq!(ActionResult::from_code(77).to_string(), "unknown (77)");
    }

    #[test]
    fn every_code_comes_back() {
        for code in 0..=255 {
            assert_eq!(DataAccessResult::from_code(code).code(), code);
            assert_eq!(ActionResult::from_code(code).code(), code);
        }
    }

    #[test]
    fn the_two_tables_agree_up_to_14_and_then_go_their_own_ways() {
        for code in 0..=14 {
            let (data, action) = (DataAccessResult::from_code(code), ActionResult::from_code(code));
            assert_eq!(data.name(), action.name());
        }
        assert_eq!(DataAccessResult::from_code(15).name(), "long-get-aborted");
        assert_eq!(ActionResult::from_code(15).name(), "long-action-aborted");
        assert_eq!(DataAccessResult::from_code(17).name(), "long-set-aborted");
        assert_eq!(ActionResult::from_code(17), ActionResult::Other(17));
    }
}
