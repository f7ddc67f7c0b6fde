//! What a kustomization makes Secrets of: literals, files, and patches that stand in it.
//!
//! Source: kustomize's reference, `secretGenerator` (`literals`, `envs`, `env`, `files`) and `patches`, `patchesStrategicMerge` and
//! `patchesJson6902`. Patches in files of their own are manifests like others.

use super::file::{is_value, of_plaintext};
use crate::escape::escaped;
use crate::yaml::{self, Node};

/// What of a kustomization may be in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kustomization {
    /// The Secrets with a literal that has a value in clear.
    pub literals: Vec<String>,
    /// The Secrets that a patch gives a value in clear.
    pub patched: Vec<Patched>,
    /// The files of which Secrets are made.
    pub files: Vec<GeneratorFile>,
}

/// A patch in clear, in the field that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patched {
    /// The field of the kustomization.
    pub field: &'static str,
    /// The Secret, as far as the patch names it.
    pub object: String,
}

/// A file whose bytes become a value, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratorFile {
    /// The Secret that is made of it.
    pub secret: String,
    /// Relative to the kustomization, as it has it.
    pub path: String,
    /// Whether it has `KEY=VALUE` lines.
    pub is_env: bool,
}

/// The fields with patches in them.
const PATCHES: [&str; 3] = ["patches", "patchesStrategicMerge", "patchesJson6902"];

impl Kustomization {
    /// What stands in a document; nothing for most.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let mut found = Self::default();
        for generator in node.get("secretGenerator").map(Node::items).unwrap_or_default() {
            found.generator(generator);
        }
        for field in PATCHES {
            for patch in node.get(field).map(Node::items).unwrap_or_default() {
                let object = in_patch(patch);
                found.patched.extend(object.map(|object| Patched { field, object }));
            }
        }
        (found != Self::default()).then_some(found)
    }

    fn generator(&mut self, generator: &Node) {
        let secret = escaped(generator.text("name"));
        let texts = |field: &str| -> Vec<String> {
            let items = generator.get(field).map(Node::items).unwrap_or_default();
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let is_clear =
            |literal: &String| literal.split_once('=').is_some_and(|(_, value)| is_value(value));
        if texts("literals").iter().any(is_clear) {
            self.literals.push(secret.clone());
        }
        let env = generator.get("env").and_then(Node::as_str).map(str::to_owned);
        let envs = texts("envs").into_iter().chain(env).map(|path| (path, true));
        let files = texts("files").into_iter().map(|text| {
            let path = text.split_once('=').map_or(text.clone(), |(_, path)| path.to_owned());
            (path, false)
        });
        self.files.extend(envs.chain(files).map(|(path, is_env)| GeneratorFile {
            secret: secret.clone(),
            path,
            is_env,
        }));
    }
}

/// The Secret that a patch gives a value in clear.
fn in_patch(patch: &Node) -> Option<String> {
    let text = patch.as_str().or_else(|| patch.get("patch").and_then(Node::as_str))?;
    // A name of a file is a document too, and no Secret.
    let documents = yaml::documents(text).ok()?;
    if let Some(object) = documents.iter().find_map(of_plaintext) {
        return Some(object);
    }
    let target = patch.get("target")?;
    let is_for_secret = target.text("kind") == "Secret";
    let mut operations = documents.iter().flat_map(Node::items);
    (is_for_secret && operations.any(sets_a_value)).then(|| escaped(target.text("name")))
}

/// An operation of RFC 6902 that puts a value, or several, into a Secret.
fn sets_a_value(operation: &Node) -> bool {
    let path = operation.text("path");
    let field = path.strip_prefix('/').and_then(|path| path.split('/').next());
    if !matches!(field, Some("data" | "stringData")) {
        return false;
    }
    let Some(value) = operation.get("value") else { return false };
    let is_clear = |node: &Node| is_value(node.as_str().unwrap_or_default());
    is_clear(value) || value.entries().iter().any(|entry| is_clear(&entry.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Kustomization {
        Kustomization::of(&yaml::documents(text).unwrap()[0]).unwrap_or_default()
    }

    #[test]
    fn files_of_a_generator_are_known_by_their_paths() {
        let text = "secretGenerator:\n- name: api\n  envs: [a/.env]\n  env: b.env\n  files: [tls.key, token=c/token.txt]\n";
        let files: Vec<(String, bool)> =
            of(text).files.into_iter().map(|file| (file.path, file.is_env)).collect();
        let expected =
            [("a/.env", true), ("b.env", true), ("tls.key", false), ("c/token.txt", false)];
        assert_eq!(files, expected.map(|(path, is_env)| (path.to_owned(), is_env)));
    }

    #[test]
    fn a_patch_in_clear_is_found_in_each_of_its_fields() {
        let merge = "|-\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: db}\n    stringData: {password: hunter2}\n";
        let json =
            "|-\n    - op: replace\n      path: /stringData/password\n      value: hunter2\n";
        let all = "|-\n    - {op: add, path: /data, value: {password: aHVudGVyMg==}}\n";
        let for_secret = "  target: {kind: Secret, name: db}\n";
        for (text, field, object) in [
            (format!("patchesStrategicMerge:\n- {merge}"), "patchesStrategicMerge", "?/db"),
            (format!("patches:\n- patch: {merge}"), "patches", "?/db"),
            (format!("patches:\n- patch: {json}{for_secret}"), "patches", "db"),
            (format!("patches:\n- patch: {all}{for_secret}"), "patches", "db"),
            (format!("patchesJson6902:\n- patch: {json}{for_secret}"), "patchesJson6902", "db"),
        ] {
            let object = object.to_owned();
            assert_eq!(of(&text).patched, [Patched { field, object }], "{text}");
        }
        for text in [
            format!("patches:\n- patch: {json}  target: {{kind: ConfigMap, name: db}}\n"),
            format!("patches:\n- patch: {}", merge.replace("hunter2", "${PASSWORD}")),
            format!(
                "patches:\n- patch: {}",
                merge.replace("stringData: {password: hunter2}", "type: Opaque")
            ),
            "patchesStrategicMerge: [secret.yaml]\npatches: [{path: secret.yaml}]\n".to_owned(),
        ] {
            assert_eq!(of(&text), Kustomization::default(), "{text}");
        }
    }
}
