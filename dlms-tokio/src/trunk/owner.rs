//! The owner of a trunk: the only one that reads from the connection and writes to it.

use core::{future, time::Duration};
use std::{io, sync::Arc};

use bytes::{Buf, BytesMut};
use dlms_core::{
    wrapper::{self, ALL_STATION, WrapperError, WrapperHeader},
    xdlms::tag,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{OUTGOING_MAX, Push, Ways, ways::State};
use crate::{
    clock::after,
    line::{LineError, Opening, Phase},
    trace::{DecodeLevel, Direction, Trace},
};

/// Octets taken from the connection in one read: what the system has ready of a busy one.
const READ_MAX: usize = 64 * 1024;
/// Octets gathered for one write before no more frames are taken; what is gathered has at most one
/// batch of frames more.
const WRITE_MAX: usize = 64 * 1024;

pub(super) struct Owner {
    ways: Arc<Ways>,
    queue: mpsc::Receiver<Vec<u8>>,
    pushes: mpsc::Sender<Push>,
    timeout: Duration,
    trace: Trace,
    /// Received and not given out.
    rx: BytesMut,
    /// To be sent.
    tx: BytesMut,
    /// Whether all that was written has left the buffers of the stream.
    flushed: bool,
    /// When to give up the frame that has begun.
    unfinished: Option<Instant>,
    /// When to give up what nobody takes.
    unsent: Option<Instant>,
}

impl Owner {
    pub(super) fn new(
        ways: Arc<Ways>,
        queue: mpsc::Receiver<Vec<u8>>,
        pushes: mpsc::Sender<Push>,
        timeout: Duration,
        trace: Trace,
    ) -> Self {
        Self {
            ways,
            queue,
            pushes,
            timeout,
            trace,
            rx: BytesMut::new(),
            tx: BytesMut::new(),
            flushed: true,
            unfinished: None,
            unsent: None,
        }
    }

    /// Carries frames until the trunk ends, and tells every line why.
    pub(super) async fn run(mut self, stream: impl AsyncRead + AsyncWrite + Send + 'static) {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let error = self.carry(&mut reader, &mut writer).await;
        // First the lines learn, then whoever waits to be let in.
        self.ways.end(error);
        drop(self);
        // A peer that takes nothing any more is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(1), writer.shutdown()).await;
    }

    async fn carry(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> LineError {
        let mut frames = Vec::new();
        loop {
            self.rx.reserve(READ_MAX);
            let deadline = [self.unfinished, self.unsent].into_iter().flatten().min();
            let has_room = self.tx.len() < WRITE_MAX;
            tokio::select! {
                () = self.ways.closing() => return closed(false),
                read = reader.read_buf(&mut self.rx) => match read {
                    Ok(0) => return closed(!self.rx.is_empty()),
                    Ok(octets) => {
                        if let Err(error) = self.give_out(octets) {
                            return error;
                        }
                    }
                    Err(error) => return LineError::broken(Phase::Receiving, &error),
                },
                written = push_out(writer, &mut self.tx), if !self.flushed => match written {
                    Ok(octets) => self.wrote(octets),
                    Err(error) => return LineError::broken(Phase::Sending, &error),
                },
                taken = self.queue.recv_many(&mut frames, OUTGOING_MAX), if has_room => {
                    if taken == 0 {
                        // No handle and no line: what was taken still goes out.
                        return match self.write_rest(writer).await {
                            Ok(()) => closed(false),
                            Err(error) => LineError::broken(Phase::Sending, &error),
                        };
                    }
                    self.gather(&mut frames);
                }
                () = until(deadline) => {
                    let sending = self.unsent == deadline;
                    let phase = if sending { Phase::Sending } else { Phase::Receiving };
                    return LineError::Timeout { phase };
                }
            }
        }
    }

    /// Gives out every frame that is whole, of which `octets` were read just now.
    fn give_out(&mut self, octets: usize) -> Result<(), LineError> {
        if self.trace.shows(DecodeLevel::Phys)
            && let Some(new) = self.rx.get(self.rx.len().saturating_sub(octets)..)
        {
            self.trace.phys(Direction::Rx, &[new]);
        }
        let mut state = self.ways.lock();
        state.counters.reads += 1;
        state.counters.octets_received += octets as u64;
        let mut finished = false;
        while let Some(frame) = wrapper::next_frame(&self.rx) {
            let frame = match frame {
                Ok(frame) => frame,
                Err(WrapperError::Version(_)) => {
                    return Err(LineError::NotWrapper { opening: Opening::new(&self.rx) });
                }
            };
            state.counters.frames_received += 1;
            deliver(&mut state, &self.pushes, &frame.header, frame.apdu);
            let consumed = frame.consumed();
            self.rx.advance(consumed);
            finished = true;
        }
        drop(state);
        self.unfinished = match self.unfinished {
            _ if self.rx.is_empty() => None,
            Some(deadline) if !finished => Some(deadline),
            _ => Some(after(self.timeout)),
        };
        Ok(())
    }

    /// Puts frames behind what waits to be sent.
    fn gather(&mut self, frames: &mut Vec<Vec<u8>>) {
        if self.unsent.is_none() {
            self.unsent = Some(after(self.timeout));
        }
        self.flushed = false;
        self.ways.lock().counters.frames_sent += frames.len() as u64;
        for frame in frames.drain(..) {
            self.trace.phys(Direction::Tx, &[&frame]);
            self.tx.extend_from_slice(&frame);
        }
    }

    /// So many octets were written; none when all had been, and the stream has let go of them.
    fn wrote(&mut self, octets: usize) {
        if octets == 0 {
            self.flushed = true;
            self.unsent = None;
            return;
        }
        self.unsent = Some(after(self.timeout));
        let mut state = self.ways.lock();
        state.counters.writes += 1;
        state.counters.octets_sent += octets as u64;
    }

    async fn write_rest(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let deadline = after(self.timeout);
        while !self.flushed {
            match tokio::time::timeout_at(deadline, push_out(writer, &mut self.tx)).await {
                Ok(written) => self.wrote(written?),
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
        Ok(())
    }
}

/// Writes some of what waits, or, when nothing does, flushes and returns 0. May be dropped at any
/// await.
async fn push_out(writer: &mut (impl AsyncWrite + Unpin), tx: &mut BytesMut) -> io::Result<usize> {
    if tx.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    match writer.write_buf(tx).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => Ok(written),
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => future::pending().await,
    }
}

const fn closed(mid_frame: bool) -> LineError {
    LineError::Closed { phase: Phase::Receiving, mid_frame }
}

/// Gives an APDU to whom it is for.
fn deliver(state: &mut State, pushes: &mpsc::Sender<Push>, header: &WrapperHeader, apdu: &[u8]) {
    let saps = (header.destination, header.source);
    let told = told(apdu);
    if told != Told::Notification && state.has(saps) {
        state.give(saps, apdu);
        return;
    }
    if told == Told::Answer && header.destination != ALL_STATION {
        state.counters.unclaimed += 1;
        return;
    }
    let push = Push { source: header.source, client: header.destination, apdu: apdu.to_vec() };
    match pushes.try_send(push) {
        Ok(()) => state.counters.pushes += 1,
        Err(_) => state.counters.pushes_dropped += 1,
    }
}

/// What the tag of an APDU tells of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It was not asked for.
    Notification,
    /// It may be a notification: what is inside is ciphered, signed, or comes in blocks.
    Perhaps,
    /// It can only be an answer.
    Answer,
}

fn told(apdu: &[u8]) -> Told {
    match apdu.first() {
        Some(
            &(tag::DATA_NOTIFICATION
            | tag::EVENT_NOTIFICATION_REQUEST
            | tag::INFORMATION_REPORT_REQUEST),
        ) => Told::Notification,
        Some(
            &(tag::GENERAL_GLO_CIPHERING
            | tag::GENERAL_DED_CIPHERING
            | tag::GENERAL_CIPHERING
            | tag::GENERAL_SIGNING
            | tag::GENERAL_BLOCK_TRANSFER
            | tag::GLO_EVENT_NOTIFICATION_REQUEST
            | tag::DED_EVENT_NOTIFICATION_REQUEST),
        ) => Told::Perhaps,
        _ => Told::Answer,
    }
}
