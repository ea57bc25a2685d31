//! What the service and the launcher say to each other: frames of a length (u32, big-endian) and that many bytes of JSON.

use std::io::{self, Read, Write};
use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::names::{ServiceName, UserName};

/// Bytes of JSON in a frame. The largest of use is 32 questions of 512 bytes (`PAM_MAX_MSG_SIZE`).
pub const LARGEST: usize = 32 * 1024;
/// Bytes before the JSON.
pub const HEADER: usize = 4;
/// Questions at a time (`PAM_MAX_NUM_MSG`).
pub const MOST_PROMPTS: usize = 32;
/// Bytes of one answer (`PAM_MAX_RESP_SIZE`).
pub const LONGEST_ANSWER: usize = 512;

/// What the service says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// The first frame.
    Converse { service: ServiceName, user: UserName, from: Option<IpAddr> },
    /// One for each question that was asked.
    Answers(Vec<Answer>),
}

/// What the launcher says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Reply {
    /// Go on with answers.
    Prompts { prompts: Vec<Prompt>, message: String },
    /// The end: who this is, as PAM has it.
    Success { account: String },
    /// The end. `why` is for the log, and for nobody who signs in.
    Refused { why: String },
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    pub text: String,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

/// What somebody typed. Prints as `[redacted]`, and leaves no copy in memory.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Answer(Zeroizing<String>);

impl Answer {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl TryFrom<String> for Answer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = Zeroizing::new(text);
        let fits = text.len() < LONGEST_ANSWER && !text.contains('\0');
        if fits { Ok(Self(text)) } else { Err("an answer has less than 512 bytes, and no zero byte") }
    }
}

impl From<Answer> for String {
    fn from(answer: Answer) -> Self {
        answer.0.to_string()
    }
}

/// A frame is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("a frame of {0} bytes; at most {LARGEST} are taken")]
    TooLarge(usize),
    #[error("a frame is not what is expected here: {0}")]
    Malformed(&'static str),
    #[error("the other side is gone: {0}")]
    Io(#[from] io::Error),
}

/// A whole frame.
pub fn encode(what: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let mut frame = Zeroizing::new(vec![0; HEADER]);
    serde_json::to_writer(&mut *frame, what).map_err(|_| WireError::Malformed("it has no JSON"))?;
    let length = frame.len() - HEADER;
    let header = u32::try_from(length).ok().filter(|_| length <= LARGEST);
    frame[..HEADER].copy_from_slice(&header.ok_or(WireError::TooLarge(length))?.to_be_bytes());
    Ok(frame)
}

/// How many bytes of JSON follow this header.
pub fn length(header: [u8; HEADER]) -> Result<usize, WireError> {
    let length = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    if length <= LARGEST { Ok(length) } else { Err(WireError::TooLarge(length)) }
}

/// What stands in a frame, less its header. The error does not repeat it: it may be a password.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(json).map_err(|_| WireError::Malformed("no message of ours"))
}

/// Reads one frame.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<T, WireError> {
    let mut header = [0; HEADER];
    from.read_exact(&mut header)?;
    let mut json = Zeroizing::new(vec![0; length(header)?]);
    from.read_exact(&mut json)?;
    decode(&json)
}

/// Writes one frame.
pub fn write(to: &mut impl Write, what: &impl Serialize) -> Result<(), WireError> {
    to.write_all(&encode(what)?)?;
    Ok(to.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written_and_nothing_else_is() {
        let ask = r#"{"converse":{"service":"fastx","user":"alice","from":"192.0.2.1"}}"#;
        let request: Request = decode(ask.as_bytes()).unwrap();
        let frame = encode(&request).unwrap();
        assert_eq!(&frame[HEADER..], ask.as_bytes());
        assert!(
            matches!(read(&mut &frame[..]).unwrap(), Request::Converse { user, .. } if user.as_str() == "alice")
        );
        assert!(matches!(read::<Request>(&mut &frame[..20]), Err(WireError::Io(_))), "cut off");
        assert!(matches!(read::<Request>(&mut &[0xff; 8][..]), Err(WireError::TooLarge(_))));
        let reply = Reply::Refused { why: "x".repeat(LARGEST) };
        assert!(matches!(encode(&reply), Err(WireError::TooLarge(_))));
        for bad in [
            r#"{"converse":{"service":"su","user":"alice","from":null}}"#,
            r#"{"converse":{"service":"fastx/../su","user":"alice","from":null}}"#,
            r#"{"converse":{"service":"fastx","user":"-s","from":null}}"#,
            r#"{"converse":{"service":"fastx","user":"0","from":null}}"#,
            r#"{"converse":{"service":"fastx","user":"a b","from":null}}"#,
            r#"{"converse":{"service":"fastx","user":"alice","from":"here"}}"#,
            r#"{"converse":{"service":"fastx","user":"alice","from":null,"more":1}}"#,
            r#"{"answers":["a\u0000b"]}"#,
            r#"{"run":"sh"}"#,
        ] {
            assert!(matches!(decode::<Request>(bad.as_bytes()), Err(WireError::Malformed(_))), "{bad}");
        }
        assert!(Answer::try_from("x".repeat(LONGEST_ANSWER)).is_err());
        assert_eq!(format!("{:?}", Answer::try_from("secret".to_owned())), "Ok([redacted])");
    }
}
