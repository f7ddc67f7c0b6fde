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
    ran.says("left out what has no kind and is not a SealedSecret");
}
