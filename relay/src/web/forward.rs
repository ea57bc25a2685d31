//! From a client's request to a server's response, or to an answer of our own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Body, Incoming};
use tunnel::TraceId;
use tunnel::pump::Patience;

use super::answer::{Problem, wants_html};
use super::exchange::{Answered, exchange, is_ordinary};
use super::headers::{self, Note};
use super::hops::{Asker, asker};
use super::host::host;
use super::reply::{Reply, Tally, redirect, refusal};
use super::route::{Route, Target, Unroutable, remember, route};
use super::serve::Serving;
use super::upgrade;
use super::upload::{GoOn, Meter, Upload};
use crate::guard::{Guard, Turned};
use crate::route::Want;
use crate::router::Router;
use crate::settings::{Cidr, Settings};

/// The service of a node that requests go to.
const SERVICE: &str = "portal";

/// Forwards requests; shared by all connections.
#[derive(Debug)]
pub struct Forwarder {
    pub(super) router: Router,
    guard: Arc<Guard>,
    service: Arc<str>,
    /// Proxies whose word on the client is believed.
    trusted: ArcSwap<Vec<Cidr>>,
    /// Of upgraded connections.
    pub(super) patience: ArcSwap<Patience>,
    /// Upgraded connections, which outlive the request that made them.
    pub(super) serving: Serving,
}

/// What is known about one request besides itself.
pub(super) struct Context {
    pub(super) trace: TraceId,
    asker: Asker,
    pub(super) target: Target,
}

impl Forwarder {
    pub fn new(router: Router, guard: Arc<Guard>, settings: &Settings, serving: Serving) -> Self {
        Self {
            router,
            guard,
            service: SERVICE.into(),
            trusted: ArcSwap::from_pointee(settings.trusted_proxies.clone()),
            patience: ArcSwap::from_pointee(settings.limits.patience()),
            serving,
        }
    }

    /// For requests from now on.
    pub fn set(&self, settings: &Settings) {
        self.trusted.store(Arc::new(settings.trusted_proxies.clone()));
        self.patience.store(Arc::new(settings.limits.patience()));
    }

    /// For how long a client may take nothing: `limits.write`.
    pub(super) fn write(&self) -> Duration {
        self.patience.load().write
    }

    /// Answers one request. Never fails: what goes wrong becomes an answer.
    pub(super) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        let trace = TraceId::random();
        let (html, head) = (wants_html(request.headers()), *request.method() == Method::HEAD);
        let upgrade = request.headers().contains_key(UPGRADE);
        let asker = asker(peer, request.headers(), &self.trusted.load());
        let answer = self.try_answer(request, asker, trace).await;
        let mut answer = answer.unwrap_or_else(|problem| refusal(&problem, html, head, trace));
        if upgrade && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            // What follows on the connection was not read as HTTP by `strict`.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    async fn try_answer(
        &self,
        request: Request<Incoming>,
        asker: Asker,
        trace: TraceId,
    ) -> Result<Response<Reply>, Problem> {
        if let Err(wait) = self.guard.request(asker.client.ip()) {
            self.router.metrics().turned_away(Turned::Requests);
            return Err(Problem::TooOften(wait));
        }
        if *request.method() == Method::TRACE {
            return Err(Problem::Method("TRACE".into()));
        }
        let wanted = upgrade::wanted(&request)?;
        let host = host(&request).map_err(Problem::BadRequest)?;
        let Route { target, path } = match route(request.uri(), request.headers()) {
            Ok(route) => route,
            Err(Unroutable::Slash(location)) => return Ok(redirect(&location)),
            Err(Unroutable::BadServerId(id)) => return Err(Problem::BadServerId(id)),
            Err(Unroutable::BadPath) => return Err(Problem::BadRequest("its target is not a path")),
        };
        let context = Context { trace, asker, target };
        let (mut parts, body) = request.into_parts();
        let prefix = match &context.target {
            Target::Pinned(server) => Some(server),
            _ => None,
        };
        let note = Note { asker, host: &host, prefix, trace, version: parts.version };
        headers::for_server(&mut parts.headers, &note);
        parts.uri = headers::origin_form(path);
        match wanted {
            Some(wanted) => self.upgraded(context, parts, body, wanted).await,
            None => self.forwarded(context, parts, body).await,
        }
    }

    async fn forwarded(
        &self,
        context: Context,
        mut parts: http::request::Parts,
        body: Incoming,
    ) -> Result<Response<Reply>, Problem> {
        let meter = Arc::new(Meter::default());
        let mut upload = Upload::new(body, meter.clone());
        parts.version = http::Version::HTTP_11;
        let (go_on, told) = GoOn::new();
        let waits = headers::expects_continue(&parts.headers) && !upload.is_end_stream();
        let mut request = Request::from_parts(parts, ());
        if waits {
            upload = upload.hold(told);
            go_on.on_continue(&mut request);
        }
        let request = request.map(|()| upload);
        let answered = exchange(&self.router, &self.want(&context), request, meter.clone()).await?;
        let Answered { response, exchange, server, .. } = answered;
        go_on.on_answer(response.status());
        if !is_ordinary(response.status()) {
            return Err(Problem::BrokeOff { server, reason: "it switched protocols unasked".into() });
        }
        let (mut parts, body) = response.into_parts();
        headers::for_client(&mut parts.headers, context.trace);
        remember(&mut parts.headers, &context.target, &server);
        Ok(Response::from_parts(parts, Reply::server(body, exchange, self.tally(meter))))
    }

    pub(super) fn want(&self, context: &Context) -> Want {
        let (server, sticky) = match &context.target {
            Target::Pinned(id) => (Some(id.clone()), None),
            Target::Sticky(id) => (None, Some(id.clone())),
            Target::Any => (None, None),
        };
        let client = Some(context.asker.client);
        Want { server, sticky, service: self.service.clone(), client, trace: context.trace }
    }

    pub(super) fn tally(&self, up: Arc<Meter>) -> Tally {
        Tally { metrics: self.router.metrics().clone(), up, down: 0 }
    }
}
