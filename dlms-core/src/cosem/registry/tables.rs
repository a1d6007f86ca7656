// Made of classes.txt by tests/registry.rs: change that file and run the test.

use super::{
    Attribute as A,
    Behaviour::{Dynamic as D, Static as S},
    ClassId, InterfaceClass, Method as M,
};

pub(super) const ANY: u64 = 0x3ffffb67f;

// Data, version 0
const A1_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "value", ANY, D),
];
const M1_0: &[M] = &[];

// Register, version 0
const A3_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "value", ANY, D),
    A::new(3, "scaler_unit", 0x4, S),
];
const M3_0: &[M] = &[
    M::new(1, "reset", 0x8000, Some(0x28)),
];

// Extended register, version 0
const A4_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "value", ANY, D),
    A::new(3, "scaler_unit", 0x4, S),
    A::new(4, "status", ANY, D),
    A::new(5, "capture_time", 0x2000200, D),
];
const M4_0: &[M] = &[
    M::new(1, "reset", 0x8000, Some(0x38)),
];

// Demand register, version 0
const A5_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "current_average_value", ANY, D),
    A::new(3, "last_average_value", ANY, D),
    A::new(4, "scaler_unit", 0x4, S),
    A::new(5, "status", ANY, D),
    A::new(6, "capture_time", 0x2000200, D),
    A::new(7, "start_time_current", 0x2000200, D),
    A::new(8, "period", 0x40, S),
    A::new(9, "number_of_periods", 0x40000, S),
];
const M5_0: &[M] = &[
    M::new(1, "reset", 0x8000, Some(0x48)),
    M::new(2, "next_period", 0x8000, Some(0x50)),
];

// Register activation, version 0
const A6_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "register_assignment", 0x2, S),
    A::new(3, "mask_list", 0x2, S),
    A::new(4, "active_mask", 0x200, D),
];
const M6_0: &[M] = &[
    M::new(1, "add_register", 0x4, Some(0x30)),
    M::new(2, "add_mask", 0x4, Some(0x38)),
    M::new(3, "delete_mask", 0x200, Some(0x40)),
];

// Profile generic, version 0
const A7_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "buffer", 0x80002, D),
    A::new(3, "capture_objects", 0x2, S),
    A::new(4, "capture_period", 0x40, S),
    A::new(5, "sort_method", 0x400000, S),
    A::new(6, "sort_object", 0x4, S),
    A::new(7, "entries_in_use", 0x40, D),
    A::new(8, "profile_entries", 0x40, S),
];
const M7_0: &[M] = &[
    M::new(1, "reset", 0x8000, Some(0x58)),
    M::new(2, "capture", 0x8000, Some(0x60)),
    M::new(3, "get_buffer_by_range", ANY, Some(0x68)),
    M::new(4, "get_buffer_by_index", ANY, Some(0x70)),
];

// Profile generic, version 1
const A7_1: &[A] = A7_0;
const M7_1: &[M] = &[
    M::new(1, "reset", 0x8000, Some(0x58)),
    M::new(2, "capture", 0x8000, Some(0x60)),
];

// Clock, version 0
const A8_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "time", 0x2000200, D),
    A::new(3, "time_zone", 0x10000, S),
    A::new(4, "status", 0x20000, D),
    A::new(5, "daylight_savings_begin", 0x2000200, S),
    A::new(6, "daylight_savings_end", 0x2000200, S),
    A::new(7, "daylight_savings_deviation", 0x8000, S),
    A::new(8, "daylight_savings_enabled", 0x8, S),
    A::new(9, "clock_base", 0x400000, S),
];
const M8_0: &[M] = &[
    M::new(1, "adjust_to_quarter", 0x8000, Some(0x60)),
    M::new(2, "adjust_to_measuring_period", 0x8000, Some(0x68)),
    M::new(3, "adjust_to_minute", 0x8000, Some(0x70)),
    M::new(4, "adjust_to_preset_time", 0x8000, Some(0x78)),
    M::new(5, "preset_adjusting_time", 0x4, Some(0x80)),
    M::new(6, "shift_time", 0x10000, Some(0x88)),
];

// Script table, version 0
const A9_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "scripts", 0x2, S),
];
const M9_0: &[M] = &[
    M::new(1, "execute", 0x40000, Some(0x20)),
];

// Schedule, version 0
const A10_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "entries", 0x2, S),
];
const M10_0: &[M] = &[
    M::new(1, "enable/disable", 0x4, Some(0x20)),
    M::new(2, "insert", 0x4, Some(0x28)),
    M::new(3, "delete", 0x4, Some(0x30)),
];

// Special days table, version 0
const A11_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "entries", 0x2, S),
];
const M11_0: &[M] = &[
    M::new(1, "insert", 0x4, Some(0x10)),
    M::new(2, "delete", 0x40000, Some(0x18)),
];

// Association SN, version 0
const A12_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "object_list", 0x2, S),
];
const M12_0: &[M] = &[
    M::new(1, "getlist_by_classid", ANY, Some(0x20)),
    M::new(2, "getobj_by_logicalname", ANY, Some(0x28)),
    M::new(3, "read_by_logicalname", 0x2, Some(0x30)),
    M::new(4, "get_attributes&methods", 0x2, Some(0x38)),
    M::new(5, "change_LLS_secret", 0x200, Some(0x40)),
    M::new(6, "change_HLS_secret", 0x200, Some(0x48)),
    M::new(7, "get_HLS_challenge", ANY, Some(0x50)),
    M::new(8, "reply_to_HLS_challenge", 0x200, Some(0x58)),
];

// Association SN, version 1
const A12_1: &[A] = A12_0;
const M12_1: &[M] = &[
    M::new(3, "read_by_logicalname", 0x2, Some(0x30)),
    M::new(5, "change_secret", 0x200, Some(0x40)),
    M::new(8, "reply_to_HLS_authentication", 0x200, Some(0x58)),
];

// Association SN, version 2
const A12_2: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "object_list", 0x2, S),
    A::new(3, "access_rights_list", 0x2, S),
    A::new(4, "security_setup_reference", 0x200, S),
];
const M12_2: &[M] = M12_1;

// Association SN, version 3
const A12_3: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "object_list", 0x2, S),
    A::new(3, "access_rights_list", 0x2, S),
    A::new(4, "security_setup_reference", 0x200, S),
    A::new(5, "user_list", 0x2, S),
    A::new(6, "current_user", 0x4, D),
];
const M12_3: &[M] = &[
    M::new(3, "read_by_logicalname", 0x2, Some(0x30)),
    M::new(5, "change_secret", 0x200, Some(0x40)),
    M::new(8, "reply_to_HLS_authentication", 0x200, Some(0x58)),
    M::new(9, "add_user", 0x4, Some(0x60)),
    M::new(10, "remove_user", 0x4, Some(0x68)),
];

// Association SN, version 4
const A12_4: &[A] = A12_3;
const M12_4: &[M] = M12_3;

// Association LN, version 0
const A15_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "object_list", 0x2, S),
    A::new(3, "associated_partners_id", 0x4, S),
    A::new(4, "application_context_name", 0x204, S),
    A::new(5, "xDLMS_context_info", 0x4, S),
    A::new(6, "authentication_mechanism_name", 0x204, S),
    A::new(7, "LLS_secret", 0x200, S),
    A::new(8, "association_status", 0x400000, D),
];
const M15_0: &[M] = &[
    M::new(1, "reply_to_HLS_authentication", 0x200, None),
    M::new(2, "change_HLS_secret", 0x200, None),
    M::new(3, "add_object", 0x4, None),
    M::new(4, "remove_object", 0x4, None),
];

// Association LN, version 1
const A15_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "object_list", 0x2, S),
    A::new(3, "associated_partners_id", 0x4, S),
    A::new(4, "application_context_name", 0x204, S),
    A::new(5, "xDLMS_context_info", 0x4, S),
    A::new(6, "authentication_mechanism_name", 0x204, S),
    A::new(7, "secret", 0x200, S),
    A::new(8, "association_status", 0x400000, D),
    A::new(9, "security_setup_reference", 0x200, S),
];
const M15_1: &[M] = M15_0;

// Association LN, version 2
const A15_2: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "object_list", 0x2, S),
    A::new(3, "associated_partners_id", 0x4, S),
    A::new(4, "application_context_name", 0x204, S),
    A::new(5, "xDLMS_context_info", 0x4, S),
    A::new(6, "authentication_mechanism_name", 0x204, S),
    A::new(7, "secret", 0x200, S),
    A::new(8, "association_status", 0x400000, D),
    A::new(9, "security_setup_reference", 0x200, S),
    A::new(10, "user_list", 0x2, S),
    A::new(11, "current_user", 0x4, D),
];
const M15_2: &[M] = &[
    M::new(1, "reply_to_HLS_authentication", 0x200, None),
    M::new(2, "change_HLS_secret", 0x200, None),
    M::new(3, "add_object", 0x4, None),
    M::new(4, "remove_object", 0x4, None),
    M::new(5, "add_user", 0x4, None),
    M::new(6, "remove_user", 0x4, None),
];

// Association LN, version 3
const A15_3: &[A] = A15_2;
const M15_3: &[M] = M15_2;

// SAP assignment, version 0
const A17_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "SAP_assignment_list", 0x2, S),
];
const M17_0: &[M] = &[
    M::new(1, "connect_logical_device", 0x4, Some(0x20)),
];

// Image transfer, version 0
const A18_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "image_block_size", 0x40, S),
    A::new(3, "image_transferred_blocks_status", 0x10, D),
    A::new(4, "image_first_not_transferred_block_number", 0x40, D),
    A::new(5, "image_transfer_enabled", 0x8, S),
    A::new(6, "image_transfer_status", 0x400000, D),
    A::new(7, "image_to_activate_info", 0x2, D),
];
const M18_0: &[M] = &[
    M::new(1, "image_transfer_initiate", 0x4, Some(0x40)),
    M::new(2, "image_block_transfer", 0x4, Some(0x48)),
    M::new(3, "image_verify", 0x8000, Some(0x50)),
    M::new(4, "image_activate", 0x8000, Some(0x58)),
];

// IEC local port setup, version 0
const A19_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "default_mode", 0x400000, S),
    A::new(3, "default_baud", 0x400000, S),
    A::new(4, "prop_baud", 0x400000, S),
    A::new(5, "response_time", 0x400000, S),
    A::new(6, "device_addr", 0x200, S),
    A::new(7, "pass_p1", 0x200, S),
    A::new(8, "pass_p2", 0x200, S),
    A::new(9, "pass_w5", 0x200, S),
];
const M19_0: &[M] = &[];

// IEC local port setup, version 1
const A19_1: &[A] = A19_0;
const M19_1: &[M] = M19_0;

// Activity calendar, version 0
const A20_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "calendar_name_active", 0x200, S),
    A::new(3, "season_profile_active", 0x2, S),
    A::new(4, "week_profile_table_active", 0x2, S),
    A::new(5, "day_profile_table_active", 0x2, S),
    A::new(6, "calendar_name_passive", 0x200, S),
    A::new(7, "season_profile_passive", 0x2, S),
    A::new(8, "week_profile_table_passive", 0x2, S),
    A::new(9, "day_profile_table_passive", 0x2, S),
    A::new(10, "activate_passive_calendar_time", 0x2000200, S),
];
const M20_0: &[M] = &[
    M::new(1, "activate_passive_calendar", 0x8000, Some(0x50)),
];

// Register monitor, version 0
const A21_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "thresholds", 0x2, S),
    A::new(3, "monitored_value", 0x4, S),
    A::new(4, "actions", 0x2, S),
];
const M21_0: &[M] = &[];

// Single action schedule, version 0
const A22_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "executed_script", 0x4, S),
    A::new(3, "type", 0x400000, S),
    A::new(4, "execution_time", 0x2, S),
];
const M22_0: &[M] = &[];

// IEC HDLC setup, version 0
const A23_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "comm_speed", 0x400000, S),
    A::new(3, "window_size_transmit", 0x20000, S),
    A::new(4, "window_size_receive", 0x20000, S),
    A::new(5, "max_info_field_length_transmit", 0x20000, S),
    A::new(6, "max_info_field_length_receive", 0x20000, S),
    A::new(7, "inter_octet_time_out", 0x40000, S),
    A::new(8, "inactivity_time_out", 0x40000, S),
    A::new(9, "device_address", 0x40000, S),
];
const M23_0: &[M] = &[];

// IEC HDLC setup, version 1
const A23_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "comm_speed", 0x400000, S),
    A::new(3, "window_size_transmit", 0x20000, S),
    A::new(4, "window_size_receive", 0x20000, S),
    A::new(5, "max_info_field_length_transmit", 0x40000, S),
    A::new(6, "max_info_field_length_receive", 0x40000, S),
    A::new(7, "inter_octet_time_out", 0x40000, S),
    A::new(8, "inactivity_time_out", 0x40000, S),
    A::new(9, "device_address", 0x40000, S),
];
const M23_1: &[M] = M23_0;

// IEC twisted pair (1) setup, version 0
const A24_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "secondary_address", 0x200, S),
    A::new(3, "primary_address_list", 0x2, S),
    A::new(4, "tabi_list", 0x2, S),
    A::new(5, "fatal_error", 0x400000, D),
];
const M24_0: &[M] = &[];

// IEC twisted pair (1) setup, version 1
const A24_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mode", 0x400000, S),
    A::new(3, "speed", 0x400000, S),
    A::new(4, "primary_address_list", 0x2, S),
    A::new(5, "tabi_list", 0x2, S),
];
const M24_1: &[M] = M24_0;

// M-Bus slave port setup, version 0
const A25_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "default_baud", 0x400000, S),
    A::new(3, "avail_baud", 0x400000, S),
    A::new(4, "addr_state", 0x400000, S),
    A::new(5, "bus_address", 0x20000, S),
];
const M25_0: &[M] = &[];

// Utility tables, version 0
const A26_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "table_ID", 0x40000, S),
    A::new(3, "length", 0x40, D),
    A::new(4, "buffer", 0x200, D),
];
const M26_0: &[M] = &[];

// PSTN modem configuration, version 0
const A27_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "comm_speed", 0x400000, S),
    A::new(3, "initialization_string", 0x2, S),
    A::new(4, "modem_profile", 0x2, S),
];
const M27_0: &[M] = &[];

// Modem configuration, version 1
const A27_1: &[A] = A27_0;
const M27_1: &[M] = M27_0;

// PSTN auto answer, version 0
const A28_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mode", 0x400000, S),
    A::new(3, "listening_window", 0x2, S),
    A::new(4, "status", 0x400000, D),
    A::new(5, "number_of_calls", 0x20000, S),
    A::new(6, "number_of_rings", 0x4, S),
];
const M28_0: &[M] = &[];

// Auto answer, version 2
const A28_2: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mode", 0x400000, S),
    A::new(3, "listening_window", 0x2, S),
    A::new(4, "status", 0x400000, D),
    A::new(5, "number_of_calls", 0x20000, S),
    A::new(6, "number_of_rings", 0x4, S),
    A::new(7, "list_of_allowed_callers", 0x2, S),
];
const M28_2: &[M] = M28_0;

// PSTN auto dial, version 0
const A29_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mode", 0x400000, S),
    A::new(3, "repetitions", 0x20000, S),
    A::new(4, "repetition_delay", 0x40000, S),
    A::new(5, "calling_window", 0x2, S),
    A::new(6, "phone_list", 0x2, S),
];
const M29_0: &[M] = &[];

// Auto connect, version 1
const A29_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mode", 0x400000, S),
    A::new(3, "repetitions", 0x20000, S),
    A::new(4, "repetition_delay", 0x40000, S),
    A::new(5, "calling_window", 0x2, S),
    A::new(6, "destination_list", 0x2, S),
];
const M29_1: &[M] = M29_0;

// Auto connect, version 2
const A29_2: &[A] = A29_1;
const M29_2: &[M] = &[
    M::new(1, "connect", 0x8000, None),
];

// Data protection, version 0
const A30_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "protection_buffer", 0x200, D),
    A::new(3, "protection_object_list", 0x2, S),
    A::new(4, "protection_parameters_get", 0x2, S),
    A::new(5, "protection_parameters_set", 0x2, S),
    A::new(6, "required_protection", 0x400000, S),
];
const M30_0: &[M] = &[
    M::new(1, "get_protected_attributes", 0x4, None),
    M::new(2, "set_protected_attributes", 0x4, None),
    M::new(3, "invoke_protected_method", 0x4, None),
];

// Push setup, version 0
const A40_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "push_object_list", 0x2, S),
    A::new(3, "send_destination_and_method", 0x4, S),
    A::new(4, "communication_window", 0x2, S),
    A::new(5, "randomisation_start_interval", 0x40000, S),
    A::new(6, "number_of_retries", 0x20000, S),
    A::new(7, "repetition_delay", 0x40000, S),
];
const M40_0: &[M] = &[
    M::new(1, "push", 0x8000, Some(0x38)),
];

// Push setup, version 1
const A40_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "push_object_list", 0x2, S),
    A::new(3, "send_destination_and_method", 0x4, S),
    A::new(4, "communication_window", 0x2, S),
    A::new(5, "randomisation_start_interval", 0x40000, S),
    A::new(6, "number_of_retries", 0x20000, S),
    A::new(7, "repetition_delay", 0x40000, S),
    A::new(8, "port_reference", 0x200, S),
    A::new(9, "push_client_SAP", 0x8000, S),
    A::new(10, "push_protection_parameters", 0x2, S),
];
const M40_1: &[M] = &[
    M::new(1, "push", 0x8000, None),
];

// Push setup, version 2
const A40_2: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "push_object_list", 0x2, S),
    A::new(3, "send_destination_and_method", 0x4, S),
    A::new(4, "communication_window", 0x2, S),
    A::new(5, "randomisation_start_interval", 0x40000, S),
    A::new(6, "number_of_retries", 0x20000, S),
    A::new(7, "repetition_delay", 0x4, S),
    A::new(8, "port_reference", 0x200, S),
    A::new(9, "push_client_SAP", 0x8000, S),
    A::new(10, "push_protection_parameters", 0x2, S),
    A::new(11, "push_operation_method", 0x400000, S),
    A::new(12, "confirmation_parameters", 0x4, S),
    A::new(13, "last_confirmation_date_time", 0x2000200, D),
];
const M40_2: &[M] = &[
    M::new(1, "push", 0x8000, None),
    M::new(2, "reset", 0x8000, None),
];

// Push setup, version 3
const A40_3: &[A] = A40_2;
const M40_3: &[M] = M40_2;

// TCP-UDP setup, version 0
const A41_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "TCP-UDP_port", 0x40000, S),
    A::new(3, "IP_reference", 0x200, S),
    A::new(4, "MSS", 0x40000, S),
    A::new(5, "nb_of_sim_conn", 0x20000, S),
    A::new(6, "inactivity_time_out", 0x40000, S),
];
const M41_0: &[M] = &[];

// IPv4 setup, version 0
const A42_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "DL_reference", 0x200, S),
    A::new(3, "IP_address", 0x40, S),
    A::new(4, "multicast_IP_address", 0x2, S),
    A::new(5, "IP_options", 0x2, S),
    A::new(6, "subnet_mask", 0x40, S),
    A::new(7, "gateway_IP_address", 0x40, S),
    A::new(8, "use_DHCP_flag", 0x8, S),
    A::new(9, "primary_DNS_address", 0x40, S),
    A::new(10, "secondary_DNS_address", 0x40, S),
];
const M42_0: &[M] = &[
    M::new(1, "add_mc_IP_address", 0x40, Some(0x60)),
    M::new(2, "delete_mc_IP_address", 0x40, Some(0x68)),
    M::new(3, "get_nbof_mc_IP_addresses", 0x8000, Some(0x70)),
];

// MAC address setup, version 0
const A43_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "MAC_address", 0x200, S),
];
const M43_0: &[M] = &[];

// PPP setup, version 0
const A44_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "PHY_reference", 0x200, S),
    A::new(3, "LCP_options", 0x2, S),
    A::new(4, "IPCP_options", 0x2, S),
    A::new(5, "PPP_authentication", 0x4, S),
];
const M44_0: &[M] = &[];

// GPRS modem setup, version 0
const A45_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "APN", 0x200, S),
    A::new(3, "PIN_code", 0x40000, S),
    A::new(4, "quality_of_service", 0x4, S),
];
const M45_0: &[M] = &[];

// SMTP setup, version 0
const A46_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "server_port", 0x40000, S),
    A::new(3, "user_name", 0x200, S),
    A::new(4, "login_password", 0x200, S),
    A::new(5, "server_address", 0x200, S),
    A::new(6, "sender_address", 0x200, S),
];
const M46_0: &[M] = &[];

// GSM diagnostic, version 0
const A47_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "operator", 0x400, D),
    A::new(3, "status", 0x400000, D),
    A::new(4, "cs_attachment", 0x400000, D),
    A::new(5, "ps_status", 0x400000, D),
    A::new(6, "cell_info", 0x4, D),
    A::new(7, "adjacent_cells", 0x2, D),
    A::new(8, "capture_time", 0x2000200, D),
];
const M47_0: &[M] = &[];

// GSM diagnostic, version 1
const A47_1: &[A] = A47_0;
const M47_1: &[M] = M47_0;

// GSM diagnostic, version 2
const A47_2: &[A] = A47_1;
const M47_2: &[M] = M47_1;

// IPv6 setup, version 0
const A48_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "DL_reference", 0x200, S),
    A::new(3, "address_config_mode", 0x400000, S),
    A::new(4, "unicast_IPv6_addresses", 0x2, S),
    A::new(5, "multicast_IPv6_addresses", 0x2, S),
    A::new(6, "gateway_IPv6_addresses", 0x2, S),
    A::new(7, "primary_DNS_address", 0x200, S),
    A::new(8, "secondary_DNS_address", 0x200, S),
    A::new(9, "traffic_class", 0x20000, S),
    A::new(10, "neighbor_discovery_setup", 0x2, S),
];
const M48_0: &[M] = &[
    M::new(1, "add_IPv6_address", 0x4, Some(0x60)),
    M::new(2, "remove_IPv6_address", 0x4, Some(0x68)),
];

// S-FSK Phy&MAC setup, version 0
const A50_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "initiator_electrical_phase", 0x400000, S),
    A::new(3, "delta_electrical_phase", 0x400000, D),
    A::new(4, "max_receiving_gain", 0x20000, S),
    A::new(5, "max_transmitting_gain", 0x20000, S),
    A::new(6, "search_initiator_gain", 0x20000, S),
    A::new(7, "frequencies", 0x4, S),
    A::new(8, "mac_address", 0x40000, D),
    A::new(9, "mac_group_addresses", 0x2, S),
    A::new(10, "repeater", 0x400000, S),
    A::new(11, "repeater_status", 0x8, D),
    A::new(12, "min_delta_credit", 0x20000, D),
    A::new(13, "initiator_mac_address", 0x40000, D),
    A::new(14, "synchronization_locked", 0x8, D),
];
const M50_0: &[M] = &[];

// S-FSK Phy&MAC setup, version 1
const A50_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "initiator_electrical_phase", 0x400000, S),
    A::new(3, "delta_electrical_phase", 0x400000, D),
    A::new(4, "max_receiving_gain", 0x20000, S),
    A::new(5, "max_transmitting_gain", 0x20000, S),
    A::new(6, "search_initiator_threshold", 0x20000, S),
    A::new(7, "frequencies", 0x4, S),
    A::new(8, "mac_address", 0x40000, D),
    A::new(9, "mac_group_addresses", 0x2, S),
    A::new(10, "repeater", 0x400000, S),
    A::new(11, "repeater_status", 0x8, D),
    A::new(12, "min_delta_credit", 0x20000, D),
    A::new(13, "initiator_mac_address", 0x40000, D),
    A::new(14, "synchronization_locked", 0x8, D),
    A::new(15, "transmission_speed", 0x400000, S),
];
const M50_1: &[M] = M50_0;

// S-FSK Active initiator, version 0
const A51_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "active_initiator", 0x4, D),
];
const M51_0: &[M] = &[
    M::new(1, "reset_NEW_not_synchronized", 0x4, None),
];

// S-FSK MAC synchronization timeouts, version 0
const A52_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "search_initiator_timeout", 0x40000, S),
    A::new(3, "synchronization_confirmation_timeout", 0x40000, S),
    A::new(4, "time_out_not_addressed", 0x40000, S),
    A::new(5, "time_out_frame_not_OK", 0x40000, S),
];
const M52_0: &[M] = &[];

// S-FSK MAC counters, version 0
const A53_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "synchronization_register", 0x2, D),
    A::new(3, "desynchronization_listing", 0x4, D),
    A::new(4, "broadcast_frames_counter", 0x2, D),
    A::new(5, "repetitions_counter", 0x40, D),
    A::new(6, "transmissions_counter", 0x40, D),
    A::new(7, "CRC_OK_frames_counter", 0x40, D),
    A::new(8, "CRC_NOK_frames_counter", 0x40, D),
];
const M53_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// IEC 61334-4-32 LLC setup, version 0
const A55_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "max_frame_length", 0x20000, S),
    A::new(3, "reply_status_list", 0x2, D),
    A::new(4, "broadcast_list", 0x2, S),
    A::new(5, "L_SAP_list", 0x2, S),
];
const M55_0: &[M] = &[];

// IEC 61334-4-32 LLC setup, version 1
const A55_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "max_frame_length", 0x20000, S),
    A::new(3, "reply_status_list", 0x2, D),
];
const M55_1: &[M] = M55_0;

// S-FSK Reporting system list, version 0
const A56_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "reporting_system_list", 0x2, D),
];
const M56_0: &[M] = &[];

// ISO/IEC 8802-2 LLC Type 1 setup, version 0
const A57_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "max_octets_ui_pdu", 0x40000, S),
];
const M57_0: &[M] = &[];

// ISO/IEC 8802-2 LLC Type 2 setup, version 0
const A58_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "transmit_window_size_k", 0x20000, S),
    A::new(3, "receive_window_size_rw", 0x20000, S),
    A::new(4, "max_octets_i_pdu_n1", 0x40000, S),
    A::new(5, "max_number_transmissions_n2", 0x20000, S),
    A::new(6, "acknowledgement_timer", 0x40000, S),
    A::new(7, "p_bit_timer", 0x40000, S),
    A::new(8, "reject_timer", 0x40000, S),
    A::new(9, "busy_state_timer", 0x40000, S),
];
const M58_0: &[M] = &[];

// ISO/IEC 8802-2 LLC Type 3 setup, version 0
const A59_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "max_octets_acn_pdu_n3", 0x40000, S),
    A::new(3, "max_number_transmissions_n4", 0x20000, S),
    A::new(4, "acknowledgement_time_t1", 0x40000, S),
    A::new(5, "receive_lifetime_var_t2", 0x40000, S),
    A::new(6, "transmit_lifetime_var_t3", 0x40000, S),
];
const M59_0: &[M] = &[];

// Register table, version 0
const A61_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "table_cell_values", 0x80002, D),
    A::new(3, "table_cell_definition", 0x4, S),
    A::new(4, "scaler_unit", 0x4, S),
];
const M61_0: &[M] = &[
    M::new(1, "reset", 0x8000, Some(0x28)),
    M::new(2, "capture", 0x8000, Some(0x30)),
];

// Compact data, version 0
const A62_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "compact_buffer", 0x200, D),
    A::new(3, "capture_objects", 0x2, S),
    A::new(4, "template_id", 0x20000, S),
    A::new(5, "template_description", 0x200, D),
    A::new(6, "capture_method", 0x400000, S),
];
const M62_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
    M::new(2, "capture", 0x8000, None),
];

// Compact data, version 1
const A62_1: &[A] = A62_0;
const M62_1: &[M] = M62_0;

// Status mapping, version 0
const A63_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "status_word", ANY, D),
    A::new(3, "mapping_table", 0x4, S),
];
const M63_0: &[M] = &[];

// Security setup, version 0
const A64_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "security_policy", 0x400000, S),
    A::new(3, "security_suite", 0x400000, S),
    A::new(4, "client_system_title", 0x200, D),
    A::new(5, "server_system_title", 0x200, S),
];
const M64_0: &[M] = &[
    M::new(1, "security_activate", 0x400000, Some(0x28)),
    M::new(2, "global_key_transfer", 0x2, Some(0x30)),
];

// Security setup, version 1
const A64_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "security_policy", 0x400000, S),
    A::new(3, "security_suite", 0x400000, S),
    A::new(4, "client_system_title", 0x200, D),
    A::new(5, "server_system_title", 0x200, S),
    A::new(6, "certificates", 0x2, D),
];
const M64_1: &[M] = &[
    M::new(1, "security_activate", 0x400000, Some(0x30)),
    M::new(2, "key_transfer", 0x2, Some(0x38)),
    M::new(3, "key_agreement", 0x2, Some(0x40)),
    M::new(4, "generate_key_pair", 0x400000, Some(0x48)),
    M::new(5, "generate_certificate_request", 0x400000, Some(0x50)),
    M::new(6, "import_certificate", 0x200, Some(0x58)),
    M::new(7, "export_certificate", 0x4, Some(0x60)),
    M::new(8, "remove_certificate", 0x4, Some(0x68)),
];

// Parameter monitor, version 0
const A65_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "changed_parameter", 0x4, D),
    A::new(3, "capture_time", 0x2000200, D),
    A::new(4, "parameter_list", 0x2, S),
];
const M65_0: &[M] = &[
    M::new(1, "add_parameter", 0x4, None),
    M::new(2, "delete_parameter", 0x4, None),
];

// Parameter monitor, version 1
const A65_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "changed_parameter", 0x4, D),
    A::new(3, "capture_time", 0x2000200, D),
    A::new(4, "parameter_list", 0x2, S),
    A::new(5, "parameter_list_name", 0x200, S),
    A::new(6, "hash_algorithm_id", 0x400000, S),
    A::new(7, "parameter_value_digest", 0x200, D),
    A::new(8, "parameter_values", 0x4, D),
];
const M65_1: &[M] = M65_0;

// Measurement data monitoring objects, version 0
const A66_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "waveform_data", 0x80000, D),
    A::new(3, "trigger_time", 0x200000, D),
    A::new(4, "trigger_source", 0x4, D),
    A::new(5, "status", 0x400000, D),
    A::new(6, "sampling_rate", 0x40, S),
    A::new(7, "number_of_samples_before_trigger", 0x40, S),
    A::new(8, "number_of_samples_after_trigger", 0x40, S),
    A::new(9, "scaler_unit", 0x4, S),
];
const M66_0: &[M] = &[
    M::new(1, "reset", ANY, Some(0x48)),
    M::new(2, "trigger", ANY, Some(0x50)),
];

// Sensor manager, version 0
const A67_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "serial_number", 0x200, S),
    A::new(3, "metrological_identification", 0x200, S),
    A::new(4, "output_type", 0x400000, S),
    A::new(5, "adjustment_method", 0x200, S),
    A::new(6, "sealing_method", 0x400000, S),
    A::new(7, "raw_value", ANY, D),
    A::new(8, "scaler_unit", 0x4, S),
    A::new(9, "status", ANY, D),
    A::new(10, "capture_time", 0x2000200, D),
    A::new(11, "raw_value_thresholds", 0x2, S),
    A::new(12, "raw_value_actions", 0x2, S),
    A::new(13, "processed_value", 0x4, S),
    A::new(14, "processed_value_thresholds", 0x2, S),
    A::new(15, "processed_value_actions", 0x2, S),
];
const M67_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// Arbitrator, version 0
const A68_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "actions", 0x2, S),
    A::new(3, "permissions_table", 0x2, S),
    A::new(4, "weightings_table", 0x2, S),
    A::new(5, "most_recent_requests_table", 0x2, D),
    A::new(6, "last_outcome", 0x20000, D),
];
const M68_0: &[M] = &[
    M::new(1, "request_action", 0x4, None),
    M::new(2, "reset", 0x8000, None),
];

// Disconnect control, version 0
const A70_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "output_state", 0x8, D),
    A::new(3, "control_state", 0x400000, D),
    A::new(4, "control_mode", 0x400000, S),
];
const M70_0: &[M] = &[
    M::new(1, "remote_disconnect", 0x8000, Some(0x20)),
    M::new(2, "remote_reconnect", 0x8000, Some(0x28)),
];

// Disconnect control, version 1
const A70_1: &[A] = A70_0;
const M70_1: &[M] = M70_0;

// Limiter, version 0
const A71_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "monitored_value", 0x4, S),
    A::new(3, "threshold_active", ANY, D),
    A::new(4, "threshold_normal", ANY, S),
    A::new(5, "threshold_emergency", ANY, S),
    A::new(6, "min_over_threshold_duration", 0x40, S),
    A::new(7, "min_under_threshold_duration", 0x40, S),
    A::new(8, "emergency_profile", 0x4, S),
    A::new(9, "emergency_profile_group_id_list", 0x2, S),
    A::new(10, "emergency_profile_active", 0x8, D),
    A::new(11, "actions", 0x4, S),
];
const M71_0: &[M] = &[];

// M-Bus client, version 0
const A72_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mbus_port_reference", 0x200, S),
    A::new(3, "capture_definition", 0x2, S),
    A::new(4, "capture_period", 0x40, S),
    A::new(5, "primary_address", 0x20000, D),
    A::new(6, "identification_number", 0x40, D),
    A::new(7, "manufacturer_id", 0x40000, D),
    A::new(8, "version", 0x20000, D),
    A::new(9, "device_type", 0x20000, D),
    A::new(10, "access_number", 0x20000, D),
    A::new(11, "status", 0x20000, D),
    A::new(12, "alarm", 0x20000, D),
];
const M72_0: &[M] = &[
    M::new(1, "slave_install", 0x28000, Some(0x60)),
    M::new(2, "slave_deinstall", 0x8000, Some(0x68)),
    M::new(3, "capture", 0x8000, Some(0x70)),
    M::new(4, "reset_alarm", 0x8000, Some(0x78)),
    M::new(5, "synchronize_clock", 0x8000, Some(0x80)),
    M::new(6, "data_send", 0x2, Some(0x88)),
    M::new(7, "set_encryption_key", 0x200, Some(0x90)),
    M::new(8, "transfer_key", 0x200, Some(0x98)),
];

// M-Bus client, version 1
const A72_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mbus_port_reference", 0x200, S),
    A::new(3, "capture_definition", 0x2, S),
    A::new(4, "capture_period", 0x40, S),
    A::new(5, "primary_address", 0x20000, D),
    A::new(6, "identification_number", 0x40, D),
    A::new(7, "manufacturer_id", 0x40000, D),
    A::new(8, "version", 0x20000, D),
    A::new(9, "device_type", 0x20000, D),
    A::new(10, "access_number", 0x20000, D),
    A::new(11, "status", 0x20000, D),
    A::new(12, "alarm", 0x20000, D),
    A::new(13, "configuration", 0x40000, D),
    A::new(14, "encryption_key_status", 0x400000, D),
];
const M72_1: &[M] = &[
    M::new(1, "slave_install", 0x28000, Some(0x70)),
    M::new(2, "slave_deinstall", 0x8000, Some(0x78)),
    M::new(3, "capture", 0x8000, Some(0x80)),
    M::new(4, "reset_alarm", 0x8000, Some(0x88)),
    M::new(5, "synchronize_clock", 0x8000, Some(0x90)),
    M::new(6, "data_send", 0x2, Some(0x98)),
    M::new(7, "set_encryption_key", 0x200, Some(0xa0)),
    M::new(8, "transfer_key", 0x200, Some(0xa8)),
];

// Wireless Mode Q channel, version 0
const A73_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "addr_state", 0x400000, S),
    A::new(3, "device_address", 0x200, S),
    A::new(4, "address_mask", 0x200, S),
];
const M73_0: &[M] = &[];

// Wireless Mode Q channel, version 1
const A73_1: &[A] = A73_0;
const M73_1: &[M] = M73_0;

// M-Bus master port setup, version 0
const A74_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "comm_speed", 0x400000, S),
];
const M74_0: &[M] = &[];

// DLMS server M-Bus port setup, version 0
const A76_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "M-Bus_profile_selection", 0x200, S),
    A::new(3, "M-Bus_port_communication_state", 0x400000, D),
    A::new(4, "M-Bus_Data_Header_Type", 0x400000, S),
    A::new(5, "primary_address", 0x20000, S),
    A::new(6, "identification_number", 0x40, S),
    A::new(7, "manufacturer_id", 0x40000, S),
    A::new(8, "version", 0x20000, S),
    A::new(9, "device_type", 0x20000, S),
    A::new(10, "max_pdu_size", 0x40000, S),
    A::new(11, "listening_window", 0x2, S),
];
const M76_0: &[M] = &[];

// M-Bus diagnostic, version 0
const A77_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "received_signal_strength", 0x20000, D),
    A::new(3, "channel_Id", 0x20000, D),
    A::new(4, "link_status", 0x400000, D),
    A::new(5, "broadcast_frames_counter", 0x2, D),
    A::new(6, "transmissions_counter", 0x40, D),
    A::new(7, "FCS_OK_frames_counter", 0x40, D),
    A::new(8, "FCS_NOK_frames_counter", 0x40, D),
    A::new(9, "capture_time", 0x4, D),
];
const M77_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// 61334-4-32 LLC SSCS setup, version 0
const A80_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "service_node_address", 0x40000, D),
    A::new(3, "base_node_address", 0x40000, D),
];
const M80_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// PRIME NB OFDM PLC Physical layer counters, version 0
const A81_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "phy_stats_crc_incorrect_count", 0x40000, D),
    A::new(3, "phy_stats_crc_fail_count", 0x40000, D),
    A::new(4, "phy_stats_tx_drop_count", 0x40000, D),
    A::new(5, "phy_stats_rx_drop_count", 0x40000, D),
];
const M81_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// PRIME NB OFDM PLC MAC setup, version 0
const A82_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_min_switch_search_time", 0x20000, S),
    A::new(3, "mac_max_promotion_pdu", 0x20000, S),
    A::new(4, "mac_promotion_pdu_tx_period", 0x20000, S),
    A::new(5, "mac_beacons_per_frame", 0x20000, S),
    A::new(6, "mac_scp_max_tx_attempts", 0x20000, S),
    A::new(7, "mac_ctl_re_tx_timer", 0x20000, S),
    A::new(8, "mac_max_ctl_re_tx", 0x20000, S),
];
const M82_0: &[M] = &[];

// PRIME NB OFDM PLC MAC functional parameters, version 0
const A83_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_LNID", 0x10000, D),
    A::new(3, "mac_LSID", 0x20000, D),
    A::new(4, "mac_SID", 0x20000, D),
    A::new(5, "mac_SNA", 0x200, D),
    A::new(6, "mac_state", 0x400000, D),
    A::new(7, "mac_scp_length", 0x10000, D),
    A::new(8, "mac_node_hierarchy_level", 0x20000, D),
    A::new(9, "mac_beacon_slot_count", 0x20000, D),
    A::new(10, "mac_beacon_rx_slot", 0x20000, D),
    A::new(11, "mac_beacon_tx_slot", 0x20000, D),
    A::new(12, "mac_beacon_rx_frequency", 0x20000, D),
    A::new(13, "mac_beacon_tx_frequency", 0x20000, D),
    A::new(14, "mac_capabilities", 0x40000, D),
];
const M83_0: &[M] = &[];

// PRIME NB OFDM PLC MAC counters, version 0
const A84_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_tx_data_pkt_count", 0x40, D),
    A::new(3, "mac_rx_data_pkt_count", 0x40, D),
    A::new(4, "mac_tx_ctrl_pkt_count", 0x40, D),
    A::new(5, "mac_rx_ctrl_pkt_count", 0x40, D),
    A::new(6, "mac_csma_fail_count", 0x40, D),
    A::new(7, "mac_csma_ch_busy_count", 0x40, D),
];
const M84_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// PRIME NB OFDM PLC MAC network administration data, version 0
const A85_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_list_multicast_entries", 0x2, D),
    A::new(3, "mac_list_switch_table", 0x2, D),
    A::new(4, "mac_list_direct_table", 0x2, D),
    A::new(5, "mac_list_available_switches", 0x2, D),
    A::new(6, "mac_list_phy_comm", 0x2, D),
];
const M85_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// PRIME NB OFDM PLC Application identification, version 0
const A86_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "firmware_version", 0x200, S),
    A::new(3, "vendor_Id", 0x40000, S),
    A::new(4, "product_Id", 0x40000, S),
];
const M86_0: &[M] = &[];

// G3-PLC MAC layer counters, version 0
const A90_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_Tx_data_packet_count", 0x40, D),
    A::new(3, "mac_Rx_data_packet_count", 0x40, D),
    A::new(4, "mac_Tx_cmd_packet_count", 0x40, D),
    A::new(5, "mac_Rx_cmd_packet_count", 0x40, D),
    A::new(6, "mac_CSMA_fail_count", 0x40, D),
    A::new(7, "mac_CSMA_no_ACK_count", 0x40, D),
    A::new(8, "mac_bad_CRC_count", 0x40, D),
    A::new(9, "mac_Tx_data_broadcast_count", 0x40, D),
    A::new(10, "mac_Rx_data_broadcast_count", 0x40, D),
];
const M90_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// G3-PLC MAC layer counters, version 1
const A90_1: &[A] = A90_0;
const M90_1: &[M] = M90_0;

// G3 NB OFDM PLC MAC setup, version 0
const A91_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_short_address", 0x40000, D),
    A::new(3, "mac_RC_coord", 0x40000, D),
    A::new(4, "mac_PAN_id", 0x40000, D),
    A::new(5, "mac_key_table", 0x2, D),
    A::new(6, "mac_frame_counter", 0x40, D),
    A::new(7, "mac_tone_mask", 0x10, S),
    A::new(8, "mac_TMR_TTL", 0x20000, S),
    A::new(9, "mac_max_frame_retries", 0x20000, S),
    A::new(10, "mac_neighbour_table_entry_TTL", 0x20000, S),
    A::new(11, "mac_neighbour_table", 0x2, D),
    A::new(12, "mac_high_priority_window_size", 0x20000, S),
    A::new(13, "mac_CSMA_fairness_limit", 0x20000, S),
    A::new(14, "mac_beacon_randomization_window_length", 0x20000, S),
    A::new(15, "mac_A", 0x20000, S),
    A::new(16, "mac_K", 0x20000, S),
    A::new(17, "mac_min_CW_attempts", 0x20000, S),
    A::new(18, "mac_cenelec_legacy_mode", 0x20000, S),
    A::new(19, "mac_FCC_legacy_mode", 0x20000, S),
    A::new(20, "mac_max_BE", 0x20000, S),
    A::new(21, "mac_max_CSMA_backoffs", 0x20000, S),
    A::new(22, "mac_min_BE", 0x20000, S),
];
const M91_0: &[M] = &[
    M::new(1, "mac_get_neighbour_table_entry", 0x40000, None),
];

// G3-PLC MAC setup, version 1
const A91_1: &[A] = A91_0;
const M91_1: &[M] = M91_0;

// G3-PLC MAC setup, version 2
const A91_2: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_short_address", 0x40000, D),
    A::new(3, "mac_RC_coord", 0x40000, D),
    A::new(4, "mac_PAN_id", 0x40000, D),
    A::new(5, "mac_key_table", 0x2, D),
    A::new(6, "mac_frame_counter", 0x40, D),
    A::new(7, "mac_tone_mask", 0x10, S),
    A::new(8, "mac_TMR_TTL", 0x20000, S),
    A::new(9, "mac_max_frame_retries", 0x20000, S),
    A::new(10, "mac_neighbour_table_entry_TTL", 0x20000, S),
    A::new(11, "mac_neighbour_table", 0x2, D),
    A::new(12, "mac_high_priority_window_size", 0x20000, S),
    A::new(13, "mac_CSMA_fairness_limit", 0x20000, S),
    A::new(14, "mac_beacon_randomization_window_length", 0x20000, S),
    A::new(15, "mac_A", 0x20000, S),
    A::new(16, "mac_K", 0x20000, S),
    A::new(17, "mac_min_CW_attempts", 0x20000, S),
    A::new(18, "mac_cenelec_legacy_mode", 0x20000, S),
    A::new(19, "mac_FCC_legacy_mode", 0x20000, S),
    A::new(20, "mac_max_BE", 0x20000, S),
    A::new(21, "mac_max_CSMA_backoffs", 0x20000, S),
    A::new(22, "mac_min_BE", 0x20000, S),
    A::new(23, "mac_broadcast_max_CW_enabled", 0x8, S),
    A::new(24, "mac_transmit_atten", 0x20000, S),
    A::new(25, "mac_POS_table", 0x2, D),
];
const M91_2: &[M] = M91_1;

// G3-PLC MAC setup, version 3
const A91_3: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_short_address", 0x40000, D),
    A::new(3, "mac_RC_coord", 0x40000, D),
    A::new(4, "mac_PAN_id", 0x40000, D),
    A::new(5, "mac_key_table", 0x2, D),
    A::new(6, "mac_frame_counter", 0x40, D),
    A::new(7, "mac_tone_mask", 0x10, S),
    A::new(8, "mac_TMR_TTL", 0x20000, S),
    A::new(9, "mac_max_frame_retries", 0x20000, S),
    A::new(10, "mac_neighbour_table_entry_TTL", 0x20000, S),
    A::new(11, "mac_neighbour_table", 0x2, D),
    A::new(12, "mac_high_priority_window_size", 0x20000, S),
    A::new(13, "mac_CSMA_fairness_limit", 0x20000, S),
    A::new(14, "mac_beacon_randomization_window_length", 0x20000, S),
    A::new(15, "mac_A", 0x20000, S),
    A::new(16, "mac_K", 0x20000, S),
    A::new(17, "mac_min_CW_attempts", 0x20000, S),
    A::new(18, "mac_cenelec_legacy_mode", 0x20000, S),
    A::new(19, "mac_FCC_legacy_mode", 0x20000, S),
    A::new(20, "mac_max_BE", 0x20000, S),
    A::new(21, "mac_max_CSMA_backoffs", 0x20000, S),
    A::new(22, "mac_min_BE", 0x20000, S),
    A::new(23, "mac_broadcast_max_CW_enabled", 0x8, S),
    A::new(24, "mac_transmit_atten", 0x20000, S),
    A::new(25, "mac_POS_table", 0x2, D),
    A::new(26, "mac_duplicate_detection_TTL", 0x20000, S),
];
const M91_3: &[M] = &[
    M::new(1, "mac_get_neighbour_table_entry", 0x40000, None),
    M::new(2, "mac_get_POS_table_entry", 0x40000, None),
];

// G3-PLC MAC setup, version 4
const A91_4: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_short_address", 0x40000, D),
    A::new(3, "mac_RC_coord", 0x40000, D),
    A::new(4, "mac_PAN_id", 0x40000, D),
    A::new(5, "mac_key_table", 0x2, D),
    A::new(6, "mac_frame_counter", 0x40, D),
    A::new(7, "mac_tone_mask", 0x10, S),
    A::new(8, "mac_TMR_TTL", 0x20000, S),
    A::new(9, "mac_max_frame_retries", 0x20000, S),
    A::new(10, "mac_POS_table_entry_TTL", 0x20000, S),
    A::new(11, "mac_neighbour_table", 0x2, D),
    A::new(12, "mac_high_priority_window_size", 0x20000, S),
    A::new(13, "mac_CSMA_fairness_limit", 0x20000, S),
    A::new(14, "mac_beacon_randomization_window_length", 0x20000, S),
    A::new(15, "mac_A", 0x20000, S),
    A::new(16, "mac_K", 0x20000, S),
    A::new(17, "mac_min_CW_attempts", 0x20000, S),
    A::new(18, "mac_cenelec_legacy_mode", 0x20000, S),
    A::new(19, "mac_FCC_legacy_mode", 0x20000, S),
    A::new(20, "mac_max_BE", 0x20000, S),
    A::new(21, "mac_max_CSMA_backoffs", 0x20000, S),
    A::new(22, "mac_min_BE", 0x20000, S),
    A::new(23, "mac_broadcast_max_CW_enabled", 0x8, S),
    A::new(24, "mac_transmit_atten", 0x20000, S),
    A::new(25, "mac_POS_table", 0x2, D),
    A::new(26, "mac_duplicate_detection_TTL", 0x20000, S),
    A::new(27, "mac_POS_recent_entry_threshold", 0x20000, S),
    A::new(28, "mac_POS_recent_entries", 0x40000, S),
    A::new(29, "mac_preamble_length", 0x20000, S),
];
const M91_4: &[M] = &[
    M::new(1, "mac_get_neighbour_table_entry", 0x40000, Some(0xe8)),
    M::new(2, "mac_get_POS_table_entry", 0x40000, Some(0xf0)),
];

// G3 NB OFDM PLC 6LoWPAN adaptation layer setup, version 0
const A92_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "adp_max_hops", 0x20000, S),
    A::new(3, "adp_weak_LQI_value", 0x20000, S),
    A::new(4, "adp_security_level", 0x20000, S),
    A::new(5, "adp_prefix_table", 0x2, D),
    A::new(6, "adp_routing_configuration", 0x2, S),
    A::new(7, "adp_broadcast_log_table_entry_TTL", 0x40000, S),
    A::new(8, "adp_routing_table", 0x2, D),
    A::new(9, "adp_context_information_table", 0x2, S),
    A::new(10, "adp_blacklist_table", 0x2, D),
    A::new(11, "adp_broadcast_log_table", 0x2, D),
    A::new(12, "adp_group_table", 0x2, S),
    A::new(13, "adp_max_join_wait_time", 0x40000, S),
    A::new(14, "adp_path_discovery_time", 0x20000, S),
    A::new(15, "adp_active_key_index", 0x20000, S),
    A::new(16, "adp_metric_type", 0x20000, S),
];
const M92_0: &[M] = &[];

// G3-PLC 6LoWPAN adaptation layer setup, version 1
const A92_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "adp_max_hops", 0x20000, S),
    A::new(3, "adp_weak_LQI_value", 0x20000, S),
    A::new(4, "adp_security_level", 0x20000, S),
    A::new(5, "adp_prefix_table", 0x2, D),
    A::new(6, "adp_routing_configuration", 0x2, S),
    A::new(7, "adp_broadcast_log_table_entry_TTL", 0x40000, S),
    A::new(8, "adp_routing_table", 0x2, D),
    A::new(9, "adp_context_information_table", 0x2, S),
    A::new(10, "adp_blacklist_table", 0x2, D),
    A::new(11, "adp_broadcast_log_table", 0x2, D),
    A::new(12, "adp_group_table", 0x2, S),
    A::new(13, "adp_max_join_wait_time", 0x40000, S),
    A::new(14, "adp_path_discovery_time", 0x20000, S),
    A::new(15, "adp_active_key_index", 0x20000, S),
    A::new(16, "adp_metric_type", 0x20000, S),
    A::new(17, "adp_coord_short_address", 0x40000, S),
    A::new(18, "adp_disable_default_routing", 0x8, S),
    A::new(19, "adp_device_type", 0x400000, S),
];
const M92_1: &[M] = M92_0;

// G3-PLC 6LoWPAN adaptation layer setup, version 2
const A92_2: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "adp_max_hops", 0x20000, S),
    A::new(3, "adp_weak_LQI_value", 0x20000, S),
    A::new(4, "adp_security_level", 0x20000, S),
    A::new(5, "adp_prefix_table", 0x2, D),
    A::new(6, "adp_routing_configuration", 0x2, S),
    A::new(7, "adp_broadcast_log_table_entry_TTL", 0x40000, S),
    A::new(8, "adp_routing_table", 0x2, D),
    A::new(9, "adp_context_information_table", 0x2, S),
    A::new(10, "adp_blacklist_table", 0x2, D),
    A::new(11, "adp_broadcast_log_table", 0x2, D),
    A::new(12, "adp_group_table", 0x2, S),
    A::new(13, "adp_max_join_wait_time", 0x40000, S),
    A::new(14, "adp_path_discovery_time", 0x20000, S),
    A::new(15, "adp_active_key_index", 0x20000, S),
    A::new(16, "adp_metric_type", 0x20000, S),
    A::new(17, "adp_coord_short_address", 0x40000, S),
    A::new(18, "adp_disable_default_routing", 0x8, S),
    A::new(19, "adp_device_type", 0x400000, S),
    A::new(20, "adp_default_coord_route_enabled", 0x8, S),
    A::new(21, "adp_destination_address_set", 0x2, S),
];
const M92_2: &[M] = M92_1;

// G3-PLC 6LoWPAN adaptation layer setup, version 3
const A92_3: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "adp_max_hops", 0x20000, S),
    A::new(3, "adp_weak_LQI_value", 0x20000, S),
    A::new(4, "adp_security_level", 0x20000, S),
    A::new(5, "adp_prefix_table", 0x2, D),
    A::new(6, "adp_routing_configuration", 0x2, S),
    A::new(7, "adp_broadcast_log_table_entry_TTL", 0x40000, S),
    A::new(8, "adp_routing_table", 0x2, D),
    A::new(9, "adp_context_information_table", 0x2, S),
    A::new(10, "adp_blacklist_table", 0x2, D),
    A::new(11, "adp_broadcast_log_table", 0x2, D),
    A::new(12, "adp_group_table", 0x2, S),
    A::new(13, "adp_max_join_wait_time", 0x40000, S),
    A::new(14, "adp_path_discovery_time", 0x20000, S),
    A::new(15, "adp_active_key_index", 0x20000, S),
    A::new(16, "adp_metric_type", 0x20000, S),
    A::new(17, "adp_coord_short_address", 0x40000, S),
    A::new(18, "adp_disable_default_routing", 0x8, S),
    A::new(19, "adp_device_type", 0x400000, S),
    A::new(20, "adp_default_coord_route_enabled", 0x8, S),
    A::new(21, "adp_destination_address_set", 0x2, S),
    A::new(22, "adp_low_LQI_value", 0x20000, S),
    A::new(23, "adp_high_LQI_value", 0x20000, S),
];
const M92_3: &[M] = M92_2;

// G3-PLC 6LoWPAN adaptation layer setup, version 4
const A92_4: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "adp_max_hops", 0x20000, S),
    A::new(3, "adp_weak_LQI_value", 0x20000, S),
    A::new(4, "adp_security_level", 0x20000, S),
    A::new(5, "adp_prefix_table", 0x2, D),
    A::new(6, "adp_routing_configuration", 0x2, S),
    A::new(7, "adp_broadcast_log_table_entry_TTL", 0x40000, S),
    A::new(8, "adp_routing_table", 0x2, D),
    A::new(9, "adp_context_information_table", 0x2, D),
    A::new(10, "adp_blacklist_table", 0x2, D),
    A::new(11, "adp_broadcast_log_table", 0x2, D),
    A::new(12, "adp_group_table", 0x2, D),
    A::new(13, "adp_max_join_wait_time", 0x40000, S),
    A::new(14, "adp_path_discovery_time", 0x20000, S),
    A::new(15, "adp_active_key_index", 0x20000, S),
    A::new(16, "adp_metric_type", 0x20000, S),
    A::new(17, "adp_coord_short_address", 0x40000, S),
    A::new(18, "adp_disable_default_routing", 0x8, S),
    A::new(19, "adp_device_type", 0x400000, S),
    A::new(20, "adp_default_coord_route_enabled", 0x8, S),
    A::new(21, "adp_destination_address_set", 0x2, D),
    A::new(22, "adp_low_LQI_value", 0x20000, S),
    A::new(23, "adp_high_LQI_value", 0x20000, S),
    A::new(24, "adp_delay_low_LQI", 0x40000, S),
    A::new(25, "adp_delay_high_LQI", 0x40000, S),
    A::new(26, "adp_RREQ_jitter_low_LQI", 0x20000, S),
    A::new(27, "adp_RREQ_jitter_high_LQI", 0x20000, S),
    A::new(28, "adp_trickle_data_enabled", 0x8, S),
    A::new(29, "adp_trickle_LQI_threshold_low", 0x20000, S),
    A::new(30, "adp_trickle_step", 0x20000, S),
    A::new(31, "adp_trickle_Imin", 0x40000, S),
    A::new(32, "adp_trickle_max_Ki", 0x20000, S),
    A::new(33, "adp_trickle_adaptive_Imin", 0x8, S),
    A::new(34, "adp_trickle_adaptive_Ki", 0x8, S),
    A::new(35, "adp_cluster_trickle_enabled", 0x8, S),
    A::new(36, "adp_cluster_min_LQI", 0x20000, S),
    A::new(37, "adp_cluster_trickle_K", 0x20000, S),
    A::new(38, "adp_cluster_RREQ_route_cost_deviation", 0x20000, S),
    A::new(39, "adp_cluster_trickle_I", 0x40000, S),
    A::new(40, "adp_trickle_LQI_threshold_high", 0x20000, S),
];
const M92_4: &[M] = M92_3;

// NTP setup, version 0
const A100_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "activated", 0x8, S),
    A::new(3, "server_address", 0x200, S),
    A::new(4, "server_port", 0x40000, S),
    A::new(5, "authentication_method", 0x400000, S),
    A::new(6, "authentication_keys", 0x2, S),
    A::new(7, "client_key", 0x200, S),
];
const M100_0: &[M] = &[
    M::new(1, "synchronize", 0x8000, None),
    M::new(2, "add_authentication_key", 0x4, None),
    M::new(3, "delete_authentication_key", 0x40, None),
];

// Account, version 0
const A111_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "account_mode_and_status", 0x4, D),
    A::new(3, "current_credit_in_use", 0x20000, D),
    A::new(4, "current_credit_status", 0x10, D),
    A::new(5, "available_credit", 0x20, D),
    A::new(6, "amount_to_clear", 0x20, D),
    A::new(7, "clearance_threshold", 0x20, S),
    A::new(8, "aggregated_debt", 0x20, D),
    A::new(9, "credit_reference_list", 0x2, S),
    A::new(10, "charge_reference_list", 0x2, S),
    A::new(11, "credit_charge_configuration", 0x2, S),
    A::new(12, "token_gateway_configuration", 0x2, S),
    A::new(13, "account_activation_time", 0x2000200, S),
    A::new(14, "account_closure_time", 0x2000200, S),
    A::new(15, "currency", 0x4, S),
    A::new(16, "low_credit_threshold", 0x20, S),
    A::new(17, "next_credit_available_threshold", 0x20, S),
    A::new(18, "max_provision", 0x40000, S),
    A::new(19, "max_provision_period", 0x20, S),
];
const M111_0: &[M] = &[
    M::new(1, "activate_account", 0x8000, None),
    M::new(2, "close_account", 0x8000, None),
    M::new(3, "reset_account", 0x8000, None),
];

// Credit, version 0
const A112_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "current_credit_amount", 0x20, D),
    A::new(3, "credit_type", 0x400000, S),
    A::new(4, "priority", 0x20000, S),
    A::new(5, "warning_threshold", 0x20, S),
    A::new(6, "limit", 0x20, S),
    A::new(7, "credit_configuration", 0x10, S),
    A::new(8, "credit_status", 0x400000, D),
    A::new(9, "preset_credit_amount", 0x20, S),
    A::new(10, "credit_available_threshold", 0x20, S),
    A::new(11, "period", 0x2000200, S),
];
const M112_0: &[M] = &[
    M::new(1, "update_amount", 0x20, None),
    M::new(2, "set_amount_to_value", 0x20, None),
    M::new(3, "invoke_credit", 0x8000, None),
];

// Charge, version 0
const A113_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "total_amount_paid", 0x20, D),
    A::new(3, "charge_type", 0x400000, S),
    A::new(4, "priority", 0x20000, S),
    A::new(5, "unit_charge_active", 0x4, S),
    A::new(6, "unit_charge_passive", 0x4, S),
    A::new(7, "unit_charge_activation_time", 0x2000200, S),
    A::new(8, "period", 0x40, S),
    A::new(9, "charge_configuration", 0x10, S),
    A::new(10, "last_collection_time", 0x2000200, D),
    A::new(11, "last_collection_amount", 0x20, D),
    A::new(12, "total_amount_remaining", 0x20, D),
    A::new(13, "proportion", 0x40000, S),
];
const M113_0: &[M] = &[
    M::new(1, "update_unit_charge", 0x2, None),
    M::new(2, "activate_passive_unit_charge", 0x8000, None),
    M::new(3, "collect", 0x8000, None),
    M::new(4, "update_total_amount_remaining", 0x20, None),
    M::new(5, "set_total_amount_remaining", 0x20, None),
];

// Token gateway, version 0
const A115_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "token", 0x200, D),
    A::new(3, "token_time", 0x2000200, D),
    A::new(4, "token_description", 0x2, D),
    A::new(5, "token_delivery_method", 0x400000, D),
    A::new(6, "token_status", 0x4, D),
];
const M115_0: &[M] = &[
    M::new(1, "enter", 0x200, None),
];

// IEC 62055-41 attributes, version 0
const A116_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "meter_pan", 0x4, S),
    A::new(3, "commodity", 0x600, S),
    A::new(4, "token_carrier_types", 0x2, S),
    A::new(5, "encryption_algorithm", 0x20000, S),
    A::new(6, "supply_group_code", 0x40, S),
    A::new(7, "tariff_index", 0x20000, S),
    A::new(8, "key_revision_number", 0x20000, S),
    A::new(9, "key_type", 0x20000, S),
    A::new(10, "key_expiry_number", 0x20000, S),
    A::new(11, "no_of_kct_supported", 0x20000, S),
    A::new(12, "sts_certificate_no", 0x600, S),
];
const M116_0: &[M] = &[];

// Function control, version 0
const A122_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "activation_status", 0x2, D),
    A::new(3, "function_list", 0x2, S),
];
const M122_0: &[M] = &[
    M::new(1, "set_function_status", 0x2, None),
    M::new(2, "add_function", 0x4, None),
    M::new(3, "remove_function", 0x4, None),
];

// Array manager, version 0
const A123_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "array_object_list", 0x2, S),
];
const M123_0: &[M] = &[
    M::new(1, "retrieve_number_of_entries", 0x20000, None),
    M::new(2, "retrieve_entries", 0x4, None),
    M::new(3, "insert_entry", 0x4, None),
    M::new(4, "update_entry", 0x4, None),
    M::new(5, "remove_entries", 0x4, None),
];

// Communication port protection, version 0
const A124_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "protection_mode", 0x400000, S),
    A::new(3, "allowed_failed_attempts", 0x40000, S),
    A::new(4, "initial_lockout_time", 0x40, S),
    A::new(5, "steepness_factor", 0x20000, S),
    A::new(6, "max_lockout_time", 0x40, S),
    A::new(7, "port_reference", 0x200, S),
    A::new(8, "protection_status", 0x400000, D),
    A::new(9, "failed_attempts", 0x40, D),
    A::new(10, "cumulative_failed_attempts", 0x40, D),
];
const M124_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// LTE monitoring, version 0
const A151_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "LTE_network_parameters", 0x4, D),
    A::new(3, "LTE_quality_of_service", 0x4, D),
];
const M151_0: &[M] = &[];

// LTE monitoring, version 1
const A151_1: &[A] = A151_0;
const M151_1: &[M] = M151_0;

// CoAP setup, version 0
const A152_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "udp_reference", 0x200, S),
    A::new(3, "ack_timeout", 0x40000, S),
    A::new(4, "ack_random_factor", 0x40000, S),
    A::new(5, "max_retransmit", 0x40000, S),
    A::new(6, "nstart", 0x40000, S),
    A::new(7, "delay_ack_timeout", 0x40000, S),
    A::new(8, "exponential_back_off", 0x40000, S),
    A::new(9, "probing_rate", 0x40000, S),
    A::new(10, "coap_uri_path", 0x200, S),
    A::new(11, "transport_mode", 0x400000, S),
    A::new(12, "wrapper_version", ANY, S),
    A::new(13, "token_length", 0x20000, S),
];
const M152_0: &[M] = &[];

// CoAP diagnostic, version 0
const A153_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "messages_counter", 0x4, D),
    A::new(3, "request_response_counter", 0x4, D),
    A::new(4, "bt_counter", 0x4, D),
    A::new(5, "capture_time", 0x4, D),
];
const M153_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// G3-PLC Hybrid RF MAC layer counters, version 0
const A160_0: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_Tx_data_packet_count_RF", 0x40, D),
    A::new(3, "mac_Rx_data_packet_count_RF", 0x40, D),
    A::new(4, "mac_Tx_cmd_packet_count_RF", 0x40, D),
    A::new(5, "mac_Rx_cmd_packet_count_RF", 0x40, D),
    A::new(6, "mac_CSMA_fail_count_RF", 0x40, D),
    A::new(7, "mac_CSMA_no_ACK_count_RF", 0x40, D),
    A::new(8, "mac_bad_CRC_count_RF", 0x40, D),
    A::new(9, "mac_Tx_data_broadcast_count_RF", 0x40, D),
    A::new(10, "mac_Rx_data_broadcast_count_RF", 0x40, D),
];
const M160_0: &[M] = &[
    M::new(1, "reset", 0x8000, None),
];

// G3-PLC Hybrid RF MAC setup, version 1
const A161_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "mac_max_BE_RF", 0x20000, S),
    A::new(3, "mac_max_CSMA_backoffs_RF", 0x20000, S),
    A::new(4, "mac_max_frame_retries_RF", 0x20000, S),
    A::new(5, "mac_min_BE_RF", 0x20000, S),
    A::new(6, "mac_frame_counter_RF", 0x40, D),
    A::new(7, "mac_duplicate_detection_TTL_RF", 0x20000, S),
    A::new(8, "mac_POS_table_RF", 0x2, D),
    A::new(9, "mac_operating_mode_RF", 0x20000, S),
    A::new(10, "mac_channel_number_RF", 0x40000, S),
    A::new(11, "mac_duty_cycle_usage_RF", 0x20000, D),
    A::new(12, "mac_duty_cycle_period_RF", 0x40000, S),
    A::new(13, "mac_duty_cycle_limit_RF", 0x40000, S),
    A::new(14, "mac_duty_cycle_threshold_RF", 0x20000, S),
    A::new(15, "mac_disable_PHY_RF", 0x8, S),
    A::new(16, "mac_frequency_band_RF", 0x400000, S),
    A::new(17, "mac_transmit_atten_RF", 0x20000, S),
    A::new(18, "mac_adaptive_power_step_RF", 0x20000, S),
    A::new(19, "mac_adaptive_power_high_bound_RF", 0x20000, S),
    A::new(20, "mac_adaptive_power_low_bound_RF", 0x20000, S),
    A::new(21, "mac_POS_recent_entries_RF", 0x40000, D),
    A::new(22, "mac_hopping_enabled_RF", 0x8, S),
    A::new(23, "mac_broadcast_interval_duration_RF", 0x40000, S),
    A::new(24, "mac_broadcast_slot_duration_RF", 0x20000, S),
    A::new(25, "mac_unicast_slot_duration_RF", 0x20000, S),
    A::new(26, "mac_extended_bitmap_RF", 0x10, S),
    A::new(27, "mac_beacon_randomization_window_length_RF", 0x40000, S),
    A::new(28, "mac_additional_channel_scan_time_RF", 0x20000, S),
    A::new(29, "mac_max_cca_attempts_retries_RF", 0x20000, S),
    A::new(30, "mac_min_inter_Tx_interval_RF", 0x40000, S),
    A::new(31, "mac_initial_retry_time_RF", 0x40000, S),
    A::new(32, "mac_maximum_retry_time_RF", 0x40000, S),
    A::new(33, "mac_max_clock_drift_RF", 0x20000, S),
    A::new(34, "mac_FH_unicast_schedule_address_RF", 0x40000, S),
    A::new(35, "mac_FH_unicast_slot_number_RF", 0x40000, S),
    A::new(36, "mac_FH_unicast_offset_RF", 0x20000, S),
    A::new(37, "mac_min_guard_time_RF", 0x20000, S),
    A::new(38, "mac_max_bcast_resync_wait_unit_RF", 0x20000, S),
];
const M161_1: &[M] = &[
    M::new(1, "mac_get_POS_table_entry_RF", 0x40000, Some(0x130)),
];

// G3-PLC Hybrid 6LoWPAN adaptation layer setup, version 1
const A162_1: &[A] = &[
    A::new(1, "logical_name", 0x200, S),
    A::new(2, "adp_routing_table", 0x2, D),
    A::new(3, "adp_blacklist_table", 0x2, D),
    A::new(4, "adp_low_LQI_value_RF", 0x20000, S),
    A::new(5, "adp_high_LQI_value_RF", 0x20000, S),
    A::new(6, "adp_routing_configuration_RF", 0x2, S),
    A::new(7, "adp_use_backup_media", 0x8, S),
    A::new(8, "adp_weak_LQI_value_RF", 0x20000, S),
    A::new(9, "adp_trickle_LQI_threshold_low_RF", 0x20000, S),
    A::new(10, "adp_delay_low_LQI_RF", 0x40000, S),
    A::new(11, "adp_delay_high_LQI_RF", 0x40000, S),
    A::new(12, "adp_RREQ_jitter_low_LQI_RF", 0x20000, S),
    A::new(13, "adp_RREQ_jitter_high_LQI_RF", 0x20000, S),
    A::new(14, "adp_cluster_trickle_I_RF", 0x40000, S),
    A::new(15, "adp_cluster_trickle_K_RF", 0x20000, S),
    A::new(16, "adp_cluster_min_LQI_RF", 0x20000, S),
    A::new(17, "adp_last_gasp", 0x8, S),
    A::new(18, "adp_probing_interval", 0x20000, S),
    A::new(19, "adp_trickle_LQI_threshold_high_RF", 0x20000, S),
];
const M162_1: &[M] = &[];

pub(super) const CLASSES: &[InterfaceClass] = &[
    InterfaceClass {
        id: ClassId(1), version: 0,
        name: "Data",
        attributes: A1_0, methods: M1_0,
    },
    InterfaceClass {
        id: ClassId(3), version: 0,
        name: "Register",
        attributes: A3_0, methods: M3_0,
    },
    InterfaceClass {
        id: ClassId(4), version: 0,
        name: "Extended register",
        attributes: A4_0, methods: M4_0,
    },
    InterfaceClass {
        id: ClassId(5), version: 0,
        name: "Demand register",
        attributes: A5_0, methods: M5_0,
    },
    InterfaceClass {
        id: ClassId(6), version: 0,
        name: "Register activation",
        attributes: A6_0, methods: M6_0,
    },
    InterfaceClass {
        id: ClassId(7), version: 0,
        name: "Profile generic",
        attributes: A7_0, methods: M7_0,
    },
    InterfaceClass {
        id: ClassId(7), version: 1,
        name: "Profile generic",
        attributes: A7_1, methods: M7_1,
    },
    InterfaceClass {
        id: ClassId(8), version: 0,
        name: "Clock",
        attributes: A8_0, methods: M8_0,
    },
    InterfaceClass {
        id: ClassId(9), version: 0,
        name: "Script table",
        attributes: A9_0, methods: M9_0,
    },
    InterfaceClass {
        id: ClassId(10), version: 0,
        name: "Schedule",
        attributes: A10_0, methods: M10_0,
    },
    InterfaceClass {
        id: ClassId(11), version: 0,
        name: "Special days table",
        attributes: A11_0, methods: M11_0,
    },
    InterfaceClass {
        id: ClassId(12), version: 0,
        name: "Association SN",
        attributes: A12_0, methods: M12_0,
    },
    InterfaceClass {
        id: ClassId(12), version: 1,
        name: "Association SN",
        attributes: A12_1, methods: M12_1,
    },
    InterfaceClass {
        id: ClassId(12), version: 2,
        name: "Association SN",
        attributes: A12_2, methods: M12_2,
    },
    InterfaceClass {
        id: ClassId(12), version: 3,
        name: "Association SN",
        attributes: A12_3, methods: M12_3,
    },
    InterfaceClass {
        id: ClassId(12), version: 4,
        name: "Association SN",
        attributes: A12_4, methods: M12_4,
    },
    InterfaceClass {
        id: ClassId(15), version: 0,
        name: "Association LN",
        attributes: A15_0, methods: M15_0,
    },
    InterfaceClass {
        id: ClassId(15), version: 1,
        name: "Association LN",
        attributes: A15_1, methods: M15_1,
    },
    InterfaceClass {
        id: ClassId(15), version: 2,
        name: "Association LN",
        attributes: A15_2, methods: M15_2,
    },
    InterfaceClass {
        id: ClassId(15), version: 3,
        name: "Association LN",
        attributes: A15_3, methods: M15_3,
    },
    InterfaceClass {
        id: ClassId(17), version: 0,
        name: "SAP assignment",
        attributes: A17_0, methods: M17_0,
    },
    InterfaceClass {
        id: ClassId(18), version: 0,
        name: "Image transfer",
        attributes: A18_0, methods: M18_0,
    },
    InterfaceClass {
        id: ClassId(19), version: 0,
        name: "IEC local port setup",
        attributes: A19_0, methods: M19_0,
    },
    InterfaceClass {
        id: ClassId(19), version: 1,
        name: "IEC local port setup",
        attributes: A19_1, methods: M19_1,
    },
    InterfaceClass {
        id: ClassId(20), version: 0,
        name: "Activity calendar",
        attributes: A20_0, methods: M20_0,
    },
    InterfaceClass {
        id: ClassId(21), version: 0,
        name: "Register monitor",
        attributes: A21_0, methods: M21_0,
    },
    InterfaceClass {
        id: ClassId(22), version: 0,
        name: "Single action schedule",
        attributes: A22_0, methods: M22_0,
    },
    InterfaceClass {
        id: ClassId(23), version: 0,
        name: "IEC HDLC setup",
        attributes: A23_0, methods: M23_0,
    },
    InterfaceClass {
        id: ClassId(23), version: 1,
        name: "IEC HDLC setup",
        attributes: A23_1, methods: M23_1,
    },
    InterfaceClass {
        id: ClassId(24), version: 0,
        name: "IEC twisted pair (1) setup",
        attributes: A24_0, methods: M24_0,
    },
    InterfaceClass {
        id: ClassId(24), version: 1,
        name: "IEC twisted pair (1) setup",
        attributes: A24_1, methods: M24_1,
    },
    InterfaceClass {
        id: ClassId(25), version: 0,
        name: "M-Bus slave port setup",
        attributes: A25_0, methods: M25_0,
    },
    InterfaceClass {
        id: ClassId(26), version: 0,
        name: "Utility tables",
        attributes: A26_0, methods: M26_0,
    },
    InterfaceClass {
        id: ClassId(27), version: 0,
        name: "PSTN modem configuration",
        attributes: A27_0, methods: M27_0,
    },
    InterfaceClass {
        id: ClassId(27), version: 1,
        name: "Modem configuration",
        attributes: A27_1, methods: M27_1,
    },
    InterfaceClass {
        id: ClassId(28), version: 0,
        name: "PSTN auto answer",
        attributes: A28_0, methods: M28_0,
    },
    InterfaceClass {
        id: ClassId(28), version: 2,
        name: "Auto answer",
        attributes: A28_2, methods: M28_2,
    },
    InterfaceClass {
        id: ClassId(29), version: 0,
        name: "PSTN auto dial",
        attributes: A29_0, methods: M29_0,
    },
    InterfaceClass {
        id: ClassId(29), version: 1,
        name: "Auto connect",
        attributes: A29_1, methods: M29_1,
    },
    InterfaceClass {
        id: ClassId(29), version: 2,
        name: "Auto connect",
        attributes: A29_2, methods: M29_2,
    },
    InterfaceClass {
        id: ClassId(30), version: 0,
        name: "Data protection",
        attributes: A30_0, methods: M30_0,
    },
    InterfaceClass {
        id: ClassId(40), version: 0,
        name: "Push setup",
        attributes: A40_0, methods: M40_0,
    },
    InterfaceClass {
        id: ClassId(40), version: 1,
        name: "Push setup",
        attributes: A40_1, methods: M40_1,
    },
    InterfaceClass {
        id: ClassId(40), version: 2,
        name: "Push setup",
        attributes: A40_2, methods: M40_2,
    },
    InterfaceClass {
        id: ClassId(40), version: 3,
        name: "Push setup",
        attributes: A40_3, methods: M40_3,
    },
    InterfaceClass {
        id: ClassId(41), version: 0,
        name: "TCP-UDP setup",
        attributes: A41_0, methods: M41_0,
    },
    InterfaceClass {
        id: ClassId(42), version: 0,
        name: "IPv4 setup",
        attributes: A42_0, methods: M42_0,
    },
    InterfaceClass {
        id: ClassId(43), version: 0,
        name: "MAC address setup",
        attributes: A43_0, methods: M43_0,
    },
    InterfaceClass {
        id: ClassId(44), version: 0,
        name: "PPP setup",
        attributes: A44_0, methods: M44_0,
    },
    InterfaceClass {
        id: ClassId(45), version: 0,
        name: "GPRS modem setup",
        attributes: A45_0, methods: M45_0,
    },
    InterfaceClass {
        id: ClassId(46), version: 0,
        name: "SMTP setup",
        attributes: A46_0, methods: M46_0,
    },
    InterfaceClass {
        id: ClassId(47), version: 0,
        name: "GSM diagnostic",
        attributes: A47_0, methods: M47_0,
    },
    InterfaceClass {
        id: ClassId(47), version: 1,
        name: "GSM diagnostic",
        attributes: A47_1, methods: M47_1,
    },
    InterfaceClass {
        id: ClassId(47), version: 2,
        name: "GSM diagnostic",
        attributes: A47_2, methods: M47_2,
    },
    InterfaceClass {
        id: ClassId(48), version: 0,
        name: "IPv6 setup",
        attributes: A48_0, methods: M48_0,
    },
    InterfaceClass {
        id: ClassId(50), version: 0,
        name: "S-FSK Phy&MAC setup",
        attributes: A50_0, methods: M50_0,
    },
    InterfaceClass {
        id: ClassId(50), version: 1,
        name: "S-FSK Phy&MAC setup",
        attributes: A50_1, methods: M50_1,
    },
    InterfaceClass {
        id: ClassId(51), version: 0,
        name: "S-FSK Active initiator",
        attributes: A51_0, methods: M51_0,
    },
    InterfaceClass {
        id: ClassId(52), version: 0,
        name: "S-FSK MAC synchronization timeouts",
        attributes: A52_0, methods: M52_0,
    },
    InterfaceClass {
        id: ClassId(53), version: 0,
        name: "S-FSK MAC counters",
        attributes: A53_0, methods: M53_0,
    },
    InterfaceClass {
        id: ClassId(55), version: 0,
        name: "IEC 61334-4-32 LLC setup",
        attributes: A55_0, methods: M55_0,
    },
    InterfaceClass {
        id: ClassId(55), version: 1,
        name: "IEC 61334-4-32 LLC setup",
        attributes: A55_1, methods: M55_1,
    },
    InterfaceClass {
        id: ClassId(56), version: 0,
        name: "S-FSK Reporting system list",
        attributes: A56_0, methods: M56_0,
    },
    InterfaceClass {
        id: ClassId(57), version: 0,
        name: "ISO/IEC 8802-2 LLC Type 1 setup",
        attributes: A57_0, methods: M57_0,
    },
    InterfaceClass {
        id: ClassId(58), version: 0,
        name: "ISO/IEC 8802-2 LLC Type 2 setup",
        attributes: A58_0, methods: M58_0,
    },
    InterfaceClass {
        id: ClassId(59), version: 0,
        name: "ISO/IEC 8802-2 LLC Type 3 setup",
        attributes: A59_0, methods: M59_0,
    },
    InterfaceClass {
        id: ClassId(61), version: 0,
        name: "Register table",
        attributes: A61_0, methods: M61_0,
    },
    InterfaceClass {
        id: ClassId(62), version: 0,
        name: "Compact data",
        attributes: A62_0, methods: M62_0,
    },
    InterfaceClass {
        id: ClassId(62), version: 1,
        name: "Compact data",
        attributes: A62_1, methods: M62_1,
    },
    InterfaceClass {
        id: ClassId(63), version: 0,
        name: "Status mapping",
        attributes: A63_0, methods: M63_0,
    },
    InterfaceClass {
        id: ClassId(64), version: 0,
        name: "Security setup",
        attributes: A64_0, methods: M64_0,
    },
    InterfaceClass {
        id: ClassId(64), version: 1,
        name: "Security setup",
        attributes: A64_1, methods: M64_1,
    },
    InterfaceClass {
        id: ClassId(65), version: 0,
        name: "Parameter monitor",
        attributes: A65_0, methods: M65_0,
    },
    InterfaceClass {
        id: ClassId(65), version: 1,
        name: "Parameter monitor",
        attributes: A65_1, methods: M65_1,
    },
    InterfaceClass {
        id: ClassId(66), version: 0,
        name: "Measurement data monitoring objects",
        attributes: A66_0, methods: M66_0,
    },
    InterfaceClass {
        id: ClassId(67), version: 0,
        name: "Sensor manager",
        attributes: A67_0, methods: M67_0,
    },
    InterfaceClass {
        id: ClassId(68), version: 0,
        name: "Arbitrator",
        attributes: A68_0, methods: M68_0,
    },
    InterfaceClass {
        id: ClassId(70), version: 0,
        name: "Disconnect control",
        attributes: A70_0, methods: M70_0,
    },
    InterfaceClass {
        id: ClassId(70), version: 1,
        name: "Disconnect control",
        attributes: A70_1, methods: M70_1,
    },
    InterfaceClass {
        id: ClassId(71), version: 0,
        name: "Limiter",
        attributes: A71_0, methods: M71_0,
    },
    InterfaceClass {
        id: ClassId(72), version: 0,
        name: "M-Bus client",
        attributes: A72_0, methods: M72_0,
    },
    InterfaceClass {
        id: ClassId(72), version: 1,
        name: "M-Bus client",
        attributes: A72_1, methods: M72_1,
    },
    InterfaceClass {
        id: ClassId(73), version: 0,
        name: "Wireless Mode Q channel",
        attributes: A73_0, methods: M73_0,
    },
    InterfaceClass {
        id: ClassId(73), version: 1,
        name: "Wireless Mode Q channel",
        attributes: A73_1, methods: M73_1,
    },
    InterfaceClass {
        id: ClassId(74), version: 0,
        name: "M-Bus master port setup",
        attributes: A74_0, methods: M74_0,
    },
    InterfaceClass {
        id: ClassId(76), version: 0,
        name: "DLMS server M-Bus port setup",
        attributes: A76_0, methods: M76_0,
    },
    InterfaceClass {
        id: ClassId(77), version: 0,
        name: "M-Bus diagnostic",
        attributes: A77_0, methods: M77_0,
    },
    InterfaceClass {
        id: ClassId(80), version: 0,
        name: "61334-4-32 LLC SSCS setup",
        attributes: A80_0, methods: M80_0,
    },
    InterfaceClass {
        id: ClassId(81), version: 0,
        name: "PRIME NB OFDM PLC Physical layer counters",
        attributes: A81_0, methods: M81_0,
    },
    InterfaceClass {
        id: ClassId(82), version: 0,
        name: "PRIME NB OFDM PLC MAC setup",
        attributes: A82_0, methods: M82_0,
    },
    InterfaceClass {
        id: ClassId(83), version: 0,
        name: "PRIME NB OFDM PLC MAC functional parameters",
        attributes: A83_0, methods: M83_0,
    },
    InterfaceClass {
        id: ClassId(84), version: 0,
        name: "PRIME NB OFDM PLC MAC counters",
        attributes: A84_0, methods: M84_0,
    },
    InterfaceClass {
        id: ClassId(85), version: 0,
        name: "PRIME NB OFDM PLC MAC network administration data",
        attributes: A85_0, methods: M85_0,
    },
    InterfaceClass {
        id: ClassId(86), version: 0,
        name: "PRIME NB OFDM PLC Application identification",
        attributes: A86_0, methods: M86_0,
    },
    InterfaceClass {
        id: ClassId(90), version: 0,
        name: "G3-PLC MAC layer counters",
        attributes: A90_0, methods: M90_0,
    },
    InterfaceClass {
        id: ClassId(90), version: 1,
        name: "G3-PLC MAC layer counters",
        attributes: A90_1, methods: M90_1,
    },
    InterfaceClass {
        id: ClassId(91), version: 0,
        name: "G3 NB OFDM PLC MAC setup",
        attributes: A91_0, methods: M91_0,
    },
    InterfaceClass {
        id: ClassId(91), version: 1,
        name: "G3-PLC MAC setup",
        attributes: A91_1, methods: M91_1,
    },
    InterfaceClass {
        id: ClassId(91), version: 2,
        name: "G3-PLC MAC setup",
        attributes: A91_2, methods: M91_2,
    },
    InterfaceClass {
        id: ClassId(91), version: 3,
        name: "G3-PLC MAC setup",
        attributes: A91_3, methods: M91_3,
    },
    InterfaceClass {
        id: ClassId(91), version: 4,
        name: "G3-PLC MAC setup",
        attributes: A91_4, methods: M91_4,
    },
    InterfaceClass {
        id: ClassId(92), version: 0,
        name: "G3 NB OFDM PLC 6LoWPAN adaptation layer setup",
        attributes: A92_0, methods: M92_0,
    },
    InterfaceClass {
        id: ClassId(92), version: 1,
        name: "G3-PLC 6LoWPAN adaptation layer setup",
        attributes: A92_1, methods: M92_1,
    },
    InterfaceClass {
        id: ClassId(92), version: 2,
        name: "G3-PLC 6LoWPAN adaptation layer setup",
        attributes: A92_2, methods: M92_2,
    },
    InterfaceClass {
        id: ClassId(92), version: 3,
        name: "G3-PLC 6LoWPAN adaptation layer setup",
        attributes: A92_3, methods: M92_3,
    },
    InterfaceClass {
        id: ClassId(92), version: 4,
        name: "G3-PLC 6LoWPAN adaptation layer setup",
        attributes: A92_4, methods: M92_4,
    },
    InterfaceClass {
        id: ClassId(100), version: 0,
        name: "NTP setup",
        attributes: A100_0, methods: M100_0,
    },
    InterfaceClass {
        id: ClassId(111), version: 0,
        name: "Account",
        attributes: A111_0, methods: M111_0,
    },
    InterfaceClass {
        id: ClassId(112), version: 0,
        name: "Credit",
        attributes: A112_0, methods: M112_0,
    },
    InterfaceClass {
        id: ClassId(113), version: 0,
        name: "Charge",
        attributes: A113_0, methods: M113_0,
    },
    InterfaceClass {
        id: ClassId(115), version: 0,
        name: "Token gateway",
        attributes: A115_0, methods: M115_0,
    },
    InterfaceClass {
        id: ClassId(116), version: 0,
        name: "IEC 62055-41 attributes",
        attributes: A116_0, methods: M116_0,
    },
    InterfaceClass {
        id: ClassId(122), version: 0,
        name: "Function control",
        attributes: A122_0, methods: M122_0,
    },
    InterfaceClass {
        id: ClassId(123), version: 0,
        name: "Array manager",
        attributes: A123_0, methods: M123_0,
    },
    InterfaceClass {
        id: ClassId(124), version: 0,
        name: "Communication port protection",
        attributes: A124_0, methods: M124_0,
    },
    InterfaceClass {
        id: ClassId(151), version: 0,
        name: "LTE monitoring",
        attributes: A151_0, methods: M151_0,
    },
    InterfaceClass {
        id: ClassId(151), version: 1,
        name: "LTE monitoring",
        attributes: A151_1, methods: M151_1,
    },
    InterfaceClass {
        id: ClassId(152), version: 0,
        name: "CoAP setup",
        attributes: A152_0, methods: M152_0,
    },
    InterfaceClass {
        id: ClassId(153), version: 0,
        name: "CoAP diagnostic",
        attributes: A153_0, methods: M153_0,
    },
    InterfaceClass {
        id: ClassId(160), version: 0,
        name: "G3-PLC Hybrid RF MAC layer counters",
        attributes: A160_0, methods: M160_0,
    },
    InterfaceClass {
        id: ClassId(161), version: 1,
        name: "G3-PLC Hybrid RF MAC setup",
        attributes: A161_1, methods: M161_1,
    },
    InterfaceClass {
        id: ClassId(162), version: 1,
        name: "G3-PLC Hybrid 6LoWPAN adaptation layer setup",
        attributes: A162_1, methods: M162_1,
    },
];

pub(super) const NAMED: &[(ClassId, &str)] = &[
    (ClassId(101), "ZigBee SAS startup"),
    (ClassId(102), "ZigBee SAS join"),
    (ClassId(103), "ZigBee SAS APS fragmentation"),
    (ClassId(104), "ZigBee network control"),
    (ClassId(105), "ZigBee tunnel setup"),
    (ClassId(126), "SCHC-LPWAN setup"),
    (ClassId(127), "SCHC-LPWAN diagnostic"),
    (ClassId(128), "LoRaWAN setup"),
    (ClassId(129), "LoRaWAN diagnostic"),
];
