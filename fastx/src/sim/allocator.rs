//! How a simulation of many hosts takes its memory.
//!
//! Each dial over QUIC has receive buffers of 2 MB, of which almost nothing is touched. Once glibc has seen some of them freed, it
//! takes the next ones from memory that it clears first, so that all of it is touched: 617 kB a node instead of 220 with
//! 10,000 of them. A threshold that is given does not move. It is read at a program's start, so the program starts itself again.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use netsim::plan::Plan;

/// With fewer it is not worth a start.
const MANY_HOSTS: u32 = 500;
/// In bytes; less than the buffers.
const THRESHOLD: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "1048576");

/// Does not return where it starts the program again.
pub(super) fn settle(plan: &Plan) -> io::Result<()> {
    let (name, bytes) = THRESHOLD;
    if plan.hosts.iter().map(|host| host.count).sum::<u32>() < MANY_HOSTS || std::env::var_os(name).is_some()
    {
        return Ok(());
    }
    let arguments = std::env::args_os().skip(1);
    Err(Command::new("/proc/self/exe").args(arguments).env(name, bytes).exec())
}
