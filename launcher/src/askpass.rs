//! What ssh(1) asks a person through: it runs the program in `SSH_ASKPASS` with a question, and reads the answer from it.
//! This one hands the question to the service, over the socket that the service named, and prints its answer.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use crate::wire::{self, Prompt, Reply, Request, WireError};

/// The environment variable that names the socket, and makes the program this.
pub const SOCKET: &str = "FX_ASKPASS_SOCKET";

/// Asks once. A question that is not answered makes ssh give up.
pub fn run(socket: &OsStr, question: Option<OsString>) -> ExitCode {
    let text = question.unwrap_or_default().to_string_lossy().into_owned();
    let asked = UnixStream::connect(socket).map_err(WireError::Io).and_then(|socket| ask(socket, text));
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn ask(mut socket: UnixStream, text: String) -> Result<(), WireError> {
    let prompts = vec![Prompt { text, echo: false }];
    wire::write(&mut socket, &Reply::Prompts { prompts, message: String::new() })?;
    let Request::Answers(answers) = wire::read(&mut socket)? else {
        return Err(WireError::Malformed("an answer is expected"));
    };
    let [answer] = answers.as_slice() else { return Err(WireError::Malformed("one question, one answer")) };
    let mut output = io::stdout().lock();
    output.write_all(answer.expose().as_bytes())?;
    Ok(output.write_all(b"\n")?)
}
