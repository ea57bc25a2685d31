//! Checks between the values of gateway-server.json, which no single type can make.

use std::net::SocketAddr;

use config::{ConfigError, Document, check_host};

use super::{Service, Settings};

/// Finds the first contradiction and points at it.
pub(super) fn check(settings: &Settings, document: &Document) -> Result<(), ConfigError> {
    check_identity(settings, document)?;
    let mut taken = vec![(settings.listen.0, "`listen`".to_owned())];
    if let Some(metrics) = settings.metrics {
        if !metrics.0.ip().is_loopback() {
            let hint = "use 127.0.0.1 or [::1], and a proxy of your own to show it to others";
            return Err(document.fault(&["metrics"], "metrics are served on loopback only", hint));
        }
        free(&taken, metrics.0, &["metrics"], document)?;
        taken.push((metrics.0, "`metrics`".to_owned()));
    }
    for (index, service) in settings.services.iter().enumerate() {
        let place = index.to_string();
        check_service(settings, service, &place, document)?;
        free(&taken, service.listen.0, &["services", &place, "listen"], document)?;
        taken.push((service.listen.0, format!("`services` entry {}", index + 1)));
    }
    Ok(())
}

fn check_identity(settings: &Settings, document: &Document) -> Result<(), ConfigError> {
    if let Err(bad) = check_host(&settings.host) {
        return Err(document.fault(&["host"], bad.to_string(), "write the gateway's public name"));
    }
    if settings.token.expose().len() < 16 {
        let hint = "write 16 characters or more, such as the output of `openssl rand -hex 32`";
        return Err(document.fault(&["token"], "the token is too short to be a secret", hint));
    }
    match (&settings.certificate, &settings.key, &settings.acme) {
        (Some(_), None, _) => Err(document.fault(
            &["certificate"],
            "`certificate` needs its `key`",
            "add \"key\": the PEM's path",
        )),
        (None, Some(_), _) => Err(document.fault(
            &["key"],
            "`key` needs its `certificate`",
            "add \"certificate\": the PEM's path",
        )),
        (Some(_), Some(_), Some(_)) => {
            Err(document.fault(&["acme"], "`acme` and `certificate` exclude each other", "keep one of them"))
        }
        (_, _, Some(acme)) if acme.domains.is_empty() => Err(document.fault(
            &["acme", "domains"],
            "no domain to get a certificate for",
            "name at least one",
        )),
        _ => Ok(()),
    }
}

fn check_service(
    settings: &Settings,
    service: &Service,
    place: &str,
    document: &Document,
) -> Result<(), ConfigError> {
    let at = ["services", place];
    match (&service.service, &service.connect) {
        (None, None) => {
            let hint = "add \"service\": a name in services.json, or \"connect\": host:port";
            Err(document.fault(&at, "this port leads nowhere", hint))
        }
        (Some(_), Some(_)) => {
            let hint = "keep `service` for a tunnel, `connect` for a plaintext relay";
            Err(document.fault(&at, "`service` and `connect` exclude each other", hint))
        }
        (None, Some(_)) if service.server.is_some() => {
            Err(document.fault(&["services", place, "server"], "`connect` goes to no server", "remove it"))
        }
        (Some(name), None) if name.is_empty() || name.len() > 255 => {
            let hint = "use 1 to 255 bytes";
            Err(document.fault(&["services", place, "service"], "not a service name", hint))
        }
        _ if service.proxy_protocol && settings.proxy_protocol_from.is_empty() => {
            let hint = "add \"proxyProtocolFrom\": [the load balancers' addresses]";
            Err(document.fault(
                &["services", place, "proxyProtocol"],
                "nobody is believed in a PROXY header",
                hint,
            ))
        }
        _ => Ok(()),
    }
}

fn free(
    taken: &[(SocketAddr, String)],
    wanted: SocketAddr,
    place: &[&str],
    document: &Document,
) -> Result<(), ConfigError> {
    // Port 0 is another one each time.
    let clash = taken.iter().find(|(other, _)| wanted.port() != 0 && overlap(*other, wanted));
    clash.map_or(Ok(()), |(_, by)| {
        Err(document.fault(place, format!("port {} is taken by {by}", wanted.port()), "use another port"))
    })
}

/// `[::]` takes IPv4 too, so it overlaps everything on its port.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let wide = |x: SocketAddr, y: SocketAddr| x.ip().is_unspecified() && (x.is_ipv6() || y.is_ipv4());
    a.port() == b.port() && (a.ip() == b.ip() || wide(a, b) || wide(b, a))
}

#[cfg(test)]
mod tests;
