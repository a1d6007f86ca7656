//! Who gets in by TLS, with certificates that are made for the test.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes a certificate and its key into the folder.
    fn issue(&self, folder: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

struct Bench {
    folder: PathBuf,
    child: Child,
    port: u16,
}

impl Bench {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let authority = Authority::new();
        fs::write(folder.join("ca.crt"), authority.0.pem()).unwrap();
        authority.issue(&folder, "concentrator");
        authority.issue(&folder, "headend");
        Authority::new().issue(&folder, "stranger");
        let config = "[concentrator]\nname = \"DHC0000000000001\"\n[wan]\ntcp = []\n[wan.tls]\n\
            listen = [\"127.0.0.1:0\"]\ncertificate = \"concentrator.crt\"\n\
            key = \"concentrator.key\"\nclient-ca = \"ca.crt\"\n";
        let path = folder.join("concentrator.toml");
        fs::write(&path, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_concentrator"))
            .args(["run", "--config"])
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.next().expect("it is ready").unwrap();
        let port = ready.rsplit(':').next().unwrap().parse().unwrap();
        Self { folder, child, port }
    }

    async fn connect(&self, with: Option<&str>) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        let file = |name: &str| self.folder.join(name);
        roots.add(CertificateDer::from_pem_file(file("ca.crt")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match with {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let certificate = CertificateDer::from_pem_file(file(&format!("{name}.crt")));
                let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
                builder.with_client_auth_cert(vec![certificate.unwrap()], key).unwrap()
            }
        };
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let name = ServerName::try_from("concentrator").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// The first octet of what the concentrator answers to an AARQ of the public client.
    async fn ask(&self, with: Option<&str>) -> std::io::Result<u8> {
        let mut stream = self.connect(with).await?;
        stream.write_all(&[0, 1, 0, 16, 0, 1, 0, 31]).await?;
        stream.write_all(&AARQ).await?;
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).await?;
        Ok(answer[8])
    }

    /// Why somebody is not let in. Nothing is asked: the refusal comes after the handshake, and
    /// could be lost when it meets a request.
    async fn refusal(&self, with: Option<&str>) -> String {
        match self.connect(with).await {
            Ok(mut stream) => stream.read_exact(&mut [0]).await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }
}

/// Without authentication.
const AARQ: [u8; 31] = [
    0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xbe, 0x10, 0x04,
    0x0e, 0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x40, 0x1e, 0x9f, 0xff, 0xff,
];

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn only_who_shows_a_certificate_of_the_authority_gets_as_far_as_the_exchange() {
    let bench = Bench::new("tls");
    let stream = bench.connect(Some("headend")).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));

    let stranger = bench.refusal(Some("stranger")).await;
    assert!(stranger.contains("alert"), "{stranger}");
    let nobody = bench.refusal(None).await;
    assert!(nobody.contains("CertificateRequired"), "{nobody}");
    // AARE.
    assert_eq!(bench.ask(Some("headend")).await.unwrap(), 0x61);
}
