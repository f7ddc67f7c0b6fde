//! `seal-controller git` as its user sees it: a real repository over real HTTPS, a real API server, its own
//! ServiceAccount, and the live Secret that the controller makes of what it applied.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use seal_core::kind::crd::git_definition;
use seal_core::kind::file;
use seal_core::kind::git_source::{GitSource, GitSourceStatus};
use seal_core::kind::sealed::SealedSecret;
use seal_testing::{Cluster, Fault, GitServer, Namespace, Process, eventually, git};
use serde_json::{Value, json};

use crate::support::{CANARY, Controller, apply, shared, values};

const GIT: &str = include_str!("../../deploy/chart/files/git.yaml");
const GIT_RIGHTS: &str = include_str!("../../deploy/chart/files/git-rbac-namespace.yaml");
const GIT_CLUSTER_RIGHTS: &str = include_str!("../../deploy/chart/files/git-rbac-cluster.yaml");

/// A repository, its server, a namespace of sources, one that is served, and the process.
pub(crate) struct Rig {
    pub(crate) cluster: &'static Cluster,
    pub(crate) controller: &'static Controller,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: GitServer,
    pub(crate) home: Namespace,
    pub(crate) served: Namespace,
    process: Option<Process>,
    pub(crate) url: String,
}

impl Rig {
    pub(crate) async fn new(cluster: &'static Cluster, controller: &'static Controller) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("repo")).unwrap();
        git(&folder.path().join("repo"), &["init", "--quiet", "--initial-branch=main"]);
        let server = GitServer::start(folder.path());
        let definition = serde_json::from_value(git_definition()).unwrap();
        cluster.install([definition]).await;
        let (home, served) = (cluster.namespace().await, cluster.namespace().await);
        let rights = GIT_RIGHTS.replace("SERVED", &served.name);
        let manifests = format!("{GIT}---\n{rights}").replace("seal-git", &home.name);
        apply(cluster, &manifests).await;
        let mut rig = Self {
            cluster,
            controller,
            folder,
            server,
            home,
            served,
            process: None,
            url: String::new(),
        };
        rig.start(&[]).await;
        rig
    }

    /// Starts the process, or starts it anew.
    pub(crate) async fn start(&mut self, more: &[&str]) {
        self.kill();
        let account = self.cluster.kubeconfig_for_service_account(&self.home.name, &self.home.name);
        let kubeconfig = account.await.display().to_string();
        let cache = self.folder.path().join("cache").display().to_string();
        let binary = env!("CARGO_BIN_EXE_seal-controller");
        // The shipped limit, of itself; nothing on PATH, as in the image.
        let mut args =
            vec!["-i", "PATH=/nonexistent", "/usr/bin/prlimit", "--data=402653184", binary, "git"];
        args.extend(["--kubeconfig", &kubeconfig, "--namespace", &self.home.name]);
        args.extend(["--listen", "127.0.0.1:0", "--cache", &cache]);
        args.extend(more);
        let args: Vec<String> = args.into_iter().map(ToOwned::to_owned).collect();
        let process = Process::start("seal-git", Path::new("env"), &args).unwrap();
        self.url = format!("http://{}", process.said("address=").await);
        self.process = Some(process);
    }

    pub(crate) fn kill(&mut self) {
        drop(self.process.take());
    }

    /// The fetches that are under way: each is a child of the process.
    pub(crate) fn fetches(&self) -> usize {
        let pid = self.process.as_ref().map(Process::pid).unwrap_or_default();
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let children = tasks.map(|task| task.unwrap().path().join("children"));
        let of = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        children.map(|path| of(path).split_whitespace().count()).sum()
    }

    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.repository(), args)
    }

    /// Writes files, commits, and gives the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.repository().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.commit_all()
    }

    pub(crate) fn remove(&self, paths: &[&str]) -> String {
        paths.iter().for_each(|path| fs::remove_file(self.repository().join(path)).unwrap());
        self.commit_all()
    }

    pub(crate) fn commit_all(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=a change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The text of a sealed file for the served namespace.
    pub(crate) fn seal(&self, name: &str, value: &str) -> String {
        file::write(&self.controller.seal(&self.served, name, &[("password", value)]))
    }

    /// Makes a GitSource of this repository, with more in its spec.
    pub(crate) async fn source(&self, name: &str, more: Value) -> GitSource {
        let mut spec = json!({
            "url": format!("{}/repo/.git", self.server.url),
            "caBundle": self.server.ca,
            "namespaces": [self.served.name],
            "interval": "10s",
        });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let source = json!({
            "apiVersion": "seal.dev/v1",
            "kind": "GitSource",
            "metadata": {"name": name, "namespace": self.home.name},
            "spec": spec,
        });
        self.home.create(serde_json::from_value::<GitSource>(source).unwrap()).await
    }

    /// Has the source look now, as `kubectl annotate` does.
    pub(crate) async fn look(&self, name: &str) {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let now = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        self.annotate(name, "seal.dev/reconcile-at", &now).await;
    }

    pub(crate) async fn annotate(&self, name: &str, key: &str, value: &str) {
        let api: Api<GitSource> = Api::namespaced(self.cluster.client(), &self.home.name);
        let patch = json!({"metadata": {"annotations": {key: value}}});
        let patch = kube::api::Patch::Merge(patch);
        api.patch(name, &Default::default(), &patch).await.unwrap();
    }

    /// Waits until the source says that of itself.
    pub(crate) async fn until(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&GitSourceStatus) -> bool,
    ) -> GitSourceStatus {
        let api: Api<GitSource> = Api::namespaced(self.cluster.client(), &self.home.name);
        let (api, is_so) = (&api, &is_so);
        eventually(&format!("{what}; log:\n{}", self.log()), async || {
            let status = api.get(name).await.ok()?.status?;
            is_so(&status).then_some(status)
        })
        .await
    }

    /// Waits until that commit is live and the verdict is that.
    pub(crate) async fn until_applied(&self, name: &str, commit: &str) -> GitSourceStatus {
        self.until(name, &format!("{commit} is live"), |status| {
            status.last_applied_revision.as_deref() == Some(commit) && reason(status) == "Applied"
        })
        .await
    }

    pub(crate) async fn until_reason(&self, name: &str, word: &str) -> GitSourceStatus {
        self.until(name, &format!("its reason is {word}"), |status| reason(status) == word).await
    }

    /// Sealed objects that the process has written so far.
    pub(crate) fn written(&self) -> usize {
        let all = self.cluster.requests_by(&self.home.name, &self.home.name);
        let is_write = |it: &&seal_testing::Used| {
            it.resource == "sealedsecrets" && ["create", "update", "patch"].contains(&&*it.verb)
        };
        all.iter().filter(is_write).count()
    }

    pub(crate) async fn until_value(&self, name: &str, value: &str) {
        let wanted: BTreeMap<String, String> = crate::support::map(&[("password", value)]);
        self.served
            .eventually(&format!("{name} is live"), name, |secret: &Secret| {
                values(secret) == wanted
            })
            .await;
    }

    pub(crate) fn sealed(&self) -> Api<SealedSecret> {
        Api::namespaced(self.cluster.client(), &self.served.name)
    }
}

pub(crate) fn reason(status: &GitSourceStatus) -> &str {
    let ready = status.conditions.iter().find(|it| it.type_ == "Ready");
    ready.map(|it| it.reason.as_str()).unwrap_or_default()
}

pub(crate) fn message(status: &GitSourceStatus) -> &str {
    let ready = status.conditions.iter().find(|it| it.type_ == "Ready");
    ready.map(|it| it.message.as_str()).unwrap_or_default()
}

#[tokio::test]
async fn a_merged_change_is_live_and_what_is_unchanged_is_not_written() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let first = rig.commit(&[("a.yaml", &rig.seal("a", "one")), ("b.yaml", &rig.seal("b", "one"))]);
    rig.source("app", json!({})).await;
    let status = rig.until_applied("app", &first).await;
    assert_eq!(status.objects.map(|it| (it.applied, it.refused)), Some((2, 0)));
    rig.until_value("a", "one").await;
    let before = rig.sealed().get("b").await.unwrap();

    let second = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.look("app").await;
    let status = rig.until_applied("app", &second).await;
    assert_eq!(status.objects.map(|it| (it.applied, it.unchanged)), Some((1, 1)));
    rig.until_value("a", "two").await;
    let after = rig.sealed().get("b").await.unwrap();
    assert_eq!(before.metadata.generation, after.metadata.generation);
    assert!(!rig.log().contains(CANARY));
}

#[tokio::test]
async fn a_restart_over_what_is_applied_writes_nothing() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({})).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    let before = rig.sealed().get("a").await.unwrap();
    let written = rig.written();
    rig.start(&[]).await;
    rig.server.requests();
    rig.look("app").await;
    rig.until("app", "it has looked", |status| status.last_handled_reconcile_at.is_some()).await;
    assert!(!rig.server.requests().is_empty());
    let after = rig.sealed().get("a").await.unwrap();
    assert_eq!(before.resource_version(), after.resource_version());
    assert_eq!(rig.written(), written, "not even what changes nothing");
}

#[tokio::test]
async fn what_was_changed_while_it_was_away_comes_back() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    let files = [("a.yaml", &*rig.seal("a", "one")), ("b.yaml", &*rig.seal("b", "one"))];
    let commit = rig.commit(&files);
    rig.source("app", json!({"interval": "1h"})).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    let written = rig.written();
    rig.kill();
    rig.server.now(Fault::Silent);
    let other = rig.controller.seal(&rig.served, "a", &[("password", "another")]);
    let patch = kube::api::Patch::Merge(crate::support::resealed(&other));
    rig.sealed().patch("a", &Default::default(), &patch).await.unwrap();
    rig.until_value("a", "another").await;
    rig.start(&[]).await;
    rig.until_value("a", "one").await;
    assert_eq!(rig.written(), written + 1);
}

#[tokio::test]
async fn what_was_changed_or_deleted_in_the_cluster_comes_back() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"interval": "1h"})).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    rig.server.now(Fault::Silent); // from here on Git is down
    let other = rig.controller.seal(&rig.served, "a", &[("password", "another")]);
    let api = rig.sealed();
    let patch = kube::api::Patch::Merge(crate::support::resealed(&other));
    api.patch("a", &Default::default(), &patch).await.unwrap();
    rig.until_value("a", "one").await;
    api.delete("a", &Default::default()).await.unwrap();
    rig.served
        .eventually("it is there again", "a", |sealed: &SealedSecret| {
            sealed.metadata.deletion_timestamp.is_none()
        })
        .await;
    rig.until_value("a", "one").await;
}

#[tokio::test]
async fn a_bad_file_is_named_and_does_not_hold_up_the_others() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let elsewhere = cluster.namespace().await;
    let with = |name: &str, change: &dyn Fn(&mut SealedSecret)| {
        let mut sealed = rig.controller.seal(&rig.served, name, &[("password", CANARY)]);
        change(&mut sealed);
        file::write(&sealed)
    };
    let labelled = |it: &mut SealedSecret| {
        let labels = crate::support::map(&[("replicate", "everywhere")]);
        it.spec.template.get_or_insert_default().metadata.labels = labels;
    };
    rig.commit(&[
        ("a.yaml", &rig.seal("a", "one")),
        ("accounts.yaml", &with("b1", &|it| it.spec.service_accounts = vec!["default".into()])),
        ("conflict.yaml", &with("b2", &|it| it.spec.on_conflict = Some("Adopt".into()))),
        ("empty.yaml", &with("b3", &|it| it.spec.values.clear())),
        ("labels.yaml", &with("b4", &labelled)),
        ("other.yaml", &file::write(&rig.controller.seal(&elsewhere, "a", &[("password", CANARY)]))),
        ("twice-1.yaml", &rig.seal("twice", "one")),
        ("twice-2.yaml", &rig.seal("twice", "two")),
        ("broken.yaml", "apiVersion: seal.dev/v1\nkind: SealedSecret\nspec: ["),
        ("plain.yaml", &format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: p, namespace: x}}\nstringData: {{a: {CANARY}}}")),
        ("deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"),
    ]);
    rig.source("app", json!({})).await;
    let status = rig.until_reason("app", "Partial").await;
    let refused: BTreeMap<&str, &str> =
        status.refused.iter().map(|it| (it.path.as_str(), it.reason.as_str())).collect();
    let expected = [
        ("accounts.yaml", "NotAllowed"),
        ("broken.yaml", "Malformed"),
        ("conflict.yaml", "NotAllowed"),
        ("empty.yaml", "NotAllowed"),
        ("labels.yaml", "NotAllowed"),
        ("other.yaml", "NotAllowed"),
        ("twice-1.yaml", "Duplicate"),
        ("twice-2.yaml", "Duplicate"),
    ];
    assert_eq!(refused, expected.into(), "{:?}", status.refused);
    assert_eq!(status.in_clear, ["plain.yaml"]);
    rig.until_value("a", "one").await;
    let names: Vec<String> = rig
        .sealed()
        .list(&Default::default())
        .await
        .unwrap()
        .items
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    assert_eq!(names, ["a"]);
    assert!(
        !serde_json::to_string(&status).unwrap().contains(CANARY) && !rig.log().contains(CANARY)
    );
}

#[tokio::test]
async fn what_others_made_is_left_alone_and_of_two_sources_the_first_keeps_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let theirs = rig.controller.seal(&rig.served, "theirs", &[("password", "theirs")]);
    rig.served.create(theirs).await;
    rig.until_value("theirs", "theirs").await;
    let commit = rig.commit(&[
        ("x/theirs.yaml", &rig.seal("theirs", "ours")),
        ("y/a.yaml", &rig.seal("a", "one")),
    ]);
    rig.source("app", json!({"path": "x"})).await;
    let status = rig.until_reason("app", "Partial").await;
    assert_eq!(status.refused[0].reason, "NotOurs");
    rig.until_value("theirs", "theirs").await;
    rig.source("first", json!({"path": "y"})).await;
    rig.until_applied("first", &commit).await;
    rig.source("second", json!({"path": "y"})).await;
    let status = rig.until_reason("second", "Partial").await;
    assert!(status.refused[0].message.contains("the GitSource first"), "{:?}", status.refused);
    // The first goes: what it made stays, and is taken up by one of its name and by no other.
    let api: Api<GitSource> = Api::namespaced(cluster.client(), &rig.home.name);
    api.delete("first", &Default::default()).await.unwrap();
    rig.look("second").await;
    rig.until("second", "it is left alone", |it| {
        it.refused.iter().any(|it| it.message.contains("the GitSource first applied"))
    })
    .await;
    rig.source("first", json!({"path": "y"})).await;
    rig.until_applied("first", &commit).await;
    rig.until_value("a", "one").await;
}

#[tokio::test]
async fn a_removed_file_takes_its_object_along_where_the_source_says_so() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let texts: Vec<(String, String)> =
        ["a", "b", "c", "d"].map(|name| (format!("{name}.yaml"), rig.seal(name, "one"))).to_vec();
    let files: Vec<(&str, &str)> =
        texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let commit = rig.commit(&files);
    rig.source("app", json!({"prune": true})).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    let commit = rig.remove(&["a.yaml"]);
    rig.look("app").await;
    let status = rig.until_applied("app", &commit).await;
    assert_eq!(status.objects.map(|it| it.pruned), Some(1));
    rig.served.eventually_gone::<Secret>("a").await;

    let commit = rig.remove(&["b.yaml", "c.yaml", "d.yaml"]);
    rig.look("app").await;
    let status = rig.until_reason("app", "PruneBlocked").await;
    assert!(message(&status).contains(&format!("seal.dev/allow-prune={commit}")), "{status:?}");
    rig.until_value("b", "one").await;
    rig.annotate("app", "seal.dev/allow-prune", &commit).await;
    rig.until_applied("app", &commit).await;
    for name in ["b", "c", "d"] {
        rig.served.eventually_gone::<Secret>(name).await;
    }
}

#[tokio::test]
async fn what_was_blocked_stays_blocked_whatever_else_is_merged_or_deleted() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    let texts =
        ["a", "b", "c", "d", "e"].map(|name| (format!("{name}.yaml"), rig.seal(name, "one")));
    let files: Vec<(&str, &str)> =
        texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let commit = rig.commit(&files);
    rig.source("app", json!({"prune": true})).await;
    rig.until_applied("app", &commit).await;
    rig.remove(&["a.yaml", "b.yaml", "c.yaml"]);
    rig.look("app").await;
    rig.until_reason("app", "PruneBlocked").await;
    // More objects, so that it is less than half; fewer in the cluster, so that it is one; and another process.
    let commit =
        rig.commit(&[("f.yaml", &rig.seal("f", "one")), ("g.yaml", &rig.seal("g", "one"))]);
    rig.look("app").await;
    let of_seven = |it: &GitSourceStatus| {
        it.last_applied_revision.as_deref() == Some(&commit) && message(it).starts_with("3 of 7")
    };
    rig.until("app", "it is still blocked", of_seven).await;
    rig.start(&[]).await;
    rig.sealed().delete("a", &Default::default()).await.unwrap();
    rig.sealed().delete("b", &Default::default()).await.unwrap();
    rig.look("app").await;
    rig.until("app", "one is left", |it| message(it).starts_with("1 of 5")).await;
    assert!(rig.sealed().get_opt("c").await.unwrap().is_some());
    let back = rig.commit(&files[2..3]);
    rig.look("app").await;
    rig.until_applied("app", &back).await;
    // Without a mistake to wait for, one goes as ever.
    let gone = rig.remove(&["c.yaml"]);
    rig.look("app").await;
    rig.until("app", "it goes", |it| {
        it.last_applied_revision.as_deref() == Some(&gone) && reason(it) == "Applied"
    })
    .await;
    rig.served.eventually_gone::<Secret>("c").await;
}

#[tokio::test]
async fn a_mark_that_is_dropped_comes_back() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"interval": "1h"})).await;
    rig.until_applied("app", &commit).await;
    let before = rig.sealed().get("a").await.unwrap();
    // As `kubectl replace -f a.yaml` does.
    let patch = kube::api::Patch::Merge(json!({"metadata": {"annotations": null}}));
    rig.sealed().patch("a", &Default::default(), &patch).await.unwrap();
    rig.served
        .eventually("it has its mark again", "a", |sealed: &SealedSecret| {
            sealed.annotations().contains_key("seal.dev/git-source")
        })
        .await;
    assert_eq!(rig.sealed().get("a").await.unwrap().uid(), before.uid());
    let next = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.look("app").await;
    rig.until_applied("app", &next).await;
}

#[tokio::test]
async fn a_right_that_is_taken_away_for_a_moment_heals_without_help() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({})).await;
    rig.until_applied("app", &commit).await;
    let rights = GIT_RIGHTS.replace("SERVED", &rig.served.name).replace("seal-git", &rig.home.name);
    let fewer = rights.replace("update, delete", "delete");
    assert_ne!(fewer, rights);
    apply(cluster, &fewer).await;
    rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.look("app").await;
    rig.until("app", "it is not allowed", |it| {
        it.refused.first().is_some_and(|it| it.reason == "NotAllowed")
    })
    .await;
    apply(cluster, &rights).await;
    rig.until_value("a", "two").await; // without another look
}

#[tokio::test]
async fn rewritten_history_is_not_applied_until_somebody_says_so() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let first = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    let live = rig.commit_all();
    rig.source("app", json!({})).await;
    rig.until_applied("app", &live).await;
    rig.until_value("a", "two").await;
    rig.git(&["reset", "--quiet", "--hard", &first]);
    let rewritten = rig.commit(&[("a.yaml", &rig.seal("a", "old again"))]);
    rig.look("app").await;
    let status = rig.until_reason("app", "NotFastForward").await;
    assert_eq!(status.last_applied_revision, Some(live));
    assert_eq!(status.last_attempted_revision, Some(rewritten.clone()));
    rig.until_value("a", "two").await;
    rig.annotate("app", "seal.dev/accept-revision", &rewritten).await;
    rig.until_applied("app", &rewritten).await;
    rig.until_value("a", "old again").await;
}

#[tokio::test]
async fn its_role_reads_no_other_secret_and_writes_nothing_elsewhere() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let account = format!("system:serviceaccount:{0}:{0}", rig.home.name);
    let can = async |verb: &str, what: &str, namespace: &str| {
        let args = ["auth", "can-i", verb, what, "-n", namespace, "--as", &account];
        let output = cluster.kubectl(&args, "").await;
        String::from_utf8_lossy(&output.stdout).trim() == "yes"
    };
    let (home, served) = (rig.home.name.as_str(), rig.served.name.as_str());
    assert!(can("get", "secrets", home).await);
    for (verb, what, namespace) in [
        ("list", "secrets", home),
        ("watch", "secrets", home),
        ("create", "secrets", home),
        ("get", "secrets", served),
        ("get", "secrets", "seal-system"),
        ("list", "secrets", "seal-system"),
        ("get", "secrets", "default"),
        ("create", "sealedsecrets.seal.dev", "default"),
        ("create", "sealedsecrets.seal.dev", "seal-system"),
        ("patch", "sealedsecrets.seal.dev/status", served),
        ("create", "clustersealedsecrets.seal.dev", served),
        ("update", "gitsources.seal.dev", home),
        ("create", "serviceaccounts/token", home),
    ] {
        assert!(!can(verb, what, namespace).await, "{verb} {what} in {namespace}");
    }
    // A namespace that the installer did not name is said to be none of its own.
    let other = cluster.namespace().await;
    rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"namespaces": [other.name]})).await;
    let status = rig.until_reason("app", "NotAllowed").await;
    assert!(message(&status).contains("--git-namespaces"), "{status:?}");
    let _ = GIT_CLUSTER_RIGHTS;
}
