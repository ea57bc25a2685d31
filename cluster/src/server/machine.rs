//! The parts of a server object.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes there are, and bytes that are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    pub total: u64,
    pub free: u64,
}

/// One file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Disk {
    pub path: String,
    /// Bytes.
    pub total: u64,
    /// Bytes that an ordinary user can still write.
    pub free: u64,
}

/// One graphics processor. What it does not tell is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Gpu {
    pub name: String,
    /// 0 to 100 percent.
    pub utilization: Option<f64>,
    /// Its own memory, in bytes.
    pub memory_total: Option<u64>,
    pub memory_used: Option<u64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
}

/// One network interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Network {
    pub name: String,
    /// Bytes a second since the update before.
    pub receives: u64,
    /// Bytes a second since the update before.
    pub sends: u64,
}

/// Percent of time in which some, or all, tasks stood still for want of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Pressure {
    pub cpu: Stall,
    pub memory: Stall,
    pub io: Stall,
}

/// Over the last 10, 60 and 300 seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Stall {
    pub some: [f64; 3],
    pub full: [f64; 3],
}

/// The way to one gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    pub host: String,
    pub port: u16,
    pub connected: bool,
    /// `quic` or `tls`; none while it is not connected.
    pub transport: Option<String>,
    /// There and back, in milliseconds.
    pub rtt_ms: Option<f64>,
}
