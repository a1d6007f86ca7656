//! A line of the wrapper over a connection (IEC 62056-47).

use dlms_core::wrapper::{self, WrapperError, WrapperHeader};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    clock::after,
    line::{
        LineConfig,
        counters::LineCounters,
        error::{LineError, Opening, Phase},
        is_answer,
        owed::Owed,
        port::Port,
        stream::Stream,
    },
    trace::{Direction, Trace},
};

#[derive(Debug)]
pub(crate) struct WrapperLine {
    port: Port<Stream>,
    config: LineConfig,
    owed: Owed<Instant>,
    /// When to give up the wrapper PDU that has begun.
    unfinished: Option<Instant>,
}

impl WrapperLine {
    pub(crate) fn new(stream: Stream, config: &LineConfig, trace: Trace) -> Self {
        Self {
            port: Port::new(stream, trace),
            config: config.clone(),
            owed: Owed::nothing(),
            unfinished: None,
        }
    }

    pub(crate) const fn config(&self) -> &LineConfig {
        &self.config
    }

    pub(crate) async fn send(&mut self, apdu: &[u8]) -> Result<(), LineError> {
        let header = header(&self.config, apdu)?;
        self.port.trace.apdu(Direction::Tx, apdu);
        self.port.trace.link(Direction::Tx, shown(&header));
        self.port.queue(&[&header.encode_header(), apdu]);
        self.port.counters.frames_sent += 1;
        self.owed.owe(Some(after(self.config.patience())));
        self.flush(Phase::Sending).await
    }

    pub(crate) async fn receive(&mut self, apdu: &mut Vec<u8>) -> Result<(), LineError> {
        // What a dropped send left behind.
        self.flush(Phase::Receiving).await?;
        if self.owed.is_overdrawn(Instant::now()) {
            return Err(self.timed_out(Phase::Receiving));
        }
        let mut is_late = false;
        loop {
            if self.take(apdu)? {
                return Ok(());
            }
            // A peer that never pauses keeps the timeout below from being looked at.
            if is_late {
                return Err(self.timed_out(Phase::Receiving));
            }
            self.unfinished = match self.port.received() {
                [] => None,
                _ => self.unfinished.or_else(|| Some(after(self.config.patience()))),
            };
            let deadline = [self.owed.until(), self.unfinished].into_iter().flatten().min();
            let read = match deadline {
                Some(deadline) => match timeout_at(deadline, self.port.fill()).await {
                    Ok(read) => read,
                    Err(_) => return Err(self.timed_out(Phase::Receiving)),
                },
                None => self.port.fill().await,
            };
            match read {
                Ok(0) => {
                    let mid_frame = !self.port.received().is_empty();
                    return Err(LineError::Closed { phase: Phase::Receiving, mid_frame });
                }
                Ok(_) => is_late = deadline.is_some_and(|deadline| deadline <= Instant::now()),
                Err(error) => return Err(LineError::broken(Phase::Receiving, &error)),
            }
        }
    }

    pub(crate) fn expect(&mut self) {
        self.owed.resume(Some(after(self.config.patience())));
    }

    pub(crate) const fn waive(&mut self) {
        self.owed.waive();
    }

    pub(crate) fn counters(&self) -> LineCounters {
        self.port.counters
    }

    pub(crate) const fn trace(&self) -> &Trace {
        &self.port.trace
    }

    /// Takes the next wrapper PDU that is for us from what was received, if it is whole.
    fn take(&mut self, apdu: &mut Vec<u8>) -> Result<bool, LineError> {
        loop {
            let received = self.port.received();
            if let Some(announced) = announced_length(received)
                && announced > self.config.apdu_len_max
            {
                return Err(LineError::TooLong { limit: self.config.apdu_len_max });
            }
            let frame = match wrapper::next_frame(received) {
                None => return Ok(false),
                Some(Ok(frame)) => frame,
                Some(Err(WrapperError::Version(_))) => {
                    let opening = Opening::new(received);
                    self.port.show_all();
                    return Err(LineError::NotWrapper { opening });
                }
            };
            let (header, consumed) = (frame.header, frame.consumed());
            let ours = is_ours(&self.config, &header);
            if ours {
                apdu.clear();
                apdu.extend_from_slice(frame.apdu);
            }
            self.port.consume(consumed);
            self.unfinished = None;
            self.port.counters.frames_received += 1;
            self.port.trace.link(Direction::Rx, shown(&header));
            if ours {
                self.port.trace.apdu(Direction::Rx, apdu);
                if is_answer(apdu) {
                    self.owed.settle();
                }
                return Ok(true);
            }
            self.port.counters.foreign += 1;
        }
    }

    async fn flush(&mut self, phase: Phase) -> Result<(), LineError> {
        match timeout(self.config.patience(), self.port.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(LineError::broken(phase, &error)),
            Err(_) => Err(self.timed_out(Phase::Sending)),
        }
    }

    fn timed_out(&mut self, phase: Phase) -> LineError {
        self.owed.waive();
        self.unfinished = None;
        self.port.counters.timeouts += 1;
        self.port.show_all();
        LineError::Timeout { phase }
    }
}

/// The header of an APDU from us to the meter.
pub(super) fn header(config: &LineConfig, apdu: &[u8]) -> Result<WrapperHeader, LineError> {
    let length =
        u16::try_from(apdu.len()).map_err(|_| LineError::TooLong { limit: wrapper::APDU_MAX })?;
    Ok(WrapperHeader { source: config.client, destination: config.server_upper, length })
}

/// Whether a wrapper PDU is for us: it comes from our meter, to us or to every client.
pub(super) fn is_ours(config: &LineConfig, header: &WrapperHeader) -> bool {
    header.source == config.server_upper
        && (header.destination == config.client || header.destination == wrapper::ALL_STATION)
}

/// A header as the trace shows it.
pub(super) fn shown(header: &WrapperHeader) -> String {
    let WrapperHeader { source, destination, length } = header;
    format!("wrapper {source} > {destination}, {length} octets")
}

/// The length a header announces, before the APDU is there.
pub(crate) fn announced_length(received: &[u8]) -> Option<usize> {
    match received {
        [0, 1, _, _, _, _, high, low, ..] => Some(usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}
