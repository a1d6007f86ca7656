//! The program `concentrator`, as a person runs it.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

/// A folder with a configuration, which goes away; and the concentrator that runs with it.
struct Bench {
    folder: PathBuf,
    running: Option<Child>,
    ready: String,
}

impl Bench {
    fn new(name: &str, config: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("concentrator.toml"), config).unwrap();
        Self { folder, running: None, ready: String::new() }
    }

    fn config(&self) -> String {
        self.folder.join("concentrator.toml").to_str().unwrap().to_owned()
    }

    fn start(&mut self) {
        let mut child = program(&["run", "--config", &self.config()]);
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        self.ready = lines.next().expect("it is ready").unwrap();
        self.running = Some(child);
    }

    fn run(&self, args: &[&str]) -> Output {
        program(&[args, &["--config", &self.config()]].concat()).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["-o", "json"]].concat());
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(child) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_concentrator"));
    command.args(args);
    command
}

const CONFIG: &str = r#"
[concentrator]
name = "DHC0000000000001"
[wan]
tcp = ["127.0.0.1:0"]
[[meter]]
name = "ABC0000000000001"
sap = 527
address = "wrapper://127.0.0.1:9"
"#;

#[test]
fn the_example_in_the_repository_starts_as_it_is() {
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/concentrator.toml"));
    // But for the port, which somebody on this machine may have.
    let example = example.unwrap().replace("127.0.0.1:4059", "127.0.0.1:0");
    let mut bench = Bench::new("example", &example);
    let checked = program(&["check-config", &bench.config()]).output().unwrap();
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.ends_with("good; 2 meters, 0 media\n"), "{said}");
    bench.start();
    assert!(bench.ready.starts_with("ready at 127.0.0.1:"), "{}", bench.ready);
}

#[test]
fn a_person_sees_and_changes_which_meters_there_are_while_it_runs() {
    let mut bench = Bench::new("nodes", CONFIG);
    bench.start();
    let own = json!({"sap": 1, "name": "DHC0000000000001"});
    let first = json!({"sap": 527, "name": "ABC0000000000001"});
    assert_eq!(bench.json(&["saps"]), json!([own, first]));

    let address = ["--address", "wrapper://127.0.0.1:10"];
    let added = bench.json(&[&["add", "ABC0000000000002"][..], &address].concat());
    assert_eq!(added[0]["sap"], 16);
    let second = json!({"sap": 16, "name": "ABC0000000000002"});
    assert_eq!(bench.json(&["saps"]), json!([own, second, first]));

    assert!(bench.run(&["remove", "ABC0000000000001"]).status.success());
    assert_eq!(bench.json(&["saps"]), json!([own, second]));
    assert_eq!(bench.json(&["nodes"])[1]["state"], "gone");
    assert_eq!(bench.json(&["status"])[0]["meters"], 1);

    // A name that is no plain text is shown in hex, and may be given so.
    for name in ["a name/?%#1", "6120", "as it is/?%#1"] {
        let added = bench.json(&[&["add", name][..], &address].concat());
        assert_eq!(added[0]["state"], "present", "{name}");
        let shown = added[0]["name"].as_str().unwrap();
        let given = if name.starts_with("as") { name } else { shown };
        assert!(bench.run(&["remove", given]).status.success(), "{name}");
    }
    assert_eq!(bench.json(&["status"])[0]["meters"], 1);
    assert_eq!(bench.json(&["routes"]), json!([]));
}

#[test]
fn a_refusal_says_why_and_has_its_own_exit_code() {
    let mut bench = Bench::new("refusals", CONFIG);
    let output = bench.run(&["status"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("start it with: concentrator run"), "{said}");

    bench.start();
    let address = ["--address", "wrapper://127.0.0.1:10", "--sap", "527"];
    let output = bench.run(&[&["add", "ABC0000000000002"][..], &address].concat());
    assert_eq!(output.status.code(), Some(5));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("SAP 527 belongs to ABC0000000000001"), "{said}");
    assert_eq!(bench.run(&["remove", "ABC9"]).status.code(), Some(5));

    let wrong = Bench::new("wrong", "[concentrator]\nname = \"A\"\nepoc = 1\n");
    let output = program(&["check-config", &wrong.config()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("did you mean epoch?"), "{said}");
}

#[test]
fn a_configuration_that_would_not_run_is_not_good() {
    for (number, (more, says)) in [
        ("[management]\npassword-file = \"/nobody/has/this\"\n", "/nobody/has/this"),
        ("[[meter]]\nname = \"ABC2\"\nsap = 5\naddress = \"wrapper://127.0.0.1:10\"\n", "SAP 5"),
        ("[[meter]]\nname = \"ABC2\"\naddress = \"wrapper://127.0.0.1:9\"\n", "another meter is"),
    ]
    .into_iter()
    .enumerate()
    {
        let wrong = Bench::new(&format!("bad-{number}"), &[CONFIG, more].concat());
        let output = program(&["check-config", &wrong.config()]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{more}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn prometheus_finds_the_counters_and_nothing_else() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let metrics = format!("{CONFIG}[metrics]\nlisten = \"{free}\"\n");
    let mut bench = Bench::new("metrics", &metrics);
    bench.start();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(free).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = get("/metrics");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\nconcentrator_meters 1\n"), "{answer}");
    assert!(answer.contains("# TYPE concentrator_forwarded_total counter"), "{answer}");
    assert!(!answer.contains("ABC0000000000001"), "{answer}");
    assert!(get("/nodes").starts_with("HTTP/1.1 404"));
}

#[test]
fn what_happens_is_told_on_standard_error_as_json_where_that_is_asked_for() {
    let bench = Bench::new("log", CONFIG);
    let mut child = program(&["run", "--log-json", "--config", &bench.config()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ready = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let address = ready.strip_prefix("ready at ").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = told.find(|line| line.as_ref().unwrap().contains("cut off")).unwrap().unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["level"], "WARN");
    assert!(told["fields"]["error"].as_str().unwrap().contains("not the wrapper"), "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// As a head-end does it: the management client, by a password.
#[cfg(feature = "ciphering")]
async fn bring_firmware(address: &str, image: &[u8]) {
    use dlms_core::{
        acse::Mechanism,
        association::ClientConfig,
        axdr::{DataBuf, RawData},
        cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
        xdlms::ActionResult,
    };
    use dlms_tokio::{LineConfig, Trace, client::Client};

    const IMAGE: LogicalName = LogicalName([0, 0, 44, 0, 0, 255]);
    const BLOCK_LEN: usize = 1_024;
    let line = LineConfig { client: 1, ..LineConfig::default() };
    let config = ClientConfig {
        mechanism: Mechanism::Lls,
        secret: "12345678".into(),
        ..ClientConfig::default()
    };
    let address = format!("wrapper://{address}").parse().unwrap();
    let client = Client::connect(&address, line, config, None, Trace::off()).await.unwrap();
    let invoke = async |method, parameter: DataBuf| {
        let method = MethodDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, method);
        client.invoke(method, Some(&parameter)).await.unwrap().map(|_| ())
    };
    let status = async || {
        let status = AttributeDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, 6);
        let octets = client.read(status).await.unwrap().unwrap();
        RawData::from_octets(&octets).unwrap().data().unwrap().to_buf().unwrap()
    };
    let len = u32::try_from(image.len()).unwrap();
    let parameter = DataBuf::structure([DataBuf::octet_string("2.0"), len.into()]);
    assert_eq!(invoke(1, parameter).await, Ok(()));
    for (number, block) in (0_u32..).zip(image.chunks(BLOCK_LEN)) {
        let parameter = DataBuf::structure([number.into(), DataBuf::octet_string(block)]);
        assert_eq!(invoke(2, parameter).await, Ok(()));
    }
    let under_way = Err(ActionResult::TemporaryFailure);
    assert_eq!(invoke(3, DataBuf::Integer(0)).await, under_way);
    while status().await == DataBuf::Enum(2) {}
    assert_eq!(status().await, DataBuf::Enum(3));
    assert_eq!(invoke(4, DataBuf::Integer(0)).await, under_way);
}

#[cfg(feature = "ciphering")]
#[test]
fn signed_firmware_takes_the_place_of_the_program_which_ends_to_be_started_again() {
    let config = "[concentrator]\nname = \"DHC0000000000001\"\n[wan]\ntcp = [\"127.0.0.1:0\"]\n\
                  [management]\npassword-file = \"password\"\n\
                  [firmware]\npublic-key-file = \"firmware.pub\"\nprogram = \"installed\"\n\
                  exit-code = 75\n";
    let mut bench = Bench::new("firmware", config);
    let file = |name: &str| bench.folder.join(name).to_str().unwrap().to_owned();
    let new: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
    for (name, content) in [
        ("password", &b"12345678"[..]),
        ("firmware.key", "11".repeat(32).as_bytes()),
        ("installed", b"the program that runs"),
        ("new", &new),
    ] {
        fs::write(file(name), content).unwrap();
    }
    let (new_file, key, image) = (file("new"), file("firmware.key"), file("image"));
    let signed = program(&["sign-firmware", &new_file, "--key-file", &key, "-i", &image]).output();
    let signed = signed.unwrap();
    assert!(signed.status.success(), "{signed:?}");
    fs::write(file("firmware.pub"), &signed.stdout).unwrap();
    let image = fs::read(image).unwrap();

    bench.start();
    let address = bench.ready.rsplit(' ').next().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(bring_firmware(&address, &image));
    let ended = bench.running.take().unwrap().wait().unwrap();
    assert_eq!(ended.code(), Some(75));
    assert_eq!(fs::read(bench.folder.join("installed")).unwrap(), new);
    assert!(!bench.folder.join("data/image.verified").exists());
}
