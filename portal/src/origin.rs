//! Where a request comes from: only our own pages may open sessions and displays.

use http::{HeaderMap, header};

/// Browsers name the page's origin with every WebSocket and POST; it must be the host that was asked. Without `Origin`
/// it is no browser, and so it carries no cookie of a person who looks at another page.
pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = text("x-forwarded-host").or_else(|| text("host"));
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    matches!((asked, host), (Some(asked), Some(host)) if asked.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_that_was_asked() {
        let ours = |pairs: &[(&'static str, &str)]| {
            is_ours(
                &pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
            )
        };
        assert!(ours(&[("host", "fx.example:8443")]));
        assert!(ours(&[("host", "fx.example:8443"), ("origin", "https://FX.example:8443")]));
        assert!(ours(&[
            ("host", "portal"),
            ("x-forwarded-host", "fx.example"),
            ("origin", "https://fx.example")
        ]));
        assert!(!ours(&[
            ("host", "portal"),
            ("x-forwarded-host", "fx.example"),
            ("origin", "https://portal")
        ]));
        assert!(!ours(&[("host", "fx.example"), ("origin", "https://fx.example:8443")]));
        assert!(!ours(&[("host", "fx.example"), ("origin", "https://evil.example")]));
        assert!(!ours(&[("host", "null"), ("origin", "null")]));
        assert!(!ours(&[("origin", "https://fx.example")]));
    }
}
