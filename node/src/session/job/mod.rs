//! Sessions that a batch system starts: an administrator's script is asked instead of starting one here, and the session is
//! pending until its job begins it.
//!
//! ```text
//! settings  jobs.json: which script       script   who may have written it
//! call      runs it as the user           verdict  what its output means (pure)
//! submit    a start that goes this way    follow   what becomes of pending sessions
//! register  job.sock: a job has begun     run      `fastx session run`, inside the job
//! trial     `fastx job test`
//! ```

mod call;
mod follow;
mod register;
mod run;
mod script;
mod settings;
mod submit;
mod trial;
mod verdict;

pub(super) use self::follow::{cancel, follow};
pub(super) use self::register::routes;
pub use self::run::{RunError, run};
pub use self::script::ScriptError;
pub(super) use self::settings::Jobs;
pub(super) use self::submit::{Submitted, submit};
pub use self::trial::{Trial, TrialError, Tried, trial};
pub use self::verdict::Verdict;

/// Where jobs tell that they have begun, below the local folder.
pub const SOCKET: &str = "job.sock";
