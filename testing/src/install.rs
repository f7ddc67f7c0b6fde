//! Custom resources: put into the API server, and known to those who ask it what there is.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt as _};

use crate::namespace::must;
use crate::wait::eventually;

/// Whether it was not there before. Returns once discovery names it, which is later than its being
/// `Established`.
pub(crate) async fn install(client: &Client, definition: &CustomResourceDefinition) -> bool {
    let created = Api::all(client.clone()).create(&PostParams::default(), definition).await;
    let is_new = match created {
        Err(kube::Error::Api(status)) if status.is_already_exists() => false,
        created => must(created, "installing a custom resource").uid().is_some(),
    };
    let discovered = async || is_discovered(client, definition).await.then_some(());
    eventually(&format!("{} is discovered", definition.name_any()), discovered).await;
    is_new
}

async fn is_discovered(client: &Client, definition: &CustomResourceDefinition) -> bool {
    let groups = must(client.list_api_groups_aggregated().await, "asking what there is").items;
    let group = groups.into_iter().find(|group| {
        group.metadata.as_ref().and_then(|metadata| metadata.name.as_ref())
            == Some(&definition.spec.group)
    });
    let plural = Some(&definition.spec.names.plural);
    let resources =
        group.into_iter().flat_map(|group| group.versions).flat_map(|version| version.resources);
    resources.into_iter().any(|resource| resource.resource.as_ref() == plural)
}
