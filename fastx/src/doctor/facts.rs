//! What was seen, without a judgement.

use std::path::PathBuf;
use std::time::Duration;

use cluster::transporter::Link;
use cluster::transporter::probe::Seen;
use jiff::Timestamp;
use node::status::Status;
use serde::{Deserialize, Serialize};
use tunnel::quic::BufferSizes;

/// Everything that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) now: Timestamp,
    pub(super) config_dir: PathBuf,
    pub(super) local_dir: PathBuf,
    /// Files that are there and cannot be used: what is wrong, and where.
    pub(super) bad_files: Vec<(PathBuf, String)>,
    pub(super) good_files: usize,
    /// Files with secrets, and the folder of the store.
    pub(super) secrets: Vec<Mode>,
    pub(super) service: Service,
    /// Whose socket it is: `fastx-node` or `fastx-manager`.
    pub(super) unit: &'static str,
    /// `None`: this server stands alone, or broker.json cannot be read.
    pub(super) broker: Option<BrokerFacts>,
    /// `None`: without a broker nobody can be asked.
    pub(super) store: Option<Result<Tried, String>>,
    /// Documents that were found torn and put aside.
    pub(super) damaged: Vec<PathBuf>,
    /// Id and version; `None`: nobody could be asked.
    pub(super) members: Option<Vec<(String, String)>>,
    pub(super) gateways: Vec<GatewayFacts>,
    pub(super) nearby: Vec<NearbyFacts>,
    pub(super) files: OpenFiles,
    pub(super) disk: Option<Disk>,
}

/// A file or folder that only its owner may read.
#[derive(Clone, Debug)]
pub(super) struct Mode {
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    pub(super) is_folder: bool,
}

/// The process that `node.sock` or `manager.sock` belongs to.
#[derive(Clone, Debug)]
pub(super) enum Service {
    Runs {
        version: Option<String>,
        /// Of a node.
        status: Option<Box<Status>>,
        /// Its own view of the broker.
        link: Option<Link>,
    },
    Not {
        why: String,
    },
}

#[derive(Clone, Debug)]
pub(super) struct BrokerFacts {
    pub(super) servers: Vec<Seen>,
    /// `None`: there was no server to log in to.
    pub(super) login: Option<Result<Duration, String>>,
}

/// A document was written and removed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tried {
    pub(super) took: Duration,
    /// How far the manager's clock is ahead of this machine's, in seconds.
    pub(super) ahead: Option<f64>,
}

/// One entry of gateway.json.
#[derive(Clone, Debug)]
pub(super) struct GatewayFacts {
    pub(super) address: String,
    /// What gateway.json lets carry the tunnels.
    pub(super) udp_wanted: bool,
    pub(super) tcp_wanted: bool,
    /// TCP and a TLS handshake that believes the gateway.
    pub(super) tls: Result<Duration, String>,
    pub(super) udp: Result<UdpPath, String>,
    /// How far its clock is ahead, in seconds; it tells whole ones.
    pub(super) ahead: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct UdpPath {
    pub(super) rtt: Duration,
    pub(super) buffers: BufferSizes,
}

/// One thing that services.json or lan.json names.
#[derive(Clone, Debug)]
pub(super) struct NearbyFacts {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) found: Result<(), String>,
}

/// The limit on open files.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenFiles {
    /// As far as the process may raise it by itself.
    pub(super) most: u64,
    /// Of the running service; else of this program.
    pub(super) of_service: bool,
}

/// Where the local folder is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    pub(super) free_bytes: u64,
    pub(super) free_inodes: u64,
    pub(super) has_inodes: bool,
}
