//! The pages, embedded: what `npm run build` left in `ui/dist`, each file also compressed with Brotli.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "ui/dist/"]
struct Dist;

/// Their names hold a hash of their content, so they never change.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Asked for again each time, answered with 304 when unchanged.
const CHECKED: &str = "no-cache";

/// GET and HEAD of a page or one of its parts.
pub(crate) async fn get(request: Request<Body>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let path = match request.uri().path().trim_start_matches('/') {
        "" => "index.html",
        "display" | "share" => "display.html",
        path => path,
    };
    let Some(plain) = Dist::get(path).filter(|_| !path.ends_with(".br")) else {
        return (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response();
    };
    let smaller = takes_brotli(request.headers()).then(|| Dist::get(&format!("{path}.br"))).flatten();
    answer(path, &plain, smaller, request.headers())
}

fn answer(path: &str, plain: &EmbeddedFile, smaller: Option<EmbeddedFile>, asked: &HeaderMap) -> Response {
    let tag = etag(plain, smaller.is_some());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    let keep = if path.starts_with("assets/") { FOREVER } else { CHECKED };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ETAG, tag.clone());
    if asked.get_all(header::IF_NONE_MATCH).iter().any(|known| *known == tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let body = match smaller {
        Some(smaller) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            smaller.data
        }
        None => plain.data.clone(),
    };
    (headers, Body::from(body)).into_response()
}

fn etag(file: &EmbeddedFile, smaller: bool) -> HeaderValue {
    let hash = u64::from_be_bytes(file.metadata.sha256_hash()[..8].try_into().expect("8 of 32 bytes"));
    let tag = format!("\"{hash:016x}{}\"", if smaller { "-br" } else { "" });
    HeaderValue::try_from(tag).expect("quotes and hexadecimal")
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let encodings = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut encodings = encodings.flat_map(|line| line.split(',')).map(str::trim);
    encodings.any(|encoding| encoding == "br" || encoding.starts_with("br;") && encoding != "br;q=0")
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
