//! Where a meter is reached: one text form for every kind of line.
//!
//! | text | framing | carried by |
//! |---|---|---|
//! | `wrapper://HOST[:PORT]` | wrapper, IEC 62056-47 | TCP, port 4059 unless given |
//! | `wrapper+udp://HOST[:PORT]` | wrapper, IEC 62056-47 | UDP, port 4059 unless given |
//! | `hdlc://HOST:PORT` | HDLC, IEC 62056-46 | TCP, mostly to a gateway before a serial line |
//! | `hdlc+serial:///dev/ttyX[?baud=N][&mode-e]` | HDLC, IEC 62056-46 | a serial port, 8N1 |
//!
//! An IPv6 host stands in brackets. The text says how to get there and nothing else: who asks whom
//! (client and server SAP, passwords, keys) is not part of an address, so that an address may be
//! logged.

use core::{
    fmt::{self, Display, Formatter},
    net::Ipv6Addr,
    str::FromStr,
};

use thiserror::Error;

/// TCP and UDP port registered for DLMS/COSEM (IEC 62056-9-7).
pub const WRAPPER_PORT: u16 = 4059;

/// Slowest rate a serial address may name: the opening rate of IEC 62056-21 §6.
pub const BAUD_MIN: u32 = 300;

/// Fastest rate a serial address may name: what common USB adapters still do without errors.
pub const BAUD_MAX: u32 = 921_600;

/// Rate of a serial address that names none: the rate HDLC meters are delivered with.
pub const BAUD_DEFAULT: u32 = 9_600;

/// Where a meter is reached.
///
/// ```
/// use dlms_tokio::Address;
///
/// let address: Address = "wrapper://[2001:db8::7]".parse()?;
/// assert_eq!(address.to_string(), "wrapper://[2001:db8::7]:4059");
///
/// let address: Address = "hdlc+serial:///dev/ttyUSB0?baud=9600&mode-e".parse()?;
/// assert!(matches!(address, Address::HdlcSerial(port) if port.mode_e));
/// # Ok::<(), dlms_tokio::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// Wrapper over TCP.
    Wrapper(Endpoint),
    /// Wrapper over UDP, one wrapper PDU a datagram.
    WrapperUdp(Endpoint),
    /// HDLC over TCP.
    Hdlc(Endpoint),
    /// HDLC over a serial port.
    HdlcSerial(SerialPort),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A name, an IPv4 address or an IPv6 address without its brackets.
    pub host: String,
    /// TCP or UDP port, never 0.
    pub port: u16,
}

/// A serial port and how fast it is run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SerialPort {
    /// Path of the device, such as `/dev/ttyUSB0`, or a Windows port name.
    pub path: String,
    /// Bits a second, [`BAUD_MIN`]..=[`BAUD_MAX`]. With [`mode_e`](Self::mode_e) the opening always
    /// runs at 300 and this is the fastest rate the line may then be switched to.
    pub baud: u32,
    /// Whether the line is opened with the mode E sign-on of IEC 62056-21 before HDLC starts.
    pub mode_e: bool,
}

/// What is wrong with the text of an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// There is no `://`.
    #[error("an address starts with how to speak, for example wrapper://192.0.2.7:4059")]
    SchemeMissing,
    /// The word before `://` is none of ours.
    #[error(
        "unknown scheme {0:?}: known are wrapper, wrapper+udp, hdlc and hdlc+serial, \
         for example hdlc://192.0.2.7:4065"
    )]
    SchemeUnknown(String),
    /// Nothing stands where the host belongs.
    #[error("the host is missing, for example wrapper://192.0.2.7:4059")]
    HostMissing,
    /// The host holds something no host name holds.
    #[error("{0:?} is not a host: nothing but HOST:PORT follows ://, as in wrapper://meter-7:4059")]
    HostInvalid(String),
    /// The host has more than one colon and no brackets.
    #[error("{0:?} looks like IPv6: put it in brackets, for example wrapper://[2001:db8::7]:4059")]
    BracketsMissing(String),
    /// What stands in the brackets is no IPv6 address, or the closing one is missing.
    #[error("{0:?} is not an IPv6 address in brackets, for example wrapper://[2001:db8::7]:4059")]
    BracketsInvalid(String),
    /// HDLC over TCP has no registered port, so one must be given.
    #[error("HDLC over TCP has no usual port: give one, for example hdlc://192.0.2.7:4065")]
    PortMissing,
    /// The port is not a number from 1 to 65535.
    #[error("{0:?} is not a port: a number from 1 to 65535, for example wrapper://192.0.2.7:4059")]
    PortInvalid(String),
    /// Nothing stands where the device path belongs.
    #[error(
        "the path of the serial port is missing, for example hdlc+serial:///dev/ttyUSB0?baud=9600"
    )]
    PathMissing,
    /// A query key that is none of ours.
    #[error(
        "unknown key {0:?}: known are baud=N and mode-e, \
         for example hdlc+serial:///dev/ttyUSB0?baud=9600&mode-e"
    )]
    KeyUnknown(String),
    /// A query key given twice.
    #[error("{0} is given twice, for example hdlc+serial:///dev/ttyUSB0?baud=9600")]
    KeyTwice(&'static str),
    /// The rate is not a number in range.
    #[error(
        "{0:?} is not a baud rate: a number from {BAUD_MIN} to {BAUD_MAX}, \
         for example hdlc+serial:///dev/ttyUSB0?baud=9600"
    )]
    BaudInvalid(String),
    /// `mode-e` carries a value.
    #[error("mode-e takes no value, for example hdlc+serial:///dev/ttyUSB0?baud=9600&mode-e")]
    ModeEValue,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::SchemeMissing)?;
        match scheme {
            "wrapper" => Endpoint::parse(rest, Some(WRAPPER_PORT)).map(Self::Wrapper),
            "wrapper+udp" => Endpoint::parse(rest, Some(WRAPPER_PORT)).map(Self::WrapperUdp),
            "hdlc" => Endpoint::parse(rest, None).map(Self::Hdlc),
            "hdlc+serial" => SerialPort::parse(rest).map(Self::HdlcSerial),
            other => Err(AddressError::SchemeUnknown(other.to_owned())),
        }
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrapper(endpoint) => write!(f, "wrapper://{endpoint}"),
            Self::WrapperUdp(endpoint) => write!(f, "wrapper+udp://{endpoint}"),
            Self::Hdlc(endpoint) => write!(f, "hdlc://{endpoint}"),
            Self::HdlcSerial(port) => write!(f, "hdlc+serial://{port}"),
        }
    }
}

impl Endpoint {
    fn parse(text: &str, default_port: Option<u16>) -> Result<Self, AddressError> {
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => Self::split_bracketed(text, bracketed)?,
            None => Self::split_plain(text)?,
        };
        let port = match port {
            Some(port) => parse_port(port)?,
            None => default_port.ok_or(AddressError::PortMissing)?,
        };
        Ok(Self { host: host.to_owned(), port })
    }

    fn split_bracketed<'a>(
        text: &str,
        bracketed: &'a str,
    ) -> Result<(&'a str, Option<&'a str>), AddressError> {
        let invalid = || AddressError::BracketsInvalid(text.to_owned());
        let (host, rest) = bracketed.split_once(']').ok_or_else(invalid)?;
        // A link-local address names its interface after a percent sign (RFC 4007 §11).
        let (number, _interface) = host.split_once('%').unwrap_or((host, ""));
        number.parse::<Ipv6Addr>().map_err(|_| invalid())?;
        match rest {
            "" => Ok((host, None)),
            _ => rest.strip_prefix(':').map(|port| (host, Some(port))).ok_or_else(invalid),
        }
    }

    fn split_plain(text: &str) -> Result<(&str, Option<&str>), AddressError> {
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        if host.is_empty() && text.starts_with("::") {
            return Err(AddressError::BracketsMissing(text.to_owned()));
        }
        if host.is_empty() {
            return Err(AddressError::HostMissing);
        }
        if port.is_some_and(|port| port.contains(':')) {
            return Err(AddressError::BracketsMissing(text.to_owned()));
        }
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !host.chars().all(fits) {
            return Err(AddressError::HostInvalid(host.to_owned()));
        }
        Ok((host, port))
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl SerialPort {
    fn parse(text: &str) -> Result<Self, AddressError> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        if path.is_empty() {
            return Err(AddressError::PathMissing);
        }
        let mut baud = None;
        let mut mode_e = false;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("baud", _) if baud.is_some() => return Err(AddressError::KeyTwice("baud")),
                ("baud", value) => baud = Some(parse_baud(value)?),
                ("mode-e", _) if pair.contains('=') => return Err(AddressError::ModeEValue),
                ("mode-e", _) if mode_e => return Err(AddressError::KeyTwice("mode-e")),
                ("mode-e", _) => mode_e = true,
                (other, _) => return Err(AddressError::KeyUnknown(other.to_owned())),
            }
        }
        Ok(Self { path: path.to_owned(), baud: baud.unwrap_or(BAUD_DEFAULT), mode_e })
    }
}

impl Display for SerialPort {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}?baud={}", self.path, self.baud)?;
        match self.mode_e {
            true => f.write_str("&mode-e"),
            false => Ok(()),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(AddressError::PortInvalid(text.to_owned())),
    }
}

fn parse_baud(text: &str) -> Result<u32, AddressError> {
    match text.parse() {
        Ok(baud) if (BAUD_MIN..=BAUD_MAX).contains(&baud) => Ok(baud),
        _ => Err(AddressError::BaudInvalid(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, AddressError, Endpoint, SerialPort};

    fn parse(text: &str) -> Result<Address, AddressError> {
        text.parse()
    }

    fn endpoint(host: &str, port: u16) -> Endpoint {
        Endpoint { host: host.to_owned(), port }
    }

    #[test]
    fn every_kind_of_line_has_a_text() {
        assert_eq!(
            parse("wrapper://meter-7:4061"),
            Ok(Address::Wrapper(endpoint("meter-7", 4061)))
        );
        assert_eq!(
            parse("wrapper+udp://192.0.2.7:4061"),
            Ok(Address::WrapperUdp(endpoint("192.0.2.7", 4061)))
        );
        assert_eq!(parse("hdlc://192.0.2.7:4065"), Ok(Address::Hdlc(endpoint("192.0.2.7", 4065))));
        assert_eq!(
            parse("hdlc+serial:///dev/ttyUSB0?baud=19200&mode-e"),
            Ok(Address::HdlcSerial(SerialPort {
                path: "/dev/ttyUSB0".to_owned(),
                baud: 19_200,
                mode_e: true
            }))
        );
    }

    #[test]
    fn the_wrapper_has_a_registered_port_and_hdlc_has_none() {
        assert_eq!(parse("wrapper://meter"), Ok(Address::Wrapper(endpoint("meter", 4059))));
        assert_eq!(parse("wrapper+udp://meter"), Ok(Address::WrapperUdp(endpoint("meter", 4059))));
        assert_eq!(parse("hdlc://meter"), Err(AddressError::PortMissing));
    }

    #[test]
    fn ipv6_stands_in_brackets() {
        assert_eq!(parse("wrapper://[::1]:99"), Ok(Address::Wrapper(endpoint("::1", 99))));
        assert_eq!(parse("wrapper://[fe80::1%eth0]").unwrap().to_string(), {
            "wrapper://[fe80::1%eth0]:4059"
        });
        for text in ["2001:db8::7", "::1", "::1:4059"] {
            assert_eq!(
                parse(&format!("wrapper://{text}")),
                Err(AddressError::BracketsMissing(text.to_owned()))
            );
        }
        for text in ["[::1", "[meter]", "[::1]4059", "[]"] {
            assert_eq!(
                parse(&format!("wrapper://{text}")),
                Err(AddressError::BracketsInvalid(text.to_owned()))
            );
        }
    }

    #[test]
    fn what_display_writes_parse_reads() {
        for text in [
            "wrapper://meter:4059",
            "wrapper://[2001:db8::7]:4059",
            "wrapper+udp://192.0.2.7:1",
            "hdlc://192.0.2.7:65535",
            "hdlc+serial:///dev/pts/4?baud=300",
            "hdlc+serial:///dev/ttyUSB0?baud=921600&mode-e",
            "hdlc+serial://COM3?baud=9600",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_address_says_what_is_wrong_and_shows_a_right_one() {
        for (text, part) in [
            ("meter:4059", "starts with how to speak"),
            ("tcp://meter", "unknown scheme \"tcp\""),
            ("wrapper://", "host is missing"),
            ("wrapper://:4059", "host is missing"),
            ("wrapper://meter:4059/x", "\"4059/x\" is not a port"),
            ("wrapper://meter:0", "\"0\" is not a port"),
            ("wrapper://meter:65536", "\"65536\" is not a port"),
            ("wrapper://user@meter", "\"user@meter\" is not a host"),
            ("wrapper://meter/x", "\"meter/x\" is not a host"),
            ("hdlc+serial://?baud=9600", "path of the serial port"),
            ("hdlc+serial:///dev/ttyS0?bauds=9600", "unknown key \"bauds\""),
            ("hdlc+serial:///dev/ttyS0?baud=9600&baud=300", "baud is given twice"),
            ("hdlc+serial:///dev/ttyS0?mode-e&mode-e", "mode-e is given twice"),
            ("hdlc+serial:///dev/ttyS0?mode-e=1", "mode-e takes no value"),
            ("hdlc+serial:///dev/ttyS0?baud=299", "from 300 to 921600"),
            ("hdlc+serial:///dev/ttyS0?baud=921601", "from 300 to 921600"),
            ("hdlc+serial:///dev/ttyS0?baud", "\"\" is not a baud rate"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
            assert!(message.contains("://"), "no example in {message}");
        }
    }
}
