//! Invocation counters, read off a line: those of APDUs, and the one in the proof of GMAC.

use dlms_core::acse::Aarq;
use dlms_core::wrapper;

/// Client title and invocation counter of all that was sent under the encryption key, in order, if
/// it is authenticated and not encrypted.
///
/// # Panics
///
/// At what no client of these tests sends.
#[must_use]
pub fn counters(mut sent: &[u8]) -> Vec<(Vec<u8>, u32)> {
    let mut used = Vec::new();
    let mut title = Vec::new();
    while let Some(frame) = wrapper::next_frame(sent) {
        let frame = frame.expect("a wrapper header");
        match frame.apdu {
            [0x60, ..] => {
                let aarq = Aarq::decode(frame.apdu).expect("an AARQ");
                // The public client has none.
                if let Some(calling) = aarq.calling_ap_title {
                    title = calling.to_vec();
                    // glo-initiate-request
                    let initiate = aarq.user_information.expect("an InitiateRequest");
                    assert_eq!(initiate[0], 0x21);
                    used.push((title.clone(), counter(&initiate[1..])));
                }
            }
            // glo-get-request and glo-action-request
            [0xc8 | 0xcb, protected @ ..] => {
                // The proof is made before the APDU that carries it.
                used.extend(proof(protected).map(|counter| (title.clone(), counter)));
                used.push((title.clone(), counter(protected)));
            }
            // What the public client asks, and releases.
            [0xc0 | 0x62, ..] => {}
            other => panic!("what is {other:02x?}?"),
        }
        sent = &sent[frame.consumed()..];
    }
    used
}

/// The counter of a ciphered APDU: length, security control (authenticated), counter, and so on.
fn counter(protected: &[u8]) -> u32 {
    let length_octets = match protected[0] {
        0x81 => 2,
        0x82 => 3,
        _ => 1,
    };
    let header = &protected[length_octets..];
    assert_eq!(header[0], 0x10, "security control");
    u32::from_be_bytes(header[1..5].try_into().expect("four octets"))
}

/// The counter in the proof of GMAC, if this is reply_to_hls_authentication: an octet-string of 17,
/// security control (authenticated), counter, tag.
fn proof(protected: &[u8]) -> Option<u32> {
    const PROOF: [u8; 3] = [0x09, 0x11, 0x10];
    let at = protected.windows(PROOF.len()).position(|window| window == PROOF)?;
    let counter = protected.get(at + PROOF.len()..)?.first_chunk()?;
    Some(u32::from_be_bytes(*counter))
}
