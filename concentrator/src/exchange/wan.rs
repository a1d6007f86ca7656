//! A connection of a head-end: frames in, to whom they are for; frames out, many at a time.

use core::{
    cell::RefCell,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use dlms_core::wrapper::{self, HEADER_LEN, WrapperError};
use sans_io_time::Instant;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{self, sleep},
};

use super::{OUT_HIGH_WATER, Plane, READ_MAX, SILENCE_MAX, Shared, WanError, Whose};
use crate::router::{Peer, WanId};

thread_local! {
    /// What a read brings is passed on before the next one, so that all connections of a thread
    /// share one buffer and an idle one holds none.
    static CHUNK: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_MAX].into());
}

/// Reads into the buffer of the thread, and hands what came to `take`.
pub(super) fn read<S, T>(
    stream: &mut S,
    cx: &mut Context<'_>,
    take: impl FnOnce(&mut [u8]) -> T,
) -> Poll<std::io::Result<T>>
where
    S: AsyncRead + Unpin,
{
    CHUNK.with_borrow_mut(|chunk| {
        let mut buffer = ReadBuf::new(chunk);
        match Pin::new(stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => Poll::Ready(Ok(take(buffer.filled_mut()))),
        }
    })
}

/// Frames as they come out of a stream that cuts them anywhere.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The beginning of a frame whose end has not come.
    partial: Vec<u8>,
}

impl Frames {
    /// Hands every frame that is complete with `octets` to `take`.
    ///
    /// # Errors
    /// The version of something that is not the wrapper.
    pub(super) fn take(
        &mut self,
        mut octets: &mut [u8],
        mut take: impl FnMut(wrapper::WrapperHeader, &mut [u8]),
    ) -> Result<(), u16> {
        // Only what is needed to complete the frame that has begun is copied behind it.
        while !self.partial.is_empty() && !octets.is_empty() {
            let wanted = wanted(&self.partial).saturating_sub(self.partial.len());
            let (head, rest) = octets.split_at_mut(wanted.min(octets.len()));
            self.partial.extend_from_slice(head);
            octets = rest;
            let mut partial = core::mem::take(&mut self.partial);
            if each(&mut partial, &mut take)? == 0 {
                self.partial = partial;
            }
        }
        let passed = each(octets, &mut take)?;
        if let Some(rest) = octets.get(passed..)
            && !rest.is_empty()
        {
            self.partial = rest.to_vec();
        }
        Ok(())
    }
}

/// Octets of the frame that begins so; of its header, while that is not complete.
fn wanted(partial: &[u8]) -> usize {
    match partial.get(6..HEADER_LEN) {
        Some(&[high, low]) => HEADER_LEN + usize::from(u16::from_be_bytes([high, low])),
        _ => HEADER_LEN,
    }
}

/// Hands each frame to `take`; the octets of all of them.
fn each(
    octets: &mut [u8],
    take: &mut impl FnMut(wrapper::WrapperHeader, &mut [u8]),
) -> Result<usize, u16> {
    let mut passed = 0;
    while let Some(rest) = octets.get_mut(passed..) {
        let (header, length) = match wrapper::next_frame(rest) {
            None => break,
            Some(Err(WrapperError::Version(version))) => return Err(version),
            Some(Ok(frame)) => (frame.header, frame.consumed()),
        };
        take(header, &mut rest[..length]);
        passed += length;
    }
    Ok(passed)
}

/// A connection that is open, and is closed when this is dropped.
struct Open<'s> {
    shared: &'s Shared,
    wan: WanId,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.shared.lock().close_wan(self.shared.now(), self.wan);
    }
}

/// Serves the head-end at the other end of `stream`.
pub(super) async fn serve<S>(
    shared: &Shared,
    mut stream: S,
    whose: Whose,
    peer: Option<Peer>,
) -> Result<(), WanError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let wan = shared.lock().open_wan(whose, peer)?;
    let open = Open { shared, wan };
    let mut connection =
        Connection { wan, frames: Frames::default(), asked_at: None, tx: Vec::new(), sent: 0 };
    let mut silence = pin!(sleep(SILENCE_MAX));
    poll_fn(|cx| {
        loop {
            let polled = connection.poll(open.shared, &mut stream, cx);
            // Who was connected to owes nothing.
            if polled.is_ready() || whose != Whose::HeadEnd {
                return polled;
            }
            if silence.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // The timer is set anew only when it ends, and not with every request.
            let idle_timeout = open.shared.idle_timeout;
            match connection.asked_at.map(|at| at + idle_timeout) {
                None => return Poll::Ready(Err(WanError::Silent)),
                Some(ends) if ends <= time::Instant::now() => {
                    return Poll::Ready(Err(WanError::Idle(idle_timeout)));
                }
                Some(ends) => silence.as_mut().reset(ends),
            }
        }
    })
    .await
}

struct Connection {
    wan: WanId,
    frames: Frames,
    /// When a whole frame came last.
    asked_at: Option<time::Instant>,
    /// What is being sent, and how much of it was.
    tx: Vec<u8>,
    sent: usize,
}

impl Connection {
    fn poll<S>(
        &mut self,
        shared: &Shared,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), WanError>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            let written = self.poll_write(shared, stream, cx)?;
            let waiting = self.wait(shared, cx);
            if waiting > OUT_HIGH_WATER {
                // First it takes in what it asked for.
                return Poll::Pending;
            }
            let read = read(stream, cx, |octets| {
                let is_end = octets.is_empty();
                let now = shared.now();
                let mut plane = shared.lock();
                let taken = self.take(&mut plane, now, octets);
                taken.map(|()| is_end)
            })??;
            match read {
                Poll::Ready(true) => return Poll::Ready(Ok(())),
                Poll::Ready(false) => {}
                Poll::Pending if written.is_ready() && self.wait(shared, cx) > 0 => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn take(&mut self, plane: &mut Plane, now: Instant, octets: &mut [u8]) -> Result<(), WanError> {
        let wan = self.wan;
        let mut has_asked = false;
        let pass = |header, frame: &mut [u8]| {
            has_asked = true;
            plane.handle_wan(now, wan, header, frame);
        };
        let taken = self.frames.take(octets, pass).map_err(WanError::NotWrapper);
        if has_asked {
            self.asked_at = Some(time::Instant::now());
        }
        taken
    }

    /// Sends what there is to be sent; pending while the other end does not take it in.
    fn poll_write<S>(
        &mut self,
        shared: &Shared,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Result<Poll<()>, WanError>
    where
        S: AsyncWrite + Unpin,
    {
        {
            let mut plane = shared.lock();
            if plane.wans.get(&self.wan).is_some_and(|port| port.overflown) {
                plane.counters.wans_overflown += 1;
                return Err(WanError::Overflown);
            }
        }
        loop {
            if self.sent == self.tx.len() {
                self.tx.clear();
                self.sent = 0;
                let mut plane = shared.lock();
                let Some(port) = plane.wans.get_mut(&self.wan) else { return Ok(Poll::Ready(())) };
                if port.out.is_empty() {
                    // A burst does not keep its memory for ever.
                    if self.tx.capacity() > OUT_HIGH_WATER {
                        self.tx = Vec::new();
                    }
                    return match Pin::new(stream).poll_flush(cx) {
                        Poll::Ready(flushed) => Ok(Poll::Ready(flushed?)),
                        Poll::Pending => Ok(Poll::Pending),
                    };
                }
                core::mem::swap(&mut self.tx, &mut port.out);
            }
            match Pin::new(&mut *stream).poll_write(cx, &self.tx[self.sent..]) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(written) => match written? {
                    0 => return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into()),
                    octets => self.sent += octets,
                },
            }
        }
    }

    /// Leaves the waker for who has something to send. How many octets wait already.
    fn wait(&self, shared: &Shared, cx: &Context<'_>) -> usize {
        let mut plane = shared.lock();
        let Some(port) = plane.wans.get_mut(&self.wan) else { return 0 };
        if !port.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            port.waker = Some(cx.waker().clone());
        }
        self.tx.len() - self.sent + port.out.len()
    }
}
