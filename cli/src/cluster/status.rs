//! What the controller says of sealed objects, as a table: lists them or reads those that are named, and writes nothing.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::Resource;
use kube::core::Request;
use seal_core::escape::{cut, escaped};
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::SealedSecret;
use serde::Deserialize;

use super::connect::{Cluster, connect, run};
use super::{ContextArgs, Named, Row, Which, missing};
use crate::console;
use crate::error::Failure;

/// Characters of a message.
const MOST_OF_A_MESSAGE: usize = 1000;

/// Of a sealed object what the table shows: none of its ciphertext is kept.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    observed_generation: Option<i64>,
    #[serde(default)]
    conditions: Vec<Condition>,
    keys: Option<i64>,
    #[serde(default)]
    opened_with: Vec<String>,
}

/// The objects that are meant, by namespace and name.
pub(crate) fn status(args: &ContextArgs, which: &Which) -> Result<Vec<Row>, Failure> {
    run(async {
        let cluster = connect(args, true).await?;
        let mut rows = match which {
            Which::All => cluster.all().await?,
            Which::Namespace(namespace) => {
                let namespace = namespace.as_deref().unwrap_or(&cluster.namespace);
                let what = format!("SealedSecrets of {namespace}");
                cluster.listed(Kind::SealedSecret, Some(namespace), &what).await?
            }
            Which::Named(named) => cluster.named(named).await?,
        };
        rows.sort_by(|a, b| (&a.namespace, a.kind, &a.name).cmp(&(&b.namespace, b.kind, &b.name)));
        Ok(rows)
    })
}

impl Cluster {
    /// Those of all namespaces; those in none as well, where they may be listed.
    async fn all(&self) -> Result<Vec<Row>, Failure> {
        let mut rows =
            self.listed(Kind::SealedSecret, None, "SealedSecrets of all namespaces").await?;
        match self.listed(Kind::ClusterSealedSecret, None, "ClusterSealedSecrets").await {
            Ok(more) => rows.extend(more),
            Err(failure) => console::note(&format!("{}: none of them is shown", failure.message)),
        }
        Ok(rows)
    }

    async fn listed(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        what: &str,
    ) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        self.each(&path(kind, namespace), what, |object| rows.push(row(kind, object))).await?;
        Ok(rows)
    }

    async fn named(&self, named: &[Named]) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for Named { kind, namespace, name } in named {
            let namespace = namespace.as_deref().unwrap_or(&self.namespace);
            let what = format!("the {} {name}", kind.as_str());
            let request = Request::new(path(*kind, Some(namespace)));
            let request = request.get(name, &kube::api::GetParams::default());
            let request = request.map_err(|_| self.silent())?;
            let object =
                self.client.request::<Object>(request).await.map_err(|error| match error {
                    kube::Error::Api(status) if status.code == 404 => {
                        missing(format!("{} has no {} {name}", self.name, kind.as_str()))
                            .hint("`seal status -A` shows what is there")
                    }
                    error => self.refused(&error, &what),
                })?;
            rows.push(row(*kind, object));
        }
        Ok(rows)
    }
}

/// Where objects of a kind are asked for.
fn path(kind: Kind, namespace: Option<&str>) -> String {
    match kind {
        Kind::SealedSecret => SealedSecret::url_path(&(), namespace),
        Kind::ClusterSealedSecret => ClusterSealedSecret::url_path(&(), None),
    }
}

fn row(kind: Kind, Object { metadata, status }: Object) -> Row {
    let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
    let is_of_now = status.observed_generation == metadata.generation;
    let (ready, reason, message) = match ready {
        Some(ready) if is_of_now => {
            (escaped(&ready.status), escaped(&ready.reason), cut(&ready.message, MOST_OF_A_MESSAGE))
        }
        Some(_) => unknown("the controller has not looked at its last change yet"),
        None => unknown("no controller says anything of it"),
    };
    Row {
        kind,
        namespace: escaped(metadata.namespace.as_deref().unwrap_or_default()),
        name: escaped(metadata.name.as_deref().unwrap_or_default()),
        ready,
        reason,
        message,
        keys: status.keys,
        opened_with: status.opened_with.iter().map(|it| escaped(it)).collect(),
    }
}

fn unknown(why: &str) -> (String, String, String) {
    ("Unknown".to_owned(), "-".to_owned(), why.to_owned())
}
