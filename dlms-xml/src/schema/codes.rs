//! Enumerations, with the names of both styles.

use super::{Code, Type, code};

/// Data-Access-Result.
pub(super) static DATA_ACCESS_RESULT: Type = Type::Enumerated(&[
    code(0, "success", "Success"),
    code(1, "hardware-fault", "HardwareFault"),
    code(2, "temporary-failure", "TemporaryFailure"),
    code(3, "read-write-denied", "ReadWriteDenied"),
    code(4, "object-undefined", "UndefinedObject"),
    code(9, "object-class-inconsistent", "InconsistentClass"),
    code(11, "object-unavailable", "UnavailableObject"),
    code(12, "type-unmatched", "UnmatchedType"),
    code(13, "scope-of-access-violated", "AccessViolated"),
    code(14, "data-block-unavailable", "DataBlockUnavailable"),
    code(15, "long-get-aborted", "LongGetOrReadAborted"),
    code(16, "no-long-get-in-progress", "NoLongGetOrReadInProgress"),
    code(17, "long-set-aborted", "LongSetOrWriteAborted"),
    code(18, "no-long-set-in-progress", "NoLongSetOrWriteInProgress"),
    code(19, "data-block-number-invalid", "DataBlockNumberInvalid"),
    code(250, "other-reason", "OtherReason"),
]);

/// Action-Result, which has other names from 15 on. Translators write those of a GET there; both
/// are read.
pub(super) static ACTION_RESULT: Type = Type::Enumerated(&[
    code(0, "success", "Success"),
    code(1, "hardware-fault", "HardwareFault"),
    code(2, "temporary-failure", "TemporaryFailure"),
    code(3, "read-write-denied", "ReadWriteDenied"),
    code(4, "object-undefined", "UndefinedObject"),
    code(9, "object-class-inconsistent", "InconsistentClass"),
    code(11, "object-unavailable", "UnavailableObject"),
    code(12, "type-unmatched", "UnmatchedType"),
    code(13, "scope-of-access-violated", "AccessViolated"),
    code(14, "data-block-unavailable", "DataBlockUnavailable"),
    code(15, "long-action-aborted", "LongGetOrReadAborted"),
    code(16, "no-long-action-in-progress", "NoLongGetOrReadInProgress"),
    code(250, "other-reason", "OtherReason"),
]);

/// state-error of an exception-response.
pub(super) static STATE_ERRORS: Type = Type::Enumerated(&[
    code(1, "service-not-allowed", "ServiceNotAllowed"),
    code(2, "service-unknown", "ServiceUnknown"),
]);

/// The bits of the conformance block, from bit 0.
pub(crate) static CONFORMANCE: [Code; 24] = [
    code(0, "reserved-zero", "ReservedZero"),
    code(1, "general-protection", "GeneralProtection"),
    code(2, "general-block-transfer", "GeneralBlockTransfer"),
    code(3, "read", "Read"),
    code(4, "write", "Write"),
    code(5, "unconfirmed-write", "UnconfirmedWrite"),
    code(6, "delta-value-encoding", "DeltaValueEncoding"),
    code(7, "reserved-seven", "ReservedSeven"),
    code(8, "attribute0-supported-with-set", "Attribute0SupportedWithSet"),
    code(9, "priority-mgmt-supported", "PriorityMgmtSupported"),
    code(10, "attribute0-supported-with-get", "Attribute0SupportedWithGet"),
    code(11, "block-transfer-with-get-or-read", "BlockTransferWithGetOrRead"),
    code(12, "block-transfer-with-set-or-write", "BlockTransferWithSetOrWrite"),
    code(13, "block-transfer-with-action", "BlockTransferWithAction"),
    code(14, "multiple-references", "MultipleReferences"),
    code(15, "information-report", "InformationReport"),
    code(16, "data-notification", "DataNotification"),
    code(17, "access", "Access"),
    code(18, "parameterized-access", "ParameterizedAccess"),
    code(19, "get", "Get"),
    code(20, "set", "Set"),
    code(21, "selective-access", "SelectiveAccess"),
    code(22, "event-notification", "EventNotification"),
    code(23, "action", "Action"),
];

/// ServiceError: a kind of error and the values it has. The gap is change-scope, which is reserved.
pub(crate) static SERVICE_ERRORS: [(Code, &[Code]); 9] = [
    (
        code(0, "application-reference", "ApplicationReference"),
        &[
            code(0, "other", "Other"),
            code(1, "time-elapsed", "TimeElapsed"),
            code(2, "application-unreachable", "ApplicationUnreachable"),
            code(3, "application-reference-invalid", "ApplicationReferenceInvalid"),
            code(4, "application-context-unsupported", "ApplicationContextUnsupported"),
            code(5, "provider-communication-error", "ProviderCommunicationError"),
            code(6, "deciphering-error", "DecipheringError"),
        ],
    ),
    (
        code(1, "hardware-resource", "HardwareResource"),
        &[
            code(0, "other", "Other"),
            code(1, "memory-unavailable", "MemoryUnavailable"),
            code(2, "processor-resource-unavailable", "ProcessorResourceUnavailable"),
            code(3, "mass-storage-unavailable", "MassStorageUnavailable"),
            code(4, "other-resource-unavailable", "OtherResourceUnavailable"),
        ],
    ),
    (
        code(2, "vde-state-error", "VdeStateError"),
        &[
            code(0, "other", "Other"),
            code(1, "no-dlms-context", "NoDlmsContext"),
            code(2, "loading-data-set", "LoadingDataSet"),
            code(3, "status-nochange", "StatusNochange"),
            code(4, "status-inoperable", "StatusInoperable"),
        ],
    ),
    (
        code(3, "service", "Service"),
        &[
            code(0, "other", "Other"),
            code(1, "pdu-size", "PduSize"),
            code(2, "service-unsupported", "ServiceUnsupported"),
        ],
    ),
    (
        code(4, "definition", "Definition"),
        &[
            code(0, "other", "Other"),
            code(1, "object-undefined", "ObjectUndefined"),
            code(2, "object-class-inconsistent", "ObjectClassInconsistent"),
            code(3, "object-attribute-inconsistent", "ObjectAttributeInconsistent"),
        ],
    ),
    (
        code(5, "access", "Access"),
        &[
            code(0, "other", "Other"),
            code(1, "scope-of-access-violated", "ScopeOfAccessViolated"),
            code(2, "object-access-violated", "ObjectAccessInvalid"),
            code(3, "hardware-fault", "HardwareFault"),
            code(4, "object-unavailable", "ObjectUnavailable"),
        ],
    ),
    (
        code(6, "initiate", "Initiate"),
        &[
            code(0, "other", "Other"),
            code(1, "dlms-version-too-low", "DlmsVersionTooLow"),
            code(2, "incompatible-conformance", "IncompatibleConformance"),
            code(3, "pdu-size-too-short", "PduSizeTooShort"),
            code(4, "refused-by-the-VDE-Handler", "RefusedByTheVDEHandler"),
        ],
    ),
    (
        code(7, "load-data-set", "LoadDataSet"),
        &[
            code(0, "other", "Other"),
            code(1, "primitive-out-of-sequence", "PrimitiveOutOfSequence"),
            code(2, "not-loadable", "NotLoadable"),
            code(3, "dataset-size-too-large", "DatasetSizeTooLarge"),
            code(4, "not-awaited-segment", "NotAwaitedSegment"),
            code(5, "interpretation-failure", "InterpretationFailure"),
            code(6, "storage-failure", "StorageFailure"),
            code(7, "data-set-not-ready", "DataSetNotReady"),
        ],
    ),
    (
        code(9, "task", "Task"),
        &[
            code(0, "other", "Other"),
            code(1, "no-remote-control", "NoRemoteControl"),
            code(2, "ti-stopped", "TiStopped"),
            code(3, "ti-running", "TiRunning"),
            code(4, "ti-unusable", "TiUnusable"),
        ],
    ),
];
