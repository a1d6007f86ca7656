//! What it costs to pass a request to one of 1,200 meters and its answer back (workload W6), in
//! processor time of the process that does it: the concentrator, or HAProxy beside it. And what a
//! meter costs in memory (workload W7).
//!
//! ```text
//! cargo run --release -p dlms-benches --bin routing -- target/release/concentrator
//! ```
//!
//! Frames have 57 octets, header and all, and each meter sends back what it gets. The concentrator
//! has one connection to the head-end, finds the meter by its SAP and looks after its seat; HAProxy
//! has no use for a SAP, so that it relays 1,200 connections, one a meter. *depth* is how many
//! requests are under way.

use core::{error::Error, fmt::Write as _, net::SocketAddr, time::Duration};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use dlms_core::wrapper::{HEADER_LEN, WrapperHeader};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const METERS: u16 = 1_200;
const CONNECTED: [u16; 2] = [1_200, 9_000];
const FRAME_LEN: usize = 57;
const DEPTHS: [usize; 3] = [1, 64, 1_024];
const SAP_FIRST: u16 = 16;
/// Ticks of processor time a second, as Linux tells them to everybody.
const TICKS: u32 = 100;
/// How long each measurement takes at least: a hundred ticks, and then some.
const MEASURED: Duration = Duration::from_secs(4);

fn main() -> Result<(), Box<dyn Error>> {
    let concentrator = std::env::args().nth(1);
    let concentrator = concentrator.unwrap_or_else(|| "target/release/concentrator".to_owned());
    let folder = PathBuf::from("target/bench-routing");
    fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let meters = echo().await?;
        let (router, address) =
            start_concentrator(Path::new(&concentrator), &folder, meters, METERS)?;
        for depth in DEPTHS {
            let measured = trunk(&router, address, depth).await?;
            println!("w6 concentrator depth {depth}: {measured}");
        }
        println!("w6 concentrator resident {} kB", resident(router.0.id())?);
        drop(router);
        for count in CONNECTED {
            println!("{}", memory(Path::new(&concentrator), &folder, meters, count).await?);
        }

        let (relay, address) = start_haproxy(&folder, meters)?;
        for depth in DEPTHS {
            let measured = relays(&relay, address, depth).await?;
            println!("w6 haproxy depth {depth}: {measured}");
        }
        println!("w6 haproxy resident {} kB", resident(relay.0.id())?);
        Ok(())
    })
}

/// The SAP of each meter: all-station is none.
fn saps(count: u16) -> impl Iterator<Item = u16> + Clone {
    (SAP_FIRST..).filter(|sap| *sap != 0x7F).take(count.into())
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Meters that send back what they get, wPorts the other way round.
async fn echo() -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let mut frame = [0; FRAME_LEN];
                while stream.read_exact(&mut frame).await.is_ok() {
                    let [_, _, s1, s2, d1, d2, ..] = frame;
                    frame[2..6].copy_from_slice(&[d1, d2, s1, s2]);
                    if stream.write_all(&frame).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok(address)
}

fn start_concentrator(
    program: &Path,
    folder: &Path,
    meters: SocketAddr,
    count: u16,
) -> Result<(Running, SocketAddr), Box<dyn Error>> {
    let mut config = String::from(
        "[concentrator]\nname = \"BENCONCENTRATOR1\"\n[wan]\ntcp = [\"127.0.0.1:0\"]\n\
         [access]\nassociations-max = 16000\n",
    );
    for sap in saps(count) {
        writeln!(
            config,
            "[[meter]]\nname = \"BEN{sap:013}\"\nsap = {sap}\naddress = \"wrapper://{meters}\""
        )?;
    }
    let path = folder.join("concentrator.toml");
    fs::write(&path, config)?;
    let mut child = Command::new(program)
        .args(["run", "--config"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}: build it first", program.display()))?;
    let output = child.stdout.take().ok_or("no output")?;
    let running = Running(child);
    let mut lines = BufReader::new(output).lines();
    let address = loop {
        let line = lines.next().ok_or("the concentrator ended")??;
        if let Some(address) = line.strip_prefix("ready at ") {
            break address.parse()?;
        }
    };
    Ok((running, address))
}

fn start_haproxy(
    folder: &Path,
    meters: SocketAddr,
) -> Result<(Running, SocketAddr), Box<dyn Error>> {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let config = format!(
        "global\n  nbthread 1\n  maxconn 8000\ndefaults\n  mode tcp\n  timeout connect 5s\n  \
         timeout client 60s\n  timeout server 60s\nlisten meters\n  bind {address}\n  \
         server echo {meters}\n"
    );
    let path = folder.join("haproxy.cfg");
    fs::write(&path, config)?;
    let child = Command::new("haproxy")
        .args(["-db", "-q", "-f"])
        .arg(&path)
        .spawn()
        .map_err(|error| format!("haproxy: {error}: apt-get install haproxy"))?;
    Ok((Running(child), address))
}

/// What a meter costs in memory (workload W7): known, and connected.
async fn memory(
    program: &Path,
    folder: &Path,
    meters: SocketAddr,
    count: u16,
) -> Result<String, Box<dyn Error>> {
    let (none, _) = start_concentrator(program, folder, meters, 0)?;
    let empty = resident(none.0.id())?;
    drop(none);
    let (router, address) = start_concentrator(program, folder, meters, count)?;
    let idle = resident(router.0.id())?;
    let mut stream = TcpStream::connect(address).await?;
    let mut answer = [0; FRAME_LEN];
    for sap in saps(count) {
        stream.write_all(&frame(sap)).await?;
        stream.read_exact(&mut answer).await?;
    }
    let connected = resident(router.0.id())?;
    let each = |from: u64, to: u64| (to - from) * 1_024 / u64::from(count);
    Ok(format!(
        "w7 concentrator {count} meters: {} octets each, {} more connected; resident \
         {empty} to {connected} kB",
        each(empty, idle),
        each(idle, connected)
    ))
}

/// Requests and answers over one connection.
async fn trunk(
    router: &Running,
    address: SocketAddr,
    depth: usize,
) -> Result<Measured, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut saps = saps(METERS).cycle();
    // The connections to the meters are set up, each by its first request.
    let mut answers = vec![0; FRAME_LEN * usize::from(METERS)];
    let all: Vec<u8> = saps.by_ref().take(METERS.into()).flat_map(frame).collect();
    stream.write_all(&all).await?;
    stream.read_exact(&mut answers).await?;

    let first: Vec<u8> = saps.by_ref().take(depth).flat_map(frame).collect();
    stream.write_all(&first).await?;
    let meter = Meter::start(router.0.id())?;
    let (mut done, mut partial) = (0_u64, 0);
    while meter.began.elapsed() < MEASURED {
        let read = stream.read(&mut answers).await?;
        if read == 0 {
            return Err("the concentrator hung up".into());
        }
        let answered = (partial + read) / FRAME_LEN;
        partial = (partial + read) % FRAME_LEN;
        let next: Vec<u8> = saps.by_ref().take(answered).flat_map(frame).collect();
        stream.write_all(&next).await?;
        done += answered as u64;
    }
    meter.stop(done)
}

/// Requests and answers over a connection a meter.
async fn relays(
    relay: &Running,
    address: SocketAddr,
    depth: usize,
) -> Result<Measured, Box<dyn Error>> {
    let mut streams = Vec::new();
    while streams.len() < METERS.into() {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                streams.push(stream);
            }
            // It may not be up yet.
            Err(_) if streams.is_empty() => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(error.into()),
        }
    }
    let mut workers = JoinSet::new();
    let (begin, _) = tokio::sync::broadcast::channel::<()>(1);
    let mut shares: Vec<Vec<TcpStream>> = (0..depth).map(|_| Vec::new()).collect();
    for (index, stream) in streams.into_iter().enumerate() {
        shares[index % depth].push(stream);
    }
    for mut share in shares {
        // Each is relayed once before, so that both its connections are there.
        for stream in &mut share {
            ask(stream).await?;
        }
        let mut begin = begin.subscribe();
        workers.spawn(async move {
            let _ = begin.recv().await;
            let until = Instant::now() + MEASURED;
            let mut done = 0_u64;
            'measured: loop {
                for stream in &mut share {
                    if Instant::now() >= until {
                        break 'measured;
                    }
                    if ask(stream).await.is_err() {
                        break 'measured;
                    }
                    done += 1;
                }
            }
            (done, share)
        });
    }
    let meter = Meter::start(relay.0.id())?;
    begin.send(())?;
    let mut done = 0;
    let mut shares = Vec::new();
    while let Some(worker) = workers.join_next().await {
        let (asked, share) = worker?;
        done += asked;
        shares.push(share);
    }
    meter.stop(done)
}

async fn ask(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut answer = [0; FRAME_LEN];
    stream.write_all(&frame(SAP_FIRST)).await?;
    stream.read_exact(&mut answer).await?;
    Ok(())
}

fn frame(sap: u16) -> [u8; FRAME_LEN] {
    let mut frame = [0xC0; FRAME_LEN];
    let length = (FRAME_LEN - HEADER_LEN) as u16;
    let header = WrapperHeader { source: 1, destination: sap, length };
    frame[..HEADER_LEN].copy_from_slice(&header.encode_header());
    frame
}

/// Processor time of a process between two moments.
struct Meter {
    process: u32,
    ticks: u64,
    began: Instant,
}

impl Meter {
    fn start(process: u32) -> Result<Self, Box<dyn Error>> {
        Ok(Self { process, ticks: ticks(process)?, began: Instant::now() })
    }

    fn stop(self, round_trips: u64) -> Result<Measured, Box<dyn Error>> {
        let ticks = ticks(self.process)? - self.ticks;
        let busy = Duration::from_secs(ticks) / TICKS;
        Ok(Measured { round_trips, busy, elapsed: self.began.elapsed() })
    }
}

struct Measured {
    round_trips: u64,
    busy: Duration,
    elapsed: Duration,
}

impl core::fmt::Display for Measured {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let each = self.busy.as_secs_f64() / self.round_trips as f64;
        write!(
            f,
            "{:.2} us a round trip, {:.0} frames/s a core, {:.0} round trips/s",
            each * 1e6,
            2.0 / each,
            self.round_trips as f64 / self.elapsed.as_secs_f64()
        )
    }
}

/// User and system time of a process.
fn ticks(process: u32) -> Result<u64, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no stat")?;
    let mut fields = fields.split(' ').skip(11);
    let mut next = || fields.next().ok_or("no stat")?.parse::<u64>().map_err(Into::into);
    let (user, system): (Result<_, Box<dyn Error>>, Result<_, _>) = (next(), next());
    Ok(user? + system?)
}

fn resident(process: u32) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
