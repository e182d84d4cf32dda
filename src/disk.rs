//! Floor 2b: files, with errors that name the path.

use crate::model::failure::Failure;
use std::path::{Path, PathBuf};

/// Reads a file as UTF-8; `-` is standard input.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).map_err(|e| Failure::usage(format!("cannot read standard input: {e}")));
    }
    std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))
}

/// The files of a folder, by name; subfolders are left out.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |e: std::io::Error| Failure::usage(format!("cannot read {}: {e}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a file whole or not at all: a temporary file beside it, synced, then renamed.
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    write_bytes(path, text.as_bytes())
}

/// Writes a file of bytes whole or not at all. A device or a pipe (`/dev/stdout`, `/dev/null`) is written to as it is:
/// a rename would put a file in its place.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let fail = |e: std::io::Error| Failure::usage(format!("cannot write {}: {e}", path.display()));
    if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return std::fs::OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)).map_err(fail);
    }
    // What a link leads to is replaced, not the link.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map_err(|e| fail(e.error))?;
    Ok(())
}

/// Free bytes of the file system that a folder is on, for who is not root, and which file system that is.
pub fn free_bytes(folder: &Path) -> Option<(f64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let system = nix::sys::statvfs::statvfs(folder).ok()?;
    let device = folder.metadata().ok()?.dev();
    Some((system.blocks_available() as f64 * system.fragment_size() as f64, device))
}

/// True when a process of this id on this machine is PostgreSQL's: the one we talk to is then here, and not at the
/// other end of a tunnel. `None` where the system does not tell.
pub fn is_postgres(pid: i32) -> Option<bool> {
    let processes = Path::new("/proc");
    if !processes.join("self/comm").exists() {
        return None;
    }
    let name = std::fs::read_to_string(processes.join(pid.to_string()).join("comm"));
    Some(name.is_ok_and(|name| name.trim_end().starts_with("postgres")))
}

/// Reads a file's bytes.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_of_the_folder_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (free, device) = free_bytes(folder.path()).unwrap();
        let asked = std::process::Command::new("df").args(["--output=avail", "-B1"]).arg(folder.path()).output();
        if let Ok(asked) = asked.map(|o| String::from_utf8_lossy(&o.stdout).lines().last().and_then(|l| l.trim().parse::<f64>().ok())) {
            let told = asked.unwrap();
            assert!((free - told).abs() < 0.05 * told + 1e9, "{free} {told}");
        }
        assert_eq!(free_bytes(&folder.path().join("none")), None);
        assert_eq!(free_bytes(&folder.path().join(".")).map(|f| f.1), Some(device));
        assert_ne!(is_postgres(std::process::id().cast_signed()), Some(true));
    }

    #[test]
    fn a_device_stays_a_device_and_a_link_a_link() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link, file) = (folder.path().join("pipe"), folder.path().join("link"), folder.path().join("file"));
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        write_bytes(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(pipe.metadata().unwrap().file_type().is_fifo());
        write_bytes(&file, b"one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_bytes(&link, b"two").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
    }
}
