//! `fastx manager token`.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::bail;
use axum::http::Method;
use config::Secrecy;
use serde_json::Value;

use super::routes::{Shown, Wanted};
use super::{Failure, ask};
use crate::cli::{TokenCommand, TokenCreateOptions, TokenListOptions, TokenRevokeOptions};

pub(super) fn token(command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(options) => create(options),
        TokenCommand::List(options) => list(options),
        TokenCommand::Revoke(options) => revoke(options),
    }
}

fn create(options: &TokenCreateOptions) -> Result<(), Failure> {
    let to_stdout = options.out == Path::new("-");
    if to_stdout && std::io::stdout().is_terminal() {
        return Err(Failure::Other(anyhow::anyhow!(
            "a token is secret, and this is a terminal\n  next: write it into a file (--out FILE), or into a pipe"
        )));
    }
    let wanted = Wanted { server: options.server.clone(), seconds: options.expires.as_secs() };
    let body = serde_json::to_vec(&wanted).map_err(anyhow::Error::from)?;
    let token: Value = ask(&options.folders, Method::POST, "/join-tokens", body)?;
    if to_stdout {
        let written = writeln!(std::io::stdout(), "{token}");
        return written.map_err(|error| Failure::Other(error.into()));
    }
    write(&options.out, &token)?;
    let (file, ends) = (options.out.display(), token["expires"].as_str().and_then(|text| text.parse().ok()));
    let ends: jiff::Timestamp = ends.unwrap_or_default();
    println!("wrote {file}; until {ends:.0} it lets one server in: fastx node join {file}");
    Ok(())
}

fn write(path: &Path, token: &Value) -> anyhow::Result<()> {
    if path.exists() {
        bail!("{} is there already\n  next: choose another file", path.display());
    }
    Ok(config::write_json(path, token, Secrecy::OwnerOnly)?)
}

fn list(options: &TokenListOptions) -> Result<(), Failure> {
    let tokens: Vec<Shown> = ask(&options.folders, Method::GET, "/join-tokens", Vec::new())?;
    if options.json {
        println!("{:#}", serde_json::to_value(&tokens).map_err(anyhow::Error::from)?);
        return Ok(());
    }
    println!("{:<16}{:<24}{:<24}", "TOKEN", "EXPIRES", "USED BY");
    let now = jiff::Timestamp::now();
    for Shown { token, record } in &tokens {
        let expires = if record.expires <= now { "expired".into() } else { format!("{:.0}", record.expires) };
        let used = match (&record.spent, &record.server) {
            (Some(spent), _) => spent.server_id.to_string(),
            (None, Some(server)) => format!("(only for {server})"),
            (None, None) => String::new(),
        };
        println!("{:<16}{expires:<24}{used}", &token.as_str()[..token.as_str().len().min(12)]);
    }
    Ok(())
}

fn revoke(options: &TokenRevokeOptions) -> Result<(), Failure> {
    if options.token.is_empty() || !options.token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Failure::Other(anyhow::anyhow!(
            "this is no token's name\n  next: see fastx manager token list"
        )));
    }
    let path = format!("/join-tokens/{}", options.token);
    let gone: Value = ask(&options.folders, Method::DELETE, &path, Vec::new())?;
    println!("{} lets nobody in any more", gone["token"].as_str().unwrap_or_default());
    Ok(())
}
