//! What may be tried again, and where. A request is repeated only when no service can have seen a byte of it.

use tunnel::{OpenError, ServerId, Status, StreamError};

use crate::error::{RouteError, TryError};

/// Tries for one client.
pub(crate) const TRIES: usize = 3;

/// What to do after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The tunnel is to blame: another one may do, also of the same node.
    OtherLink,
    /// The node is to blame: another one may do.
    OtherHolder,
    /// Trying again cannot help, or could do something twice.
    Final,
}

/// Decides. `named`: one server and no other was wanted; `relayed`: the try went through another node; `sent`: payload
/// left with the preamble or after it.
pub(crate) fn verdict(error: &TryError, named: bool, relayed: bool, sent: bool) -> Verdict {
    match error {
        // Nothing left this process.
        TryError::Open(OpenError::Closed(_) | OpenError::NoCredit | OpenError::Timeout(_)) => {
            Verdict::OtherLink
        }
        // A node that refuses has given nothing to a service.
        TryError::Open(OpenError::Stream(StreamError::Refused { status, .. }))
        | TryError::Stream(StreamError::Refused { status, .. }) => refused(*status, named, relayed),
        TryError::Open(OpenError::Stream(StreamError::BadAnswer(_)))
        | TryError::Stream(StreamError::BadAnswer(_))
        | TryError::Deadline(_)
        | TryError::Client(_) => Verdict::Final,
        TryError::Open(OpenError::Stream(_)) | TryError::Stream(_) | TryError::Silent if sent => {
            Verdict::Final
        }
        TryError::Open(OpenError::Stream(_)) | TryError::Stream(_) | TryError::Silent => Verdict::OtherLink,
    }
}

fn refused(status: Status, named: bool, relayed: bool) -> Verdict {
    let elsewhere = match status {
        Status::Draining | Status::Busy | Status::Unreachable => relayed || !named,
        Status::NoSuchService => !named,
        Status::NoSuchServer | Status::Loop => relayed,
        Status::Ok | Status::BadRequest | Status::Deadline | Status::NoSuchStream => false,
    };
    if elsewhere { Verdict::OtherHolder } else { Verdict::Final }
}

/// The error as the client's side tells it.
pub(crate) fn explain(error: TryError, server: ServerId) -> RouteError {
    match error {
        TryError::Open(OpenError::Stream(StreamError::Refused { status, reason }))
        | TryError::Stream(StreamError::Refused { status, reason }) => {
            RouteError::Refused { server, status, reason }
        }
        TryError::Open(OpenError::Timeout(waited)) | TryError::Deadline(waited) => {
            RouteError::Deadline { server, waited }
        }
        TryError::Open(OpenError::NoCredit) => {
            let reason = "as many streams are open as it allows".into();
            RouteError::Refused { server, status: Status::Busy, reason }
        }
        TryError::Client(_) => RouteError::ClientGone,
        TryError::Silent => RouteError::Lost { server, reason: error.to_string() },
        TryError::Open(error) => RouteError::Lost { server, reason: error.to_string() },
        TryError::Stream(error) => RouteError::Lost { server, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tunnel::{Close, CloseCode};

    fn refusal(status: Status) -> TryError {
        TryError::Stream(StreamError::Refused { status, reason: String::new() })
    }

    #[test]
    fn refusals_are_tried_where_it_can_help() {
        use Verdict::{Final, OtherHolder};
        // status, (any, named, named through a relay)
        let table = [
            (Status::Draining, (OtherHolder, Final, OtherHolder)),
            (Status::Busy, (OtherHolder, Final, OtherHolder)),
            (Status::Unreachable, (OtherHolder, Final, OtherHolder)),
            (Status::NoSuchService, (OtherHolder, Final, Final)),
            (Status::NoSuchServer, (Final, Final, OtherHolder)),
            (Status::Loop, (Final, Final, OtherHolder)),
            (Status::BadRequest, (Final, Final, Final)),
            (Status::Deadline, (Final, Final, Final)),
        ];
        for (status, expected) in table {
            // Whether payload was sent does not matter: who refuses gave it to nobody.
            for sent in [false, true] {
                let error = refusal(status);
                let got = (
                    verdict(&error, false, false, sent),
                    verdict(&error, true, false, sent),
                    verdict(&error, true, true, sent),
                );
                assert_eq!(got, expected, "{status:?}");
            }
        }
    }

    #[test]
    fn a_lost_stream_is_repeated_only_if_nothing_was_sent() {
        let streams = [StreamError::NotResumed("test"), StreamError::NoAnswer, StreamError::Reset(0)];
        for error in streams.map(TryError::Stream).into_iter().chain([TryError::Silent]) {
            assert_eq!(verdict(&error, true, false, false), Verdict::OtherLink);
            assert_eq!(verdict(&error, true, false, true), Verdict::Final);
        }
        let closed = TryError::Open(OpenError::Closed(Close::local(CloseCode::Lost, "")));
        assert_eq!(verdict(&closed, true, false, true), Verdict::OtherLink);
    }
}
