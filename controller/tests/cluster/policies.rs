//! An admission policy that denies writes of Secrets in one namespace, with the status 422 that such policies answer by default.

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use kube::Api;
use kube::api::DeleteParams;
use seal_testing::{Cluster, Namespace};

use crate::support::apply;

/// The message is for nobody: it must not be passed on.
const POLICY: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAMESPACE}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    resourceRules:
    - {apiGroups: [''], apiVersions: [v1], operations: [OPERATIONS], resources: [secrets]}
  validations: [{expression: \"ALLOWED\", message: canary}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAMESPACE}
spec: {policyName: NAMESPACE, validationActions: [Deny]}
";

/// Denies `operations` on Secrets of `ns`, but those that the expression `allowed` lets pass. Counts a while later.
pub(crate) async fn deny(cluster: &Cluster, ns: &Namespace, operations: &str, allowed: &str) {
    let policy = POLICY.replace("NAMESPACE", &ns.name);
    apply(cluster, &policy.replace("OPERATIONS", operations).replace("ALLOWED", allowed)).await;
}

/// Denies nothing any more, a while later.
pub(crate) async fn allow_again(ns: &Namespace) {
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(ns.client.clone());
    bindings.delete(&ns.name, &DeleteParams::default()).await.unwrap();
}
