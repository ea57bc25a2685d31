//! Where a chunked body ends (RFC 9112 §7.1). hyper decodes it; this only finds what comes after it. Pure.

/// How far into a chunked body we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the digits of a size: the number so far, and how many they are.
    Size(u64, u8),
    /// Behind them, up to CR.
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// At the start of a line behind the last chunk.
    Line,
    /// Inside a trailer.
    Trailer,
    TrailerLf,
    LastLf,
    End,
}

/// It is not chunked as the standard has it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a chunk is malformed")]
pub(super) struct Malformed;

impl Default for Chunks {
    fn default() -> Self {
        Self::Size(0, 0)
    }
}

impl Chunks {
    /// Goes through `bytes`, up to the end of the body; how many of them belong to it.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < bytes.len() && *self != Self::End {
            if let Self::Data(left) = *self {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += now;
                let left = left - now as u64;
                *self = if left == 0 { Self::DataCr } else { Self::Data(left) };
            } else {
                *self = self.next(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn next(self, byte: u8) -> Result<Self, Malformed> {
        Ok(match (self, byte) {
            (Self::Size(size, digits @ 0..16), digit) if digit.is_ascii_hexdigit() => {
                let digit = char::from(digit).to_digit(16).map_or(0, u64::from);
                Self::Size(size << 4 | digit, digits + 1)
            }
            (Self::Size(size, 1..) | Self::Extension(size), b'\r') => Self::SizeLf(size),
            (Self::Size(size, 1..), b' ' | b'\t' | b';') => Self::Extension(size),
            (Self::Extension(size), byte) if byte != b'\n' => Self::Extension(size),
            (Self::SizeLf(0), b'\n') => Self::Line,
            (Self::SizeLf(size), b'\n') => Self::Data(size),
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::default(),
            (Self::Line, b'\r') => Self::LastLf,
            (Self::LastLf, b'\n') => Self::End,
            (Self::Trailer, b'\r') => Self::TrailerLf,
            (Self::TrailerLf, b'\n') => Self::Line,
            (Self::Line | Self::Trailer, byte) if byte != b'\n' => Self::Trailer,
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_it_ends_however_its_bytes_come() {
        let table = [
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "3;ext=\"a\"\r\nabc\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n",
            "B \r\n\r\n0\r\n\r\n0123\r\n0\r\n\r\n",
        ];
        for body in table {
            let all = format!("{body}GET / HTTP/1.1");
            for step in 1..all.len() {
                let (mut chunks, mut passed) = (Chunks::default(), 0);
                for piece in all.as_bytes().chunks(step) {
                    passed += chunks.advance(piece).expect("well formed");
                }
                assert_eq!((passed, chunks), (body.len(), Chunks::End), "{body:?} by {step}");
            }
        }
    }

    #[test]
    fn what_somebody_could_read_differently_is_malformed() {
        for body in [
            "g\r\n",
            "\r\n",
            "-1\r\n",
            "0x1\r\n",
            "3\nabc",
            "3;a\nabc",
            "3\rabc",
            "3\r\nabcX",
            "3\r\nabc\n",
            "12345678901234567\r\n",
            "0\r\nX: 1\n",
            "0\r\n\n",
            "0\r\n\rX",
            ";\r\n",
        ] {
            assert_eq!(Chunks::default().advance(body.as_bytes()), Err(Malformed), "{body:?}");
        }
    }
}
