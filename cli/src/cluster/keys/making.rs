//! Key Secrets into the cluster and, for a backup, out of it.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, PostParams};
use seal_core::backup;
use seal_core::names::{KEY, KEY_FINGERPRINT, KEY_IDENTITY, RECIPIENT};
use zeroize::{Zeroize, Zeroizing};

use super::super::ClusterArgs;
use super::super::connect::run;
use super::super::key_secrets::{KeySecret, Made, NewKey, short};
use super::{Keys, MOST, not_cut};
use crate::error::Failure;

/// All key Secrets as one manifest. The text is the keys themselves.
pub(crate) fn read_all(args: &ClusterArgs) -> Result<Zeroizing<String>, Failure> {
    run(async {
        let keys = Keys::connect(args).await?;
        let params = ListParams::default().fields(&format!("type={KEY}")).limit(MOST);
        let listed = keys.api.list(&params).await;
        let listed = listed.map_err(|error| keys.refused(&error, "list"))?;
        not_cut(&listed.metadata)?;
        if listed.items.is_empty() {
            let message = format!("there is no key Secret in {}", keys.namespace);
            return Err(super::super::missing(message)
                .hint("--controller-namespace names the controller's namespace"));
        }
        Ok(backup::manifest_of(listed.items))
    })
}

/// Makes the Secrets of these keys; one that is there already stays as it is, and nothing is written over. Also says what was made
/// before something failed.
pub(crate) fn create(args: &ClusterArgs, new: Vec<NewKey>) -> (Vec<Made>, Result<(), Failure>) {
    let mut made = Vec::new();
    let ended = run(async {
        let keys = Keys::connect(args).await?;
        let known = keys.all().await?;
        for key in new {
            made.push(keys.create(key, &known).await?);
        }
        Ok(())
    });
    (made, ended)
}

impl Keys {
    async fn create(&self, key: NewKey, known: &[KeySecret]) -> Result<Made, Failure> {
        let new: Vec<&str> = key.fingerprint.split(',').collect();
        let has_all = |it: &KeySecret| new.iter().all(|new| it.fingerprints().any(|it| it == *new));
        if let Some(there) = known.iter().find(|it| has_all(it)) {
            return Ok(Made::Before(Box::new(there.clone())));
        }
        let names = [key.name.clone(), format!("{}-{}", key.name, short(&key.fingerprint))];
        let mut secret = secret(key);
        let mut made = None;
        for name in names {
            secret.metadata.name = Some(name.clone());
            match self.api.create(&PostParams::default(), &secret).await {
                Ok(written) => {
                    wipe(written);
                    made = Some(Ok(Made::As(name)));
                    break;
                }
                // Another key, or none: it stays.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => {
                    made = Some(Err(self.refused(&error, "create")));
                    break;
                }
            }
        }
        wipe(secret);
        made.unwrap_or_else(|| {
            Err(Failure::input("Secrets of its name are there, and are other keys")
                .hint("`seal key list` shows them; --name gives another name"))
        })
    }
}

fn secret(key: NewKey) -> Secret {
    let mut annotations = key.annotations;
    annotations.insert(KEY_FINGERPRINT.to_owned(), key.fingerprint);
    Secret {
        metadata: ObjectMeta {
            labels: Some([(KEY.to_owned(), key.state)].into()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        type_: Some(KEY.to_owned()),
        data: Some(
            [
                (KEY_IDENTITY.to_owned(), ByteString(key.identity.expose().to_vec())),
                (RECIPIENT.to_owned(), ByteString(key.recipient.into_bytes())),
            ]
            .into(),
        ),
        immutable: Some(true),
        ..Secret::default()
    }
}

fn wipe(secret: Secret) {
    secret.data.into_iter().flatten().for_each(|(_, mut value)| value.0.zeroize());
}
