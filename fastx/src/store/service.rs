//! The store, asked through the service on this machine.

use std::path::PathBuf;

use cluster::store::{Answer, Question, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use manager::transfer::Ask;

use crate::ask;

#[derive(Debug)]
pub(super) struct Service {
    socket: PathBuf,
}

impl Service {
    pub(super) fn at(socket: PathBuf) -> Self {
        Self { socket }
    }
}

impl Ask for Service {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, StoreError>> {
        async move {
            let body =
                serde_json::to_vec(&question).map_err(|error| StoreError::Refused(error.to_string()))?;
            let answer = ask::asked(&self.socket, Method::POST, "/store", body.into()).await;
            match answer.map_err(|error| StoreError::Unreachable(error.to_string()))? {
                Answer::Failed(error) => Err(error),
                answer => Ok(answer),
            }
        }
        .boxed()
    }
}
