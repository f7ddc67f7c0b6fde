//! One shell for a page, as a reader has one: what a command changes is so for the next. Ends with the test.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// Longer than any command of a page may wait: garbage collection comes to know a new kind within half a minute.
const DEADLINE: Duration = Duration::from_secs(180);

/// The script of each step is a file, so that it may hold anything; what it prints is another. The shell's own standard
/// input and output carry the steps' names and exit codes alone, and when this process ends so does the shell.
pub(crate) struct Shell {
    shell: Child,
    steps: ChildStdin,
    codes: Receiver<i32>,
    folder: PathBuf,
}

impl Shell {
    /// Starts in the folder `at`; scripts and their output lie in `folder`.
    pub(crate) fn start(folder: &Path, at: &Path, environment: &[(&str, String)]) -> Self {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).current_dir(at).env_clear();
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut shell = command.spawn().expect("there is a bash");
        let steps = shell.stdin.take().expect("it was asked to be piped");
        let said = BufReader::new(shell.stdout.take().expect("it was asked to be piped"));
        let (sender, codes) = channel();
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let _ = sender.send(line.parse().expect("nothing else is printed there"));
            }
        });
        Self { shell, steps, codes, folder: folder.to_owned() }
    }

    /// Runs a script; its exit code and everything it printed. No code where the shell ended by it, or did not end in time.
    pub(crate) fn run(&mut self, script: &str) -> (Option<i32>, String) {
        let [step, output] = ["step", "output"].map(|name| self.folder.join(name));
        fs::write(&step, script).expect("the folder can be written");
        let (step, printed) = (step.display(), output.display());
        let line = format!(". '{step}' </dev/null >'{printed}' 2>&1; echo $?\n");
        let code = match self.steps.write_all(line.as_bytes()) {
            Ok(()) => self.codes.recv_timeout(DEADLINE).ok(),
            Err(_) => None,
        };
        (code, String::from_utf8_lossy(&fs::read(&output).unwrap_or_default()).into_owned())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.shell.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL); // it may have ended
        }
        let _ = self.shell.wait();
    }
}
