//! One conversation, over the socket that is this process's standard input.

use std::io;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use rustix::process::{DumpableBehavior, getuid, set_dumpable_behavior};

use crate::pam::{self, Ask};
use crate::wire::{self, Answer, LONGEST_ANSWER, MOST_PROMPTS, Prompt, Reply, Request, WireError};

/// From its start to its end, whatever PAM does and whoever went away.
const LIVES: Duration = Duration::from_secs(180);
/// sysexits.h `EX_NOPERM`.
const NOT_ALLOWED: u8 = 77;

/// What `fastx launcher` does: it serves who started it, once, and ends.
pub fn run() -> ExitCode {
    match socket().and_then(|socket| serve(socket).map_err(io::Error::other)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fastx launcher: {error}; the service starts it, at the other end of a socket");
            ExitCode::from(NOT_ALLOWED)
        }
    }
}

/// Standard input, if it is a socket whose other end root holds, or who sudo(8) let in, or our own account.
fn socket() -> io::Result<UnixStream> {
    let input = rustix::io::dup(io::stdin())?;
    let peer = socket_peercred(&input)?.uid;
    let by_sudo = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    if !peer.is_root() && peer != getuid() && Some(peer.as_raw()) != by_sudo {
        return Err(io::Error::other(format!("account {} may not ask", peer.as_raw())));
    }
    Ok(UnixStream::from(input))
}

fn serve(mut socket: UnixStream) -> Result<(), WireError> {
    // Passwords are in here: no core file, and nobody attaches.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(io::Error::from)?;
    std::thread::spawn(|| {
        std::thread::sleep(LIVES);
        std::process::exit(1);
    });
    let Request::Converse { service, user, from } = wire::read(&mut socket)? else {
        return Err(WireError::Malformed("a conversation begins with `converse`"));
    };
    let from = from.map(|from: IpAddr| from.to_string());
    let known = pam::sign_in(service.as_str(), user.as_str(), from.as_deref(), &mut Asker(&mut socket));
    let reply = match known {
        Ok(account) => Reply::Success { account },
        Err(error) => Reply::Refused { why: error.to_string() },
    };
    wire::write(&mut socket, &reply)
}

/// Asks the questions of PAM's modules through the socket.
struct Asker<'a>(&'a mut UnixStream);

impl Ask for Asker<'_> {
    fn ask(&mut self, prompts: Vec<Prompt>, message: String) -> Option<Vec<Answer>> {
        let expected = prompts.len();
        if expected > MOST_PROMPTS {
            return None;
        }
        wire::write(self.0, &Reply::Prompts { prompts, message }).ok()?;
        let Ok(Request::Answers(answers)) = wire::read(self.0) else { return None };
        let fits = answers.len() == expected && answers.iter().all(|a| a.expose().len() < LONGEST_ANSWER);
        fits.then_some(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_begin_with_a_conversation_gets_no_answer() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let served = std::thread::spawn(move || serve(theirs));
        wire::write(&mut ours, &Request::Answers(Vec::new())).unwrap();
        assert!(matches!(served.join().unwrap(), Err(WireError::Malformed(_))));
        assert!(wire::read::<Reply>(&mut ours).is_err());
    }

    #[test]
    fn answers_are_as_many_as_questions() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let answers = |number| Request::Answers(vec![Answer::try_from("x".to_owned()).unwrap(); number]);
        for (number, taken) in [(2, true), (1, false), (3, false)] {
            wire::write(&mut ours, &answers(number)).unwrap();
            let prompts = vec![Prompt { text: "?".into(), echo: true }; 2];
            let got = Asker(&mut theirs).ask(prompts.clone(), "hello".into());
            assert_eq!(got.is_some(), taken, "{number}");
            let said: Reply = wire::read(&mut ours).unwrap();
            assert_eq!(said, Reply::Prompts { prompts, message: "hello".into() });
        }
    }
}
