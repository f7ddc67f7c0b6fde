//! Who may talk to the API server: the key that signs ServiceAccount tokens, the administrator's
//! token, kubeconfigs.
//!
//! The only file here that makes or writes a credential. All of them are worth nothing once the
//! cluster is gone; files are readable by their owner only.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

/// Where the API server is and whom its clients trust.
pub(crate) struct Access {
    pub(crate) server: String,
    pub(crate) ca_pem: Vec<u8>,
    pub(crate) admin_token: String,
}

impl Access {
    pub(crate) fn admin_kubeconfig(&self) -> Value {
        self.kubeconfig("admin", &self.admin_token, "default")
    }

    /// JSON, which is YAML to every reader of a kubeconfig.
    pub(crate) fn kubeconfig(&self, user: &str, token: &str, namespace: &str) -> Value {
        let ca = STANDARD.encode(&self.ca_pem);
        let cluster = json!({"server": self.server, "certificate-authority-data": ca});
        let context = json!({"cluster": "seal-testing", "user": user, "namespace": namespace});
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "seal-testing",
            "clusters": [{"name": "seal-testing", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "seal-testing", "context": context}],
        })
    }
}

/// Fails while the server is still writing its certificate, which it does not do in one step.
pub(crate) async fn config(kubeconfig: &Value) -> io::Result<kube::Config> {
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig.clone())?;
    kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(io::Error::other)
}

pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut private = OpenOptions::new();
    private.write(true).create(true).truncate(true).mode(0o600);
    private.open(path)?.write_all(content)
}

/// SEC 1, the one form from which kube-apiserver reads the public half as well; it does not from
/// PKCS#8.
pub(crate) fn service_account_key() -> String {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
        .expect("making a P-256 key fails only without memory or randomness");
    let key: EcPrivateKeyRfc5915Der<'_> = key.private_key().as_der().expect("P-256 has this form");
    let base64 = STANDARD.encode(key.as_ref());
    format!("-----BEGIN EC PRIVATE KEY-----\n{base64}\n-----END EC PRIVATE KEY-----\n")
}

pub(crate) fn admin_token() -> String {
    let mut bytes = [0; 24];
    rand::fill(&mut bytes).expect("the operating system has randomness");
    URL_SAFE.encode(bytes)
}
