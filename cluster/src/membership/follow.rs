//! Keeps the table of members.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Beat, Members};
use crate::heard;
use crate::name::Name;
use crate::subject::Subjects;
use crate::transporter::{Event, Transporter};

/// Follows until it is dropped.
#[derive(Debug)]
pub struct Follower {
    members: watch::Sender<Members>,
    _task: AbortOnDropHandle<()>,
}

impl Follower {
    /// Asks everybody to announce itself, so that the table is whole within a second.
    pub fn start(transporter: Arc<dyn Transporter>, subjects: Subjects) -> Self {
        let members = watch::Sender::new(Members::default());
        let follow = follow(transporter, subjects, members.clone());
        Self { members, _task: AbortOnDropHandle::new(tokio::spawn(follow)) }
    }

    pub fn forget(&self, server_id: &Name) {
        self.members.send_modify(|members| members.forget(server_id));
    }

    /// Changes with every beat; what time alone changes is seen by asking with another `now`.
    pub fn members(&self) -> watch::Receiver<Members> {
        self.members.subscribe()
    }
}

async fn follow(transporter: Arc<dyn Transporter>, subjects: Subjects, members: watch::Sender<Members>) {
    let mut beats = transporter.subscribe(&subjects.presences()).await;
    // Without a link a gap comes with it, and then it is asked again.
    let _unheard = transporter.publish(&subjects.roll_call(), Bytes::new()).await;
    loop {
        match beats.next().await {
            Event::Message(message) => {
                // What cannot be read is of another version, or not of ours.
                let Ok(beat) = heard::read::<Beat>(&message.payload) else { continue };
                // A server may speak for itself only: a broker's permissions guard the subject.
                if subjects.presence(&beat.server_id).as_str() == message.subject {
                    members.send_if_modified(|members| members.hear(&beat, Instant::now().into_std()));
                }
            }
            Event::Gap(_) => {
                let _unheard = transporter.publish(&subjects.roll_call(), Bytes::new()).await;
            }
        }
    }
}
