//! Faulty requests in an association with short names (IEC 62056-5-3 clauses 6.12 to 6.14).

use dlms_core::{
    axdr::{RawData, Writer},
    xdlms::{Apdu, ReadResult, WriteResult, tag},
};

use crate::{
    tester::{
        Framing, Tester,
        association::{Association, LDN, get},
    },
    verdict::{Finding, check},
};

/// The value of the logical device name: its base name is reserved (IEC 62056-6-2, reserved base
/// names), and attribute 2 is 8 behind it.
const NAME: u16 = 0xfd08;
/// No object begins here: base names are multiples of 8.
const NOWHERE: u16 = 0x0003;
/// The choice variable-name of Variable-Access-Specification.
const VARIABLE_NAME: u8 = 2;

/// Read of one variable.
fn read(name: u16) -> Vec<u8> {
    let [high, low] = name.to_be_bytes();
    vec![tag::READ_REQUEST, 1, VARIABLE_NAME, high, low]
}

/// Write of one variable to an encoded Data.
fn write(name: u16, value: &[u8]) -> Vec<u8> {
    let [high, low] = name.to_be_bytes();
    [&[tag::WRITE_REQUEST, 1, VARIABLE_NAME, high, low, 1], value].concat()
}

/// The data of an answer to Read.
fn data(answer: &[u8]) -> Option<Vec<u8>> {
    let Ok(Apdu::ReadResponse(response)) = Apdu::decode(answer) else { return None };
    match response.0.first()? {
        ReadResult::Data(data) => Some(data.octets().to_vec()),
        _ => None,
    }
}

/// Whether an answer says that something was written.
fn is_success(answer: &[u8]) -> bool {
    let Ok(Apdu::WriteResponse(response)) = Apdu::decode(answer) else { return false };
    response.0.contains(&WriteResult::Success)
}

async fn associate<'t>(t: &'t Tester<'t>) -> Result<(Association<'t>, Vec<u8>), Finding> {
    let mut association = t.associate(t.short_name_client()?).await?;
    let answer = association.ask_octets(&read(NAME)).await?.unwrap_or_default();
    let name = data(&answer)
        .ok_or_else(|| Finding::failed("Read of the logical device name brought no data"))?;
    Ok((association, name))
}

/// Sends what must be refused, with an association of its own, which then serves as before.
async fn refused(
    t: &Tester<'_>,
    what: &str,
    apdu: &[u8],
    is_served: impl Fn(&[u8]) -> bool,
) -> Result<(), Finding> {
    let (mut association, name) = associate(t).await?;
    match association.ask_octets(apdu).await? {
        Some(answer) => check(!is_served(&answer), || format!("{what} was served"))?,
        // Over HDLC, silence has cost the link.
        None if t.framing() == Framing::Hdlc => return Ok(()),
        None => {}
    }
    let answer = association.ask_octets(&read(NAME)).await?.unwrap_or_default();
    check(data(&answer) == Some(name), || format!("after {what} nothing is served any more"))
}

pub(super) async fn data_sn_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let right = read(NAME);
    let undefined = [right[0], right[1], 9, right[3], right[4]];
    for (what, apdu) in [
        ("a Read that is cut off", &right[..4]),
        ("a Read of an undefined choice", &undefined[..]),
        ("a Read of a name that does not exist", &read(NOWHERE)[..]),
    ] {
        refused(t, what, apdu, |answer| data(answer).is_some()).await?;
    }
    Ok(())
}

pub(super) async fn data_sn_n2(t: &Tester<'_>) -> Result<(), Finding> {
    let (_, name) = associate(t).await?;
    let mut null = Vec::new();
    RawData::NULL.encode(&mut Writer::new(&mut null));
    for (what, apdu) in [
        ("a Write that is cut off", write(NAME, &[])),
        ("a Write of a name that does not exist", write(NOWHERE, &null)),
        ("a Write of the logical device name", write(NAME, &name)),
    ] {
        refused(t, what, &apdu, is_success).await?;
    }
    Ok(())
}

pub(super) async fn data_sn_n3(t: &Tester<'_>) -> Result<(), Finding> {
    for (what, apdu) in [
        ("a GET, in an association with short names", get(LDN)),
        ("an APDU of an unknown service", vec![0x1b, 0x01, 0xc1, 0x00]),
    ] {
        let is_served = |answer: &[u8]| {
            let first = answer.first().copied().unwrap_or_default();
            ![tag::EXCEPTION_RESPONSE, tag::CONFIRMED_SERVICE_ERROR].contains(&first)
        };
        refused(t, what, &apdu, is_served).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use dlms_core::{
        acse::{Aare, AcseUserDiagnostic, ApplicationContext, AssociationResult, Diagnostic},
        xdlms::{Conformance, DataAccessResult, InitiateResponse, ReadResponse, WriteResponse},
    };
    use dlms_tokio::{ApduServer, WrapperServerConfig, serve_wrapper};
    use tokio::io::duplex;

    use super::*;
    use crate::{Counters, Declaration, Verdict, Way, catalogue, run};

    const DECLARATION: &str = r#"
        services = ["read", "write"]
        [[client]]
        sap = 16
        [[client]]
        sap = 16
        referencing = "sn"
    "#;
    /// octet-string "DHE"
    const VALUE: [u8; 5] = [0x09, 0x03, b'D', b'H', b'E'];

    /// A meter with one variable, which may serve everything that begins like a request.
    struct OneVariable {
        serves_anything: bool,
    }

    impl OneVariable {
        fn read(writer: &mut Writer<'_>) {
            let value = RawData::from_octets(&VALUE).unwrap();
            ReadResponse(vec![ReadResult::Data(value)]).encode(writer);
        }

        fn answer(&self, apdu: &[u8], writer: &mut Writer<'_>) {
            let exception = [tag::EXCEPTION_RESPONSE, 1, 3];
            match Apdu::decode(apdu) {
                Ok(Apdu::Aarq(_)) => {
                    let mut initiate = Vec::new();
                    InitiateResponse {
                        vaa_name: InitiateResponse::VAA_NAME_SN,
                        ..InitiateResponse::new(Conformance::READ, 1_024)
                    }
                    .encode(&mut Writer::new(&mut initiate));
                    let accepted = AssociationResult::Accepted;
                    let diagnostic = Diagnostic::User(AcseUserDiagnostic::Null);
                    Aare {
                        user_information: Some(&initiate),
                        ..Aare::new(ApplicationContext::ShortName, accepted, diagnostic)
                    }
                    .encode(writer);
                }
                _ if apdu == read(NAME) => Self::read(writer),
                _ if self.serves_anything && apdu[0] == tag::WRITE_REQUEST => {
                    WriteResponse(vec![WriteResult::Success]).encode(writer);
                }
                _ if self.serves_anything => Self::read(writer),
                Ok(Apdu::ReadRequest(_)) => {
                    let refusal = ReadResult::Error(DataAccessResult::ObjectUndefined);
                    ReadResponse(vec![refusal]).encode(writer);
                }
                Ok(Apdu::WriteRequest(_)) => {
                    let refusal = WriteResult::Error(DataAccessResult::ReadWriteDenied);
                    WriteResponse(vec![refusal]).encode(writer);
                }
                _ => writer.octets(&exception),
            }
        }
    }

    impl ApduServer for OneVariable {
        fn knows(&self, server: u16) -> bool {
            server == 1
        }

        fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
            self.answer(apdu, &mut Writer::new(out));
            true
        }

        fn disconnected(&mut self, _: u16, _: u16) {}
    }

    async fn verdicts(serves_anything: bool) -> Vec<Verdict> {
        let declaration = Declaration::parse(DECLARATION).unwrap();
        let connect = move || {
            let (near, far) = duplex(4_096);
            tokio::spawn(async move {
                let mut meter = OneVariable { serves_anything };
                serve_wrapper(far, &mut meter, &WrapperServerConfig::default()).await
            });
            near
        };
        let way = Way::Memory(Framing::Wrapper, Box::new(connect));
        let counters = Counters::forgetful(1);
        let mut verdicts = Vec::new();
        for case in catalogue().filter(|case| case.name.starts_with("APPL_DATA_SN_")) {
            verdicts.push(run(case, &declaration, &way, &counters).await.verdict);
        }
        verdicts
    }

    #[tokio::test(start_paused = true)]
    async fn a_meter_that_refuses_what_it_must_passes() {
        assert_eq!(verdicts(false).await, [Verdict::Passed; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_meter_that_serves_anything_fails() {
        assert_eq!(verdicts(true).await, [Verdict::Failed; 3]);
    }
}
