//! `fastx job` and `fastx session run`: sessions that a batch system starts.

use std::process::ExitCode;

use node::session::Wanted;
use node::session::job::{self, Trial, Tried, Verdict};

use crate::cli::{JobCommand, JobTestOptions, SessionOptions};
use crate::session::command;
use crate::settings::print_json;

pub(crate) fn job(command: &JobCommand) -> ExitCode {
    let JobCommand::Test(options) = command;
    match test(options) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

/// Stays until the session has ended.
pub(crate) fn run(options: &SessionOptions) -> ExitCode {
    let local_dir = options.folders.dirs().local_dir;
    let run = runtime().and_then(|runtime| Ok(runtime.block_on(job::run(&local_dir, &options.session))?));
    run.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("fastx: {error:#}");
    ExitCode::FAILURE
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn test(options: &JobTestOptions) -> anyhow::Result<ExitCode> {
    let params = options.params.iter().cloned().map(|(name, value)| (name, value.into())).collect();
    let wanted = Wanted {
        name: options.name.clone(),
        command: command(&options.command),
        geometry: options.geometry,
        profile: options.profile.clone(),
        params,
        user: options.user.clone(),
        ..Wanted::default()
    };
    let (script, local_dir) = (options.script.clone(), options.folders.dirs().local_dir);
    let trial = Trial { script, local_dir, wanted, time_limit: options.time_limit };
    let folder = tempfile::Builder::new().permissions(readable()).tempdir()?;
    let tried = runtime()?.block_on(job::trial(&trial, folder.path()))?;
    if options.json {
        print_json(&tried);
    } else {
        print!("{}", text(&tried));
    }
    Ok(if matches!(tried.verdict, Verdict::Refused(_)) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The log in it belongs to the user.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o711)
}

fn text(tried: &Tried) -> String {
    let Tried { id, verdict, output, log, end } = tried;
    let mut text = format!("asked for session {id}; the script: {end}\n");
    for (what, said) in [("output", output), ("standard error", log)] {
        if !said.is_empty() {
            text += &format!("{what}:\n  {}\n", said.replace('\n', "\n  "));
        }
    }
    let words = match verdict {
        Verdict::Connects(id) => format!("the user is connected to session {id}, if it is theirs"),
        Verdict::StartsNow => "the session starts at once, on this server".to_owned(),
        Verdict::Waits(job) => match &job.id {
            Some(id) => format!("the session is pending: job {id} of {} {}", job.scheduler, job.state),
            None => {
                "the session is pending, and nobody asks for its state: the script named no job".to_owned()
            }
        },
        Verdict::Refused(why) => format!("there is no session, and the user reads: {why}"),
    };
    text + &format!("verdict: {}\n", words.trim_end())
}
