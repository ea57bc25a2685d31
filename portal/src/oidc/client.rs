//! Questions to a provider: HTTP/1.1 over TLS, bounded in time and bytes, and no redirects.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::logins::Address;

const PATIENCE: Duration = Duration::from_secs(15);
/// Keys of a provider are some 10 KB.
const LARGEST: usize = 512 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the provider does not answer in time")]
    Slow,
    #[error("`{0}` is no address that secrets may be sent to")]
    Address(http::Uri),
    #[error("the provider cannot be reached: {0}")]
    Reach(#[from] std::io::Error),
    #[error("the provider's answer breaks off: {0}")]
    Http(#[from] hyper::Error),
    #[error("the provider's answer is too large or cut off: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("the certificates to check the provider with are bad: {0}")]
    Certificates(String),
}

/// Asks one provider.
#[derive(Clone)]
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    /// `ca`: a file of certificates, PEM; without, those of this machine. Blocks while they are read.
    pub(crate) fn new(ca: Option<&std::path::Path>) -> Result<Self, ClientError> {
        let bad = |error: &dyn std::error::Error| ClientError::Certificates(error.to_string());
        let mut roots = RootCertStore::empty();
        match ca {
            Some(path) => {
                let pem = std::fs::read(path)?;
                for certificate in CertificateDer::pem_slice_iter(&pem) {
                    roots.add(certificate.map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let builder = ClientConfig::builder_with_provider(tunnel::identity::provider());
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| bad(&e))?;
        Ok(Self(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ClientError> {
        tokio::time::timeout(PATIENCE, self.exchange(request)).await.map_err(|_| ClientError::Slow)?
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ClientError> {
        let uri = request.uri().clone();
        let Some(host) = uri.host().filter(|_| Address::is_private(&uri)) else {
            return Err(ClientError::Address(uri));
        };
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let name = host.trim_matches(['[', ']']).to_owned();
        let socket = TcpStream::connect((name.as_str(), port)).await?;
        if !is_tls {
            return speak(socket, request).await;
        }
        let name = ServerName::try_from(name).map_err(|_| ClientError::Address(uri.clone()))?;
        speak(TlsConnector::from(Arc::clone(&self.0)).connect(name, socket).await?, request).await
    }
}

impl<'c> AsyncHttpClient<'c> for Client {
    type Error = ClientError;
    type Future = BoxFuture<'c, Result<HttpResponse, ClientError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

async fn speak<IO>(io: IO, request: HttpRequest) -> Result<HttpResponse, ClientError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map(ToString::to_string).unwrap_or_default();
    let host = authority.parse().map_err(|_| ClientError::Address(head.uri.clone()))?;
    head.headers.insert(header::HOST, host);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().map_err(|_| ClientError::Address(head.uri.clone()))?;
    let answer = async {
        let answer =
            sender.send_request(http::Request::from_parts(head, Full::<bytes::Bytes>::from(body))).await?;
        drop(sender);
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(ClientError::Body)?;
        Ok(HttpResponse::from_parts(head, body.to_bytes().to_vec()))
    };
    let (answer, _ended) = tokio::join!(answer, connection);
    answer
}
