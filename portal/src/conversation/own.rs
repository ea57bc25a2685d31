//! With a person of this server's own: one question, for the password.

use launcher::wire::Prompt;
use tunnel::identity::Secret;

use super::{Questions, Step, refused};
use crate::Shared;
use crate::visits::Visitor;

/// Compares one at a time: each takes 19 MiB and some 20 ms.
pub(super) async fn step(shared: &Shared, name: &str, password: Option<Secret>) -> Step {
    let Some(password) = password else {
        let prompt = Prompt { text: "Password: ".into(), echo: false };
        return Step::KeyboardInteractive(Questions { prompts: vec![prompt], message: String::new() });
    };
    let Ok(_turn) = shared.passwords.acquire().await else { return refused("the portal ends") };
    let (people, name) = (shared.people.clone(), name.to_owned());
    let compared = tokio::task::spawn_blocking(move || people.sign_in(&name, &password)).await;
    match compared {
        Ok(Some(proof)) => Step::Success(Visitor::Person(proof)),
        Ok(None) => refused("not the password of a person"),
        Err(error) => refused(error),
    }
}
