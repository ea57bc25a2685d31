//! What an X server leaves behind when it is killed: `/tmp/.X5-lock` and `/tmp/.X11-unix/X5`. Whoever asks for the number
//! 5 next would find it taken.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Removes both, if they are of the X server that had this pid and account.
pub(super) fn clear(display: &str, pid: i32, uid: u32) {
    clear_below(Path::new("/tmp"), display, pid, uid);
}

fn clear_below(folder: &Path, display: &str, pid: i32, uid: u32) {
    let Some(number) = display.strip_prefix(':').and_then(|number| number.parse::<u32>().ok()) else {
        return;
    };
    let lock = folder.join(format!(".X{number}-lock"));
    // Not followed if it is a link: `/tmp` is everybody's.
    let ours = fs::symlink_metadata(&lock)
        .is_ok_and(|file| file.is_file() && file.uid() == uid && file.len() < 64)
        && fs::read_to_string(&lock).is_ok_and(|text| text.trim() == pid.to_string());
    if ours {
        let _gone = fs::remove_file(folder.join(format!(".X11-unix/X{number}")));
        let _gone = fs::remove_file(lock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::process::own_uid;

    #[test]
    fn only_what_the_dead_server_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path(".X11-unix")).unwrap();
        for number in [5, 6] {
            fs::write(path(&format!(".X{number}-lock")), format!("{:>10}\n", 4000 + number)).unwrap();
            fs::write(path(&format!(".X11-unix/X{number}")), "").unwrap();
        }
        clear_below(folder.path(), ":5", 4006, own_uid());
        clear_below(folder.path(), ":5", 4005, own_uid() + 1);
        clear_below(folder.path(), "5", 4005, own_uid());
        assert!(path(".X5-lock").exists());
        clear_below(folder.path(), ":5", 4005, own_uid());
        assert!(!path(".X5-lock").exists() && !path(".X11-unix/X5").exists());
        assert!(path(".X6-lock").exists() && path(".X11-unix/X6").exists());
    }
}
