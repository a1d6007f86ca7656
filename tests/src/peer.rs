//! A TCP port of this machine at which a test itself speaks: for peers that no program would be.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A peer of the test's own making. Its connections are not closed before the client does so or
/// the answering function returns.
#[derive(Debug)]
pub struct Peer {
    port: u16,
    gone: Arc<AtomicBool>,
}

impl Peer {
    /// Calls `answer` with each connection, in a thread of its own. When it returns the connection
    /// is closed; an error in it only means that the client has gone.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn new(answer: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let gone = Arc::new(AtomicBool::new(false));
        let peer = Self { port, gone: Arc::clone(&gone) };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if gone.load(Ordering::Relaxed) {
                    return;
                }
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    client.set_nodelay(true)?;
                    // Shut down rather than dropped: threads of the answer may hold it as well.
                    let held = client.try_clone()?;
                    let _ = answer(client);
                    held.shutdown(Shutdown::Both)
                });
            }
        });
        peer
    }

    /// Takes all and says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|client| listen(client).map(drop))
    }

    /// Says `octets` again and again, as fast as they are taken.
    #[must_use]
    pub fn flood(octets: &'static [u8]) -> Self {
        Self::new(move |mut client| {
            let heard = client.try_clone()?;
            thread::spawn(move || listen(heard));
            let flood = octets.repeat(4096 / octets.len() + 1);
            loop {
                client.write_all(&flood)?;
            }
        })
    }

    /// Stands before the meter at TCP port `target`, hands on what the client says, and calls
    /// `answer` with what the meter says and with the client to say something of it to.
    #[must_use]
    pub fn before(
        target: u16,
        answer: impl Fn(&[u8], &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |mut client| {
            let mut meter = TcpStream::connect(("127.0.0.1", target))?;
            meter.set_nodelay(true)?;
            let (mut said, mut heard) = (client.try_clone()?, meter.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut said, &mut heard);
                // The client has hung up: so does the meter, and that ends the loop below.
                heard.shutdown(Shutdown::Both)
            });
            let mut buffer = [0; 4096];
            loop {
                let length = meter.read(&mut buffer)?;
                if length == 0 {
                    return Ok(());
                }
                answer(buffer.get(..length).unwrap_or_default(), &mut client)?;
            }
        })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, so that it sees this and ends.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Says `octets` one at a time, each in a packet of its own, with a pause before each; ends with an
/// error when the client hangs up.
///
/// # Errors
///
/// The client has gone.
pub fn drip(octets: &[u8], to: &mut TcpStream, pause: Duration) -> io::Result<()> {
    for octet in octets {
        if !pause.is_zero() {
            thread::park_timeout(pause);
        }
        to.write_all(&[*octet])?;
    }
    Ok(())
}

fn listen(mut client: TcpStream) -> io::Result<u64> {
    io::copy(&mut client, &mut io::sink())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_before_a_meter_says_what_it_makes_of_the_answers() {
        let meter = Peer::new(|mut client| {
            let mut asked = [0; 3];
            client.read_exact(&mut asked)?;
            client.write_all(&asked)
        });
        let peer = Peer::before(meter.port(), |said, client| drip(said, client, Duration::ZERO));
        let mut client = TcpStream::connect(("127.0.0.1", peer.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.write_all(b"ask").unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"ask");
    }

    #[test]
    fn a_silent_peer_stays_until_the_client_goes() {
        let peer = Peer::silent();
        let mut client = TcpStream::connect(("127.0.0.1", peer.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.write_all(b"ask").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        assert!(heard.is_empty());
    }
}
