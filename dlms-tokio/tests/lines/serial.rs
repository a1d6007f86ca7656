//! A pseudo terminal stands for the serial port.

use dlms_tokio::{
    Address, HdlcServerConfig, Identification, Line, LineConfig, LineError, Trace,
    serve_hdlc_serial,
};
use tokio_serial::{SerialPort as _, SerialStream};

use crate::meter::{ReversingMeter, apdu, reversed};

/// The meter's end of a pseudo terminal, and the address of ours. The third value keeps the
/// terminal alive while nobody has it open.
fn terminal(query: &str) -> (SerialStream, Address, SerialStream) {
    let (meter, ours) = SerialStream::pair().unwrap();
    let path = ours.name().unwrap();
    let address = format!("hdlc+serial://{path}{query}").parse().unwrap();
    (meter, address, ours)
}

fn serve(stream: SerialStream) -> tokio::task::JoinHandle<Result<(), LineError>> {
    let identification =
        Identification { manufacturer: *b"DHE", baud: 9_600, product: "METER".to_owned() };
    let config = HdlcServerConfig { mode_e: Some(identification), ..HdlcServerConfig::default() };
    tokio::spawn(
        async move { serve_hdlc_serial(stream, &mut ReversingMeter::default(), &config).await },
    )
}

#[tokio::test]
async fn a_meter_on_a_terminal_is_read_with_and_without_mode_e() {
    for query in ["?baud=9600", "?baud=19200&mode-e"] {
        let (meter, address, _ours) = terminal(query);
        serve(meter);
        let mut line = Line::open(&address, &LineConfig::default(), Trace::off()).await.unwrap();
        line.connect().await.unwrap();
        line.send(&apdu(1_000)).await.unwrap();
        let mut answer = Vec::new();
        line.receive(&mut answer).await.unwrap();
        assert_eq!(answer, reversed(&apdu(1_000)));
        line.disconnect().await;
        assert_eq!(line.counters().bad_fcs, 0);
    }
}

#[tokio::test]
async fn a_terminal_whose_other_end_goes_away_is_closed() {
    let (meter, address, ours) = terminal("");
    let serving = serve(meter);
    let mut line = Line::open(&address, &LineConfig::default(), Trace::off()).await.unwrap();
    line.connect().await.unwrap();
    serving.abort();
    drop(ours);
    assert!(serving.await.is_err());
    let error = match line.send(&apdu(10)).await {
        Ok(()) => line.receive(&mut Vec::new()).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, LineError::Closed { .. }), "{error:?}");
}
