//! A connection to a meter that has an address of its own: the wrapper over TCP.
//!
//! It is opened for the first APDU and closed when nobody has the seat of the meter any more, which
//! ends the association at the meter as well (IEC 62056-9-7).

use core::{
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};
use std::sync::{Arc, Weak};

use tokio::{
    io::AsyncWrite,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::AbortHandle,
    time::timeout,
};

use super::{
    METER_OUT_MAX, Shared, WayBack,
    wan::{Frames, read},
};
use crate::nodes::NodeId;

/// The way to one meter.
#[derive(Default)]
pub(super) struct MeterPort(Option<Box<Way>>);

struct Way {
    /// None while it is being opened.
    writer: Option<OwnedWriteHalf>,
    /// What the meter has not taken in.
    out: Vec<u8>,
    /// The task, when there is nothing to send.
    waker: Option<Waker>,
    task: Running,
}

/// A task that ends when this is dropped.
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl MeterPort {
    /// Opens the way to the meter at `address`; `first` goes over it first.
    pub(super) fn open(
        shared: &Arc<Shared>,
        node: NodeId,
        address: SocketAddr,
        first: &[u8],
    ) -> Self {
        let task = tokio::spawn(run(Arc::downgrade(shared), node, address));
        let task = Running(task.abort_handle());
        Self(Some(Box::new(Way { writer: None, out: first.to_vec(), waker: None, task })))
    }

    /// Sends a frame; false when it cannot be.
    pub(super) fn send(&mut self, frame: &[u8]) -> bool {
        let Some(way) = &mut self.0 else { return false };
        let mut rest = frame;
        if way.out.is_empty()
            && let Some(writer) = &way.writer
        {
            match writer.try_write(frame) {
                Ok(written) if written == frame.len() => return true,
                Ok(written) => rest = &frame[written..],
                // Whatever it is, the task sees it as well.
                Err(_) => {}
            }
        }
        // A frame that has begun must go on.
        if rest.len() == frame.len() && way.out.len() + rest.len() > METER_OUT_MAX {
            return false;
        }
        way.out.extend_from_slice(rest);
        if let Some(waker) = way.waker.take() {
            waker.wake();
        }
        true
    }

    /// Whether there is no way.
    pub(super) const fn is_closed(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there is a way.
    pub(super) fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|way| way.writer.is_some())
    }

    /// Sends what the meter has not taken in yet; pending until there is something again.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let Some(way) = &mut self.0 else { return Poll::Pending };
        let Some(writer) = &mut way.writer else { return Poll::Pending };
        while !way.out.is_empty() {
            let written = ready!(Pin::new(&mut *writer).poll_write(cx, &way.out))?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            way.out.drain(..written);
        }
        way.out = Vec::new();
        way.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether this is the way that the running task is for.
    fn is_of(&self, id: tokio::task::Id) -> bool {
        self.0.as_ref().is_some_and(|way| way.task.0.id() == id)
    }
}

async fn run(shared: Weak<Shared>, node: NodeId, address: SocketAddr) {
    let Some(id) = tokio::task::try_id() else { return };
    let ended = serve(&shared, id, node, address).await;
    let Some(shared) = shared.upgrade() else { return };
    if let Err(error) = &ended {
        tracing::info!(%address, %error, "a meter is out of reach");
    }
    let now = shared.now();
    let mut plane = shared.lock();
    // It may have been closed and opened anew meanwhile.
    if plane.port(node).is_of(id) {
        *plane.port(node) = MeterPort::default();
        plane.router.handle_lan_failed(now, node);
        plane.settle();
    }
}

async fn serve(
    shared: &Weak<Shared>,
    id: tokio::task::Id,
    node: NodeId,
    address: SocketAddr,
) -> std::io::Result<()> {
    let Some(limit) = shared.upgrade().map(|shared| shared.connect_timeout) else {
        return Ok(());
    };
    let connected = timeout(limit, TcpStream::connect(address)).await;
    let stream = connected.map_err(|_| std::io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    let (mut reader, writer) = stream.into_split();
    {
        let Some(shared) = shared.upgrade() else { return Ok(()) };
        let mut plane = shared.lock();
        let port = plane.port(node);
        if !port.is_of(id) {
            return Ok(());
        }
        if let Some(way) = &mut port.0 {
            way.writer = Some(writer);
        }
    }
    let mut frames = Frames::default();
    poll_fn(|cx| {
        let Some(shared) = shared.upgrade() else { return Poll::Ready(Ok(())) };
        poll(&shared, id, node, &mut reader, &mut frames, cx)
    })
    .await
}

/// Passes on what comes, and sends what there is to be sent.
fn poll(
    shared: &Shared,
    id: tokio::task::Id,
    node: NodeId,
    reader: &mut OwnedReadHalf,
    frames: &mut Frames,
    cx: &mut Context<'_>,
) -> Poll<std::io::Result<()>> {
    loop {
        let read = read(reader, cx, |octets| {
            let is_end = octets.is_empty();
            let now = shared.now();
            let mut plane = shared.lock();
            let taken = frames.take(octets, |header, frame| {
                // The last answer closes the way, and what comes after it is for nobody.
                if !plane.port(node).is_of(id) {
                    return;
                }
                let apdu = frame.get(dlms_core::wrapper::HEADER_LEN..).unwrap_or_default();
                let back = Some(WayBack::Endpoint(header.source));
                plane.handle_lan(now, node, header.destination, apdu, back);
            });
            taken.map(|()| is_end)
        })?;
        match read {
            Poll::Ready(Ok(false)) => {}
            Poll::Ready(Ok(true)) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(version)) => {
                let text = format!("not the wrapper: version {version:#06x} instead of 0x0001");
                return Poll::Ready(Err(std::io::Error::other(text)));
            }
            Poll::Pending => return shared.lock().port(node).poll_flush(cx),
        }
    }
}
