//! A ServiceAccount as its watch brings it: metadata alone.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;
use serde::de::Deserializer;

use super::MetadataOnly;

/// The metadata of a ServiceAccount.
#[derive(Clone, Debug)]
pub(crate) struct AccountMeta(pub ObjectMeta);

impl<'de> Deserialize<'de> for AccountMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MetadataOnly::deserialize(deserializer).map(|thin| Self(thin.metadata.into()))
    }
}

metadata_of!(AccountMeta, ServiceAccount);
