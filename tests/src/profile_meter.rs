//! A meter that has nothing but a clock, a profile of any rows one likes, and a register to write,
//! for tests that need one with gaps in its profile or that breaks off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dlms_core::{
    acse::Mechanism,
    association::{Access, ClientPolicy, Entropy, LogicalDevice, Server, ServerConfig},
    axdr::{DataBuf, RawData},
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, DateTime, LogicalName, MethodDescriptor,
        ProfileSelector,
    },
    security::{CryptoProvider, Protection, ReceiveCounter, RustCrypto, Secret, SystemTitle},
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};
use dlms_tokio::{ApduServer, WrapperServerConfig, serve_wrapper};
use tokio::{io::DuplexStream, sync::Notify};

/// The buffer of its profile, 1-0:99.1.0.
pub const PROFILE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);
/// What is written: how often is counted.
pub const SWITCH: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName([0, 0, 96, 50, 0, 255]), 2);
/// Every client is let in without proof.
const CLIENT: u16 = 16;

/// The meter.
#[derive(Clone, Debug)]
pub struct ProfileMeter {
    /// What its clock shows, in seconds since 1970.
    pub now_s: i64,
    /// Minutes to add to its time to get UTC, if it says that.
    pub deviation: Option<i16>,
    /// When the rows were captured that it has, in ascending order.
    pub rows: Vec<i64>,
    /// Seconds from one capture to the next.
    pub period_s: u32,
    /// What was written to [`SWITCH`], in that order.
    pub written: Vec<u8>,
    /// How many APDUs it still takes. It does what the last one asks, and hangs up in place of an
    /// answer. None: all, and each is answered.
    pub answers_left: Option<u32>,
}

impl ProfileMeter {
    /// A meter with these rows at this moment.
    #[must_use]
    pub const fn new(now_s: i64, period_s: u32, rows: Vec<i64>) -> Self {
        Self { now_s, deviation: Some(0), rows, period_s, written: Vec::new(), answers_left: None }
    }

    fn time(&self, at_s: i64) -> DataBuf {
        let time = DateTime::from_unix(at_s, Some(self.deviation.unwrap_or(0)));
        let time = time.unwrap_or(DateTime::UNSPECIFIED);
        match self.deviation {
            Some(_) => time.to_data(),
            None => time.with_deviation(None).unwrap_or(time).to_data(),
        }
    }

    fn buffer(&self, selection: Option<SelectiveAccess<'_>>) -> Option<DataBuf> {
        let (from, to) = match selection {
            None => (i64::MIN, i64::MAX),
            Some(selection) => {
                let parameters = selection.parameters.data().ok()?;
                match ProfileSelector::from_parts(selection.selector, &parameters)? {
                    ProfileSelector::Range(range) => {
                        let (from, to) = range.as_times()?;
                        // A clock that says no deviation is in UTC here.
                        let at = |time: DateTime| time.unix_utc().or_else(|| time.unix_local());
                        (at(from)?, at(to)?)
                    }
                    ProfileSelector::Entry(_) => return None,
                }
            }
        };
        let rows = self.rows.iter().filter(|at_s| (from..=to).contains(*at_s));
        let row = |at_s: &i64| DataBuf::structure([self.time(*at_s), DataBuf::Long64(*at_s)]);
        Some(DataBuf::array(rows.map(row)))
    }

    fn value(
        &self,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
    ) -> Option<DataBuf> {
        let register = AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1; 6]), 2);
        if attribute == AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2) {
            return Some(self.time(self.now_s));
        }
        if attribute == SWITCH {
            return Some(DataBuf::octet_string(self.written.clone()));
        }
        if (attribute.class, attribute.instance) != (PROFILE.class, PROFILE.instance) {
            return None;
        }
        Some(match attribute.attribute.0 {
            2 => self.buffer(selection)?,
            3 => {
                let columns = [CaptureObject::CLOCK_TIME, CaptureObject::new(register)];
                DataBuf::array(columns.iter().map(CaptureObject::to_data))
            }
            4 => self.period_s.into(),
            5 => DataBuf::Enum(1),
            _ => return None,
        })
    }

    /// Serves one connection, until it ends, under SAP 1.
    pub fn serve(meter: &Arc<Mutex<Self>>) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let mut port = Port {
            meter: Device(Arc::clone(meter)),
            association: Server::new(ServerConfig::new(CLIENT)),
            hangs_up: Arc::new(Notify::new()),
        };
        let hangs_up = Arc::clone(&port.hangs_up);
        tokio::spawn(async move {
            let config = WrapperServerConfig::default();
            tokio::select! {
                () = hangs_up.notified() => {}
                // How a client ends is its own affair.
                _ = serve_wrapper(far, &mut port, &config) => {}
            }
        });
        near
    }
}

struct Port {
    meter: Device,
    association: Server,
    hangs_up: Arc<Notify>,
}

impl ApduServer for Port {
    fn knows(&self, server: u16) -> bool {
        server == 1
    }

    fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        let left = self.meter.lock().answers_left.map(|left| left.saturating_sub(1));
        self.meter.lock().answers_left = left;
        let answers = self.association.handle_apdu(&mut self.meter, &mut Same, apdu, out);
        if left == Some(0) {
            self.hangs_up.notify_one();
            return false;
        }
        answers
    }

    fn further(&mut self, _: u16, _: u16, out: &mut Vec<u8>) -> bool {
        self.association.poll_transmit(out)
    }

    fn disconnected(&mut self, _: u16, _: u16) {}
}

/// Chance that no test here needs.
struct Same;

impl Entropy for Same {
    fn fill(&mut self, octets: &mut [u8]) {
        octets.fill(7);
    }
}

struct Device(Arc<Mutex<ProfileMeter>>);

impl Device {
    fn lock(&self) -> MutexGuard<'_, ProfileMeter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static NO_SECRET: std::sync::LazyLock<Secret> = std::sync::LazyLock::new(|| Secret::from(""));

impl LogicalDevice for Device {
    fn system_title(&self) -> SystemTitle {
        SystemTitle(*b"DHEPROFI")
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn client(&self, _: u16) -> Option<ClientPolicy<'_>> {
        Some(ClientPolicy {
            mechanisms: &[Mechanism::Lowest],
            secret: &NO_SECRET,
            keys: None,
            protection: Protection::NONE,
            proven_release: false,
        })
    }

    fn take_counter(&mut self) -> Option<u32> {
        None
    }

    fn received(&self, _: SystemTitle) -> ReceiveCounter {
        ReceiveCounter::new()
    }

    fn accept(&mut self, _: SystemTitle, _: u32) -> bool {
        false
    }

    fn get(
        &mut self,
        _: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let value = self.lock().value(attribute, selection);
        out.extend(value.ok_or(DataAccessResult::ObjectUndefined)?.to_octets());
        Ok(())
    }

    fn set(
        &mut self,
        _: &Access,
        attribute: AttributeDescriptor,
        _: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        let value = value.data().ok().and_then(|value| value.as_unsigned());
        let value = value.and_then(|value| u8::try_from(value).ok());
        match (attribute == SWITCH, value) {
            (true, Some(value)) => self.lock().written.push(value),
            (true, None) => return Err(DataAccessResult::TypeUnmatched),
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(())
    }

    fn action(
        &mut self,
        _: &Access,
        _: MethodDescriptor,
        _: Option<RawData<'_>>,
        _: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        Err(ActionResult::ObjectUndefined)
    }
}
