//! What Flux and Argo CD make of a sealed object, by their own code: kstatus, and the shipped Lua in Argo CD's interpreter.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use kube::ResourceExt;
use kube::core::DynamicObject;
use seal_core::key::Identity;
use seal_core::kind::sealed::SealedSecret;
use seal_core::place::{Place, Scope};
use seal_testing::Namespace;
use serde_json::{Value, json};

use crate::support::{Controller, ends, quiet, resealed, seal_for};

const ARGO_CD: &str = include_str!("../../deploy/argocd/argocd-cm.yaml");
const PAGE: &str = include_str!("../../../docs/how-to/beside-flux-and-argo-cd.md");

/// The program that asks, and the scripts as files.
struct Asking {
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// The lines beneath the one that is `head`, without their indent.
fn beneath(text: &str, head: &str) -> String {
    let mut lines = text.lines().skip_while(|line| line.trim() != head);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let outer = indent(lines.next().unwrap());
    let inner = lines.take_while(|line| indent(line) > outer);
    inner.map(|line| format!("{}\n", line.trim_start())).collect()
}

impl Asking {
    fn new(program: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            fs::write(folder.path().join(format!("{name}.lua")), text).unwrap();
        };
        write("health", beneath(ARGO_CD, "health.lua: |"));
        write("discovery", beneath(ARGO_CD, "discovery.lua: |"));
        for action in ["reconcile", "suspend", "resume"] {
            let (_, definition) = ARGO_CD.split_once(&format!("- name: {action}\n")).unwrap();
            write(action, beneath(definition, "action.lua: |"));
        }
        Self { program, folder }
    }

    fn ask(&self, args: &[&str], object: &Value) -> String {
        let mut child = Command::new(&self.program)
            .args(args)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(object.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?} of {object}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The verdict of kstatus, as Flux waits for it, and that of Argo CD; without their messages.
    fn verdicts(&self, object: &Value) -> (String, String) {
        let word = |said: String| said.split(": ").next().unwrap_or_default().to_owned();
        (word(self.ask(&["kstatus"], object)), word(self.ask(&["health", "health.lua"], object)))
    }

    fn action(&self, name: &str, object: &Value) -> Value {
        let said = self.ask(&["action", &format!("{name}.lua")], object);
        serde_json::from_str(&said).unwrap()
    }
}

macro_rules! asking {
    () => {{
        let Some(program) = seal_testing::tool!("gitops-verdict") else { return };
        Asking::new(PathBuf::from(program))
    }};
}

/// The object as the API server has it.
async fn read(ns: &Namespace, name: &str) -> Value {
    let mut object = serde_json::to_value(ns.get::<SealedSecret>(name).await).unwrap();
    object["apiVersion"] = json!("seal.dev/v1");
    object["kind"] = json!("SealedSecret");
    object
}

#[test]
fn each_verdict_of_a_status_is_what_the_tools_say_of_it() {
    let asking = asking!();
    let condition = |type_: &str, status: &str| json!({"type": type_, "status": status, "reason": "R", "message": "m", "observedGeneration": 2});
    let (ready, not_ready) = (condition("Ready", "True"), condition("Ready", "False"));
    let (stalled, reconciling) = (condition("Stalled", "True"), condition("Reconciling", "True"));
    let looked = |generation: i64, conditions: &[&Value]| json!({"observedGeneration": generation, "conditions": conditions});
    for (status, verdicts) in [
        (json!({"observedGeneration": -1}), ("InProgress", "Progressing")),
        (looked(2, &[&ready]), ("Current", "Healthy")),
        (looked(1, &[&ready]), ("InProgress", "Progressing")),
        (looked(1, &[&not_ready, &stalled]), ("InProgress", "Progressing")),
        (looked(2, &[&not_ready]), ("InProgress", "Progressing")),
        (looked(2, &[&not_ready, &stalled]), ("Failed", "Degraded")),
        (looked(2, &[&not_ready, &reconciling]), ("InProgress", "Progressing")),
    ] {
        let object = json!({
            "apiVersion": "seal.dev/v1", "kind": "SealedSecret", "spec": {}, "status": status,
            "metadata": {"name": "db", "generation": 2},
        });
        let (kstatus, argo_cd) = asking.verdicts(&object);
        assert_eq!((kstatus.as_str(), argo_cd.as_str()), verdicts, "{status}");
    }
}

#[test]
fn the_page_for_argo_cd_shows_what_is_shipped() {
    let data = &ARGO_CD[ARGO_CD.find("data:\n").unwrap()..];
    assert!(PAGE.contains(data), "docs/how-to/beside-flux-and-argo-cd.md");
}

#[tokio::test]
async fn flux_and_argo_cd_see_an_object_as_it_is_from_before_it_is_looked_at_until_it_is_refused() {
    let asking = asking!();
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let first = controller.seal(&ns, "db", &[("a", "1")]);
    let home = controller.namespace.clone();
    controller.process.terminate().await;
    let is = async |words: (&str, &str)| {
        let object = read(&ns, "db").await;
        let (kstatus, argo_cd) = asking.verdicts(&object);
        assert_eq!((kstatus.as_str(), argo_cd.as_str()), words, "{object}");
    };
    ns.create(first).await;
    is(("InProgress", "Progressing")).await;
    let again = Controller::start(cluster, &home, &["--namespaces", &ns.name]).await;
    ends(&ns, "db", "Applied").await;
    is(("Current", "Healthy")).await;

    again.process.terminate().await;
    let place = Place::new(&ns.name, "db").unwrap();
    let theirs = Identity::generate().recipient().parse().unwrap();
    let theirs = seal_for(&theirs, &place, Scope::of(&place), &[("a", "1")]);
    ns.patch::<SealedSecret>("db", resealed(&theirs)).await;
    is(("InProgress", "Progressing")).await;
    let _third = Controller::start(cluster, &home, &["--namespaces", &ns.name]).await;
    ends(&ns, "db", "NoMatchingKey").await;
    is(("Failed", "Degraded")).await;
    let said = asking.ask(&["health", "health.lua"], &read(&ns, "db").await);
    assert!(said.starts_with("Degraded: NoMatchingKey: "), "{said}");
}

#[tokio::test]
async fn what_argo_cd_lets_people_ask_is_done() {
    let asking = asking!();
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    let resource = kube::discovery::ApiResource::erase::<SealedSecret>(&());
    let api: kube::Api<DynamicObject> =
        kube::Api::namespaced_with(cluster.client(), &ns.name, &resource);
    let ask = async |action: &str| {
        let changed = asking.action(action, &read(&ns, "db").await);
        let changed: DynamicObject = serde_json::from_value(changed).unwrap();
        api.replace("db", &Default::default(), &changed).await.unwrap()
    };
    let offered = |object: &Value, action: &str| {
        asking.action("discovery", object)[action]["disabled"] == json!(false)
    };
    let before = read(&ns, "db").await;
    assert!(offered(&before, "reconcile") && offered(&before, "suspend"));
    assert!(!offered(&before, "resume"));
    let asked = ask("reconcile").await;
    let at = asked.annotations()["seal.dev/reconcile-at"].clone();
    ns.eventually("it is looked at", "db", |sealed: &SealedSecret| {
        let status = sealed.status.as_ref();
        status.is_some_and(|it| it.last_handled_reconcile_at.as_ref() == Some(&at))
    })
    .await;
    ask("suspend").await;
    ns.eventually("it is suspended", "db", |sealed: &SealedSecret| {
        let status = sealed.status.as_ref();
        status.is_some_and(|it| it.observed_generation == sealed.metadata.generation)
    })
    .await;
    let suspended = read(&ns, "db").await;
    assert_eq!(asking.verdicts(&suspended), ("Current".to_owned(), "Suspended".to_owned()));
    assert!(!offered(&suspended, "reconcile") && offered(&suspended, "resume"));
    ask("resume").await;
    ends(&ns, "db", "Applied").await;
    assert_eq!(asking.verdicts(&read(&ns, "db").await).1, "Healthy");
}
