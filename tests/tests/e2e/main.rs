//! The whole, on real processes in real network namespaces. Needs root, and the programs built (`make test`).

mod harness;
