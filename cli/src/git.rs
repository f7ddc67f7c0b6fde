//! Git, asked through its own program: what its history and its index hold, and three texts merged line by line.
//!
//! What a repository's configuration could have started is turned off, nothing is fetched and no question is asked.
//! What Git says on standard error is left where people see it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use seal_core::exit_code::ExitCode;

use crate::error::{Failure, words};
use crate::files;

/// What no repository decides. A bare one within a tree is nobody's but the tree's.
const SETTINGS: [&str; 4] = [
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.hooksPath=/dev/null",
    "safe.bareRepository=explicit",
];
/// What would make other paths of those that are asked for.
const PATHSPECS: [&str; 4] =
    ["GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"];
/// Most bytes of an answer that is read as a whole.
const MOST_OF_AN_ANSWER: u64 = 256 * 1024 * 1024;

/// One repository.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    folder: PathBuf,
    /// Whether the folder itself is a bare repository, and that was meant: one that a tree brings along has a configuration of
    /// its own, and is never looked for.
    is_bare: bool,
}

impl Git {
    /// The repository that `folder` lies in, with a work tree.
    pub(crate) fn of(folder: &Path) -> Result<Self, Failure> {
        Self { folder: folder.to_path_buf(), is_bare: false }.found()
    }

    /// The same, or the bare repository that `folder` itself is.
    pub(crate) fn of_bare_too(folder: &Path) -> Result<Self, Failure> {
        let is_bare = files::is_bare(folder) && !files::exists(&folder.join(".git"));
        Self { folder: folder.to_path_buf(), is_bare }.found()
    }

    fn found(self) -> Result<Self, Failure> {
        let git = self;
        let folder = &git.folder;
        git.answer(["rev-parse", "--git-dir"]).map_err(|failure| match failure.code {
            ExitCode::Failed => {
                Failure::input(format!("{} is in no Git repository", folder.display()))
                    .hint("name a folder of one")
            }
            _ => failure,
        })?;
        Ok(git)
    }

    /// Whether Git reads the work tree whose root, without links, is `root`: it refuses where that is somebody else's and the
    /// user has not called it safe. What the environment says of another repository does not count, nor one that lies above.
    pub(crate) fn trusts(root: &Path) -> bool {
        let git = Self { folder: root.to_path_buf(), is_bare: false };
        let mut command = git.command(["rev-parse", "--show-toplevel"]);
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"] {
            command.env_remove(variable);
        }
        let asked = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
        asked.is_ok_and(|answer| {
            let top = String::from_utf8_lossy(&answer.stdout).trim_end().to_owned();
            answer.status.success() && dunce::canonicalize(top).is_ok_and(|top| top == root)
        })
    }

    /// What Git answers, as text.
    pub(crate) fn text<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<String, Failure> {
        let bytes = self.answer(arguments)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// What Git answers.
    pub(crate) fn answer<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<Vec<u8>, Failure> {
        let mut command = self.command(arguments);
        let mut child = started(command.stdin(Stdio::null()))?;
        let mut answer = Vec::new();
        let stdout = child.stdout.take().expect("it was asked for");
        let read = stdout.take(MOST_OF_AN_ANSWER + 1).read_to_end(&mut answer);
        let is_whole = read.is_ok() && answer.len() as u64 <= MOST_OF_AN_ANSWER;
        ended(child, is_whole)?;
        Ok(answer)
    }

    /// Whether a question is answered with yes, which is exit status 0.
    pub(crate) fn is<I: AsRef<OsStr>>(&self, question: impl IntoIterator<Item = I>) -> bool {
        let mut command = self.command(question);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// The contents of objects, one behind the other in the order of `names`; `take` gets each with its number.
    pub(crate) fn each_object(
        &self,
        names: &[String],
        mut take: impl FnMut(usize, Vec<u8>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut command = self.command(["cat-file", "--batch", "--buffer"]);
        let mut child = started(command.stdin(Stdio::piped()))?;
        let writing = write_all(&mut child, names.join("\n") + "\n");
        let mut stdout = BufReader::new(child.stdout.take().expect("it was asked for"));
        for number in 0..names.len() {
            match next_object(&mut stdout) {
                Some(Object::Bytes(bytes)) => take(number, bytes)?,
                Some(Object::Missing) => {}
                None => return Err(unexpected()),
            }
        }
        writing.join().map_err(|_| unexpected())?;
        ended(child, true)
    }

    /// What Git answers to a list on its standard input; `also` is an exit status that is no failure.
    pub(crate) fn answer_to<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
        list: String,
        also: i32,
    ) -> Result<Vec<u8>, Failure> {
        let mut command = self.command(arguments);
        let mut child = started(command.stdin(Stdio::piped()))?;
        let writing = write_all(&mut child, list);
        let mut answer = Vec::new();
        let stdout = child.stdout.take().expect("it was asked for");
        let read = stdout.take(MOST_OF_AN_ANSWER).read_to_end(&mut answer);
        writing.join().map_err(|_| unexpected())?;
        let status = child.wait().map_err(|_| unexpected())?.code();
        let is_done = read.is_ok() && (status == Some(0) || status == Some(also));
        if is_done { Ok(answer) } else { Err(unexpected()) }
    }

    /// The fields of an answer in which each ends with a NUL, as -z has them.
    pub(crate) fn fields<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<Vec<String>, Failure> {
        Ok(fields(&self.answer(arguments)?))
    }

    /// Whether a name is that of a commit.
    pub(crate) fn is_commit(&self, name: &str) -> bool {
        let commit = format!("{name}^{{commit}}");
        self.is(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
    }

    /// The root of its work tree.
    pub(crate) fn root(&self) -> Result<PathBuf, Failure> {
        Ok(PathBuf::from(self.text(["rev-parse", "--show-toplevel"])?))
    }

    /// Which of these files Git ignores: none that it has.
    pub(crate) fn ignored(&self, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Failure> {
        let names: Vec<&str> = paths.iter().filter_map(|path| path.to_str()).collect();
        let answer = self.answer_to(["check-ignore", "-z", "--stdin"], names.join("\0"), 1)?;
        Ok(fields(&answer).into_iter().map(PathBuf::from).collect())
    }

    /// `git` with what a repository must not decide.
    fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new("git");
        command.arg("--no-pager").arg("-C").arg(&self.folder);
        if self.is_bare {
            command.arg("--git-dir=.");
        }
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        for variable in PATHSPECS {
            command.env_remove(variable);
        }
        command.args(arguments).env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1");
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        command
    }
}

/// What stands between NULs.
pub(crate) fn fields(answer: &[u8]) -> Vec<String> {
    let fields = answer.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    fields.map(|field| String::from_utf8_lossy(field).into_owned()).collect()
}

/// Three texts merged line by line as Git does it, each in a file: the result, and whether it has conflicts.
pub(crate) fn merge_file(
    [base, ours, theirs]: [&Path; 3],
    labels: [&str; 3],
    marker_size: usize,
) -> Result<(Vec<u8>, bool), Failure> {
    let mut command = Command::new("git");
    command.args(["merge-file", "-p", "-q"]).arg(format!("--marker-size={marker_size}"));
    let [of_base, of_ours, of_theirs] = labels;
    command.args(["-L", of_ours, "-L", of_base, "-L", of_theirs]);
    command.args([ours, base, theirs]);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(&error))?;
    match output.status.code() {
        Some(0) => Ok((output.stdout, false)),
        Some(1..128) => Ok((output.stdout, true)),
        _ => Err(Failure::new(ExitCode::Failed, "`git merge-file` failed")),
    }
}

/// What `cat-file --batch` says of one name.
enum Object {
    Bytes(Vec<u8>),
    Missing,
}

fn next_object(stdout: &mut BufReader<ChildStdout>) -> Option<Object> {
    let mut head = String::new();
    stdout.read_line(&mut head).ok()?;
    let words: Vec<&str> = head.split_whitespace().collect();
    let size: usize = match words.as_slice() {
        [_, "missing"] => return Some(Object::Missing),
        [_, _, size] => size.parse().ok()?,
        _ => return None,
    };
    let mut bytes = vec![0; size + 1]; // a line feed is behind each
    stdout.read_exact(&mut bytes).ok()?;
    bytes.truncate(size);
    Some(Object::Bytes(bytes))
}

/// Hands a list over while the answers are read: neither side waits for the other.
fn write_all(child: &mut Child, list: String) -> JoinHandle<()> {
    let mut stdin = child.stdin.take().expect("it was asked for");
    std::thread::spawn(move || {
        // Where Git has ended, its answers end as well, and that is noticed.
        let _ = stdin.write_all(list.as_bytes());
    })
}

fn started(command: &mut Command) -> Result<Child, Failure> {
    command.stdout(Stdio::piped()).spawn().map_err(|error| not_started(&error))
}

fn not_started(error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(ExitCode::Missing, "there is no `git` on the PATH")
                .hint("this command asks Git: install it")
        }
        _ => Failure::new(ExitCode::Failed, format!("`git` cannot be started: {}", words(error))),
    }
}

fn ended(mut child: Child, is_whole: bool) -> Result<(), Failure> {
    if !is_whole {
        let _ = child.kill();
    }
    let is_done = child.wait().is_ok_and(|status| status.success());
    if is_done && is_whole { Ok(()) } else { Err(unexpected()) }
}

fn unexpected() -> Failure {
    Failure::new(ExitCode::Failed, "`git` did not answer as it should")
        .hint("what it says is above; `git fsck` looks over the repository")
}
