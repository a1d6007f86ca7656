//! Lines that may be bad: a serial cable between two pseudo-terminals, one between a
//! pseudo-terminal and a TCP port, and a TCP connection.
//!
//! Each direction has a thread that carries octets and does to them what [`Noise`] says, by a
//! generator with a seed: the same seed and the same octets give the same damage. What came out at
//! either end is kept, so that a test may look at the octets themselves.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serialport::{SerialPort, TTYPort};

use crate::random::Random;

/// How long a carrier waits for octets before it looks whether the cable still exists.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What happens to the octets on their way. Rates are chances in a million for each octet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noise {
    /// Where the generator begins.
    pub seed: u64,
    /// Octets that vanish.
    pub lost_ppm: u32,
    /// Octets of which one bit is turned.
    pub flipped_ppm: u32,
    /// Octets before which one that nobody sent appears.
    pub inserted_ppm: u32,
    /// After so many octets towards the first end (the client's, the meter's answers) the cable is
    /// cut: TCP closes, a serial line falls silent in both directions.
    pub cut_after: Option<u64>,
}

impl Noise {
    /// A perfect line.
    pub const NONE: Self =
        Self { seed: 0, lost_ppm: 0, flipped_ppm: 0, inserted_ppm: 0, cut_after: None };

    /// The given chance in a million for each of loss, a turned bit and an extra octet.
    #[must_use]
    pub const fn of_each(ppm: u32, seed: u64) -> Self {
        Self { seed, lost_ppm: ppm, flipped_ppm: ppm, inserted_ppm: ppm, cut_after: None }
    }

    /// The same noise on a cable that is cut after so many octets towards its first end.
    #[must_use]
    pub const fn cut_after(self, octets: u64) -> Self {
        Self { cut_after: Some(octets), ..self }
    }
}

/// A serial cable. The first end is a pseudo-terminal for the client; the other is one too, or a
/// TCP port. Both programs open their end by its path, as they would a real serial port.
#[derive(Debug)]
pub struct SerialCable {
    near: TTYPort,
    far: Option<TTYPort>,
    wires: Wires,
}

impl SerialCable {
    /// A cable between two new pseudo-terminals.
    ///
    /// # Panics
    ///
    /// When the system gives no pseudo-terminals.
    #[must_use]
    pub fn new(noise: Noise) -> Self {
        let (near_master, near) = pseudo_terminal();
        let (far_master, far) = pseudo_terminal();
        let cable = Self::between(near, Some(far));
        cable.carry(near_master, far_master, noise);
        cable
    }

    /// A cable between a new pseudo-terminal and whatever listens on TCP `port` of this machine.
    ///
    /// # Panics
    ///
    /// When the system gives no pseudo-terminal or nothing listens.
    #[must_use]
    pub fn to_tcp(port: u16, noise: Noise) -> Self {
        let (near_master, near) = pseudo_terminal();
        let cable = Self::between(near, None);
        cable.carry(near_master, connect(port).expect("something listens on the port"), noise);
        cable
    }

    /// The path of the client's end, such as `/dev/pts/3`.
    #[must_use]
    pub fn near(&self) -> String {
        self.near.name().unwrap_or_default()
    }

    /// The path of the meter's end; `None` when it is a TCP port.
    #[must_use]
    pub fn far(&self) -> Option<String> {
        self.far.as_ref().and_then(SerialPort::name)
    }

    /// Nothing passes any more, in either direction.
    pub fn cut(&self) {
        self.wires.cut.make();
    }

    /// How many octets were lost, altered or invented up to now: zero means that a test of noise
    /// has tested nothing.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.wires.damaged.load(Ordering::Relaxed)
    }

    // The slave ends are kept open: without any, a read of the master fails instead of waiting.
    fn between(near: TTYPort, far: Option<TTYPort>) -> Self {
        Self { near, far, wires: Wires::default() }
    }

    fn carry(&self, near: TTYPort, far: impl End, noise: Noise) {
        carry_both_ways(near, far, noise, &self.wires).expect("the ends can be cloned");
    }
}

impl Drop for SerialCable {
    fn drop(&mut self) {
        self.wires.cut.make();
    }
}

/// A TCP port that leads to another, for any number of connections one after another or at once.
#[derive(Debug)]
pub struct TcpCable {
    port: u16,
    wires: Wires,
}

impl TcpCable {
    /// A new port of this machine that leads to `target`. Each connection suffers the noise anew.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn new(target: u16, noise: Noise) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let cable = Self { port, wires: Wires::default() };
        let wires = cable.wires.clone();
        thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                if wires.cut.is_made() {
                    return;
                }
                // A target that refuses shows as a connection that closes at once.
                let Ok(far) = connect(target) else { continue };
                let _ = near.set_nodelay(true);
                let _ = carry_both_ways(near, far, noise, &wires.of_one_connection());
            }
        });
        cable
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes every connection; new ones are not taken.
    pub fn cut(&self) {
        self.wires.cut.make();
    }

    /// How many octets were lost, altered or invented up to now, on all connections.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.wires.damaged.load(Ordering::Relaxed)
    }

    /// What was said up to now, connection by connection.
    #[must_use]
    pub fn conversations(&self) -> Vec<Conversation> {
        self.wires.conversations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for TcpCable {
    fn drop(&mut self) {
        self.wires.cut.make();
        // Wakes the thread that accepts, so that it sees the cut and ends.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// What came out at the two ends of one connection.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    asked: Record,
    answered: Record,
}

impl Conversation {
    /// What has reached the far end, the meter.
    #[must_use]
    pub fn asked(&self) -> Vec<u8> {
        self.asked.octets()
    }

    /// What has come back to the near end, the client.
    #[must_use]
    pub fn answered(&self) -> Vec<u8> {
        self.answered.octets()
    }
}

/// Octets that passed.
#[derive(Clone, Debug, Default)]
struct Record(Arc<Mutex<Vec<u8>>>);

impl Record {
    fn keep(&self, octets: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(octets);
    }

    fn octets(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What all connections of a cable have in common.
#[derive(Clone, Debug, Default)]
struct Wires {
    cut: Cut,
    damaged: Arc<AtomicU64>,
    conversations: Arc<Mutex<Vec<Conversation>>>,
}

impl Wires {
    fn of_one_connection(&self) -> Self {
        Self { cut: self.cut.of_one_connection(), ..self.clone() }
    }

    fn begin_conversation(&self) -> Conversation {
        let conversation = Conversation::default();
        let mut all = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(conversation.clone());
        conversation
    }
}

/// Whether a cable was cut: for all its connections, or for one of them.
#[derive(Clone, Debug, Default)]
struct Cut {
    all: Arc<AtomicBool>,
    one: Arc<AtomicBool>,
}

impl Cut {
    fn of_one_connection(&self) -> Self {
        Self { all: Arc::clone(&self.all), one: Arc::default() }
    }

    fn make(&self) {
        self.all.store(true, Ordering::Relaxed);
    }

    fn make_for_one(&self) {
        self.one.store(true, Ordering::Relaxed);
    }

    fn is_made(&self) -> bool {
        self.all.load(Ordering::Relaxed) || self.one.load(Ordering::Relaxed)
    }
}

/// One end of a cable, as a carrier holds it.
trait End: Read + Write + Send + Sized + 'static {
    /// A second handle on the same end, for the other direction; reads wait no longer than the
    /// interval.
    fn second(&mut self) -> io::Result<Self>;

    /// Tells the program at this end that the cable is cut.
    fn hang_up(&self);
}

impl End for TcpStream {
    fn second(&mut self) -> io::Result<Self> {
        self.set_read_timeout(Some(LOOK_INTERVAL))?;
        self.try_clone()
    }

    fn hang_up(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl End for TTYPort {
    fn second(&mut self) -> io::Result<Self> {
        self.set_timeout(LOOK_INTERVAL)?;
        Ok(self.try_clone_native()?)
    }

    // A serial cable that is cut says nothing.
    fn hang_up(&self) {}
}

fn pseudo_terminal() -> (TTYPort, TTYPort) {
    TTYPort::pair().expect("the system has pseudo-terminals")
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn carry_both_ways(
    mut near: impl End,
    mut far: impl End,
    noise: Noise,
    wires: &Wires,
) -> io::Result<()> {
    let (near_again, far_again) = (near.second()?, far.second()?);
    // The two directions must not suffer the same damage at the same place.
    let away = Noise { seed: noise.seed ^ u64::MAX, cut_after: None, ..noise };
    let Conversation { asked, answered } = wires.begin_conversation();
    Carrier::new(away, wires, asked).start(near, far_again);
    Carrier::new(noise, wires, answered).start(far, near_again);
    Ok(())
}

/// Carries octets in one direction.
struct Carrier {
    noise: Noise,
    random: Random,
    carried: u64,
    wires: Wires,
    record: Record,
}

impl Carrier {
    fn new(noise: Noise, wires: &Wires, record: Record) -> Self {
        let random = Random::new(noise.seed);
        Self { noise, random, carried: 0, wires: wires.clone(), record }
    }

    fn start(mut self, mut from: impl End, mut to: impl End) {
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            let mut passed = Vec::new();
            while !self.wires.cut.is_made() {
                let octets = match from.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => buffer.get(..length).unwrap_or_default(),
                    Err(error) if is_just_silence(&error) => continue,
                    Err(_) => break,
                };
                passed.clear();
                self.pass(octets, &mut passed);
                self.record.keep(&passed);
                if write_all(&mut to, &passed, &self.wires.cut).is_err() {
                    break;
                }
            }
            self.wires.cut.make_for_one();
            from.hang_up();
            to.hang_up();
        });
    }

    /// What of `octets` comes out at the other end.
    fn pass(&mut self, octets: &[u8], passed: &mut Vec<u8>) {
        for &octet in octets {
            if self.noise.cut_after.is_some_and(|limit| self.carried >= limit) {
                self.wires.cut.make_for_one();
                return;
            }
            self.carried += 1;
            if self.strikes(self.noise.inserted_ppm) {
                passed.push(self.random.octet());
            }
            if self.strikes(self.noise.lost_ppm) {
                continue;
            }
            let bit = if self.strikes(self.noise.flipped_ppm) { self.random.bit() } else { 0 };
            passed.push(octet ^ bit);
        }
    }

    fn strikes(&mut self, ppm: u32) -> bool {
        let strikes = self.random.number() % 1_000_000 < u64::from(ppm);
        self.wires.damaged.fetch_add(u64::from(strikes), Ordering::Relaxed);
        strikes
    }
}

/// Like `Write::write_all`, but a full pipe is waited for as long as the cable exists.
fn write_all(to: &mut impl End, mut octets: &[u8], cut: &Cut) -> io::Result<()> {
    while !octets.is_empty() {
        match to.write(octets) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => octets = octets.get(length..).unwrap_or_default(),
            Err(error) if is_just_silence(&error) && !cut.is_made() => {}
            Err(error) => return Err(error),
        }
    }
    to.flush()
}

fn is_just_silence(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(noise: Noise, octets: &[u8]) -> Vec<u8> {
        let mut passed = Vec::new();
        Carrier::new(noise, &Wires::default(), Record::default()).pass(octets, &mut passed);
        passed
    }

    #[test]
    fn a_cable_without_noise_changes_nothing() {
        assert_eq!(passed(Noise::NONE, b"\x7e\xa0\x07"), b"\x7e\xa0\x07");
    }

    #[test]
    fn the_same_seed_does_the_same_damage_and_another_seed_another() {
        let octets = [0x55; 1_000];
        let noise = Noise::of_each(20_000, 7);
        assert_ne!(passed(noise, &octets), octets);
        assert_eq!(passed(noise, &octets), passed(noise, &octets));
        assert_ne!(passed(noise, &octets), passed(Noise { seed: 8, ..noise }, &octets));
    }

    #[test]
    fn a_cut_falls_after_the_octet_that_was_named() {
        assert_eq!(passed(Noise::NONE.cut_after(2), b"\x7e\xa0\x07"), b"\x7e\xa0");
    }

    #[test]
    fn what_is_written_at_one_end_of_a_serial_cable_is_read_at_the_other() {
        let cable = SerialCable::new(Noise::NONE);
        let open = |path: String| serialport::new(path, 9_600).timeout(Duration::from_secs(10));
        let mut near = open(cable.near()).open().unwrap();
        let mut far = open(cable.far().unwrap()).open().unwrap();
        // Octets that a terminal in line mode would swallow or translate.
        let all: Vec<u8> = (0..=255).collect();
        near.write_all(&all).unwrap();
        let mut heard = vec![0; all.len()];
        far.read_exact(&mut heard).unwrap();
        assert_eq!(heard, all);
        far.write_all(b"\r\n\x03").unwrap();
        let mut answer = [0; 3];
        near.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"\r\n\x03");
        assert_eq!(cable.damaged(), 0);
    }

    #[test]
    fn a_tcp_cable_is_cut_in_the_middle_of_an_answer() {
        let meter = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let noise = Noise::NONE.cut_after(4);
        let cable = TcpCable::new(meter.local_addr().unwrap().port(), noise);
        let mut client = TcpStream::connect(("127.0.0.1", cable.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.write_all(b"ask").unwrap();
        let (mut behind, _) = meter.accept().unwrap();
        let mut asked = [0; 3];
        behind.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"ask");
        behind.write_all(b"answer").unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"answ");
        let conversations = cable.conversations();
        assert_eq!(conversations.len(), 1);
        assert_eq!(conversations[0].asked(), b"ask");
        assert_eq!(conversations[0].answered(), b"answ");
    }
}
