//! An image that is verified and activated for a while.

use dlms_core::{
    axdr::DataBuf,
    cosem::{
        ClassId,
        value::{CosemValue, ImageBlock, ImageTransferInitiate, OctetString},
    },
    xdlms::ActionResult,
};
use simulator::MeterConfig;

use super::invoke;
use crate::desk::{Desk, NOON};

const IMAGE: &str = "0-0:44.0.0*255";
const CLASS: ClassId = ClassId::IMAGE_TRANSFER;
const ZERO: DataBuf = DataBuf::Integer(0);

fn status(desk: &mut Desk) -> DataBuf {
    desk.get(CLASS, IMAGE, 6)
}

#[test]
fn verification_and_activation_are_still_going_on_until_their_status_says_otherwise() {
    let mut desk = Desk::with_config(MeterConfig { image_time_s: 30, ..MeterConfig::default() });
    let identifier = OctetString(b"fw-2".to_vec());
    let image = ImageTransferInitiate { identifier, size: 300 };
    invoke(&mut desk, CLASS, IMAGE, 1, &image.to_data());
    for (number, len) in [(0, 200), (1, 100)] {
        let block = ImageBlock { number, value: OctetString(vec![7; len]) };
        invoke(&mut desk, CLASS, IMAGE, 2, &block.to_data());
    }
    let firmware = |desk: &mut Desk| desk.get(ClassId::DATA, "1-0:0.2.0*255", 2);
    let old = firmware(&mut desk);
    for _ in 0..2 {
        let verify = desk.invoke(CLASS, IMAGE, 3, &ZERO);
        assert_eq!(verify, ActionResult::TemporaryFailure);
        assert_eq!(status(&mut desk), DataBuf::Enum(2), "verification initiated");
    }
    assert_eq!(desk.invoke(CLASS, IMAGE, 4, &ZERO), ActionResult::OtherReason, "too early");
    desk.set_now(NOON + 29);
    assert_eq!(status(&mut desk), DataBuf::Enum(2));
    desk.set_now(NOON + 30);
    assert_eq!(status(&mut desk), DataBuf::Enum(3), "verification successful");

    assert_eq!(desk.invoke(CLASS, IMAGE, 4, &ZERO), ActionResult::TemporaryFailure);
    assert_eq!(status(&mut desk), DataBuf::Enum(5), "activation initiated");
    assert_eq!(firmware(&mut desk), old);
    desk.set_now(NOON + 60);
    assert_eq!(status(&mut desk), DataBuf::Enum(6), "activation successful");
    assert_eq!(firmware(&mut desk), DataBuf::octet_string(*b"fw-2"));
}

#[test]
fn a_verification_that_fails_says_so_when_it_is_over() {
    let mut desk = Desk::with_config(MeterConfig { image_time_s: 30, ..MeterConfig::default() });
    let identifier = OctetString(b"fw-2".to_vec());
    let image = ImageTransferInitiate { identifier, size: 300 };
    invoke(&mut desk, CLASS, IMAGE, 1, &image.to_data());
    assert_eq!(desk.invoke(CLASS, IMAGE, 3, &ZERO), ActionResult::TemporaryFailure);
    desk.set_now(NOON + 30);
    assert_eq!(status(&mut desk), DataBuf::Enum(4), "verification failed");
    // A new transfer may begin.
    invoke(&mut desk, CLASS, IMAGE, 1, &image.to_data());
    assert_eq!(status(&mut desk), DataBuf::Enum(1));
}
