//! From flags and environment to folders: the one place that reads the environment.

use config::Dirs;

use crate::cli::Folders;

impl Folders {
    pub(crate) fn dirs(&self) -> Dirs {
        Dirs::choose(self.config_dir.clone(), self.local_dir.clone(), |name| std::env::var_os(name))
    }
}
