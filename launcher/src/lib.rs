//! The one process with privilege: asks the machine's PAM who somebody is, on behalf of the service.
//!
//! The service starts one for each conversation, at the other end of a socket, and it ends with it. It opens no other
//! socket, runs no other program (PAM's modules may), has no async and no network, and lives for at most three minutes.
//!
//! ```text
//! wire   what is said, in bounded frames       serve   one conversation, from its first frame to its end
//! askpass  what ssh asks through, without privilege
//! names  what it takes for a name             pam     libpam, behind a safe function
//! ```

pub mod askpass;
pub mod names;
mod pam;
mod serve;
pub mod wire;

pub use serve::run;
