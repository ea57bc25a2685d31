//! From an error to what is printed and the exit code.

use std::process::ExitCode;

use cluster::transporter::ConnectError;
use config::ConfigError;
use netsim::plan::PlanError;
use node::{LocalError, StartError};

/// sysexits.h `EX_CONFIG`: starting again does not help, so systemd does not.
const CONFIGURATION: u8 = 78;

/// A file that is needed is not there; says the next step too.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotConfigured(pub(crate) String);

/// Prints the error, if there is one.
pub(crate) fn code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("fastx: {}", told(&error));
    if is_configuration(&error) { ExitCode::from(CONFIGURATION) } else { ExitCode::FAILURE }
}

/// The error with its causes, less those that it names itself.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match &told[..] {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

/// Whether a person must change a file. What cannot be read or written now may be possible later.
fn is_configuration(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        if let Some(error) = cause.downcast_ref::<PlanError>() {
            return !matches!(error, PlanError::Read { .. });
        }
        if let Some(error) = cause.downcast_ref::<manager::StartError>() {
            return matches!(error, manager::StartError::Mongo(_));
        }
        if cause.is::<NotConfigured>() || cause.is::<ConnectError>() {
            return true;
        }
        let config = match cause.downcast_ref::<StartError>() {
            Some(StartError::Config(error) | StartError::Local(LocalError::File(error))) => Some(error),
            Some(StartError::Local(LocalError::Taken { .. } | LocalError::Lock { .. })) => None,
            Some(StartError::Local(_)) => return true,
            _ => cause.downcast_ref::<ConfigError>(),
        };
        config.is_some_and(|error| !matches!(error, ConfigError::Read { .. } | ConfigError::Write { .. }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_bad_file_is_told_from_bad_luck() {
        let bad = config::parse::<u8>(Path::new("gateway.json"), "{").unwrap_err();
        assert!(is_configuration(&StartError::Config(bad).into()));
        let missing = config::read::<u8>(Path::new("/nonexistent"), config::Secrecy::Public).unwrap_err();
        assert!(!is_configuration(&StartError::Config(missing).into()));
        let plan = netsim::plan::parse(Path::new("p.toml"), "length = 5").unwrap_err();
        assert!(is_configuration(&plan.into()));
        let missing = netsim::plan::read(Path::new("/nonexistent")).unwrap_err();
        assert!(!is_configuration(&missing.into()));
        let taken = LocalError::Taken { path: "/var/fastx/local".into() };
        assert!(!is_configuration(&StartError::Local(taken).into()));
    }
}
