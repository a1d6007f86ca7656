//! The concentrator's own logical device, asked by other people's clients.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex},
    thread,
};

use concentrator::{
    management::{Credentials, Keys, Management, Parts},
    nodes::{Nodes, Pool, Registration},
    router::WanId,
    spool::SpoolLimits,
    state,
};
use dlms_tests::{Foreign, Framing};
use dlms_tokio::{WrapperServerConfig, serve_wrapper};
use tokio::{net::TcpListener, runtime};

/// A concentrator's device before so many meters, on a port of its own. It is served by a thread
/// for as long as the test runs; its folder goes with this.
struct Device {
    folder: PathBuf,
    port: u16,
}

impl Device {
    fn new(name: &str, meters: u16, public_sap_list: bool) -> Self {
        let folder = env::temp_dir().join(format!("device-{name}-{}", process::id()));
        let management = management(&folder, meters, public_sap_list);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                for wan in 0.. {
                    let (stream, _) = listener.accept().await.unwrap();
                    let mut port = management.port(WanId(wan));
                    let config = WrapperServerConfig::default();
                    // How a client ends is its own affair.
                    let _ = serve_wrapper(stream, &mut port, &config).await;
                }
            });
        });
        Self { folder, port }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // The file is still open, which does not matter here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn management(folder: &Path, meters: u16, public_sap_list: bool) -> Management {
    let mut nodes = Nodes::new(Pool::Extended);
    for number in 0..meters {
        nodes.register(0, Registration::new(&format!("ABC{number:013}")).unwrap()).unwrap();
    }
    let limits = SpoolLimits::default();
    let opened = state::open(folder, limits, 1).unwrap();
    Management::new(Parts {
        name: b"DHE0000000000001"[..].try_into().unwrap(),
        nodes: Arc::new(Mutex::new(nodes)),
        spool: opened.spool,
        spool_entries_max: limits.entries_max,
        epoch: opened.state.epoch_handle(),
        events: opened.events,
        counters: opened.counters,
        clock: Box::new(|| 1_790_000_000_000),
        credentials: Credentials {
            // Those that the foreign client has.
            keys: Some(Keys {
                title: "4448450000000001".parse().unwrap(),
                encryption: "000102030405060708090A0B0C0D0E0F".parse().unwrap(),
                authentication: "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF".parse().unwrap(),
            }),
            password: None,
            reading_password: None,
            public_sap_list,
        },
        push_destination: String::new(),
        firmware: None,
        station: None,
    })
}

const SAPS: [&str; 2] = ["--only", "saps"];
const GMAC: [&str; 6] = ["--client", "1", "--auth", "gmac", "--security", "authenc"];

#[test]
fn a_foreign_management_client_reads_1200_meters_by_block_transfer() {
    let device = Device::new("management", 1_200, false);
    let args = [&GMAC[..], &SAPS].concat();
    let output = Foreign::gurux_client(Framing::Wrapper, device.port, &args);
    assert!(output.stdout.contains("SAP assignments = 1201 "), "{output}");
    assert!(output.stdout.contains("steps ok 4 failed 0"), "{output}");
}

#[test]
fn a_foreign_public_client_reads_them_where_that_is_configured_and_nowhere_else() {
    let public = ["--client", "16", "--auth", "none", "--only", "saps"];
    let open = Device::new("open", 1_200, true);
    let output = Foreign::gurux_client(Framing::Wrapper, open.port, &public);
    assert!(output.stdout.contains("SAP assignments = 1201 "), "{output}");
    assert!(output.stdout.contains("steps ok 4 failed 0"), "{output}");

    let closed = Device::new("closed", 1_200, false);
    let output = Foreign::gurux_client(Framing::Wrapper, closed.port, &public);
    assert!(output.stdout.contains("FAIL SAP assignments"), "{output}");
    assert!(output.stdout.contains("steps ok 3 failed 1"), "{output}");
}

#[test]
fn nobody_without_the_keys_is_let_in() {
    let device = Device::new("keys", 1, true);
    for mode in ["17 --auth low", "1 --auth none", "1 --auth low", "1 --auth high"] {
        let mode = format!("--client {mode} --only saps");
        let args: Vec<&str> = mode.split(' ').collect();
        let output = Foreign::gurux_client(Framing::Wrapper, device.port, &args);
        assert!(output.stdout.contains("FAIL connect"), "{mode}: {output}");
    }
}
