//! Certificates between `headend`, our simulated meters and OpenSSL, which is the certification
//! authority and has the last word on what is one.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use std::{fs, process::Command};

use dlms_core::security::{CryptoProvider, PrivateKey, RustCrypto};
use dlms_tests::{Folder, Framing, Headend, Meter, Output, Simulator};

/// The system title of the simulated meter with the serial number 1000.
const TITLE: &str = "44484501000003E8";
const VOLTAGE: &str = "3:1-0:32.7.0*255:2";

/// A suite as OpenSSL names what belongs to it.
struct Suite {
    number: &'static str,
    curve: &'static str,
    digest: &'static str,
    key_len: usize,
    coordinate_len: usize,
}

const SUITES: [Suite; 2] = [
    Suite { number: "1", curve: "P-256", digest: "-sha256", key_len: 16, coordinate_len: 32 },
    Suite { number: "2", curve: "P-384", digest: "-sha384", key_len: 32, coordinate_len: 48 },
];

/// Runs OpenSSL in `folder`; what it says, or what it complains about.
fn openssl(folder: &Folder, args: &str) -> Result<String, String> {
    let mut command = Command::new("openssl");
    let output = command.args(args.split(' ')).current_dir(folder.path()).output();
    let output = output.map_err(|error| format!("openssl: {error}: apt-get install openssl"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// A meter that trusts an authority, and what is needed to talk to it.
struct Desk {
    suite: &'static Suite,
    folder: Folder,
    meter: Meter,
    headend: Headend,
}

impl Desk {
    fn new(suite: &'static Suite) -> Self {
        let folder = Folder::new();
        let curve = suite.curve;
        openssl(
            &folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:{curve} -nodes -keyout ca.key \
                 -out ca.pem -days 30 -subj /O=Utility/CN=Root \
                 -addext keyUsage=critical,keyCertSign {}",
                suite.digest
            ),
        )
        .unwrap();
        let anchor = folder.file("ca.pem");
        let args = ["--entries", "4", "--suite", suite.number, "--trust-anchor", &anchor];
        let meter = Simulator::meter(Framing::Wrapper, &args);
        let key = |first: u8| -> String {
            (first..).take(suite.key_len).map(|octet| format!("{octet:02x}")).collect()
        };
        let headend = Headend::new()
            .env("DLMS_EK", &key(0))
            .env("DLMS_AK", &key(0xd0))
            .env("DLMS_SIGNING_KEY", &"11".repeat(suite.coordinate_len));
        Self { suite, folder, meter, headend }
    }

    fn certificate(&self, action: &str, options: &[&str]) -> Output {
        let address = self.meter.address();
        let how = ["--client", "1", "--auth", "hls-gmac", "--security", "authenc", "--suite"];
        let words = ["certificate", action, &address];
        self.headend.run(&[&words[..], options, &how, &[self.suite.number]].concat())
    }

    /// Signs what `name`.csr asks for.
    fn issue(&self, name: &str) {
        let issued = openssl(
            &self.folder,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial {} -days 30 \
                 -copy_extensions copy -out {name}.pem",
                self.suite.digest
            ),
        );
        issued.unwrap();
    }

    fn import(&self, name: &str) -> Output {
        self.certificate("import", &["--file", &self.folder.file(name)])
    }

    /// Reads with HLS 7, where the meter must prove that it has the private half of `peer_key`.
    fn read(&self, peer_key: &str) -> Output {
        let address = self.meter.address();
        let how = "--client 1 --security authenc --auth hls-ecdsa -o jsonl --suite";
        let how: Vec<&str> = how.split(' ').collect();
        let words = ["read", &address, VOLTAGE, "--peer-key", peer_key];
        self.headend.run(&[&words[..], &how, &[self.suite.number]].concat())
    }
}

#[test]
fn a_meter_signs_with_the_key_that_openssl_certified() {
    for suite in &SUITES {
        let desk = Desk::new(suite);
        let old: PrivateKey = "22".repeat(suite.coordinate_len).parse().unwrap();
        let old = RustCrypto.public_keys().unwrap().public_key(&old).unwrap().to_string();
        fs::write(desk.folder.file("old"), old).unwrap();

        let request = desk.certificate("request", &["--key", "signature", "--new-key"]);
        request.assert_code(0);
        fs::write(desk.folder.file("meter.csr"), &request.stdout).unwrap();
        let said =
            openssl(&desk.folder, "req -verify -in meter.csr -noout -subject -text").unwrap();
        assert!(said.contains("verify OK"), "{said}");
        assert!(said.contains(TITLE) && said.contains("Digital Signature"), "{said}");
        assert!(said.contains(suite.curve), "{said}");

        // A key that nobody vouches for is not used yet.
        desk.read(&desk.folder.file("old")).assert_code(0);
        desk.issue("meter");
        desk.import("meter.pem").assert_code(0);
        desk.read(&desk.folder.file("old")).assert_code(4);
        let key = openssl(&desk.folder, "x509 -in meter.pem -noout -pubkey").unwrap();
        fs::write(desk.folder.file("new"), key).unwrap();
        desk.read(&desk.folder.file("new")).assert_code(0);

        let which = ["--entity", "server", "--key", "signature", "--title", TITLE];
        let exported = desk.certificate("export", &which);
        exported.assert_code(0);
        assert_eq!(exported.stdout, fs::read_to_string(desk.folder.file("meter.pem")).unwrap());
        fs::write(desk.folder.file("exported.pem"), &exported.stdout).unwrap();
        let verified = openssl(&desk.folder, "verify -CAfile ca.pem exported.pem");
        assert_eq!(verified.unwrap(), "exported.pem: OK\n");
    }
}

#[test]
fn certificates_are_listed_exported_by_number_and_removed() {
    let desk = Desk::new(&SUITES[0]);
    fs::write(desk.folder.file("client.key"), include_str!("../keys/p256-11-pkcs8.pem")).unwrap();
    let request = "req -new -key client.key -subj /CN=4D4D4D0000BC614E -out client.csr \
                   -addext keyUsage=critical,digitalSignature";
    openssl(&desk.folder, request).unwrap();
    desk.issue("client");
    desk.import("client.pem").assert_code(0);

    let list = desk.certificate("list", &["-o", "jsonl"]);
    list.assert_code(0);
    let lines = list.json_lines();
    assert_eq!(lines.len(), 2, "{list}");
    assert_eq!(lines[0]["entity"], "certification authority");
    assert_eq!(lines[0]["subject"], "CN=Root,O=Utility");
    assert_eq!(lines[1]["entity"], "client");
    assert_eq!(lines[1]["type"], "digital signature");
    assert_eq!(lines[1]["subject"], "CN=4D4D4D0000BC614E");

    let text = |name: &str| lines[1][name].as_str().unwrap().to_owned();
    let (serial, issuer) = (text("serial"), text("issuer_der"));
    let which = ["--serial", &serial, "--issuer", &issuer];
    let exported = desk.certificate("export", &which);
    assert_eq!(exported.stdout, fs::read_to_string(desk.folder.file("client.pem")).unwrap());

    desk.certificate("remove", &which).assert_code(0);
    desk.certificate("export", &which).assert_code(5);
    assert_eq!(desk.certificate("list", &["-o", "jsonl"]).json_lines().len(), 1);
}

#[test]
fn a_certificate_of_an_unknown_authority_and_one_for_another_key_are_refused() {
    let desk = Desk::new(&SUITES[0]);
    let make = |name: &str, subject: &str, how: &str| {
        let made = openssl(
            &desk.folder,
            &format!(
                "req {how} -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key \
                 -subj {subject} -addext keyUsage=critical,digitalSignature -out {name}"
            ),
        );
        made.unwrap();
    };
    make("self.pem", "/CN=4D4D4D0000BC614E", "-x509");
    desk.import("self.pem").assert_code(5);
    // The title of the meter, but not a key that it has.
    make("other.csr", &format!("/CN={TITLE}"), "-new");
    desk.issue("other");
    desk.import("other.pem").assert_code(5);
    // What is no certificate does not get as far as the meter.
    desk.import("other.csr").assert_code(2);
    assert_eq!(desk.certificate("list", &["-o", "jsonl"]).json_lines().len(), 1);
}
