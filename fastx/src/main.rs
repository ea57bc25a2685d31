//! The program `fastx`: runs a node, and shows how it is.

mod ask;
mod balance;
mod balancer;
mod cli;
mod control;
mod demo;
mod doctor;
mod exit;
mod folders;
mod forms;
mod job;
mod join;
mod key;
mod log;
mod login;
mod manage;
mod notify;
mod person;
mod portal_service;
mod run;
mod server;
mod servers;
mod session;
mod settings;
mod sim;
mod status;
mod store;
mod typed;

use clap::Parser;

use crate::cli::{Cli, Command, LogCommand, NodeCommand};

fn main() -> std::process::ExitCode {
    // ssh(1) runs us with a question and nothing else.
    if let Some(socket) = std::env::var_os(launcher::askpass::SOCKET) {
        return launcher::askpass::run(&socket, std::env::args_os().nth(1));
    }
    let result = match Cli::parse().command {
        Command::Node { command: NodeCommand::Run(options) } => run::run(options),
        Command::Node { command: NodeCommand::Key(options) } => key::show(&options),
        Command::Node { command: NodeCommand::Join(options) } => join::run(&options),
        Command::Manager { command } => return manage::manager(command),
        Command::Person { command } => person::person(command),
        Command::Servers(options) => return servers::show(&options),
        Command::Server { command } => return server::server(&command),
        Command::Start(options) => return session::start(options),
        Command::Sessions(options) => return session::list(&options),
        Command::Session { command } => return session::one(&command),
        Command::Job { command } => return job::job(&command),
        Command::Connect(options) => return session::connect(&options),
        Command::Terminate(options) => return session::terminate(&options),
        Command::Share(options) => return session::share(&options),
        Command::Rename(options) => return session::rename(&options),
        Command::Status(options) => return status::show(&options),
        Command::Doctor(options) => return doctor::run(&options),
        Command::Log(options) => {
            return match &options.command {
                Some(LogCommand::Level(options)) => log::level(options),
                None => log::follow(&options),
            };
        }
        Command::Config { command } => return settings::config(&command),
        Command::Balance { command } => return balance::balance(&command),
        Command::BalanceWorker => return ::balance::worker::run(),
        Command::Login(options) => login::login(&options),
        Command::Logout(options) => login::logout(&options),
        Command::Token { command } => login::tokens(&command),
        Command::Launcher => return launcher::run(),
        Command::Store { command } => return store::store(&command),
        Command::Demo(options) => demo::run(options),
        Command::Sim(options) => return sim::run(&options),
    };
    exit::code(result)
}
