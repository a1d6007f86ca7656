//! The application layer: 20 cases (IEC 62056-5-3), in the order in which an association lives.
//!
//! A case that proposes something unusual uses the client that needs the least, so that nothing
//! but the proposal can be the reason of a rejection.

mod short_names;

use dlms_core::{
    acse::{
        AcseProviderDiagnostic, AcseUserDiagnostic, ApplicationContext, Diagnostic, Mechanism,
        ReleaseResponseReason, Rlre,
    },
    axdr::Writer,
    cosem::{AttributeDescriptor, ClassId, LogicalName},
    security::CipherForm,
    xdlms::{Apdu, Conformance, InitiateResponse, tag},
};

use crate::{
    case::{Case, cases},
    declaration::ClientDeclaration,
    tester::{
        Framing, Tester,
        association::{Association, INVOKE, LDN, OBJECT_LIST, decoded, get, is_data},
        proposal::{DLMS_VERSION, Initiate, Proposal, Reply, user},
    },
    verdict::{Finding, check},
};

pub(super) const CASES: &[Case] = cases![ApplicationLayer:
    "APPL_IDLE_N1" idle_n1, "IEC 62056-5-3 7", "without an association nothing is served";
    "APPL_OPEN_1" open_1, "IEC 62056-5-3 6.2", "every declared association opens and serves";
    "APPL_OPEN_2" open_2, "IEC 62056-5-3 6.2", "a user of the client is named";
    "APPL_OPEN_3" open_3, "IEC 62056-5-3 6.2, 5.3", "passes 3 and 4 of HLS";
    "APPL_OPEN_4" open_4, "IEC 62056-5-3 7.2", "the ACSE protocol version";
    "APPL_OPEN_5" open_5, "IEC 62056-5-3 7.2", "an application context that is not supported";
    "APPL_OPEN_6" open_6, "IEC 62056-5-3 7.2", "titles, qualifiers and invocation identifiers";
    "APPL_OPEN_7" open_7, "IEC 62056-5-3 7.2", "the authentication functional unit";
    "APPL_OPEN_9" open_9, "IEC 62056-5-3 6.2", "a dedicated key";
    "APPL_OPEN_11" open_11, "IEC 62056-5-3 6.2", "a quality of service, which is not used";
    "APPL_OPEN_12" open_12, "IEC 62056-5-3 7.3", "the DLMS version number";
    "APPL_OPEN_13" open_13, "IEC 62056-5-3 7.3.1", "the conformance block";
    "APPL_OPEN_14" open_14, "IEC 62056-5-3 7.3", "the largest PDU that the client takes";
    "APPL_DATA_LN_N1" data_ln_n1, "IEC 62056-5-3 6.7", "faulty GET requests";
    "APPL_DATA_LN_N3" data_ln_n3, "IEC 62056-5-3 6.8", "faulty SET requests";
    "APPL_DATA_LN_N4" data_ln_n4, "IEC 62056-5-3 6", "services that were not agreed on";
    "APPL_DATA_SN_N1" short_names::data_sn_n1, "IEC 62056-5-3 6.12", "faulty Read requests";
    "APPL_DATA_SN_N2" short_names::data_sn_n2, "IEC 62056-5-3 6.13", "faulty Write requests";
    "APPL_DATA_SN_N3" short_names::data_sn_n3, "IEC 62056-5-3 6",
        "services that an association with short names does not have";
    "APPL_REL_P1" rel_p1, "IEC 62056-5-3 6.3", "an association is released and opens again";
];

// Values of InitiateError (IEC 62056-5-3 clause 8, ServiceError).
const DLMS_VERSION_TOO_LOW: u8 = 1;
const INCOMPATIBLE_CONFORMANCE: u8 = 2;
const PDU_SIZE_TOO_SHORT: u8 = 3;

/// The VAA name where objects are referenced by logical names (IEC 62056-5-3 clause 7.3).
const VAA_NAME: u16 = InitiateResponse::VAA_NAME_LN;
/// The smallest PDU size that may be proposed (IEC 62056-5-3 clause 7.3).
const PDU_SIZE_MIN: u16 = 12;
/// A size that answers must be cut for.
const SMALL_PDU: u16 = 96;

/// One proposal of the client that needs the least, on a line of its own.
async fn propose(
    t: &Tester<'_>,
    edit: impl FnOnce(&mut Proposal),
) -> Result<(Reply, bool), Finding> {
    let mut association = t.idle(t.plain_client()).await?;
    let mut proposal = Proposal::of(association.client);
    edit(&mut proposal);
    let reply = association.propose(&proposal).await?;
    // A meter that rejects must not serve either, whatever it says.
    let serves = association.client.mechanism.is_hls() || association.serves().await?;
    Ok((reply, serves))
}

/// A proposal that must be accepted, and the association then serves.
async fn accepted(
    t: &Tester<'_>,
    what: &str,
    edit: impl FnOnce(&mut Proposal),
) -> Result<Reply, Finding> {
    let (reply, serves) = propose(t, edit).await?;
    reply.must_accept(what)?;
    check(serves, || format!("{what} was accepted, and nothing is served"))?;
    Ok(reply)
}

/// Fails when a rejected association serves.
fn serves_not(t: &Tester<'_>, what: &str, serves: bool) -> Result<(), Finding> {
    let fails = serves && !t.plain_client().mechanism.is_hls();
    check(!fails, || format!("{what} was rejected, and then served"))
}

async fn idle_n1(t: &Tester<'_>) -> Result<(), Finding> {
    for client in t.clients() {
        let mut association = t.idle(client).await?;
        let answer = association.ask_octets(&get(LDN)).await?;
        let Some(answer) = answer else { continue };
        check(!is_data(&answer), || {
            format!("GET without an association brought data to client {}", client.sap)
        })?;
        let refuses = matches!(
            answer.first(),
            Some(&(tag::EXCEPTION_RESPONSE | tag::CONFIRMED_SERVICE_ERROR | tag::GET_RESPONSE))
        );
        check(refuses, || format!("GET without an association got {answer:02x?}"))?;
    }
    Ok(())
}

async fn open_1(t: &Tester<'_>) -> Result<(), Finding> {
    for client in t.clients() {
        open_declared(t, client)
            .await
            .map_err(|finding| finding.during(format_args!("client {}", client.sap)))?;
    }
    Ok(())
}

async fn open_declared(t: &Tester<'_>, client: &ClientDeclaration) -> Result<(), Finding> {
    let mut association = t.idle(client).await?;
    let proposal = Proposal::of(client);
    let reply = association.open(&proposal).await?;
    check(reply.application_context == proposal.application_context, || {
        format!("AARE names another application context: {}", reply.application_context)
    })?;
    let due = match client.mechanism.is_hls() {
        true => AcseUserDiagnostic::AuthenticationRequired,
        false => AcseUserDiagnostic::Null,
    };
    check(reply.diagnostic == user(due), || {
        format!("AARE accepts with the diagnostic {}, not {due}", reply.diagnostic)
    })?;
    if client.mechanism.is_hls() {
        check(reply.mechanism == Some(client.mechanism), || {
            let named = reply.mechanism.map_or("none", Mechanism::name);
            format!("AARE names the mechanism {named}")
        })?;
        check((8..=64).contains(&reply.stoc.len()), || {
            format!("the challenge of the meter has {} octets", reply.stoc.len())
        })?;
    }
    check_initiate(&reply, proposal.conformance)?;
    let name = association.value(LDN).await?;
    check(name.len() > 2, || "the logical device name is empty".to_owned())?;
    association.release_properly().await?;
    Ok(())
}

fn check_initiate(reply: &Reply, proposed: Conformance) -> Result<InitiateResponse, Finding> {
    let Some(Initiate::Response(response)) = reply.initiate else {
        return Err(Finding::failed("AARE accepts without an InitiateResponse"));
    };
    check(response.version == DLMS_VERSION, || {
        format!("the meter speaks DLMS version {}", response.version)
    })?;
    check(response.vaa_name == VAA_NAME, || {
        format!("the VAA name is {:#06x}, not {VAA_NAME:#06x}", response.vaa_name)
    })?;
    check(proposed.contains(response.conformance) && !response.conformance.is_empty(), || {
        let agreed: Vec<_> = response.conformance.names().collect();
        format!("of {} something was not proposed, or nothing was agreed on", agreed.join(", "))
    })?;
    Ok(response)
}

async fn open_2(t: &Tester<'_>) -> Result<(), Finding> {
    for user in [0, 7] {
        let what = format!("the user {user}");
        accepted(t, &what, |it| it.calling_ae_invocation_id = Some(user)).await?;
    }
    Ok(())
}

async fn open_3(t: &Tester<'_>) -> Result<(), Finding> {
    let clients = t.clients().filter(|client| client.mechanism.is_hls());
    let mut tried = false;
    for client in clients {
        tried = true;
        authenticate(t, client)
            .await
            .map_err(|finding| finding.during(format_args!("client {}", client.sap)))?;
    }
    match tried {
        true => Ok(()),
        false => Err(Finding::inapplicable("declares no client with HLS")),
    }
}

async fn authenticate(t: &Tester<'_>, client: &ClientDeclaration) -> Result<(), Finding> {
    let mut association = t.idle(client).await?;
    association.propose(&Proposal::of(client)).await?.must_accept("the declared association")?;
    check(!association.serves().await?, || "served before pass 3".to_owned())?;
    // Whether that ended the attempt is left to the meter: pass 3 is tried afresh.
    let mut association = t.idle(client).await?;
    association.open(&Proposal::of(client)).await?;
    check(association.serves().await?, || "does not serve after pass 4".to_owned())?;

    let mut association = t.idle(client).await?;
    association.propose(&Proposal::of(client)).await?.must_accept("the declared association")?;
    let mut wrong = association.proof()?;
    if let Some(octet) = wrong.last_mut() {
        *octet ^= 0x01;
    }
    let answer = association.prove(&wrong).await?;
    check(answer.is_err(), || "a wrong f(StoC) was accepted".to_owned())?;
    check(!association.serves().await?, || "served after a wrong f(StoC)".to_owned())
}

async fn open_4(t: &Tester<'_>) -> Result<(), Finding> {
    accepted(t, "protocol version 1", |_| ()).await?;
    let what = "an AARQ without protocol version 1";
    let (reply, serves) = propose(t, |it| it.protocol_version_1 = false).await?;
    let due = [Diagnostic::Provider(AcseProviderDiagnostic::NoCommonAcseVersion)];
    reply.must_reject(what, &due)?;
    serves_not(t, what, serves)
}

async fn open_5(t: &Tester<'_>) -> Result<(), Finding> {
    let due = [user(AcseUserDiagnostic::ApplicationContextNameNotSupported)];
    let has_short_names = t.declaration.services.contains(Conformance::READ);
    let short_name = Some(ApplicationContext::ShortName).filter(|_| !has_short_names);
    for context in short_name.into_iter().chain([ApplicationContext::Other(9)]) {
        let what = format!("the application context {}", context.code());
        let (reply, serves) = propose(t, |it| it.application_context = context).await?;
        reply.must_reject(&what, &due)?;
        serves_not(t, &what, serves)?;
    }
    Ok(())
}

async fn open_6(t: &Tester<'_>) -> Result<(), Finding> {
    accepted(t, "a called AP title", |it| it.called_ap_title = Some(b"SERVER01".to_vec())).await?;
    accepted(t, "a called AE qualifier", |it| it.called_ae_qualifier = Some(vec![1])).await?;
    accepted(t, "a called AP invocation", |it| it.called_ap_invocation_id = Some(1)).await?;
    accepted(t, "a called AE invocation", |it| it.called_ae_invocation_id = Some(1)).await?;
    accepted(t, "a calling AP invocation", |it| it.calling_ap_invocation_id = Some(1)).await?;
    let title = |it: &mut Proposal| {
        it.calling_ap_title.get_or_insert_with(|| b"CLIENT99".to_vec());
    };
    accepted(t, "a calling AP title", title).await?;
    Ok(())
}

async fn open_7(t: &Tester<'_>) -> Result<(), Finding> {
    for client in t.clients() {
        let during = |finding: Finding| finding.during(format_args!("client {}", client.sap));
        wrong_authentication(t, client).await.map_err(during)?;
    }
    Ok(())
}

async fn wrong_authentication(t: &Tester<'_>, client: &ClientDeclaration) -> Result<(), Finding> {
    let mut proposals = vec![(
        "a mechanism that nobody defined",
        Proposal {
            mechanism: Some(Mechanism::Other(9)),
            authentication_value: Some(vec![0x5a; 32]),
            ..Proposal::of(client)
        },
    )];
    if client.mechanism != Mechanism::Lowest {
        let nothing =
            Proposal { mechanism: None, authentication_value: None, ..Proposal::of(client) };
        proposals.push(("no authentication at all", nothing));
    }
    if client.mechanism == Mechanism::Lls {
        let mut password = client.secret.octets().to_vec();
        if let Some(octet) = password.last_mut() {
            *octet ^= 0x01;
        }
        let wrong = Proposal { authentication_value: Some(password), ..Proposal::of(client) };
        proposals.push(("a wrong password", wrong));
        let empty = Proposal { authentication_value: Some(Vec::new()), ..Proposal::of(client) };
        proposals.push(("an empty password", empty));
    }
    for (what, proposal) in proposals {
        let mut association = t.idle(client).await?;
        let reply = association.propose(&proposal).await?;
        let due = [
            user(AcseUserDiagnostic::NoReasonGiven),
            user(AcseUserDiagnostic::AuthenticationMechanismNameNotRecognised),
            user(AcseUserDiagnostic::AuthenticationMechanismNameRequired),
            user(AcseUserDiagnostic::AuthenticationFailure),
            user(AcseUserDiagnostic::AuthenticationRequired),
        ];
        reply.must_reject(what, &due)?;
        check(!association.serves().await?, || format!("{what} was rejected, and then served"))?;
    }
    Ok(())
}

async fn open_9(t: &Tester<'_>) -> Result<(), Finding> {
    // In clear it is no secret: a meter may pass over it or refuse, and must go on living.
    let plain = t.plain_client();
    if !plain.is_ciphered() {
        let mut association = t.idle(plain).await?;
        let key = Some(plain.key_of(0x5a).octets().to_vec());
        let proposal = Proposal { dedicated_key: key, ..Proposal::of(plain) };
        association.propose(&proposal).await?;
        association.dedicated_key = None;
        accepted(t, "the declared association, after a key in clear", |_| ()).await?;
    }
    let Some(client) = t.clients().find(|client| client.dedicated_key) else {
        return match plain.is_ciphered() {
            true => Err(Finding::inapplicable("declares no client with a dedicated key")),
            false => Ok(()),
        };
    };
    let mut association = t.idle(client).await?;
    let key = Some(client.key_of(0x5a).octets().to_vec());
    let proposal = Proposal { dedicated_key: key, ..Proposal::of(client) };
    association.open(&proposal).await?;
    let envelope = association.envelope(CipherForm::Dedicated)?;
    let request = association.protect(&envelope, &get(LDN))?;
    let answer = association.ask_octets(&request).await?.unwrap_or_default();
    let first = answer.first().copied().unwrap_or_default();
    check(first == tag::DED_GET_RESPONSE, || {
        format!("ded-get-request was answered with {}", tag::name(first))
    })?;
    let plain = association.open_ciphered(&answer)?;
    check(is_data(&plain), || "GET under the dedicated key brought no data".to_owned())
}

async fn open_11(t: &Tester<'_>) -> Result<(), Finding> {
    for quality in [0, 1, -1] {
        let what = format!("the quality of service {quality}");
        accepted(t, &what, |it| it.quality_of_service = Some(quality)).await?;
    }
    Ok(())
}

async fn open_12(t: &Tester<'_>) -> Result<(), Finding> {
    let what = "DLMS version 5";
    let (reply, serves) = propose(t, |it| it.version = 5).await?;
    reply.must_fail(what, DLMS_VERSION_TOO_LOW)?;
    serves_not(t, what, serves)?;
    let reply = accepted(t, "DLMS version 6", |it| it.version = DLMS_VERSION).await?;
    check_initiate(&reply, Conformance::ALL).map(|_| ())
}

/// Services of which an association with logical names has none.
const SHORT_NAME_SERVICES: Conformance = Conformance::READ
    .union(Conformance::WRITE)
    .union(Conformance::UNCONFIRMED_WRITE)
    .union(Conformance::INFORMATION_REPORT)
    .union(Conformance::PARAMETERIZED_ACCESS);

async fn open_13(t: &Tester<'_>) -> Result<(), Finding> {
    let what = "a proposal without any service";
    let (reply, serves) = propose(t, |it| it.conformance = Conformance::NONE).await?;
    reply.must_fail(what, INCOMPATIBLE_CONFORMANCE)?;
    serves_not(t, what, serves)?;
    for proposed in [Conformance::ALL, Conformance::GET] {
        let reply = accepted(t, "a proposal with GET", |it| it.conformance = proposed).await?;
        let response = check_initiate(&reply, proposed)?;
        let agreed = response.conformance;
        let declared = t.declaration.services;
        check(declared.contains(agreed), || {
            let undeclared: Vec<_> =
                agreed.names().filter(|it| !declared.names().any(|d| d == *it)).collect();
            format!("services were agreed on that are not declared: {}", undeclared.join(", "))
        })?;
        let both = declared & proposed;
        let is_in = |name: &str, services: Conformance| services.names().any(|it| it == name);
        let missing = both.names().filter(|name| !is_in(name, agreed | SHORT_NAME_SERVICES));
        let missing: Vec<_> = missing.collect();
        check(missing.is_empty(), || {
            format!("declared services were not agreed on: {}", missing.join(", "))
        })?;
    }
    Ok(())
}

async fn open_14(t: &Tester<'_>) -> Result<(), Finding> {
    let what = "a PDU size of 11 octets";
    let (reply, serves) = propose(t, |it| it.max_receive_pdu = PDU_SIZE_MIN - 1).await?;
    reply.must_fail(what, PDU_SIZE_TOO_SHORT)?;
    serves_not(t, what, serves)?;
    let reply = accepted(t, "a PDU size without limit", |it| it.max_receive_pdu = 0).await?;
    let response = check_initiate(&reply, Conformance::ALL)?;
    check(
        response.max_receive_pdu <= t.declaration.max_pdu || t.declaration.max_pdu == 0xffff,
        || {
            let (found, due) = (response.max_receive_pdu, t.declaration.max_pdu);
            format!("the meter takes {found} octets and declares {due}")
        },
    )?;
    if t.plain_client().mechanism.is_hls() || t.plain_client().is_ciphered() {
        return Ok(());
    }
    let mut association = t.idle(t.plain_client()).await?;
    let proposal = Proposal { max_receive_pdu: SMALL_PDU, ..Proposal::of(association.client) };
    association.open(&proposal).await?;
    let answer = association.ask_octets(&get(OBJECT_LIST)).await?;
    let answer = answer.ok_or_else(|| Finding::failed("GET was not answered"))?;
    check(answer.len() <= usize::from(SMALL_PDU), || {
        format!("an answer has {} octets, and {SMALL_PDU} were agreed", answer.len())
    })
}

/// An open association of the client that needs the least.
async fn plain_association<'t>(t: &'t Tester<'t>) -> Result<Association<'t>, Finding> {
    t.associate(t.plain_client()).await
}

/// After an APDU that the meter refused, the association is as it was.
async fn still_serves(association: &mut Association<'_>, what: &str) -> Result<(), Finding> {
    check(association.serves().await?, || format!("after {what} nothing is served any more"))
}

async fn data_ln_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let right = get(LDN);
    let nowhere = LogicalName([0, 0, 199, 199, 199, 255]);
    let nobody = AttributeDescriptor::new(ClassId(0x7fff), LDN.instance, 2);
    let nothing = AttributeDescriptor::new(LDN.class, nowhere, 2);
    let beyond = AttributeDescriptor { attribute: dlms_core::cosem::AttributeId(0x7f), ..LDN };
    let edited = |at: usize, octet: u8| {
        let mut apdu = right.clone();
        apdu[at] = octet;
        apdu
    };
    let faulty = [
        ("a GET that is cut off", right[..right.len() - 3].to_vec()),
        ("a GET of an undefined choice", edited(1, 9)),
        ("a GET with octets behind its end", [&right[..], &[0x55, 0x55]].concat()),
        ("a GET of a class that does not exist", get(nobody)),
        ("a GET of an object that does not exist", get(nothing)),
        ("a GET of an attribute that does not exist", get(beyond)),
    ];
    for (what, apdu) in faulty {
        let mut association = plain_association(t).await?;
        if let Some(answer) = association.ask(&apdu).await? {
            check(!is_data(&answer), || format!("{what} brought data"))?;
            still_serves(&mut association, what).await?;
        } else if t.framing() == Framing::Wrapper {
            still_serves(&mut association, what).await?;
        }
    }
    Ok(())
}

async fn data_ln_n3(t: &Tester<'_>) -> Result<(), Finding> {
    if !t.declaration.services.contains(Conformance::SET) {
        return Err(Finding::inapplicable("declares no SET"));
    }
    let client = t.strong_client();
    let mut association = t.associate(client).await?;
    let read_only = t.declaration.objects.read_only.unwrap_or(LDN);
    let nowhere = LogicalName([0, 0, 199, 199, 199, 255]);
    let before = association.value(read_only).await?;
    let result = association.set(read_only, &before).await?;
    check(result.code() != 0, || format!("{read_only} is read-only, and SET succeeded"))?;
    let nothing = AttributeDescriptor::new(LDN.class, nowhere, 2);
    let result = association.set(nothing, &[0x00]).await?;
    check(result.code() != 0, || "SET of an object that does not exist succeeded".to_owned())?;
    if let Some(writable) = t.declaration.objects.writable {
        let before = association.value(writable).await?;
        // A structure of nothing is no value of any simple attribute.
        let result = association.set(writable, &[0x02, 0x00]).await?;
        check(result.code() != 0, || format!("SET of {writable} to another type succeeded"))?;
        let after = association.value(writable).await?;
        check(before == after, || format!("a refused SET changed {writable}"))?;
        let result = association.set(writable, &before).await?;
        check(result.code() == 0, || format!("SET of {writable} to its value: {result}"))?;
    }
    // SET of an undefined choice, and one that is cut off.
    let mut apdu = vec![tag::SET_REQUEST, 9, INVOKE.0];
    read_only.encode(&mut Writer::new(&mut apdu));
    for apdu in [apdu.clone(), apdu[..6].to_vec()] {
        if let Some(answer) = association.ask(&apdu).await? {
            let says = decoded(&answer)?;
            let succeeded = matches!(says, Apdu::SetResponse(_)) && answer.get(3) == Some(&0);
            check(!succeeded, || "a faulty SET succeeded".to_owned())?;
        } else {
            association = t.associate(client).await?;
        }
    }
    still_serves(&mut association, "faulty SET requests").await
}

async fn data_ln_n4(t: &Tester<'_>) -> Result<(), Finding> {
    let mut requests = vec![
        // A tag that the standard gives to nobody.
        ("an APDU of an unknown service", vec![0x1b, 0x01, 0xc1, 0x00]),
        // Read of the variable name FA00: short names, in an association with logical names.
        ("a Read by short name", vec![tag::READ_REQUEST, 0x01, 0x02, 0xfa, 0x00]),
    ];
    if !t.declaration.services.contains(Conformance::ACCESS) {
        let mut access = vec![tag::ACCESS_REQUEST, 0x40, 0, 0, 1, 0, 1, 1];
        LDN.encode(&mut Writer::new(&mut access));
        access.extend([1, 0]);
        requests.push(("ACCESS, which is not declared", access));
    }
    for (what, apdu) in requests {
        let mut association = plain_association(t).await?;
        match association.ask_octets(&apdu).await? {
            Some(answer) => {
                let first = answer.first().copied().unwrap_or_default();
                let refuses = [tag::EXCEPTION_RESPONSE, tag::CONFIRMED_SERVICE_ERROR];
                check(refuses.contains(&first), || {
                    format!("{what} was answered with {}", tag::name(first))
                })?;
                still_serves(&mut association, what).await?;
            }
            None if t.framing() == Framing::Wrapper => {
                still_serves(&mut association, what).await?;
            }
            None => {}
        }
    }
    // A service that the meter has and this association was opened without.
    let mut association = t.idle(t.plain_client()).await?;
    if association.client.mechanism.is_hls() {
        return Ok(());
    }
    let proposal =
        Proposal { conformance: Conformance::ACTION, ..Proposal::of(association.client) };
    let reply = association.propose(&proposal).await?;
    if reply.is_accepted() {
        check(!association.serves().await?, || {
            "GET was served, and only ACTION was agreed on".to_owned()
        })?;
    }
    Ok(())
}

async fn rel_p1(t: &Tester<'_>) -> Result<(), Finding> {
    for client in t.clients() {
        released(t, client)
            .await
            .map_err(|finding| finding.during(format_args!("client {}", client.sap)))?;
    }
    Ok(())
}

async fn released(t: &Tester<'_>, client: &ClientDeclaration) -> Result<(), Finding> {
    let mut association = t.associate(client).await?;
    let answer = association.release_properly().await?;
    let rlre = Rlre::decode(&answer)
        .map_err(|error| Finding::failed(format!("RLRQ was not answered with RLRE: {error}")))?;
    check(!matches!(rlre.reason, Some(ReleaseResponseReason::NotFinished)), || {
        "RLRE says that the association is not released".to_owned()
    })?;
    check(!association.serves().await?, || "a released association serves".to_owned())?;
    association.open(&Proposal::of(client)).await?;
    check(association.serves().await?, || {
        "the association that was opened again does not serve".to_owned()
    })?;
    if client.proven_release {
        return Ok(());
    }
    // A release without a reason is one all the same.
    let answer = association.release(None, None).await?;
    let answer = answer.ok_or_else(|| Finding::failed("RLRQ without a reason was not answered"))?;
    Rlre::decode(&answer)
        .map_err(|error| Finding::failed(format!("RLRQ was not answered with RLRE: {error}")))?;
    Ok(())
}
