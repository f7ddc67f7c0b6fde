//! A folder with an identity, a repository and an output folder, and the binary to run over them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use seal_core::key::Identity;
use seal_core::kind::edit::edit;
use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;
use seal_core::manifest::Manifest;
use seal_core::place::{Place, Scope};
use seal_core::seal;

pub(crate) const CANARY: &str = "CANARY";

pub(crate) struct Rig {
    folder: tempfile::TempDir,
    identity: Identity,
}

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    pub code: i32,
    pub log: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn assert(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.log);
        for word in words {
            assert!(self.log.contains(word), "no {word:?} in:\n{}", self.log);
        }
    }
}

impl Rig {
    /// An identity and an empty repository on branch `main`.
    pub(crate) fn new() -> Self {
        let rig = Self { folder: tempfile::tempdir().unwrap(), identity: Identity::generate() };
        rig.write_identity("key.txt", &rig.identity);
        fs::create_dir(rig.at("repo")).unwrap();
        rig.git(&["init", "--quiet", "--initial-branch=main"]);
        rig
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn out(&self, path: &str) -> PathBuf {
        self.at("out").join(path)
    }

    pub(crate) fn write_identity(&self, name: &str, identity: &Identity) {
        let text = identity.to_secret_text();
        fs::write(self.at(name), format!("{}\n", text.expose())).unwrap();
        fs::set_permissions(self.at(name), PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// The text of a sealed file for exactly this place, for this rig's identity.
    pub(crate) fn seal(&self, place: &str, values: &[(&str, &str)]) -> String {
        seal_for(&self.identity, None, place, values)
    }

    /// The same with a scope of its own.
    pub(crate) fn seal_wide(&self, scope: Scope, place: &str, values: &[(&str, &str)]) -> String {
        seal_for(&self.identity, Some(scope), place, values)
    }

    /// `text` with one value set anew, as `seal set` does it.
    pub(crate) fn set(&self, text: &str, key: &str, value: &str) -> String {
        let mut documents = file::read(text).unwrap();
        let Some(Document::Sealed(sealed)) = documents.pop() else { panic!("one sealed file") };
        let values = [(key.to_owned(), value.as_bytes().into())].into();
        let recipients = [self.identity.recipient().parse().unwrap()];
        let change = seal::seal_into(&sealed, &values, &sealed.spec.scope, &recipients).unwrap();
        edit(text, 0, &change).unwrap()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        seal_testing::git(&self.at("repo"), args)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a file into the repository and commits it.
    pub(crate) fn commit(&self, path: &str, text: &str) {
        self.write(&format!("repo/{path}"), text);
        self.commit_all();
    }

    pub(crate) fn delete(&self, paths: &[&str]) {
        paths.iter().for_each(|path| fs::remove_file(self.at("repo").join(path)).unwrap());
        self.commit_all();
    }

    pub(crate) fn commit_all(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=a change"]);
    }

    /// Seals and commits objects `prod/<name>`, each in a file of its own, with one key `password`.
    pub(crate) fn commit_objects(&self, names: &[&str]) {
        for name in names {
            let text =
                self.seal(&format!("prod/{name}"), &[("password", &format!("{CANARY} {name}"))]);
            self.write(&format!("repo/{name}.yaml"), &text);
        }
        self.commit_all();
    }

    pub(crate) fn command(&self, source: &[&str], extra: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seal-controller"));
        command
            .current_dir(self.folder.path())
            .env("GIT_DIR", "/nowhere")
            .env("PATH", "") // nothing here may start a program of others
            .arg("local")
            .args(source);
        command.arg("--identity=key.txt");
        for (flag, usual) in
            [("--namespaces", "prod,staging"), ("--layout", "tree"), ("--out", "out")]
        {
            if !extra.iter().any(|word| word.starts_with(flag)) {
                command.arg(format!("{flag}={usual}"));
            }
        }
        command.args(extra).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Applies the repository's HEAD once.
    pub(crate) fn once(&self) -> Run {
        self.once_with(&["--git=repo", "--ref=main"], &[])
    }

    /// The same into another layout.
    pub(crate) fn lay_out(&self, layout: &str, out: &str) -> Run {
        let (layout, out) = (format!("--layout={layout}"), format!("--out={out}"));
        self.once_with(&["--git=repo", "--ref=main"], &[&layout, &out])
    }

    pub(crate) fn once_with(&self, source: &[&str], extra: &[&str]) -> Run {
        let output = self.command(source, extra).arg("--once").output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        let run = Run { code: output.status.code().unwrap(), log };
        assert!(output.stdout.is_empty());
        self.assert_no_secret(&run.log);
        run
    }

    /// Keeps it running; it is killed when the test ends.
    pub(crate) fn watch(&self, source: &[&str]) -> Watching<'_> {
        self.watch_with(source, &[])
    }

    pub(crate) fn watch_with(&self, source: &[&str], extra: &[&str]) -> Watching<'_> {
        self.watch_as(source, &[extra, &["--interval=20ms"]].concat())
    }

    /// The same with an interval of its own.
    pub(crate) fn watch_as(&self, source: &[&str], extra: &[&str]) -> Watching<'_> {
        let mut child = self.command(source, extra).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, into) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        Watching { rig: self, child, log }
    }

    /// What a test planted in the output folder is as strict as what we make, whatever the umask.
    pub(crate) fn tighten_out(&self) {
        for entry in walkdir::WalkDir::new(self.at("out")).into_iter().map(Result::unwrap) {
            if entry.file_type().is_dir() {
                fs::set_permissions(entry.path(), PermissionsExt::from_mode(0o700)).unwrap();
            }
        }
    }

    fn assert_no_secret(&self, log: &str) {
        assert!(!log.contains(CANARY), "a value was logged:\n{log}");
        // A hint may say how an identity begins; behind that stands the key.
        for start in ["AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1"] {
            assert!(!log.contains(start), "an identity was logged:\n{log}");
        }
        for entry in walkdir::WalkDir::new(self.at("out")).into_iter().flatten() {
            let is_inventory = entry.file_name().to_string_lossy().contains("inventory");
            if is_inventory && let Ok(text) = fs::read_to_string(entry.path()) {
                assert!(!text.contains(CANARY), "a value is in {}", entry.path().display());
            }
        }
    }

    pub(crate) fn value(&self, path: &str) -> String {
        fs::read_to_string(self.out(path)).unwrap_or_else(|error| format!("({path}: {error})"))
    }

    /// Everything beneath the output folder: path → inode, change time, mode.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, (u64, i64, i64, u32)> {
        let entries = walkdir::WalkDir::new(self.at("out")).into_iter().map(Result::unwrap);
        let stamp = |entry: walkdir::DirEntry| {
            let meta = entry.metadata().unwrap();
            (entry.into_path(), (meta.ino(), meta.ctime(), meta.ctime_nsec(), meta.mode()))
        };
        entries.map(stamp).collect()
    }
}

pub(crate) fn seal_for(
    identity: &Identity,
    scope: Option<Scope>,
    place: &str,
    values: &[(&str, &str)],
) -> String {
    let (namespace, name) = place.split_once('/').unwrap();
    let place = Place::new(namespace, name).unwrap();
    let value = |(key, value): &(&str, &str)| ((*key).to_owned(), value.as_bytes().into());
    let manifest = Manifest {
        namespace: None,
        name: None,
        template: Default::default(),
        values: values.iter().map(value).collect(),
        dropped: vec![],
        empty: vec![],
    };
    let scope = scope.unwrap_or_else(|| Scope::of(&place));
    let recipients = [identity.recipient().parse().unwrap()];
    let sealed = seal::seal(manifest, &place, scope, &Default::default(), &recipients).unwrap();
    file::write(&sealed)
}

/// The same sealed file with something changed after sealing.
pub(crate) fn altered(text: &str, change: impl FnOnce(&mut SealedSecret)) -> String {
    let mut documents = file::read(text).unwrap();
    let Some(Document::Sealed(mut sealed)) = documents.pop() else { panic!("one sealed file") };
    change(&mut sealed);
    file::write(&sealed)
}

/// A running `seal-controller local`.
pub(crate) struct Watching<'a> {
    rig: &'a Rig,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Watching<'_> {
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Looks until it is so, or long after a person would have given up.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < deadline, "not so: {what}; log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.rig.assert_no_secret(&self.log());
    }

    #[track_caller]
    pub(crate) fn until_logged(&self, words: &str) {
        self.until(words, || self.log().contains(words));
    }

    #[track_caller]
    pub(crate) fn until_value(&self, path: &str, value: &str) {
        self.until(&format!("{path} is {value}"), || self.rig.value(path) == value);
    }

    /// Sends the signal and gives the exit code.
    pub(crate) fn stop(mut self, signal: rustix::process::Signal) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
        self.child.wait().unwrap().code().expect("it ends by itself on a signal")
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
