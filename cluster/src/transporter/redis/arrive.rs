//! What arrives from Redis, to whom it belongs.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::FutureExt;
use redis::{PushInfo, PushKind, Value};

use super::Shared;
use crate::transporter::Message;
use crate::transporter::answer::{self, Request};

/// A message on a channel.
pub(super) struct Arrived {
    channel: String,
    payload: Bytes,
}

/// `None` for what is no message: confirmations.
pub(super) fn read(push: PushInfo) -> Option<Arrived> {
    let skip = match push.kind {
        PushKind::Message => 0,
        // The pattern comes first.
        PushKind::PMessage => 1,
        _ => return None,
    };
    let mut values = push.data.into_iter().skip(skip);
    let (Value::BulkString(channel), Value::BulkString(payload)) = (values.next()?, values.next()?) else {
        return None;
    };
    Some(Arrived { channel: String::from_utf8(channel).ok()?, payload: payload.into() })
}

/// Brings one message to its place.
pub(super) async fn deliver(shared: &Arc<Shared>, arrived: Arrived) {
    let Arrived { channel, mut payload } = arrived;
    if channel == shared.replies.as_str() {
        let answered = payload.try_get_u64().ok().and_then(|id| shared.asked().remove(&id));
        if let Some(answered) = answered {
            // Who asked may have given up.
            let _unheard = answered.send(payload);
        }
        return;
    }
    let served = channel.strip_suffix(&shared.instance).and_then(|stem| stem.strip_suffix('.'));
    let Some(served) = served else {
        shared.registry.deliver(&Message { subject: channel, payload });
        return;
    };
    if let (Some(request), Some(queue)) = (request(shared, payload), shared.registry.pick(served)) {
        answer::hand_over(&queue, request).await;
    }
}

/// Undoes what `Shared::ask` made.
fn request(shared: &Arc<Shared>, mut payload: Bytes) -> Option<Request> {
    let id = payload.try_get_u64().ok()?;
    let length = usize::from(payload.try_get_u16().ok()?);
    let reply_to = (payload.len() >= length).then(|| payload.split_to(length))?;
    let reply_to = String::from_utf8(reply_to.into()).ok().filter(|to| shared.subjects.takes_replies(to))?;
    let shared = Arc::clone(shared);
    let send = move |bytes: Bytes| {
        async move {
            let mut reply = BytesMut::with_capacity(bytes.len() + 8);
            reply.put_u64(id);
            reply.put(bytes);
            shared.send(&reply_to, &reply).await.map(drop)
        }
        .boxed()
    };
    Some(Request::new(payload, send))
}
