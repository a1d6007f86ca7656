//! The first octet of every APDU (IEC 62056-5-3 clause 8, COSEMpdu and XDLMS-APDU).

/// ACSE association request.
pub const AARQ: u8 = 0x60;
/// ACSE association response.
pub const AARE: u8 = 0x61;
/// ACSE release request.
pub const RLRQ: u8 = 0x62;
/// ACSE release response.
pub const RLRE: u8 = 0x63;

/// initiate-request.
pub const INITIATE_REQUEST: u8 = 0x01;
/// read-request, of short name referencing.
pub const READ_REQUEST: u8 = 0x05;
/// write-request, of short name referencing.
pub const WRITE_REQUEST: u8 = 0x06;
/// initiate-response.
pub const INITIATE_RESPONSE: u8 = 0x08;
/// read-response, of short name referencing.
pub const READ_RESPONSE: u8 = 0x0c;
/// write-response, of short name referencing.
pub const WRITE_RESPONSE: u8 = 0x0d;
/// confirmed-service-error.
pub const CONFIRMED_SERVICE_ERROR: u8 = 0x0e;
/// data-notification.
pub const DATA_NOTIFICATION: u8 = 0x0f;
/// data-notification-confirm.
pub const DATA_NOTIFICATION_CONFIRM: u8 = 0x10;
/// unconfirmed-write-request, of short name referencing.
pub const UNCONFIRMED_WRITE_REQUEST: u8 = 0x16;
/// information-report-request, of short name referencing.
pub const INFORMATION_REPORT_REQUEST: u8 = 0x18;

/// glo-initiate-request.
pub const GLO_INITIATE_REQUEST: u8 = 0x21;
/// glo-read-request.
pub const GLO_READ_REQUEST: u8 = 0x25;
/// glo-write-request.
pub const GLO_WRITE_REQUEST: u8 = 0x26;
/// glo-initiate-response.
pub const GLO_INITIATE_RESPONSE: u8 = 0x28;
/// glo-read-response.
pub const GLO_READ_RESPONSE: u8 = 0x2c;
/// glo-write-response.
pub const GLO_WRITE_RESPONSE: u8 = 0x2d;
/// glo-confirmed-service-error.
pub const GLO_CONFIRMED_SERVICE_ERROR: u8 = 0x2e;
/// glo-unconfirmed-write-request.
pub const GLO_UNCONFIRMED_WRITE_REQUEST: u8 = 0x36;
/// glo-information-report-request.
pub const GLO_INFORMATION_REPORT_REQUEST: u8 = 0x38;

/// ded-initiate-request.
pub const DED_INITIATE_REQUEST: u8 = 0x41;
/// ded-read-request.
pub const DED_READ_REQUEST: u8 = 0x45;
/// ded-write-request.
pub const DED_WRITE_REQUEST: u8 = 0x46;
/// ded-initiate-response.
pub const DED_INITIATE_RESPONSE: u8 = 0x48;
/// ded-read-response.
pub const DED_READ_RESPONSE: u8 = 0x4c;
/// ded-write-response.
pub const DED_WRITE_RESPONSE: u8 = 0x4d;
/// ded-confirmed-service-error.
pub const DED_CONFIRMED_SERVICE_ERROR: u8 = 0x4e;
/// ded-unconfirmed-write-request.
pub const DED_UNCONFIRMED_WRITE_REQUEST: u8 = 0x56;
/// ded-information-report-request.
pub const DED_INFORMATION_REPORT_REQUEST: u8 = 0x58;

/// get-request.
pub const GET_REQUEST: u8 = 0xc0;
/// set-request.
pub const SET_REQUEST: u8 = 0xc1;
/// event-notification-request.
pub const EVENT_NOTIFICATION_REQUEST: u8 = 0xc2;
/// action-request.
pub const ACTION_REQUEST: u8 = 0xc3;
/// get-response.
pub const GET_RESPONSE: u8 = 0xc4;
/// set-response.
pub const SET_RESPONSE: u8 = 0xc5;
/// action-response.
pub const ACTION_RESPONSE: u8 = 0xc7;

/// glo-get-request.
pub const GLO_GET_REQUEST: u8 = 0xc8;
/// glo-set-request.
pub const GLO_SET_REQUEST: u8 = 0xc9;
/// glo-event-notification-request.
pub const GLO_EVENT_NOTIFICATION_REQUEST: u8 = 0xca;
/// glo-action-request.
pub const GLO_ACTION_REQUEST: u8 = 0xcb;
/// glo-get-response.
pub const GLO_GET_RESPONSE: u8 = 0xcc;
/// glo-set-response.
pub const GLO_SET_RESPONSE: u8 = 0xcd;
/// glo-action-response.
pub const GLO_ACTION_RESPONSE: u8 = 0xcf;

/// ded-get-request.
pub const DED_GET_REQUEST: u8 = 0xd0;
/// ded-set-request.
pub const DED_SET_REQUEST: u8 = 0xd1;
/// ded-event-notification-request.
pub const DED_EVENT_NOTIFICATION_REQUEST: u8 = 0xd2;
/// ded-action-request.
pub const DED_ACTION_REQUEST: u8 = 0xd3;
/// ded-get-response.
pub const DED_GET_RESPONSE: u8 = 0xd4;
/// ded-set-response.
pub const DED_SET_RESPONSE: u8 = 0xd5;
/// ded-action-response.
pub const DED_ACTION_RESPONSE: u8 = 0xd7;

/// exception-response.
pub const EXCEPTION_RESPONSE: u8 = 0xd8;
/// access-request.
pub const ACCESS_REQUEST: u8 = 0xd9;
/// access-response.
pub const ACCESS_RESPONSE: u8 = 0xda;

/// general-glo-ciphering.
pub const GENERAL_GLO_CIPHERING: u8 = 0xdb;
/// general-ded-ciphering.
pub const GENERAL_DED_CIPHERING: u8 = 0xdc;
/// general-ciphering.
pub const GENERAL_CIPHERING: u8 = 0xdd;
/// general-signing.
pub const GENERAL_SIGNING: u8 = 0xdf;
/// general-block-transfer.
pub const GENERAL_BLOCK_TRANSFER: u8 = 0xe0;

/// Every APDU that has three tags: plain, ciphered with a global key, ciphered with a dedicated
/// key.
const FORMS: [(u8, u8, u8); 16] = [
    (INITIATE_REQUEST, GLO_INITIATE_REQUEST, DED_INITIATE_REQUEST),
    (READ_REQUEST, GLO_READ_REQUEST, DED_READ_REQUEST),
    (WRITE_REQUEST, GLO_WRITE_REQUEST, DED_WRITE_REQUEST),
    (INITIATE_RESPONSE, GLO_INITIATE_RESPONSE, DED_INITIATE_RESPONSE),
    (READ_RESPONSE, GLO_READ_RESPONSE, DED_READ_RESPONSE),
    (WRITE_RESPONSE, GLO_WRITE_RESPONSE, DED_WRITE_RESPONSE),
    (CONFIRMED_SERVICE_ERROR, GLO_CONFIRMED_SERVICE_ERROR, DED_CONFIRMED_SERVICE_ERROR),
    (UNCONFIRMED_WRITE_REQUEST, GLO_UNCONFIRMED_WRITE_REQUEST, DED_UNCONFIRMED_WRITE_REQUEST),
    (INFORMATION_REPORT_REQUEST, GLO_INFORMATION_REPORT_REQUEST, DED_INFORMATION_REPORT_REQUEST),
    (GET_REQUEST, GLO_GET_REQUEST, DED_GET_REQUEST),
    (SET_REQUEST, GLO_SET_REQUEST, DED_SET_REQUEST),
    (EVENT_NOTIFICATION_REQUEST, GLO_EVENT_NOTIFICATION_REQUEST, DED_EVENT_NOTIFICATION_REQUEST),
    (ACTION_REQUEST, GLO_ACTION_REQUEST, DED_ACTION_REQUEST),
    (GET_RESPONSE, GLO_GET_RESPONSE, DED_GET_RESPONSE),
    (SET_RESPONSE, GLO_SET_RESPONSE, DED_SET_RESPONSE),
    (ACTION_RESPONSE, GLO_ACTION_RESPONSE, DED_ACTION_RESPONSE),
];

/// The tag under which an APDU goes when ciphered with a global key. None for an APDU that only the
/// general forms can cipher, such as data-notification.
pub fn global(plain: u8) -> Option<u8> {
    FORMS.iter().find(|form| form.0 == plain).map(|form| form.1)
}

/// The tag under which an APDU goes when ciphered with a dedicated key.
pub fn dedicated(plain: u8) -> Option<u8> {
    FORMS.iter().find(|form| form.0 == plain).map(|form| form.2)
}

/// The tag of the APDU inside one that is ciphered with a global or a dedicated key. None for a tag
/// of another kind; the general forms do not tell what is inside.
pub fn plain(ciphered: u8) -> Option<u8> {
    FORMS.iter().find(|form| form.1 == ciphered || form.2 == ciphered).map(|form| form.0)
}

/// Whether an APDU with this tag is protected: ciphered in one of the five ways, or signed.
pub fn is_protected(tag: u8) -> bool {
    plain(tag).is_some()
        || matches!(
            tag,
            GENERAL_GLO_CIPHERING | GENERAL_DED_CIPHERING | GENERAL_CIPHERING | GENERAL_SIGNING
        )
}

/// The name of the APDU with this tag in the standard; `unknown` for a tag that it lacks.
pub const fn name(tag: u8) -> &'static str {
    match tag {
        AARQ => "AARQ",
        AARE => "AARE",
        RLRQ => "RLRQ",
        RLRE => "RLRE",
        INITIATE_REQUEST => "initiate-request",
        READ_REQUEST => "read-request",
        WRITE_REQUEST => "write-request",
        INITIATE_RESPONSE => "initiate-response",
        READ_RESPONSE => "read-response",
        WRITE_RESPONSE => "write-response",
        CONFIRMED_SERVICE_ERROR => "confirmed-service-error",
        DATA_NOTIFICATION => "data-notification",
        DATA_NOTIFICATION_CONFIRM => "data-notification-confirm",
        UNCONFIRMED_WRITE_REQUEST => "unconfirmed-write-request",
        INFORMATION_REPORT_REQUEST => "information-report-request",
        GLO_INITIATE_REQUEST => "glo-initiate-request",
        GLO_READ_REQUEST => "glo-read-request",
        GLO_WRITE_REQUEST => "glo-write-request",
        GLO_INITIATE_RESPONSE => "glo-initiate-response",
        GLO_READ_RESPONSE => "glo-read-response",
        GLO_WRITE_RESPONSE => "glo-write-response",
        GLO_CONFIRMED_SERVICE_ERROR => "glo-confirmed-service-error",
        GLO_UNCONFIRMED_WRITE_REQUEST => "glo-unconfirmed-write-request",
        GLO_INFORMATION_REPORT_REQUEST => "glo-information-report-request",
        DED_INITIATE_REQUEST => "ded-initiate-request",
        DED_READ_REQUEST => "ded-read-request",
        DED_WRITE_REQUEST => "ded-write-request",
        DED_INITIATE_RESPONSE => "ded-initiate-response",
        DED_READ_RESPONSE => "ded-read-response",
        DED_WRITE_RESPONSE => "ded-write-response",
        DED_CONFIRMED_SERVICE_ERROR => "ded-confirmed-service-error",
        DED_UNCONFIRMED_WRITE_REQUEST => "ded-unconfirmed-write-request",
        DED_INFORMATION_REPORT_REQUEST => "ded-information-report-request",
        GET_REQUEST => "get-request",
        SET_REQUEST => "set-request",
        EVENT_NOTIFICATION_REQUEST => "event-notification-request",
        ACTION_REQUEST => "action-request",
        GET_RESPONSE => "get-response",
        SET_RESPONSE => "set-response",
        ACTION_RESPONSE => "action-response",
        GLO_GET_REQUEST => "glo-get-request",
        GLO_SET_REQUEST => "glo-set-request",
        GLO_EVENT_NOTIFICATION_REQUEST => "glo-event-notification-request",
        GLO_ACTION_REQUEST => "glo-action-request",
        GLO_GET_RESPONSE => "glo-get-response",
        GLO_SET_RESPONSE => "glo-set-response",
        GLO_ACTION_RESPONSE => "glo-action-response",
        DED_GET_REQUEST => "ded-get-request",
        DED_SET_REQUEST => "ded-set-request",
        DED_EVENT_NOTIFICATION_REQUEST => "ded-event-notification-request",
        DED_ACTION_REQUEST => "ded-action-request",
        DED_GET_RESPONSE => "ded-get-response",
        DED_SET_RESPONSE => "ded-set-response",
        DED_ACTION_RESPONSE => "ded-action-response",
        EXCEPTION_RESPONSE => "exception-response",
        ACCESS_REQUEST => "access-request",
        ACCESS_RESPONSE => "access-response",
        GENERAL_GLO_CIPHERING => "general-glo-ciphering",
        GENERAL_DED_CIPHERING => "general-ded-ciphering",
        GENERAL_CIPHERING => "general-ciphering",
        GENERAL_SIGNING => "general-signing",
        GENERAL_BLOCK_TRANSFER => "general-block-transfer",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_ciphered_tag_leads_back_to_its_plain_one() {
        for tag in 0..=255 {
            for ciphered in [global(tag), dedicated(tag)].into_iter().flatten() {
                assert_eq!(plain(ciphered), Some(tag));
                assert!(is_protected(ciphered) && !is_protected(tag));
            }
        }
        assert_eq!(global(GET_REQUEST), Some(0xc8));
        assert_eq!(dedicated(ACTION_RESPONSE), Some(0xd7));
        assert_eq!(global(INITIATE_REQUEST), Some(0x21));
        assert_eq!(global(INITIATE_RESPONSE), Some(0x28));
    }

    #[test]
    fn the_names_of_ciphered_apdus_follow_from_the_plain_ones() {
        for (plain, global, dedicated) in FORMS {
            assert_eq!(name(global), format!("glo-{}", name(plain)));
            assert_eq!(name(dedicated), format!("ded-{}", name(plain)));
        }
    }

    #[test]
    fn what_only_the_general_forms_cipher_has_no_ciphered_tag() {
        for tag in [DATA_NOTIFICATION, EXCEPTION_RESPONSE, ACCESS_REQUEST, AARQ, GLO_GET_REQUEST] {
            assert_eq!((global(tag), dedicated(tag)), (None, None), "{}", name(tag));
        }
        assert_eq!(plain(GENERAL_GLO_CIPHERING), None);
        assert!(is_protected(GENERAL_GLO_CIPHERING) && !is_protected(GENERAL_BLOCK_TRANSFER));
    }
}
