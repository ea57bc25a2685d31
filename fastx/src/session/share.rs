//! `fastx share`: links to a session for others.

use std::process::ExitCode;

use cluster::session::SessionId;
use http::Method;
use node::session::{Made, Mode, Offer, Share};

use super::{Done, code, json, path, pretty, said, socket};
use crate::ask;
use crate::cli::{SessionOptions, ShareMode, ShareOptions};

pub(crate) fn share(options: &ShareOptions) -> ExitCode {
    let id = &options.one.session;
    code(match &options.end {
        Some(share) => end(&options.one, id, share),
        None if options.list => list(&options.one, id),
        None => make(options, id),
    })
}

fn make(options: &ShareOptions, id: &SessionId) -> Done {
    let mode = match options.mode {
        ShareMode::View => Mode::View,
        ShareMode::Control => Mode::Control,
    };
    let offer = Offer { mode, expires: options.expires.as_secs() };
    let made: Made = ask::ask(&socket(&options.one), Method::POST, &path(id, "/shares"), json(&offer))?;
    if options.one.json {
        println!("{}", pretty(&made));
    } else {
        println!("{}", made.url);
        eprintln!("below the gateway's address; fastx share {id} --end {} ends it", made.id);
    }
    Ok(())
}

fn list(options: &SessionOptions, id: &SessionId) -> Done {
    let shares: Vec<Share> = ask::get(&socket(options), &path(id, "/shares"))?;
    if options.json {
        println!("{}", pretty(&shares));
        return Ok(());
    }
    for Share { id, mode, expires, connected, .. } in shares {
        let mode = match mode {
            Mode::View => "view",
            Mode::Control => "control",
        };
        println!("{id}  {mode:7}  until {expires:.0}  {connected} connected");
    }
    Ok(())
}

fn end(options: &SessionOptions, id: &SessionId, share: &str) -> Done {
    let path = path(id, &format!("/shares/{share}"));
    let () = ask::ask(&socket(options), Method::DELETE, &path, "".into())?;
    said(options, "ended", "the link has ended, and whoever came by it was sent away");
    Ok(())
}
