//! The head of an HTTP/1.1 request, read in the one way that nobody else can read differently. Pure.

use httparse::{EMPTY_HEADER, Error, Header, Request, Status};

use crate::web::answer::Problem;
use crate::web::serve::{HEAD_BYTES, HEADERS};

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A body of so many bytes, and another request.
    Length(u64),
    /// Chunks, and another request.
    Chunked,
    /// Perhaps another protocol, so no request that is read here.
    Opaque,
}

/// Finds the end of the head in `bytes`, of which the first `seen` were looked at before. `None`: it is not here yet.
pub(super) fn end(bytes: &[u8], seen: usize) -> Result<Option<usize>, Problem> {
    for at in (seen..bytes.len().min(HEAD_BYTES)).filter(|&at| bytes[at] == b'\n') {
        if at == 0 || bytes[at - 1] != b'\r' {
            return Err(Problem::BadRequest("a line of it ends without CR"));
        }
        if bytes[..=at].ends_with(b"\r\n\r\n") {
            return Ok(Some(at + 1));
        }
    }
    if bytes.len() < HEAD_BYTES {
        return Ok(None);
    }
    Err(if bytes.contains(&b'\n') { Problem::LargeHead } else { Problem::LongTarget })
}

/// Reads a whole head.
pub(super) fn framing(head: &[u8]) -> Result<Framing, Problem> {
    let mut space = [EMPTY_HEADER; HEADERS];
    let mut request = Request::new(&mut space);
    match request.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(Problem::BadRequest("its head has two ends")),
        Err(error) => return Err(because(error)),
    }
    if request.path.is_none_or(|path| path.parse::<http::Uri>().is_err()) {
        return Err(Problem::BadRequest("its target is no address"));
    }
    let headers = &*request.headers;
    let framing = body(headers, request.version == Some(1))?;
    let opaque = request.method == Some("CONNECT") || named(headers, "upgrade").next().is_some();
    Ok(if opaque && framing == Framing::Length(0) { Framing::Opaque } else { framing })
}

/// RFC 9112 §6: where it leaves a choice, the request is refused.
fn body(headers: &[Header<'_>], is_11: bool) -> Result<Framing, Problem> {
    let mut lengths = named(headers, "content-length");
    let mut codings = named(headers, "transfer-encoding");
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(_), Some(_)) => Err(Problem::BadRequest("it has Content-Length and Transfer-Encoding")),
        (None, Some(_)) if !is_11 => Err(Problem::BadRequest("HTTP/1.0 has no Transfer-Encoding")),
        (None, Some(coding)) if codings.next().is_none() && coding.eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        (None, Some(_)) => Err(Problem::BadRequest("its Transfer-Encoding is not `chunked` alone")),
        (Some(_), None) if lengths.next().is_some() => {
            Err(Problem::BadRequest("it has more than one Content-Length"))
        }
        (Some(length), None) => {
            let digits = length.iter().all(u8::is_ascii_digit).then_some(length);
            let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            number.map(Framing::Length).ok_or(Problem::BadRequest("its Content-Length is no length"))
        }
    }
}

fn named<'a>(headers: &'a [Header<'a>], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

fn because(error: Error) -> Problem {
    match error {
        Error::TooManyHeaders => Problem::LargeHead,
        Error::HeaderName => Problem::BadRequest("the name of a header is malformed, or a line is folded"),
        Error::HeaderValue => Problem::BadRequest("the value of a header is malformed"),
        Error::Version => Problem::BadRequest("its version is not HTTP/1.0 or HTTP/1.1"),
        _ => Problem::BadRequest("its first line is malformed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Framing, Problem> {
        match end(head.as_bytes(), 0)? {
            Some(end) => framing(&head.as_bytes()[..end]),
            None => panic!("no end"),
        }
    }

    #[test]
    fn what_follows_a_head() {
        let table = [
            ("GET / HTTP/1.1\r\n\r\n", Framing::Length(0)),
            ("\r\nGET / HTTP/1.0\r\n\r\n", Framing::Length(0)),
            ("POST / HTTP/1.1\r\ncontent-LENGTH: 007 \r\n\r\n", Framing::Length(7)),
            ("POST / HTTP/1.1\r\nTransfer-Encoding:\tChunked\r\n\r\n", Framing::Chunked),
            ("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", Framing::Opaque),
            ("POST / HTTP/1.1\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\n", Framing::Length(1)),
            ("CONNECT a:1 HTTP/1.1\r\n\r\n", Framing::Opaque),
        ];
        for (head, framing) in table {
            assert_eq!(read(head), Ok(framing), "{head}");
        }
    }

    #[test]
    fn the_end_is_found_however_the_bytes_come() {
        let all = b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
        for seen in 0..all.len() - 4 {
            let found = (1..=all.len()).find_map(|len| end(&all[..len], seen.min(len)).unwrap());
            assert_eq!(found, Some(all.len() - 4));
        }
        assert_eq!(end(&[b'a'; HEAD_BYTES], 0), Err(Problem::LongTarget));
        let large = [&b"GET / HTTP/1.1\r\n"[..], &[b'a'; HEAD_BYTES]].concat();
        assert_eq!(end(&large, 0), Err(Problem::LargeHead));
    }
}
