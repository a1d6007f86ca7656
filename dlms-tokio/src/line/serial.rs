//! Opening a serial port, or a pseudo terminal that stands for one.

use std::io;

use tokio_serial::{
    ClearBuffer, DataBits, FlowControl, Parity, SerialPort as _, SerialPortBuilderExt,
    SerialStream, StopBits,
};

use crate::{
    address::SerialPort,
    line::{
        error::{LineError, Phase},
        mode_e::OPENING_BAUD,
    },
};

impl SerialPort {
    /// Opens the port, to serve on it. A line to a meter opens its port by itself.
    ///
    /// # Errors
    ///
    /// [`LineError::Unreachable`].
    pub fn open(&self) -> Result<SerialStream, LineError> {
        open(self)
    }
}

/// Opens the port with eight data bits, no parity and one stop bit, which HDLC wants (IEC 62056-46
/// §5.2); mode E makes its parity in software. What an earlier conversation left behind is dropped.
///
/// The port is not locked: a pseudo terminal is often held open by who made it. That a line has one
/// owner is kept by who owns the [`Line`](crate::Line).
pub(crate) fn open(port: &SerialPort) -> Result<SerialStream, LineError> {
    let baud = if port.mode_e { OPENING_BAUD } else { port.baud };
    let mut stream = tokio_serial::new(&port.path, baud)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(FlowControl::None)
        .open_native_async()
        .map_err(|error| unreachable(&error))?;
    #[cfg(unix)]
    stream.set_exclusive(false).map_err(|error| unreachable(&error))?;
    stream.clear(ClearBuffer::All).map_err(|error| unreachable(&error))?;
    Ok(stream)
}

/// Runs the port at another rate from now on; on a pseudo terminal nothing changes.
pub(crate) fn switch_baud(stream: &mut SerialStream, baud: u32) -> Result<(), LineError> {
    stream.set_baud_rate(baud).map_err(|error| LineError::Broken {
        phase: Phase::SigningOn,
        kind: io::Error::from(error).kind(),
    })
}

fn unreachable(error: &tokio_serial::Error) -> LineError {
    let kind = match error.kind() {
        tokio_serial::ErrorKind::NoDevice => io::ErrorKind::NotFound,
        tokio_serial::ErrorKind::InvalidInput => io::ErrorKind::InvalidInput,
        tokio_serial::ErrorKind::Io(kind) => kind,
        tokio_serial::ErrorKind::Unknown => io::ErrorKind::Other,
    };
    LineError::Unreachable { phase: Phase::Opening, kind }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::open;
    use crate::{
        address::SerialPort,
        line::error::{LineError, Phase},
    };

    #[tokio::test]
    async fn a_port_that_does_not_exist_is_not_found() {
        let port = SerialPort { path: "/dev/no-such-port".to_owned(), baud: 9_600, mode_e: false };
        let error = open(&port).unwrap_err();
        assert_eq!(
            error,
            LineError::Unreachable { phase: Phase::Opening, kind: io::ErrorKind::NotFound }
        );
        assert!(error.to_string().contains("no such serial port"));
    }
}
