//! A request that becomes opaque bytes once its server said 101.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use tunnel::TraceId;
use tunnel::pump::Outcome;
use tunnel::shard::Shard;

use super::answer::Problem;
use super::exchange::{Answered, exchange};
use super::forward::{Context, Forwarder};
use super::headers;
use super::reply::Reply;
use super::route::remember;
use super::upgrade::{self, Both, JoinError, Wanted};
use super::upload::Meter;
use crate::metrics::Metrics;

impl Forwarder {
    pub(super) async fn upgraded(
        &self,
        context: Context,
        mut parts: http::request::Parts,
        body: Incoming,
        wanted: Wanted,
    ) -> Result<Response<Reply>, Problem> {
        let client = hyper::upgrade::on(Request::from_parts(parts.clone(), body));
        upgrade::ask(&mut parts.headers, &wanted);
        (parts.method, parts.version) = (Method::GET, http::Version::HTTP_11);
        parts.extensions = http::Extensions::new();
        let request = Request::from_parts(parts, Empty::<Bytes>::new());
        let meter = Arc::new(Meter::default());
        let answered = exchange(&self.router, &self.want(&context), request, meter.clone()).await?;
        let Answered { mut response, exchange, server, home } = answered;
        let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let both = switches.then(|| Both { client, server: hyper::upgrade::on(&mut response) });
        let (mut parts, body) = response.into_parts();
        headers::for_client(&mut parts.headers, context.trace);
        remember(&mut parts.headers, &context.target, &server);
        let Some(both) = both else {
            if matches!(wanted, Wanted::Connect(_)) && parts.status.is_success() {
                // To an extended CONNECT any success would mean that bytes are forwarded from here on.
                return Err(Problem::BrokeOff { server, reason: "it speaks no WebSocket there".into() });
            }
            return Ok(Response::from_parts(parts, Reply::server(body, exchange, self.tally(meter))));
        };
        parts.status = upgrade::agree(&mut parts.headers, &wanted).ok_or_else(|| Problem::BrokeOff {
            server: server.clone(),
            reason: "its WebSocket handshake does not fit the request".into(),
        })?;
        self.join(both, &home, context.trace);
        drop(exchange.detach());
        Ok(Response::from_parts(parts, Reply::nothing()))
    }

    fn join(&self, both: Both, home: &Shard, trace: TraceId) {
        let (cut, patience) = (self.serving.cut.clone(), **self.patience.load());
        let metrics = self.router.metrics().clone();
        let joined = async move {
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                ended = both.join(patience) => finish(&metrics, trace, ended),
            }
        };
        self.serving.tasks.spawn_on(joined, home.handle());
    }
}

fn finish(metrics: &Metrics, trace: TraceId, ended: Result<Outcome, JoinError>) {
    match ended {
        Ok(outcome) => {
            metrics.moved(outcome.to_stream, outcome.to_socket);
            tracing::debug!(%trace, ?outcome, "upgraded connection ended");
        }
        Err(error) => tracing::debug!(%trace, %error, "upgraded connection broke off"),
    }
}
