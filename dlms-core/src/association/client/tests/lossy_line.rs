//! The client against the server of this crate, over a line that loses, doubles and reorders what
//! it carries, in simulated time, while either of them may lose its association at any step: the
//! meter its power, the client its line.
//!
//! Whatever happens, every request ends, nothing is written or invoked twice or out of order, and
//! no value is that of another object.

use core::time::Duration;
use std::collections::BTreeMap;

use proptest::{collection, prelude::*};

use super::*;
use crate::{
    association::{Access, ClientPolicy, DeviceKeys, LogicalDevice, Server, ServerConfig},
    xdlms::SelectiveAccess,
};

/// The largest APDU of either side: small, so that there are blocks.
const PDU_LEN_MAX: u16 = 200;
const TIMEOUT: Duration = Duration::from_secs(10);
const MECHANISMS: [Mechanism; 3] = [Mechanism::Lowest, Mechanism::HlsSha256, Mechanism::HlsGmac];
/// Longer than a line may keep an APDU.
const LINE_EMPTY: Duration = Duration::from_secs(60);
/// How often the owner tries to associate before it gives up.
const ASSOCIATIONS_MAX: usize = 5;
/// APDUs of a session, at most: more than that is a loop.
const APDUS_MAX: usize = 2_000;

/// What the line does to one APDU: when each of its copies arrives.
type Fate = Vec<Duration>;

/// What the owner asks for.
#[derive(Clone, Copy, Debug)]
enum Task {
    Read(u8),
    ReadBlocks(u8),
    ReadList(u8, u8),
    Write {
        long: bool,
    },
    WriteList {
        long: bool,
    },
    Invoke {
        long: bool,
    },
    InvokeList {
        long: bool,
    },
    /// Reads, writes and invokes with one request.
    Access(u8),
}

#[derive(Clone, Debug)]
struct Plan {
    mechanism: Mechanism,
    ciphering: Option<Ciphering>,
    /// With general block transfer. In clear, nothing tells a late block of one exchange from one
    /// of the next: there it goes without.
    block_window: Option<u8>,
    tasks: Vec<Task>,
    /// Whether the owner starts anew after a request that failed.
    starts_anew: bool,
    fates: Vec<Fate>,
    /// At which step who is reset.
    resets: BTreeMap<usize, End>,
}

/// What came of a plan.
#[derive(Debug)]
struct Outcome {
    /// Requests that were answered.
    answered: usize,
    /// Steps that it took.
    steps: usize,
}

/// A device that remembers in which order it was told what.
struct Diary {
    secret: Secret,
    key: Key,
    authentication_key: Key,
    counter: u32,
    received: BTreeMap<[u8; 8], ReceiveCounter>,
    /// Every value that was written and every parameter that a method had.
    entries: Vec<Vec<u8>>,
}

/// The value of object `number`: one number, or a hundred.
fn value_of(number: u8) -> Vec<u8> {
    let one = DataBuf::DoubleLongUnsigned(number.into());
    if number.is_multiple_of(2) {
        one.to_octets()
    } else {
        DataBuf::array(vec![one; 100]).to_octets()
    }
}

/// What is written or invoked as the `serial`-th: no other has these octets.
fn entry(serial: u32, long: bool) -> Vec<u8> {
    DataBuf::octet_string(serial.to_be_bytes().repeat(if long { 125 } else { 1 })).to_octets()
}

fn object(number: u8) -> AttributeDescriptor {
    AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, number, 8, 0, 255]), 2)
}

const SCRIPT: MethodDescriptor =
    MethodDescriptor::new(ClassId::SCRIPT_TABLE, LogicalName([0, 0, 10, 0, 0, 255]), 1);

impl LogicalDevice for Diary {
    fn system_title(&self) -> SystemTitle {
        SERVER_TITLE
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn client(&self, _sap: u16) -> Option<ClientPolicy<'_>> {
        Some(ClientPolicy {
            mechanisms: &MECHANISMS,
            secret: &self.secret,
            keys: Some(DeviceKeys {
                suite: SecuritySuite::Suite0,
                encryption: &self.key,
                authentication: &self.authentication_key,
            }),
            protection: Protection::NONE,
            proven_release: true,
        })
    }

    fn take_counter(&mut self) -> Option<u32> {
        self.counter += 1;
        Some(self.counter)
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.received.get(&client.0).copied().unwrap_or_default()
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        self.received.entry(client.0).or_default().accept(counter);
        true
    }

    fn get(
        &mut self,
        _access: &Access,
        attribute: AttributeDescriptor,
        _selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        out.extend(value_of(attribute.instance.0[2]));
        Ok(())
    }

    fn set(
        &mut self,
        _access: &Access,
        _attribute: AttributeDescriptor,
        _selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        self.entries.push(value.octets().to_vec());
        Ok(())
    }

    /// Returns its parameters.
    fn action(
        &mut self,
        _access: &Access,
        _method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let parameters = parameters.unwrap().octets();
        self.entries.push(parameters.to_vec());
        out.extend_from_slice(parameters);
        Ok(())
    }
}

/// Octets that repeat themselves only between runs (a linear congruential generator).
struct Scattered(u32);

impl Entropy for Scattered {
    fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *octet = (self.0 >> 24) as u8;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Client,
    Meter,
}

/// APDUs on their way, by the time of their arrival.
struct Line {
    fates: vec::IntoIter<Fate>,
    carried: usize,
    on_the_way: BTreeMap<(Instant, usize), (End, Vec<u8>)>,
    /// In clear, nothing tells a request that comes again, or too late, from one that is due: there
    /// the line keeps requests in order and doubles only answers. No client could help the rest.
    ciphered: bool,
    /// When the last request arrives.
    last_request: Instant,
}

impl Line {
    fn carry(&mut self, now: Instant, to: End, apdu: &[u8]) {
        // Once its tricks are used up, the line is a good one.
        let mut copies = self.fates.next().unwrap_or_else(|| vec![Duration::from_millis(50)]);
        let in_order = to == End::Meter && !self.ciphered;
        if in_order {
            copies.truncate(1);
        }
        for delay in copies {
            self.carried += 1;
            let mut arrives = now + delay;
            if in_order {
                arrives = arrives.max(self.last_request);
                self.last_request = arrives;
            }
            self.on_the_way.insert((arrives, self.carried), (to, apdu.to_vec()));
        }
        assert!(self.carried < APDUS_MAX, "they go on for ever");
    }

    fn next(&self) -> Option<Instant> {
        self.on_the_way.keys().next().map(|(arrives, _)| *arrives)
    }

    fn arrive(&mut self, now: Instant) -> Option<(End, Vec<u8>)> {
        let first = self.on_the_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// Whoever uses the client.
struct Owner {
    entropy: Scattered,
    tasks: vec::IntoIter<Task>,
    serial: u32,
    /// What the request under way would write or invoke, and the answer to it that is right.
    due: Option<(Vec<Vec<u8>>, Response)>,
    blocks: Vec<u8>,
    associations: usize,
    starts_anew: bool,
    /// Whether the owner must start anew before it asks for more.
    lost: bool,
    asked: usize,
    ended: usize,
    answered: usize,
    /// What the client said was done.
    done: Vec<Vec<u8>>,
    released: bool,
}

impl Owner {
    fn entry(&mut self, long: bool) -> Vec<u8> {
        self.serial += 1;
        entry(self.serial, long)
    }

    /// Starts the next task, if there is one.
    fn ask(&mut self, client: &mut Client) -> bool {
        let Some(task) = self.tasks.next() else { return false };
        let success = DataAccessResult::Success;
        let echo = |entry: &Vec<u8>| ActionOutcome {
            result: ActionResult::Success,
            returned: Some(Ok(entry.clone())),
        };
        let (request, entries, response) = match task {
            Task::Read(number) => {
                (get(object(number)), vec![], Response::Get(Ok(value_of(number))))
            }
            Task::ReadBlocks(number) => {
                let request = Request::GetBlocks { attribute: object(number), selection: None };
                (request, vec![], Response::GetBlocks(Ok(())))
            }
            Task::ReadList(one, other) => (
                Request::GetList(vec![(object(one), None), (object(other), None)]),
                vec![],
                Response::GetList(vec![Ok(value_of(one)), Ok(value_of(other))]),
            ),
            Task::Write { long } => {
                let entry = self.entry(long);
                (set(entry.clone()), vec![entry], Response::Set(success))
            }
            Task::WriteList { long } => {
                let entries = vec![self.entry(long), self.entry(false)];
                let list = entries.iter().map(|entry| (VOLTAGE, entry.clone())).collect();
                (Request::SetList(list), entries, Response::SetList(vec![success; 2]))
            }
            Task::Invoke { long } => {
                let entry = self.entry(long);
                let request = Request::Action { method: SCRIPT, parameters: Some(entry.clone()) };
                let response = Response::Action(echo(&entry));
                (request, vec![entry], response)
            }
            Task::InvokeList { long } => {
                let entries = vec![self.entry(long), self.entry(false)];
                let list = entries.iter().map(|entry| (SCRIPT, entry.clone())).collect();
                let response = Response::ActionList(entries.iter().map(echo).collect());
                (Request::ActionList(list), entries, response)
            }
            Task::Access(number) => {
                // One number, which fits into one APDU.
                let number = number & !1;
                let entries = vec![self.entry(false), self.entry(false)];
                let items = vec![
                    AccessItem::Get { attribute: object(number), selection: None },
                    AccessItem::Set {
                        attribute: VOLTAGE,
                        selection: None,
                        value: entries[0].clone(),
                    },
                    AccessItem::Action { method: SCRIPT, parameters: Some(entries[1].clone()) },
                ];
                let response = Response::Access(vec![
                    AccessAnswer::Get(Ok(value_of(number))),
                    AccessAnswer::Set(success),
                    AccessAnswer::Action(echo(&entries[1])),
                ]);
                (Request::Access { items, on_refusal: OnRefusal::GoOn }, entries, response)
            }
        };
        if let Task::ReadBlocks(number) = task {
            self.blocks = value_of(number);
        }
        client.request(request).unwrap();
        self.due = Some((entries, response));
        self.asked += 1;
        true
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Associated(_) => {}
            Event::AssociationFailed { failure, .. } => {
                assert!(is_weather(&failure), "{failure:?}");
                self.lost = true;
            }
            Event::Block(_, octets) => {
                assert!(self.blocks.starts_with(&octets), "another block was due");
                self.blocks.drain(..octets.len());
            }
            Event::Response(_, response) => {
                let (entries, expected) = self.due.take().expect("a request");
                self.ended += 1;
                assert_eq!(response, expected);
                if let Response::GetBlocks(_) = response {
                    assert!(self.blocks.is_empty(), "not all blocks came");
                }
                self.done.extend(entries);
                self.answered += 1;
            }
            Event::RequestFailed(_, failure) => {
                assert!(is_weather(&failure), "{failure:?}");
                self.due.take().expect("a request");
                self.ended += 1;
                self.lost = self.starts_anew;
            }
            Event::Released => self.released = true,
            Event::Notification(_) => panic!("nobody pushed anything"),
        }
    }

    /// The client forgot everything; what became of the request under way nobody knows.
    fn on_reset(&mut self) {
        self.ended += usize::from(self.due.take().is_some());
    }

    /// What to do when nothing is under way. False when there is nothing left.
    fn act(&mut self, client: &mut Client) -> bool {
        if self.released || (self.lost && self.associations == ASSOCIATIONS_MAX) {
            return false;
        }
        if self.lost {
            client.abort();
        }
        if !client.is_associated() {
            self.lost = false;
            self.associations += 1;
            client.associate(&mut self.entropy).unwrap();
        } else if !self.ask(client) {
            client.release().unwrap();
        }
        true
    }
}

/// What a line may do to the best of peers: silence, a meter that knows nothing of the association
/// or saw its proofs out of order, and what is left over from an association before: an AARE, whose
/// challenge then goes with another one of ours, or an answer under another dedicated key.
fn is_weather(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::NoResponse
            | Failure::Exception(_)
            | Failure::AuthenticationRefused(_)
            | Failure::ServerNotAuthentic
            | Failure::Security(SecurityError::TagMismatch)
            // Blocks of two exchanges in one.
            | Failure::Security(SecurityError::Malformed(_))
            | Failure::Violation(Violation::Transfer(_))
            | Failure::Malformed(_)
            | Failure::Unprotected
    )
}

fn run(plan: Plan) -> Outcome {
    let config = ClientConfig {
        mechanism: plan.mechanism,
        secret: Secret::from("12345678"),
        system_title: Some(CLIENT_TITLE),
        ciphering: plan.ciphering.or_else(|| ciphered_with(Protection::NONE).ciphering),
        max_receive_pdu: PDU_LEN_MAX,
        response_timeout: Some(TIMEOUT),
        datagrams: true,
        block_window: plan.block_window,
        conformance: ClientConfig::default().conformance | Conformance::ACCESS,
        ..ClientConfig::default()
    };
    let mut line = Line {
        fates: plan.fates.into_iter(),
        carried: 0,
        on_the_way: BTreeMap::new(),
        ciphered: config.protecting().is_some(),
        last_request: Instant::ZERO,
    };
    let mut client = Client::new(config, Arc::new(RustCrypto));
    client.grant_counters(1..100_000);
    let powered = || Server::new(ServerConfig { max_pdu: PDU_LEN_MAX, ..ServerConfig::new(1) });
    let mut server = powered();
    let mut diary = Diary {
        secret: Secret::from("12345678"),
        key: key(0),
        authentication_key: key(0xd0),
        counter: 0,
        received: BTreeMap::new(),
        entries: Vec::new(),
    };
    let mut owner = Owner {
        entropy: Scattered(1),
        tasks: plan.tasks.into_iter(),
        serial: 0,
        due: None,
        blocks: Vec::new(),
        associations: 0,
        starts_anew: plan.starts_anew,
        lost: false,
        asked: 0,
        ended: 0,
        answered: 0,
        done: Vec::new(),
        released: false,
    };
    let mut entropy = Scattered(2);

    let mut now = Instant::ZERO;
    let mut out = Vec::new();
    let mut steps = 0;
    loop {
        while let Some(event) = client.poll_event() {
            owner.on(event);
        }
        match plan.resets.get(&steps) {
            Some(End::Client) if !owner.released => {
                client.abort();
                owner.on_reset();
            }
            // What the device keeps, it keeps: values and counters.
            Some(End::Meter) => server = powered(),
            _ => {}
        }
        steps += 1;
        if !client.is_waiting() && !owner.act(&mut client) {
            break;
        }
        while client.poll_transmit(now, &mut out) {
            line.carry(now, End::Meter, &out);
        }
        let due = client.is_waiting();
        assert_eq!(client.poll_timeout().is_some(), due, "nobody would ever wake it");
        let wakes = [line.next(), client.poll_timeout()].into_iter().flatten().min();
        now = wakes.unwrap_or(now);
        match line.arrive(now) {
            Some((End::Meter, mut apdu)) => {
                if server.handle_apdu(&mut diary, &mut entropy, &mut apdu, &mut out) {
                    line.carry(now, End::Client, &out);
                }
                while server.poll_transmit(&mut out) {
                    line.carry(now, End::Client, &out);
                }
            }
            Some((End::Client, mut apdu)) => client.handle_apdu(&mut apdu),
            None => client.handle_timeout(now),
        }
    }
    // What is still on its way arrives at its end, too.
    now += LINE_EMPTY;
    while let Some((to, mut apdu)) = line.arrive(now) {
        if to == End::Meter {
            server.handle_apdu(&mut diary, &mut entropy, &mut apdu, &mut out);
        } else {
            client.handle_apdu(&mut apdu);
        }
    }

    assert_eq!(owner.ended, owner.asked, "a request never ended");
    assert_eq!(client.poll_event(), None);
    let serials: Vec<_> = diary.entries.iter().map(|entry| serial(entry)).collect();
    assert!(serials.is_sorted_by(|one, next| one < next), "twice or out of order: {serials:?}");
    for entry in &owner.done {
        assert!(diary.entries.contains(entry), "it was not done");
    }
    let genuine = |written: &Vec<u8>| {
        [false, true].iter().any(|long| *written == entry(serial(written), *long))
    };
    assert!(diary.entries.iter().all(genuine), "nobody asked for that");
    Outcome { answered: owner.answered, steps }
}

fn serial(entry: &[u8]) -> u32 {
    u32::from_be_bytes(*entry.last_chunk().unwrap())
}

fn any_fate() -> impl Strategy<Value = Fate> {
    let soon = || (1..200_u64).prop_map(Duration::from_millis);
    let some_time = || (1..15_000_u64).prop_map(Duration::from_millis);
    prop_oneof![
        8 => soon().prop_map(|delay| vec![delay]),
        1 => Just(vec![]),
        1 => some_time().prop_map(|delay| vec![delay]),
        1 => (soon(), soon()).prop_map(|(one, other)| vec![one, other]),
        1 => (soon(), some_time()).prop_map(|(one, other)| vec![one, other]),
    ]
}

fn any_task() -> impl Strategy<Value = Task> {
    prop_oneof![
        any::<u8>().prop_map(Task::Read),
        any::<u8>().prop_map(Task::ReadBlocks),
        any::<(u8, u8)>().prop_map(|(one, other)| Task::ReadList(one, other)),
        any::<bool>().prop_map(|long| Task::Write { long }),
        any::<bool>().prop_map(|long| Task::WriteList { long }),
        any::<bool>().prop_map(|long| Task::Invoke { long }),
        any::<bool>().prop_map(|long| Task::InvokeList { long }),
        any::<u8>().prop_map(Task::Access),
    ]
}

fn any_ciphering() -> impl Strategy<Value = Ciphering> {
    let protections = vec![Protection::AUTHENTICATED, Protection::ENCRYPTED, BOTH];
    (prop::sample::select(protections), any::<bool>()).prop_map(|(protection, general)| Ciphering {
        general,
        ..ciphered_with(protection).ciphering.unwrap()
    })
}

/// Without and with authentication, in clear and ciphered, with a dedicated key after GMAC.
fn any_security() -> impl Strategy<Value = (Mechanism, Option<Ciphering>)> {
    let mechanism = || prop::sample::select(&MECHANISMS[..]);
    let dedicated =
        |general| ciphered().ciphering.map(|all| Ciphering { dedicated: true, general, ..all });
    prop_oneof![
        2 => (mechanism(), Just(None)),
        3 => (mechanism(), any_ciphering().prop_map(Some)),
        1 => any::<bool>().prop_map(move |general| (Mechanism::HlsGmac, dedicated(general))),
    ]
}

fn any_plan() -> impl Strategy<Value = Plan> {
    (
        any_security(),
        prop::option::of(1..8_u8),
        // Fewer than there are invoke-ids: after sixteen requests they come again.
        collection::vec(any_task(), 1..10),
        any::<bool>(),
        collection::vec(any_fate(), 0..120),
        collection::btree_map(0..200_usize, any_end(), 0..4),
    )
        .prop_map(
            |((mechanism, ciphering), block_window, tasks, starts_anew, fates, resets)| Plan {
                mechanism,
                block_window: block_window.filter(|_| {
                    ciphering.as_ref().is_some_and(|ciphering| ciphering.protection.authenticated)
                }),
                ciphering,
                tasks,
                starts_anew,
                fates,
                resets,
            },
        )
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Client), Just(End::Meter)]
}

proptest! {
    #[test]
    fn whatever_the_line_does_every_request_ends_and_nothing_happens_twice(plan in any_plan()) {
        run(plan);
    }
}

#[test]
fn on_a_good_line_everything_succeeds() {
    let tasks = vec![
        Task::Read(1),
        Task::ReadBlocks(3),
        Task::ReadList(2, 5),
        Task::Write { long: true },
        Task::WriteList { long: true },
        Task::Invoke { long: true },
        Task::InvokeList { long: true },
        Task::Access(7),
    ];
    for mechanism in MECHANISMS {
        for block_window in [None, Some(1), Some(5)] {
            let plan = Plan {
                mechanism,
                ciphering: ciphered().ciphering,
                block_window,
                tasks: tasks.clone(),
                starts_anew: false,
                fates: vec![],
                resets: BTreeMap::new(),
            };
            assert_eq!(run(plan).answered, tasks.len());
        }
    }
}

#[test]
fn a_reset_at_whichever_step_costs_at_most_the_request_under_way() {
    let tasks = vec![
        Task::Read(1),
        Task::Write { long: true },
        Task::Invoke { long: false },
        Task::InvokeList { long: true },
        Task::Read(2),
    ];
    let dedicated = ciphered().ciphering.map(|all| Ciphering { dedicated: true, ..all });
    for (mechanism, ciphering, block_window) in [
        (Mechanism::Lowest, None, None),
        (Mechanism::HlsGmac, dedicated.clone(), None),
        (Mechanism::HlsGmac, dedicated, Some(3)),
    ] {
        for end in [End::Client, End::Meter] {
            let mut cost = 0;
            for step in 0.. {
                let plan = Plan {
                    mechanism,
                    ciphering: ciphering.clone(),
                    block_window,
                    tasks: tasks.clone(),
                    starts_anew: true,
                    fates: vec![],
                    resets: BTreeMap::from([(step, end)]),
                };
                let Outcome { answered, steps } = run(plan);
                assert!(answered + 1 >= tasks.len(), "{mechanism:?} {end:?} at {step}: {answered}");
                cost += tasks.len() - answered;
                if step >= steps {
                    break;
                }
            }
            assert!(cost > 0, "{mechanism:?} {end:?}: no reset was felt");
        }
    }
}
