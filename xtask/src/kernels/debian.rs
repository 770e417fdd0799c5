//! Debian's kernels, fetched by apt with an apt directory of our own: signatures are checked, the machine's apt is
//! untouched, and its mirror and proxy are used.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{self, program};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// For cloud machines: small, and drivers for what qemu emulates are built in.
const METAPACKAGE: &str = "linux-image-cloud-amd64";

/// The kernel image of a suite, from the cache under `target/kernels` or the mirror.
pub fn kernel(suite: &str) -> Result<PathBuf> {
    let directory = command::target_dir().join("kernels").join(suite);
    let image = directory.join("vmlinuz");
    if !image.is_file() {
        fetch(suite, &directory, &image)
            .with_context(|| format!("cannot get the kernel of Debian {suite}"))?;
    }
    Ok(image)
}

fn fetch(suite: &str, directory: &Path, image: &Path) -> Result<()> {
    for part in ["apt/state/lists/partial", "apt/cache/archives/partial"] {
        std::fs::create_dir_all(directory.join(part))?;
    }
    if !Path::new(KEYRING).is_file() {
        bail!("{KEYRING} is missing: install debian-archive-keyring");
    }
    let source = format!("deb [signed-by={KEYRING}] {} {suite} main\n", mirror());
    std::fs::write(directory.join("apt/sources.list"), source)?;

    command::run(apt("apt-get", directory).args(["-qq", "update"]))?;
    let package =
        first_dependency(&command::output(apt("apt-cache", directory).args(["depends", METAPACKAGE]))?)
            .with_context(|| format!("{METAPACKAGE} names no kernel"))?;
    command::run(apt("apt-get", directory).args(["-qq", "download", &package]).current_dir(directory))?;

    let archive = with_extension(directory, "deb").context("apt-get downloaded no package")?;
    let unpacked = directory.join("unpacked");
    command::run(program("dpkg-deb").arg("--extract").args([&archive, &unpacked]))?;
    let boot = unpacked.join("boot");
    let kernel = std::fs::read_dir(&boot)
        .with_context(|| format!("{package} has no /boot"))?
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz"))
        .with_context(|| format!("{package} has no vmlinuz in /boot"))?;
    std::fs::rename(kernel.path(), image)?;
    // Modules are 60 MB and of no use here.
    std::fs::remove_dir_all(unpacked)?;
    std::fs::remove_file(archive)?;
    Ok(())
}

fn apt(name: &str, directory: &Path) -> Command {
    let apt = directory.join("apt");
    let mut command = program(name);
    for (option, value) in [
        ("Dir::Etc::sourcelist", apt.join("sources.list")),
        ("Dir::Etc::sourceparts", "/dev/null".into()),
        ("Dir::State", apt.join("state")),
        ("Dir::Cache", apt.join("cache")),
        // The unprivileged user apt downloads as could not write below target.
        ("APT::Sandbox::User", "root".into()),
    ] {
        command.arg("-o").arg(format!("{option}={}", value.display()));
    }
    command
}

/// The mirror this machine uses for Debian, or Debian's own.
fn mirror() -> String {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(
        std::fs::read_dir("/etc/apt/sources.list.d")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    texts.flat_map(|text| mirrors(&text)).next().unwrap_or_else(|| "http://deb.debian.org/debian".to_owned())
}

/// Addresses of Debian archives in a list of sources, of either format; a mirror's path ends in `/debian`.
fn mirrors(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_end_matches('/'))
        .filter(|word| word.starts_with("http") && word.ends_with("/debian"))
        .map(str::to_owned)
        .collect()
}

fn first_dependency(depends: &str) -> Option<String> {
    let names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    names.map(str::to_owned).find(|name| name.starts_with("linux-image-"))
}

fn with_extension(directory: &Path, extension: &str) -> Option<PathBuf> {
    let paths = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|e| e == extension)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_read_from_both_formats() {
        assert_eq!(mirrors("deb http://m.example/debian/ bookworm main"), ["http://m.example/debian"]);
        assert_eq!(
            mirrors("Types: deb\n# URIs: http://x/debian\nURIs: https://y/debian\n"),
            ["https://y/debian"]
        );
        assert!(mirrors("URIs: http://y/debian-security").is_empty());
    }

    #[test]
    fn the_kernel_behind_the_metapackage_is_found() {
        let depends = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-50-cloud-amd64\n";
        assert_eq!(first_dependency(depends).as_deref(), Some("linux-image-6.1.0-50-cloud-amd64"));
    }
}
