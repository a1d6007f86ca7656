//! Security suite 0: SYMSEC_0, 15 cases (IEC 62056-5-3 clause 5; Green Book 9.2).
//!
//! They use the first client that declares authentication and encryption. Its counters go on from
//! case to case, as those of any client must. The names are of suite 0, for which the cases were
//! made; a client that declares suite 1 or 2 goes through the same with the keys of that suite.

use dlms_core::{
    acse::{ApplicationContext, ReleaseRequestReason, ReleaseResponseReason, Rlre},
    axdr::DataBuf,
    cosem::{ClassId, MethodDescriptor},
    security::{
        CipherForm, CryptoProvider, Key, Protection, RustCrypto, SecurityControl, SystemTitle,
    },
    xdlms::{Apdu, Conformance, ExceptionResponse, ExceptionService, tag},
};

use crate::{
    case::{Case, cases},
    tester::{
        Tester,
        association::{Association, Envelope, LDN, OBJECT_LIST, get, is_data},
        proposal::Proposal,
    },
    verdict::{Finding, check},
};

pub(super) const CASES: &[Case] = cases![Symsec0:
    "SYMSEC_0_BasicCap_1" basic_cap_1, "IEC 62056-5-3 5.3, 5.7",
        "an association with ciphering opens and serves, every answer protected";
    "SYMSEC_0_FraCount_1" fra_count_1, "IEC 62056-5-3 5.7",
        "an APDU that comes again, or with an older counter, is refused";
    "SYMSEC_0_FraCount_3" fra_count_3, "IEC 62056-5-3 5.7",
        "the counter of the meter grows with every APDU, from association to association";
    "SYMSEC_0_Key_Tx_P1" key_tx_p1, "IEC 62056-6-2 class 64 method 2",
        "the encryption key is changed, and changed back";
    "SYMSEC_0_Key_Tx_P2" key_tx_p2, "IEC 62056-6-2 class 64 method 2",
        "the authentication key is changed, and changed back";
    "SYMSEC_0_Key_Tx_P3" key_tx_p3, "IEC 62056-6-2 class 64 method 2",
        "both keys are changed at once, and changed back";
    "SYMSEC_0_Key_Tx_N1" key_tx_n1, "IEC 62056-6-2 class 64 method 2",
        "a key with an identifier that does not exist";
    "SYMSEC_0_Key_Tx_N2" key_tx_n2, "IEC 62056-6-2 class 64 method 2",
        "a key that is wrapped with another master key";
    "SYMSEC_0_DedKey_N1" ded_key_n1, "IEC 62056-5-3 5.5",
        "a dedicated key that was not agreed on opens nothing";
    "SYMSEC_0_SecDataX_P1" sec_data_x_p1, "IEC 62056-5-3 5.7",
        "every form of protection is answered in the same form";
    "SYMSEC_0_SecDataX_N1" sec_data_x_n1, "IEC 62056-5-3 5.7",
        "an APDU with a wrong tag, key or title is refused and counts for nothing";
    "SYMSEC_0_REL_N1" rel_n1, "IEC 62056-5-3 6.3",
        "a release without proof does not end the association";
    "SYMSEC_0_SecPol_1" sec_pol_1, "IEC 62056-6-2 class 64", "what is not protected is refused";
    "SYMSEC_0_SecPol_2" sec_pol_2, "IEC 62056-6-2 class 64",
        "what is less protected than the policy demands is refused";
    "SYMSEC_0_SecPol_3" sec_pol_3, "IEC 62056-5-3 5.2",
        "an association without ciphering is refused where the policy demands it";
];

/// An open association with authentication and encryption.
async fn ciphered<'t>(t: &'t Tester<'t>) -> Result<Association<'t>, Finding> {
    t.associate(t.ciphered_client()?).await
}

/// Sends a ciphered APDU that must be refused: anything but data, or silence.
async fn refused(
    association: &mut Association<'_>,
    apdu: &[u8],
    what: &str,
) -> Result<Option<ExceptionService>, Finding> {
    let Some(answer) = association.ask_octets(apdu).await? else { return Ok(None) };
    let first = answer.first().copied().unwrap_or_default();
    if first == tag::EXCEPTION_RESPONSE {
        let exception = ExceptionResponse::decode(&answer).ok();
        return Ok(exception.map(|exception| exception.service));
    }
    let plain = match CipherForm::from_tag(first) {
        Some(_) => association.open_ciphered(&answer).map_err(|_| {
            Finding::failed(format!("{what} was answered with {}", tag::name(first)))
        })?,
        None => answer,
    };
    check(!is_data(&plain), || format!("{what} was served"))?;
    Ok(None)
}

/// The association is as it was, or the meter closed it and it opens again.
async fn still_serves(association: &mut Association<'_>, what: &str) -> Result<(), Finding> {
    if association.serves().await.is_ok_and(|serves| serves) {
        return Ok(());
    }
    let opened = association.open(&Proposal::of(association.client)).await;
    opened.map_err(|finding| finding.during(format_args!("after {what}")))?;
    check(association.serves().await?, || format!("after {what} nothing is served any more"))
}

async fn basic_cap_1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = t.idle(t.ciphered_client()?).await?;
    association.open(&Proposal::of(association.client)).await?;
    // Short, and long: the blocks are protected one by one.
    association.value(LDN).await?;
    association.value(OBJECT_LIST).await?;
    association.release_properly().await?;
    Ok(())
}

async fn fra_count_1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = ciphered(t).await?;
    let older = association.envelope(CipherForm::Global)?;
    let envelope = association.envelope(CipherForm::Global)?;
    let request = association.protect(&envelope, &get(LDN))?;
    let answer = association.ask_ciphered(&request).await?.unwrap_or_default();
    check(is_data(&answer), || "GET under the global key brought no data".to_owned())?;
    // Reading twice does no harm; that it is served shows that nobody looks at the counter.
    let again = "an APDU that came before";
    if let Some(ExceptionService::InvocationCounterError(expected)) =
        refused(&mut association, &request, again).await?
    {
        check(expected > envelope.counter, || {
            format!("after the counter {} the meter expects {expected}", envelope.counter)
        })?;
    }
    let request = association.protect(&older, &get(LDN))?;
    refused(&mut association, &request, "an APDU with an older counter").await?;
    still_serves(&mut association, again).await
}

async fn fra_count_3(t: &Tester<'_>) -> Result<(), Finding> {
    let mut last = None;
    for _ in 0..2 {
        let mut association = ciphered(t).await?;
        for _ in 0..3 {
            let received = association.received;
            let received = received
                .ok_or_else(|| Finding::inconclusive("nothing came under the global key"))?;
            check(last.is_none_or(|last| received > last), || {
                format!("the counter {received} came after {}", last.unwrap_or_default())
            })?;
            last = Some(received);
            association.value(LDN).await?;
        }
        association.release_properly().await?;
    }
    Ok(())
}

/// Identifiers of keys (IEC 62056-6-2, class 64 method 2).
const GUEK: u8 = 0;
const GAK: u8 = 2;
const NO_KEY: u8 = 9;

/// What a key is changed to: the declared one with its last bit turned, so that whoever has the
/// declaration still has the meter when a run is broken off half way.
fn changed(key: &Key) -> Result<Key, Finding> {
    let mut octets = key.octets().to_vec();
    if let Some(octet) = octets.last_mut() {
        *octet ^= 0x01;
    }
    Key::try_from(&octets[..]).map_err(|error| Finding::inconclusive(error.to_string()))
}

/// An association whose client has a master key, and the security setup.
async fn transferring<'t>(
    t: &'t Tester<'t>,
) -> Result<(Association<'t>, MethodDescriptor, Key), Finding> {
    let client = t.ciphered_client()?;
    let master = client.master_key.clone();
    let master = master.ok_or_else(|| Finding::inapplicable("declares no master key"))?;
    let name = t.declaration.objects.security_setup;
    let name = name.ok_or_else(|| Finding::inapplicable("declares no security setup"))?;
    let method = MethodDescriptor::new(ClassId::SECURITY_SETUP, name, 2);
    Ok((t.associate(client).await?, method, master))
}

/// The parameter of key_transfer: identifiers, and keys wrapped with `master`.
fn wrapped(master: &Key, keys: &[(u8, &Key)]) -> Result<Vec<u8>, Finding> {
    let mut items = Vec::new();
    for (id, key) in keys {
        let wrapped = RustCrypto.key_wrap(master, key);
        let wrapped = wrapped.map_err(|error| Finding::inconclusive(error.to_string()))?;
        items.push(DataBuf::structure([DataBuf::Enum(*id), DataBuf::octet_string(wrapped)]));
    }
    Ok(DataBuf::array(items).to_octets())
}

/// Changes keys, shows that the new ones serve and the old ones do not, and changes them back.
async fn key_tx(t: &Tester<'_>, ids: &[u8]) -> Result<(), Finding> {
    let (mut association, method, master) = transferring(t).await?;
    let Some(old) = association.encryption_key.clone().zip(association.authentication_key.clone())
    else {
        return Err(Finding::inapplicable("declares no keys"));
    };
    let new = (
        if ids.contains(&GUEK) { changed(&old.0)? } else { old.0.clone() },
        if ids.contains(&GAK) { changed(&old.1)? } else { old.1.clone() },
    );
    let parameter = |keys: &(Key, Key)| {
        let all = [(GUEK, &keys.0), (GAK, &keys.1)];
        let chosen: Vec<_> = all.into_iter().filter(|(id, _)| ids.contains(id)).collect();
        wrapped(&master, &chosen)
    };
    let mut change = async |keys: &(Key, Key), what: &str| {
        let answer = association.invoke(method, Some(&parameter(keys)?)).await?;
        answer.map_err(|refusal| Finding::failed(format!("{what} was refused: {refusal}")))?;
        // The answer came under the old keys; from here on the new ones count.
        let before = (association.encryption_key.clone(), association.authentication_key.clone());
        association.encryption_key = Some(keys.0.clone());
        association.authentication_key = Some(keys.1.clone());
        if association.serves().await? {
            return Ok(());
        }
        (association.encryption_key, association.authentication_key) = before;
        Err(Finding::failed(format!("after {what} the new key serves nothing")))
    };
    change(&new, "a key transfer").await?;
    change(&old, "the transfer of the old key").await
}

async fn key_tx_p1(t: &Tester<'_>) -> Result<(), Finding> {
    key_tx(t, &[GUEK]).await
}

async fn key_tx_p2(t: &Tester<'_>) -> Result<(), Finding> {
    key_tx(t, &[GAK]).await
}

async fn key_tx_p3(t: &Tester<'_>) -> Result<(), Finding> {
    key_tx(t, &[GUEK, GAK]).await
}

/// A transfer that must be refused, and the keys are as they were.
async fn refused_transfer(
    association: &mut Association<'_>,
    method: MethodDescriptor,
    parameter: &[u8],
    what: &str,
) -> Result<(), Finding> {
    let answer = association.invoke(method, Some(parameter)).await?;
    check(answer.is_err(), || format!("{what} was confirmed"))?;
    check(association.serves().await?, || format!("after {what} the old keys serve nothing"))
}

async fn key_tx_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let (mut association, method, master) = transferring(t).await?;
    let key = association.client.key_of(0x5a);
    let parameter = wrapped(&master, &[(NO_KEY, &key)])?;
    refused_transfer(&mut association, method, &parameter, "the transfer of key 9").await
}

async fn key_tx_n2(t: &Tester<'_>) -> Result<(), Finding> {
    let (mut association, method, master) = transferring(t).await?;
    let key = association.client.key_of(0x5a);
    let parameter = wrapped(&changed(&master)?, &[(GUEK, &key)])?;
    let what = "the transfer of a key wrapped with another master key";
    refused_transfer(&mut association, method, &parameter, what).await
}

async fn ded_key_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = ciphered(t).await?;
    let key = association.client.key_of(0x5a);
    let envelope = Envelope {
        key: key.clone(),
        form: CipherForm::Dedicated,
        ..association.envelope(CipherForm::Global)?
    };
    let request = association.protect(&envelope, &get(LDN))?;
    let what = "an APDU under a dedicated key that nobody agreed on";
    refused(&mut association, &request, what).await?;
    still_serves(&mut association, what).await?;
    if !association.client.dedicated_key {
        return Ok(());
    }
    // A key of an association that was, in one that is.
    let mut association = t.idle(association.client).await?;
    let proposal =
        Proposal { dedicated_key: Some(key.octets().to_vec()), ..Proposal::of(association.client) };
    association.open(&proposal).await?;
    let other = Envelope {
        key: association.client.key_of(0xa5),
        ..association.envelope(CipherForm::Dedicated)?
    };
    let request = association.protect(&other, &get(LDN))?;
    refused(&mut association, &request, "an APDU under another dedicated key").await?;
    check(association.serves().await?, || "the dedicated key does not work any more".to_owned())
}

async fn sec_data_x_p1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = ciphered(t).await?;
    let mut forms = vec![CipherForm::Global];
    if t.declaration.services.contains(Conformance::GENERAL_PROTECTION) {
        forms.push(CipherForm::GeneralGlobal);
    }
    for form in forms {
        let request = association.protect(&association.envelope(form)?, &get(LDN))?;
        let answer = association.ask_octets(&request).await?.unwrap_or_default();
        let due = match form {
            CipherForm::GeneralGlobal => tag::GENERAL_GLO_CIPHERING,
            _ => tag::GLO_GET_RESPONSE,
        };
        let first = answer.first().copied().unwrap_or_default();
        check(first == due, || {
            format!("{form:?} was answered with {}, not {}", tag::name(first), tag::name(due))
        })?;
        let plain = association.open_ciphered(&answer)?;
        check(is_data(&plain), || format!("GET in the form {form:?} brought no data"))?;
    }
    let Some(writable) = t.declaration.objects.writable else { return Ok(()) };
    let before = association.value(writable).await?;
    let result = association.set(writable, &before).await?;
    check(result.code() == 0, || format!("SET of {writable} to its value: {result}"))
}

/// Counters between what a client sends and what is forged: more than it sends meanwhile.
const AHEAD: u32 = 100;

async fn sec_data_x_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = ciphered(t).await?;
    let right = association.envelope(CipherForm::Global)?;
    // Ahead: were one of them accepted, what the client sends next would be too old. Each has a
    // counter of its own, which no other APDU ever has.
    let mut next = right.counter.saturating_add(AHEAD);
    t.counters.reserve(2 * AHEAD)?;
    let mut ahead = |envelope: Envelope| {
        next = next.saturating_add(1);
        Envelope { counter: next, ..envelope }
    };
    let other = association.client.key_of(0x5a);
    let wrong = [
        ("a wrong encryption key", Envelope { key: other.clone(), ..right.clone() }),
        ("a wrong authentication key", Envelope { authentication_key: other, ..right.clone() }),
        (
            "the system title of another",
            Envelope { title: SystemTitle(*b"OTHER001"), ..right.clone() },
        ),
    ];
    for (what, envelope) in wrong {
        let request = association.protect(&ahead(envelope), &get(LDN))?;
        refused(&mut association, &request, what).await?;
    }
    let mut request = association.protect(&ahead(right.clone()), &get(LDN))?;
    if let Some(octet) = request.last_mut() {
        *octet ^= 0x01;
    }
    refused(&mut association, &request, "a wrong authentication tag").await?;
    let served = still_serves(&mut association, "forged APDUs").await;
    t.counters.skip(right.counter.saturating_add(2 * AHEAD))?;
    served
}

async fn rel_n1(t: &Tester<'_>) -> Result<(), Finding> {
    let client = t.ciphered_client()?;
    if !client.proven_release {
        return Err(Finding::inapplicable("declares that a release needs no proof"));
    }
    let mut association = t.associate(client).await?;
    let plain = Proposal::of(client).initiate();
    let reason = Some(ReleaseRequestReason::Normal);
    for (what, information) in [("nothing", None), ("a plain InitiateRequest", Some(&plain[..]))] {
        if let Some(answer) = association.release(reason, information).await?
            && let Ok(rlre) = Rlre::decode(&answer)
        {
            check(rlre.reason != Some(ReleaseResponseReason::Normal), || {
                format!("RLRQ with {what} was answered as if the association were released")
            })?;
        }
        check(association.serves().await?, || format!("RLRQ with {what} ended the association"))?;
    }
    association.release_properly().await?;
    Ok(())
}

async fn sec_pol_1(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = ciphered(t).await?;
    let what = "an APDU without protection";
    if let Some(answer) = association.ask_octets(&get(LDN)).await? {
        check(!is_data(&answer), || format!("{what} was served"))?;
    }
    still_serves(&mut association, what).await
}

async fn sec_pol_2(t: &Tester<'_>) -> Result<(), Finding> {
    let mut association = ciphered(t).await?;
    for (what, protection) in [
        ("an APDU with authentication only", Protection::AUTHENTICATED),
        ("an APDU with encryption only", Protection::ENCRYPTED),
    ] {
        let control = SecurityControl::new(association.client.suite, protection);
        let envelope = Envelope { control, ..association.envelope(CipherForm::Global)? };
        let request = association.protect(&envelope, &get(LDN))?;
        if let Some(answer) = association.ask_octets(&request).await? {
            let refuses = matches!(
                Apdu::decode(&answer),
                Ok(Apdu::ExceptionResponse(_) | Apdu::ConfirmedServiceError(_))
            );
            check(refuses, || format!("{what} was answered with more than an exception"))?;
        }
        still_serves(&mut association, what).await?;
    }
    Ok(())
}

async fn sec_pol_3(t: &Tester<'_>) -> Result<(), Finding> {
    let client = t.ciphered_client()?;
    let mut association = t.idle(client).await?;
    let plain =
        Proposal { application_context: ApplicationContext::LogicalName, ..Proposal::of(client) };
    let reply = association.propose(&plain).await?;
    reply.must_reject("an association without ciphering", &[])?;
    let answer = association.ask_octets(&get(LDN)).await?;
    check(!answer.is_some_and(|answer| is_data(&answer)), || {
        "an association without ciphering was rejected, and then served".to_owned()
    })
}
