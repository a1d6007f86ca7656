//! Asking a concentrator that runs on this machine.

use std::{
    io,
    path::{Path, PathBuf},
};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, body::Bytes, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens there.
    #[error(
        "no concentrator runs with its data in {}: {error}; start it with: concentrator run \
         --config FILE",
        folder.display()
    )]
    NotRunning {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It refused.
    #[error("{0}")]
    Refused(String),
    /// The two do not understand each other.
    #[error("the concentrator answered something else than expected: {0}")]
    Broken(String),
}

/// Sends a request to the concentrator whose socket is at `path`.
///
/// # Errors
/// Every [`ControlError`].
pub async fn ask<T: DeserializeOwned>(
    path: &Path,
    method: Method,
    uri: &str,
    body: Vec<u8>,
) -> Result<T, ControlError> {
    let folder = path.parent().unwrap_or(path).to_path_buf();
    let stream = UnixStream::connect(path).await;
    let stream = stream.map_err(|error| ControlError::NotRunning { folder, error })?;
    let broken = |error: &dyn core::fmt::Display| ControlError::Broken(error.to_string());
    let connected = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(|error| broken(&error))?;
    let request = Request::builder().method(method).uri(uri).header(HOST, "concentrator");
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| broken(&error))?;
    let asking = async {
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| broken(&error))?;
        Ok((status, body.to_bytes()))
    };
    let (status, body) = tokio::select! {
        answered = asking => answered?,
        ended = connection => match ended {
            Ok(()) => return Err(ControlError::Broken("nothing".to_owned())),
            Err(error) => return Err(broken(&error)),
        },
    };
    if !status.is_success() {
        return Err(ControlError::Refused(String::from_utf8_lossy(&body).trim_end().to_owned()));
    }
    // Done, and nothing to say.
    let body = if body.is_empty() { Bytes::from_static(b"null") } else { body };
    serde_json::from_slice(&body).map_err(|error| broken(&error))
}
