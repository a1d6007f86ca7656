//! Ten mebibytes of anything on a line to `headend listen` cost the program at most 64 MiB of
//! memory and time in proportion, and the message after them is still heard. The program is a
//! process of its own, so that what the system counts of it is asked for.

use core::{fmt, time::Duration};
use std::{fs, io::Write, net::TcpStream};

use dlms_tests::{Headend, ports};
use hdlc::{
    address::Address,
    control::Control,
    frame::{FRAME_LEN_MAX, Frame},
};

const MIB: usize = 1 << 20;
const INPUT_LEN: usize = 10 * MIB;
/// An eighth of the input; in proportion, ten mebibytes take eight times as long.
const PART_LEN: usize = INPUT_LEN / 8;
/// Beside what the program has when it begins to listen.
const MEMORY_KIB_MAX: u64 = 64 * 1024;
/// Three times eight: for caches, and for what the machine does beside. Where time grows with the
/// square, it is eight times that.
const TIMES_MAX: u64 = 24;
/// The system counts in hundredths of a second; so few say nothing.
const TICKS_MIN: u64 = 30;
const TIME_MAX: Duration = Duration::from_secs(120);

/// A data-notification of voltage L1, 230.1 V, in clear.
const VOLTAGE: [u8; 25] = [
    0x0f, 0x00, 0x00, 0x00, 0x01, 0x00, // invoke-id 1, no date-time
    0x02, 0x03, 0x09, 0x06, 1, 0, 32, 7, 0, 255, // structure of 3: 1-0:32.7.0*255
    0x12, 0x08, 0xfd, 0x02, 0x02, 0x0f, 0xff, 0x16, 0x23,
];

/// What comes on a line again and again; the number counts from 0.
struct Bomb {
    name: &'static str,
    framing: &'static str,
    piece: fn(usize) -> Vec<u8>,
}

const BOMBS: &[Bomb] = &[
    Bomb {
        name: "arrays in arrays",
        framing: "wrapper",
        piece: |_| wrapped(&[&[0x0f, 0, 0, 0, 1, 0][..], &[1, 1].repeat(30_000)].concat()),
    },
    Bomb {
        name: "a compact-array of next to nothing",
        framing: "wrapper",
        piece: |_| {
            let head = [0x0f, 0, 0, 0, 1, 0, 0x13, 0x02, 2, 0x11, 0x00, 0x82, 0xe0, 0x00];
            wrapped(&[&head[..], &[0; 0xdfff]].concat())
        },
    },
    Bomb {
        name: "general blocks that never end",
        framing: "wrapper",
        piece: |number| {
            let [.., high, low] = (number + 1).to_be_bytes();
            let head = [0xe0, 0x40, high, low, 0, 0, 0x82, 0x03, 0xe8];
            wrapped(&[&head[..], &[0x0f; 1_000]].concat())
        },
    },
    Bomb {
        name: "what nobody has a key for",
        framing: "wrapper",
        piece: |number| {
            let title = u64::try_from(number).expect("a small number").to_be_bytes();
            wrapped(&[&[0xdb, 8][..], &title, &[0x82, 0x03, 0xe8, 0x30], &[7; 999]].concat())
        },
    },
    Bomb {
        name: "a PDU in segments that never ends",
        framing: "hdlc",
        piece: |_| frame(true, &[&[0xe6, 0xe7, 0x00, 0x0f][..], &[1; 1_000]].concat()),
    },
    Bomb { name: "flags and formats", framing: "hdlc", piece: |_| [0x7e, 0xa7].repeat(500) },
    Bomb { name: "first segments", framing: "mbus", piece: |_| mbus(0x00, &[0x0f; 200]) },
    Bomb { name: "start octets", framing: "mbus", piece: |_| vec![0x68; 1_000] },
];

fn wrapped(apdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(apdu.len()).expect("a short APDU").to_be_bytes();
    [&[0, 1, 0, 1, 0, 1][..], &length, apdu].concat()
}

/// A UI frame of the meter.
fn frame(segmented: bool, information: &[u8]) -> Vec<u8> {
    let (destination, source) = (Address::PUBLIC_CLIENT, Address::MANAGEMENT);
    let control = Control::Ui { pf: false };
    let frame = Frame { destination, source, control, segmented, information };
    let mut octets = [0; FRAME_LEN_MAX];
    let length = frame.encode(&mut octets).expect("a short frame");
    octets[..length].to_vec()
}

/// A long frame of M-Bus with this CI field.
fn mbus(ci: u8, part: &[u8]) -> Vec<u8> {
    let inside = [&[0x53, 0xff, ci, 1, 0x67][..], part].concat();
    let length = u8::try_from(inside.len()).expect("a short frame");
    let sum = inside.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
    [&[0x68, length, length, 0x68][..], &inside, &[sum, 0x16]].concat()
}

/// The message that is heard after all that.
fn voltage(framing: &str) -> Vec<u8> {
    match framing {
        "wrapper" => wrapped(&VOLTAGE),
        "hdlc" => {
            [&[0x7e][..], &frame(false, &[&[0xe6, 0xe7, 0x00][..], &VOLTAGE].concat())].concat()
        }
        // The octets that a frame was announced with may be waited for: the message comes twice.
        _ => [vec![0; 300], mbus(0x10, &VOLTAGE)].concat(),
    }
}

#[test]
fn ten_mebibytes_of_anything_cost_the_listener_64_mebibytes_at_most_and_time_in_proportion() {
    let mut wrong = Vec::new();
    for bomb in BOMBS {
        let (part, whole) = (Cost::of(bomb, PART_LEN), Cost::of(bomb, INPUT_LEN));
        let proportional = whole.ticks <= TICKS_MIN || whole.ticks <= part.ticks * TIMES_MAX;
        if part.memory_kib.max(whole.memory_kib) > MEMORY_KIB_MAX || !proportional {
            wrong.push(format!("{}, {}: {part}, {whole}", bomb.framing, bomb.name));
        }
    }
    assert!(wrong.is_empty(), "too much:\n{}", wrong.join("\n"));
}

/// What listening took.
struct Cost {
    ticks: u64,
    memory_kib: u64,
}

impl Cost {
    fn of(bomb: &Bomb, length: usize) -> Self {
        let port = ports::free_port();
        let headend = Headend::new();
        let address = format!("127.0.0.1:{port}");
        let listen = ["listen", "--tcp", &address, "--framing", bomb.framing, "-o", "jsonl"];
        let mut listener = headend.start(&listen);
        assert!(listener.wait_for_line("listening", TIME_MAX).is_some(), "it did not start");
        let before = memory_kib(listener.id());

        let mut octets = Vec::new();
        for number in 0.. {
            if octets.len() >= length {
                break;
            }
            octets.extend((bomb.piece)(number));
        }
        let mut line = TcpStream::connect(&address).expect("a listener");
        line.write_all(&octets).expect("a listener that listens on");
        line.write_all(&voltage(bomb.framing)).expect("a listener that listens on");
        let heard = listener.wait_for_line("{", TIME_MAX);
        assert!(heard.is_some_and(|line| line.contains("230.1 V")), "{}", bomb.name);
        let cost = Self {
            ticks: ticks(listener.id()),
            memory_kib: memory_kib(listener.id()).saturating_sub(before),
        };
        let _ = listener.kill();
        cost
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms and {} MiB", self.ticks * 10, self.memory_kib / 1024)
    }
}

/// The most memory that the process had at once (proc(5), `VmHWM`).
fn memory_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().next()).expect("a figure");
    digits.parse().expect("a number")
}

/// The processor time of the process in hundredths of a second (proc(5), fields 14 and 15).
fn ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    // The name of the program, in parentheses, may have spaces.
    let (_, behind) = stat.rsplit_once(')').expect("a name");
    let fields: Vec<&str> = behind.split_whitespace().collect();
    [fields[11], fields[12]].iter().map(|field| field.parse::<u64>().expect("a number")).sum()
}
