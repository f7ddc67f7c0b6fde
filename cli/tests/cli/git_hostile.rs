//! Files of a repository that somebody else wrote, with the drivers of `seal git-setup`: nothing is hidden, lost, written
//! elsewhere or taken for what it is not.

use std::fs;
use std::os::unix::fs::symlink;

use seal_core::kind::file::{Document, read};
use seal_core::kind::resealed::mark;
use seal_core::kind::sealed::SealedSecret;

use crate::world::World;

const BINDING: &str = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: everybody}\n";
const FOREIGN: &str =
    "---\napiVersion: example.com/v1\nkind: SealedSecret\nmetadata: {name: other}\n";

/// A repository with the drivers, `text` committed as `name`, and a branch `other` from there.
fn repository(name: &str, text: &str) -> World {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    world.seal(&["git-setup", "--pattern", name]).exits(0);
    world.write(name, text);
    world.git(&["add", ".seal.yaml", ".gitattributes", name]);
    world.git(&["commit", "-qm", "sealed"]);
    world.git(&["branch", "other"]);
    world
}

fn sealed() -> String {
    World::sealed().read("db.sealed.yaml")
}

fn first(text: &str) -> SealedSecret {
    let documents = read(text).expect("a sealed file").into_iter();
    let mut objects = documents.filter_map(|document| match document {
        Document::Sealed(object) => Some(*object),
        _ => None,
    });
    objects.next().expect("a sealed object")
}

/// The text as JSON.
fn json(text: &str) -> String {
    let mut json = serde_json::to_value(first(text)).expect("JSON");
    json.as_object_mut().expect("an object").remove("status");
    format!("{json:#}\n")
}

fn set(world: &World, name: &str, key: &str, value: &str) {
    world.seal_with(&["set", name, key], value.as_bytes()).exits(0);
    world.git(&["commit", "-qam", &format!("set {key}")]);
}

/// The payload of `password` in the first document.
fn payload(text: &str) -> String {
    first(text).spec.values["password"].payload.clone()
}

#[test]
fn a_diff_hides_nothing_that_is_no_ciphertext() {
    let text = sealed();
    let item = json(&text).trim_end().to_owned();
    let flow = text.split("  values:\n").next().expect("its head").to_owned()
        + "  values: {password: {payload: QUFBQQ}} # mine\n";
    let list = |more: &str| {
        format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n{item}{more}\n]}}\n")
    };
    let yaml_list =
        format!("apiVersion: v1\nkind: List\nitems:\n- {}\n", item.replace('\n', "\n  "));
    let more =
        ",\n{\"kind\": \"ClusterRoleBinding\", \"apiVersion\": \"rbac.authorization.k8s.io/v1\"}";
    for (before, after, is_short) in [
        (format!("{text}{FOREIGN}"), format!("{text}{FOREIGN}{BINDING}"), true),
        (flow.clone(), format!("{flow}{BINDING}"), true),
        (yaml_list.clone(), format!("{yaml_list}{BINDING}"), true),
        (list(""), list(more), true),
        (item.clone() + "\n", text.clone() + BINDING, true),
        (text.replace("  header: ", "  header: &x "), text.clone() + BINDING, true),
    ] {
        let world = repository("some.sealed.yaml", &before);
        world.write("some.sealed.yaml", &after);
        let diff = world.git_says(&["diff"], 0);
        assert!(diff.contains("ClusterRoleBinding"), "{before}\n{diff}");
        let short = world.seal(&["git-textconv", "some.sealed.yaml"]).exits(0).text();
        assert_eq!(!short.contains(&payload(&after)), is_short, "{short}");
    }
}

#[test]
fn comments_beside_ciphertext_stand_in_a_diff_and_what_an_alias_names_is_printed_raw() {
    let world = World::sealed();
    let text = sealed();
    let commented = text.replacen("  header: |-\n", "  header: |- # of the team\n", 1).replacen(
        "\n    # end of password",
        " # rotated in May\n    # end of password",
        1,
    );
    assert!(commented.contains("|- # of") && commented.contains(" # rotated"), "{commented}");
    world.write("a.yaml", &commented);
    let short = world.seal(&["git-textconv", "a.yaml"]).exits(0).text();
    assert!(
        short.contains("> # of the team\n") && short.contains("> # rotated in May\n"),
        "{short}"
    );
    assert!(!short.contains(&payload(&text)) && !short.contains("-> mlkem"), "{short}");
    let kept = |text: &str| text.lines().filter(|line| !line.contains(['<', '|'])).count();
    assert!(kept(&short) > 10, "{short}");
    let aliased =
        text.replacen("  name: db\n", "  name: db\n  annotations: {note: &note QUFBQQ}\n", 1);
    let aliased = aliased.replace(&format!("payload: {}", payload(&text)), "payload: *note");
    world.write("b.yaml", &aliased);
    let said = world.seal(&["git-textconv", "b.yaml"]).exits(0).text();
    assert_eq!(said, aliased);
}

#[test]
fn a_mark_that_somebody_planted_gives_no_value_away() {
    let world = repository("db.sealed.yaml", &sealed());
    let before = payload(&world.read("db.sealed.yaml"));
    set(&world, "db.sealed.yaml", "password", "ours");
    let text = world.read("db.sealed.yaml");
    let planted =
        format!("  # resealed: {}\n  sealedTo:", mark("password", &before, &payload(&text)));
    world.write("db.sealed.yaml", text.replacen("  sealedTo:", &planted, 1));
    world.git(&["commit", "-qam", "a comment"]);
    world.write(
        "before.yaml",
        world.git_says(&["show", "--no-textconv", "other:db.sealed.yaml"], 0),
    );
    let said = world.seal(&["diff", "before.yaml", "db.sealed.yaml"]).exits(0).text();
    assert!(said.contains("~ password sealed anew\n"), "{said}");
    world.git(&["switch", "-q", "other"]);
    set(&world, "db.sealed.yaml", "password", "evil");
    world.git(&["switch", "-q", "main"]);
    let said = world.git_says(&["merge", "--no-edit", "other"], 1);
    assert!(said.contains("password of prod/db was changed on both sides"), "{said}");
}

#[test]
fn nothing_is_written_through_a_link_into_what_git_keeps_for_itself() {
    let world = repository("db.sealed.yaml", &sealed());
    let config = world.read(".git/config");
    fs::remove_file(world.path(".gitattributes")).unwrap();
    symlink(".git/config", world.path(".gitattributes")).unwrap();
    world.seal(&["git-setup"]).exits(2).says(".gitattributes is a link");
    assert_eq!(world.read(".git/config"), config);
    for (folder, name) in [(".git", "link.yaml"), ("sub/.GIT", "nested.yaml")] {
        let target = format!("{folder}/some.yaml");
        world.write(&target, sealed());
        symlink(&target, world.path(name)).unwrap();
        let before = world.read(&target);
        let said = world.seal_with(&["set", name, "password"], b"new").exits(2);
        said.says(&format!("{name} leads out of its Git work tree"));
        world.seal(&["secret.json", "-o", name, "--force"]).exits(2);
        assert_eq!(world.read(&target), before);
    }
}
