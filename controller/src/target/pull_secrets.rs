//! Reads and writes the imagePullSecrets of ServiceAccounts: the only file that does. What to write was decided by
//! [`crate::plan::pull_secrets`].
//!
//! A patch with the whole list and the version it was read at: no entry of others is dropped, and fields that this version
//! does not know are not touched.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::{ObjectList, Request};
use kube::{Client, Resource};
use seal_core::names::{ATTACHED, FIELD_MANAGER};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api_error::{self, ApiError};
use crate::plan::Version;
use crate::plan::pull_secrets::{Account, Attachment};

/// ServiceAccounts of a page.
const PAGE: u32 = 100;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thin {
    metadata: ObjectMeta,
    #[serde(default)]
    image_pull_secrets: Option<Vec<Value>>,
}

impl From<Thin> for Account {
    fn from(thin: Thin) -> Self {
        let annotations = thin.metadata.annotations.unwrap_or_default();
        // An annotation that somebody has spoilt says of nothing that it is ours.
        let ours = annotations.get(ATTACHED).and_then(|text| serde_json::from_str(text).ok());
        Self {
            namespace: thin.metadata.namespace.unwrap_or_default(),
            name: thin.metadata.name.unwrap_or_default(),
            entries: thin.image_pull_secrets.unwrap_or_default(),
            ours: ours.unwrap_or_default(),
            version: Version {
                uid: thin.metadata.uid,
                resource_version: thin.metadata.resource_version,
            },
        }
    }
}

/// The ServiceAccount of this name, if it is there.
pub(crate) async fn read(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<Account>, ApiError> {
    let request = Request::new(path(namespace)).get(name, &Default::default());
    let request = request.expect("a ServiceAccount's name was checked");
    match client.request::<Thin>(request).await {
        Ok(thin) => Ok(Some(thin.into())),
        Err(error) if api_error::code(&error) == 404 => Ok(None),
        Err(error) => Err(failed("get", namespace, name, error)),
    }
}

/// Every ServiceAccount of the namespace, or of all, to which something was attached.
pub(crate) async fn list_attached(
    client: &Client,
    namespace: Option<&str>,
) -> Result<Vec<Account>, ApiError> {
    let mut attached = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let path = ServiceAccount::url_path(&(), namespace);
        let request = Request::new(path).list(&params);
        let request = request.expect("a namespace makes a path");
        let page = client.request::<ObjectList<Thin>>(request).await;
        let page = page.map_err(|error| failed("list", namespace.unwrap_or("*"), "*", error))?;
        let accounts = page.items.into_iter().map(Account::from);
        attached.extend(accounts.filter(|account| !account.ours.is_empty()));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(attached),
        }
    }
}

/// Does what was decided. A conflict is a race, to be planned again; a ServiceAccount that is gone has nothing attached.
pub(crate) async fn carry_out(
    client: &Client,
    namespace: &str,
    name: &str,
    attachment: Attachment,
) -> Result<(), ApiError> {
    let Attachment::Change { entries, ours, over, .. } = attachment else { return Ok(()) };
    let change = json!({
        "metadata": {
            "uid": over.uid,
            "resourceVersion": over.resource_version,
            "annotations": {ATTACHED: text(&ours)},
        },
        "imagePullSecrets": entries,
    });
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let request = Request::new(path(namespace))
        .patch(name, &params, &Patch::Merge(change))
        .expect("a ServiceAccount's name was checked");
    match client.request::<Thin>(request).await {
        Err(error) if api_error::code(&error) == 404 => Ok(()),
        result => result.map(drop).map_err(|error| failed("update", namespace, name, error)),
    }
}

/// The annotation; `None` takes it away.
fn text(ours: &BTreeMap<String, String>) -> Option<String> {
    (!ours.is_empty()).then(|| serde_json::to_string(ours).expect("names serialise"))
}

fn path(namespace: &str) -> String {
    ServiceAccount::url_path(&(), Some(namespace))
}

fn failed(verb: &str, namespace: &str, name: &str, error: kube::Error) -> ApiError {
    let asked = match verb {
        "get" => "get the ServiceAccount",
        "list" => "list the ServiceAccounts",
        _ => "update the ServiceAccount",
    };
    ApiError::new(asked, format!("{namespace}/{name}"), error)
}
