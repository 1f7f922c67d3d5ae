//! Child processes: captured for the stages, shown for the commands.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::tree;

/// One child process to be run in the workspace's folder, without standard input.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    limit: Option<Duration>,
}

/// What a captured child left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Whether it ended by itself with exit code 0.
    pub(crate) success: bool,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard output and standard error, in the order in which they arrived.
    pub(crate) output: String,
}

impl Run {
    /// Prepares a child process.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Run {
        let mut command = Command::new(program);
        command.current_dir(tree::root()).stdin(Stdio::null());
        // Cargo describes this package to us in these variables. A cargo below must not take them for its own,
        // because build scripts that watch them would run again.
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        Run { command, limit: None }
    }

    /// Prepares a call of the cargo that started this command.
    pub(crate) fn cargo() -> Run {
        Run::new(tree::cargo())
    }

    /// Adds arguments, separated by blanks.
    pub(crate) fn words(mut self, words: &str) -> Run {
        self.command.args(words.split_whitespace());
        self
    }

    /// Adds one argument as it is.
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Run {
        self.command.arg(arg.into());
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// Ends the child when it takes longer than `limit`, with all that it has started; it then counts as failed.
    pub(crate) fn limit(mut self, limit: Duration) -> Run {
        // A group of its own, so that what the child has started can be found.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        self.limit = Some(limit);
        self
    }

    /// Runs the child and collects what it writes.
    ///
    /// # Errors
    /// When the program cannot be started, typically because it is not installed.
    pub(crate) fn capture(mut self) -> io::Result<Finished> {
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let both = Arc::new(Mutex::new(Vec::new()));
        let stdout = child.stdout.take().map(|pipe| collect(pipe, Arc::clone(&both)));
        let stderr = child.stderr.take().map(|pipe| collect(pipe, Arc::clone(&both)));
        let success = wait(&mut child, self.limit)?;
        let read = |reader: Option<JoinHandle<Vec<u8>>>| {
            reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
        };
        let (stdout, _) = (read(stdout), read(stderr));
        let both = std::mem::take(&mut *both.lock().unwrap_or_else(PoisonError::into_inner));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Finished { success, stdout: text(stdout), output: text(both) })
    }

    /// Runs the child with its output shown as it comes.
    ///
    /// # Errors
    /// When the program cannot be started or does not end with exit code 0.
    pub(crate) fn show(mut self) -> Result<(), String> {
        let name = self.command.get_program().to_string_lossy().into_owned();
        match self.command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("`{name}` ended with {status}")),
            Err(error) => Err(format!("`{name}` cannot be started: {error}")),
        }
    }

    /// Turns this process into the child where the system can do that, so that Ctrl-C reaches it directly and its exit
    /// code is ours; elsewhere runs it and waits.
    ///
    /// # Errors
    /// When the program cannot be started; on systems without `exec` also when it fails.
    pub(crate) fn become_it(mut self) -> Result<(), String> {
        self.command.stdin(Stdio::inherit());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            Err(format!("the server cannot be started: {}", self.command.exec()))
        }
        #[cfg(not(unix))]
        self.show()
    }
}

fn wait(child: &mut Child, limit: Option<Duration>) -> io::Result<bool> {
    let Some(limit) = limit else { return Ok(child.wait()?.success()) };
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(50));
    }
    #[cfg(unix)]
    Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
    child.kill()?;
    child.wait()?;
    Ok(false)
}

/// Reads a pipe to its end, also into what both pipes share.
fn collect(mut pipe: impl Read + Send + 'static, both: Arc<Mutex<Vec<u8>>>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut own = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = pipe.read(&mut buffer) {
            own.extend_from_slice(&buffer[..read]);
            both.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..read]);
        }
        own
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_child_hands_back_both_streams() {
        let done = Run::cargo().words("--version").capture().expect("cargo runs the tests");
        assert!(done.success);
        assert!(done.stdout.starts_with("cargo "), "{}", done.output);

        let done = Run::cargo().words("no-such-command-here").capture().expect("cargo runs the tests");
        assert!(!done.success);
        assert!(done.output.contains("no-such-command-here"), "{}", done.output);
        assert_eq!(done.stdout, "");
    }

    #[cfg(unix)]
    #[test]
    fn a_limit_ends_what_the_child_has_started() {
        let run = Run::new("sh").words("-c").arg("echo begun; tail -f /dev/null & wait");
        let done = run.limit(Duration::from_millis(200)).capture().expect("there is a shell");
        assert!(!done.success);
        assert_eq!(done.output, "begun\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(Run::new("no-such-program-anywhere").capture().is_err());
    }
}
