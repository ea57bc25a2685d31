//! A small world for tests on the real programs: network namespaces, firewalls, a router that can be told to misbehave,
//! gateways and nodes as processes, and clients that check every byte.
//!
//! ```text
//! world      a router and the hosts around it          process    a program: log, signals, fds, memory
//! namespace  one network stack; code runs inside it    gateway    `fastx-gateway`, its files and what it says
//! host       a namespace with an address and a link    node       `fastx node run`, its files and what it says
//! router     blackholes, NAT, one-way paths            checked    streams whose every byte is compared
//! sweep      what a killed run left behind             metrics    the admin socket
//! wait       patience with a deadline                  curl       a client nobody here wrote
//! bare       a node made of the tunnel crate alone, for `bin/`
//! ```
//!
//! Everything is a guard: dropped, its processes are killed, its namespaces and folders are gone. When a test fails,
//! every process of its world prints the end of its log.

pub mod bare;
pub mod checked;
pub mod curl;
pub mod gateway;
pub mod host;
pub mod metrics;
pub mod namespace;
pub mod node;
pub mod pattern;
pub mod process;
pub mod programs;
pub mod router;
pub mod services;
pub mod sweep;
pub mod wait;
pub mod world;

pub use gateway::Gateway;
pub use host::Host;
pub use node::Node;
pub use process::Process;
pub use wait::wait_for;
pub use world::World;
