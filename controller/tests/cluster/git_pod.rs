//! The pod of Git sources as it is shipped, before the real admission of a namespace that takes restricted pods alone.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::Api;
use kube::api::PostParams;
use seal_core::kind::crd::git_definition;

use crate::support::{apply, shared};

const MANIFESTS: [&str; 3] = [
    include_str!("../../deploy/chart/files/git-namespace.yaml"),
    include_str!("../../deploy/chart/files/git.yaml"),
    include_str!("../../deploy/chart/files/git-deployment.yaml"),
];

#[tokio::test]
async fn its_pod_is_let_into_a_restricted_namespace_and_one_with_more_rights_is_not() {
    let Some((cluster, _)) = shared!() else { return };
    cluster.install([serde_json::from_value(git_definition()).unwrap()]).await;
    let home = cluster.namespace().await;
    apply(cluster, &MANIFESTS.join("---\n").replace("seal-git", &home.name)).await;
    let deployments: Api<Deployment> = Api::namespaced(cluster.client(), &home.name);
    let deployment = deployments.get(&home.name).await.unwrap();
    let shipped = deployment.spec.unwrap().template.spec.unwrap();

    let pods: Api<Pod> = Api::namespaced(cluster.client(), &home.name);
    let admitted = async |spec: PodSpec| {
        let pod = Pod { metadata: seal_testing::named("git"), spec: Some(spec), status: None };
        let only_asked = PostParams { dry_run: true, ..PostParams::default() };
        pods.create(&only_asked, &pod).await.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(admitted(shipped.clone()).await, Ok(()));
    let container = &shipped.containers[0];
    let security = container.security_context.clone().unwrap();
    assert_eq!(security.read_only_root_filesystem, Some(true));
    let limits = container.resources.clone().unwrap().limits.unwrap();
    // The process's own 384 MiB and two fetches of 192 MiB.
    assert_eq!(limits["memory"].0, "768Mi");

    let mut more = shipped;
    more.containers[0].security_context = None;
    let refused = admitted(more).await.unwrap_err();
    assert!(refused.contains("restricted"), "{refused}");
}
