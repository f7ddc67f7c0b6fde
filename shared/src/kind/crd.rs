//! The CustomResourceDefinitions as they are installed: the type's own schema, and what a derive cannot say.

use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::Kind;
use crate::kind::git_source::GitSource;
use crate::kind::sealed::SealedSecret;
use crate::yaml;

/// The CRDs as YAML. `controller/deploy/chart/files/crd.yaml` is this text; a test compares them.
pub fn crd() -> String {
    let kinds = [Kind::SealedSecret, Kind::ClusterSealedSecret];
    kinds.map(|kind| yaml::write::to_yaml(&definition(kind))).join("---\n")
}

/// The CRD of GitSources as YAML: `controller/deploy/chart/files/git-crd.yaml`.
pub fn git_crd() -> String {
    yaml::write::to_yaml(&git_definition())
}

/// The same as the API server takes it.
pub fn git_definition() -> Value {
    let mut crd = serde_json::to_value(GitSource::crd()).expect("a CRD serialises");
    crd["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    tidy(schema);
    schema["properties"]["spec"]["required"] = json!(["url", "namespaces"]);
    schema["properties"]["status"]["default"] = json!({"observedGeneration": -1});
    schema["properties"]["metadata"] = json!({"type": "object"});
    crd
}

/// The CRD of a kind as the API server takes it.
pub fn definition(kind: Kind) -> Value {
    let mut crd = serde_json::to_value(SealedSecret::crd()).expect("a CRD serialises");
    // Deleting the CRD would collect every live Secret, so no uninstall takes it along.
    crd["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    tidy(schema);
    // A file that was cut behind `values:` would else be one without values: the API server drops the null.
    schema["properties"]["spec"]["required"] = json!(["scope", "values"]);
    schema["properties"]["spec"]["properties"]["values"]["additionalProperties"]["required"] =
        json!(["payload"]);
    // On the field alone a default is never applied: there is no status yet. So no wait passes before the
    // controller has looked.
    schema["properties"]["status"]["default"] = json!({"observedGeneration": -1});
    schema["properties"]["metadata"] = json!({"type": "object"});
    match kind {
        Kind::SealedSecret => leave_out(schema, &["namespaceSelector"], &OF_THE_CLUSTER),
        Kind::ClusterSealedSecret => make_cluster_scoped(&mut crd),
    }
    crd
}

/// Fields of the status that only a ClusterSealedSecret has.
const OF_THE_CLUSTER: [&str; 3] = ["served", "secrets", "failing"];

/// The same spec under another name, in no namespace, with the choice of namespaces and a status of several Secrets.
fn make_cluster_scoped(crd: &mut Value) {
    crd["metadata"]["name"] = json!("clustersealedsecrets.seal.dev");
    crd["spec"]["scope"] = json!("Cluster");
    crd["spec"]["names"] = json!({
        "categories": ["seal"],
        "kind": Kind::ClusterSealedSecret.as_str(),
        "plural": "clustersealedsecrets",
        "shortNames": ["csls"],
        "singular": "clustersealedsecret",
    });
    let version = &mut crd["spec"]["versions"][0];
    let columns = version["additionalPrinterColumns"].as_array_mut().expect("the type has columns");
    let served = json!({"name": "Served", "type": "string", "jsonPath": ".status.served"});
    columns.insert(2, served);
    let schema = &mut version["schema"]["openAPIV3Schema"];
    leave_out(schema, &[], &["secret"]);
    schema["title"] = json!(Kind::ClusterSealedSecret.as_str());
    schema["description"] = json!(
        "A Secret sealed for several namespaces of one cluster or several; safe to keep in public Git."
    );
    let rules = schema["x-kubernetes-validations"].as_array_mut().expect("the type has rules");
    rules.push(json!({
        "message": "spec.namespaceSelector is for spec.scope.namespaces [\"*\"], which needs it",
        "rule": "has(self.spec.namespaceSelector) == self.spec.scope.namespaces.exists(n, n == '*')",
    }));
}

fn leave_out(schema: &mut Value, of_spec: &[&str], of_status: &[&str]) {
    for (part, fields) in [("spec", of_spec), ("status", of_status)] {
        let properties = schema["properties"][part]["properties"].as_object_mut();
        let properties = properties.expect("spec and status have fields");
        fields.iter().for_each(|field| drop(properties.remove(*field)));
    }
}

/// Takes out defaults, which a GitOps tool would see as drift for ever, and `nullable`, which says nothing: the
/// API server prunes nulls.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("default");
            fields.remove("nullable");
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
