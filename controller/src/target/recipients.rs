//! Writes the ConfigMap `seal-recipients`, which publishes what to seal to: the only file that does.
//!
//! While no key is active it is there without a recipient, so that nobody seals to a key that has been retired. A key for some
//! namespaces stands beside it under its own name: nobody who seals to the cluster seals to that one by mistake.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use seal_core::key::Fingerprint;
use seal_core::names::{FINGERPRINT, MADE, NAMESPACES, RECIPIENT, RECIPIENTS, of_name};

use crate::api_error::ApiError;
use crate::keyring::{Keys, Published, PublishedFor};

/// Bytes that the keys for some namespaces may take in it: the API server refuses a ConfigMap above a mebibyte.
const MOST_BYTES: usize = 512 * 1024;
/// Characters of the name of one of them: an entry's name has 253 at most.
const MOST_OF_A_NAME: usize = 200;

/// The recipients that the ConfigMap named before it was changed, and that it does not name now: the fingerprint of each text,
/// whatever it was.
pub(crate) struct Before(pub Vec<Fingerprint>);

/// Makes the ConfigMap say what is published, and nothing else. Returns what it named before where it said something else.
pub(crate) async fn publish(
    client: &Client,
    namespace: &str,
    keys: &Keys,
) -> Result<Option<Before>, ApiError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let data = data(keys);
    let failed =
        |asked| move |error| ApiError::new(asked, format!("{namespace}/{RECIPIENTS}"), error);
    let live = api.get_opt(RECIPIENTS).await.map_err(failed("get the ConfigMap"))?;
    let Some(live) = live else {
        if data.is_empty() {
            return Ok(None); // it has never been published
        }
        let made = api.create(&PostParams::default(), &new_map(data)).await;
        return made.map(|_| None).map_err(failed("create the ConfigMap"));
    };
    let is_right = live.data.clone().unwrap_or_default() == data && live.binary_data.is_none();
    if is_right && live.immutable != Some(true) {
        return Ok(None);
    }
    let before = Before(named(live.data.as_ref(), &data));
    if live.immutable == Some(true) {
        // Nothing but another one can say something else then.
        let exactly = exactly(&live);
        api.delete(RECIPIENTS, &exactly).await.map_err(failed("delete the ConfigMap"))?;
        let made = api.create(&PostParams::default(), &new_map(data)).await;
        made.map_err(failed("create the ConfigMap"))?;
    } else {
        let put = api.replace(RECIPIENTS, &PostParams::default(), &with(live, data)).await;
        put.map_err(failed("update the ConfigMap"))?;
    }
    Ok(Some(before))
}

/// The version that was read, and no other.
fn exactly(map: &ConfigMap) -> DeleteParams {
    let ObjectMeta { uid, resource_version, .. } = map.metadata.clone();
    DeleteParams::default().preconditions(Preconditions { uid, resource_version })
}

fn with(mut map: ConfigMap, data: BTreeMap<String, String>) -> ConfigMap {
    map.data = Some(data);
    map.binary_data = None;
    map.metadata.managed_fields = None;
    map
}

/// The recipients in `before` that are not in `now`.
fn named(
    before: Option<&BTreeMap<String, String>>,
    now: &BTreeMap<String, String>,
) -> Vec<Fingerprint> {
    let is_recipient = |entry: &str| entry == RECIPIENT || entry.ends_with(&of_name("", RECIPIENT));
    let named = before.into_iter().flatten().filter(|(entry, _)| is_recipient(entry));
    let others = named.filter(|(_, text)| !now.values().any(|value| value == *text));
    others.map(|(_, text)| Fingerprint::of(text)).collect()
}

fn data(keys: &Keys) -> BTreeMap<String, String> {
    let mut data = BTreeMap::new();
    if let Some(published) = &keys.published {
        data.insert(RECIPIENT.to_owned(), published.recipient.clone());
        data.insert(FINGERPRINT.to_owned(), published.fingerprint.to_string());
        data.extend(made(keys, published).map(|time| (MADE.to_owned(), time)));
    }
    let mut bytes = 0;
    for (name, PublishedFor { key, namespaces }) in &keys.published_for {
        let namespaces = namespaces.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        bytes += 5 * name.len() + key.recipient.len() + namespaces.len() + 192;
        if bytes > MOST_BYTES || name.len() > MOST_OF_A_NAME {
            tracing::warn!(%key.fingerprint, "{RECIPIENTS} has no room for this key, or its name is too long: it opens, and is not published");
            continue;
        }
        data.insert(of_name(name, RECIPIENT), key.recipient.clone());
        data.insert(of_name(name, FINGERPRINT), key.fingerprint.to_string());
        data.insert(of_name(name, NAMESPACES), namespaces);
        data.extend(made(keys, key).map(|time| (of_name(name, MADE), time)));
    }
    data
}

/// When a key was made: how old it is, is for whoever seals to it to judge.
fn made(keys: &Keys, key: &Published) -> Option<String> {
    let created = Timestamp::from_second(*keys.created.get(&key.fingerprint)?).ok()?;
    Some(created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn new_map(data: BTreeMap<String, String>) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(RECIPIENTS.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}
