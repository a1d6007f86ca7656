//! A meter that pushes instead of answering, asked through the client.

use core::time::Duration;

use dlms_core::{
    association::ClientConfig,
    cosem::{AttributeDescriptor, ClassId, LogicalName},
};
use dlms_tokio::{
    Line, LineConfig, LineError, Phase, Trace,
    client::{Client, Error},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    time::{Instant, interval},
};

use crate::{relay::PIPE, transcript::octets};

#[tokio::test(start_paused = true)]
async fn notifications_without_end_do_not_hold_a_request() {
    let (near, mut far) = duplex(PIPE);
    let config =
        LineConfig { timeout: Duration::from_secs(5), retries: 1, ..LineConfig::default() };
    tokio::spawn(async move {
        // AARQ of 31 octets; AARE.
        far.read_exact(&mut [0; 8 + 31]).await.unwrap();
        let aare = "0001 0001 0010 002B 6129a109060760857405080101a203020100a305a103020100\
                    be10040e0800065f1f040000101d04000007";
        far.write_all(&octets(aare)).await.unwrap();
        // Whatever is asked now: a data-notification, again and again.
        let mut ticks = interval(Duration::from_millis(900));
        loop {
            ticks.tick().await;
            let push = octets("0001 0001 0010 0007 0F 00000001 00 00");
            if far.write_all(&push).await.is_err() {
                return;
            }
        }
    });
    let line = Line::wrapper_in_memory(near, &config, Trace::off());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    let begun = Instant::now();
    let name = AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);
    let failed = client.read(name).await;
    assert_eq!(failed, Err(Error::Line(LineError::Timeout { phase: Phase::Receiving })));
    assert_eq!(begun.elapsed().as_secs(), 10);
}
