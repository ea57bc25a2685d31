//! The whole, on real processes in real network namespaces. Needs root, and the programs built (`make test`).

mod browser;
mod cluster;
mod crashes;
mod descriptors;
mod doctor;
mod drain;
mod files;
mod floods;
mod harness;
mod hostile;
mod http;
mod leftovers;
mod outage;
mod proxied;
mod services;
mod slow;
mod ssh;
mod trust;
mod udp;
