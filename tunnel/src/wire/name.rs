//! A text of at most 255 bytes behind its length.

use bytes::{Buf, BufMut, BytesMut};

use super::WireError;

pub(super) fn put_name(out: &mut BytesMut, name: &str) {
    let bytes = &name.as_bytes()[..name.len().min(255)];
    out.put_u8(u8::try_from(bytes.len()).expect("cut to 255"));
    out.put_slice(bytes);
}

pub(super) fn take_name<'a>(bytes: &mut &'a [u8], what: &'static str) -> Result<&'a str, WireError> {
    let length = usize::from(bytes.try_get_u8().map_err(|_| WireError::Truncated(what))?);
    let (name, rest) = bytes.split_at_checked(length).ok_or(WireError::Truncated(what))?;
    *bytes = rest;
    std::str::from_utf8(name).map_err(|_| WireError::Malformed(what))
}
