//! `fastx manager revoke` and `readmit`.

use axum::http::Method;
use serde_json::Value;

use super::{Failure, ask};
use crate::cli::{ReadmitOptions, RevokeOptions};

pub(super) fn revoke(options: &RevokeOptions) -> Result<(), Failure> {
    let (method, path, who) = match &options.server {
        Some(server) => (Method::PUT, format!("/revocations/{server}"), server.to_string()),
        None => (Method::DELETE, "/shared-logins".into(), "every copy of broker.json".into()),
    };
    let done: Value = ask(&options.folders, method, &path, Vec::new())?;
    if options.json {
        println!("{done:#}");
        return Ok(());
    }
    match (done["ownLogin"] == true, done["notTold"].as_str()) {
        (true, None) => println!("{who} is shut out"),
        (true, Some(why)) => {
            println!(
                "{who} is revoked, but the brokers do not know it yet ({why}); it is tried again until they do"
            );
        }
        (false, _) => println!(
            "{who} is shown as revoked, but it came in with a copy of broker.json, which others may have too\n  \
             next: let the others in with tokens, then void all copies: fastx manager revoke --shared"
        ),
    }
    Ok(())
}

pub(super) fn readmit(options: &ReadmitOptions) -> Result<(), Failure> {
    let path = format!("/revocations/{}", options.server);
    let _done: Value = ask(&options.folders, Method::DELETE, &path, Vec::new())?;
    println!("{} may come in again, with a new token: fastx manager token create --out FILE", options.server);
    Ok(())
}
