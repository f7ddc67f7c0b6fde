//! Where a page runs: a home folder, the programs it names, and a cluster where it needs one.

use std::fs;
use std::path::{Path, PathBuf};

use seal_testing::programs::built;
use seal_testing::{Cluster, Process, tools};
use tempfile::TempDir;

use crate::page::{Page, Step, What};
use crate::shell::Shell;
use crate::words::printed;

/// The pages write it for the home folder.
const HOME: &str = "/home/you";
const GIT_CONFIG: &str = "[user]\nname = you\nemail = you@example.com\n[init]\ndefaultBranch = main\n[advice]\ndetachedHead = false\n";

pub(crate) struct World {
    shell: Shell,
    cluster: Option<Cluster>,
    controller: Option<Process>,
    home: PathBuf,
    /// Exit code of the last command, and what it printed.
    code: i32,
    said: String,
    _folder: TempDir,
}

impl World {
    /// `None` after saying that the test is skipped, where a tool is missing.
    pub(crate) async fn for_page(page: &Page, test: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("seal-documents-").tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (bin, home) = (root.join("bin"), root.join("home"));
        fs::create_dir(&bin).unwrap();
        fs::create_dir_all(home.join("work")).unwrap();
        fs::write(home.join(".gitconfig"), GIT_CONFIG).unwrap();
        for program in ["seal", "seal-controller"] {
            std::os::unix::fs::symlink(built(program), bin.join(program)).unwrap();
        }
        let mut cluster = None;
        for need in &page.needs {
            for tool in tools_of(need) {
                std::os::unix::fs::symlink(tools::needed(tool, test)?, bin.join(tool)).unwrap();
            }
            if need == "cluster" {
                cluster = Some(Cluster::own(test).await?);
            }
        }
        let environment = [
            ("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())),
            ("HOME", home.display().to_string()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("TZ", "UTC".to_owned()),
            (
                "KUBECONFIG",
                cluster
                    .as_ref()
                    .map_or(home.join(".kube/config"), Cluster::kubeconfig_path)
                    .display()
                    .to_string(),
            ),
            // For the demo, which looks for the programs there.
            (
                "CARGO_TARGET_DIR",
                built("seal").parent().unwrap().parent().unwrap().display().to_string(),
            ),
            ("ROOT", Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().display().to_string()),
        ];
        let shell = Shell::start(&root, &home.join("work"), &environment);
        Some(Self {
            shell,
            cluster,
            controller: None,
            home,
            code: 0,
            said: String::new(),
            _folder: folder,
        })
    }

    /// Does a step; fails with what was printed where it is not what the page says.
    pub(crate) async fn run(&mut self, page: &str, step: &Step) {
        let at = format!("{page} line {}", step.line);
        match &step.what {
            What::Script(script) => {
                let (code, said) =
                    self.shell.run(&format!("set -euo pipefail\n{script}\nset +eu +o pipefail\n"));
                assert_eq!(code, Some(0), "{at}: the script fails:\n{said}{}", self.log());
            }
            What::Command { code, prints } => self.command(&at, code, prints),
            What::File { path, text } => {
                let (code, said) =
                    self.shell.run(&format!("cat > '{path}' <<'END OF FILE'\n{text}END OF FILE\n"));
                assert_eq!(code, Some(0), "{at}: {path} cannot be written: {said}");
            }
            What::Start => self.start_controller(&at).await,
            What::CollectorLooks => self.cluster(&at).restart_controller_manager(),
            What::Stop => drop(self.controller.take().expect("it was started")),
        }
    }

    /// A command that fails is followed by `echo $?`, as a reader would see it.
    fn command(&mut self, at: &str, code: &str, prints: &str) {
        assert!(
            self.code == 0 || code.trim() == "echo $?",
            "{at}: the command before it ended with {}; show that with `$ echo $?`\n{}",
            self.code,
            self.said
        );
        let (ended, said) = self.shell.run(&format!("(exit {})\n{code}\n", self.code));
        let said = said.replace(&self.home.display().to_string(), HOME);
        assert!(
            printed(prints, &said),
            "{at}: $ {code}\n--- the page says\n{prints}--- it prints\n{said}{}",
            self.log()
        );
        self.code = ended.unwrap_or_else(|| panic!("{at}: $ {code}\ndoes not end:\n{said}"));
        self.said = said;
    }

    /// With a command that failed at the end nobody would see it.
    pub(crate) fn end(self, page: &str) {
        assert_eq!(self.code, 0, "{page}: its last command fails");
    }

    /// As its ServiceAccount, with the arguments of its Deployment.
    async fn start_controller(&mut self, at: &str) {
        let (_, args) = self.shell.run(
            "kubectl get deployment -n seal-system seal-controller -o 'jsonpath={.spec.template.spec.containers[0].args[*]}'",
        );
        let kubeconfig =
            self.cluster(at).kubeconfig_for_service_account("seal-system", "seal-controller").await;
        let mut all = vec!["--kubeconfig".to_owned(), kubeconfig.display().to_string()];
        // As a container that is started again in its pod.
        let own = ["--listen", "127.0.0.1:0", "--pod-name", "pod"];
        all.extend(own.map(str::to_owned));
        all.extend(args.split_whitespace().map(str::to_owned));
        let process = Process::start("seal-controller", &built("seal-controller"), &all).unwrap();
        process.said("address=").await;
        self.controller = Some(process);
    }

    fn cluster(&self, at: &str) -> &Cluster {
        self.cluster.as_ref().unwrap_or_else(|| panic!("{at}: the page needs a cluster"))
    }

    fn log(&self) -> String {
        self.controller
            .as_ref()
            .map(|it| format!("--- the controller's log\n{}", it.log()))
            .unwrap_or_default()
    }
}

fn tools_of(need: &str) -> &'static [&'static str] {
    match need {
        "cluster" | "kubectl" => &["kubectl"],
        "age" => &["age", "age-keygen"],
        "peers" => &["sops", "kubeseal"],
        _ => panic!("a page may need cluster, kubectl, age and peers"),
    }
}
