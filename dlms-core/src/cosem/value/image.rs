//! What an Image transfer (class 18) is made of.

use super::{OctetString, structure};

structure! {
    /// image_to_activate_info_element.
    pub struct ImageToActivate {
        /// image_to_activate_size in octets.
        pub size: u32,
        /// image_to_activate_identification.
        pub identification: OctetString,
        /// image_to_activate_signature.
        pub signature: OctetString,
    }
}

structure! {
    /// The parameter of image_transfer_initiate.
    pub struct ImageTransferInitiate {
        /// image_identifier.
        pub identifier: OctetString,
        /// image_size in octets.
        pub size: u32,
    }
}

structure! {
    /// The parameter of image_block_transfer.
    pub struct ImageBlock {
        /// image_block_number, from 0.
        pub number: u32,
        /// image_block_value.
        pub value: OctetString,
    }
}
