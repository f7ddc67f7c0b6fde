//! Writes the ConfigMap `seal-recipients`, which publishes what to seal to: the only file that does.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use seal_core::key::Fingerprint;
use seal_core::names::{FINGERPRINT, RECIPIENT, RECIPIENTS};

use crate::keyring::Published;

/// Makes the ConfigMap say what is published, and nothing else.
pub(crate) async fn publish(
    client: &Client,
    namespace: &str,
    published: &Published,
) -> Result<(), kube::Error> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let data = BTreeMap::from([
        (RECIPIENT.to_owned(), published.recipient.clone()),
        (FINGERPRINT.to_owned(), published.fingerprint.to_string()),
    ]);
    match api.get_opt(RECIPIENTS).await? {
        Some(live) if live.data.as_ref() == Some(&data) && live.binary_data.is_none() => Ok(()),
        Some(mut live) => {
            let before = fingerprint_of(&live).to_owned();
            live.data = Some(data);
            live.binary_data = None;
            live.metadata.managed_fields = None;
            api.replace(RECIPIENTS, &PostParams::default(), &live).await?;
            tracing::warn!(before, now = %published.fingerprint, "{RECIPIENTS} was changed");
            Ok(())
        }
        None => {
            let name = Some(RECIPIENTS.to_owned());
            let metadata = ObjectMeta { name, ..ObjectMeta::default() };
            let map = ConfigMap { metadata, data: Some(data), ..ConfigMap::default() };
            api.create(&PostParams::default(), &map).await.map(drop)
        }
    }
}

/// What a ConfigMap says is published; empty where that is no fingerprint.
fn fingerprint_of(map: &ConfigMap) -> &str {
    let said = map.data.as_ref().and_then(|data| data.get(FINGERPRINT));
    said.filter(|said| Fingerprint::parse(said).is_some()).map(String::as_str).unwrap_or_default()
}
