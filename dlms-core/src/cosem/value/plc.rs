//! What the tables of G3-PLC are made of (classes 91 and 92), and what triggered a capture of
//! Measurement data monitoring objects (class 66).

use super::{CosemValue, OctetString, enumeration, structure};
use crate::axdr::{BitStringBuf, Data, DataBuf};

structure! {
    /// neighbour_table_element of a G3-PLC MAC setup: how frames get to a neighbour.
    pub struct Neighbour {
        /// short_address.
        pub short_address: u16,
        /// payload_modulation_scheme: coherent, not differential.
        pub coherent: bool,
        /// tone_map: the sub-bands in use.
        pub tone_map: BitStringBuf,
        /// modulation.
        pub modulation: G3Modulation,
        /// tx_gain in steps of `tx_resolution`.
        pub tx_gain: i8,
        /// tx_res: the step of the gain.
        pub tx_resolution: TxResolution,
        /// tx_coeff: the gain of each group of tones, 4 bits each.
        pub tx_coefficients: BitStringBuf,
        /// lqi: link quality, 0 to 255.
        pub lqi: u8,
        /// phase_differential in multiples of 60 degrees.
        pub phase_differential: i8,
        /// TMR_valid_time: minutes until the tone map is asked for again.
        pub tone_map_valid_min: u8,
        /// neighbour_valid_time: minutes until the entry is forgotten.
        pub valid_min: u8,
    }
}

enumeration! {
    /// modulation of a neighbour.
    pub enum G3Modulation {
        /// Robust mode.
        Robust = 0,
        /// DBPSK or BPSK.
        Binary = 1,
        /// DQPSK or QPSK.
        Quaternary = 2,
        /// D8PSK or 8PSK.
        Eight = 3,
        /// 16-QAM.
        Qam16 = 4,
    }
}

enumeration! {
    /// tx_res of a neighbour: the step of its gain.
    pub enum TxResolution {
        /// 6 dB.
        SixDecibel = 0,
        /// 3 dB.
        ThreeDecibel = 1,
    }
}

structure! {
    /// POS_table_element of a G3-PLC MAC setup from version 2 on: a device in the personal
    /// operating space.
    pub struct PosEntry {
        /// short_address.
        pub short_address: u16,
        /// lqi: link quality, 0 to 255.
        pub lqi: u8,
        /// POS_valid_time: minutes until the entry is forgotten.
        pub valid_min: u8,
    }
}

structure! {
    /// routing_configuration_element of a G3-PLC 6LoWPAN adaptation layer setup.
    pub struct RoutingConfiguration {
        /// adp_net_traversal_time in seconds.
        pub net_traversal_time_s: u8,
        /// adp_routing_table_entry_TTL in minutes.
        pub routing_table_entry_ttl_min: u16,
        /// adp_Kr: weight of the modulation robust mode in a route cost.
        pub kr: u8,
        /// adp_Km: weight of the other modulations.
        pub km: u8,
        /// adp_Kc: weight of the tones that are not in use.
        pub kc: u8,
        /// adp_Kq: weight of the link quality.
        pub kq: u8,
        /// adp_Kh: weight of a hop.
        pub kh: u8,
        /// adp_Krt: weight of the routes in the table.
        pub krt: u8,
        /// adp_RREQ_retries.
        pub rreq_retries: u8,
        /// adp_RREQ_wait in seconds, between two route requests.
        pub rreq_wait_s: u8,
        /// adp_blacklist_table_entry_TTL in minutes.
        pub blacklist_table_entry_ttl_min: u16,
        /// adp_unicast_RREQ_gen_enable.
        pub unicast_rreq: bool,
        /// adp_RLC_enabled: route link cost requests are sent.
        pub rlc_enabled: bool,
        /// adp_add_rev_link_cost: what an asymmetric link costs more.
        pub reverse_link_cost: u8,
    }
}

structure! {
    /// routing_table_element of a G3-PLC 6LoWPAN adaptation layer setup.
    pub struct Route {
        /// destination_address.
        pub destination: u16,
        /// next_hop_address.
        pub next_hop: u16,
        /// route_cost.
        pub cost: u16,
        /// hop_count.
        pub hops: u8,
        /// weak_link_count.
        pub weak_links: u8,
        /// valid_time in minutes.
        pub valid_min: u16,
    }
}

structure! {
    /// context_information_table_element: a prefix that addresses are compressed by.
    pub struct AddressContext {
        /// CID: 4 bits.
        pub id: BitStringBuf,
        /// context_length.
        pub length: u8,
        /// context.
        pub context: OctetString,
        /// C: may be used to compress, not only to read.
        pub compresses: bool,
        /// valid_lifetime in minutes.
        pub valid_min: u16,
    }
}

structure! {
    /// blacklist_table_element: a neighbour that is not sent to.
    pub struct BlacklistedNeighbour {
        /// blacklisted_neighbour_address.
        pub address: u16,
        /// valid_time in minutes.
        pub valid_min: u16,
    }
}

structure! {
    /// broadcast_log_table_element: a broadcast that was seen.
    pub struct BroadcastSeen {
        /// source_address.
        pub source: u16,
        /// sequence_number.
        pub sequence: u8,
        /// valid_time in minutes.
        pub valid_min: u16,
    }
}

structure! {
    /// trigger_source of Measurement data monitoring objects.
    pub struct TriggerSource {
        /// trigger_origin.
        pub origin: TriggerOrigin,
        /// trigger_cause.
        pub cause: u16,
    }
}

enumeration! {
    /// trigger_origin: where the order to capture came from.
    pub enum TriggerOrigin {
        /// A client.
        Remote = 0,
        /// A script of the meter.
        LocalScript = 1,
    }
}

impl CosemValue for BitStringBuf {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        data.as_bit_string().map(Self::from)
    }

    fn to_data(&self) -> DataBuf {
        self.clone().into()
    }
}
