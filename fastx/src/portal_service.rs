//! The portal as a service of the node.

use futures_util::future::BoxFuture;
use node::Handler;
use portal::Portal;
use tunnel::{Preamble, Stream};

/// Hands streams of the service `portal` to the portal in this process.
#[derive(Debug)]
pub(crate) struct PortalService(pub(crate) Portal);

impl Handler for PortalService {
    fn serve(&self, stream: Stream, preamble: Preamble) -> BoxFuture<'static, ()> {
        let portal = self.0.clone();
        Box::pin(async move { portal.serve(stream, preamble.client).await })
    }
}
