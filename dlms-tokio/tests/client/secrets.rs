//! What no trace and no Debug shows.

use dlms_core::{
    association::ClientConfig,
    axdr::DataBuf,
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
};
use dlms_tokio::{DecodeLevel, LineConfig, Trace, client::Client, counters::ForgetfulCounters};

use crate::meter::{ECHO, Meter, NOTE, PASSWORD, ciphered, recorded, with_password};

/// Written into the meter, as a new password would be.
const WRITTEN: &str = "n3w-Pa55word";
const SECRET: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 7);
const CHANGE_HLS_SECRET: MethodDescriptor =
    MethodDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);
const KEY_TRANSFER: MethodDescriptor =
    MethodDescriptor::new(ClassId::SECURITY_SETUP, LogicalName([0, 0, 43, 0, 0, 255]), 2);

/// Whether a line shows `secret`, or three octets of it in a row: as text, in hexadecimal words, or
/// in hexadecimal without blanks.
fn shows(line: &str, secret: &str) -> bool {
    let packed = line.replace(' ', "").to_uppercase();
    secret.as_bytes().windows(3).any(|piece| {
        let hex: String = piece.iter().map(|octet| format!("{octet:02X}")).collect();
        line.contains(core::str::from_utf8(piece).unwrap()) || packed.contains(&hex)
    })
}

/// All that is traced at `level` while a client opens, writes and invokes.
async fn conversation(level: DecodeLevel, hdlc: bool, association: ClientConfig) -> Vec<String> {
    let (trace, lines) = recorded(level);
    let (meter, _) = Meter::new();
    let config = LineConfig::default();
    let line =
        if hdlc { meter.over_hdlc(&config, trace) } else { meter.over_wrapper(&config, trace) };
    let counters = Box::new(ForgetfulCounters::starting_at(1));
    let client = Client::over(line, association, Some(counters)).await.unwrap();
    let octet_string = DataBuf::octet_string(WRITTEN.as_bytes());
    let visible_string = DataBuf::visible_string(WRITTEN);
    let both = DataBuf::structure([octet_string.clone(), visible_string.clone()]);
    if level == DecodeLevel::Values {
        for value in [&octet_string, &visible_string, &both] {
            client.write(NOTE, value).await.unwrap().unwrap();
        }
    }
    let key = DataBuf::array([DataBuf::structure([DataBuf::Enum(0), octet_string.clone()])]);
    // Whether the meter has them or not, they are on the line.
    let _ = client.write(SECRET, &octet_string).await.unwrap();
    let _ = client.invoke(CHANGE_HLS_SECRET, Some(&octet_string)).await.unwrap();
    let _ = client.invoke(KEY_TRANSFER, Some(&key)).await.unwrap();
    let _ = client.invoke(ECHO, Some(&DataBuf::Unsigned(5))).await.unwrap();
    client.release().await.unwrap();
    lines.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_values_of_a_trace_show_no_string_that_is_written() {
    for association in [with_password(), ciphered()] {
        let lines = conversation(DecodeLevel::Values, false, association).await;
        assert!(lines.iter().all(|line| !shows(line, WRITTEN)), "{lines:#?}");
        // But they do show what is written, and how it went.
        let length = WRITTEN.len();
        assert_eq!(lines[0], format!("VALUES TX write {NOTE} = octet-string of {length} octets"));
        assert_eq!(lines[1], "VALUES RX success (0)");
        assert!(lines.iter().any(|line| line == &format!("VALUES TX invoke {ECHO}(unsigned 5)")));
    }
}

#[tokio::test(start_paused = true)]
async fn the_password_shows_at_no_level_and_a_new_one_does_not_either() {
    for level in DecodeLevel::ALL {
        for hdlc in [false, true] {
            let lines = conversation(level, hdlc, with_password()).await;
            assert_eq!(lines.is_empty(), level == DecodeLevel::Off);
            for line in lines {
                assert!(!shows(&line, PASSWORD), "{level}: {line}");
                assert!(!shows(&line, WRITTEN), "{level}: {line}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn keys_show_at_no_level() {
    // The keys of the tests are ascending octets.
    let keys = ["1011121314", "D0D1D2D3D4"];
    let lines = conversation(DecodeLevel::Phys, true, ciphered()).await;
    for line in lines {
        let packed = line.replace(' ', "");
        assert!(keys.iter().all(|key| !packed.contains(key)), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn debug_shows_no_secret() {
    for association in [with_password(), ciphered()] {
        let (meter, _) = Meter::new();
        let line = meter.over_hdlc(&LineConfig::default(), Trace::off());
        let mut shown = format!("{association:?} {line:?}");
        let counters = Box::new(ForgetfulCounters::starting_at(1));
        let client = Client::over(line, association, Some(counters)).await.unwrap();
        let blocks = client.read_blocks(NOTE, None).await.unwrap();
        shown += &format!(" {client:?} {client:#?} {blocks:?} {:?}", client.trace());
        assert!(shown.contains("Client"), "{shown}");
        assert!(!shows(&shown, PASSWORD), "{shown}");
        // A key as octets in a list, and in hexadecimal.
        for key in ["16, 17, 18", "101112", "208, 209, 210", "d0d1d2"] {
            assert!(!shown.contains(key), "{key} in {shown}");
        }
    }
}
