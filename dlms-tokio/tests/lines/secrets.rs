//! No trace shows a secret, however the line cuts it.

use std::sync::{Arc, Mutex};

use dlms_tokio::{
    DecodeLevel, HdlcServerConfig, Line, LineConfig, Trace, WrapperServerConfig, serve_hdlc,
    serve_wrapper,
};
use tokio::io::duplex;

use crate::{meter::ReversingMeter, relay::PIPE, transcript::octets};

const PASSWORD: &[u8] = b"Kr4ftW*rk";

fn recorded() -> (Trace, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let sink = move |line: &str| sink.lock().unwrap().push(line.to_owned());
    let trace = Trace::new(DecodeLevel::Phys, Arc::new(sink));
    trace.hide(PASSWORD);
    (trace, lines)
}

/// An AARQ with a password, and the same password at other places.
fn request(padding: usize) -> Vec<u8> {
    let mut apdu = octets("60 80 A109060760857405080101 8A020780 8B0760857405080201 AC0B8009");
    apdu.extend(PASSWORD);
    apdu.extend(vec![0xBE; padding]);
    apdu
}

/// The longest piece of the password that the hexadecimal words of the lines show in a row.
fn longest_shown(lines: &[String]) -> usize {
    let words: Vec<&str> = lines.iter().flat_map(|line| line.split(' ')).collect();
    let password: Vec<String> = PASSWORD.iter().map(|octet| format!("{octet:02X}")).collect();
    (0..words.len())
        .flat_map(|at| (0..password.len()).map(move |from| (at, from)))
        .map(|(at, from)| {
            words[at..].iter().zip(&password[from..]).take_while(|(a, b)| a == b).count()
        })
        .max()
        .unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_password_cut_by_segmentation_does_not_show() {
    for information in 12..48 {
        let (trace, lines) = recorded();
        let (near, far) = duplex(PIPE);
        tokio::spawn(async move {
            serve_hdlc(far, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
        });
        let config = LineConfig { hdlc_info: information, ..LineConfig::default() };
        let mut line = Line::hdlc_in_memory(near, None, &config, trace).unwrap();
        line.connect().await.unwrap();
        line.send(&request(20)).await.unwrap();
        line.receive(&mut Vec::new()).await.unwrap();
        let lines = lines.lock().unwrap();
        let sent: Vec<String> =
            lines.iter().filter(|line| line.contains(" TX ")).cloned().collect();
        assert!(sent.iter().any(|line| line.starts_with("APDU TX AARQ 60 80 A1")), "{sent:?}");
        assert!(sent.iter().any(|line| line.starts_with("PHYS TX 7E A")), "{sent:?}");
        assert!(longest_shown(&sent) <= 1, "{information}: {sent:#?}");
        // The check sequence over the password would tell 16 bits of it.
        let frames =
            sent.iter().filter(|line| line.starts_with("PHYS TX") && line.contains("** ** **"));
        for frame in frames {
            assert!(frame.ends_with(" ** ** 7E"), "{information}: {frame}");
        }
        // What a meter or a head sends back may be cut anywhere: two octets at most are chance.
        assert!(lines.iter().any(|line| line.starts_with("PHYS RX 7E A")), "{lines:#?}");
        assert!(longest_shown(&lines) <= 2, "{information}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_password_on_the_wrapper_does_not_show() {
    let (trace, lines) = recorded();
    let (near, far) = duplex(PIPE);
    tokio::spawn(async move {
        serve_wrapper(far, &mut ReversingMeter::default(), &WrapperServerConfig::default()).await
    });
    let mut line = Line::wrapper_in_memory(near, &LineConfig::default(), trace);
    line.send(&request(0)).await.unwrap();
    line.receive(&mut Vec::new()).await.unwrap();
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 6);
    assert!(lines[2].starts_with("PHYS TX 00 01 00 10 00 01 00 "), "{}", lines[2]);
    assert!(lines[2].ends_with(&" **".repeat(9)), "{}", lines[2]);
    assert!(longest_shown(&lines[..3]) <= 1, "{lines:#?}");
}
