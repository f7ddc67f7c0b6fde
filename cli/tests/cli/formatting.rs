//! `seal fmt`: a sealed file of any layout becomes one that `seal set` edits, without a key.

use crate::world::World;

/// The same object as JSON, as KYAML and in a List.
fn layouts(world: &World) -> [(&'static str, String); 3] {
    let text = world.read("db.sealed.yaml");
    let header: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains("header: |-"))
        .skip(1)
        .take_while(|line| line.starts_with("    "))
        .map(str::trim)
        .collect();
    let hints: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .filter(|it| it.starts_with("sha"))
        .collect();
    let payload = |key: &str| {
        let (_, block) =
            text.split_once(&format!("    {key}:\n      payload: ")).expect("its block");
        block.lines().next().expect("its payload").to_owned()
    };
    let object = serde_json::json!({
        "apiVersion": "seal.dev/v1", "kind": "SealedSecret",
        "metadata": { "name": "db", "namespace": "prod", "uid": "u", "annotations": { "a": "b" } },
        "spec": {
            "scope": { "namespaces": ["prod"], "name": "db" }, "sealedTo": hints, "header": header.join("\n"),
            "values": {
                "password": { "payload": payload("password") },
                "username": { "payload": payload("username") },
            },
        },
        "status": { "observedGeneration": 1 },
    });
    let json = format!("{object:#}\n");
    let kyaml = json
        .replace("\n  \"", "\n  ")
        .replace("kind\": ", "# kept\n  kind: ")
        .replace("apiVersion\":", "apiVersion:")
        .replace("metadata\":", "metadata:")
        .replace("spec\":", "spec:")
        .replace("status\":", "status:");
    let list = text.replace('\n', "\n  ");
    [
        ("json.yaml", json),
        ("kyaml.yaml", format!("# above\n---\n{kyaml}")),
        ("list.yaml", format!("apiVersion: v1\nkind: List\nitems:\n- {}\n", list.trim_end())),
    ]
}

#[test]
fn json_flow_style_and_lists_become_files_that_set_can_edit_without_a_key() {
    let world = World::sealed();
    for (name, text) in layouts(&world) {
        world.write(name, &text);
        assert_eq!(world.open(name, "password"), b"hunter2", "{name}");
        if name != "json.yaml" {
            // JSON is edited as it is.
            world.seal_with(&["set", name, "password"], b"new").exits(2).says("`seal fmt FILE`");
        }
        assert_eq!(world.read(name), text, "{name}");
        world.seal(&["fmt", name, "--check"]).exits(3).says("would change: its layout");
        assert_eq!(world.read(name), text, "{name}");
        let ran = world.seal(&["fmt", name]).exits(0);
        if text.contains("\"uid\":") {
            ran.says("left out prod/db: metadata.uid").says("left out prod/db: status");
        }
        let written = world.read(name);
        assert!(written.contains("\n    password:\n      payload: "), "{written}");
        assert_eq!(
            written.contains("# kept\n") && written.contains("# above\n"),
            name == "kyaml.yaml"
        );
        world.seal(&["fmt", name, "--check"]).exits(0);
        world.seal(&["fmt", name]).exits(0);
        assert_eq!(world.read(name), written, "{name}");
        world.seal_with(&["set", name, "password"], b"new").exits(0);
        assert_eq!(world.open(name, "password"), b"new", "{name}");
        assert_eq!(world.open(name, "username"), b"admin", "{name}");
    }
}

#[test]
fn a_file_named_json_never_becomes_yaml() {
    let world = World::sealed();
    let [(_, json), ..] = layouts(&world);
    world.write("db.json", &json);
    world.seal(&["fmt", "db.json", "--check"]).exits(0);
    world.seal(&["fmt", "db.json"]).exits(0);
    assert_eq!(world.read("db.json"), json);
    let list = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{json}]}}");
    world.write("list.json", &list);
    for check in [&[][..], &["--check"]] {
        let ran = world.seal(&[&["fmt", "list.json"], check].concat()).exits(2);
        ran.says("`seal fmt < list.json > list.yaml`");
    }
    assert_eq!(world.read("list.json"), list);
    let written = world.seal_with(&["fmt"], list.as_bytes()).exits(0).text();
    world.write("list.yaml", written);
    assert_eq!(world.open("list.yaml", "password"), b"hunter2");
}

#[test]
fn a_file_that_can_be_edited_stays_byte_for_byte() {
    let world = World::sealed();
    let text =
        format!("# mine\n\n{}", world.read("db.sealed.yaml").replace("prod\n", "prod   # here\n"));
    world.write("db.sealed.yaml", &text);
    world.seal(&["fmt", "db.sealed.yaml"]).exits(0);
    assert_eq!(world.read("db.sealed.yaml"), text);
    let piped = world.seal_with(&["fmt"], text.as_bytes()).exits(0);
    assert_eq!(piped.text(), text);
}

#[test]
fn what_is_not_ours_is_not_formatted() {
    let world = World::sealed();
    let [(_, json), ..] = layouts(&world);
    let mixed =
        format!("---\n{json}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n");
    world.write("mixed.yaml", &mixed);
    world.seal(&["fmt", "mixed.yaml"]).exits(2).says("ConfigMap stands beside");
    assert_eq!(world.read("mixed.yaml"), mixed);
    world.write("plain.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    world.seal(&["fmt", "plain.yaml"]).exits(2).says("no sealed object");
}

#[test]
fn the_comments_that_end_blocks_come_back_and_no_other_line_changes() {
    let world = World::sealed();
    for line_end in ["\n", "\r\n"] {
        let text = world.read("db.sealed.yaml").replace("\r\n", "\n");
        let text = format!("# above\n{text}").replace('\n', line_end);
        let is_mark = |line: &&str| line.trim_start().starts_with("# end of ");
        let without: Vec<&str> = text.split_inclusive('\n').filter(|it| !is_mark(it)).collect();
        let half = text.replacen("    # end of password", "    # mine", 1);
        for taken_out in [without.concat(), half] {
            world.write("db.sealed.yaml", &taken_out);
            world.seal(&["fmt", "db.sealed.yaml", "--check"]).exits(3);
            world.seal(&["fmt", "db.sealed.yaml"]).exits(0);
            let back = world.read("db.sealed.yaml");
            assert_eq!(back.matches("# end of ").count(), 2, "{back}");
            assert!(
                back.contains("    # end of password") && back.contains("    # end of username")
            );
            let rest: String = back.split_inclusive('\n').filter(|it| !is_mark(it)).collect();
            let before: String =
                taken_out.split_inclusive('\n').filter(|it| !is_mark(it)).collect();
            assert_eq!(rest, before);
            world.seal(&["fmt", "db.sealed.yaml", "--check"]).exits(0);
        }
        world.write(
            "db.sealed.yaml",
            text.replacen("# above\r\n", "", 1).replacen("# above\n", "", 1),
        );
    }
}
