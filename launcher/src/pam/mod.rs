//! Signing in with PAM: the only unsafe code of the launcher.
//!
//! Its contract: one handle at a time, on one thread, ended by `Drop`; every pointer that PAM is handed outlives the handle
//! (`Talk` is boxed, and dropped after it); what PAM hands to `converse` is read within the call only; what `converse`
//! hands back is from calloc(3) and strdup(3), because PAM frees it.
#![expect(unsafe_code, reason = "a C library; the contract is above")]

mod converse;
mod library;
mod session;

use crate::wire::{Answer, Prompt};

pub(crate) use self::session::sign_in;

/// Whoever answers the questions of PAM's modules.
pub(crate) trait Ask {
    /// `message`: what the modules said since the last questions, lines. `None`: nobody answers any more.
    fn ask(&mut self, prompts: Vec<Prompt>, message: String) -> Option<Vec<Answer>>;
}

/// Why PAM does not know who this is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PamError {
    #[error("libpam.so.0 is not there or has not `{0}`: install libpam0g (pam on other systems)")]
    Missing(&'static str),
    #[error("a name with a zero byte")]
    Name,
    #[error("{during}: {text} ({code})")]
    Refused { during: &'static str, text: String, code: i32 },
    #[error("PAM does not say who this is")]
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Ask for Silent {
        fn ask(&mut self, _: Vec<Prompt>, _: String) -> Option<Vec<Answer>> {
            None
        }
    }

    #[test]
    fn who_does_not_answer_is_refused_by_the_machines_own_library() {
        let refused = sign_in("fastx-not-there", "nobody-is-called-so", None, &mut Silent);
        assert!(matches!(refused, Err(PamError::Refused { .. } | PamError::Missing(_))), "{refused:?}");
    }
}
