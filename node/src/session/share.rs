//! Links by which an owner lets others look at one session, or work in it, for a time. They are kept in memory only: the end of the
//! service ends them all.

use std::sync::Arc;
use std::time::Duration;

use cluster::session::SessionId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tunnel::identity::Secret;

use super::view::{self, Viewing};
use super::{Inner, SessionError, Sessions, Who};

/// Of one session at a time.
const MOST_LINKS: usize = 16;
/// Who look by one link at a time.
const MOST_GUESTS: usize = 16;
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// What whoever has the link may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Look. What they type, click or paste never reaches the display.
    View,
    /// All that its owner does on the screen.
    Control,
}

/// A link that is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    pub mode: Mode,
    /// Seconds from now.
    pub expires: u64,
}

/// A link, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    pub id: String,
    pub mode: Mode,
    pub since: Timestamp,
    pub expires: Timestamp,
    /// Who look by it now.
    pub connected: usize,
}

/// A link that was just made: the only time that its token is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    pub id: String,
    /// Below the gateway's address; the token is in the fragment, which browsers keep to themselves.
    pub url: String,
    #[serde(skip)]
    pub ended: CancellationToken,
}

/// What the session's entry keeps of one.
#[derive(Debug)]
pub(super) struct Link {
    share: Share,
    secret: Secret,
    /// One is the link's own, each other one a guest's.
    guests: Arc<()>,
    ended: CancellationToken,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl Link {
    fn new(offer: &Offer, now: Timestamp) -> Result<Self, SessionError> {
        let time = Duration::from_secs(offer.expires);
        if time.is_zero() || time > LONGEST {
            let most = LONGEST.as_secs();
            return Err(SessionError::Malformed(format!("a link lasts 1 to {most} seconds")));
        }
        let expires = now.checked_add(time).map_err(|error| SessionError::Malformed(error.to_string()))?;
        let id = format!("{:012x}", rand::random::<u64>() >> 16);
        let share = Share { id, mode: offer.mode, since: now, expires, connected: 0 };
        Ok(Self { share, secret: Secret::random(), guests: Arc::default(), ended: CancellationToken::new() })
    }

    fn connected(&self) -> usize {
        Arc::strong_count(&self.guests) - 1
    }

    fn shown(&self) -> Share {
        Share { connected: self.connected(), ..self.share.clone() }
    }
}

/// Somebody who has a link, and comes in by it.
#[derive(Debug)]
pub struct Invited {
    pub viewing: Viewing,
    /// Fires when the link, or the visit of who has a ticket, does not count any more.
    pub ended: CancellationToken,
}

impl Sessions {
    /// Makes a link to a session of `who`.
    pub fn share(&self, who: &Who, id: &SessionId, offer: &Offer) -> Result<Made, SessionError> {
        let link = Link::new(offer, Timestamp::now())?;
        let (share, secret) = (&link.share.id, link.secret.expose());
        let made = Made {
            id: share.clone(),
            url: format!("/@{}/share#{id}.{share}.{secret}", self.inner.server_id),
            ended: link.ended.clone(),
        };
        self.inner.with(who, id, |entry| {
            if !entry.record.session.state.is_up() {
                return Err(SessionError::Ended(id.clone()));
            }
            if entry.links.len() >= MOST_LINKS {
                return Err(SessionError::Malformed(format!("a session has at most {MOST_LINKS} links")));
            }
            entry.links.push(link);
            Ok(())
        })??;
        tracing::info!(session = %id, share = made.id, mode = ?offer.mode, seconds = offer.expires, "a session is shared");
        Ok(made)
    }

    /// The links that count, the oldest first.
    pub fn shares(&self, who: &Who, id: &SessionId) -> Result<Vec<Share>, SessionError> {
        let now = Timestamp::now();
        self.inner.with(who, id, |entry| {
            entry.links.iter().map(Link::shown).filter(|share| share.expires > now).collect()
        })
    }

    /// Ends one, and sends away whoever came by it.
    pub fn unshare(&self, who: &Who, id: &SessionId, share: &str) -> Result<(), SessionError> {
        self.inner.with(who, id, |entry| {
            let before = entry.links.len();
            entry.links.retain(|link| link.share.id != share);
            if entry.links.len() < before { Ok(()) } else { Err(SessionError::NoShare) }
        })?
    }

    /// What the link with this token is to, and of what kind it is.
    pub fn invited(&self, token: &str) -> Result<(cluster::session::Session, Share), SessionError> {
        self.inner.link(token, |entry, at| (entry.shown(), entry.links[at].shown()))
    }

    /// The way to the display for whoever has this token.
    pub async fn view_by(&self, token: &str) -> Result<Invited, SessionError> {
        let (id, mode, ended, guest) = self.inner.link(token, |entry, at| {
            let link = &entry.links[at];
            let id = entry.record.session.id.clone();
            (id, link.share.mode, link.ended.clone(), Arc::clone(&link.guests))
        })?;
        // One is the link's own, and one this guest's.
        if Arc::strong_count(&guest) > MOST_GUESTS + 1 {
            return Err(SessionError::Busy);
        }
        let viewing = view::view(&self.inner, &Who::Administrator, &id).await?;
        Ok(Invited { viewing: viewing.of_guest(mode == Mode::View, guest), ended })
    }
}

impl Inner {
    /// Does something with the link of this token: `SESSION.SHARE.SECRET`.
    fn link<T>(&self, token: &str, act: impl FnOnce(&super::Entry, usize) -> T) -> Result<T, SessionError> {
        let mut words = token.splitn(3, '.');
        let (Some(id), Some(share), Some(secret)) = (words.next(), words.next(), words.next()) else {
            return Err(SessionError::NoShare);
        };
        let id = SessionId::new(id).map_err(|_| SessionError::NoShare)?;
        let (secret, now, all) = (Secret::new(secret), Timestamp::now(), self.all());
        let entry = all.get(&id).ok_or(SessionError::NoShare)?;
        let counts =
            |link: &Link| link.share.id == share && link.secret.matches(&secret) && link.share.expires > now;
        let at = entry.links.iter().position(counts).ok_or(SessionError::NoShare)?;
        Ok(act(entry, at))
    }

    /// Ends the links whose time is over, and those of sessions that have ended.
    pub(super) fn expire_links(&self, now: Timestamp) {
        for entry in self.all().values_mut() {
            let up = entry.record.session.state.is_up();
            entry.links.retain(|link| up && link.share.expires > now);
        }
    }
}
