//! A gateway that meters stand behind.

use dlms_core::gateway::{Direction, GatewayAddress};
use dlms_tokio::UnknownMeter;

/// A gateway. The meters behind it are addressed by their serial numbers, in decimal digits.
#[derive(Clone, Copy, Debug)]
pub struct GatewayConfig {
    /// The network that the meters are in.
    pub network: u8,
    /// What is said to clients that ask for another meter.
    pub unknown: UnknownMeter,
    /// Which header the gateway puts in front of what its meters push. Which of the two it should
    /// be is not settled between implementations (see IEC 62056-5-3 Annex C); the address is that
    /// of the meter in any case. Default in peers: that of a request, as for whatever they send
    /// first.
    pub push_header: Direction,
}

impl GatewayConfig {
    /// A silent gateway to this network.
    pub const fn new(network: u8) -> Self {
        Self { network, unknown: UnknownMeter::Silence, push_header: Direction::Request }
    }

    /// The address of the meter with this serial number.
    pub fn address_of(&self, serial: u32) -> GatewayAddress {
        GatewayAddress { network: self.network, address: serial.to_string().into_bytes() }
    }
}
