//! The page that a browser shows for an answer of our own. No script, nothing loaded, everything escaped.

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderValue, StatusCode};
use tunnel::TraceId;

/// What stands on the page.
pub(super) struct Words<'a> {
    pub status: StatusCode,
    pub title: &'a str,
    pub detail: &'a str,
    pub next: &'a str,
    pub code: &'a str,
    pub trace: TraceId,
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:17px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;\
background:Canvas;color:CanvasText}\
main{max-width:34rem;padding:2rem}\
h1{font-size:1.6rem;margin:0 0 1rem}\
p{margin:0 0 1rem}\
footer{font:13px/1.5 ui-monospace,monospace;opacity:.65;border-top:1px solid;padding-top:1rem}";

/// Allows this one style, by its SHA-256, and nothing else.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    let hash = BASE64.encode(digest);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("printable ASCII")
});

/// The whole page.
pub(super) fn html(words: &Words<'_>) -> String {
    let Words { status, title, detail, next, code, trace } = words;
    let (title, detail, next) = (escape(title), escape(detail), escape(next));
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1><p>{detail}</p><p>{next}</p>\
         <footer>{code} · {} · request {trace}</footer></main></html>\n",
        status.as_u16()
    )
}

/// Headers that keep the page what it is.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert("content-security-policy", POLICY.clone());
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '"', '\'']) {
        return text.into();
    }
    text.chars()
        .fold(String::with_capacity(text.len() + 16), |mut out, c| {
            match c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
            out
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_request_brings_is_markup() {
        let words = Words {
            status: StatusCode::NOT_FOUND,
            title: "No such server",
            detail: "`<script>alert(1)</script>\" onload='x'&` is not a server id.",
            next: "Check.",
            code: "FX-1202",
            trace: TraceId([7; 16]),
        };
        let page = html(&words);
        assert!(!page.contains("<script") && !page.contains("onload='"), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39;&amp;`"),
            "{page}"
        );
    }
}
