//! What is refused before any key is used: scopes, base64, and what is reserved.

use crate::file::File;
use crate::headers::loose_last;
use crate::keys::Dice;
use crate::under::plain;
use crate::{Case, swap};

pub(crate) fn cases() -> Vec<Case> {
    [sets(), scopes(), base64(), reserved()].into_iter().flatten().collect()
}

fn scoped(name: &str, namespaces: &str) -> String {
    File::at("prod", "db")
        .scoped(namespaces, "db")
        .seal(&mut Dice::new(name), &["cluster"], &[("k", b"x")])
        .yaml()
}

fn sets() -> Vec<Case> {
    let many: Vec<String> = (0..65).map(|n| format!("prod-{n:02}")).collect();
    let many = scoped("s4", &many.join(","));
    let (unsorted, mixed) = (scoped("s1", "prod,dev"), scoped("s3", "*,prod"));
    vec![
        Case::malformed("scope-unsorted", "a set that is not sorted", unsorted, "not sorted"),
        Case::malformed("scope-twice", "a namespace twice", scoped("s2", "prod,prod"), "twice"),
        Case::malformed("scope-mixed-wildcard", "`*` beside a name", mixed, "mixes")
            .wildcard_allowed(),
        Case::malformed("scope-65-namespaces", "more than 64 namespaces", many, "64"),
    ]
}

fn scopes() -> Vec<Case> {
    let text = scoped("s6", "prod");
    let scope = "  scope:\n    namespaces: [prod]\n    name: db\n";
    vec![
        Case::malformed(
            "scope-upper-case",
            "a name that no namespace has",
            scoped("s5", "Prod"),
            "cannot name",
        ),
        Case::malformed("scope-empty", "no namespace", swap(&text, "[prod]", "[]"), "empty"),
        Case::malformed(
            "scope-number",
            "a number for a namespace",
            swap(&text, "[prod]", "[1]"),
            "wrong type",
        ),
        Case::malformed("scope-absent", "no scope", swap(&text, scope, ""), "empty"),
        Case::malformed(
            "scope-list",
            "the fields of a scope in a list, without their names",
            swap(&text, scope, "  scope: [[prod], db]\n"),
            "wrong type",
        ),
    ]
}

fn base64() -> Vec<Case> {
    vec![
        payload("base64-loose-bits", "loose last bits in a payload", loose),
        payload("base64-no-padding", "a payload without its padding", |p| {
            p.trim_end_matches('=').to_owned()
        }),
        payload("base64-too-much-padding", "a payload with more padding", |p| format!("{p}=")),
        payload("base64-url-alphabet", "the alphabet of URLs", |p| format!("-_{}", &p[2..])),
        payload("base64-line-break", "a line break within a payload", |p| {
            format!("\"{}\\n{}\"", &p[..64], &p[64..])
        }),
        payload("base64-space", "a space within a payload", |p| {
            format!("{} {}", &p[..64], &p[64..])
        }),
    ]
}

/// The text of one payload changed.
fn payload(file: &str, promise: &str, change: fn(&str) -> String) -> Case {
    let sealed = plain(file, &["cluster"]);
    let encoded = sealed.blocks[0].encoded();
    Case::malformed(file, promise, swap(&sealed.yaml(), &encoded, &change(&encoded)), "base64")
}

fn loose(payload: &str) -> String {
    let unpadded = payload.trim_end_matches('=');
    assert!(unpadded.len() < payload.len(), "no bits are left over");
    loose_last(unpadded) + &payload[unpadded.len()..]
}

fn reserved() -> Vec<Case> {
    let helm = File::at("prod", "sh.helm.release.v1.web.v2");
    let helm = helm.seal(&mut Dice::new("helm"), &["cluster"], &[("release", b"x")]).yaml();
    let name = "the name of a Helm release";
    let account = "{metadata: {annotations: {kubernetes.io/service-account.name: admin}}}";
    vec![
        template(
            "reserved-type",
            "a ServiceAccount's token would be minted",
            "{type: kubernetes.io/service-account-token}",
            "type",
        ),
        template(
            "reserved-type-of-ours",
            "a sealing key would be planted",
            "{type: seal.dev/key}",
            "type",
        ),
        template(
            "reserved-label",
            "a label of ours",
            "{metadata: {labels: {seal.dev/key: active}}}",
            "label",
        ),
        template(
            "reserved-label-helm",
            "a Helm release would be forged",
            "{metadata: {labels: {owner: helm}}}",
            "label",
        ),
        template(
            "reserved-annotation",
            "an annotation that names a ServiceAccount",
            account,
            "annotation",
        ),
        Case::refused("reserved-name", name, helm, ("NotAllowed", "name"))
            .at("prod/sh.helm.release.v1.web.v2"),
    ]
}

fn template(file: &str, promise: &str, template: &str, detail: &'static str) -> Case {
    let mut sealed = plain(file, &["cluster"]);
    sealed.more = format!("  template: {template}\n");
    Case::refused(file, promise, sealed.yaml(), ("NotAllowed", detail))
}
