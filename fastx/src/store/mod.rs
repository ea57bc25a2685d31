//! `fastx store`: moves configuration between a folder and a running cluster.

mod progress;
mod render;
mod routes;
mod service;

use std::process::ExitCode;

use manager::transfer::{self, Options, Plan, TransferError};

use self::progress::Bar;
use self::service::Service;
use crate::ask;
use crate::cli::{StoreCommand, TransferOptions};
use crate::settings::{colours, person, print_json};

pub(crate) use self::routes::routes;

pub(crate) fn store(command: &StoreCommand) -> ExitCode {
    let (StoreCommand::Upload(options) | StoreCommand::Download(options)) = command;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return ask::NoAnswer::Http(error.to_string()).tell(),
    };
    match runtime.block_on(transfer(command, options)) {
        Ok(plan) => show(&plan, options),
        Err(error) => {
            eprintln!("fastx: {error}\n  next: {}", next(&error));
            ExitCode::FAILURE
        }
    }
}

async fn transfer(command: &StoreCommand, options: &TransferOptions) -> Result<Plan, TransferError> {
    let service = Service::at(ask::socket(&options.folders.dirs()));
    let how = Options { dry_run: options.dry_run, force: options.force };
    let mut bar = Bar::new();
    let mut progress = |done, all, key: &_| bar.show(done, all, key);
    match command {
        StoreCommand::Upload(_) => {
            transfer::upload(&service, &options.dir, &person(), how, &mut progress).await
        }
        StoreCommand::Download(_) => transfer::download(&service, &options.dir, how, &mut progress).await,
    }
}

/// What was left out is said, and is no failure: of a store most is no configuration.
fn show(plan: &Plan, options: &TransferOptions) -> ExitCode {
    if options.json {
        print_json(plan);
    } else {
        print!("{}", render::plan(plan, options, colours()));
    }
    if plan.is_refused(options.force) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn next(error: &TransferError) -> &'static str {
    match error {
        TransferError::Folder { .. } => "give the store's folder: --dir /var/fastx/local/store",
        TransferError::InUse(_) => "stop it first, or choose another folder",
        TransferError::Store { .. } | TransferError::Read { .. } => {
            "fastx status says what is missing; then repeat it: what was done stays done"
        }
        TransferError::Write(_) => "mend the folder, and repeat it",
    }
}
