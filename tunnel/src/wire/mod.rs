//! What goes over the wire: the preamble of a stream and its answer, and the control messages of a tunnel.

mod address;
mod answer;
pub mod control;
mod error;
mod life;
mod name;
pub mod preamble;
mod process;
mod trace;

pub use answer::{Answer, Status};
pub use error::WireError;
pub use life::{Life, StreamId};
pub use preamble::Preamble;
pub use process::Process;
pub use trace::TraceId;
