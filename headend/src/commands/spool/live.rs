//! What concentrators pass on at once: they connect, and send what meters push.

use core::net::SocketAddr;
use std::{io, sync::Arc};

use dlms_core::{
    cosem::{
        DateTime,
        concentrator::{Announcement, LivePush, SpoolRow},
    },
    wrapper::MANAGEMENT_LOGICAL_DEVICE,
    xdlms::DataNotification,
};
use dlms_tokio::{
    DecodeLevel, Trace,
    trunk::{Push, Trunk, TrunkConfig},
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
};

use super::Heard;
use crate::{report, spool::KeptPush};

/// Concentrators that are connected at a time; further ones are closed at once.
const CONNECTIONS_MAX: usize = 4_096;

/// Accepts concentrators at `address` in a task of its own, and returns where.
pub(super) async fn accept(
    address: SocketAddr,
    heard: mpsc::Sender<Heard>,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::spawn(async move {
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    report::note(&format!("note: cannot accept a connection: {error}"));
                    tokio::time::sleep(core::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                report::note(&format!("refused: {from}: already {CONNECTIONS_MAX} connections"));
                continue;
            };
            let heard = heard.clone();
            tokio::spawn(async move {
                let trace = Trace::stderr(DecodeLevel::Off);
                let (trunk, mut pushes) = Trunk::over(stream, &TrunkConfig::default(), trace);
                let mut stream = Stream::default();
                while let Some(push) = pushes.next().await {
                    let whole = trunk.counters().pushes_dropped == 0;
                    let Some(told) = stream.take(push, whole) else { continue };
                    if heard.send(told).await.is_err() {
                        return;
                    }
                }
                drop(place);
            });
        }
    });
    Ok(address)
}

/// What comes over one connection.
#[derive(Debug, Default)]
struct Stream {
    /// What the concentrator calls itself.
    name: Vec<u8>,
    /// Which push comes next.
    which: Option<LivePush>,
}

impl Stream {
    /// Takes an APDU; what is to be told of it. `whole` says that none was left out before it.
    fn take(&mut self, push: Push, whole: bool) -> Option<Heard> {
        let Push { source, client, apdu } = push;
        if source == MANAGEMENT_LOGICAL_DEVICE {
            return self.own(&apdu);
        }
        let which = self.which.take().filter(|live| (live.sap, live.client) == (source, client));
        let Some(live) = which else {
            // One that is not numbered is kept nowhere. Where something was left out, it may have
            // been the number.
            return whole.then(|| Heard::Live(self.unnumbered(source, client, apdu)));
        };
        let LivePush { concentrator, epoch, sequence, arrived, sap, client, name } = live;
        let row = SpoolRow { sequence, arrived, sap, client, name, apdu, epoch };
        Some(Heard::Live(KeptPush { concentrator, row }))
    }

    /// What the concentrator itself says.
    fn own(&mut self, apdu: &[u8]) -> Option<Heard> {
        let notification = DataNotification::decode(apdu).ok()?;
        let body = notification.body.data().ok()?;
        if let Some(live) = LivePush::from_data(&body) {
            self.name.clone_from(&live.concentrator);
            self.which = Some(live);
            return None;
        }
        let announcement = Announcement::from_data(&body)?;
        self.name.clone_from(&announcement.name);
        Some(Heard::Announced(announcement))
    }

    fn unnumbered(&self, sap: u16, client: u16, apdu: Vec<u8>) -> KeptPush {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seconds = since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        let arrived = DateTime::from_unix(seconds, Some(0)).unwrap_or(DateTime::UNSPECIFIED);
        let row = SpoolRow { sequence: 0, arrived, sap, client, name: Vec::new(), apdu, epoch: 0 };
        KeptPush { concentrator: self.name.clone(), row }
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::{
        axdr::{DataBuf, RawData, Writer},
        xdlms::LongInvokeIdAndPriority,
    };

    use super::*;

    fn own(body: &DataBuf) -> Push {
        let (body, mut apdu) = (body.to_octets(), Vec::new());
        let body = RawData::from_octets(&body).unwrap();
        let invoke = LongInvokeIdAndPriority::new(1);
        DataNotification { invoke, date_time: &[], tagged_date_time: false, body }
            .encode(&mut Writer::new(&mut apdu));
        Push { source: 1, client: 102, apdu }
    }

    fn live(sequence: u64) -> LivePush {
        LivePush {
            concentrator: b"DHC1".to_vec(),
            epoch: 2,
            sequence,
            arrived: DateTime::from_unix(1_790_000_000, Some(0)).unwrap(),
            sap: 16,
            client: 102,
            name: b"ABC1".to_vec(),
        }
    }

    fn of_meter(source: u16) -> Push {
        Push { source, client: 102, apdu: vec![0x0F, 9] }
    }

    /// The number of the push that is told of; 0 for one without.
    fn number(heard: Option<Heard>) -> Option<u64> {
        match heard {
            Some(Heard::Live(kept)) => Some(kept.row.sequence),
            _ => None,
        }
    }

    #[test]
    fn the_number_that_comes_before_a_push_is_its_own_and_nobody_elses() {
        let mut stream = Stream::default();
        assert!(stream.take(own(&live(7).to_data()), true).is_none());
        assert_eq!(number(stream.take(of_meter(16), true)), Some(7));
        assert_eq!(number(stream.take(of_meter(16), true)), Some(0));
        stream.take(own(&live(8).to_data()), true);
        assert_eq!(number(stream.take(of_meter(17), true)), Some(0));
        // The number was for another.
        assert_eq!(number(stream.take(of_meter(16), true)), Some(0));
    }

    #[test]
    fn where_something_was_left_out_a_push_without_a_number_is_left_to_the_spool() {
        let mut stream = Stream::default();
        assert_eq!(number(stream.take(of_meter(16), false)), None);
        stream.take(own(&live(8).to_data()), false);
        assert_eq!(number(stream.take(of_meter(16), false)), Some(8));
    }
}
