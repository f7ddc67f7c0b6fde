//! Asks the controller to look at sealed objects again: an annotation of each, and nothing else of it.

use kube::Api;
use kube::api::{Patch, PatchParams};
use seal_core::kind::Kind;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::SealedSecret;
use seal_core::names::RECONCILE_AT;
use serde_json::json;

use super::connect::{Cluster, connect, run};
use super::{ContextArgs, Named, missing};
use crate::error::Failure;

/// Asks for each of them; `at` tells this request from every other.
pub(crate) fn reconcile(args: &ContextArgs, named: &[Named], at: &str) -> Result<(), Failure> {
    run(async {
        let cluster = connect(args, true).await?;
        for object in named {
            let asked = cluster.ask(object, at).await;
            asked.map_err(|error| cluster.not_asked(object, &error))?;
        }
        Ok(())
    })
}

impl Cluster {
    async fn ask(&self, object: &Named, at: &str) -> Result<(), kube::Error> {
        let Named { kind, namespace, name } = object;
        let patch = Patch::Merge(json!({"metadata": {"annotations": {RECONCILE_AT: at}}}));
        let (params, client) = (PatchParams::default(), self.client.clone());
        let namespace = namespace.as_deref().unwrap_or(&self.namespace);
        match kind {
            Kind::SealedSecret => {
                let api = Api::<SealedSecret>::namespaced(client, namespace);
                api.patch_metadata(name, &params, &patch).await.map(drop)
            }
            Kind::ClusterSealedSecret => {
                let api = Api::<ClusterSealedSecret>::all(client);
                api.patch_metadata(name, &params, &patch).await.map(drop)
            }
        }
    }

    fn not_asked(&self, object: &Named, error: &kube::Error) -> Failure {
        let (kind, name) = (object.kind.as_str(), &object.name);
        match error {
            kube::Error::Api(status) if status.code == 403 => {
                let resource = match object.kind {
                    Kind::SealedSecret => "sealedsecrets",
                    Kind::ClusterSealedSecret => "clustersealedsecrets",
                };
                missing(format!("{} does not let you patch the {kind} {name}", self.name))
                    .hint(format!("this needs the right to patch {resource}.seal.dev there"))
            }
            kube::Error::Api(status) if status.code == 404 => {
                missing(format!("{} has no {kind} {name}", self.name))
                    .hint("`seal status` shows what is there")
            }
            error => self.refused(error, &format!("the {kind} {name}")),
        }
    }
}
