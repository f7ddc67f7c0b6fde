//! A Git source of several namespaces, and several sources of one repository.

use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::DeleteParams;
use seal_core::kind::file;
use seal_core::kind::git_source::GitSource;
use seal_core::kind::sealed::SealedSecret;
use serde_json::json;

use crate::git::{Rig, message};
use crate::support::{apply, shared};

const GIT_RIGHTS: &str = include_str!("../../deploy/chart/files/git-rbac-namespace.yaml");

#[tokio::test]
async fn a_namespace_that_it_may_not_write_does_not_hold_up_the_others() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let other = cluster.namespace().await;
    let theirs =
        |name: &str| file::write(&rig.controller.seal(&other, name, &[("password", "theirs")]));
    rig.commit(&[("a.yaml", &rig.seal("a", "one")), ("other/b.yaml", &theirs("b"))]);
    let both = json!({"namespaces": [other.name, rig.served.name], "prune": true});
    rig.source("app", both).await;
    let status = rig.until_reason("app", "Partial").await;
    rig.until_value("a", "one").await;
    let [refused] = &status.refused[..] else { panic!("{:?}", status.refused) };
    assert_eq!((refused.path.as_str(), refused.reason.as_str()), ("other/b.yaml", "NotAllowed"));
    assert!(refused.message.contains("--git-namespaces"), "{}", refused.message);

    // It heals when the right is there, without a new commit or a look by hand.
    let rights = GIT_RIGHTS.replace("SERVED", &other.name).replace("seal-git", &rig.home.name);
    apply(cluster, &rights).await;
    rig.until_reason("app", "Applied").await;
    other.eventually("it is applied", "b", |_: &SealedSecret| true).await;

    // Taken away again, its objects stay, whatever Git says, and that is told.
    let bindings: Api<RoleBinding> = Api::namespaced(cluster.client(), &other.name);
    bindings.delete(&rig.home.name, &DeleteParams::default()).await.unwrap();
    let commit = rig.remove(&["other/b.yaml"]);
    rig.look("app").await;
    let status = rig
        .until("app", "it may not prune", |status| {
            status.last_applied_revision.as_deref() == Some(&commit) && !status.refused.is_empty()
        })
        .await;
    assert_eq!(status.refused[0].reason, "NotAllowed", "{}", message(&status));
    let api: Api<SealedSecret> = Api::namespaced(cluster.client(), &other.name);
    assert!(api.get_opt("b").await.unwrap().is_some());

    // Given back, it is pruned, once the watch has met the refusal as well.
    let sources: Api<GitSource> = Api::namespaced(cluster.client(), &rig.home.name);
    let within = std::time::Duration::from_secs(90);
    seal_testing::eventually_within(within, "the watch is refused", async || {
        let refused = sources.get("app").await.ok()?.status?.refused;
        refused.first()?.message.contains("--git-namespaces").then_some(())
    })
    .await;
    apply(cluster, &rights).await;
    rig.until_reason("app", "Applied").await;
    other.eventually_gone::<SealedSecret>("b").await;
}

#[tokio::test]
async fn sources_of_one_repository_share_its_fetches() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig
        .commit(&[("apps/a.yaml", &rig.seal("a", "one")), ("infra/b.yaml", &rig.seal("b", "one"))]);
    for (name, path) in [("apps", "apps"), ("infra", "infra")] {
        rig.source(name, json!({"path": path, "interval": "1h"})).await;
        rig.until_applied(name, &commit).await;
    }
    rig.until_value("a", "one").await;
    rig.until_value("b", "one").await;
    // One alone, to know what a fetch costs.
    let cost = async |name: &str, commit: &str| {
        rig.server.requests();
        rig.look(name).await;
        rig.until_applied(name, commit).await;
        rig.server.requests().len()
    };
    let commit = rig.commit(&[("apps/a.yaml", &rig.seal("a", "two"))]);
    let one = cost("apps", &commit).await;
    assert!(one > 1, "{one}");
    // What the first of them has fetched, the other one finds: it asks for the reference alone.
    let other = cost("infra", &commit).await;
    assert!(other < one, "{other} requests, and {one} of the first");
    rig.until_value("a", "two").await;
}

/// Four files in a folder, so that one of them may go; gives the commit.
fn four(rig: &Rig, folder: &str) -> String {
    let files = ["a", "b", "c", "d"];
    let files = files.map(|name| (format!("{folder}{name}.yaml"), rig.seal(name, "one")));
    rig.commit(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str())))
}

#[tokio::test]
async fn a_file_that_goes_over_to_another_source_is_missed_by_neither() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    four(&rig, "one/");
    let commit = rig.commit(&[("two/e.yaml", &rig.seal("e", "one"))]);
    for (name, path) in [("one", "one"), ("two", "two")] {
        rig.source(name, json!({"path": path, "prune": true, "interval": "1h"})).await;
        rig.until_applied(name, &commit).await;
    }
    rig.until_value("a", "one").await;
    rig.git(&["mv", "one/a.yaml", "two/a.yaml"]);
    let commit = rig.commit_all();
    // Only the first is asked to look, and it takes the object away.
    rig.look("one").await;
    rig.until_applied("one", &commit).await;
    rig.until_applied("two", &commit).await;
    rig.until_value("a", "one").await;
}

#[tokio::test]
async fn a_file_without_a_manifest_takes_nothing_away() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = four(&rig, "");
    rig.source("app", json!({"prune": true})).await;
    rig.until_applied("app", &commit).await;
    std::fs::remove_file(rig.repository().join("b.yaml")).unwrap();
    std::os::unix::fs::symlink("c.yaml", rig.repository().join("b.yaml")).unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
    let commit = rig.commit(&[("a.yaml", pointer)]);
    rig.look("app").await;
    let status = rig
        .until("app", "it is refused", |status| {
            status.last_applied_revision.as_deref() == Some(&commit) && !status.refused.is_empty()
        })
        .await;
    let refused: Vec<_> =
        status.refused.iter().map(|it| (it.path.as_str(), it.reason.as_str())).collect();
    assert_eq!(refused, [("a.yaml", "Malformed"), ("b.yaml", "Malformed")]);
    rig.until_value("a", "one").await;
    rig.until_value("b", "one").await;
}

#[tokio::test]
async fn what_was_fetched_for_a_source_goes_with_it() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.git(&["branch", "other"]);
    rig.source("app", json!({})).await;
    rig.source("other", json!({"ref": {"branch": "other"}, "path": "none"})).await;
    rig.until_applied("app", &commit).await;
    let stores = || std::fs::read_dir(rig.folder.path().join("cache/git-sources")).unwrap().count();
    seal_testing::eventually("both are fetched", async || (stores() == 2).then_some(())).await;
    let sources: Api<GitSource> = Api::namespaced(cluster.client(), &rig.home.name);
    sources.delete("other", &DeleteParams::default()).await.unwrap();
    seal_testing::eventually("one is left", async || (stores() == 1).then_some(())).await;
    let next = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.look("app").await;
    rig.until_applied("app", &next).await;
}

#[tokio::test]
async fn what_is_in_a_namespace_that_is_no_longer_named_stays() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let other = cluster.namespace().await;
    let rights = GIT_RIGHTS.replace("SERVED", &other.name).replace("seal-git", &rig.home.name);
    apply(cluster, &rights).await;
    let theirs = file::write(&rig.controller.seal(&other, "b", &[("password", "theirs")]));
    rig.commit(&[
        ("a.yaml", &rig.seal("a", "one")),
        ("A2.YAML", &rig.seal("a2", "one")),
        ("c.yaml", &rig.seal("c", "one")),
        ("other/b.yaml", &theirs),
    ]);
    let both = json!({"namespaces": [other.name, rig.served.name], "prune": true});
    rig.source("app", both).await;
    rig.until_reason("app", "Applied").await;
    rig.until_value("a2", "one").await; // its ending is in capitals

    let sources: Api<GitSource> = Api::namespaced(cluster.client(), &rig.home.name);
    let one = kube::api::Patch::Merge(json!({"spec": {"namespaces": [rig.served.name]}}));
    sources.patch("app", &Default::default(), &one).await.unwrap();
    rig.until_reason("app", "Partial").await; // its file is refused now
    let commit = rig.remove(&["other/b.yaml", "c.yaml"]);
    rig.look("app").await;
    let status = rig.until_applied("app", &commit).await;
    assert_eq!(status.objects.map(|it| it.pruned), Some(1));
    rig.served.eventually_gone::<SealedSecret>("c").await;
    let api: Api<SealedSecret> = Api::namespaced(cluster.client(), &other.name);
    assert!(api.get_opt("b").await.unwrap().is_some());
}

#[tokio::test]
async fn neither_new_files_nor_a_namespace_that_is_out_for_a_while_let_the_old_ones_go() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let other = cluster.namespace().await;
    let rights = GIT_RIGHTS.replace("SERVED", &other.name).replace("seal-git", &rig.home.name);
    apply(cluster, &rights).await;
    let file = |name: &str| file::write(&rig.controller.seal(&other, name, &[("k", "v")]));
    let texts = ["a", "b", "c"].map(|name| (format!("{name}.yaml"), file(name)));
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (&**path, &**text)).collect();
    rig.commit(&[("keep.yaml", &rig.seal("keep", "one"))]);
    rig.commit(&files);
    let both = json!({"namespaces": [other.name, rig.served.name], "prune": true});
    rig.source("app", both).await;
    rig.until_reason("app", "Applied").await;
    // As many come as go, in one commit.
    for name in ["a", "b", "c"] {
        std::fs::remove_file(rig.repository().join(format!("{name}.yaml"))).unwrap();
    }
    rig.commit(&[("d.yaml", &file("d")), ("e.yaml", &file("e")), ("f.yaml", &file("f"))]);
    rig.look("app").await;
    rig.until("app", "it is blocked", |it| message(it).starts_with("3 of 4")).await;

    let sources: Api<GitSource> = Api::namespaced(cluster.client(), &rig.home.name);
    for (namespaces, reason) in
        [(vec![&rig.served.name], "Partial"), (vec![&other.name, &rig.served.name], "PruneBlocked")]
    {
        let patch = kube::api::Patch::Merge(json!({"spec": {"namespaces": namespaces}}));
        sources.patch("app", &Default::default(), &patch).await.unwrap();
        rig.until_reason("app", reason).await;
    }
    let api: Api<SealedSecret> = Api::namespaced(cluster.client(), &other.name);
    for name in ["a", "b", "c"] {
        assert!(api.get_opt(name).await.unwrap().is_some(), "{name}");
    }
}
