//! What a kustomization makes Secrets of: literals, files, and patches that stand in it.
//!
//! Source: kustomize's reference, `secretGenerator` (`literals`, `envs`, `env`, `files`) and `patches`, `patchesStrategicMerge` and
//! `patchesJson6902`. Patches in files of their own are manifests like others.

use super::plaintext::{is_value, names_a_secret, of_plaintext};
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
    /// What is in it.
    pub holds: Holds,
}

/// What a file that a kustomization names holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// `KEY=VALUE` lines.
    Lines,
    /// The bytes of one value.
    Value,
    /// A patch of a Secret.
    Patch,
}

/// The fields with patches in them.
const PATCHES: [&str; 3] = ["patches", "patchesStrategicMerge", "patchesJson6902"];

impl Kustomization {
    /// What stands in a document; nothing for most.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let mut found = Self::default();
        for generator in node.get("secretGenerator").map(Node::items).unwrap_or_default() {
            found.generator(generator.text("name"), generator);
        }
        // The same as a plugin's configuration, which a kustomization names under `generators`.
        if node.text("kind") == "SecretGenerator" {
            found
                .generator(node.get("metadata").map_or("", |metadata| metadata.text("name")), node);
        }
        if node.text("kind").starts_with("Patch") {
            let object = in_patch(node);
            found.patched.extend(object.map(|object| Patched { field: "patch", object }));
        }
        found.patches(node);
        // Flux' kind of that name, and its Helm releases.
        if let Some(spec) = node.get("spec") {
            found.patches(spec);
            for renderer in spec.get("postRenderers").map(Node::items).unwrap_or_default() {
                renderer.get("kustomize").iter().for_each(|it| found.patches(it));
            }
        }
        for field in ["generators", "transformers"] {
            let items = node.get(field).map(Node::items).unwrap_or_default();
            items.iter().filter_map(Node::as_str).for_each(|text| found.within(field, text));
        }
        (found != Self::default()).then_some(found)
    }

    fn patches(&mut self, holder: &Node) {
        for field in PATCHES {
            for patch in holder.get(field).map(Node::items).unwrap_or_default() {
                let object = in_patch(patch);
                self.patched.extend(object.map(|object| Patched { field, object }));
                self.files.extend(file_of(patch));
            }
        }
    }

    /// The configuration of a plugin that stands in a text; the name of a file is none.
    fn within(&mut self, field: &'static str, text: &str) {
        for inner in yaml::documents(text).unwrap_or_default().iter().filter_map(Self::of) {
            let objects =
                inner.literals.into_iter().chain(inner.patched.into_iter().map(|it| it.object));
            self.patched.extend(objects.map(|object| Patched { field, object }));
            self.files.extend(inner.files);
        }
    }

    fn generator(&mut self, name: &str, generator: &Node) {
        let secret = escaped(name);
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
        let envs = texts("envs").into_iter().chain(env).map(|path| (path, Holds::Lines));
        let files = texts("files").into_iter().map(|text| {
            let path = text.split_once('=').map_or(text.clone(), |(_, path)| path.to_owned());
            (path, Holds::Value)
        });
        self.files.extend(envs.chain(files).map(|(path, holds)| GeneratorFile {
            secret: secret.clone(),
            path,
            holds,
        }));
    }
}

/// The Secret that a patch gives a value in clear.
fn in_patch(patch: &Node) -> Option<String> {
    let text = patch.as_str().or_else(|| patch.get("patch").and_then(Node::as_str))?;
    // A name of a file is a document too, and no Secret.
    let Ok(documents) = yaml::documents(text) else {
        return names_a_secret(text).then(|| "in it".to_owned());
    };
    if let Some(object) = documents.iter().find_map(of_plaintext) {
        return Some(object);
    }
    let target = patch.get("target")?;
    let kind = target.text("kind");
    let is_for_secret =
        |field: &str| may_be_secret(kind) || kind.is_empty() && field == "stringData";
    fields_in_clear(&documents).into_iter().any(is_for_secret).then(|| escaped(target.text("name")))
}

/// Whether a target's kind, which kustomize takes for a regular expression, may be that of Secrets.
fn may_be_secret(kind: &str) -> bool {
    kind == "Secret" || kind.contains(|c: char| !c.is_ascii_alphanumeric())
}

/// The fields of a Secret that a patch gives values in clear: an operation each, or an object whose kind says nothing.
fn fields_in_clear(documents: &[Node]) -> Vec<&str> {
    let operations = documents.iter().flat_map(Node::items).filter_map(sets_a_value);
    let of_objects = documents.iter().flat_map(|document| {
        let fields = ["data", "stringData"].into_iter();
        fields.filter(|field| document.get(field).is_some_and(is_or_has_a_value))
    });
    operations.chain(of_objects).collect()
}

/// The file with a patch of a Secret.
fn file_of(patch: &Node) -> Option<GeneratorFile> {
    let path = patch.get("path").and_then(Node::as_str)?;
    let target = patch.get("target").filter(|target| may_be_secret(target.text("kind")))?;
    let secret = escaped(target.text("name"));
    Some(GeneratorFile { secret, path: path.to_owned(), holds: Holds::Patch })
}

/// Whether a text of a patch puts a value in clear into a Secret.
pub fn patch_in_clear(text: &str) -> bool {
    !fields_in_clear(&yaml::documents(text).unwrap_or_default()).is_empty()
}

/// The field of a Secret into which an operation of RFC 6902 puts a value in clear, or several.
fn sets_a_value(operation: &Node) -> Option<&str> {
    let path = operation.text("path").strip_prefix('/')?;
    let field = path.split('/').next().filter(|field| matches!(*field, "data" | "stringData"))?;
    operation.get("value").is_some_and(is_or_has_a_value).then_some(field)
}

fn is_or_has_a_value(node: &Node) -> bool {
    let is_clear = |node: &Node| is_value(node.as_str().unwrap_or_default());
    is_clear(node) || node.entries().iter().any(|entry| is_clear(&entry.value))
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
        let files: Vec<(String, Holds)> =
            of(text).files.into_iter().map(|file| (file.path, file.holds)).collect();
        let expected = [
            ("a/.env", Holds::Lines),
            ("b.env", Holds::Lines),
            ("tls.key", Holds::Value),
            ("c/token.txt", Holds::Value),
        ];
        assert_eq!(files, expected.map(|(path, holds)| (path.to_owned(), holds)));
        let plugin =
            "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: api}\nliterals: [a=b]\n";
        assert_eq!(of(plugin).literals, ["api"]);
        let patch = "patches:\n- {path: p.yaml, target: {kind: Secret, name: api}}\n- {path: q.yaml, target: {kind: Role}}\n";
        let file = GeneratorFile {
            secret: "api".to_owned(),
            path: "p.yaml".to_owned(),
            holds: Holds::Patch,
        };
        assert_eq!(of(patch).files, [file]);
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
        let flow = "patches:\n- patch: \"{apiVersion: v1, kind: Secret, stringData: {a: b}}\"\n";
        assert_eq!(of(flow).patched.len(), 1, "{flow}");
        let by_name = format!("patches:\n- patch: {json}  target: {{name: db}}\n");
        assert_eq!(of(&by_name).patched.len(), 1, "{by_name}");
        for text in [
            format!("patches:\n- patch: {json}  target: {{kind: ConfigMap, name: db}}\n"),
            format!("patches:\n- patch: {}", merge.replace("hunter2", "'${PASSWORD}'")),
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
