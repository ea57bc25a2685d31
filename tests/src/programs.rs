//! Where the programs under test are: beside the test's own executable, built by the Makefile.

use std::path::PathBuf;

fn folder() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let deps = test.parent().expect("it is in a folder");
    if deps.ends_with("deps") { deps.parent().expect("target/PROFILE").to_owned() } else { deps.to_owned() }
}

fn built(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(
        path.is_file(),
        "{} is not built; run: cargo build --release -p fastx-gateway -p fastx -p e2e",
        path.display()
    );
    path
}

pub fn gateway() -> PathBuf {
    built("fastx-gateway")
}

pub fn fastx() -> PathBuf {
    built("fastx")
}

/// A node that breaks every rule; see `bin/hostile_node.rs`.
pub fn hostile_node() -> PathBuf {
    built("hostile-node")
}

/// A node that leads every stream to one address; see `bin/plain_node.rs`.
pub fn plain_node() -> PathBuf {
    built("plain-node")
}
