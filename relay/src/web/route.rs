//! Which server a request belongs to. Pure: a path and a cookie in, a decision out.
//!
//! The path is never normalised: what was routed is what is forwarded, byte for byte, less the `/@SERVERID` in front.

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri, header};
use tunnel::ServerId;

/// Remembers the server of a browser that did not name one.
pub const COOKIE: &str = "fastx-server";

/// How strongly a request belongs to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The path names it: no other server will do.
    Pinned(ServerId),
    /// The cookie remembers it: another will do when it is gone.
    Sticky(ServerId),
    Any,
}

/// A routed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub target: Target,
    /// What the server is asked for.
    pub path: PathAndQuery,
}

/// Why a request has no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unroutable {
    /// `/@SERVERID` without the slash: relative links on the page would lose the server, so the browser is sent here.
    Slash(String),
    /// What stands behind `/@` can be no server.
    BadServerId(String),
    /// The target is neither a path nor `*`.
    BadPath,
}

/// Routes by the path, then by the cookie.
pub fn route(uri: &Uri, headers: &HeaderMap) -> Result<Route, Unroutable> {
    let whole = uri.path_and_query().ok_or(Unroutable::BadPath)?;
    if let Some(named) = whole.path().strip_prefix("/@") {
        return pinned(named, whole.query());
    }
    if !whole.path().starts_with('/') && whole.path() != "*" {
        return Err(Unroutable::BadPath);
    }
    let target = cookie(headers).map_or(Target::Any, Target::Sticky);
    Ok(Route { target, path: whole.clone() })
}

fn pinned(named: &str, query: Option<&str>) -> Result<Route, Unroutable> {
    let (id, rest) = named.find('/').map_or((named, ""), |slash| named.split_at(slash));
    let server = ServerId::new(id).map_err(|_| Unroutable::BadServerId(id.chars().take(80).collect()))?;
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    if rest.is_empty() {
        return Err(Unroutable::Slash(format!("/@{server}/{query}")));
    }
    let path = PathAndQuery::from_maybe_shared(format!("{rest}{query}")).map_err(|_| Unroutable::BadPath)?;
    Ok(Route { target: Target::Pinned(server), path })
}

/// The first cookie of our name that holds a possible server; anything else in it is as good as none.
fn cookie(headers: &HeaderMap) -> Option<ServerId> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .find_map(|(_, value)| ServerId::new(value).ok())
}

/// A browser that named no server comes back to the one it got.
pub(super) fn remember(headers: &mut HeaderMap, target: &Target, server: &ServerId) {
    let known = match target {
        Target::Pinned(_) => true,
        Target::Sticky(before) => before == server,
        Target::Any => false,
    };
    if !known {
        let cookie = format!("{COOKIE}={server}; Path=/; Secure; HttpOnly; SameSite=Lax");
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).expect("server ids are plain"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &str, cookie: &str) -> Result<(String, String), Unroutable> {
        let mut headers = HeaderMap::new();
        if !cookie.is_empty() {
            headers.insert(header::COOKIE, cookie.parse().expect("a value"));
        }
        let uri = Uri::builder().path_and_query(path).build().expect("a uri");
        let Route { target, path } = route(&uri, &headers)?;
        let target = match target {
            Target::Pinned(id) => format!("pinned {id}"),
            Target::Sticky(id) => format!("sticky {id}"),
            Target::Any => "any".into(),
        };
        Ok((target, path.to_string()))
    }

    #[test]
    fn a_path_names_its_server_and_loses_only_that() {
        let table = [
            ("/@a/", "pinned a", "/"),
            ("/@node-1.x_y/app?q=1", "pinned node-1.x_y", "/app?q=1"),
            ("/@a//x", "pinned a", "//x"),
            ("/@a/../@b/", "pinned a", "/../@b/"),
            ("/@a/%2e%2e/%252e;p/", "pinned a", "/%2e%2e/%252e;p/"),
            ("/@a/@b/", "pinned a", "/@b/"),
            ("/@a/?", "pinned a", "/?"),
            ("/x/@a/", "any", "/x/@a/"),
            ("//@a/", "any", "//@a/"),
            ("/%40a/", "any", "/%40a/"),
            ("/", "any", "/"),
            ("/a?b=/@c/", "any", "/a?b=/@c/"),
        ];
        for (path, target, forwarded) in table {
            assert_eq!(ask(path, ""), Ok((target.into(), forwarded.into())), "{path}");
            let with_cookie = ask(path, "fastx-server=z").expect("routes").0;
            assert_eq!(with_cookie.starts_with("pinned"), target.starts_with("pinned"), "{path}");
        }
    }

    #[test]
    fn ids_that_no_server_can_have_are_refused() {
        for path in
            ["/@/", "/@", "/@%61/", "/@.a/", "/@-a/", "/@a%2fb/", "/@a:b/", "/@a;b/", "/@a,b/", "/@@/"]
        {
            assert!(matches!(ask(path, "fastx-server=a"), Err(Unroutable::BadServerId(_))), "{path}");
        }
        let long = format!("/@{}/", "a".repeat(65));
        assert!(matches!(ask(&long, ""), Err(Unroutable::BadServerId(_))));
    }

    #[test]
    fn a_server_without_its_slash_is_sent_there() {
        assert_eq!(ask("/@a", ""), Err(Unroutable::Slash("/@a/".into())));
        assert_eq!(ask("/@a?x=/y", ""), Err(Unroutable::Slash("/@a/?x=/y".into())));
    }

    #[test]
    fn the_cookie_is_taken_when_it_can_be_a_server() {
        let table = [
            ("fastx-server=a", "sticky a"),
            ("x=1; fastx-server=a; y=2", "sticky a"),
            ("fastx-server=; fastx-server=b", "sticky b"),
            ("fastx-server=a/b", "any"),
            ("fastx-server=\"a\"", "any"),
            ("xfastx-server=a", "any"),
            ("Fastx-Server=a", "any"),
            ("fastx-server", "any"),
        ];
        for (cookie, target) in table {
            assert_eq!(ask("/", cookie).expect("routes").0, target, "{cookie}");
        }
    }
}
