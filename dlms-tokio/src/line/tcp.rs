//! Opening a TCP connection.

use core::time::Duration;

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    address::Endpoint,
    line::error::{LineError, Phase},
};

/// Connects to the first address of the host that answers, all within `limit`.
///
/// Nagle's algorithm is off: a request is one small segment that nothing follows, and holding it
/// back until the last answer is acknowledged would cost every exchange a round trip.
pub(crate) async fn connect(endpoint: &Endpoint, limit: Duration) -> Result<TcpStream, LineError> {
    let mut phase = Phase::Resolving;
    let connecting = async {
        let host = (endpoint.host.as_str(), endpoint.port);
        let addresses = lookup_host(host).await?.collect::<Vec<_>>();
        phase = Phase::Opening;
        let stream = TcpStream::connect(addresses.as_slice()).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    match timeout(limit, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(unreachable(phase, &error)),
        Err(_) => Err(LineError::Timeout { phase }),
    }
}

pub(crate) fn unreachable(phase: Phase, error: &std::io::Error) -> LineError {
    LineError::Unreachable { phase, kind: error.kind() }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::io;

    use tokio::net::TcpListener;

    use super::connect;
    use crate::{
        address::Endpoint,
        line::error::{LineError, Phase},
    };

    #[tokio::test]
    async fn a_port_nobody_listens_on_is_unreachable_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint =
            Endpoint { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        drop(listener);
        let error = connect(&endpoint, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(
            error,
            LineError::Unreachable {
                kind: io::ErrorKind::ConnectionRefused,
                phase: Phase::Opening
            }
        );
    }

    #[tokio::test]
    async fn requests_are_sent_without_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint =
            Endpoint { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let stream = connect(&endpoint, Duration::from_secs(5)).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
