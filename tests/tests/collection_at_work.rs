//! A concentrator that reads the meters of a bus by itself while a head-end reads them through it,
//! and what it read and was ordered, as head-ends get it: our programs, and somebody else's client.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::time::Duration;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use dlms_core::{
    acse::Mechanism,
    association::ClientConfig,
    cosem::{
        AttributeDescriptor, ClassId, DateTime,
        concentrator::collection::{self, Order, OrderedService},
    },
    security::Secret,
    xdlms::DataAccessResult,
};
use dlms_tests::{Concentrator, Folder, Foreign, Framing, Headend, Output, Simulator};
use dlms_tokio::{LineConfig, Trace, client::Client};

/// How long is waited for what the concentrator does by itself.
const PATIENCE: Duration = Duration::from_secs(120);
const METERS: usize = 4;
const ENTRIES: usize = 96;
const MANAGER: [&str; 6] = ["--client", "1", "--auth", "lls", "--password", "12345678"];

/// A bus with meters, and a concentrator that reads them by itself.
fn start() -> (Simulator, Concentrator) {
    let (bus, port) = Simulator::medium(&["--count", "4", "--entries", "96"]);
    let secret = Folder::new();
    // Beside the configuration there is no file yet: these are named whole.
    let file = |name: &str| {
        let path = secret.file(name);
        fs::write(&path, "12345678\n").unwrap();
        path
    };
    let config = format!(
        "[management]\npassword-file = {:?}\n\
         [[medium]]\nname = \"bus\"\naddress = \"hdlc://127.0.0.1:{port}\"\n\
         discovery = {{ first = 16, last = 30, search-interval-s = 1 }}\n\
         [collection]\nclient = 17\nauthentication = \"lls\"\nsecret-file = {:?}\n\
         [collection.own-clock]\nsince-synchronized-max-s = 0\n\
         [[collection.task]]\nname = \"load profile\"\nread = [\"7:1-0:99.1.0*255\"]\n\
         every-min = 1440\njitter-min = 0\nbilling = true\n",
        file("password"),
        file("reading")
    );
    let concentrator = Concentrator::start(&config);
    assert_eq!(concentrator.wait_for_meters(METERS as u64), METERS as u64);
    (bus, concentrator)
}

/// Asks until the answer is good, or for two minutes.
fn until(mut asks: impl FnMut() -> Output, good: impl Fn(&Output) -> bool) -> Output {
    let end = Instant::now() + PATIENCE;
    loop {
        let output = asks();
        if good(&output) || Instant::now() > end {
            assert!(good(&output), "{output}");
            return output;
        }
    }
}

fn profile(headend: &Headend, concentrator: &Concentrator, object: &str) -> Output {
    let address = concentrator.address();
    let args = [&["profile", &address, object, "-o", "jsonl"][..], &MANAGER].concat();
    headend.run(&args)
}

#[test]
fn both_modes_work_at_once_on_one_medium_and_what_was_read_is_fetched_and_acknowledged() {
    let (_bus, concentrator) = start();
    let headend = Headend::new();
    // A head-end goes on reading through the concentrator, meter by meter, as it reads them.
    let mut read = 0;
    let readings = until(
        || {
            for sap in 16..20 {
                let server = format!("{sap}");
                let address = concentrator.address();
                let through = ["read", &address, "1-0:1.8.0*255", "--server", &server];
                let output = headend.run(&[&through[..], &["--retries", "3"]].concat());
                read += usize::from(output.code == Some(0));
            }
            profile(&headend, &concentrator, "0-0:128.2.0*255")
        },
        |output| output.stdout.lines().count() == METERS * ENTRIES,
    );
    assert!(read >= METERS, "the head-end got nothing through: {read}");
    let first = &readings.json_lines()[0];
    assert!(first.to_string().contains("0-0:128.2.1"), "{first}");

    // Somebody else's client reads the same.
    let foreign = ["--client", "1", "--auth", "low", "--only", "readings"];
    let output = Foreign::gurux_client(Framing::Wrapper, concentrator.port(), &foreign);
    assert!(output.stdout.contains("readings columns = 9 "), "{output}");
    assert!(output.stdout.contains("readings entries in use = 384 "), "{output}");
    assert!(output.stdout.contains(" failed 0"), "{output}");

    // What is acknowledged goes.
    let address = concentrator.address();
    let set = ["write", &address, "1:0-0:128.2.2*255:2", "long64-unsigned:99"];
    headend.run(&[&set[..], &MANAGER].concat()).assert_code(0);
    until(
        || profile(&headend, &concentrator, "0-0:128.2.0*255"),
        |output| output.stdout.lines().count() == 0,
    );
}

/// Gives orders at SAP 1, and what is answered.
fn give(concentrator: &Concentrator, orders: &[&Order]) -> Vec<Result<(), DataAccessResult>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let line = LineConfig { client: 1, ..LineConfig::default() };
        let association = ClientConfig {
            mechanism: Mechanism::Lls,
            secret: Secret::from("12345678"),
            ..ClientConfig::default()
        };
        let address = concentrator.address().parse().unwrap();
        let connected = Client::connect(&address, line, association, None, Trace::off()).await;
        let client = connected.unwrap();
        let object = AttributeDescriptor::new(ClassId::DATA, collection::ORDER, 2);
        let mut answers = Vec::new();
        for order in orders {
            answers.push(client.write(object, &order.to_data()).await.unwrap());
        }
        let _ = client.release().await;
        answers
    })
}

#[test]
fn an_order_is_carried_out_at_every_meter_and_its_results_stay_until_they_are_acknowledged() {
    let (_bus, concentrator) = start();
    let add = ["order", "add", "*", "--read", "3:1-0:1.8.0*255", "--id", "7"];
    concentrator.ask(&add).assert_code(0);
    let show = ["order", "show", "7", "-o", "jsonl"];
    let results = until(|| concentrator.ask(&show), |of| of.stdout.lines().count() == METERS);
    for result in results.json_lines() {
        assert_eq!(result["state"], "done", "{result}");
        assert!(!result["value"].as_str().unwrap().is_empty(), "{result}");
    }
    // A head-end gives one at SAP 1. Given again it is the same one, and another is refused.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let at = |utc_s| DateTime::from_unix(utc_s, Some(0)).unwrap();
    let clocks = Order {
        id: 8,
        issued: at(now),
        begins: at(now),
        expires: at(now + 600),
        priority: 9,
        meters: b"*".to_vec(),
        service: OrderedService::Clock,
    };
    let other = Order { priority: 8, ..clocks.clone() };
    let denied = Err(DataAccessResult::ReadWriteDenied);
    assert_eq!(give(&concentrator, &[&clocks, &clocks, &other]), [Ok(()), Ok(()), denied]);
    let show_clocks = ["order", "show", "8", "-o", "jsonl"];
    let clocks = until(|| concentrator.ask(&show_clocks), |of| of.stdout.lines().count() == METERS);
    // double-long: by how many seconds each was ahead.
    assert!(clocks.json_lines().iter().all(|of| of["value"].as_str().unwrap().starts_with("05")));

    // The simulated reading client may do everything; the concentrator does not ask it.
    let disconnect = ["order", "add", "*", "--invoke", "70:0-0:96.3.10*255:1", "--data", "0F00"];
    let refused = concentrator.ask(&disconnect);
    refused.assert_code(5);
    assert!(refused.stderr.contains("for the head-end alone"), "{refused}");

    let ls = concentrator.ask(&["order", "ls", "-o", "jsonl"]);
    let states: Vec<_> = ls.json_lines().iter().map(|of| of["state"].clone()).collect();
    assert_eq!(states, ["done", "done"], "{ls}");
    let headend = Headend::new();
    let rows = profile(&headend, &concentrator, "0-0:128.4.0*255");
    assert_eq!(rows.stdout.lines().count(), 2 * METERS, "{rows}");
    let address = concentrator.address();
    let set = ["write", &address, "1:0-0:128.4.2*255:2", "long64-unsigned:99"];
    headend.run(&[&set[..], &MANAGER].concat()).assert_code(0);
    assert_eq!(concentrator.ask(&show).stdout, "");
}

#[test]
fn a_meter_of_other_people_is_read_with_keys_and_its_counters_go_on_after_a_restart() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "96"]);
    let secrets = Folder::new();
    let (password, keys) = (secrets.file("password"), secrets.file("keys"));
    fs::write(&password, "12345678\n").unwrap();
    let pair = "000102030405060708090A0B0C0D0E0F D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";
    fs::write(&keys, format!("GRX0000000001000 {pair}\n")).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    // Its rows are of January 2026, in a time that does not say how far it is from UTC.
    let config = format!(
        "[management]\npassword-file = {password:?}\n\
         [[meter]]\nname = \"GRX0000000001000\"\nsap = 16\naddress = {:?}\n\
         [collection]\nclient = 1\nauthentication = \"hls-gmac\"\n\
         system-title = \"4448435245414431\"\nkeys-file = {keys:?}\n\
         deviation-min = -60\nhistory-days = 4000\npiece-h = 96000\n\
         [collection.own-clock]\nsince-synchronized-max-s = 0\n\
         [collection.ring]\ndays-max = 4000\n\
         [[collection.task]]\nname = \"load profile\"\nread = [\"7:1-0:99.1.0*255\"]\n\
         every-min = 1440\njitter-min = 0\n",
        meter.address()
    );
    let concentrator = Concentrator::start(&config);
    let headend = Headend::new();
    until(
        || profile(&headend, &concentrator, "0-0:128.2.0*255"),
        |output| output.stdout.lines().count() == 96,
    );
    // The power goes. What was reserved is not used again: the meter would refuse it.
    let concentrator = concentrator.restart();
    let order = ["order", "add", "*", "--read", "8:0-0:1.0.0*255", "--id", "1"];
    concentrator.ask(&order).assert_code(0);
    let show = ["order", "show", "1", "-o", "jsonl"];
    let result = until(|| concentrator.ask(&show), |of| of.stdout.lines().count() == 1);
    assert_eq!(result.json_lines()[0]["state"], "done", "{result}");
}
