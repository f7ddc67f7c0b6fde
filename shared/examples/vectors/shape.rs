//! What is refused before any key is used: fields, keys of values, and what is reserved.

use crate::Case;
use crate::file::{Dice, File, Key};
use crate::hostile::{malformed, swap};
use crate::opens::plain;

pub(crate) fn cases() -> Vec<Case> {
    [fields(), values(), reserved()].into_iter().flatten().collect()
}

fn fields() -> Vec<Case> {
    let text = plain("fields", &["cluster"]).yaml();
    let hint = Key::named("cluster").fingerprint();
    let later = swap(&text, "seal.dev/v1", "seal.dev/v2");
    vec![
        malformed(
            "unknown-field-root",
            "a field that no sealed file has",
            text.clone() + "data: {}\n",
            "unknown field data",
        ),
        malformed(
            "unknown-field-spec",
            "a misspelt field",
            swap(&text, "  envelopes:", "  templates: {}\n  envelopes:"),
            "spec.templates",
        ),
        malformed(
            "unknown-field-scope",
            "a field that a scope has not",
            swap(&text, "    name: db\n", "    name: db\n    cluster: a\n"),
            "scope.cluster",
        ),
        malformed(
            "unknown-field-envelope",
            "a field that an envelope has not",
            swap(&text, "    values:", "    alg: none\n    values:"),
            "alg",
        ),
        malformed(
            "duplicate-key",
            "a key twice in one map",
            swap(&text, "      username: ", "      password: "),
            "twice",
        ),
        malformed("duplicate-spec", "spec twice", text.clone() + "spec: {}\n", "twice"),
        malformed(
            "alias-unknown",
            "an alias without an anchor",
            swap(&text, "    name: db\n", "    name: *db\n"),
            "alias",
        ),
        malformed("version-unknown", "a version that is not known yet", later, "not known"),
        malformed(
            "more-hints-than-stanzas",
            "two hints and one stanza",
            swap(&text, &hint, &format!("{hint}, {hint}")),
            "more entries",
        ),
        malformed(
            "hint-short",
            "a fingerprint that is none",
            swap(&text, &hint, &hint[..20]),
            "fingerprint",
        ),
    ]
}

fn values() -> Vec<Case> {
    let dice = &mut Dice::new("values");
    let twice = File::at("prod", "db")
        .seal(dice, &["cluster"], &[("password", b"new"), ("a", b"1")])
        .seal(dice, &["cluster"], &[("password", b"old"), ("b", b"2")]);
    let mut both = plain("both", &["cluster"]);
    both.more = "  template:\n    stringData:\n      password: clear\n".into();
    let mut empty = plain("no values", &["cluster"]);
    empty.envelopes[0].values.clear();
    let named =
        |key| File::at("prod", "db").seal(&mut Dice::new(key), &["cluster"], &[(key, b"x")]).yaml();
    vec![
        malformed(
            "key-in-two-envelopes",
            "which of the two would count?",
            twice.yaml(),
            "two envelopes",
        ),
        malformed(
            "key-sealed-and-clear",
            "which of the two would count?",
            both.yaml(),
            "both sealed and",
        ),
        malformed(
            "envelope-without-values",
            "a header for nothing",
            swap(&empty.yaml(), "values:\n", "values: {}\n"),
            "no values",
        ),
        malformed("key-of-dots", "a key that leaves its folder", named(".."), "name under values"),
        malformed("key-with-slash", "a key that is a path", named("a/b"), "name under values"),
    ]
}

fn reserved() -> Vec<Case> {
    let refused = |file, promise, template: &str, detail| {
        let mut sealed = plain(file, &["cluster"]);
        sealed.more = format!("  template: {template}\n");
        Case::refused(file, promise, sealed.yaml(), ("NotAllowed", detail))
    };
    let helm = File::at("prod", "sh.helm.release.v1.web.v2");
    let helm = helm.seal(&mut Dice::new("helm"), &["cluster"], &[("release", b"x")]);
    vec![
        refused(
            "reserved-type",
            "a ServiceAccount's token would be minted",
            "{type: kubernetes.io/service-account-token}",
            "type",
        ),
        refused(
            "reserved-type-of-ours",
            "a sealing key would be planted",
            "{type: seal.dev/key}",
            "type",
        ),
        refused(
            "reserved-label",
            "a label of ours",
            "{metadata: {labels: {seal.dev/key: active}}}",
            "label",
        ),
        refused(
            "reserved-label-helm",
            "a Helm release would be forged",
            "{metadata: {labels: {owner: helm}}}",
            "label",
        ),
        refused(
            "reserved-annotation",
            "an annotation that names a ServiceAccount",
            "{metadata: {annotations: {kubernetes.io/service-account.name: admin}}}",
            "annotation",
        ),
        Case::refused(
            "reserved-name",
            "the name of a Helm release",
            helm.yaml(),
            ("NotAllowed", "name"),
        )
        .at("prod/sh.helm.release.v1.web.v2"),
    ]
}
