//! The Xauthority file of a session: who holds its cookie may connect.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::SessionError;

/// Entry for any host and any display number (`FamilyWild`, Xauth.h): the number is not known before the X server has
/// chosen it, and the file must be there first.
const ANY_HOST: u16 = 65535;
const COOKIE_NAME: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// Writes a new 128-bit cookie to `path`, mode 0600.
pub(super) fn write(path: &Path) -> Result<(), SessionError> {
    let fail = || SessionError::file("write", path);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(fail())?;
    file.write_all(&entry(&rand::random())).map_err(fail())
}

/// Family, then address, display number, name and cookie, each after its length; 16-bit big-endian (Xauth(3)).
fn entry(cookie: &[u8; 16]) -> Vec<u8> {
    let mut entry = ANY_HOST.to_be_bytes().to_vec();
    for field in [b"", b"", COOKIE_NAME, cookie] as [&[u8]; 4] {
        let length = u16::try_from(field.len()).expect("fields of 18 bytes at most");
        entry.extend_from_slice(&length.to_be_bytes());
        entry.extend_from_slice(field);
    }
    entry
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_entry_has_the_layout_of_libxau() {
        let entry = super::entry(&[7; 16]);
        assert_eq!(&entry[..8], &[0xff, 0xff, 0, 0, 0, 0, 0, 18]);
        assert_eq!(&entry[8..26], b"MIT-MAGIC-COOKIE-1");
        assert_eq!(&entry[26..], &[&[0u8, 16][..], &[7; 16]].concat());
    }
}
