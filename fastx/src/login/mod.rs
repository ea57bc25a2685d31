//! `fastx login`: a token of a server, for the other verbs and for scripts.

mod kept;
mod remote;

use anyhow::{Context, bail};
use http::Method;
use serde_json::{Value, json};
use tunnel::identity::Secret;

use self::kept::{Kept, Login};
use self::remote::Remote;
use crate::cli::{LoginOptions, LogoutOptions, TokensCommand};
use crate::typed;

pub(crate) fn login(options: &LoginOptions) -> anyhow::Result<()> {
    block_on(async {
        let mut kept = Kept::read()?;
        let mut remote = Remote::with_ca_of(&options.url, options.ca.as_deref())?;
        sign_in(&mut remote, options).await?;
        let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        let label = options.label.clone().unwrap_or_else(host);
        let wanted = json!({ "label": label, "expires": options.expires.as_secs() });
        let made = remote.ask(Method::POST, "api/tokens", &wanted).await;
        // The visit was only for that.
        let left = remote.ask(Method::POST, "api/logout", &Value::Null).await;
        let mut made = made?;
        left?;
        let token = made["token"].as_str().context("the server gave no token")?;
        let (token, ca) = (Secret::new(token), remote.ca().map(ToOwned::to_owned));
        let claims = made["claims"].take();
        println!("signed in as {} on {}", shown(&claims["sub"]), shown(&claims["iss"]));
        kept.logins.insert(remote.url(), Login { token, claims, ca });
        kept.write()
    })
}

/// Answers what the server asks until it knows who this is.
async fn sign_in(remote: &mut Remote, options: &LoginOptions) -> anyhow::Result<()> {
    let ways = remote.ask(Method::GET, "api/login", &Value::Null).await?;
    let forms = ways["ways"].as_array().into_iter().flatten().filter(|way| way["kind"] == "form");
    let forms: Vec<_> = forms.filter_map(|way| way["id"].as_str()).collect();
    let way = match &options.way {
        Some(way) if forms.contains(&way.as_str()) => way,
        Some(way) => {
            bail!("there is no way `{way}` to sign in without a browser; there is: {}", forms.join(" "))
        }
        None => *forms.first().context("people sign in with a browser only on this server")?,
    };
    let user = options.user.clone().or_else(|| std::env::var("USER").ok());
    let user = user.context("say who you are: --user NAME")?;
    let mut step = remote.ask(Method::POST, "api/login", &json!({ "way": way, "username": user })).await?;
    while step["state"] == "keyboard-interactive" {
        if let Some(message) = step["message"].as_str().filter(|message| !message.is_empty()) {
            eprintln!("{}", shown(&message.into()));
        }
        let mut answers = Vec::new();
        for prompt in step["prompts"].as_array().into_iter().flatten() {
            let answer = typed::line(&shown(&prompt["text"]), prompt["echo"] == true)?;
            answers.push(answer.expose().to_owned());
        }
        let body = json!({ "conversation": step["conversation"], "answers": answers });
        step = remote.ask(Method::POST, "api/login/answer", &body).await?;
    }
    if step["state"] == "success" {
        Ok(())
    } else {
        bail!("the server asks for something that needs a browser")
    }
}

pub(crate) fn logout(options: &LogoutOptions) -> anyhow::Result<()> {
    block_on(async {
        let mut kept = Kept::read()?;
        let (url, mut remote) = known(&kept, options.url.as_deref())?;
        let revoked = remote.ask(Method::POST, "api/logout", &Value::Null).await;
        kept.logins.remove(&url);
        kept.write()?;
        revoked.map(drop).context("it is forgotten here, but may count there")
    })
}

pub(crate) fn tokens(command: &TokensCommand) -> anyhow::Result<()> {
    block_on(async {
        let kept = Kept::read()?;
        match command {
            TokensCommand::List(options) => {
                let listed = known(&kept, options.url.as_deref())?
                    .1
                    .ask(Method::GET, "api/tokens", &Value::Null)
                    .await?;
                if options.json {
                    println!("{listed:#}");
                    return Ok(());
                }
                for one in listed.as_array().into_iter().flatten() {
                    let claims = &one["claims"];
                    let ends = claims["exp"].as_i64().and_then(|end| jiff::Timestamp::from_second(end).ok());
                    let ends = ends.map_or_else(String::new, |end| end.to_string());
                    println!(
                        "{}  {:20} until {ends}  {}",
                        shown(&claims["jti"]),
                        shown(&claims["sub"]),
                        shown(&one["label"])
                    );
                }
                Ok(())
            }
            TokensCommand::Revoke(options) => {
                let path = format!("api/tokens/{}", options.jti);
                known(&kept, options.url.as_deref())?
                    .1
                    .ask(Method::DELETE, &path, &Value::Null)
                    .await
                    .map(drop)
            }
        }
    })
}

fn known(kept: &Kept, url: Option<&str>) -> anyhow::Result<(String, Remote)> {
    let (url, login) = kept.of(url)?;
    Ok((url.to_owned(), Remote::new(url, login.ca.clone())?.with_token(login.token.clone())))
}

/// A text from elsewhere, without what would steer a terminal.
fn shown(text: &Value) -> String {
    text.as_str().unwrap_or_default().chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

fn block_on<T>(asked: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(asked)
}
