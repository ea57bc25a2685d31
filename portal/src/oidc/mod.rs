//! Single sign-on: OpenID Connect, the authorization code flow with PKCE. A browser goes to the provider and comes back with
//! a code; we trade the code for who it is.

mod client;
mod routes;
mod under_way;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use launcher::names::UserName;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope,
};
use serde_json::{Map, Value};

use self::client::{Client, ClientError};
use crate::logins::Provider;

pub(crate) use self::routes::router;
pub(crate) use self::under_way::UnderWay;

#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the provider's own description is bad: {0}")]
    Discovery(String),
    #[error("the file of the client's secret: {0}")]
    Secret(std::io::Error),
    #[error("an address is bad: {0}")]
    Address(String),
    #[error("the provider does not take the code: {0}")]
    Code(String),
    #[error("the provider's token is not what it should be: {0}")]
    Token(String),
    #[error("no rule makes an account of what the provider says")]
    NoAccount,
}

/// What we know of a browser that is at the provider.
pub(crate) struct Sent {
    provider: Provider,
    metadata: CoreProviderMetadata,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// Where to send a browser, and the `state` that it is to bring back.
async fn send(provider: &Provider) -> Result<(String, CsrfToken, Sent), OidcError> {
    let http = http_client(provider).await?;
    let issuer = IssuerUrl::new(provider.issuer.as_str().to_owned());
    let issuer = issuer.map_err(|error| OidcError::Address(error.to_string()))?;
    let metadata = CoreProviderMetadata::discover_async(issuer, &http).await;
    let metadata = metadata.map_err(|error| OidcError::Discovery(told(&error)))?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let client =
        CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(provider.client_id.clone()), None)
            .set_redirect_uri(redirect(provider)?);
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    let request = request.add_scopes(provider.scopes.iter().cloned().map(Scope::new));
    let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
    Ok((url.to_string(), state, Sent { provider: provider.clone(), metadata, nonce, verifier }))
}

/// Whose account it is that the provider answers with for `code`.
async fn receive(sent: Sent, code: String) -> Result<String, OidcError> {
    let Sent { provider, metadata, nonce, verifier } = sent;
    let secret = match &provider.client_secret_file {
        Some(path) => {
            let secret = tokio::fs::read_to_string(path).await.map_err(OidcError::Secret)?;
            Some(ClientSecret::new(secret.trim().to_owned()))
        }
        None => None,
    };
    let http = http_client(&provider).await?;
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(provider.client_id.clone()), secret)
            .set_redirect_uri(redirect(&provider)?);
    let request = client.exchange_code(AuthorizationCode::new(code));
    let request = request.map_err(|error| OidcError::Discovery(told(&error)))?.set_pkce_verifier(verifier);
    let answer = request.request_async(&http).await.map_err(|error| OidcError::Code(told(&error)))?;
    let token = answer.extra_fields().id_token();
    let token = token.ok_or_else(|| OidcError::Token("there is none".into()))?;
    // Signature, issuer, audience, time and nonce.
    let checked = token.claims(&client.id_token_verifier(), &nonce);
    checked.map_err(|error| OidcError::Token(told(&error)))?;
    let account = claims(&token.to_string()).and_then(|claims| provider.account(&claims));
    let account = account.and_then(|account| UserName::try_from(account).ok());
    account.map(String::from).ok_or(OidcError::NoAccount)
}

async fn http_client(provider: &Provider) -> Result<Client, OidcError> {
    let ca = provider.ca.clone();
    let made = tokio::task::spawn_blocking(move || Client::new(ca.as_deref())).await;
    Ok(made.map_err(|error| OidcError::Discovery(error.to_string()))??)
}

fn redirect(provider: &Provider) -> Result<RedirectUrl, OidcError> {
    RedirectUrl::new(provider.callback()).map_err(|error| OidcError::Address(error.to_string()))
}

/// All claims of a token that was checked.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let claims = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// An error with its causes: the libraries name those in a chain.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}
