//! The two folders that everything is found in.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where configuration is read and where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// `--config-dir`, `FX_CONFIG_DIR`, or `/etc/fastx`.
    pub config_dir: PathBuf,
    /// `--local-dir`, `FX_LOCAL_DIR`, or `/var/fastx/local`; never shared between servers.
    pub local_dir: PathBuf,
}

impl Dirs {
    /// A flag wins over `environment` (usually `std::env::var_os`), which wins over the default.
    pub fn choose(
        config_flag: Option<PathBuf>,
        local_flag: Option<PathBuf>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let pick = |flag: Option<PathBuf>, variable: &str, default: &str| {
            // An empty variable is what `FX_CONFIG_DIR= fastx …` leaves behind: not a choice.
            let from_environment =
                || environment(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
            let chosen = flag.or_else(from_environment).unwrap_or_else(|| default.into());
            std::path::absolute(&chosen).unwrap_or(chosen)
        };
        Self {
            config_dir: pick(config_flag, "FX_CONFIG_DIR", "/etc/fastx"),
            local_dir: pick(local_flag, "FX_LOCAL_DIR", "/var/fastx/local"),
        }
    }

    /// A file in the configuration folder.
    pub fn config(&self, file: &str) -> PathBuf {
        self.config_dir.join(file)
    }

    /// A file in the local folder.
    pub fn local(&self, file: &str) -> PathBuf {
        self.local_dir.join(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_default() {
        let set = |name: &str| (name == "FX_CONFIG_DIR").then(|| OsString::from("/env"));
        let dirs = Dirs::choose(None, None, set);
        assert_eq!(dirs.config("a.json"), PathBuf::from("/env/a.json"));
        assert_eq!(dirs.local("b"), PathBuf::from("/var/fastx/local/b"));
        let dirs = Dirs::choose(Some("/flag".into()), Some("/state".into()), set);
        assert_eq!((dirs.config_dir, dirs.local_dir), ("/flag".into(), "/state".into()));
        let dirs = Dirs::choose(None, None, |_| Some(OsString::new()));
        assert_eq!(dirs.config_dir, PathBuf::from("/etc/fastx"));
    }

    #[test]
    fn a_relative_folder_is_pinned_to_where_the_program_was_started() {
        assert!(Dirs::choose(Some("conf".into()), None, |_| None).config_dir.is_absolute());
    }
}
