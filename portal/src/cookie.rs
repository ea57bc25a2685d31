//! The cookie that carries a visit's id.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use tunnel::identity::{Secret, ServerId};

use crate::visits;

/// One name per server: behind one gateway all servers share an origin, and `__Host-` allows no path to tell them apart.
fn name(server: &ServerId) -> String {
    format!("__Host-fastx-portal-{server}")
}

/// `Set-Cookie` for a new visit.
pub(crate) fn set(server: &ServerId, id: &Secret) -> HeaderValue {
    let (name, lasts) = (name(server), visits::LASTS.as_secs());
    let cookie =
        format!("{name}={}; Path=/; Max-Age={lasts}; HttpOnly; Secure; SameSite=Strict", id.expose());
    let mut value = HeaderValue::try_from(cookie).expect("server ids and hexadecimal are header characters");
    value.set_sensitive(true);
    value
}

/// `Set-Cookie` for a browser that goes to a provider and comes back from there: so it is sent on a link from elsewhere.
pub(crate) fn under_way(server: &ServerId, id: &Secret, lasts: Duration) -> HeaderValue {
    let (name, lasts) = (name_under_way(server), lasts.as_secs());
    let cookie = format!("{name}={}; Path=/; Max-Age={lasts}; HttpOnly; Secure; SameSite=Lax", id.expose());
    let mut value = HeaderValue::try_from(cookie).expect("server ids and hexadecimal are header characters");
    value.set_sensitive(true);
    value
}

pub(crate) fn get_under_way(server: &ServerId, headers: &HeaderMap) -> Option<Secret> {
    find(&name_under_way(server), headers)
}

fn name_under_way(server: &ServerId) -> String {
    format!("__Host-fastx-oidc-{server}")
}

/// `Set-Cookie` that takes it away.
pub(crate) fn remove(server: &ServerId) -> HeaderValue {
    let cookie = format!("{}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict", name(server));
    HeaderValue::try_from(cookie).expect("server ids are header characters")
}

pub(crate) fn get(server: &ServerId, headers: &HeaderMap) -> Option<Secret> {
    find(&name(server), headers)
}

fn find(name: &str, headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, id)| Secret::new(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_of_this_server_is_found_among_others() {
        let (server, id) = (ServerId::new("n1").unwrap(), Secret::random());
        let set = set(&server, &id);
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "__Host-fastx-portal-n10=x; fastx-server=n1".parse().unwrap());
        assert!(get(&server, &headers).is_none());
        headers.append(header::COOKIE, format!("a=b;{pair}; c=d").parse().unwrap());
        assert!(get(&server, &headers).unwrap().matches(&id));
    }
}
