//! Reads what an administrator wrote: a JSON file straight into its final type, or an error that names the file, the
//! line and the column, shows the line with a caret, and says what to write instead.
//!
//! ```text
//! /etc/fastx/gateway.json:3:3: unknown key `hots`
//!    3 |   "hots": "gw.example.org",
//!      |   ^^^^^^ did you mean `host`?
//! ```
//!
//! Bytes meet the modules in this order: `document` reads (and refuses a secret that others can read), `syntax`
//! explains what is not JSON, `data` what is JSON but not the type, `fault` prints both. A reader of another format
//! (the plans of `netsim`) has its own first two and uses [`wording`], [`suggest`] and [`Fault`].

mod address;
mod data;
mod dirs;
mod document;
pub mod duration;
mod fault;
mod locate;
mod one_or_many;
mod redact;
mod syntax;
mod typography;
mod write;

pub use address::{BadAddress, HostPort, ListenAddr, check_host};
pub use data::{suggest, wording};
pub use dirs::Dirs;
pub use document::{ConfigError, Document, Secrecy, parse, read, read_bytes, read_optional};
pub use fault::Fault;
pub use one_or_many::OneOrMany;
pub use write::{write_bytes, write_json};
