//! Skeleton; the carrier follows.

use std::convert::Infallible;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::{Close, OpenError, StreamError};
use crate::shard::Shard;
use crate::stream::{RecvCarrier, SendCarrier};
use crate::tunnel::Stats;
use crate::wire::control::Control;

#[derive(Clone, Debug)]
pub(crate) struct Carrier(Infallible);
#[derive(Debug)]
pub(crate) struct Data(Infallible);
#[derive(Debug)]
pub(crate) struct Send(Infallible);
#[derive(Debug)]
pub(crate) struct Recv(Infallible);

impl Carrier {
    pub(crate) fn close(&self, _close: &Close) {
        match self.0 {}
    }
    pub(crate) async fn take(
        &self,
        _wait: Duration,
        _control: &mpsc::Sender<Control>,
        _closed: &CancellationToken,
    ) -> Result<Data, OpenError> {
        match self.0 {}
    }
    pub(crate) async fn accept(
        &self,
        _closed: &CancellationToken,
    ) -> Result<(SendCarrier, RecvCarrier), Close> {
        match self.0 {}
    }
    pub(crate) fn more(&self, _count: u16) {
        match self.0 {}
    }
    pub(crate) fn fill(&self, _stats: &mut Stats) {
        match self.0 {}
    }
}
impl Data {
    pub(crate) fn home(&self) -> &Shard {
        match self.0 {}
    }
    pub(crate) fn open(self) -> Result<(SendCarrier, RecvCarrier), OpenError> {
        match self.0 {}
    }
}
impl Send {
    pub(crate) fn poll_chunk(
        &mut self,
        _cx: &mut Context<'_>,
        _chunk: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        match self.0 {}
    }
    pub(crate) fn poll_finish(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        match self.0 {}
    }
    pub(crate) fn reset(&mut self, _code: u32) {
        match self.0 {}
    }
    pub(crate) fn poll_write(&mut self, _cx: &mut Context<'_>, _buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }
    pub(crate) fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}
impl Recv {
    pub(crate) fn poll_chunks(
        &mut self,
        _cx: &mut Context<'_>,
        _chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        match self.0 {}
    }
    pub(crate) fn stop(&mut self, _code: u32) {
        match self.0 {}
    }
}
