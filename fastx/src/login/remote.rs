//! Questions to a server's portal, from anywhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tunnel::identity::{self, Secret};

/// A wrong password is answered after seconds, a telephone within a minute.
const PATIENCE: Duration = Duration::from_secs(90);
/// A list of 4096 tokens.
const LARGEST: usize = 4 * 1024 * 1024;

/// A portal, and who we are there.
pub(crate) struct Remote {
    host: String,
    port: u16,
    /// Ends with a slash.
    path: String,
    ca: Option<String>,
    tls: Arc<ClientConfig>,
    token: Option<Secret>,
    cookies: BTreeMap<String, Secret>,
}

impl Remote {
    /// `ca`: certificates to check it with, PEM; without, those of this machine.
    pub(crate) fn new(url: &str, ca: Option<String>) -> anyhow::Result<Self> {
        let address: http::Uri = url.parse().with_context(|| format!("`{url}` is no address"))?;
        let (Some("https"), Some(host)) = (address.scheme_str(), address.host()) else {
            bail!("`{url}` is not the address of a server's pages: https://HOST/, or https://HOST/@SERVER/");
        };
        let path = format!("{}/", address.path().trim_end_matches('/'));
        let (host, port) = (host.to_owned(), address.port_u16().unwrap_or(443));
        let tls = Arc::new(tls(ca.as_deref())?);
        Ok(Self { host, port, path, ca, tls, token: None, cookies: BTreeMap::new() })
    }

    pub(crate) fn with_ca_of(url: &str, file: Option<&Path>) -> anyhow::Result<Self> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        Self::new(url, file.map(read).transpose()?)
    }

    pub(crate) fn with_token(mut self, token: Secret) -> Self {
        self.token = Some(token);
        self
    }

    pub(crate) fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// Where to come back to: below a gateway that chose a server, the address of that server.
    pub(crate) fn url(&self) -> String {
        let chosen = self.cookies.get("fastx-server").filter(|_| !self.path.contains("/@"));
        let at = chosen.map_or_else(String::new, |server| format!("@{}/", server.expose()));
        let port = if self.port == 443 { String::new() } else { format!(":{}", self.port) };
        format!("https://{}{port}{}{at}", self.host, self.path)
    }

    /// The `result` of an answer; a refusal is an error that says what the server said.
    pub(crate) async fn ask(&mut self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let exchanged = tokio::time::timeout(PATIENCE, self.exchange(method, path, body)).await;
        let answer = exchanged.with_context(|| format!("{} does not answer", self.host))??;
        let (status, body) = (answer.status(), answer.into_body());
        let mut said: Value = serde_json::from_slice(&body)
            .with_context(|| format!("{} answers {status}, and not as a server of ours", self.host))?;
        if status.is_success() {
            return Ok(said["result"].take());
        }
        let message = said["error"]["message"].as_str().unwrap_or("it does not say why");
        match status {
            StatusCode::UNAUTHORIZED if self.token.is_some() => {
                bail!("the token does not count any more; next: fastx login {}", self.url())
            }
            _ => bail!("{}: {message}", self.host),
        }
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Response<Bytes>> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await;
        let socket = socket.with_context(|| format!("cannot reach {} port {}", self.host, self.port))?;
        let name = ServerName::try_from(self.host.trim_matches(['[', ']']).to_owned())?;
        let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, socket).await;
        let tls = tls.with_context(|| {
            format!("{} is not who it should be (--ca names its certificates)", self.host)
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.path));
        request = request.header(header::HOST, format!("{}:{}", self.host, self.port));
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let request = request.body(Full::<Bytes>::from(body.to_string()))?;
        let answer = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            drop(sender);
            let body = Limited::new(body, LARGEST).collect().await.map_err(anyhow::Error::from_boxed)?;
            Ok::<_, anyhow::Error>(Response::from_parts(head, body.to_bytes()))
        };
        let (answer, _ended) = tokio::join!(answer, connection);
        let answer = answer?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn keep_cookies(&mut self, answer: &Response<Bytes>) {
        let set = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        for (name, value) in set.filter_map(|line| line.split(';').next()?.split_once('=')) {
            self.cookies.insert(name.trim().to_owned(), Secret::new(value.trim()));
        }
    }
}

fn tls(ca: Option<&str>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.add(certificate?)?;
            }
        }
        None => {
            // One that cannot be read checks nothing; the others do.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        bail!(
            "there are no certificates to check the address with: --ca FILE, or apt install ca-certificates"
        );
    }
    let builder =
        ClientConfig::builder_with_provider(identity::provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_server_in_the_end() {
        let ca = rcgen::generate_simple_self_signed(vec!["gw".into()]).unwrap().cert.pem();
        let remote = |url: &str| Remote::new(url, Some(ca.clone()));
        for bad in ["gw", "http://gw/", "https:///x", "ftp://gw"] {
            assert!(remote(bad).is_err(), "{bad}");
        }
        for (url, chosen) in
            [("https://gw", "https://gw/@n1/"), ("https://gw:8443/@n2", "https://gw:8443/@n2/")]
        {
            let mut remote = remote(url).unwrap();
            remote.cookies.insert("fastx-server".into(), Secret::new("n1"));
            assert_eq!(remote.url(), chosen);
        }
        assert!(Remote::new("https://gw", Some("no certificate".into())).is_err());
    }
}
