//! The data link layer: ATS_DL, 22 cases (IEC 62056-46).
//!
//! What a meter must not answer is sent once, and silence is waited for as long as an answer may
//! take. A right frame afterwards shows that the meter was there all the time. So every case with
//! an N in its name ends in a connection, and every case begins in NDM.

use core::time::Duration;

use hdlc::{
    address::{Address, AddressLength},
    control::{Control, FrameReject, Sequence},
    parameters::Parameters,
};
use tokio::time::sleep;

use crate::{
    case::{Case, cases},
    declaration::{Declaration, Octets},
    tester::{
        Tester,
        association::{LDN, OBJECT_LIST, get, is_data},
        proposal::{Proposal, Reply},
        raw_frame::{RawFrame, octets},
        station::{Heard, Station, proposal},
    },
    verdict::{Finding, check},
};

pub(super) const CASES: &[Case] = cases![Hdlc:
    "HDLC_FRAME_P1" frame_p1, "IEC 62056-46 6.4.3, 6.4.4.4", "SNRM connects, DISC disconnects";
    "HDLC_FRAME_P2" frame_p2, "IEC 62056-46 6.4.4.3.5",
        "a frame with a gap beyond the inter-octet timeout is given up";
    "HDLC_FRAME_P3" frame_p3, "IEC 62056-46 6.4.4.3.5",
        "a link without frames ends with the inactivity timeout, and not before";
    "HDLC_FRAME_N1" frame_n1, "IEC 62056-46 6.4.1", "octets without flags are no frame";
    "HDLC_FRAME_N2" frame_n2, "IEC 62056-46 6.4.1", "a frame that is too short is passed over";
    "HDLC_FRAME_N3" frame_n3, "IEC 62056-46 6.4.1", "another frame format type is passed over";
    "HDLC_FRAME_N4" frame_n4, "IEC 62056-46 6.4.1", "a frame of another length than it says";
    "HDLC_FRAME_N5" frame_n5, "IEC 62056-46 6.4.3", "a control field that nobody defined";
    "HDLC_FRAME_N7" frame_n7, "IEC 62056-46 6.4.1", "a wrong header check sequence";
    "HDLC_FRAME_N8" frame_n8, "IEC 62056-46 6.4.1", "a wrong frame check sequence";
    "HDLC_ADDRESS_P1" address_p1, "IEC 62056-46 6.4.2", "every declared structure of addresses";
    "HDLC_ADDRESS_N1" address_n1, "IEC 62056-46 6.4.2", "a client address of two octets";
    "HDLC_ADDRESS_N4" address_n4, "IEC 62056-46 6.4.2", "a destination that does not exist";
    "HDLC_ADDRESS_N6" address_n6, "IEC 62056-46 6.4.2",
        "an address of one octet where two or four are expected";
    "HDLC_ADDRESS_N7" address_n7, "IEC 62056-46 6.4.2", "addresses of three and of five octets";
    "HDLC_NDM2NRM_P1" ndm2nrm_p1, "IEC 62056-46 6.4.4.4", "information fields are negotiated";
    "HDLC_NDM2NRM_P2" ndm2nrm_p2, "IEC 62056-46 6.4.4.4", "windows are negotiated";
    "HDLC_INFO_P1" info_p1, "IEC 62056-46 6.4.4.5", "I-frames both ways, numbered modulo 8";
    "HDLC_INFO_N1" info_n1, "IEC 62056-46 6.4.3", "an information field longer than agreed";
    "HDLC_INFO_N2" info_n2, "IEC 62056-46 6.4.3", "an N(R) that acknowledges what was never sent";
    "HDLC_INFO_N3" info_n3, "IEC 62056-46 6.4.4.5", "an N(S) out of order";
    "HDLC_NDMOP_N1" ndmop_n1, "IEC 62056-46 6.4.4.4", "an I-frame without a link";
];

const SNRM: Control = Control::Snrm { pf: true };

/// A station of a client whose APDUs can be written without keys.
async fn station<'t>(t: &'t Tester<'t>) -> Result<Station<'t>, Finding> {
    t.station(t.plain_client()).await
}

/// The AARQ of the client that needs the least.
fn aarq(t: &Tester<'_>) -> Result<Vec<u8>, Finding> {
    let client = t.plain_client();
    if client.is_ciphered() {
        return Err(Finding::inapplicable("declares no client without ciphering"));
    }
    let proposal = Proposal::of(client);
    Ok(proposal.aarq(&proposal.initiate()))
}

/// Opens the link and an association on it.
async fn associate(
    t: &Tester<'_>,
    station: &mut Station<'_>,
    proposal: Option<Parameters>,
) -> Result<Parameters, Finding> {
    let aarq = aarq(t)?;
    if t.plain_client().mechanism.is_hls() {
        return Err(Finding::inapplicable("declares no client without HLS"));
    }
    let parameters = station.connect(proposal).await?;
    let answer = station.exchange_apdu(&aarq).await?;
    Reply::decode(&answer)?.must_accept("the declared association")?;
    Ok(parameters)
}

/// The meter is there, and connects as if nothing had been.
async fn still_connects(station: &mut Station<'_>) -> Result<(), Finding> {
    station.connect(None).await.map_err(|finding| finding.during("afterwards"))?;
    station.disconnect().await?;
    Ok(())
}

/// Sends what must be passed over, in NDM.
async fn ignored(t: &Tester<'_>, frame: RawFrame, what: &str) -> Result<(), Finding> {
    let mut station = station(t).await?;
    station.expect_silence(&frame, what).await?;
    still_connects(&mut station).await
}

/// SNRM that would connect.
async fn snrm(t: &Tester<'_>) -> Result<RawFrame, Finding> {
    Ok(station(t).await?.frame(SNRM))
}

async fn frame_p1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut station = station(t).await?;
    let proposal = station.declared();
    let parameters = station.connect(Some(proposal)).await?;
    check(parameters.information_transmit <= proposal.information_receive, || {
        format!("UA promises more than was proposed and declared: {parameters:?}")
    })?;
    let heard = station.disconnect().await?;
    expect(heard, "DISC in NRM", "UA", |heard| matches!(heard.control, Control::Ua { pf: true }))?;
    let heard = station.disconnect().await?;
    expect(heard, "DISC in NDM", "DM", |heard| matches!(heard.control, Control::Dm { pf: true }))
}

/// Fails unless a frame came and is what was due.
fn expect(
    heard: Option<Heard>,
    what: &str,
    due: &str,
    is_due: impl Fn(&Heard) -> bool,
) -> Result<(), Finding> {
    match heard {
        Some(heard) if is_due(&heard) => Ok(()),
        Some(heard) => {
            let control = heard.control;
            Err(Finding::failed(format!("{what} was answered with {control}, not {due}")))
        }
        None => Err(Finding::failed(format!("{what} was not answered; {due} is due"))),
    }
}

async fn frame_p2(t: &Tester<'_>) -> Result<(), Finding> {
    let mut station = station(t).await?;
    let timeout = t.declaration.hdlc.inter_octet_timeout;
    let octets = station.frame(SNRM).encode();
    let (first, second) = octets.split_at(octets.len() / 2);
    station.send_octets(first).await?;
    sleep(timeout * 3).await;
    station.send_octets(second).await?;
    station.hear_nothing("a frame with a gap beyond the inter-octet timeout").await?;
    // What is left of it does not spoil the next one either.
    sleep(timeout * 3).await;
    still_connects(&mut station).await
}

async fn frame_p3(t: &Tester<'_>) -> Result<(), Finding> {
    let timeout = t.declaration.hdlc.inactivity_timeout;
    let timeout = timeout.ok_or_else(|| Finding::inapplicable("declares no inactivity timeout"))?;
    let mut station = station(t).await?;
    station.connect(None).await?;
    sleep(timeout / 2).await;
    let poll = |station: &Station<'_>| station.frame(Control::Rr { nr: station.vr, pf: true });
    let heard = station.ask(&poll(&station)).await?;
    expect(heard, "a poll before the inactivity timeout", "RR", |heard| {
        matches!(heard.control, Control::Rr { pf: true, .. })
    })?;
    sleep(timeout + timeout / 4 + Duration::from_millis(200)).await;
    match station.ask(&poll(&station)).await? {
        None => {}
        Some(heard) if matches!(heard.control, Control::Dm { .. }) => {}
        Some(heard) => {
            let control = heard.control;
            return Err(Finding::failed(format!(
                "after the inactivity timeout a poll was answered with {control}"
            )));
        }
    }
    still_connects(&mut station).await
}

async fn frame_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let snrm = snrm(t).await?;
    let no_opening = RawFrame { opening_flag: false, ..snrm.clone() };
    ignored(t, no_opening, "a frame without opening flag").await?;
    let mut station = station(t).await?;
    let no_closing = RawFrame { closing_flag: false, ..snrm };
    station.expect_silence(&no_closing, "a frame without closing flag").await?;
    sleep(t.declaration.hdlc.inter_octet_timeout * 3).await;
    still_connects(&mut station).await
}

async fn frame_n2(t: &Tester<'_>) -> Result<(), Finding> {
    let mut station = station(t).await?;
    // A frame that ends behind its control field, with a length that says so.
    let mut short = RawFrame { length_error: -2, ..station.frame(SNRM) }.encode();
    let sum = short.len() - 3;
    short.drain(sum..sum + 2);
    station.send_octets(&short).await?;
    station.hear_nothing("a frame that is too short").await?;
    sleep(t.declaration.hdlc.inter_octet_timeout * 3).await;
    still_connects(&mut station).await
}

async fn frame_n3(t: &Tester<'_>) -> Result<(), Finding> {
    let snrm = snrm(t).await?;
    for format in [0x9, 0xb] {
        let what = format!("a frame of format type {format:#x}");
        ignored(t, RawFrame { format, ..snrm.clone() }, &what).await?;
    }
    Ok(())
}

async fn frame_n4(t: &Tester<'_>) -> Result<(), Finding> {
    let snrm = snrm(t).await?;
    for length_error in [-1, 1] {
        let mut station = station(t).await?;
        let frame = RawFrame { length_error, ..snrm.clone() };
        station.expect_silence(&frame, "a frame of another length than it says").await?;
        sleep(t.declaration.hdlc.inter_octet_timeout * 3).await;
        still_connects(&mut station).await?;
    }
    Ok(())
}

async fn frame_n5(t: &Tester<'_>) -> Result<(), Finding> {
    let mut station = station(t).await?;
    station.connect(None).await?;
    // An unnumbered command, with P = 1, that IEC 62056-46 does not have.
    let undefined = Control::Other(0xf3);
    match station.ask(&station.frame(undefined)).await? {
        // To say nothing is to discard the frame, which a frame that means nothing deserves.
        None => {}
        Some(heard) => {
            let reject = FrameReject::decode(&heard.information);
            let quotes = reject.is_some_and(|it| it.control == undefined && it.undefined_control);
            check(matches!(heard.control, Control::Frmr { .. }) && quotes, || {
                let control = heard.control;
                format!("an undefined control field was answered with {control}")
            })?;
        }
    }
    still_connects(&mut station).await
}

async fn frame_n7(t: &Tester<'_>) -> Result<(), Finding> {
    let aarq = Station::pdu(&aarq(t)?);
    let mut station = station(t).await?;
    station.connect(None).await?;
    let right = station.information(&aarq);
    let wrong = RawFrame { hcs_error: 0x0101, ..right.clone() };
    station.expect_silence(&wrong, "a wrong header check sequence").await?;
    takes_it_after_all(&mut station, &right).await
}

/// A frame that was discarded has not been counted: it can be sent again, right this time.
async fn takes_it_after_all(station: &mut Station<'_>, right: &RawFrame) -> Result<(), Finding> {
    let heard = station.ask(right).await?;
    let due = station.vs.next();
    expect(
        heard,
        "the right frame afterwards",
        "I with the next N(R)",
        |heard| matches!(heard.control, Control::I { nr, .. } if nr == due),
    )
}

async fn frame_n8(t: &Tester<'_>) -> Result<(), Finding> {
    let wrong = RawFrame { fcs_error: 0x0101, ..snrm(t).await? };
    ignored(t, wrong, "SNRM with a wrong frame check sequence").await?;
    let aarq = Station::pdu(&aarq(t)?);
    let mut station = station(t).await?;
    station.connect(None).await?;
    let right = station.information(&aarq);
    // The header is right: a meter may look at P and say RR, but must not count the frame.
    match station.ask(&RawFrame { fcs_error: 0x0101, ..right.clone() }).await? {
        None => {}
        Some(heard) => {
            check(matches!(heard.control, Control::Rr { nr, .. } if nr == station.vs), || {
                format!("a wrong frame check sequence was answered with {}", heard.control)
            })?
        }
    }
    takes_it_after_all(&mut station, &right).await
}

async fn address_p1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut station = station(t).await?;
    for &length in &t.declaration.hdlc.address_lengths {
        let Some(server) = t.declaration.hdlc_address(length) else { continue };
        station.server = server;
        let heard = station.ask(&station.frame(SNRM)).await?;
        let heard = heard.ok_or_else(|| {
            Finding::failed(format!("SNRM to {} was not answered", Octets(length)))
        })?;
        check(heard.source == server && heard.destination == station.client, || {
            format!("the answer to SNRM to {} came from or went to another", Octets(length))
        })?;
        check(matches!(heard.control, Control::Ua { pf: true }), || {
            format!("SNRM to {} was answered with {}", Octets(length), heard.control)
        })?;
        station.disconnect().await?;
    }
    Ok(())
}

async fn address_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let snrm = snrm(t).await?;
    let source = vec![0x00, snrm.source[0]];
    ignored(t, RawFrame { source, ..snrm }, "a client address of two octets").await
}

async fn address_n4(t: &Tester<'_>) -> Result<(), Finding> {
    let snrm = snrm(t).await?;
    let known = |upper: u16| t.declaration.logical_devices.contains_key(&upper);
    let Some(unknown) = (0x20..0x70).rev().find(|upper| !known(*upper)) else {
        return Err(Finding::inconclusive("every upper address is a logical device"));
    };
    let length = t.address_length();
    let physical = t.declaration.hdlc.physical;
    let upper = address(length, unknown, physical.unwrap_or_default())?;
    let frame = RawFrame { destination: octets(upper), ..snrm.clone() };
    ignored(t, frame, "a logical device that does not exist").await?;
    for lower in others(t.declaration)? {
        let frame = RawFrame { destination: octets(lower), ..snrm.clone() };
        ignored(t, frame, "a physical device that does not exist").await?;
    }
    Ok(())
}

/// The management logical device of a physical device that does not exist, in each declared length
/// that has a lower part: one octet would be the meter's own address.
fn others(declaration: &Declaration) -> Result<Vec<Address>, Finding> {
    let Some(physical) = declaration.hdlc.physical else { return Ok(Vec::new()) };
    let other = if physical == 0x55 { 0x56 } else { 0x55 };
    let lengths = declaration.hdlc.address_lengths.iter().copied();
    lengths
        .filter(|length| *length != AddressLength::One)
        .filter(|length| declaration.hdlc_address(*length).is_some())
        .map(|length| address(length, declaration.server, other))
        .collect()
}

fn address(length: AddressLength, upper: u16, lower: u16) -> Result<Address, Finding> {
    let small = |part: u16| u8::try_from(part).unwrap_or(u8::MAX);
    let address = match length {
        AddressLength::One => Address::try_one(small(upper)),
        AddressLength::Two => Address::try_two(small(upper), small(lower)),
        AddressLength::Four => Address::try_four(upper, lower),
    };
    address.map_err(|error| Finding::inconclusive(error.to_string()))
}

async fn address_n6(t: &Tester<'_>) -> Result<(), Finding> {
    if t.declaration.hdlc.address_lengths.contains(&AddressLength::One) {
        return Err(Finding::inapplicable("declares addresses of one octet"));
    }
    let snrm = snrm(t).await?;
    let destination = octets(address(AddressLength::One, t.declaration.server, 0)?);
    let frame = RawFrame { destination, ..snrm };
    ignored(t, frame, "an address of one octet, of which the device has none").await
}

async fn address_n7(t: &Tester<'_>) -> Result<(), Finding> {
    let snrm = snrm(t).await?;
    let server = octets(address(AddressLength::One, t.declaration.server, 0)?)[0];
    for octets in [3, 5] {
        let mut destination = vec![server & !1];
        destination.resize(octets - 1, 0x00);
        destination.push(0x23);
        let what = format!("an address of {octets} octets");
        ignored(t, RawFrame { destination, ..snrm.clone() }, &what).await?;
    }
    Ok(())
}

/// Whether UA agrees to more than was proposed or than is declared.
fn check_agreed(proposed: Parameters, agreed: Parameters, t: &Tester<'_>) -> Result<(), Finding> {
    let hdlc = &t.declaration.hdlc;
    let information = proposed.information_receive.min(hdlc.information_max);
    check(agreed.information_transmit <= information, || {
        let (due, found) = (information.octets(), agreed.information_transmit.octets());
        format!("the meter wants to send {found} octets, and may send {due}")
    })?;
    let information = proposed.information_transmit.min(hdlc.information_max);
    check(agreed.information_receive <= information, || {
        let (due, found) = (information.octets(), agreed.information_receive.octets());
        format!("the meter takes {found} octets, and agreed or declares {due}")
    })?;
    let window = proposed.window_receive.min(hdlc.window_max);
    check(agreed.window_transmit <= window, || {
        let (due, found) = (window.frames(), agreed.window_transmit.frames());
        format!("the meter wants a window of {found}, and may have {due}")
    })?;
    let window = proposed.window_transmit.min(hdlc.window_max);
    check(agreed.window_receive <= window, || {
        let (due, found) = (window.frames(), agreed.window_receive.frames());
        format!("the meter takes a window of {found}, and agreed or declares {due}")
    })
}

/// Proposals of one kind: what UA agrees to, and that the meter keeps to it in a long answer.
async fn negotiated(t: &Tester<'_>, proposals: &[Option<Parameters>]) -> Result<(), Finding> {
    for &proposed in proposals {
        let mut station = station(t).await?;
        let agreed = associate(t, &mut station, proposed).await?;
        // Nothing proposed means the defaults of the standard, which the meter need not fill.
        let proposed = proposed.unwrap_or(Parameters::DEFAULT);
        check_agreed(proposed, agreed, t)?;
        let answer = station.exchange(&get(OBJECT_LIST)).await?;
        let most = usize::from(agreed.information_transmit.octets());
        check(answer.longest_field <= most, || {
            let found = answer.longest_field;
            format!("an information field has {found} octets, and {most} were agreed")
        })?;
        let most = usize::from(agreed.window_transmit.frames());
        check(answer.most_in_a_row <= most, || {
            let found = answer.most_in_a_row;
            format!("{found} I-frames came in a row, and a window of {most} was agreed")
        })?;
        station.disconnect().await?;
    }
    Ok(())
}

async fn ndm2nrm_p1(t: &Tester<'_>) -> Result<(), Finding> {
    let declared = t.declaration.hdlc.information_max.octets();
    let proposals = [
        None,
        Some(proposal(declared, 1)?),
        Some(proposal(2030, 1)?),
        Some(proposal((declared / 2).max(1), 1)?),
    ];
    negotiated(t, &proposals).await
}

async fn ndm2nrm_p2(t: &Tester<'_>) -> Result<(), Finding> {
    let information = t.declaration.hdlc.information_max.octets();
    let declared = t.declaration.hdlc.window_max.frames();
    let mut proposals = Vec::new();
    for window in [declared, 7, 1] {
        proposals.push(Some(proposal(information, window)?));
    }
    negotiated(t, &proposals).await
}

async fn info_p1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut station = station(t).await?;
    associate(t, &mut station, None).await?;
    // Once around the numbers, and a little further.
    for _ in 0..=Sequence::COUNT {
        let answer = station.exchange_apdu(&get(LDN)).await?;
        check(is_data(&answer), || "GET of the logical device name brought no data".to_owned())?;
    }
    Ok(())
}

async fn info_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut station = station(t).await?;
    let agreed = station.connect(None).await?;
    let most = usize::from(agreed.information_receive.octets());
    let aarq = Station::pdu(&aarq(t)?);
    let mut long = aarq.clone();
    long.resize(most + 1, 0x00);
    match station.ask(&station.information(&long)).await? {
        None => {}
        Some(heard) => {
            let reject = FrameReject::decode(&heard.information);
            check(matches!(heard.control, Control::Frmr { .. }), || {
                let control = heard.control;
                format!("{} octets of information, one too many, got {control}", most + 1)
            })?;
            check(reject.is_some_and(|reject| reject.information_too_long), || {
                format!("FRMR does not say that the field is too long: {reject:?}")
            })?;
        }
    }
    still_connects(&mut station).await
}

async fn info_n2(t: &Tester<'_>) -> Result<(), Finding> {
    let aarq = Station::pdu(&aarq(t)?);
    let mut station = station(t).await?;
    station.connect(None).await?;
    // Nothing was sent to us, and this acknowledges three frames.
    let control = Control::I { ns: station.vs, nr: Sequence::new(3), pf: true };
    let frame = station.frame(control).with_information(&aarq);
    match station.ask(&frame).await? {
        None => {}
        Some(heard) => {
            let reject = FrameReject::decode(&heard.information);
            let says_so = reject.is_some_and(|reject| reject.invalid_nr);
            check(matches!(heard.control, Control::Frmr { .. }) && says_so, || {
                let control = heard.control;
                format!("an N(R) of what was never sent was answered with {control}")
            })?;
        }
    }
    still_connects(&mut station).await
}

async fn info_n3(t: &Tester<'_>) -> Result<(), Finding> {
    let aarq = Station::pdu(&aarq(t)?);
    let mut station = station(t).await?;
    station.connect(None).await?;
    let right = station.information(&aarq);
    let control = Control::I { ns: Sequence::new(5), nr: station.vr, pf: true };
    let wrong = station.frame(control).with_information(&aarq);
    match station.ask(&wrong).await? {
        None => {}
        Some(heard) => {
            let asks_again = match heard.control {
                Control::Rr { nr, .. } | Control::Rej { nr, .. } => nr == station.vs,
                _ => false,
            };
            check(asks_again, || {
                format!("an N(S) out of order was answered with {}", heard.control)
            })?;
        }
    }
    takes_it_after_all(&mut station, &right).await
}

async fn ndmop_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let aarq = Station::pdu(&aarq(t)?);
    let mut station = station(t).await?;
    let heard = station.ask(&station.information(&aarq)).await?;
    expect(heard, "an I-frame in NDM", "DM", |heard| {
        matches!(heard.control, Control::Dm { pf: true })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_is_not_taken_for_another_physical_device_in_an_address_that_names_none() {
        for (lengths, physical, due) in [
            ("[1, 4]", 17, vec![Address::try_four(1, 0x55).unwrap()]),
            (
                "[4, 2]",
                0x55,
                vec![Address::try_four(1, 0x56).unwrap(), Address::try_two(1, 0x56).unwrap()],
            ),
            ("[1]", 17, vec![]),
        ] {
            let text = format!(
                "services = []\n[hdlc]\naddress_octets = {lengths}\nphysical = {physical}\n\
                 [[client]]\nsap = 16\n"
            );
            let declaration = Declaration::parse(&text).unwrap();
            assert_eq!(others(&declaration), Ok(due), "{lengths}");
        }
    }
}
