//! `seal inspect`: what a hostile file shows forges no row and steers no terminal.

use crate::world::World;

#[test]
fn nothing_in_a_file_forges_a_row_or_hides_in_one() {
    let world = World::new();
    let forged =
        "x\n  sealed to     sha256:00000000000000000000000000000000\n\u{1b}[2J\u{202e}\u{200b}";
    world.seal(&["secret.json", "--annotation", &format!("a={forged}"), "-o", "s.yaml"]).exits(0);
    let text = world.seal(&["inspect", "s.yaml"]).exits(0).text();
    assert_eq!(text.lines().filter(|line| line.contains("sha256:0000")).count(), 1, "{text}");
    assert!(text.contains("annotations    a=x\\n  sealed to"), "{text}");
    for hidden in ['\u{1b}', '\u{202e}', '\u{200b}'] {
        assert!(!text.contains(hidden), "{text:?}");
    }
    let json = world.seal(&["inspect", "s.yaml", "--json"]).exits(0).text();
    assert!(json.contains("\\u202e\\u200b") && !json.contains('\u{202e}'), "{json}");
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read[0]["template"]["metadata"]["annotations"]["a"], forged);
}

#[test]
fn a_row_and_its_value_stand_apart_and_a_manifest_without_kind_has_words() {
    let world = World::sealed();
    let text =
        world.read("db.sealed.yaml").replace("spec:\n", "spec:\n  serviceAccounts: [default]\n");
    world.write("s.yaml", format!("{text}---\nhello: world\n"));
    let ran = world.seal(&["inspect", "s.yaml"]).exits(0).prints("pull secret of default\n");
    ran.says("left out what has no kind and is no sealed object");
}

#[test]
fn a_field_that_was_emptied_by_hand_is_absent_and_one_of_a_wrong_type_is_named() {
    let world = World::sealed();
    let sealed = world.read("db.sealed.yaml");
    let with = |template: &str| {
        let template = format!("spec:\n  template:\n{template}");
        world.write("db.sealed.yaml", sealed.replacen("spec:\n", &template, 1));
    };
    for emptied in ["metadata:", "metadata: {labels: , annotations: }", "stringData:"] {
        with(&format!("    {emptied}\n"));
        world.seal(&["inspect", "db.sealed.yaml"]).exits(0);
        assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
    }
    with("    metadata: {labels: {version: 1.20}}\n");
    let ran = world.seal(&["inspect", "db.sealed.yaml"]).exits(2);
    ran.says("prod/db: spec.template.metadata.labels.version is of the wrong type");
    with("    metadata: [a]\n");
    let ran = world.seal(&["inspect", "db.sealed.yaml"]).exits(2);
    ran.says("prod/db: spec.template.metadata is of the wrong type: a list, and must be a map");
}

#[test]
fn a_file_that_the_shell_has_emptied_is_named_as_that() {
    let world = World::sealed();
    world.write("db.sealed.yaml", "");
    for command in ["inspect", "open", "fmt"] {
        let identity = ["-i", "../cluster.txt"];
        let more = if command == "open" { &identity[..] } else { &[] };
        let ran = world.seal(&[&[command, "db.sealed.yaml"], more].concat()).exits(2);
        ran.says("db.sealed.yaml is empty").says("-o FILE");
    }
}
