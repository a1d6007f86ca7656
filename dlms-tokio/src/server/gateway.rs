//! A gateway: meters behind one line, told apart by the header in front of each APDU
//! (IEC 62056-5-3 Annex C; Green Book clause 10.10).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use dlms_core::{
    axdr::Writer,
    gateway::{Direction, GatewayAddress, GatewayHeader},
    xdlms::{ExceptionResponse, ExceptionService, ExceptionState},
};

use crate::server::ApduServer;

/// What a gateway says to a client that asks for a meter that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownMeter {
    /// Nothing, so that the client waits in vain. No source shows an error for this, and peers are
    /// silent as well.
    #[default]
    Silence,
    /// An ExceptionResponse behind the header of the answer: service-not-allowed,
    /// operation-not-possible.
    Exception,
}

/// Serves several meters, one behind each [`GatewayAddress`], as one [`ApduServer`].
///
/// The header of a request is taken off, and that of the answer is put on; the meter sees neither.
/// The wPorts, or HDLC addresses, are those of the logical device in the meter. An APDU without
/// header, or with that of an answer, is for no meter and is dropped in silence.
///
/// ```
/// use dlms_tokio::{ApduServer, Gateway, UnknownMeter};
///
/// /// Answers every APDU with itself.
/// struct Echo;
///
/// impl ApduServer for Echo {
///     fn knows(&self, server: u16) -> bool {
///         server == 1
///     }
///
///     fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
///         out.append(apdu);
///         true
///     }
///
///     fn disconnected(&mut self, _: u16, _: u16) {}
/// }
///
/// let mut gateway = Gateway::new(UnknownMeter::Silence);
/// gateway.insert("0:471".parse()?, Echo);
/// let mut answer = Vec::new();
/// let mut request = vec![0xe6, 0x00, 0x03, b'4', b'7', b'1', 0x62, 0x00];
/// assert!(gateway.handle(16, 1, &mut request, &mut answer));
/// assert_eq!(answer, [0xe7, 0x00, 0x03, b'4', b'7', b'1', 0x62, 0x00]);
/// # Ok::<(), dlms_core::gateway::NotAGatewayAddress>(())
/// ```
#[derive(Debug)]
pub struct Gateway<A> {
    unknown: UnknownMeter,
    meters: BTreeMap<GatewayAddress, A>,
    /// The meter that was spoken to last: what is left of its answer comes from it.
    last: Option<GatewayAddress>,
    /// By client and server SAP, the meters that the pair exchanged something with: no more than
    /// there are.
    exchanged: BTreeMap<(u16, u16), BTreeSet<GatewayAddress>>,
}

impl<A: ApduServer> Gateway<A> {
    /// A gateway without meters.
    pub const fn new(unknown: UnknownMeter) -> Self {
        Self { unknown, meters: BTreeMap::new(), last: None, exchanged: BTreeMap::new() }
    }

    /// Puts a meter behind the gateway, in the place of one that has this address.
    pub fn insert(&mut self, address: GatewayAddress, meter: A) {
        self.meters.insert(address, meter);
    }

    /// The header of `apdu`, once it is taken off.
    fn take_header(apdu: &mut Vec<u8>) -> Option<GatewayAddress> {
        let (header, inner) = GatewayHeader::decode(apdu).ok()?;
        if header.direction != Direction::Request {
            return None;
        }
        let address = GatewayAddress::from(header);
        let taken = apdu.len() - inner.len();
        apdu.drain(..taken);
        Some(address)
    }
}

/// Puts the header of an answer in front of it.
fn answer(address: &GatewayAddress, out: &mut Vec<u8>) {
    let mut header = Vec::new();
    address.header(Direction::Response).encode(&mut Writer::new(&mut header));
    out.splice(0..0, header);
}

impl<A: ApduServer> ApduServer for Gateway<A> {
    fn knows(&self, server: u16) -> bool {
        self.meters.values().any(|meter| meter.knows(server))
    }

    fn handle(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        self.last = None;
        let Some(address) = Self::take_header(apdu) else { return false };
        let meter = self.meters.get_mut(&address).filter(|meter| meter.knows(server));
        let answered = match meter {
            Some(meter) => {
                self.exchanged.entry((client, server)).or_default().insert(address.clone());
                meter.handle(client, server, apdu, out)
            }
            None => match self.unknown {
                UnknownMeter::Silence => return false,
                UnknownMeter::Exception => {
                    let exception = ExceptionResponse {
                        state: ExceptionState::ServiceNotAllowed,
                        service: ExceptionService::OperationNotPossible,
                    };
                    exception.encode(&mut Writer::new(out));
                    answer(&address, out);
                    return true;
                }
            },
        };
        if answered {
            answer(&address, out);
        }
        self.last = Some(address);
        answered
    }

    fn further(&mut self, client: u16, server: u16, out: &mut Vec<u8>) -> bool {
        let Some(address) = &self.last else { return false };
        let meter = self.meters.get_mut(address);
        let further = meter.is_some_and(|meter| meter.further(client, server, out));
        if further {
            answer(address, out);
        }
        further
    }

    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        if let Some(address) = Self::take_header(apdu)
            && let Some(meter) = self.meters.get_mut(&address)
        {
            meter.handle_unconfirmed(client, server, apdu);
        }
    }

    fn keeps(&self, client: u16) -> bool {
        self.meters.values().any(|meter| meter.keeps(client))
    }

    fn disconnected(&mut self, client: u16, server: u16) {
        for address in self.exchanged.remove(&(client, server)).unwrap_or_default() {
            if let Some(meter) = self.meters.get_mut(&address) {
                meter.disconnected(client, server);
            }
        }
    }

    fn answer_after(&self) -> Duration {
        let meter = self.last.as_ref().and_then(|address| self.meters.get(address));
        meter.map_or(Duration::ZERO, ApduServer::answer_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says in two APDUs what it was asked, and remembers who was there.
    #[derive(Default)]
    struct Meter {
        rest: Vec<Vec<u8>>,
        unconfirmed: Vec<Vec<u8>>,
        gone: Vec<(u16, u16)>,
    }

    impl ApduServer for Meter {
        fn knows(&self, server: u16) -> bool {
            server == 1
        }

        fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
            self.rest = vec![vec![0xe0, 0x02]];
            out.append(apdu);
            out[0] != 0xff
        }

        fn further(&mut self, _: u16, _: u16, out: &mut Vec<u8>) -> bool {
            match self.rest.pop() {
                Some(mut rest) => {
                    out.append(&mut rest);
                    true
                }
                None => false,
            }
        }

        fn handle_unconfirmed(&mut self, _: u16, _: Option<u16>, apdu: &mut Vec<u8>) {
            self.unconfirmed.push(apdu.clone());
        }

        fn disconnected(&mut self, client: u16, server: u16) {
            self.gone.push((client, server));
        }
    }

    fn gateway(unknown: UnknownMeter) -> Gateway<Meter> {
        let mut gateway = Gateway::new(unknown);
        gateway.insert("0:1".parse().unwrap(), Meter::default());
        gateway.insert("0:2".parse().unwrap(), Meter::default());
        gateway
    }

    fn ask(gateway: &mut Gateway<Meter>, apdu: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        gateway.handle(16, 1, &mut apdu.to_vec(), &mut out).then_some(out)
    }

    #[test]
    fn every_apdu_of_an_answer_has_the_header_of_its_meter() {
        let mut gateway = gateway(UnknownMeter::Silence);
        let answer = ask(&mut gateway, &[0xe6, 0, 1, b'1', 0xc0, 1]);
        assert_eq!(answer.unwrap(), [0xe7, 0, 1, b'1', 0xc0, 1]);
        let mut out = Vec::new();
        assert!(gateway.further(16, 1, &mut out));
        assert_eq!(out, [0xe7, 0, 1, b'1', 0xe0, 2]);
        out.clear();
        assert!(!gateway.further(16, 1, &mut out));
        // A meter that is silent is silent behind a gateway, too.
        assert_eq!(ask(&mut gateway, &[0xe6, 0, 1, b'1', 0xff]), None);
    }

    #[test]
    fn nobody_answers_for_an_unknown_address_unless_it_is_to_be_refused() {
        let wrong: [&[u8]; 4] = [
            // Another meter, another network, an answer, no header.
            &[0xe6, 0, 1, b'3', 0xc0],
            &[0xe6, 1, 1, b'1', 0xc0],
            &[0xe7, 0, 1, b'1', 0xc0],
            &[0xc0],
        ];
        let mut silent = gateway(UnknownMeter::Silence);
        let mut refusing = gateway(UnknownMeter::Exception);
        for apdu in wrong {
            assert_eq!(ask(&mut silent, apdu), None, "{apdu:02x?}");
            let refused = apdu[0] == 0xe6;
            let answer = [0xe7, apdu[1 % apdu.len()], 1, apdu[3 % apdu.len()], 0xd8, 1, 1];
            assert_eq!(ask(&mut refusing, apdu), refused.then(|| answer.to_vec()), "{apdu:02x?}");
        }
    }

    #[test]
    fn what_wants_no_answer_reaches_the_meter_without_its_header() {
        let mut gateway = gateway(UnknownMeter::Exception);
        gateway.handle_unconfirmed(16, None, &mut vec![0xe6, 0, 1, b'2', 0xc1, 1]);
        gateway.handle_unconfirmed(16, None, &mut vec![0xe6, 0, 1, b'3', 0xc1, 1]);
        gateway.handle_unconfirmed(16, None, &mut vec![0xc1, 1]);
        let unconfirmed: Vec<_> = gateway.meters.values().map(|meter| &meter.unconfirmed).collect();
        assert_eq!(unconfirmed, [&Vec::new(), &vec![vec![0xc1, 1]]]);
    }

    #[test]
    fn only_meters_that_were_spoken_to_hear_that_the_line_is_gone() {
        let mut gateway = gateway(UnknownMeter::Silence);
        ask(&mut gateway, &[0xe6, 0, 1, b'2', 0xc0]);
        gateway.disconnected(16, 1);
        gateway.disconnected(16, 1);
        let gone: Vec<_> = gateway.meters.values().map(|meter| &meter.gone[..]).collect();
        assert_eq!(gone, [&[][..], &[(16, 1)][..]]);
    }
}
