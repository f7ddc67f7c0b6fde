//! `seal key …` on a real cluster: what whoever runs it does in a year, and what goes wrong on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use seal_core::key::{Identity, Recipient};
use seal_core::place::{Place, Scope};
use seal_testing::{Cluster, Namespace, eventually, eventually_in};
use serde_json::json;

use crate::support::{CANARY, Controller, ends, map, quiet, seal_for, values};
use crate::uninstalling::install;

const KEYS: &str = "type=seal.dev/key";

/// A namespace with keys, and a folder for files.
pub(crate) struct Desk {
    pub(crate) home: Namespace,
    kubeconfig: PathBuf,
    folder: tempfile::TempDir,
}

/// How one command ended.
pub(crate) struct Ran {
    code: i32,
    stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn of(cluster: &Cluster, home: &str) -> Self {
        Self {
            home: Namespace { name: home.to_owned(), client: cluster.client() },
            kubeconfig: cluster.kubeconfig_path(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// `seal key WORDS` in the folder, as whom the kubeconfig names.
    pub(crate) async fn key(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(seal_testing::programs::built("seal"));
        command.arg("key").args(words).current_dir(self.folder.path());
        command.args(["--controller-namespace", &self.home.name, "--kubeconfig"]);
        command.arg(&self.kubeconfig);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        ran(output)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new identity in a file, and its recipient.
    fn offline(&self, name: &str) -> Recipient {
        let identity = Identity::generate();
        let text = format!("{}\n", identity.to_secret_text().expose());
        private(&self.at(name), &text);
        identity.recipient().parse().unwrap()
    }

    async fn keys(&self) -> Vec<Secret> {
        let mut keys = self
            .home
            .api::<Secret>()
            .list(&ListParams::default().fields(KEYS))
            .await
            .unwrap()
            .items;
        keys.sort_by_key(|key| key.annotations().get("seal.dev/created").cloned());
        keys
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.keys().await.iter().map(ResourceExt::name_any).collect();
        names.sort();
        names
    }

    async fn until_published(&self, entry: &str, fingerprint: &str) {
        let maps = self.home.api::<ConfigMap>();
        eventually_in(&maps, "it is published", "seal-recipients", |map| {
            map.data
                .as_ref()
                .is_some_and(|data| data.get(entry).is_some_and(|it| it == fingerprint))
        })
        .await;
    }
}

fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    };
    for private in ["AGE-SECRET-KEY", CANARY] {
        assert!(!ran.stdout.contains(private) && !ran.stderr.contains(private));
    }
    ran
}

impl Ran {
    pub(crate) fn exits(self, code: i32, words: &[&str]) -> Self {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "{said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{word}: {said}"));
        self
    }
}

pub(crate) fn private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
}

fn fingerprint(key: &Secret) -> String {
    let identity = std::str::from_utf8(&key.data.as_ref().unwrap()["identity"].0).unwrap();
    Identity::parse_file(identity).unwrap()[0].fingerprint().to_string()
}

fn state(key: &Secret) -> &str {
    &key.labels()["seal.dev/key"]
}

#[tokio::test]
async fn a_rotation_makes_a_key_in_the_cluster_and_retires_the_one_before() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let desk = Desk::of(cluster, &controller.namespace);
    let old = controller.seal(&ns, "old", &[("a", "1")]);
    desk.key(&["rotate"]).await.exits(0, &["seal-key-first is retired", "seal key backup"]);
    let keys = desk.keys().await;
    assert_eq!(keys.iter().map(state).collect::<Vec<_>>(), ["retired", "active"]);
    let new = &keys[1];
    assert_eq!(new.annotations()["seal.dev/fingerprint"], fingerprint(new));
    assert_eq!(new.annotations()["seal.dev/follows"], "seal-key-first");
    desk.until_published("fingerprint", &fingerprint(new)).await;
    ns.create(old).await;
    ends(&ns, "old", "Applied").await;

    // Somebody's laptop was closed in the middle: what is asked for is made once, and the next run goes on.
    let asked = json!({"metadata": {"annotations": {"seal.dev/rotate": "yesterday"}}});
    desk.home.patch::<Secret>(&new.name_any(), asked).await;
    eventually("the key that is asked for is made", async || {
        (desk.keys().await.len() == 3).then_some(())
    })
    .await;
    desk.key(&["rotate"]).await.exits(0, &["going on", "is retired"]);
    let keys = desk.keys().await;
    assert_eq!(keys.iter().map(state).collect::<Vec<_>>(), ["retired", "retired", "active"]);
    assert!(!keys.iter().any(|key| key.annotations().contains_key("seal.dev/rotate")));

    let listed = desk.key(&["list"]).await.exits(0, &["OBJECTS"]);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert!(lines.len() == 4 && lines[1].contains(&fingerprint(&keys[2])), "{}", listed.stdout);
    assert!(lines[3].starts_with("seal-key-first") && lines[3].ends_with("   1"), "{lines:?}");
    let json = desk.key(&["list", "--json"]).await.exits(0, &[]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json[2]["objects"], 1);
    desk.key(&["rotate", "seal-key-first"]).await.exits(2, &["is not active"]);
    desk.key(&["rotate", "nothing"]).await.exits(4, &["no key Secret of that name"]);
}

#[tokio::test]
async fn a_key_for_some_namespaces_is_rotated_under_its_name_and_for_the_same_ones() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let desk = Desk::of(cluster, &controller.namespace);
    let team = desk.offline("team.key");
    let words = ["restore", "team.key", "--name", "team", "--namespaces", &ns.name];
    desk.key(&words).await.exits(0, &["restored team"]);
    desk.until_published("team.fingerprint", &team.fingerprint().to_string()).await;
    desk.key(&["rotate", "team"]).await.exits(0, &["team is retired"]);
    let keys = desk.keys().await;
    let new = keys.last().unwrap();
    assert_eq!(new.annotations()["seal.dev/namespaces"], ns.name);
    assert_eq!(new.annotations()["seal.dev/key-name"], "team");
    desk.until_published("team.fingerprint", &fingerprint(new)).await;
    desk.until_published("fingerprint", &controller.fingerprint()).await;
}

#[tokio::test]
async fn what_is_backed_up_comes_back_into_a_new_cluster_and_writes_over_nothing() {
    let Some(cluster) = seal_testing::own_cluster!() else { return };
    install(&cluster).await;
    let controller = Controller::start(&cluster, "seal-system", &[]).await;
    let desk = Desk::of(&cluster, "seal-system");
    let ns = cluster.namespace().await;
    let offline = desk.offline("offline.key");
    desk.offline("other.key");
    desk.offline("team.key");
    let team = ["restore", "team.key", "--name", "team", "--namespaces", &ns.name, "--retired"];
    desk.key(&team).await.exits(0, &["restored team"]);
    let sealed = controller.seal(&ns, "db", &[("a", CANARY)]);

    desk.key(&["backup", "-o", "keys.age"]).await.exits(4, &["no .seal.yaml", "-r RECIPIENT"]);
    let own = controller.recipient();
    let words = ["backup", "-o", "keys.age", "-r", own.as_str()];
    desk.key(&words).await.exits(2, &["with the keys that are in it"]);
    let words = ["backup", "-o", "keys.age", "-r", offline.as_str()];
    desk.key(&words).await.exits(0, &["wrote 2 keys to keys.age"]);
    desk.key(&words).await.exits(2, &["is not overwritten"]);
    let verify = ["verify-backup", "keys.age", "-i", "offline.key"];
    desk.key(&verify).await.exits(0, &[&controller.fingerprint(), "every key of the cluster"]);
    let other = ["verify-backup", "keys.age", "-i", "other.key", "--no-cluster"];
    desk.key(&other).await.exits(4, &["for other identities"]);
    desk.key(&["verify-backup", "keys.age"]).await.exits(4, &["-i FILE"]);

    desk.key(&["rotate"]).await.exits(0, &[]);
    let newest = desk.keys().await.pop().unwrap().name_any();
    desk.key(&verify).await.exits(1, &["not in the backup", &newest]);

    // The cluster is lost, and another one has begun with a key of the same name.
    controller.process.terminate().await;
    let keys = desk.home.api::<Secret>();
    for key in desk.keys().await {
        let allow = json!({"metadata": {"annotations": {"seal.dev/allow-delete": "true"}}});
        desk.home.patch::<Secret>(&key.name_any(), allow).await;
        keys.delete(&key.name_any(), &DeleteParams::default()).await.unwrap();
    }
    let another = Controller::start(&cluster, "seal-system", &[]).await;
    let first = fingerprint(&desk.keys().await[0]);
    ns.create(sealed).await;
    ends(&ns, "db", "NoMatchingKey").await;
    let restore = ["restore", "keys.age", "-i", "offline.key"];
    let said = desk.key(&restore).await.exits(0, &["restored seal-key-first-", "restored team"]);
    assert!(said.stderr.contains(&own.fingerprint().to_string()));
    ends(&ns, "db", "Applied").await;
    assert_eq!(values(&ns.get("db").await), map(&[("a", CANARY)]));
    assert_eq!(fingerprint(&keys.get("seal-key-first").await.unwrap()), first);
    let team = keys.get("team").await.unwrap();
    assert_eq!((state(&team), &team.annotations()["seal.dev/namespaces"]), ("retired", &ns.name));
    desk.key(&restore).await.exits(0, &["seal-key-first-", "is there"]);
    assert_eq!(desk.keys().await.len(), 3);
    // The one that was made last is sealed to.
    desk.until_published("fingerprint", &first).await;
    let wider = ["restore", "keys.age", "-i", "offline.key", "--namespaces", "elsewhere"];
    desk.key(&wider).await.exits(2, &["more than the key was for"]);
    drop(another);
}

#[tokio::test]
async fn a_backup_opens_without_seal_and_what_is_no_backup_is_said_to_be_none() {
    let Some(cluster) = quiet!() else { return };
    let Some(age) = seal_testing::tool!("age") else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let desk = Desk::of(cluster, &controller.namespace);
    let offline = desk.offline("offline.key");
    let words = ["backup", "-o", "keys.age", "-r", offline.as_str()];
    desk.key(&words).await.exits(0, &[]);
    let mut command = Command::new(age);
    let output = command.args(["-d", "-i"]).arg(desk.at("offline.key")).arg(desk.at("keys.age"));
    let output = output.output().unwrap();
    assert!(output.status.success());
    let manifest = String::from_utf8(output.stdout).unwrap();
    assert!(manifest.contains("type: seal.dev/key") && !manifest.contains("resourceVersion"));
    private(&desk.at("keys.yaml"), &manifest);
    desk.key(&["restore", "keys.yaml"]).await.exits(0, &["is there"]);

    let whole = fs::read(desk.at("keys.age")).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: Y2FuYXJ5}\n";
    let (cut, no_key) = (&whole[..whole.len() - 1], manifest.replace("seal.dev/key", "Opaque"));
    for (name, bytes, code, words) in [
        ("changed", changed.as_slice(), 1, "was damaged"),
        ("cut", cut, 1, "was damaged"),
        ("empty", b"", 2, "no manifest of Secrets"),
        ("secret", secret.as_bytes(), 2, "no manifest of Secrets"),
        ("opaque", no_key.as_bytes(), 2, "no manifest of Secrets"),
    ] {
        fs::write(desk.at(name), bytes).unwrap();
        desk.key(&["restore", name, "-i", "offline.key"]).await.exits(code, &[words]);
    }
    assert_eq!(desk.keys().await.len(), 1);
}

#[tokio::test]
async fn a_key_that_is_needed_is_neither_the_last_to_be_retired_nor_deleted() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let desk = Desk::of(cluster, &controller.namespace);
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    desk.key(&["retire", "seal-key-first"]).await.exits(2, &["the only active key", "--force"]);
    desk.key(&["rotate"]).await.exits(0, &[]);
    let delete = ["retire", "seal-key-first", "--delete"];
    let needs = format!("1 sealed object needs seal-key-first: {}/db", ns.name);
    desk.key(&delete).await.exits(2, &[&needs]);
    // One that is not opened yet needs it as much, whatever stands in its way.
    ns.create(crate::support::foreign("theirs", &[("a", "theirs")])).await;
    ns.create(controller.seal(&ns, "theirs", &[("a", "1")])).await;
    ends(&ns, "theirs", "NotOurs").await;
    let mut paused = controller.seal(&ns, "paused", &[("a", "1")]);
    paused.spec.suspend = Some(true);
    ns.create(paused).await;
    desk.key(&delete)
        .await
        .exits(2, &["3 sealed objects need seal-key-first", "/paused", "/theirs"]);
    for name in ["theirs", "paused"] {
        ns.delete::<seal_core::kind::sealed::SealedSecret>(name).await;
    }

    let new = desk.keys().await.pop().unwrap();
    let recipient =
        std::str::from_utf8(&new.data.unwrap()["recipient"].0).unwrap().parse().unwrap();
    let place = Place::new(&ns.name, "db").unwrap();
    let again = seal_for(&recipient, &place, Scope::of(&place), &[("a", "1")]);
    ns.patch::<seal_core::kind::sealed::SealedSecret>("db", crate::support::resealed(&again)).await;
    ends(&ns, "db", "Applied").await;
    desk.key(&delete).await.exits(0, &["is deleted", "not Git"]);
    assert_eq!(desk.keys().await.len(), 1);
    let name = new.metadata.name.unwrap();
    desk.key(&["retire", &name, "--force"]).await.exits(0, &["is retired"]);
    let maps = desk.home.api::<ConfigMap>();
    eventually_in(&maps, "nothing is published", "seal-recipients", |map| {
        map.data.as_ref().is_none_or(|data| !data.contains_key("recipient"))
    })
    .await;
}

#[tokio::test]
async fn whoever_may_not_is_told_which_right_is_missing() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let mut desk = Desk::of(cluster, &controller.namespace);
    // May list Secrets there, and nothing else.
    let rights = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: reader, namespace: {0}}}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: reader, namespace: {0}}}\n\
         rules: [{{apiGroups: [''], resources: [secrets], verbs: [list]}}]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: reader, namespace: {0}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}\n\
         subjects: [{{kind: ServiceAccount, name: reader, namespace: {0}}}]\n",
        desk.home.name
    );
    crate::support::apply(cluster, &rights).await;
    desk.kubeconfig = cluster.kubeconfig_for_service_account(&desk.home.name, "reader").await;
    let listed =
        desk.key(&["list"]).await.exits(0, &["SealedSecrets of all namespaces", "no objects"]);
    assert!(listed.stdout.lines().nth(1).unwrap().ends_with('?'), "{}", listed.stdout);
    for words in [["rotate", "seal-key-first"], ["retire", "seal-key-first"]] {
        let words = [words.as_slice(), &["--force"]].concat();
        let words = if words[0] == "rotate" { &words[..2] } else { &words };
        desk.key(words).await.exits(4, &["does not let you patch Secrets"]);
    }
    desk.offline("new.key");
    desk.key(&["restore", "new.key"]).await.exits(4, &["does not let you create Secrets"]);
    // Who may patch and not delete leaves the guard as it was.
    let more = rights.replace("verbs: [list]", "verbs: [list, patch]");
    crate::support::apply(cluster, &more).await;
    let words = ["retire", "seal-key-first", "--delete", "--force"];
    desk.key(&words).await.exits(4, &["does not let you delete Secrets"]);
    assert!(!desk.keys().await[0].annotations().contains_key("seal.dev/allow-delete"));
    desk.kubeconfig = cluster.kubeconfig_for_service_account(&ns.name, "default").await;
    desk.key(&["list"]).await.exits(4, &["does not let you list Secrets"]);
    let keys = desk.keys().await;
    assert_eq!((keys.len(), state(&keys[0])), (1, "retired"));
}

#[tokio::test]
async fn what_a_key_secret_says_of_itself_is_held_against_what_is_in_it() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    let desk = Desk::of(cluster, &controller.namespace);
    let offline = desk.offline("offline.key");
    // A file with two identities is two keys, and both come.
    let keys = [Identity::generate(), Identity::generate()];
    let text: String =
        keys.iter().map(|key| format!("{}\n", key.to_secret_text().expose())).collect();
    private(&desk.at("first.key"), &format!("{}\n", keys[0].to_secret_text().expose()));
    private(&desk.at("both.key"), &text);
    desk.key(&["restore", "first.key", "--retired"]).await.exits(0, &["restored"]);
    let second = keys[1].fingerprint().to_string();
    let said =
        desk.key(&["restore", "both.key", "--retired"]).await.exits(0, &["is there", &second]);
    assert!(said.stderr.contains("stays as it is, retired"), "{}", said.stderr);
    assert_eq!(desk.keys().await.len(), 3);

    // One that lies counts for nobody; one that says nothing is read. Of keys of one second neither would be the newer one.
    let early = json!({"metadata": {"annotations": {"seal.dev/created": "2020-01-01T00:00:00Z"}}});
    desk.home.patch::<Secret>("seal-key-first", early).await;
    crate::keys::add_key(cluster, &desk.home.name, "silent", &Identity::generate(), "active").await;
    crate::keys::add_key(cluster, &desk.home.name, "liar", &Identity::generate(), "retired").await;
    let lie =
        json!({"metadata": {"annotations": {"seal.dev/fingerprint": controller.fingerprint()}}});
    desk.home.patch::<Secret>("liar", lie).await;
    desk.home.eventually_event("liar", "KeyRejected").await;
    let silent: Secret = desk.home.get("silent").await;
    desk.until_published("fingerprint", &fingerprint(&silent)).await;
    let listed = desk.key(&["list"]).await.exits(0, &[&fingerprint(&silent)]);
    assert!(!listed.stdout.lines().any(|line| line.starts_with("silent") && line.contains('?')));

    // What is rotated is what is sealed to, whenever it says that it was made.
    let late = json!({"metadata": {"annotations": {"seal.dev/created": "9999-12-31T23:59:59Z"}}});
    desk.home.patch::<Secret>("silent", late).await;
    desk.key(&["retire", "seal-key-first"]).await.exits(0, &["is retired"]);
    desk.key(&["rotate"]).await.exits(0, &["silent is retired"]);
    let active: Vec<Secret> =
        desk.keys().await.into_iter().filter(|key| state(key) == "active").collect();
    assert_eq!(active.len(), 1);
    desk.until_published("fingerprint", &fingerprint(&active[0])).await;
    let words = ["backup", "-o", "keys.age", "-r", offline.as_str()];
    desk.key(&words).await.exits(0, &["wrote 6 keys"]);
    desk.key(&["verify-backup", "keys.age", "-i", "offline.key"]).await.exits(0, &["every key"]);
    // A key that does not read is no other active one.
    let garbage = crate::keys::key_secret("garbage", "garbage", "active");
    desk.home.create(garbage).await;
    let name = active[0].name_any();
    desk.key(&["retire", &name]).await.exits(2, &["the only active key"]);
    desk.key(&["retire", "garbage", "--force"]).await.exits(0, &["is retired"]);
    assert_eq!(state(&desk.home.get::<Secret>("garbage").await), "retired");
}
