//! Octets in and out of a byte stream, with buffers that survive being cancelled.
//!
//! Every read and write either moves octets between the stream and the buffers here or does
//! nothing at all, so that dropping a future at any await loses nothing. Buffers grow by what is
//! there and are given back when empty: most lines of a big head-end or simulator are idle.

use core::{
    future::poll_fn,
    pin::Pin,
    task::{Poll, ready},
};
use std::io;

use bytes::{Buf, BytesMut};
use hdlc::frame::Frame;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::{
    line::counters::LineCounters,
    trace::{CheckMask, DecodeLevel, Direction, ShownFrame, Trace},
};

/// Octets taken from the stream in one read.
const READ_MAX: usize = 2_048;

/// Octets shown in one line of the trace while no frame ends.
const SHOWN_MAX: usize = 2_048;

#[derive(Debug)]
pub(crate) struct Port<S> {
    stream: S,
    /// Received and not consumed.
    rx: BytesMut,
    /// Leading octets of `rx` that the trace has shown.
    shown: usize,
    /// To be sent.
    tx: BytesMut,
    /// Where the trace of what is received stands, if it is of frames with check sequences.
    checked: Option<CheckMask>,
    pub(crate) counters: LineCounters,
    pub(crate) trace: Trace,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Port<S> {
    pub(crate) fn new(stream: S, trace: Trace) -> Self {
        Self {
            stream,
            rx: BytesMut::new(),
            shown: 0,
            tx: BytesMut::new(),
            checked: None,
            counters: LineCounters::default(),
            trace,
        }
    }

    /// A port for HDLC: where the trace masks a secret, it masks the check sequence over it.
    pub(crate) fn with_check_sequences(stream: S, trace: Trace) -> Self {
        Self { checked: Some(CheckMask::default()), ..Self::new(stream, trace) }
    }

    pub(crate) const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream alone; what was received and not consumed is dropped.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// What was received and not consumed.
    pub(crate) fn received(&self) -> &[u8] {
        &self.rx
    }

    /// Drops the first `octets` of what was received.
    pub(crate) fn consume(&mut self, octets: usize) {
        self.show_received(octets);
        let octets = octets.min(self.rx.len());
        self.rx.advance(octets);
        self.shown = self.shown.saturating_sub(octets);
        if self.rx.is_empty() {
            self.rx = BytesMut::new();
        }
    }

    /// Puts octets behind what waits to be sent. A secret may be cut between parts.
    pub(crate) fn queue(&mut self, parts: &[&[u8]]) {
        self.show_all();
        self.trace.phys(Direction::Tx, parts);
        for part in parts {
            self.tx.extend_from_slice(part);
        }
    }

    /// Puts an HDLC frame behind what waits to be sent: what stands before its information field,
    /// the field, and its check sequence with the closing flag.
    pub(crate) fn queue_frame(&mut self, head: &[u8], information: &[u8], tail: &[u8]) {
        self.show_all();
        self.trace.phys_frame(Direction::Tx, head, information, tail);
        for part in [head, information, tail] {
            self.tx.extend_from_slice(part);
        }
    }

    /// As [`queue_frame`](Self::queue_frame), for a frame as a link writes it, flags included,
    /// which is shown and counted.
    pub(crate) fn queue_link_frame(&mut self, octets: &[u8]) {
        if let Some(inside) = octets.get(1..octets.len().saturating_sub(1))
            && let Ok(frame) = Frame::decode(inside)
        {
            self.trace.link(Direction::Tx, ShownFrame(&frame));
            // A secret may be cut where the information field begins and ends.
            let check = octets.len() - 3;
            let (head, information) = octets[..check].split_at(check - frame.information.len());
            self.queue_frame(head, information, &octets[check..]);
        }
        self.counters.frames_sent += 1;
    }

    /// Sends what waits to be sent.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.tx.is_empty() {
            let written = self.stream.write_buf(&mut self.tx).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.counters.octets_sent += written as u64;
        }
        self.tx = BytesMut::new();
        self.stream.flush().await
    }

    /// Waits until octets come and takes them; 0 means that the peer closed the stream.
    pub(crate) async fn fill(&mut self) -> io::Result<usize> {
        let (stream, rx) = (&mut self.stream, &mut self.rx);
        // The chunk lives only while the stream is polled, so that an idle line holds no buffer.
        let read = poll_fn(|cx| {
            let mut chunk = [0; READ_MAX];
            let mut buffer = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
            rx.extend_from_slice(buffer.filled());
            Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
        })
        .await?;
        self.counters.octets_received += read as u64;
        if self.rx.len().saturating_sub(self.shown) >= SHOWN_MAX {
            self.show_all();
        }
        Ok(read)
    }

    /// Shows all that was received and not shown before. Called when it makes a whole, or nothing
    /// more comes: a line that trickles stays readable.
    pub(crate) fn show_all(&mut self) {
        self.show_received(self.rx.len());
    }

    fn show_received(&mut self, octets: usize) {
        let octets = octets.min(self.rx.len());
        if let Some(unseen) = self.rx.get(self.shown..octets)
            && self.trace.shows(DecodeLevel::Phys)
        {
            match &mut self.checked {
                Some(mask) => self.trace.phys_frames(Direction::Rx, unseen, mask),
                None => self.trace.phys(Direction::Rx, &[unseen]),
            }
        }
        self.shown = self.shown.max(octets);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::Port;
    use crate::trace::{DecodeLevel, Trace};

    #[tokio::test]
    async fn a_write_given_up_half_way_goes_on_where_it_stopped() {
        let (near, mut far) = duplex(4);
        let mut port = Port::new(near, Trace::off());
        port.queue(&[b"0123", b"4567"]);
        // Four octets fit; the flush is dropped while it waits for room.
        tokio::select! {
            biased;
            result = port.flush() => panic!("eight octets do not fit: {result:?}"),
            () = core::future::ready(()) => {}
        }
        let mut octets = [0; 8];
        let (flushed, read) = tokio::join!(port.flush(), far.read_exact(&mut octets));
        flushed.unwrap();
        read.unwrap();
        assert_eq!(&octets, b"01234567");
        assert_eq!(port.counters.octets_sent, 8);
    }

    #[tokio::test]
    async fn octets_that_trickle_in_are_shown_together() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let trace = Trace::new(
            DecodeLevel::Phys,
            Arc::new(move |line: &str| sink.lock().unwrap().push(line.to_owned())),
        );
        let (near, mut far) = duplex(64);
        let mut port = Port::new(near, trace);
        for octet in [0x7E, 0xA0, 0x07] {
            far.write_all(&[octet]).await.unwrap();
            assert_eq!(port.fill().await.unwrap(), 1);
        }
        port.consume(2);
        port.queue(&[&[0x7E]]);
        port.consume(1);
        assert_eq!(*lines.lock().unwrap(), ["PHYS RX 7E A0", "PHYS RX 07", "PHYS TX 7E"]);
    }

    #[tokio::test]
    async fn the_end_of_the_stream_is_a_read_of_nothing() {
        let (near, far) = duplex(64);
        let mut port = Port::new(near, Trace::off());
        drop(far);
        assert_eq!(port.fill().await.unwrap(), 0);
    }
}
