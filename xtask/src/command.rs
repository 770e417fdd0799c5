//! Running other programs, and saying which one failed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The repository's root directory.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR`, or `target` in the root.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A program started in the repository's root.
///
/// `cargo run` leaves the stable compiler's libraries in `LD_LIBRARY_PATH`; a nightly compiler or bpf-linker started
/// below it would load them instead of its own.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).env_remove("LD_LIBRARY_PATH");
    command
}

/// The cargo this was started with.
pub fn cargo() -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Shows the command line, runs it, and fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Waits for a program to end by itself; what has not ended then is stopped, and `None` returned.
pub fn wait_at_most(child: &mut Child, most: Duration) -> Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= most {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the command prints, when it succeeds.
pub fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of that name is in `PATH` or in the directories of administrators.
pub fn exists(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir: PathBuf| dir.join(name).is_file())
}

/// Whether this process may load programs into the kernel and make network namespaces.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The command as one would type it, settings in front; the path of cargo is shortened to its name.
fn line(command: &Command) -> String {
    let settings = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}={}", name.to_string_lossy(), quote(&value)))
    });
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args()).map(|word| quote(&word.to_string_lossy()));
    settings.chain(words).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // The unit separator is how cargo's encoded flags are joined.
    format!("'{}'", word.replace('\'', r"'\''").replace('\x1f', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        let mut command = program("/usr/bin/echo");
        command.env("A", "b c").args(["it's", "", "--x=1"]);
        assert_eq!(line(&command), r"A='b c' echo 'it'\''s' '' --x=1");
    }

    #[test]
    fn a_failing_command_is_named_in_the_error() {
        let error = run(&mut program("false")).unwrap_err().to_string();
        assert!(error.contains("`false` failed"), "{error}");
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let wait = |seconds| {
            let mut child = program("sleep").arg(seconds).spawn().unwrap();
            wait_at_most(&mut child, Duration::from_millis(300)).unwrap().map(|status| status.success())
        };
        assert_eq!((wait("0"), wait("60")), (Some(true), None));
    }

    #[test]
    fn a_missing_program_is_named_in_the_error() {
        let error = output(&mut program("no-such-program-here")).unwrap_err().to_string();
        assert!(error.contains("no-such-program-here"), "{error}");
    }
}
