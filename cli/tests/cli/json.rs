//! A sealed file that is JSON is changed in place, as YAML is: every character outside of what is meant stays.

use crate::world::World;

/// `db.json`, laid out as a person might: four spaces, a field of one line, no line feed at the end.
fn world() -> World {
    let world = World::sealed();
    let documents =
        seal_core::kind::file::read(&world.read("db.sealed.yaml")).expect("a sealed file");
    let object = documents.iter().find_map(|document| match document {
        seal_core::kind::file::Document::Sealed(object) => Some(object),
        _ => None,
    });
    let object = object.expect("a sealed object");
    let mut json = serde_json::to_value(object).expect("JSON");
    json.as_object_mut().expect("an object").remove("status");
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(&json, &mut writer).expect("it is written");
    let text = String::from_utf8(text).expect("text");
    let one_line = text.replacen(
        "\"namespaces\": [\n                \"prod\"\n            ]",
        "\"namespaces\": [ \"prod\" ]",
        1,
    );
    assert_ne!(one_line, text);
    world.write("db.json", one_line);
    world
}

/// The lines that are in one of the two alone.
fn changed(before: &str, after: &str) -> usize {
    let [before, after] =
        [before, after].map(|text| text.lines().collect::<std::collections::BTreeSet<_>>());
    before.symmetric_difference(&after).count()
}

#[test]
fn setting_a_value_changes_its_block_alone() {
    let world = world();
    let before = world.read("db.json");
    world.seal_with(&["set", "db.json", "password"], b"new").exits(0);
    let after = world.read("db.json");
    assert_eq!(world.open("db.json", "password"), b"new");
    assert_eq!(world.open("db.json", "username"), b"admin");
    assert!(after.contains("\"namespaces\": [ \"prod\" ]") && !after.ends_with('\n'), "{after}");
    // Its payload, and the header and recipients that it has now.
    assert!(changed(&before, &after) <= 8, "{after}");
    let username = |text: &str| {
        let at = text.find("\"username\": {").expect("its block");
        text[at..at + text[at..].find('}').expect("its end")].to_owned()
    };
    assert_eq!(username(&after), username(&before));
}

#[test]
fn every_edit_works_and_what_it_leaves_opens() {
    let world = world();
    world.seal_with(&["set", "db.json", "token"], b"t0ken").exits(0);
    let text = world.read("db.json");
    let [password, token, username] = ["password", "token", "username"]
        .map(|key| text.find(&format!("\"{key}\": {{")).expect("its block"));
    assert!(password < token && token < username, "in its place by name: {text}");
    world.seal(&["rename-key", "db.json", "token", "api.token", "-i", "../cluster.txt"]).exits(0);
    world.seal(&["unset", "db.json", "username"]).exits(0);
    world.write(".seal.yaml", world.read(".seal.yaml").replace("[cluster, offline]", "[cluster]"));
    world.seal(&["reseal", "db.json", "-i", "../offline.txt"]).exits(0);
    assert_eq!(world.open("db.json", "api.token"), b"t0ken");
    assert_eq!(world.open("db.json", "password"), b"hunter2");
    world.seal(&["open", "db.json", "-i", "../offline.txt"]).exits(4);
    assert_eq!(world.read("db.json").matches("age-encryption.org/v1").count(), 1);
    world.seal(&["unset", "db.json", "password", "api.token"]).exits(0);
    world.seal_with(&["set", "db.json", "first"], b"1").exits(0);
    assert_eq!(world.open("db.json", "first"), b"1");
    serde_json::from_str::<serde_json::Value>(&world.read("db.json")).expect("JSON");
}

#[test]
fn a_list_is_left_alone_and_says_what_to_do() {
    let world = world();
    let list = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}]}}",
        world.read("db.json")
    );
    world.write("list.json", &list);
    world.seal_with(&["set", "list.json", "password"], b"x").exits(2).says("`seal fmt FILE`");
    assert_eq!(world.read("list.json"), list);
}
