//! Meters that do what a test wants, APDU by APDU.

use dlms_tokio::{ApduServer, HdlcServerConfig, Line, LineConfig, Trace, serve_hdlc};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::meter::PIPE;

/// AARE: accepted, no diagnostic, all services, 1,024 octets, logical names.
pub(crate) const AARE: &str = "6129 A109060760857405080101 A203020100 A305A103020100
    BE10040E 0800065F1F0400 7E1F1D 0400 0007";

/// The octets of hexadecimal text; blanks do not matter.
pub(crate) fn octets(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// Answers an AARQ and RLRQ as a meter does, and everything else as the script says.
pub(crate) struct Scripted<F>(pub(crate) F);

impl<F: FnMut(&[u8]) -> Option<Vec<u8>> + Send> ApduServer for Scripted<F> {
    fn knows(&self, server: u16) -> bool {
        server == 1
    }

    fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        let answer = match apdu[0] {
            0x60 => Some(octets(AARE)),
            0x62 => Some(octets("6303800100")),
            _ => (self.0)(apdu),
        };
        out.extend(answer.iter().flatten());
        answer.is_some()
    }

    fn disconnected(&mut self, _: u16, _: u16) {}
}

/// An HDLC line to a meter with this script.
pub(crate) fn over_hdlc<F>(script: F, config: &LineConfig) -> Line
where
    F: FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static,
{
    let (near, far) = duplex(PIPE);
    tokio::spawn(async move {
        serve_hdlc(far, &mut Scripted(script), &HdlcServerConfig::default()).await
    });
    Line::hdlc_in_memory(near, None, config, Trace::off()).unwrap()
}

/// A wrapper line, and the meter's end of it, which the test speaks for.
pub(crate) fn by_hand(config: &LineConfig) -> (Line, ByHand) {
    let (near, far) = duplex(PIPE);
    (Line::wrapper_in_memory(near, config, Trace::off()), ByHand(far))
}

/// The meter's end of a wrapper line.
pub(crate) struct ByHand(pub(crate) DuplexStream);

impl ByHand {
    /// The next APDU of the client.
    pub(crate) async fn hear(&mut self) -> Vec<u8> {
        let mut header = [0; 8];
        self.0.read_exact(&mut header).await.unwrap();
        let mut apdu = vec![0; usize::from(u16::from_be_bytes([header[6], header[7]]))];
        self.0.read_exact(&mut apdu).await.unwrap();
        apdu
    }

    /// Sends an APDU to the client, asked or not.
    pub(crate) async fn say(&mut self, apdu: &str) {
        let apdu = octets(apdu);
        let mut pdu = octets("0001 0001 0010");
        pdu.extend(u16::try_from(apdu.len()).unwrap().to_be_bytes());
        pdu.extend(apdu);
        self.0.write_all(&pdu).await.unwrap();
    }

    /// Opens the association of the client that is connecting.
    pub(crate) async fn accept(&mut self) {
        assert_eq!(self.hear().await[0], 0x60);
        self.say(AARE).await;
    }
}
