//! sshd behind the tunnel, and scp through it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use e2e::World;
use e2e::namespace::run;
use e2e::pattern::Pattern;
use e2e::services::Sshd;
use serde_json::json;

/// A folder in memory where there is room, and how large a file may be so that three of them fit: at most 1 GiB.
fn room(world: &str) -> (PathBuf, u64) {
    let free = |path: &str| rustix::fs::statvfs(path).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    let place = if free("/dev/shm") >= free("/tmp").min(4 << 30) { "/dev/shm" } else { "/tmp" };
    let folder = Path::new(place).join(format!("fastx-e2e-{world}-{}", std::process::id()));
    (folder, (free(place) / 4).min(1 << 30))
}

fn write(path: &Path, size: u64) {
    let (mut pattern, mut piece) = (Pattern::new(size), vec![0; 1 << 20]);
    let mut file = BufWriter::new(File::create(path).expect("room for it"));
    while pattern.position < size {
        pattern.fill(&mut piece);
        file.write_all(&piece).expect("room for it");
    }
    file.flush().expect("room for it");
}

fn check(path: &Path, size: u64) {
    let (mut pattern, mut piece) = (Pattern::new(size), vec![0; 1 << 20]);
    let mut file = BufReader::new(File::open(path).expect("it is there"));
    assert_eq!(file.get_ref().metadata().expect("it is there").len(), size);
    while pattern.position < size {
        file.read_exact(&mut piece).expect("as long as that");
        pattern.check(&piece).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _best_effort = std::fs::remove_dir_all(&self.0);
    }
}

fn scp_of_a_gigabyte(carrier: &str) {
    let world = World::alone(&format!("scp-{carrier}"));
    let gateway = world.gateway("g1").serving(2222, "ssh", "n1").start();
    let client = world.host("client");
    let setup = world.node("n1").behind_firewall().offers("ssh", json!({ "connect": "127.0.0.1:22" }));
    let node = setup.dials_over(&gateway, carrier).connected();
    let sshd = Sshd::start(node.host(), 22);
    let said = client
        .run(sshd.client("ssh", 2222).arg(format!("root@{}", gateway.host().ip())).arg("echo $((6*7))"));
    assert_eq!(said, "42\n");
    let (folder, size) = room(carrier);
    let size = size & !0xf_ffff;
    println!("{size} bytes in {}", folder.display());
    std::fs::create_dir_all(&folder).expect("room for it");
    let _removed = Folder(folder.clone());
    let [here, there, back] = ["here", "there", "back"].map(|name| folder.join(name));
    let remote = format!("root@{}:{}", gateway.host().ip(), there.display());
    write(&here, size);
    client.namespace().inside(|| run(sshd.client("scp", 2222).arg(&here).arg(&remote)));
    check(&there, size);
    std::fs::remove_file(&here).expect("it is there");
    client.namespace().inside(|| run(sshd.client("scp", 2222).arg(&remote).arg(&back)));
    check(&back, size);
}

#[test]
fn scp_of_a_gigabyte_both_ways_over_quic() {
    scp_of_a_gigabyte("quic");
}

#[test]
fn scp_of_a_gigabyte_both_ways_over_tls() {
    scp_of_a_gigabyte("tls");
}
