//! The CustomResourceDefinition as it is installed: the type's own schema, and what a derive cannot say.

use kube::CustomResourceExt;
use serde_json::{Value, json};

use crate::kind::sealed::SealedSecret;
use crate::yaml;

/// The CRD as YAML. `controller/deploy/crd.yaml` is this text; a test compares them.
pub fn crd() -> String {
    yaml::write::to_yaml(&definition())
}

/// The CRD as the API server takes it.
pub fn definition() -> Value {
    let mut crd = serde_json::to_value(SealedSecret::crd()).expect("a CRD serialises");
    // Deleting the CRD would collect every live Secret, so no uninstall takes it along.
    crd["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    tidy(schema);
    schema["properties"]["spec"]["required"] = json!(["scope"]);
    schema["properties"]["spec"]["properties"]["values"]["additionalProperties"]["required"] =
        json!(["payload"]);
    // On the field alone a default is never applied: there is no status yet. So no wait passes before the
    // controller has looked.
    schema["properties"]["status"]["default"] = json!({"observedGeneration": -1});
    schema["properties"]["metadata"] = json!({"type": "object"});
    crd
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
