//! Which host a request is for, if it says so in one voice.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request};

/// The host that a request is for, and whether it says so in one voice.
///
/// # Errors
/// The reason why it is refused: no host, two, or none that can be one.
pub(super) fn host<B>(request: &Request<B>) -> Result<Authority, &'static str> {
    let mut lines = request.headers().get_all(HOST).iter();
    let (line, more) = (lines.next(), lines.next());
    if more.is_some() {
        return Err("it has more than one Host");
    }
    let from_line = line.map(parse_host).transpose()?;
    match (from_line, request.uri().authority()) {
        (Some(line), Some(target)) if !line.as_str().eq_ignore_ascii_case(target.as_str()) => {
            Err("its Host differs from its target")
        }
        (Some(line), _) => Ok(line),
        (None, Some(target)) => parse_host(&HeaderValue::from_str(target.as_str()).map_err(|_| BAD_HOST)?),
        (None, None) => Err("it has no Host"),
    }
}

const BAD_HOST: &str = "its Host is not a host";

fn parse_host(value: &HeaderValue) -> Result<Authority, &'static str> {
    let text = value.to_str().map_err(|_| BAD_HOST)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if text.is_empty() || !text.bytes().all(plain) {
        return Err(BAD_HOST);
    }
    text.parse().map_err(|_| BAD_HOST)
}
