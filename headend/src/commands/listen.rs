//! `headend listen`: takes what meters push over TCP or UDP, and confirms what asks for it.

use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use std::{
    collections::{BTreeMap, VecDeque},
    env,
    io::{self, Stdout, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use dlms_core::{
    axdr,
    cosem::DateTime,
    gateway::{self, GatewayAddress},
    wrapper::WrapperHeader,
};
use hdlc::{
    control::Control,
    frame::{FRAME_LEN_MAX, Frame},
    llc::Llc,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{decode::aids, usage};
use crate::{
    associate,
    cli::{self, Format},
    counter_file::CounterFile,
    decode::{
        Fault,
        transport::{Event, Framing, Receiver},
    },
    exit::Exit,
    listen::{Confirmer, Gate, PushLine},
    render::{Printer, Record, printable},
    report, settings,
};

/// TCP connections at a time; further ones are closed at once. Each holds two buffers of 64 KiB at
/// most.
const CONNECTIONS_MAX: usize = 4096;
/// Of these so many from one host: many meters may be behind one, and none may keep all places.
const CONNECTIONS_OF_HOST_MAX: usize = 1024;
/// UDP senders whose unfinished messages are remembered; the one silent for longest is forgotten.
const SENDERS_MAX: usize = 1024;
/// Messages that wait to be written; then the sockets wait.
const WAITING_MAX: usize = 1024;
/// The longest that a connection may be silent. Meters push every hour at least, or connect anew.
const SILENCE_MAX: Duration = Duration::from_secs(2 * 3600);
/// The same before its first message: whoever connects has something to say.
const FIRST_SILENCE_MAX: Duration = Duration::from_secs(60);
/// The longest that a peer may take to take its answer in, before its connection ends; and the
/// longest that the command waits for that when it ends.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// Answers that wait for one connection. The next one is dropped, and its message comes again:
/// nobody who takes no answers in holds the others up.
const ANSWERS_MAX: usize = WAITING_MAX;
/// The longest UDP datagram.
const DATAGRAM_MAX: usize = 65_535;
/// Octets that are taken from a TCP connection at a time.
const CHUNK_LEN: usize = 4096;

/// Something heard at a socket.
struct Heard {
    from: SocketAddr,
    what: Result<Message, Fault>,
}

/// A message as it came.
struct Message {
    apdu: Vec<u8>,
    /// The header of the gateway that passed it on, if one did.
    gateway: Option<(gateway::Direction, GatewayAddress)>,
    /// From where to where it came in its frame.
    ends: Option<Ends>,
    /// The way back.
    back: Back,
}

/// Source and destination of a frame.
#[derive(Clone, Copy)]
enum Ends {
    /// The wPorts of a wrapper frame.
    Wrapper { source: u16, destination: u16 },
    /// The addresses of an HDLC frame of kind UI. What comes over a link is answered over the link,
    /// and there is none here.
    Hdlc { source: hdlc::address::Address, destination: hdlc::address::Address },
}

/// How a message is answered.
#[derive(Clone)]
enum Back {
    /// By the task that writes to the connection, which says when it is done.
    Tcp(mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>),
    Udp(Arc<UdpSocket>, SocketAddr),
}

/// How a message is answered: where to, and with what around it.
struct Answer {
    gateway: Option<(gateway::Direction, GatewayAddress)>,
    ends: Option<Ends>,
    back: Back,
}

impl Answer {
    /// Sends `apdu` to whom the message came from; see [`Back::send`]. None where there is no way
    /// back: M-Bus, a frame that has no room for it, or a peer that takes nothing in.
    fn send(&self, apdu: Vec<u8>) -> Option<oneshot::Receiver<()>> {
        let mut inside = Vec::new();
        if let Some((direction, address)) = &self.gateway {
            let back = match direction {
                gateway::Direction::Request => gateway::Direction::Response,
                gateway::Direction::Response => gateway::Direction::Request,
            };
            address.header(back).encode(&mut axdr::Writer::new(&mut inside));
        }
        inside.extend(apdu);
        let frame = self.ends.and_then(|ends| ends.frame_back(&inside))?;
        self.back.send(&frame)
    }
}

impl Ends {
    /// The frame that carries `apdu` in the other direction.
    fn frame_back(self, apdu: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Wrapper { source, destination } => {
                let length = u16::try_from(apdu.len()).ok()?;
                let header = WrapperHeader { source: destination, destination: source, length };
                Some([&header.encode_header()[..], apdu].concat())
            }
            Self::Hdlc { source, destination } => {
                let information = [&Llc::Command.encode()[..], apdu].concat();
                let frame = Frame {
                    destination: source,
                    source: destination,
                    control: Control::Ui { pf: false },
                    segmented: false,
                    information: &information,
                };
                let mut out = [0; FRAME_LEN_MAX];
                let length = frame.encode(&mut out).ok()?;
                out.get(..length).map(<[u8]>::to_vec)
            }
        }
    }
}

impl Back {
    /// Gives an answer out of the hand, without waiting for whoever gets it: what is returned is
    /// done when it is sent, or when it never will be. None when it is not taken.
    fn send(&self, octets: &[u8]) -> Option<oneshot::Receiver<()>> {
        let (sent, done) = oneshot::channel();
        match self {
            Self::Udp(socket, from) => {
                socket.try_send_to(octets, *from).ok()?;
                let _ = sent.send(());
            }
            Self::Tcp(connection) => connection.try_send((octets.to_vec(), sent)).ok()?,
        }
        Some(done)
    }
}

/// Answers on their way.
#[derive(Default)]
struct Answers(VecDeque<oneshot::Receiver<()>>);

impl Answers {
    fn add(&mut self, done: oneshot::Receiver<()>) {
        let on_its_way = |done: &mut oneshot::Receiver<()>| {
            matches!(done.try_recv(), Err(oneshot::error::TryRecvError::Empty))
        };
        while self.0.len() >= ANSWERS_MAX || self.0.front_mut().is_some_and(|it| !on_its_way(it)) {
            self.0.pop_front();
        }
        self.0.push_back(done);
    }

    /// Waits until they are sent, but not for long.
    async fn finish(self) {
        let all = async {
            for done in self.0 {
                let _ = done.await;
            }
        };
        let _ = timeout(ANSWER_TIME_MAX, all).await;
    }
}

pub(super) async fn run(typed: cli::Listen) -> io::Result<Exit> {
    let (keys, patterns) = match aids(&typed.aids) {
        Ok(aids) => aids,
        Err(error) => return Ok(usage(&error)),
    };
    let signing = settings::signing_key(typed.signing_key.as_ref(), |name| env::var(name).ok());
    let signing = match signing {
        Ok(signing) => signing,
        Err(error) => return Ok(usage(&error)),
    };
    let framing = typed.framing.framing();
    let (heard, mut messages) = mpsc::channel(WAITING_MAX);
    let bound = match (typed.tcp, typed.udp) {
        (Some(address), _) => accept(address, framing, heard).await,
        (None, Some(address)) => receive(address, framing, heard).await,
        // The command line asks for one of them.
        (None, None) => return Ok(Exit::Usage),
    };
    let address = match bound {
        Ok(address) => address,
        Err(error) => {
            report::note(&format!("error: cannot listen: {error}"));
            return Ok(Exit::Local);
        }
    };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    // Polled once, it catches interrupts from here on: before anybody knows that we listen.
    tokio::select! {
        biased;
        ended = &mut interrupted => return ended.map(|()| Exit::Success),
        () = core::future::ready(()) => {}
    }
    report::note(&format!("listening on {address}"));

    let mut confirmer = Confirmer {
        file: typed
            .counter_file
            .map(CounterFile::new)
            .or_else(|| CounterFile::in_data_folder(|variable| env::var(variable).ok())),
        title: keys.recipient,
        signing,
        random: associate::random(),
        reserved: BTreeMap::new(),
    };
    let mut gate = Gate::new(keys, patterns, typed.verified_only, typed.counter_window);
    let mut writer = Writer::new(typed.output.format);
    let mut answers = Answers::default();
    let mut left = typed.count.unwrap_or(u64::MAX);
    while left > 0 {
        let heard = tokio::select! {
            ended = &mut interrupted => {
                ended?;
                break;
            }
            heard = messages.recv() => heard,
        };
        // The socket failed, and its task has said why.
        let Some(Heard { from, what }) = heard else {
            writer.finish()?;
            return Ok(Exit::Local);
        };
        let taken = what.and_then(|message| {
            let Message { apdu, gateway, ends, back } = message;
            let mut taken = gate.take(apdu, &from.to_string(), &now())?;
            let meter = gateway.as_ref().map(|(_, meter)| meter.to_string());
            taken.lines.iter_mut().for_each(|line| line.gateway.clone_from(&meter));
            Ok((taken, Answer { gateway, ends, back }))
        });
        match taken {
            Ok((taken, answer)) => {
                taken.lines.iter().try_for_each(|line| writer.line(line))?;
                // Only what is written is confirmed.
                match confirmer.confirm(gate.keys(), &taken) {
                    Ok(None) => {}
                    Ok(Some(apdu)) => match answer.send(apdu) {
                        Some(done) => answers.add(done),
                        None => {
                            report::note(&format!("not confirmed: {from}: there is no way back"));
                        }
                    },
                    Err(why) => report::note(&format!("not confirmed: {from}: {why}")),
                }
                left -= 1;
            }
            Err(Fault { code, offset, text, .. }) => {
                report::note(&format!("refused: {from}: {code} at octet {offset}: {text}"));
            }
        }
    }
    writer.finish()?;
    answers.finish().await;
    Ok(Exit::Success)
}

/// Accepts connections in a task of its own, and returns where.
async fn accept(
    address: SocketAddr,
    framing: Framing,
    heard: mpsc::Sender<Heard>,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let places = Places::default();
    tokio::spawn(async move {
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                // Too many open files, or a peer that hung up at once: the next one may come.
                Err(error) => {
                    report::note(&format!("note: cannot accept a connection: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let place = match places.take(from.ip()) {
                Ok(place) => place,
                Err(limit) => {
                    report::note(&format!("refused: {from}: already {limit} connections"));
                    continue;
                }
            };
            let heard = heard.clone();
            tokio::spawn(async move {
                follow(stream, from, framing, &heard).await;
                drop(place);
            });
        }
    });
    Ok(address)
}

/// How many connections each host has.
#[derive(Clone, Debug, Default)]
struct Places(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// The place of one connection, free again when this is dropped.
#[derive(Debug)]
struct TakenPlace(Places, IpAddr);

impl Places {
    /// A place for a connection of `host`.
    ///
    /// # Errors
    /// The limit that is reached.
    fn take(&self, host: IpAddr) -> Result<TakenPlace, usize> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.values().sum::<usize>() >= CONNECTIONS_MAX {
            return Err(CONNECTIONS_MAX);
        }
        let taken = hosts.entry(host).or_default();
        if *taken >= CONNECTIONS_OF_HOST_MAX {
            return Err(CONNECTIONS_OF_HOST_MAX);
        }
        *taken += 1;
        Ok(TakenPlace(self.clone(), host))
    }
}

impl Drop for TakenPlace {
    fn drop(&mut self) {
        let Self(places, host) = self;
        let mut hosts = places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = hosts.get_mut(host) {
            *taken -= 1;
            if *taken == 0 {
                hosts.remove(host);
            }
        }
    }
}

/// Hears a connection out. Answers are written by a task of their own, so that neither waits for
/// the other.
async fn follow(
    stream: TcpStream,
    from: SocketAddr,
    framing: Framing,
    heard: &mpsc::Sender<Heard>,
) {
    let (mut stream, mut writer) = stream.into_split();
    let mut receiver = Receiver::new(framing);
    let mut chunk = [0; CHUNK_LEN];
    let (connection, mut answers) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>(ANSWERS_MAX);
    let writing = tokio::spawn(async move {
        while let Some((octets, sent)) = answers.recv().await {
            let written = timeout(ANSWER_TIME_MAX, writer.write_all(&octets)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
            let _ = sent.send(());
        }
    });
    let back = Back::Tcp(connection);
    let mut silence_max = FIRST_SILENCE_MAX;
    while !receiver.is_lost() && !writing.is_finished() {
        // A connection that breaks ends like one that is closed.
        let length = match timeout(silence_max, stream.read(&mut chunk)).await {
            Ok(Ok(length)) if length > 0 => length,
            _ => break,
        };
        let octets = chunk.get(..length).unwrap_or_default();
        let found = collect(&back, |on| receiver.feed(octets, on));
        if found.iter().any(Result::is_ok) {
            silence_max = SILENCE_MAX;
        }
        if tell(heard, from, found).await.is_err() {
            return;
        }
    }
    let found = collect(&back, |on| receiver.finish(on));
    // Nobody listens any more: the command is ending.
    let _ = tell(heard, from, found).await;
}

/// Takes datagrams in a task of its own, and returns where.
async fn receive(
    address: SocketAddr,
    framing: Framing,
    heard: mpsc::Sender<Heard>,
) -> io::Result<SocketAddr> {
    let socket = Arc::new(UdpSocket::bind(address).await?);
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        // The sender that was heard last stands last.
        let mut senders: VecDeque<(SocketAddr, Receiver)> = VecDeque::new();
        let mut datagram = vec![0; DATAGRAM_MAX];
        loop {
            let (length, from) = match socket.recv_from(&mut datagram).await {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                Err(error) => return report::note(&format!("error: cannot receive: {error}")),
            };
            let known = senders.iter().position(|(sender, _)| *sender == from);
            let mut receiver = known
                .and_then(|at| senders.remove(at))
                .map_or_else(|| Receiver::new(framing), |(_, receiver)| receiver);
            let octets = datagram.get(..length).unwrap_or_default();
            let back = Back::Udp(Arc::clone(&socket), from);
            let found = collect(&back, |on| {
                receiver.feed(octets, on);
                receiver.finish_datagram(on);
            });
            if receiver.is_waiting() {
                if senders.len() >= SENDERS_MAX {
                    senders.pop_front();
                }
                senders.push_back((from, receiver));
            }
            if tell(&heard, from, found).await.is_err() {
                return;
            }
        }
    });
    Ok(address)
}

/// The APDUs and faults among the events of a receiver.
fn collect(
    back: &Back,
    run: impl FnOnce(&mut dyn FnMut(Event<'_>)),
) -> Vec<Result<Message, Fault>> {
    let mut found = Vec::new();
    let (mut gateway, mut ends) = (None, None);
    run(&mut |event| match event {
        Event::Wrapper(frame) => {
            gateway = None;
            let WrapperHeader { source, destination, .. } = frame.header;
            ends = Some(Ends::Wrapper { source, destination });
        }
        Event::Hdlc(frame) => {
            gateway = None;
            let (source, destination) = (frame.source, frame.destination);
            let unnumbered = matches!(frame.control, Control::Ui { .. });
            ends = unnumbered.then_some(Ends::Hdlc { source, destination });
        }
        Event::Mbus(_) => gateway = None,
        Event::Gateway(header) => {
            gateway = Some((header.direction, GatewayAddress::from(*header)));
        }
        Event::Apdu(apdu) => {
            let apdu = core::mem::take(apdu);
            let (gateway, back) = (gateway.clone(), back.clone());
            found.push(Ok(Message { apdu, gateway, ends, back }));
        }
        Event::Bad(fault) | Event::Stray(fault) => found.push(Err(fault)),
        _ => {}
    });
    found
}

async fn tell(
    heard: &mpsc::Sender<Heard>,
    from: SocketAddr,
    found: Vec<Result<Message, Fault>>,
) -> Result<(), mpsc::error::SendError<Heard>> {
    for what in found {
        heard.send(Heard { from, what }).await?;
    }
    Ok(())
}

/// The time, as it is written.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs())
        .ok()
        .and_then(|seconds| DateTime::from_unix(seconds, Some(0)))
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// Writes lines as they come. There is no end to wait for before the widths of a table are known.
enum Writer {
    Table(Stdout),
    Other(Printer<Stdout>),
}

/// Widths of the columns of a table that never ends: time, title, verified, logical name, its name.
const WIDTHS: [usize; 5] = [20, 16, 8, 18, 32];

impl Writer {
    fn new(format: Format) -> Self {
        match format {
            Format::Table => Self::Table(io::stdout()),
            _ => Self::Other(Printer::new(format, PushLine::header(), io::stdout())),
        }
    }

    fn line(&mut self, line: &PushLine) -> io::Result<()> {
        match self {
            Self::Other(printer) => printer.record(line),
            Self::Table(out) => {
                let cells = line.table();
                out.write_all(table_line(&cells).as_bytes())?;
                out.flush()
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Table(_) => Ok(()),
            Self::Other(printer) => printer.finish(),
        }
    }
}

/// A line of the table. What a stranger wrote into a value must not command the terminal, nor begin
/// a line of its own.
fn table_line(cells: &[String]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        line.push_str(&format!("{:<width$}  ", printable(cell)));
    }
    line.push_str(&printable(cells.last().map_or("", String::as_str)));
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_on_its_line_and_commands_no_terminal() {
        let cells = ["now", "-", "-", "-", "", "\u{1b}[2J\nnow 47525801000003E8 yes"];
        let line = table_line(&cells.map(str::to_owned));
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains('\u{1b}') && line.contains("\\u{1b}[2J\\nnow"), "{line}");
    }

    #[test]
    fn no_host_keeps_all_places() {
        let places = Places::default();
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let mut taken: Vec<_> =
            (0..CONNECTIONS_OF_HOST_MAX).map(|_| places.take(one).unwrap()).collect();
        assert_eq!(places.take(one).unwrap_err(), CONNECTIONS_OF_HOST_MAX);
        assert!(places.take(other).is_ok());
        taken.pop();
        assert!(places.take(one).is_ok());
        drop(taken);
        assert!(places.0.lock().unwrap().is_empty());
    }

    #[test]
    fn an_answer_goes_back_in_the_frame_that_the_message_came_in() {
        let wrapper = Ends::Wrapper { source: 1, destination: 103 };
        assert_eq!(
            wrapper.frame_back(&[0x10, 0x40, 0, 0, 7, 0]),
            Some(vec![0, 1, 0, 103, 0, 1, 0, 6, 0x10, 0x40, 0, 0, 7, 0])
        );
        let [source, destination] =
            [0x21, 0x01].map(|it| hdlc::address::Address::try_one(it).unwrap());
        let frame = Ends::Hdlc { source, destination }.frame_back(&[0x10]).unwrap();
        // UI without P, from the client to the server, behind the LLC header of a command.
        assert_eq!(frame[..6], [0x7e, 0xa0, 0x0d, 0x43, 0x03, 0x03]);
        assert_eq!(frame[8..12], [0xe6, 0xe6, 0x00, 0x10]);
        assert!(Ends::Hdlc { source, destination }.frame_back(&[0; 4096]).is_none());
    }
}
