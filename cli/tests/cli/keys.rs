//! `seal key new`, `seal init`, `seal fetch`: keys come into being and into `.seal.yaml`.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ObjectMeta, PostParams};
use seal_testing::Cluster;

use crate::world::{World, recipient};

#[test]
fn a_new_identity_is_private_and_its_recipient_is_printed() {
    let world = World::new();
    for (args, start) in [
        (vec!["key", "new", "-o", "../a.key"], "age1pq1"),
        (vec!["key", "new", "--classic", "-o", "../b.key"], "age1"),
    ] {
        let ran = world.seal(&args).exits(0).says("made the identity sha256:");
        let file = args.last().unwrap();
        assert_eq!(world.mode(file), 0o600);
        let text = world.read(file);
        assert!(
            text.starts_with("# created: 2")
                && text.contains(&format!("# public key: {}", ran.text()))
        );
        assert!(ran.text().starts_with(start) && !ran.text().contains("SECRET"));
        world.seal(&args).exits(2).says("exists and is not overwritten");
        assert_eq!(world.read(file), text);
        world.seal(&["secret.json", "-r", ran.text().trim(), "-o", "s.yaml"]).exits(0);
        world.seal(&["open", "s.yaml", "-i", file]).exits(0);
    }
}

#[test]
fn an_identity_whose_recipient_could_not_be_printed_is_taken_back() {
    let world = World::new();
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("it is there");
    let output = world.command(&["key", "new", "-o", "../new.key"]).stdout(full()).output();
    let output = output.expect("the command runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("made the identity"), "{said}");
    assert!(!world.path("../new.key").exists());
    world.seal(&["key", "new", "-o", "../new.key"]).exits(0);
}

#[test]
fn the_recipient_of_an_identity_is_printed_again() {
    let world = World::new();
    let made = world.seal(&["key", "new", "-o", "../a.key"]).exits(0).text();
    assert_eq!(world.seal(&["key", "recipient", "../a.key"]).exits(0).text(), made);
    let text = world.read("../a.key");
    let piped = world.seal_with(&["key", "recipient", "-"], text.as_bytes()).exits(0);
    assert_eq!(piped.text(), made);
    world.write("../pub", &made);
    world.set_mode("../pub", 0o600);
    world.seal(&["key", "recipient", "../pub"]).exits(2).says("line 1 is a recipient");
}

#[test]
fn an_identity_is_never_written_into_a_work_tree() {
    let world = World::new();
    world.write("folder/x", "");
    for path in ["a.key", "folder/a.key"] {
        world.seal(&["key", "new", "-o", path]).exits(2).says("lies in the Git work tree");
        assert!(!world.path(path).exists());
    }
    world.seal(&["key", "new"]).exits(2).says("an identity is never printed");
}

#[test]
fn init_makes_a_policy_and_an_identity_outside_of_the_work_tree() {
    let world = World::new();
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    world.write("folder/x", "");
    let mut init = world.command(&["init"]);
    let output = init.current_dir(world.path("folder")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(world.mode("../home/.config/seal/repo-offline.key"), 0o600);
    let ran = world.seal(&["secret.json", "-o", "s.yaml"]).exits(0);
    ran.says("sealing for offline (sha256:");
    world.seal(&["open", "s.yaml", "-i", "../home/.config/seal/repo-offline.key"]).exits(0);
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    let ran = world.seal(&["init"]).exits(2).says("exists and is not overwritten");
    ran.says("--offline-key FILE").says("--offline RECIPIENT");
    assert!(!world.path(".seal.yaml").exists());
    world.seal(&["init", "--offline", &recipient("offline")]).exits(0);
}

#[test]
fn init_in_a_folder_of_git_itself_is_refused() {
    let world = World::new();
    std::fs::remove_dir_all(world.path(".git")).unwrap();
    world.git(&["init", "-q", "--bare", "bare.git"]);
    world.git(&["init", "-q", "tree"]);
    world.git(&["init", "-q", "bare.git/worktree"]);
    let init = |folder: &str| {
        let mut command = world.command(&["init", "--offline-key", "../../new.key"]);
        command.current_dir(world.path(folder)).output().expect("the command runs")
    };
    for (folder, why) in [
        ("bare.git", "this is a bare repository"),
        ("bare.git/refs/heads", "this is a bare repository"),
        ("tree/.git", "this is Git's own folder"),
        ("tree/.git/info", "this is Git's own folder"),
    ] {
        let output = init(folder);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(why), "{folder} {said}");
        assert!(!world.path(folder).join(".seal.yaml").exists());
        assert!(!world.path("../new.key").exists());
    }
    let output = init("bare.git/worktree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_second_init_changes_nothing_and_says_so() {
    let world = World::new();
    let before = world.read(".seal.yaml");
    world.seal(&["init"]).exits(0).says("seal: note: .seal.yaml is there already");
    world.seal(&["init", "--offline", &recipient("offline")]).exits(0).says("seal: note: ");
    let other = recipient("stranger");
    world.seal(&["init", "--offline", &other]).exits(2).says("is not in it");
    assert_eq!(world.read(".seal.yaml"), before);
    assert!(!world.path("../home").exists());
    world.write(".seal.yaml", "rules: {}\n");
    world.seal(&["init"]).exits(2).says("rules is a map");
}

#[test]
fn an_init_that_fails_leaves_no_key_behind() {
    let world = World::new();
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    // Root may write everywhere, so the folder of the policy is one where nobody makes a file.
    let mut init =
        world.command(&["init", "--offline-key", world.path("../o.key").to_str().unwrap()]);
    let output = init.current_dir("/proc/self").output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(!world.path("../o.key").exists());
    world.seal(&["init", "--offline-key", "../o.key"]).exits(0);
}

#[test]
fn a_classic_offline_key_is_said_at_once_and_no_cluster_joins_it() {
    let world = World::new();
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    let ran = world.seal(&["init", "--offline", &recipient("classic")]).exits(0);
    ran.says("seal: warning: offline is classic").says("no post-quantum recipient");
    world
        .seal(&["secret.json", "-o", "s.yaml"])
        .exits(0)
        .says("seal: warning: a classic recipient");
}

#[test]
fn without_a_cluster_fetch_says_so_and_changes_nothing() {
    let world = World::new();
    let before = world.read(".seal.yaml");
    let ran = world.seal(&["fetch", "--kubeconfig", "missing"]).exits(4);
    ran.says("there is no kubeconfig missing").says("seal: hint: ");
    world.seal(&["fetch"]).exits(4).says("no cluster: there is no kubeconfig");
    world.write("kubeconfig", "{ no: [");
    let fetch = ["fetch", "--kubeconfig", "kubeconfig"];
    world.seal(&fetch).exits(4).says("the kubeconfig is not one");
    world.write("kubeconfig", WITH_A_PASSWORD);
    let ran = world.seal(&[&fetch[..], &["--context", "d"]].concat()).exits(4);
    ran.says("the kubeconfig has no context d").says("it has c");
    world.write("kubeconfig", WITH_A_PASSWORD.replace("current-context: c\n", ""));
    world.seal(&fetch).exits(4).says("the kubeconfig has no current context").says("it has c");
    world.write("kubeconfig", WITH_A_PASSWORD.replace("{cluster: c", "{cluster: gone"));
    world.seal(&fetch).exits(4).says("context c names a cluster that the kubeconfig does not have");
    assert_eq!(world.read(".seal.yaml"), before);
}

/// A server that no one listens at, with a password in its URL.
const WITH_A_PASSWORD: &str = "\
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: 'https://bob:correct-horse@127.0.0.1:1'}}]
users: [{name: u, user: {}}]
";

#[test]
fn a_cluster_that_does_not_answer_is_named_without_its_password() {
    let world = World::new();
    world.write("kubeconfig", WITH_A_PASSWORD);
    let ran = world.seal(&["fetch", "--kubeconfig", "kubeconfig"]).exits(4);
    let ran = ran
        .says("seal: asking context c at 127.0.0.1:1")
        .says("context c at 127.0.0.1:1 does not answer");
    assert!(!ran.stderr.contains("correct-horse"), "{}", ran.stderr);
}

/// Publishes a recipient as the controller does.
async fn publish(text: &str, maps: &Api<ConfigMap>) {
    let metadata = ObjectMeta { name: Some("seal-recipients".into()), ..ObjectMeta::default() };
    let data = Some([("recipient".to_owned(), text.to_owned())].into());
    let map = ConfigMap { metadata, data, ..ConfigMap::default() };
    let _ = maps.delete("seal-recipients", &Default::default()).await; // the first time there is none
    maps.create(&PostParams::default(), &map).await.expect("the ConfigMap is made");
}

#[tokio::test]
async fn fetch_pins_what_the_cluster_publishes_and_changes_a_pin_only_when_told() {
    let Some(cluster) = Cluster::shared("fetch").await else { return };
    let namespace = cluster.namespace().await;
    let maps: Api<ConfigMap> = Api::namespaced(namespace.client.clone(), &namespace.name);
    let world = World::new();
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    world.seal(&["init", "--offline", &recipient("offline")]).exits(0);
    let before = world.read(".seal.yaml");
    let kubeconfig = cluster.kubeconfig_path();
    let fetch = |more: &[&str]| {
        let to = [
            "fetch",
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--controller-namespace",
            &namespace.name,
        ];
        world.seal(&[&to[..], more].concat())
    };
    fetch(&[]).exits(4).says("there is no ConfigMap");
    publish(&recipient("cluster"), &maps).await;
    fetch(&["--accept", &format!("sha256:{}", "0".repeat(32))])
        .exits(8)
        .says("the cluster's recipient is sha256:");
    assert_eq!(world.read(".seal.yaml"), before);
    fetch(&[]).exits(0).says("cluster is now pinned in .seal.yaml: sha256:");
    let pinned = world.read(".seal.yaml");
    let want =
        before.replace("# The first", &format!("  cluster: {}\n# The first", recipient("cluster")));
    assert_eq!(pinned, want.replace("to: [offline]", "to: [cluster, offline]"));
    fetch(&[]).exits(0).says("cluster is pinned already");
    publish(&recipient("stranger"), &maps).await;
    let refused = fetch(&[]).exits(8).says("and cluster is pinned to sha256:");
    assert_eq!(world.read(".seal.yaml"), pinned);
    let accept = refused.stderr.split("--accept ").nth(1).unwrap().split(';').next().unwrap();
    fetch(&["--accept", accept]).exits(0);
    assert_eq!(
        world.read(".seal.yaml"),
        pinned.replace(&recipient("cluster"), &recipient("stranger"))
    );
    publish("AGE-SECRET-KEY-PQ-1CANARY", &maps).await;
    let ran = fetch(&["--as", "other"]).exits(2);
    assert!(!ran.stderr.contains("CANARY"), "{}", ran.stderr);
}
