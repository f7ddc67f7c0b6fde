//! What goes wrong between a repository and a cluster: nothing is lost, nothing foreign is applied, the status is true.

use std::fs;
use std::os::unix::fs::symlink;

use k8s_openapi::api::core::v1::Secret;
use seal_core::kind::sealed::SealedSecret;
use seal_testing::Fault;
use serde_json::json;

use crate::git::{Rig, message, reason};
use crate::support::{CANARY, shared};

#[tokio::test]
async fn a_server_that_fails_in_the_middle_leaves_the_last_good_state() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let first = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"timeout": "2s"})).await;
    rig.until_applied("app", &first).await;
    rig.until_value("a", "one").await;
    let second = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    for (fault, words) in [
        (Fault::Cut(700), "127.0.0.1"),
        (Fault::Cut(0), "127.0.0.1"),
        (Fault::Status(502, None), "status 502"),
        (Fault::Status(429, Some(1)), "asks to be left alone for"),
        (Fault::Html, "what no git server answers"),
        (Fault::Silent, "in time"),
    ] {
        rig.server.now(fault.clone());
        rig.look("app").await;
        let what = format!("{fault:?} is said");
        let status =
            rig.until("app", &what, |it| reason(it) == "Retrying" && message(it).contains(words));
        let status = status.await;
        assert_eq!(status.last_applied_revision.as_deref(), Some(first.as_str()));
        assert!(!message(&status).contains(CANARY));
    }
    rig.until_value("a", "one").await;
    rig.server.now(Fault::None);
    rig.until_applied("app", &second).await; // without being told
    rig.until_value("a", "two").await;
}

#[tokio::test]
async fn a_branch_that_is_gone_and_a_commit_that_empties_the_tree_take_nothing_along() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let first = rig.commit(&[("a.yaml", &rig.seal("a", "one")), ("x.txt", "x")]);
    rig.git(&["branch", "live"]);
    rig.source("app", json!({"prune": true, "ref": {"branch": "live"}})).await;
    rig.until_applied("app", &first).await;
    rig.until_value("a", "one").await;
    rig.git(&["branch", "-D", "live"]);
    rig.look("app").await;
    rig.until("app", "the branch is gone", |it| message(it).contains("has no branch live")).await;
    rig.until_value("a", "one").await;

    let emptied = rig.remove(&["a.yaml"]);
    rig.git(&["branch", "live"]);
    rig.look("app").await;
    let status = rig.until_reason("app", "PruneBlocked").await;
    assert!(message(&status).contains(&emptied));
    rig.until_value("a", "one").await;
    // Back by the usual way, without anybody's word.
    let back = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.git(&["branch", "--force", "live"]);
    rig.look("app").await;
    rig.until_applied("app", &back).await;
}

#[tokio::test]
async fn links_submodules_strange_names_and_large_files_are_not_followed() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let outside = rig.folder.path().join("outside.yaml");
    fs::write(&outside, rig.seal("linked", CANARY)).unwrap();
    symlink(&outside, rig.repository().join("link.yaml")).unwrap();
    symlink("..", rig.repository().join("up")).unwrap();
    let large = "x".repeat(100 * 1024 * 1024);
    fs::write(rig.repository().join("large.yaml"), large).unwrap();
    rig.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        "160000,0123456789012345678901234567890123456789,sub",
    ]);
    let commit = rig.commit(&[
        ("a.yaml", &rig.seal("a", "one")),
        ("new\nline.yaml", &rig.seal("b", "one")),
        ("\u{1b}[31mred.yaml", "apiVersion: seal.dev/v1\nkind: SealedSecret\nspec: ["),
    ]);
    rig.source("app", json!({})).await;
    let status = rig.until_reason("app", "Partial").await;
    assert_eq!(status.last_attempted_revision, Some(commit));
    rig.until_value("a", "one").await;
    rig.until_value("b", "one").await;
    let paths: Vec<&str> = status.refused.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["\\u{1b}[31mred.yaml"]);
    assert!(!rig.log().contains('\u{1b}') && !rig.log().contains(CANARY));
    let secrets: kube::Api<Secret> = kube::Api::namespaced(cluster.client(), &rig.served.name);
    assert!(secrets.get_opt("linked").await.unwrap().is_none());
}

/// Writes an object of any content, as no well-behaved client would.
fn object(rig: &Rig, kind: &str, content: &[u8]) -> String {
    let path = rig.folder.path().join("object");
    fs::write(&path, content).unwrap();
    rig.git(&["hash-object", "-t", kind, "-w", "--literally", path.to_str().unwrap()])
}

fn tree(rig: &Rig, entries: &[(&str, &str, &str)]) -> String {
    let mut content = Vec::new();
    for (mode, name, id) in entries {
        content.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        content.extend(
            (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()),
        );
    }
    object(rig, "tree", &content)
}

#[tokio::test]
async fn names_in_a_tree_that_lead_out_of_it_decide_no_path() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let first = rig.commit(&[("apps/a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"path": "apps", "prune": true})).await;
    rig.until_applied("app", &first).await;

    let blob = |name: &str, value: &str| object(&rig, "blob", rig.seal(name, value).as_bytes());
    let (a, b, c) = (blob("a", "two"), blob("b", "two"), blob("c", "two"));
    let inner = tree(&rig, &[("100644", "../../../planted.yaml", &b)]);
    let apps = [("40000", "..", &*inner), ("40000", ".git", &*inner), ("100644", "a.yaml", &*a)];
    let apps = tree(&rig, &apps);
    // One that leads into the source's folder from elsewhere.
    let root = tree(&rig, &[("40000", "apps", &apps), ("100644", "x/../apps/c.yaml", &c)]);
    let commit = rig.git(&["commit-tree", &root, "-p", &first, "-m", "hostile"]);
    rig.git(&["update-ref", "refs/heads/main", &commit]);
    rig.look("app").await;
    rig.until_value("a", "two").await;
    let status = rig.until("app", "it has looked", |it| {
        it.last_attempted_revision.as_deref() == Some(&*commit)
    });
    let status = status.await;
    assert!(["Applied", "Partial"].contains(&reason(&status)), "{status:?}");
    assert!(rig.sealed().get_opt("c").await.unwrap().is_none());
    for place in
        ["planted.yaml", "../planted.yaml", "cache/planted.yaml", "cache/../../planted.yaml"]
    {
        assert!(!rig.folder.path().join(place).exists(), "{place}");
    }
}

#[tokio::test]
async fn a_process_that_is_killed_again_and_again_ends_where_it_should() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    let mut texts: Vec<(String, String)> =
        (0..40).map(|n| (format!("{n}.yaml"), rig.seal(&format!("s{n}"), "one"))).collect();
    let files = |texts: &[(String, String)]| -> Vec<(String, String)> { texts.to_vec() };
    let commit = |rig: &Rig, texts: &[(String, String)]| {
        let files = files(texts);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        rig.commit(&files)
    };
    commit(&rig, &texts);
    rig.source("app", json!({"prune": true})).await;
    for round in 0..5 {
        // At whatever it is doing then.
        rig.until("app", "it has begun", |it| it.observed_generation.is_some()).await;
        rig.start(&[]).await;
        let value = format!("round {round}");
        texts =
            (0..40).map(|n| (format!("{n}.yaml"), rig.seal(&format!("s{n}"), &value))).collect();
        commit(&rig, &texts);
        rig.look("app").await;
    }
    let last = rig.remove(&["0.yaml"]);
    rig.look("app").await;
    rig.until_applied("app", &last).await;
    for n in 1..40 {
        rig.until_value(&format!("s{n}"), "round 4").await;
    }
    rig.served.eventually_gone::<Secret>("s0").await;
    let sealed = rig.sealed().list(&Default::default()).await.unwrap();
    assert_eq!(sealed.items.len(), 39);
}

#[tokio::test]
async fn a_cache_that_is_damaged_is_made_anew() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"interval": "10s"})).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    rig.kill();
    let stores = fs::read_dir(rig.folder.path().join("cache/git-sources")).unwrap();
    for store in stores.map(|it| it.unwrap().path()) {
        for file in fs::read_dir(store.join("objects/pack")).unwrap().map(|it| it.unwrap().path()) {
            fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
            let length = fs::metadata(&file).unwrap().len();
            fs::write(&file, vec![0; usize::try_from(length).unwrap()]).unwrap();
        }
    }
    rig.sealed().delete("a", &Default::default()).await.unwrap();
    rig.start(&[]).await;
    rig.served
        .eventually("it is there again", "a", |sealed: &SealedSecret| {
            sealed.metadata.deletion_timestamp.is_none()
        })
        .await;
    rig.until_reason("app", "Applied").await;
}

#[tokio::test]
async fn while_git_is_down_a_restarted_process_still_puts_right_what_was_live() {
    let Some((cluster, controller)) = shared!() else { return };
    let mut rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({})).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    rig.server.now(Fault::Status(500, None));
    rig.kill();
    rig.sealed().delete("a", &Default::default()).await.unwrap();
    rig.served.eventually_gone::<Secret>("a").await;
    rig.start(&[]).await;
    rig.until_value("a", "one").await;
    let status = rig.until_reason("app", "Retrying").await;
    assert_eq!(status.last_applied_revision, Some(commit));
}

#[tokio::test]
async fn by_kubectl_by_server_side_apply_and_from_git_the_live_secret_is_the_same() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("from-git", "one"))]);
    rig.source("app", json!({})).await;
    rig.until_applied("app", &commit).await;
    for (name, how) in [("by-kubectl", &["apply"][..]), ("by-server", &["apply", "--server-side"])]
    {
        let args = [how, &["-f", "-"]].concat();
        let output = cluster.kubectl(&args, &rig.seal(name, "one")).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let secrets: kube::Api<Secret> = kube::Api::namespaced(cluster.client(), &rig.served.name);
    let mut seen = Vec::new();
    for name in ["from-git", "by-kubectl", "by-server"] {
        rig.until_value(name, "one").await;
        let secret = secrets.get(name).await.unwrap();
        let metadata = secret.metadata;
        let owners = metadata.owner_references.unwrap_or_default();
        let owners: Vec<String> =
            owners.into_iter().map(|it| format!("{} {:?}", it.kind, it.controller)).collect();
        let annotations = metadata.annotations.unwrap_or_default();
        let annotations: Vec<String> = annotations.into_keys().collect();
        seen.push((
            secret.data,
            secret.type_,
            secret.immutable,
            metadata.labels,
            annotations,
            owners,
        ));
    }
    assert!(seen.iter().all(|it| *it == seen[0]), "{seen:?}");
}
