//! The command line: what may be typed. What it means is worked out in `settings`.

mod certificate;
mod opening;
mod party;

use core::{convert::Infallible, fmt, net::SocketAddr, str::FromStr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use dlms_core::companion::{self, Companion};
use dlms_core::security::WINDOW_MAX;
use dlms_tokio::Address;
use hdlc::address::AddressLength;
use zeroize::Zeroizing;

pub use self::certificate::CertificateVerb;
pub(crate) use self::{
    certificate::{CertificateAction, CertificateOptions, Which},
    opening::Opening,
    party::{Establishment, Party, PartyAids},
};
use crate::{decode::transport::Framing, object::Object, wanted::Wanted};

/// Reads, writes and commands DLMS/COSEM meters.
#[derive(Debug, Parser)]
#[command(
    name = "headend",
    version,
    subcommand_required = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  headend objects wrapper://192.0.2.7:4059
  headend read wrapper://192.0.2.7:4059 1-0:1.8.0*255 1-0:32.7.0*255
  headend read hdlc+serial:///dev/ttyUSB0 0-0:1.0.0*255 --client 17 --auth lls --password-file pw
  headend profile hdlc://192.0.2.7:4065 1-0:99.1.0*255 --from 2026-01-01 --to 2026-01-02 --plot

`headend VERB --help` shows every option of a verb, with examples.

Data goes to standard output, everything else to standard error.
Exit codes: 0 done, 1 this machine failed, 2 usage, 3 meter not reached, 4 security, 5 refused,
6 some of it done, 7 expired."
)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do with a meter.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read attributes: registers with scaler and unit, the clock, anything
    #[command(after_help = "\
Examples:
  headend read wrapper://192.0.2.7:4059 1-0:1.8.0*255
  headend read wrapper://192.0.2.7:4059 3:1-0:32.7.0*255:2 8:0-0:1.0.0*255:2 -o jsonl
  headend read hdlc://192.0.2.7:4065 1-0:1.8.0*255 --client 1 --auth hls-md5 --password-file pw
  headend read wrapper://192.0.2.7 1-0:1.8.0*255 --client 1 --security authenc --keys keys.toml
  headend read wrapper://192.0.2.7 --companion idis 'active energy import' clock:4

Behind a concentrator:
  headend read wrapper://192.0.2.9:4059 1-0:1.8.0*255 --sap 16,17
  headend read wrapper://192.0.2.9:4059 3:1-0:1.8.0*255 --all-saps -o csv --parallel 32
  headend read --route wrapper://192.0.2.9 --route wrapper://192.0.2.10 1-0:1.8.0*255 --all-saps

An OBJECT without class is looked up in the meter's object list, which takes a moment on a serial
line.

Behind a concentrator each meter must have the name that the list there has for it, and the system
title that it proved before. It is read over the first --route that leads to it, and over the next
when that one fails; SAPs differ from one concentrator to the next, names do not.")]
    Read(Read),
    /// List what is behind a concentrator: each SAP and the name of the logical device there
    #[command(after_help = "\
Examples:
  headend saps wrapper://192.0.2.9:4059
  headend saps wrapper://192.0.2.9:4059 --client 1 --auth hls-gmac --keys keys.toml -o csv")]
    Saps(Saps),
    /// List the objects of a meter: class, logical name, what it is, what may be done with it
    #[command(after_help = "\
Examples:
  headend objects wrapper://192.0.2.7:4059
  headend objects hdlc://192.0.2.7:4065 --client 1 --auth hls-md5 --password-file pw -o csv")]
    Objects(Objects),
    /// Read the rows of a load profile, an event log or another profile
    #[command(after_help = "\
Examples:
  headend profile wrapper://192.0.2.7:4059 1-0:99.1.0*255 --entries 1..96
  headend profile wrapper://192.0.2.7:4059 1-0:99.1.0*255 --from 2026-01-01 --to 2026-02-01 --plot
  headend profile wrapper://192.0.2.7:4059 1-0:99.1.0*255 --columns 1-0:1.8.0*255 -o csv

A time without offset is the meter's local time, and a date alone its midnight;
2026-01-15T17:30:00+01:00 is the same moment for everybody.")]
    Profile(Profile),
    /// Write one attribute
    #[command(after_help = crate::value::FORMS)]
    Write(Write),
    /// Invoke one method
    #[command(after_help = concat!("\
Examples:
  headend invoke wrapper://192.0.2.7:4059 70:0-0:96.3.10*255 1               remote disconnect
  headend invoke wrapper://192.0.2.7:4059 70:0-0:96.3.10*255 2 integer:0     remote reconnect

Without VALUE the parameter is integer:0, which is what most methods take. For no parameter at all
give the word none. VALUE is otherwise written as for `headend write`: see headend write --help."))]
    Invoke(Invoke),
    /// Ask a meter for certificate requests, give it certificates, and see those that it has
    #[command(after_help = "\
Examples:
  headend certificate request wrapper://192.0.2.7 --new-key --key signature ... > meter.csr
  openssl x509 -req -in meter.csr -CA ca.pem -CAkey ca.key -copy_extensions copy -out meter.pem
  headend certificate import wrapper://192.0.2.7 --file meter.pem ...
  headend certificate list wrapper://192.0.2.7 ...
  headend certificate export wrapper://192.0.2.7 --entity server --key signature --title HEX ...

Meters take certificates only from a client that has proven who it is, with --auth hls-gmac or
hls-ecdsa, in suite 1 or 2.")]
    Certificate(CertificateVerb),
    /// Show every layer of captured octets: frames, APDUs, what is ciphered, values
    #[command(after_help = "\
Examples:
  headend decode '7e a0 07 03 21 93 0f 01 7e'
  headend decode capture.hex --ek 000102...0e0f --ak d0d1...dedf
  xxd dump.bin | headend decode - --framing mbus --keys keys.toml
  headend decode -o jsonl captures.jsonl
  headend decode -o xml push.hex > push.xml

Hexadecimal digits may have blanks, commas, colons and line ends between them, and 0x in front; the
dumps of xxd and hexdump -C are read as well. With -o jsonl each line of input is an object with
\"id\", \"framing\", \"hex\" and \"keys\": {\"ek\", \"ak\", \"system_title\", \"kek\"}, and becomes
a line of output.
The exit code is about one capture; of a file of such lines each says for itself what is wrong.
What is ciphered or signed several times is taken apart layer by layer. Each is verified if its key
is given, and when it does not verify it is told which key, title or certificate is probably wrong.
A meter that names its values in another way than those that are known: see --patterns.")]
    Decode(Decode),
    /// Make octets of APDUs that are written as XML
    #[command(after_help = "\
Examples:
  headend encode request.xml
  headend decode -o xml push.bin | headend encode
  headend encode -o binary frames.xml > frames.bin

Takes the XML of the COSEM PDU schema of DLMS UA and that of translators, with or without a WRAPPER
or HDLC element around the APDU. Each message becomes a line.")]
    Encode(Encode),
    /// Receive what meters push, and show each value as a line
    #[command(after_help = "\
Examples:
  headend listen --tcp 0.0.0.0:4059 --keys keys.toml -o jsonl
  headend listen --udp '[::]:4059' --ek 000102...0e0f --ak d0d1...dedf
  headend listen --tcp 127.0.0.1:5000 --framing hdlc -o csv

Forged, replayed and incomplete messages yield no value, only a note on standard error that says
which key, title or certificate is probably wrong. Counters are remembered as long as the command
runs: what was recorded before can be played back once after a new start.
A message that asks to be confirmed is so once its lines are written, protected as it was itself.
What is not verified is not confirmed. Ctrl-C ends with code 0.")]
    Listen(Listen),
    /// Take what meters pushed to concentrators, each push once, and acknowledge it
    #[command(after_help = "\
Examples:
  headend spool wrapper://192.0.2.9 --client 1 --auth hls-gmac --security authenc \\
      --keys concentrator.toml --push-keys meters.toml
  headend spool wrapper://192.0.2.9 ... -o jsonl --to pushes.jsonl --follow --live 0.0.0.0:4059
  headend spool wrapper://192.0.2.9 ... -o csv --keep

A concentrator keeps a push until it is acknowledged, which happens when its lines are written: to
--to FILE, synced, with FILE.spool beside it, so that no push comes twice or is lost whatever breaks
off; or else to standard output, where a push may come again after a crash. A push that nobody can
open is a line with its octets; so is one that came before under the same invocation counter, as
from a meter that pushes again because it was not confirmed (--forget-received, when a meter has new
keys). Ctrl-C ends with code 0.")]
    Spool(Spool),
    /// Read fifty simulated meters into a database: a first look in a minute
    #[command(after_help = "\
Examples:
  headend demo
  headend demo --data /tmp/demo --serve

Needs no network, no root and no server; the meters live in a process of their own on 127.0.0.1.")]
    Demo(Demo),
    /// The other end of the demo
    #[command(hide = true)]
    SimulateMeters(SimulateMeters),
}

/// `headend read`.
#[derive(Debug, Args)]
pub struct Read {
    /// Where the meter is: wrapper://HOST:PORT, wrapper+udp://HOST:PORT, hdlc://HOST:PORT or
    /// hdlc+serial:///dev/ttyX?baud=9600[&mode-e]. Not needed with --route
    #[arg(value_name = "ADDRESS", required_unless_present = "routes")]
    pub(crate) first: Option<AddressOrObject>,
    /// What to read: 1-0:1.8.0*255 for attribute 2, 1-0:1.8.0*255:3 for attribute 3, or
    /// 3:1-0:1.8.0*255:2 with the class in front; with --companion also a name of it, such as
    /// "active energy import"
    #[arg(value_name = "OBJECT", required_unless_present = "routes")]
    pub(crate) objects: Vec<Wanted>,
    #[command(flatten)]
    pub(crate) behind: Behind,
    /// Ask for all of them with one ACCESS request
    #[arg(long, conflicts_with = "short_names")]
    pub(crate) access: bool,
    /// Ask for each by itself and for up to N before the first is answered, over TCP or UDP; some
    /// meters take only one request at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = value_parser!(u8).range(1..=8))]
    #[arg(conflicts_with_all = ["access", "short_names", "gbt", "saps"])]
    pub(crate) in_flight: u8,
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What to read behind a concentrator.
#[derive(Debug, Args)]
#[command(next_help_heading = "Behind a concentrator")]
pub(crate) struct Behind {
    /// Read the meters at these SAPs of the concentrator's list
    #[arg(long, value_name = "N,...", value_delimiter = ',', group = "saps")]
    #[arg(value_parser = value_parser!(u16).range(2..))]
    #[arg(conflicts_with_all = ["server", "short_names", "gateway"])]
    // A counter is that of one meter.
    #[arg(conflicts_with_all = ["counter", "forget_received"])]
    pub(crate) sap: Vec<u16>,
    /// Read every meter in the concentrator's list
    #[arg(long, group = "saps")]
    #[arg(conflicts_with_all = ["sap", "server", "short_names", "gateway"])]
    #[arg(conflicts_with_all = ["counter", "forget_received"])]
    pub(crate) all_saps: bool,
    /// A concentrator that leads to the meters, after ADDRESS and the routes before it; may be
    /// given several times
    #[arg(long = "route", id = "routes", value_name = "ADDRESS", requires = "saps")]
    pub(crate) routes: Vec<Address>,
    /// Meters read at the same time
    #[arg(long, value_name = "N", default_value_t = 16, requires = "saps")]
    #[arg(value_parser = value_parser!(u16).range(1..=1024))]
    pub(crate) parallel: u16,
    /// Seconds after which a meter forgets an association that a lost concentrator left open
    #[arg(long, value_name = "S", default_value = "120", requires = "saps")]
    pub(crate) inactivity_timeout: Seconds,
}

impl Behind {
    /// Whether anything behind a concentrator is asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.all_saps || !self.sap.is_empty()
    }
}

/// The first word after `headend read`: where to read, or, if routes say that, what to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddressOrObject {
    /// Where.
    Address(Address),
    /// What.
    Object(Object),
}

impl FromStr for AddressOrObject {
    type Err = dlms_tokio::AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text.contains("://"), text.parse()) {
            (false, Ok(object)) => Ok(Self::Object(object)),
            _ => text.parse().map(Self::Address),
        }
    }
}

/// `headend saps`.
#[derive(Debug, Args)]
pub struct Saps {
    #[command(flatten)]
    pub(crate) meter: Meter,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `headend objects`.
#[derive(Debug, Args)]
pub struct Objects {
    #[command(flatten)]
    pub(crate) meter: Meter,
    /// Show instead in what the meter differs from a companion profile: idis, prime or smr
    #[arg(long, value_name = "NAME", value_parser = known_companion)]
    pub(crate) companion: Option<&'static Companion>,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `headend profile`.
#[derive(Debug, Args)]
pub struct Profile {
    #[command(flatten)]
    pub(crate) meter: Meter,
    /// The profile, such as 1-0:99.1.0*255; with --companion also a name of it, such as "load
    /// profile 1"
    #[arg(value_name = "OBJECT")]
    pub(crate) object: Wanted,
    /// Rows captured at T or later, such as 2026-01-15, 2026-01-15T17:30 or
    /// 2026-01-15T17:30:00+01:00
    #[arg(long, value_name = "T", conflicts_with = "entries")]
    pub(crate) from: Option<Moment>,
    /// Rows captured at T or earlier
    #[arg(long, value_name = "T", conflicts_with = "entries")]
    pub(crate) to: Option<Moment>,
    /// Rows A to B, both included; 1 is the first of the buffer, and 5.. goes to its end
    #[arg(long, value_name = "A..B")]
    pub(crate) entries: Option<Entries>,
    /// Only these columns; the time of each row comes along
    #[arg(long, value_name = "OBJECT,...", value_delimiter = ',')]
    pub(crate) columns: Vec<Wanted>,
    /// Draw a chart of every numeric column in the terminal; of energies, what was used between
    /// rows
    #[arg(long)]
    pub(crate) plot: bool,
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `headend write`.
#[derive(Debug, Args)]
pub struct Write {
    #[command(flatten)]
    pub(crate) meter: Meter,
    /// What to write, as for `headend read`
    #[arg(value_name = "OBJECT")]
    pub(crate) object: Object,
    /// The value with its type, such as unsigned:3
    #[arg(value_name = "VALUE")]
    pub(crate) value: String,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `headend invoke`.
#[derive(Debug, Args)]
pub struct Invoke {
    #[command(flatten)]
    pub(crate) meter: Meter,
    /// The object, such as 70:0-0:96.3.10*255
    #[arg(value_name = "OBJECT")]
    pub(crate) object: Object,
    /// The number of the method, from 1
    #[arg(value_name = "METHOD", allow_negative_numbers = true)]
    pub(crate) method: i8,
    /// Its parameter, such as integer:0, or none
    #[arg(value_name = "VALUE")]
    pub(crate) value: Option<String>,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `headend decode`.
#[derive(Debug, Args)]
pub struct Decode {
    /// Octets in hexadecimal, a file with such or with the octets themselves, or - for standard
    /// input
    #[arg(value_name = "HEX|FILE|-", default_value = "-")]
    pub(crate) input: String,
    /// How the APDUs travelled
    #[arg(long, value_name = "FRAMING", default_value = "auto")]
    pub(crate) framing: DecodeFraming,
    #[command(flatten)]
    pub(crate) aids: Aids,
    /// How to write what was found
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        default_value = "tree",
        help_heading = "Output"
    )]
    pub(crate) output: DecodeOutput,
}

/// `headend listen`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["tcp", "udp"]))]
pub struct Listen {
    /// Accept TCP connections at this address, such as 0.0.0.0:4059
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) tcp: Option<SocketAddr>,
    /// Take UDP datagrams at this address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) udp: Option<SocketAddr>,
    /// How the APDUs travel
    #[arg(long, value_name = "FRAMING", default_value = "wrapper")]
    pub(crate) framing: ListenFraming,
    /// Take only messages whose tag verified
    #[arg(long, help_heading = "Security")]
    pub(crate) verified_only: bool,
    /// Take messages that overtook each other, each once: up to N invocation counters back, at most
    /// 64. By default counters must grow
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Security")]
    #[arg(value_parser = value_parser!(u32).range(..=i64::from(WINDOW_MAX)))]
    pub(crate) counter_window: u32,
    /// Our private signature key, a file in PEM or hexadecimal: what asks to be confirmed and is
    /// signed is confirmed with a signature [env: DLMS_SIGNING_KEY]
    #[arg(long, value_name = "FILE", help_heading = "Confirmation")]
    pub(crate) signing_key: Option<PathBuf>,
    /// The file that remembers used counters, for confirmations of what is ciphered [default:
    /// dlms-headend/counters.json in the user's data folder]
    #[arg(long, value_name = "F", help_heading = "Confirmation")]
    pub(crate) counter_file: Option<PathBuf>,
    /// End after N messages
    #[arg(long, value_name = "N")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    #[command(flatten)]
    pub(crate) aids: Aids,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `headend spool`.
#[derive(Debug, Args)]
pub struct Spool {
    /// Where the concentrators are: wrapper://HOST:PORT
    #[arg(value_name = "ADDRESS", required = true)]
    pub(crate) addresses: Vec<Address>,
    /// Add the lines to this file, which nobody else writes to
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
    /// Acknowledge nothing: the concentrators keep what was read
    #[arg(long)]
    pub(crate) keep: bool,
    /// Go on, and take what comes
    #[arg(long)]
    pub(crate) follow: bool,
    /// Seconds after which a concentrator is asked whether there is more
    #[arg(long, value_name = "S", default_value = "10", requires = "follow")]
    pub(crate) every: Seconds,
    /// Let concentrators connect here and pass on pushes as they get them (push.to there)
    #[arg(long, value_name = "ADDRESS", requires = "follow")]
    pub(crate) live: Option<SocketAddr>,
    /// A TOML file with the keys of the meters, each under its system title; --keys has those of
    /// the concentrator [default: the file of --keys]
    #[arg(long, value_name = "FILE", help_heading = "Security")]
    pub(crate) push_keys: Option<PathBuf>,
    /// Give values only of pushes whose tag verified
    #[arg(long, help_heading = "Security")]
    pub(crate) verified_only: bool,
    /// Take pushes that overtook each other, each once: up to N invocation counters back, at most
    /// 64
    #[arg(long, value_name = "N", default_value_t = 64, help_heading = "Security")]
    #[arg(value_parser = value_parser!(u32).range(..=i64::from(WINDOW_MAX)))]
    pub(crate) counter_window: u32,
    /// A TOML file with further ways in which pushes name their values
    #[arg(long, value_name = "FILE")]
    pub(crate) patterns: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What helps to read what nobody asked for.
#[derive(Debug, Default, Args)]
pub(crate) struct Aids {
    /// A TOML file with the keys of many meters, each under its system title
    #[arg(long, value_name = "FILE", help_heading = "Security")]
    pub(crate) keys: Option<PathBuf>,
    /// The encryption key of meters that the file does not have, hexadecimal
    #[arg(long, value_name = "HEX", help_heading = "Security")]
    pub(crate) ek: Option<Hidden>,
    /// The authentication key that belongs to it
    #[arg(long, value_name = "HEX", help_heading = "Security", requires = "ek")]
    pub(crate) ak: Option<Hidden>,
    /// The sender's system title where an APDU does not tell it, 16 hexadecimal digits
    #[arg(long, value_name = "HEX", help_heading = "Security")]
    pub(crate) system_title: Option<dlms_core::security::SystemTitle>,
    /// A TOML file with further ways in which pushes name their values: [[pattern]] with
    /// fields = "name value scaler-unit", [[list]], [[untagged]]
    #[arg(long, value_name = "FILE")]
    pub(crate) patterns: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) party: PartyAids,
}

/// `headend decode --framing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeFraming {
    /// What the first octets look like
    Auto,
    /// HDLC frames
    Hdlc,
    /// The wrapper of TCP and UDP
    Wrapper,
    /// Wired M-Bus frames
    Mbus,
    /// An APDU without any frame
    Apdu,
}

impl DecodeFraming {
    /// The framing; none when it has to be guessed.
    pub(crate) const fn framing(self) -> Option<Framing> {
        match self {
            Self::Auto => None,
            Self::Hdlc => Some(Framing::Hdlc),
            Self::Wrapper => Some(Framing::Wrapper),
            Self::Mbus => Some(Framing::Mbus),
            Self::Apdu => Some(Framing::Apdu),
        }
    }
}

/// `headend decode -o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeOutput {
    /// For reading: each layer inside the one before
    Tree,
    /// One JSON object for each capture
    Jsonl,
    /// XML as translators write it: <GetRequest>, values in hexadecimal, frames around the APDUs
    Xml,
    /// XML by the COSEM PDU schema of DLMS UA: <x:get-request>, numbers in decimal, APDUs only
    XmlAsn1,
}

/// `headend encode`.
#[derive(Debug, Args)]
pub struct Encode {
    /// A file with XML, or - for standard input
    #[arg(value_name = "FILE|-", default_value = "-")]
    pub(crate) input: String,
    /// How to write the octets
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        default_value = "hex",
        help_heading = "Output"
    )]
    pub(crate) output: EncodeOutput,
}

/// `headend encode -o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncodeOutput {
    /// In hexadecimal, a line for each message
    Hex,
    /// As they are, one message behind the other
    Binary,
}

/// `headend listen --framing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListenFraming {
    /// The wrapper of TCP and UDP
    Wrapper,
    /// HDLC frames
    Hdlc,
    /// Wired M-Bus frames
    Mbus,
}

impl ListenFraming {
    pub(crate) const fn framing(self) -> Framing {
        match self {
            Self::Wrapper => Framing::Wrapper,
            Self::Hdlc => Framing::Hdlc,
            Self::Mbus => Framing::Mbus,
        }
    }
}

/// `headend demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder for readings.db [default: a fresh one, named at the end]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Keep the meters up afterwards, until Ctrl-C
    #[arg(long)]
    pub(crate) serve: bool,
    /// How long each meter thinks before an answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, hide = true)]
    pub(crate) answer_delay_ms: u64,
}

/// `headend simulate-meters`: the process with the meters of the demo.
#[derive(Debug, Args)]
pub struct SimulateMeters {
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) answer_delay_ms: u64,
}

/// By what names objects are called.
#[derive(Debug, Args)]
pub(crate) struct Names {
    /// Know objects by the names of a companion profile: idis, prime or smr
    #[arg(long, value_name = "NAME", value_parser = known_companion)]
    pub(crate) companion: Option<&'static Companion>,
}

/// `--companion`.
fn known_companion(name: &str) -> Result<&'static Companion, String> {
    companion::companion(name).ok_or_else(|| {
        let known = companion::companions().iter().map(|companion| companion.name);
        format!("write one of {}", known.collect::<Vec<_>>().join(", "))
    })
}

/// Which meter.
#[derive(Debug, Args)]
pub(crate) struct Meter {
    /// Where the meter is: wrapper://HOST:PORT, wrapper+udp://HOST:PORT, hdlc://HOST:PORT or
    /// hdlc+serial:///dev/ttyX?baud=9600[&mode-e]
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: Address,
}

/// How to associate with the meter.
#[derive(Debug, Args)]
#[command(next_help_heading = "Association")]
pub(crate) struct Association {
    /// Who asks: the client SAP. 16 is the public client, 1 management
    #[arg(long, value_name = "N", default_value_t = 16)]
    #[arg(value_parser = value_parser!(u16).range(1..))]
    pub(crate) client: u16,
    /// The logical device, and on HDLC its physical device: UPPER or UPPER/LOWER
    #[arg(long, value_name = "UPPER[/LOWER]", default_value = "1")]
    pub(crate) server: Server,
    /// The way to a meter behind a gateway: the network, and the meter's address in it, as text or
    /// in hexadecimal behind 0x
    #[arg(long, value_name = "NETWORK:ADDRESS")]
    pub(crate) gateway: Option<dlms_core::gateway::GatewayAddress>,
    #[command(flatten)]
    pub(crate) opening: Opening,
    /// Octets of an HDLC server address: 1, 2 or 4 [default: what UPPER and LOWER need]
    #[arg(long, value_name = "N")]
    pub(crate) address_bytes: Option<AddressBytes>,
    /// Octets of information in an HDLC frame, proposed to the meter
    #[arg(long, value_name = "N", default_value_t = 128)]
    #[arg(value_parser = value_parser!(u16).range(1..=2030))]
    pub(crate) hdlc_info: u16,
    /// HDLC frames sent in one go, proposed to the meter
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = value_parser!(u8).range(1..=7))]
    pub(crate) window: u8,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "S", default_value = "10")]
    pub(crate) timeout: Seconds,
    /// How often to ask again when no answer comes, on HDLC and UDP; on TCP, where nothing is lost
    /// on the way, how often to wait for --timeout once more
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) retries: u8,
    /// The largest APDU to take, in octets
    #[arg(long, value_name = "N", default_value_t = 0xffff)]
    #[arg(value_parser = value_parser!(u16).range(12..))]
    pub(crate) max_pdu: u16,
    /// Send and take everything in general block transfer, and take so many blocks in one go
    #[arg(long, value_name = "WINDOW", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "8", value_parser = value_parser!(u8).range(1..=63))]
    pub(crate) gbt: Option<u8>,
    /// Name attributes and methods by short names, as old meters want it
    #[arg(long)]
    pub(crate) short_names: bool,
    /// Just close the line at the end, without asking the meter to release the association
    #[arg(long)]
    pub(crate) no_rlrq: bool,
    /// A TOML file with what meters need to be done differently, by manufacturer, device name,
    /// title or address:
    /// [cellar] address = "..." release = false lists = false max-pdu = 256 address-bytes = 2
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) quirks: Option<PathBuf>,
    /// Neither use nor remember what this meter showed before, such as not to answer RLRQ
    #[arg(long)]
    pub(crate) no_learn: bool,
    /// Show what goes over the line on standard error: values, apdu, link or phys
    #[arg(long, value_name = "LEVEL")]
    pub(crate) trace: Option<dlms_tokio::DecodeLevel>,

    /// How client and meter prove who they are
    #[arg(long, value_name = "MECHANISM", default_value = "none", help_heading = "Security")]
    pub(crate) auth: Auth,
    /// The password or HLS secret. Better from a file or from the environment: DLMS_PASSWORD
    #[arg(long, value_name = "TEXT", help_heading = "Security", conflicts_with = "password_file")]
    pub(crate) password: Option<Hidden>,
    /// A file whose content is the password; a line end at its end does not count
    #[arg(long, value_name = "F", help_heading = "Security")]
    pub(crate) password_file: Option<PathBuf>,
    /// How APDUs are protected: not, authenticated, encrypted, or both
    #[arg(long, value_name = "PROTECTION", default_value = "none", help_heading = "Security")]
    pub(crate) security: Security,
    /// The security suite: 0, 1 (with P-256) or 2 (AES-256, P-384). A keys file says it itself
    /// [default: 0]
    #[arg(long, value_name = "N", help_heading = "Security")]
    pub(crate) suite: Option<u8>,
    /// The encryption key, hexadecimal. Better from the environment: DLMS_EK
    #[arg(long, value_name = "HEX", help_heading = "Security")]
    pub(crate) ek: Option<Hidden>,
    /// The authentication key, hexadecimal. Better from the environment: DLMS_AK
    #[arg(long, value_name = "HEX", help_heading = "Security")]
    pub(crate) ak: Option<Hidden>,
    /// A TOML file with the keys of many meters, each under its system title:
    /// ["47525801000003E8"] ek = "..." ak = "..." suite = 0
    #[arg(long, value_name = "FILE", help_heading = "Security", verbatim_doc_comment)]
    #[arg(conflicts_with_all = ["ek", "ak"])]
    pub(crate) keys: Option<PathBuf>,
    /// Agree on a key of its own for this association
    #[arg(long, help_heading = "Security")]
    pub(crate) dedicated: bool,
    /// Cipher with general-glo and general-ded APDUs instead of the service-specific ones
    #[arg(long, help_heading = "Security")]
    pub(crate) general: bool,
    /// Our own system title, 16 hexadecimal digits [default: one made for this installation]
    #[arg(long, value_name = "HEX", help_heading = "Security")]
    pub(crate) system_title: Option<dlms_core::security::SystemTitle>,
    #[command(flatten)]
    pub(crate) party: Party,

    /// Go on from invocation counter N; it is never lowered
    #[arg(long, value_name = "N", help_heading = "Invocation counter")]
    pub(crate) counter: Option<u32>,
    /// Take the meter's counters from the start again: it was reset, or exchanged and has the same
    /// keys. What was recorded from it before can then be played back once
    #[arg(long, help_heading = "Invocation counter")]
    pub(crate) forget_received: bool,
    /// The file that remembers used counters [default: dlms-headend/counters.json in the user's
    /// data folder]
    #[arg(long, value_name = "F", help_heading = "Invocation counter")]
    pub(crate) counter_file: Option<PathBuf>,
    /// Where a meter publishes its counter, read through client 16 when the file knows none
    #[arg(
        long,
        value_name = "OBJECT",
        default_value = "1:0-0:43.1.0*255:2",
        help_heading = "Invocation counter"
    )]
    pub(crate) counter_object: Object,
}

/// How to show data.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Output {
    /// How to write data
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        default_value = "table",
        help_heading = "Output"
    )]
    pub(crate) format: Format,
}

/// How data are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading: aligned columns
    Table,
    /// One JSON array
    Json,
    /// One JSON object a line, written as it is known
    Jsonl,
    /// Comma-separated, with a header line
    Csv,
}

/// `--auth`: the authentication mechanisms (IEC 62056-5-3) by their usual names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// No authentication (mechanism 0)
    None,
    /// A password in clear (1)
    Lls,
    /// A manufacturer's own challenge-response, AES-128 here (2)
    Hls2,
    /// Challenge-response with MD5 (3)
    HlsMd5,
    /// Challenge-response with SHA-1 (4)
    HlsSha1,
    /// Challenge-response with GMAC (5)
    HlsGmac,
    /// Challenge-response with SHA-256 (6)
    HlsSha256,
    /// Challenge-response with ECDSA (7)
    HlsEcdsa,
}

/// `--security`: how APDUs are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Security {
    /// In clear
    None,
    /// Authenticated
    Auth,
    /// Encrypted
    Enc,
    /// Authenticated and encrypted
    Authenc,
}

/// `--address-bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AddressBytes {
    /// UPPER alone
    #[value(name = "1")]
    One,
    /// One octet each
    #[value(name = "2")]
    Two,
    /// Two octets each
    #[value(name = "4")]
    Four,
}

impl Association {
    /// Whether a key or password is at play.
    pub(crate) fn is_secured(&self) -> bool {
        self.auth != Auth::None || self.security != Security::None
    }
}

impl Auth {
    /// Whether it takes a password or secret.
    pub(crate) const fn has_password(self) -> bool {
        !matches!(self, Self::None | Self::HlsGmac | Self::HlsEcdsa)
    }

    /// The word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lls => "lls",
            Self::Hls2 => "hls2",
            Self::HlsMd5 => "hls-md5",
            Self::HlsSha1 => "hls-sha1",
            Self::HlsGmac => "hls-gmac",
            Self::HlsSha256 => "hls-sha256",
            Self::HlsEcdsa => "hls-ecdsa",
        }
    }
}

impl Security {
    /// The word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Auth => "auth",
            Self::Enc => "enc",
            Self::Authenc => "authenc",
        }
    }
}

impl AddressBytes {
    /// The number of octets.
    pub(crate) const fn count(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// The form of the HDLC address.
    pub(crate) const fn length(self) -> AddressLength {
        match self {
            Self::One => AddressLength::One,
            Self::Two => AddressLength::Two,
            Self::Four => AddressLength::Four,
        }
    }
}

/// `--server`: a logical device and, on HDLC, its physical device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) upper: u16,
    pub(crate) lower: Option<u16>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lower {
            Some(lower) => write!(f, "{}/{lower}", self.upper),
            None => self.upper.fmt(f),
        }
    }
}

impl FromStr for Server {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write the number of the logical device, and on HDLC of the physical \
                            device after a slash: 1 or 1/17";
        let (upper, lower) = match text.split_once('/') {
            Some((upper, lower)) => (upper, Some(lower.parse().map_err(|_| FORM)?)),
            None => (text, None),
        };
        Ok(Self { upper: upper.parse().map_err(|_| FORM)?, lower })
    }
}

/// `--timeout`: a duration in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seconds(pub(crate) core::time::Duration);

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            Ok(seconds) if (0.1..=3600.0).contains(&seconds) => {
                Ok(Self(core::time::Duration::from_secs_f64(seconds)))
            }
            _ => Err("write seconds from 0.1 to 3600"),
        }
    }
}

/// `--entries`: rows of a buffer, counted from 1, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entries {
    pub(crate) first: u32,
    /// None for the end of the buffer.
    pub(crate) last: Option<u32>,
}

impl FromStr for Entries {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write the first and the last row, counted from 1: 1..96, or 97.. for \
                            the rest";
        let (first, last) = text.split_once("..").ok_or(FORM)?;
        let first = first.parse().map_err(|_| FORM)?;
        let last = match last {
            "" => None,
            last => Some(last.parse().map_err(|_| FORM)?),
        };
        if first == 0 || last.is_some_and(|last| last < first) {
            return Err(FORM);
        }
        Ok(Self { first, last })
    }
}

/// A moment on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) dlms_core::cosem::DateTime);

impl Moment {
    /// Whether it is later than `other`, as far as that can be told: of a local time and one with
    /// an offset it cannot.
    pub(crate) fn is_after(self, other: Self) -> bool {
        match (self.0.deviation(), other.0.deviation()) {
            (Some(_), Some(_)) => self.0.unix_utc() > other.0.unix_utc(),
            (None, None) => self.0.unix_local() > other.0.unix_local(),
            _ => false,
        }
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| {
            "write 2026-01-15, 2026-01-15T17:30 or 2026-01-15T17:30:00 in the meter's local time, \
             or add the offset: 2026-01-15T17:30:00+01:00"
        })
    }
}

/// A secret as it was typed. It is taken as it is, so that no message of the parser repeats it.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) Zeroizing<String>);

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}
