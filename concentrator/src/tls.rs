//! Mutual TLS towards the head-ends, by `rustls` on AWS-LC.
//!
//! What TLS proves is who may connect. What a meter is told is proven end to end by its own keys,
//! which are not here.

use core::net::SocketAddr;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use serde::Deserialize;
use tokio_rustls::TlsAcceptor;

/// Where TLS is served, and with what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// Where it is served.
    pub listen: Vec<SocketAddr>,
    /// The certificate of the concentrator and those between it and its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM. The file is read once, and should be readable by nobody else.
    pub key: PathBuf,
    /// The authority whose certificates head-ends must show. Without one, whoever connects is let
    /// in, and the meters alone decide.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: rustls::pki_types::pem::Error,
    },
    /// What is in them does not fit together.
    #[error("wan.tls: {0}")]
    Unusable(String),
}

impl TlsConfig {
    /// Takes relative paths as beside the configuration in `folder`.
    pub(crate) fn beside(&mut self, folder: &Path) {
        for path in [&mut self.certificate, &mut self.key].into_iter().chain(&mut self.client_ca) {
            *path = folder.join(&*path);
        }
    }

    /// What accepts connections.
    ///
    /// # Errors
    /// Every [`TlsError`].
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let unusable = |error: &dyn core::fmt::Display| TlsError::Unusable(error.to_string());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder =
            builder.with_safe_default_protocol_versions().map_err(|error| unusable(&error))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|error| unusable(&error))?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = verifier.build().map_err(|error| unusable(&error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|error| TlsError::File { path: self.key.clone(), error })?;
        let config = builder.with_single_cert(certificates(&self.certificate)?, key);
        let mut config = config.map_err(|error| unusable(&error))?;
        // A head-end connects seldom and stays; a certificate that was withdrawn does not live on
        // in a session that is resumed.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |error| TlsError::File { path: path.to_path_buf(), error };
    let certificates = CertificateDer::pem_file_iter(path).map_err(wrong)?;
    certificates.map(|certificate| certificate.map_err(wrong)).collect()
}
