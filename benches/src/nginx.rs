//! Starting nginx with everything it writes kept in one folder.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::child::Guarded;
use crate::place::Side;
use crate::programs::Programs;

/// Where Debian and Red Hat keep the module that is not built in.
const STREAM_MODULES: [&str; 2] =
    ["/usr/lib/nginx/modules/ngx_stream_module.so", "/usr/lib64/nginx/modules/ngx_stream_module.so"];

pub(crate) fn stream_module() -> Option<&'static str> {
    STREAM_MODULES.into_iter().find(|path| Path::new(path).exists())
}

/// Starts nginx in the foreground with one worker per core and `body` (a `stream` or `http` block).
pub(crate) fn spawn(
    programs: &Programs,
    side: &Side,
    label: &str,
    body: &str,
    dir: &Path,
) -> Result<Guarded> {
    let config = dir.join(format!("{label}.conf"));
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let module = if body.starts_with("stream") { stream_module() } else { None };
    let module = module.map(|path| format!("load_module {path};")).unwrap_or_default();
    let text = format!(
        "{module}\n{user}\ndaemon off;\nworker_processes auto;\npid {}/{label}.pid;\nerror_log stderr error;\n\
         events {{ worker_connections 8192; }}\n{body}\n",
        dir.display()
    );
    fs::write(&config, text)?;
    let mut command = side.command(programs.find("nginx")?);
    command.arg("-e").arg("stderr").arg("-p").arg(dir).arg("-c").arg(&config);
    Guarded::spawn(&mut command, label, dir)
}
