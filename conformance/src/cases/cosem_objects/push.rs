//! Push setup: the tester has the meter push to it, and looks at what comes (IEC 62056-6-2,
//! class 40).

use core::{net::SocketAddr, time::Duration};

use dlms_core::{
    axdr::DataBuf,
    cosem::{AttributeDescriptor, AttributeId, ClassId, MethodDescriptor},
    security::CipherForm,
    wrapper,
    xdlms::{Apdu, Conformance, DataAccessResult},
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::data;
use crate::{
    tester::{Tester, association::Association},
    verdict::{Finding, check},
};

/// The transport service TCP, and the message type A-XDR.
const TCP: u8 = 0;
const AXDR: u8 = 0;
/// How long a push that is due may take to come, at least: a modem may have to be woken first.
const PUSH_WAIT: Duration = Duration::from_secs(10);
/// Octets of a push, header included, at most: what the wrapper can announce.
const PUSH_LEN_MAX: usize = 8 + u16::MAX as usize;
/// Connections at a time on which the push may come. The others wait.
const CONNECTIONS_MAX: usize = 64;

pub(super) async fn plain(t: &Tester<'_>) -> Result<(), Finding> {
    if t.declaration.objects.protected_pushes {
        return Err(Finding::inapplicable("declares that pushes are protected"));
    }
    pushed(t).await
}

pub(super) async fn protected(t: &Tester<'_>) -> Result<(), Finding> {
    if !t.declaration.objects.protected_pushes {
        return Err(Finding::inapplicable("declares no protected pushes"));
    }
    pushed(t).await
}

/// Directs the push setup to us, has it push, and directs it back.
async fn pushed(t: &Tester<'_>) -> Result<(), Finding> {
    let name = t.declaration.objects.push_setup;
    let name = name.ok_or_else(|| Finding::inapplicable("declares no push setup"))?;
    let address = t.declaration.push_listener;
    let address = address.ok_or_else(|| Finding::inapplicable("declares no push listener"))?;
    if !t.declaration.services.contains(Conformance::SET | Conformance::ACTION) {
        return Err(Finding::inapplicable("declares no SET or no ACTION"));
    }
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let client = match t.declaration.objects.protected_pushes {
        true => t.ciphered_client()?,
        false => t.strong_client(),
    };
    let mut association = t.associate(client).await?;
    let list = AttributeDescriptor::new(ClassId::PUSH_SETUP, name, 2);
    let destination = AttributeDescriptor { attribute: AttributeId(3), ..list };
    let before = association.value(destination).await?;
    set(&mut association, destination, &directed_to(address)).await?;
    let came = push(t, &mut association, list, &listener).await;
    // Waiting in vain may have cost the link.
    let restored = match set(&mut association, destination, &before).await {
        Ok(()) => Ok(()),
        Err(_) => set(&mut t.associate(client).await?, destination, &before).await,
    };
    came.and(restored)
}

/// send_destination_and_method: here, over TCP.
fn directed_to(address: SocketAddr) -> Vec<u8> {
    DataBuf::structure([
        DataBuf::Enum(TCP),
        DataBuf::octet_string(address.to_string()),
        DataBuf::Enum(AXDR),
    ])
    .to_octets()
}

async fn set(
    association: &mut Association<'_>,
    attribute: AttributeDescriptor,
    value: &[u8],
) -> Result<(), Finding> {
    match association.set(attribute, value).await? {
        DataAccessResult::Success => Ok(()),
        refusal => Err(Finding::inconclusive(format!("{attribute} cannot be written: {refusal}"))),
    }
}

/// Invokes push, and looks at the message.
async fn push(
    t: &Tester<'_>,
    association: &mut Association<'_>,
    list: AttributeDescriptor,
    listener: &TcpListener,
) -> Result<(), Finding> {
    let wrong = || Finding::failed("push_object_list is no array");
    let listed = association.value(list).await?;
    let listed = data(&listed)?.as_array().ok_or_else(wrong)?.len();
    // randomisation_start_interval: so long the meter may let it wait.
    let delay = AttributeDescriptor { attribute: AttributeId(5), ..list };
    let delay = association.value(delay).await?;
    let delay = data(&delay)?.as_unsigned().unwrap_or_default();
    let method = MethodDescriptor::new(list.class, list.instance, 1);
    let answer = association.invoke(method, Some(&DataBuf::Integer(0).to_octets())).await?;
    answer.map_err(|refusal| Finding::failed(format!("push was refused: {refusal}")))?;
    let wait = t.response_timeout().max(PUSH_WAIT) + Duration::from_secs(delay);
    let apdu = receive(listener, wait).await?;
    let first = apdu.first().copied().unwrap_or_default();
    let is_ciphered = CipherForm::from_tag(first).is_some();
    check(is_ciphered == t.declaration.objects.protected_pushes, || match is_ciphered {
        true => "what came is ciphered, and declared to be plain".to_owned(),
        false => "what came is plain, and declared to be protected".to_owned(),
    })?;
    let apdu = if is_ciphered { association.open_ciphered(&apdu)? } else { apdu };
    let Ok(Apdu::DataNotification(notification)) = Apdu::decode(&apdu) else {
        return Err(Finding::failed("what came is no Data-Notification"));
    };
    let body = notification.body.data();
    let body = body.map_err(|error| Finding::failed(format!("the body is no Data: {error}")))?;
    let pushed = body.as_structure().map_or(1, |elements| elements.len());
    check(pushed == listed, || format!("{listed} objects are listed, and {pushed} were pushed"))
}

/// The first APDU in a wrapper PDU that comes within this time. Who connects and sends none, a
/// scanner of ports for one, does not keep the meter from it.
async fn receive(listener: &TcpListener, wait: Duration) -> Result<Vec<u8>, Finding> {
    let mut reason = Finding::failed("push was confirmed, and nothing came");
    let first = timeout(wait, async {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                connection = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                    let (stream, _) = connection?;
                    connections.spawn(receive_on(stream));
                }
                Some(Ok(came)) = connections.join_next() => match came {
                    Ok(apdu) => return Ok(apdu),
                    Err(finding) => reason = finding,
                },
            }
        }
    });
    match first.await {
        Ok(came) => came,
        Err(_) => Err(reason),
    }
}

/// One APDU in a wrapper PDU.
async fn receive_on(mut stream: TcpStream) -> Result<Vec<u8>, Finding> {
    let mut received = Vec::new();
    loop {
        match wrapper::next_frame(&received) {
            Some(Ok(frame)) => return Ok(frame.apdu.to_vec()),
            Some(Err(error)) => {
                return Err(Finding::failed(format!("what came is no wrapper PDU: {error}")));
            }
            None => {}
        }
        let mut chunk = [0; 2_048];
        let read = stream.read(&mut chunk).await?;
        if read == 0 || received.len() + read > PUSH_LEN_MAX {
            return Err(Finding::failed("what came ends in the middle of a wrapper PDU"));
        }
        received.extend_from_slice(&chunk[..read]);
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::wrapper::WrapperHeader;
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// The wrapper PDU of an APDU of one octet.
    fn pdu() -> Vec<u8> {
        let header = WrapperHeader { source: 1, destination: 1, length: 1 };
        [&header.encode_header()[..], &[0x0f]].concat()
    }

    #[tokio::test]
    async fn a_push_comes_though_others_connect_and_send_none() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // They are accepted in this order: one that says nothing, one that leaves, one that talks
        // of something else.
        let _silent = TcpStream::connect(address).await.unwrap();
        drop(TcpStream::connect(address).await.unwrap());
        let mut other = TcpStream::connect(address).await.unwrap();
        other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut meter = TcpStream::connect(address).await.unwrap();
        meter.write_all(&pdu()).await.unwrap();
        assert_eq!(receive(&listener, Duration::from_secs(60)).await, Ok(vec![0x0f]));
    }

    #[tokio::test]
    async fn who_sends_half_a_push_is_told_so_when_the_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut meter = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        meter.write_all(&pdu()[..5]).await.unwrap();
        drop(meter);
        let finding = receive(&listener, Duration::from_millis(200)).await.unwrap_err();
        assert_eq!(finding.reason, "what came ends in the middle of a wrapper PDU");
    }
}
