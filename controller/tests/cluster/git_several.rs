//! A Git source of several namespaces, and several sources of one repository.

use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::DeleteParams;
use seal_core::kind::file;
use seal_core::kind::sealed::SealedSecret;
use serde_json::json;

use crate::git::{Rig, message};
use crate::support::{apply, shared};

const GIT_RIGHTS: &str = include_str!("../../deploy/git-rbac-namespace.yaml");

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
