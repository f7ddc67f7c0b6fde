//! `seal diff`: what differs by key, and nothing that is sealed.

use serde_json::{Value, json};

use crate::world::World;

#[test]
fn a_difference_names_keys_recipients_and_fields() {
    let world = World::sealed();
    world.write("after.yaml", world.read("db.sealed.yaml"));
    world.seal_with(&["set", "after.yaml", "password"], b"x").exits(0);
    world.seal_with(&["set", "after.yaml", "token"], b"x").exits(0);
    world.seal(&["unset", "after.yaml", "username"]).exits(0);
    let said = world.seal(&["diff", "db.sealed.yaml", "after.yaml"]).exits(0);
    let want = "SealedSecret prod/db\n  ~ password sealed anew\n  + token\n  - username\n";
    assert_eq!(said.text(), want);
    let json = world.seal(&["diff", "db.sealed.yaml", "after.yaml", "--json"]).exits(0).text();
    let all: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&all[0]["kind"], &all[0]["object"]), (&json!("SealedSecret"), &json!("prod/db")));
    let change = |sign: &str, name: &str| json!({"sign": sign, "what": "key", "name": name, "resealed": false});
    let want = [change("~", "password"), change("+", "token"), change("-", "username")];
    assert_eq!(all[0]["changes"], json!(want));
    let text = world.read("db.sealed.yaml");
    world.write("other.yaml", text.replace("  scope:", "  suspend: true\n  scope:"));
    world.seal(&["diff", "db.sealed.yaml", "other.yaml"]).exits(0).prints("  ~ spec.suspend\n");
    let same = world.seal_with(&["diff", "-", "db.sealed.yaml"], text.as_bytes()).exits(0);
    assert_eq!(same.says("nothing differs").text(), "");
    let same = world.seal(&["diff", "db.sealed.yaml", "db.sealed.yaml", "--json"]).exits(0);
    assert_eq!(same.text(), "[]\n");
}

#[test]
fn what_was_only_sealed_anew_is_said_to_be_the_same() {
    let world = World::sealed();
    world.write("before.yaml", world.read("db.sealed.yaml"));
    let policy = world.read(".seal.yaml").replace("[cluster, offline]", "[offline]");
    world.write(".seal.yaml", policy);
    world.seal(&["reseal", "db.sealed.yaml", "-i", "../offline.txt"]).exits(0);
    let said = world.seal(&["diff", "before.yaml", "db.sealed.yaml"]).exits(0);
    said.prints("~ password sealed anew, by `seal reseal`: the same value\n")
        .prints("- recipient cluster (sha256:");
    let json = world.seal(&["diff", "before.yaml", "db.sealed.yaml", "--json"]).exits(0).text();
    let all: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(all[0]["changes"][0]["resealed"], json!(true), "{json}");
}
