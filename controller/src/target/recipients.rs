//! Writes the ConfigMap `seal-recipients`, which publishes what to seal to: the only file that does.
//!
//! While no key is active it is there without a recipient, so that nobody seals to a key that has been retired.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use seal_core::key::Fingerprint;
use seal_core::names::{FINGERPRINT, RECIPIENT, RECIPIENTS};

use crate::api_error::ApiError;
use crate::keyring::Published;

/// What the ConfigMap named before it was changed.
pub(crate) struct Before(pub Option<Fingerprint>);

/// Makes the ConfigMap say what is published, and nothing else. Returns the recipient that it named before where it
/// said something else: the fingerprint of that text, whatever it was, or none.
pub(crate) async fn publish(
    client: &Client,
    namespace: &str,
    published: Option<&Published>,
) -> Result<Option<Before>, ApiError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let data = data(published);
    let failed =
        |asked| move |error| ApiError::new(asked, format!("{namespace}/{RECIPIENTS}"), error);
    let live = api.get_opt(RECIPIENTS).await.map_err(failed("get the ConfigMap"))?;
    let Some(mut live) = live else {
        if data.is_empty() {
            return Ok(None); // it has never been published
        }
        let map = new_map(data);
        let made = api.create(&PostParams::default(), &map).await;
        return made.map(|_| None).map_err(failed("create the ConfigMap"));
    };
    let is_right = live.data.clone().unwrap_or_default() == data && live.binary_data.is_none();
    if is_right && live.immutable != Some(true) {
        return Ok(None);
    }
    let before = Before(
        live.data.as_ref().and_then(|data| data.get(RECIPIENT)).map(|text| Fingerprint::of(text)),
    );
    if live.immutable == Some(true) {
        // Nothing but another one can say something else then.
        let exactly = Preconditions {
            uid: live.metadata.uid.clone(),
            resource_version: live.metadata.resource_version.clone(),
        };
        let params = DeleteParams::default().preconditions(exactly);
        api.delete(RECIPIENTS, &params).await.map_err(failed("delete the ConfigMap"))?;
        let made = api.create(&PostParams::default(), &new_map(data)).await;
        made.map_err(failed("create the ConfigMap"))?;
    } else {
        live.data = Some(data);
        live.binary_data = None;
        live.metadata.managed_fields = None;
        let put = api.replace(RECIPIENTS, &PostParams::default(), &live).await;
        put.map_err(failed("update the ConfigMap"))?;
    }
    Ok(Some(before))
}

fn data(published: Option<&Published>) -> BTreeMap<String, String> {
    let Some(published) = published else { return BTreeMap::new() };
    BTreeMap::from([
        (RECIPIENT.to_owned(), published.recipient.clone()),
        (FINGERPRINT.to_owned(), published.fingerprint.to_string()),
    ])
}

fn new_map(data: BTreeMap<String, String>) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(RECIPIENTS.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}
