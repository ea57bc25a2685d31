//! `fastx doctor`: what is wrong on this server, and the command that mends it.
//!
//! ```text
//! gather   looks, with a bound on every look       facts    what was seen
//! checks   judges facts; pure, a table of names    report   says it
//! ```

mod checks;
mod facts;
mod gather;
mod report;
mod store;

use std::io::IsTerminal;
use std::process::ExitCode;

pub(crate) use self::store::routes;

use crate::cli::DoctorOptions;

pub(crate) fn run(options: &DoctorOptions) -> ExitCode {
    let dirs = options.folders.dirs();
    let facts = match gather::gather(&dirs) {
        Ok(facts) => facts,
        Err(error) => {
            eprintln!("fastx: cannot look: {error}");
            return ExitCode::FAILURE;
        }
    };
    let report = checks::judge(&facts);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report).expect("a report is text"));
    } else {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        print!("{}", report::text(&report, colours));
    }
    if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
