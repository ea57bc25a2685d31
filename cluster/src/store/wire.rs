//! What a member and the store service say to each other, as JSON.

use serde::{Deserialize, Serialize};

use super::{Document, Key, MAX_BODY, Revision, StoreError, Write};
use crate::name::Name;
use crate::transporter::MAX_PAYLOAD;

/// The documents of one page, as compact JSON: with one more of the longest and the frame around them it still fits into
/// a message.
pub const MAX_PAGE: usize = MAX_PAYLOAD - MAX_BODY - 16 * 1024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Question {
    Get(Key),
    Page { collection: Name, after: Option<Name> },
    Write(Write),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    Document(Option<Document>),
    Page(Page),
    Written(Revision),
    Failed(StoreError),
}

/// Part of a collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub documents: Vec<Document>,
    pub more: bool,
}

impl Page {
    /// Takes documents until the page is full. `rest` is in the order of ids.
    pub fn fill(rest: impl Iterator<Item = Document>) -> Self {
        let (mut page, mut bytes) = (Self::default(), 0);
        for document in rest {
            if bytes >= MAX_PAGE {
                page.more = true;
                break;
            }
            // What else stands around a body: names, revision, times.
            bytes += document.body.to_string().len() + 1024;
            page.documents.push(document);
        }
        page
    }
}
