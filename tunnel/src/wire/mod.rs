//! What goes over the wire: the preamble of a stream, and the control messages of a tunnel.

pub mod control;
pub mod preamble;
