//! `seal key …` beside an API server that has more keys than it gives at once.

use seal_core::key::Identity;

use crate::fetching::{publishing, serve};
use crate::world::{World, recipient};

const SECRETS: &str = "/api/v1/namespaces/seal-system/secrets";
/// One key, and where the list would go on.
const CUT: &str = r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",
"metadata":{"continue":"more","remainingItemCount":1},"items":[{"kind":"PartialObjectMetadata",
"apiVersion":"meta.k8s.io/v1","metadata":{"name":"one","uid":"u","labels":{"seal.dev/key":"active"},
"annotations":{"seal.dev/fingerprint":"sha256:00000000000000000000000000000000"}}}]}"#;
/// The same with contents, for a backup.
const CUT_SECRETS: &str = r#"{"kind":"SecretList","apiVersion":"v1",
"metadata":{"continue":"more","remainingItemCount":1},"items":[]}"#;

#[test]
fn a_part_of_the_keys_is_never_taken_for_all_of_them() {
    let world = World::new();
    let identity = Identity::generate();
    world.write("key.txt", format!("{}\n", identity.to_secret_text().expose()));
    let backup = ["key", "backup", "-o", "keys.age", "-r", identity.recipient()];
    for (words, list) in [
        (&["key", "list"][..], CUT),
        (&["key", "rotate"], CUT),
        (&["key", "retire", "one"], CUT),
        (&["key", "retire", "one", "--delete", "--force"], CUT),
        (&["key", "restore", "key.txt"], CUT),
        (&backup, CUT_SECRETS),
    ] {
        let mut answers = vec![(SECRETS, 200, list.to_owned())];
        if words.contains(&"rotate") {
            answers.insert(0, publishing(&recipient("cluster"))); // which key is the present one
        }
        serve(&world, answers);
        let ran = world.seal(&[words, &["--kubeconfig", "kubeconfig"]].concat()).exits(2);
        ran.says("there are more than 5000 key Secrets").says("seal: hint: `kubectl get secrets");
        assert!(!world.path("keys.age").exists());
    }
}
