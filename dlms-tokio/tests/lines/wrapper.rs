//! The wrapper over a connection.

use core::time::Duration;

use dlms_tokio::{
    Address, Line, LineConfig, LineError, Phase, Trace, WrapperServerConfig, serve_wrapper,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::TcpListener,
    time::{Instant, timeout},
};

use crate::{
    meter::{ReversingMeter, UNANSWERED, apdu, reversed},
    relay::{PIPE, slow_cable},
    transcript::octets,
};

fn config() -> LineConfig {
    LineConfig { timeout: Duration::from_secs(5), retries: 1, ..LineConfig::default() }
}

#[tokio::test]
async fn an_apdu_of_any_length_goes_there_and_back_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: Address = format!("wrapper://{}", listener.local_addr().unwrap()).parse().unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut meter = ReversingMeter::default();
        serve_wrapper(stream, &mut meter, &WrapperServerConfig::default()).await.unwrap();
        meter
    });
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    line.connect().await.unwrap();
    let mut answer = Vec::new();
    for length in [1, 2, 127, 2_048, 65_535] {
        let request = apdu(length);
        line.send(&request).await.unwrap();
        line.receive(&mut answer).await.unwrap();
        assert!(answer == reversed(&request), "{length}");
    }
    assert_eq!(line.counters().frames_received, 5);
    line.disconnect().await;
    drop(line);
    let meter = serving.await.unwrap();
    assert_eq!(meter.asked.len(), 5);
    assert_eq!(meter.gone, [(16, 1)]);
}

#[tokio::test]
async fn a_server_answers_each_pair_of_wports_and_is_silent_about_others() {
    let (mut client, server) = duplex(PIPE);
    let serving = tokio::spawn(async move {
        let mut meter = ReversingMeter::default();
        let ended = serve_wrapper(server, &mut meter, &WrapperServerConfig::default()).await;
        (ended, meter)
    });
    // Client 16 to 1, client 32 to SAP 2, which is not there, client 32 to 17.
    client
        .write_all(&octets(
            "0001 0010 0001 0002 0102
             0001 0020 0002 0002 0304
             0001 0020 0011 0002 0506",
        ))
        .await
        .unwrap();
    let mut answers = [0; 20];
    client.read_exact(&mut answers).await.unwrap();
    assert_eq!(answers.to_vec(), octets("0001 0001 0010 0002 0201 0001 0011 0020 0002 0605"));
    drop(client);
    let (ended, meter) = serving.await.unwrap();
    assert_eq!(ended, Ok(()));
    assert_eq!(meter.gone, [(16, 1), (32, 17)]);
}

#[tokio::test(start_paused = true)]
async fn a_pdu_in_single_octets_is_put_together_and_a_dropped_receive_loses_nothing() {
    let (client, server, carrying) = slow_cable(Duration::from_millis(10));
    tokio::spawn(carrying);
    tokio::spawn(async move {
        serve_wrapper(server, &mut ReversingMeter::default(), &WrapperServerConfig::default()).await
    });
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    let request = apdu(100);
    line.send(&request).await.unwrap();
    let mut answer = vec![0xEE];
    let mut dropped = 0;
    while timeout(Duration::from_millis(7), line.receive(&mut answer)).await.is_err() {
        assert_eq!(answer, [0xEE]);
        dropped += 1;
    }
    assert_eq!(answer, reversed(&request));
    assert!(dropped > 100, "{dropped}");
}

#[tokio::test]
async fn what_is_for_others_is_dropped_and_counted() {
    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    meter
        .write_all(&octets(
            "0001 0002 0010 0001 AA
             0001 0001 0011 0001 BB
             0001 0001 0010 0001 CC",
        ))
        .await
        .unwrap();
    let mut received = Vec::new();
    line.receive(&mut received).await.unwrap();
    assert_eq!(received, [0xCC]);
    assert_eq!((line.counters().foreign, line.counters().frames_received), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_received_and_the_answer_is_still_waited_for_no_longer_than_before() {
    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    line.send(&[0xC0]).await.unwrap();
    meter.write_all(&octets("0001 0001 0010 0001 0F")).await.unwrap();
    let mut received = Vec::new();
    line.receive(&mut received).await.unwrap();
    assert_eq!(received, [0x0F]);
    let error = timeout(Duration::from_secs(60), line.receive(&mut received)).await.unwrap();
    assert_eq!(error, Err(LineError::Timeout { phase: Phase::Receiving }));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_owed_nothing_listens_for_as_long_as_it_takes() {
    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    let mut received = Vec::new();
    assert!(timeout(Duration::from_secs(86_400), line.receive(&mut received)).await.is_err());
    meter.write_all(&octets("0001 0001 0010 0001 0F")).await.unwrap();
    line.receive(&mut received).await.unwrap();
    assert_eq!(received, [0x0F]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_meter_is_given_up_within_its_time() {
    let (client, server) = duplex(PIPE);
    tokio::spawn(async move {
        serve_wrapper(server, &mut ReversingMeter::default(), &WrapperServerConfig::default()).await
    });
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    let begun = Instant::now();
    line.send(&UNANSWERED).await.unwrap();
    let error = line.receive(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error, LineError::Timeout { phase: Phase::Receiving });
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(line.counters().timeouts, 1);
    // The line is as good as before.
    line.send(&[0xC0, 0x01]).await.unwrap();
    let mut answer = Vec::new();
    line.receive(&mut answer).await.unwrap();
    assert_eq!(answer, [0x01, 0xC0]);
}

#[tokio::test(start_paused = true)]
async fn a_pdu_that_stops_in_the_middle_is_given_up() {
    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    meter.write_all(&octets("0001 0001 0010 0004 AABB")).await.unwrap();
    let begun = Instant::now();
    let error = line.receive(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error, LineError::Timeout { phase: Phase::Receiving });
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_closed_connection_says_whether_something_had_begun() {
    for (sent, mid_frame) in [("", false), ("00", true), ("0001 0001 0010 0004 AABB", true)] {
        let (client, mut meter) = duplex(PIPE);
        let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
        meter.write_all(&octets(sent)).await.unwrap();
        drop(meter);
        let error = line.receive(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error, LineError::Closed { phase: Phase::Receiving, mid_frame });
    }
}

#[tokio::test]
async fn an_announced_length_above_the_limit_ends_the_line_before_it_comes() {
    let (client, mut meter) = duplex(PIPE);
    let config = LineConfig { apdu_len_max: 1_024, ..config() };
    let mut line = Line::wrapper_in_memory(client, &config, Trace::off());
    meter.write_all(&octets("0001 0001 0010 0401")).await.unwrap();
    let error = line.receive(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error, LineError::TooLong { limit: 1_024 });
}

#[tokio::test]
async fn an_apdu_too_long_for_the_header_is_not_sent() {
    let (client, _meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    assert_eq!(line.send(&apdu(65_536)).await, Err(LineError::TooLong { limit: 65_535 }));
    assert_eq!(line.counters().octets_sent, 0);
}

#[tokio::test]
async fn an_hdlc_peer_on_a_wrapper_line_is_told_apart_by_its_first_octets() {
    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    // DM from 1 to 16.
    meter.write_all(&octets("7E A0 07 21 03 1F")).await.unwrap();
    let error = line.receive(&mut Vec::new()).await.unwrap_err();
    assert!(matches!(error, LineError::NotWrapper { .. }), "{error:?}");
    assert!(error.to_string().ends_with("It answers with HDLC: try hdlc://"), "{error}");
}

#[tokio::test]
async fn a_server_hangs_up_on_a_client_that_does_not_speak_the_wrapper() {
    let (mut client, server) = duplex(PIPE);
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let ended =
        serve_wrapper(server, &mut ReversingMeter::default(), &WrapperServerConfig::default())
            .await;
    assert!(matches!(ended, Err(LineError::NotWrapper { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_in_does_not_hold_a_sender_for_ever() {
    let (client, _meter) = duplex(64);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    let begun = Instant::now();
    let error = line.send(&apdu(1_000)).await.unwrap_err();
    assert_eq!(error, LineError::Timeout { phase: Phase::Sending });
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_pushes_without_end_does_not_hold_a_request() {
    // A notification in clear, and one that is ciphered and may be the answer for all we know.
    for push in ["0F", "DB"] {
        let (client, mut meter) = duplex(PIPE);
        let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
        line.send(&[0xC0]).await.unwrap();
        let pushing = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(900));
            loop {
                ticks.tick().await;
                if meter.write_all(&octets(&format!("0001 0001 0010 0001 {push}"))).await.is_err() {
                    return;
                }
            }
        });
        let begun = Instant::now();
        let mut received = Vec::new();
        let error = loop {
            match line.receive(&mut received).await {
                Ok(()) => line.expect(),
                Err(error) => break error,
            }
            assert!(begun.elapsed().as_secs() < 60, "{push}");
        };
        assert_eq!(error, LineError::Timeout { phase: Phase::Receiving });
        assert_eq!(begun.elapsed().as_secs(), 10);
        pushing.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_comes_in_pieces_leaves_no_deadline_behind() {
    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config(), Trace::off());
    let mut received = Vec::new();
    meter.write_all(&octets("0001 0001 00")).await.unwrap();
    assert!(timeout(Duration::from_secs(1), line.receive(&mut received)).await.is_err());
    meter.write_all(&octets("10 0001 0F")).await.unwrap();
    line.receive(&mut received).await.unwrap();
    assert!(timeout(Duration::from_secs(60), line.receive(&mut received)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_as_long_as_can_be_is_no_panic() {
    let config = LineConfig { timeout: Duration::MAX, ..config() };
    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::wrapper_in_memory(client, &config, Trace::off());
    line.send(&[0xC0]).await.unwrap();
    meter.write_all(&octets("0001 0001 0010 0001 C4")).await.unwrap();
    line.receive(&mut Vec::new()).await.unwrap();
    line.expect();

    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = format!("wrapper+udp://{}", socket.local_addr().unwrap()).parse().unwrap();
    let mut line = Line::open(&address, &config, Trace::off()).await.unwrap();
    line.send(&[0xC0]).await.unwrap();
    line.expect();

    let (client, mut meter) = duplex(PIPE);
    let mut line = Line::hdlc_in_memory(client, None, &config, Trace::off()).unwrap();
    // UA from 1 to 16.
    meter.write_all(&octets("7EA007210373 0140 7E")).await.unwrap();
    line.connect().await.unwrap();
    line.expect();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_hung_up_on() {
    for (sent, seconds) in [
        // Nothing; something for a SAP that is not there; a request; the beginning of one.
        ("", 180),
        ("0001 0010 0002 0001 C0", 180),
        ("0001 0010 0001 0002 C0FF", 180),
        ("0001 0010 0001 0002 C0", 60),
        ("0001 0010 0001 0002 C0FF 00", 60),
    ] {
        let (mut client, server) = duplex(PIPE);
        client.write_all(&octets(sent)).await.unwrap();
        let begun = Instant::now();
        let config = WrapperServerConfig::default();
        let ended = serve_wrapper(server, &mut ReversingMeter::default(), &config).await;
        assert_eq!(ended, Err(LineError::Timeout { phase: Phase::Receiving }), "{sent}");
        assert_eq!(begun.elapsed().as_secs(), seconds, "{sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_in_drops_is_not_waited_for_longer_than_one_that_stopped() {
    let (mut client, server) = duplex(PIPE);
    tokio::spawn(async move {
        client.write_all(&octets("0001 0010 0001 FFFF")).await.unwrap();
        let mut ticks = tokio::time::interval(Duration::from_secs(5));
        loop {
            ticks.tick().await;
            if client.write_all(&[0xC0]).await.is_err() {
                return;
            }
        }
    });
    let begun = Instant::now();
    let config = WrapperServerConfig::default();
    let ended = serve_wrapper(server, &mut ReversingMeter::default(), &config).await;
    assert_eq!(ended, Err(LineError::Timeout { phase: Phase::Receiving }));
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn a_request_longer_than_a_server_takes_is_not_waited_for() {
    let (mut client, server) = duplex(PIPE);
    client.write_all(&octets("0001 0010 0001 0401")).await.unwrap();
    let config = WrapperServerConfig { apdu_len_max: 1_024, ..WrapperServerConfig::default() };
    let ended = serve_wrapper(server, &mut ReversingMeter::default(), &config).await;
    assert_eq!(ended, Err(LineError::TooLong { limit: 1_024 }));
}

#[tokio::test]
async fn what_is_to_all_stations_is_told_and_never_answered() {
    let (mut client, server) = duplex(PIPE);
    let serving = tokio::spawn(async move {
        let mut meter = ReversingMeter::default();
        let ended = serve_wrapper(server, &mut meter, &WrapperServerConfig::default()).await;
        (ended, meter)
    });
    client.write_all(&octets("0001 0010 007F 0002 C101 0001 0010 0001 0002 C001")).await.unwrap();
    let mut answer = [0; 10];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[..], octets("0001 0001 0010 0002 01C0"));
    drop(client);
    let (ended, meter) = serving.await.unwrap();
    ended.unwrap();
    assert_eq!(meter.told, [(16, None, vec![0xc1, 0x01])]);
    assert_eq!(meter.asked, [(16, 1, vec![0xc0, 0x01])]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_owed_for_what_is_not_answered() {
    let (near, mut far) = duplex(PIPE);
    let everybody = LineConfig { server_upper: 0x7f, ..config() };
    let mut line = Line::wrapper_in_memory(near, &everybody, Trace::off());
    line.send_unanswered(&[0xc1, 0x01]).await.unwrap();
    let mut sent = [0; 10];
    far.read_exact(&mut sent).await.unwrap();
    assert_eq!(sent[..], octets("0001 0010 007F 0002 C101"));
    // Longer than any patience: that nothing comes is no failure.
    let waiting = timeout(Duration::from_secs(3_600), line.receive(&mut Vec::new())).await;
    assert!(waiting.is_err(), "{waiting:?}");
}
