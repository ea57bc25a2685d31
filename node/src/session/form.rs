//! What a start must say: the form of its profile, where an administrator made one.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::{Inner, SessionError, Wanted};

/// Knows the forms.
pub trait Forms: Send + Sync + Debug {
    /// What is wrong with the parameters, in words for the person; nothing if the profile has no form.
    fn objection<'a>(
        &'a self,
        profile: &'a str,
        params: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Option<String>>;
}

pub(super) async fn check(inner: &Inner, wanted: &Wanted) -> Result<(), SessionError> {
    let (Some(forms), Some(profile)) = (inner.forms.get(), &wanted.profile) else { return Ok(()) };
    forms.objection(profile, &wanted.params).await.map_or(Ok(()), |why| Err(SessionError::Malformed(why)))
}
