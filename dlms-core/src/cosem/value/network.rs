//! What the setup classes of modems, IP, GPRS and M-Bus are made of (classes 27, 28, 42, 44, 45,
//! 47, 48 and 72).

use super::{OctetString, structure};
use crate::axdr::DataBuf;

structure! {
    /// initialization_string_element of a Modem configuration.
    pub struct InitializationString {
        /// request, what is sent to the modem.
        pub request: OctetString,
        /// response, what is expected.
        pub response: OctetString,
        /// delay_after_response in milliseconds.
        pub delay_after_response_ms: u16,
    }
}

structure! {
    /// nr_rings_type of an Auto answer.
    pub struct NumberOfRings {
        /// nr_rings_in_window; 0 does not answer.
        pub in_window: u8,
        /// nr_rings_out_of_window.
        pub out_of_window: u8,
    }
}

structure! {
    /// list_of_allowed_callers_element of an Auto answer.
    pub struct AllowedCaller {
        /// caller_id.
        pub caller_id: OctetString,
        /// call_type.
        pub call_type: u8,
    }
}

structure! {
    /// IP_options_element of an IPv4 setup.
    pub struct IpOption {
        /// IP_Option_Type.
        pub kind: u8,
        /// IP_Option_Length.
        pub length: u8,
        /// IP_Option_Data.
        pub data: OctetString,
    }
}

structure! {
    /// LCP_options_element and IPCP_options_element of a PPP setup.
    pub struct PppOption {
        /// option_type.
        pub kind: u8,
        /// option_length.
        pub length: u8,
        /// option_data, of the type that the option has.
        pub data: DataBuf,
    }
}

structure! {
    /// qos_element of a GPRS modem setup.
    pub struct GprsQuality {
        /// precedence.
        pub precedence: u8,
        /// delay.
        pub delay: u8,
        /// reliability.
        pub reliability: u8,
        /// peak throughput.
        pub peak_throughput: u8,
        /// mean throughput.
        pub mean_throughput: u8,
    }
}

structure! {
    /// quality_of_service of a GPRS modem setup.
    pub struct GprsQualityOfService {
        /// default.
        pub default: GprsQuality,
        /// requested.
        pub requested: GprsQuality,
    }
}

structure! {
    /// cell_info of a GSM diagnostic, version 0.
    pub struct CellInfoV0 {
        /// cell_ID.
        pub cell_id: u16,
        /// location_ID.
        pub location_id: u16,
        /// signal_quality: 0 to 31, 99 is unknown.
        pub signal_quality: u8,
        /// ber: bit errors, 0 to 7, 99 is unknown.
        pub ber: u8,
    }
}

structure! {
    /// cell_info of a GSM diagnostic from version 1 on.
    pub struct CellInfo {
        /// cell_ID.
        pub cell_id: u32,
        /// location_ID.
        pub location_id: u16,
        /// signal_quality: 0 to 31, 99 is unknown.
        pub signal_quality: u8,
        /// ber: bit errors, 0 to 7, 99 is unknown.
        pub ber: u8,
        /// mcc: mobile country code.
        pub mcc: u16,
        /// mnc: mobile network code.
        pub mnc: u16,
        /// channel_number.
        pub channel_number: u32,
    }
}

structure! {
    /// adjacent_cell_info of a GSM diagnostic.
    pub struct AdjacentCell {
        /// cell_ID.
        pub cell_id: u32,
        /// signal_quality: 0 to 31, 99 is unknown.
        pub signal_quality: u8,
    }
}

structure! {
    /// neighbor_discovery_setup_element of an IPv6 setup.
    pub struct NeighborDiscovery {
        /// RS_max_retry.
        pub max_retry: u8,
        /// RS_retry_wait_time in milliseconds.
        pub retry_wait_time_ms: u16,
        /// RA_send_period in seconds.
        pub send_period_s: u32,
    }
}

structure! {
    /// capture_definition_element of an M-Bus client.
    pub struct MBusCapture {
        /// data_information_block.
        pub data_information_block: OctetString,
        /// value_information_block.
        pub value_information_block: OctetString,
    }
}
