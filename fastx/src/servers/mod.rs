//! `fastx servers`: everybody in the cluster.

mod table;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use cluster::server::Listed;
use jiff::Timestamp;

use crate::ask;
use crate::cli::ServersOptions;

pub(crate) use self::table::{gigabytes, name};

const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn show(options: &ServersOptions) -> ExitCode {
    let socket = ask::socket(&options.folders.dirs());
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    loop {
        let answer = ask::get::<Vec<Listed>>(&socket, "/servers");
        if options.watch {
            // To the upper left corner, and nothing below.
            print!("\x1b[H\x1b[2J");
        }
        match answer {
            Ok(servers) if options.json => {
                let json =
                    serde_json::to_string_pretty(&servers).expect("servers have no maps with odd keys");
                println!("{json}");
            }
            Ok(servers) => print!("{}", table::render(&servers, Timestamp::now(), colours)),
            // Who watches wants to see it come back.
            Err(error) if options.watch => drop(error.tell()),
            Err(error) => return error.tell(),
        }
        if !options.watch || std::io::stdout().flush().is_err() {
            return ExitCode::SUCCESS;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
