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
fn a_comment_that_looks_like_a_place_of_the_driver_is_a_comment() {
    let text = sealed().replacen(
        "spec:\n",
        "# seal/conflict/0000\n# seal/conflict/0000000\nspec:\n  # seal/conflict/0000000/0000000\n",
        1,
    );
    let world = repository("db.sealed.yaml", &text);
    set(&world, "db.sealed.yaml", "password", "ours");
    world.git(&["switch", "-q", "other"]);
    set(&world, "db.sealed.yaml", "password", "theirs");
    world.git_says(&["merge", "--no-edit", "main"], 1);
    let merged = world.read("db.sealed.yaml");
    assert_eq!(merged.matches("seal/conflict/").count(), 3, "{merged}");
    assert_eq!(merged.matches("<<<<<<< ours: keep").count(), 1, "{merged}");
    for line in text.lines().filter(|line| !line.contains("payload: ")) {
        assert!(merged.lines().any(|it| it == line), "{line} is gone: {merged}");
    }
}

#[test]
fn a_block_beside_lines_that_conflict_leaves_no_place_behind() {
    let world = repository("db.sealed.yaml", &sealed());
    for (branch, value) in [("other", "theirs"), ("main", "ours")] {
        world.git(&["switch", "-q", branch]);
        world.seal_with(&["set", "db.sealed.yaml", "password"], value.as_bytes()).exits(0);
        let text = world.read("db.sealed.yaml");
        let text =
            text.replacen("    password:", &format!("    # {value} above\n    password:"), 1);
        let text = text.replacen(
            "# end of password\n",
            &format!("# end of password\n    # {value} below\n"),
            1,
        );
        world.write("db.sealed.yaml", text);
        world.git(&["commit", "-qam", value]);
    }
    for style in ["merge", "diff3"] {
        let style = format!("merge.conflictStyle={style}");
        world.git_says(&["-c", &style, "merge", "--no-edit", "other"], 1);
        let merged = world.read("db.sealed.yaml");
        assert!(!merged.contains("seal/conflict"), "{merged}");
        for word in ["# ours above", "# theirs above", "# ours below", "# theirs below"] {
            assert!(merged.contains(word), "{word}: {merged}");
        }
        for branch in ["main", "other"] {
            let text =
                world.git_says(&["show", "--no-textconv", &format!("{branch}:db.sealed.yaml")], 0);
            assert!(merged.contains(&payload(&text)), "{branch}: {merged}");
        }
        world.git(&["merge", "--abort"]);
    }
}

#[test]
fn many_objects_that_conflict_are_marked_each_and_a_file_without_measure_by_its_lines() {
    let object = |number: usize, value: &str| {
        sealed_object(&format!("db{number}"), &format!("payload: {value}{number:04}"))
    };
    let texts = ["BASE", "OURS", "THEY"]
        .map(|side| (0..60).map(|it| object(it, side)).collect::<Vec<_>>().join("---\n"));
    let world = World::new();
    let files = ["base.yaml", "ours.yaml", "theirs.yaml"];
    files.iter().zip(&texts).for_each(|(name, text)| world.write(name, text));
    let args = ["git-merge", "base.yaml", "ours.yaml", "theirs.yaml"];
    world.seal(&args).exits(1).says("password of prod/db59 was changed on both sides");
    let merged = world.read("ours.yaml");
    assert_eq!(merged.matches("<<<<<<< ours: keep").count(), 60);
    assert!(
        (0..60).all(|it| merged.contains(&format!("OURS{it:04}"))
            && merged.contains(&format!("THEY{it:04}")))
    );
    let large = format!("{}# {}\n", texts[0], "x".repeat(2 * 1024 * 1024));
    files.iter().for_each(|name| world.write(name, &large));
    world.seal(&args).exits(1).says("whether what they make was meant is not known");
    assert_eq!(world.read("ours.yaml"), large);
}

fn sealed_object(name: &str, block: &str) -> String {
    format!(
        "apiVersion: seal.dev/v1\nkind: SealedSecret\nmetadata:\n  name: {name}\n  namespace: prod\nspec:\n  scope:\n    namespaces: [prod]\n    name: {name}\n  values:\n    password:\n      {block}\n    # end of password\n"
    )
}

#[test]
fn marks_are_no_longer_than_anybody_reads_whatever_a_repository_asks_for() {
    let world = repository("db.sealed.yaml", &sealed());
    world.write(
        ".gitattributes",
        "db.sealed.yaml diff=seal merge=seal conflict-marker-size=1500000000\n",
    );
    world.git(&["commit", "-qam", "long marks"]);
    set(&world, "db.sealed.yaml", "password", "ours");
    world.git(&["switch", "-qc", "third", "HEAD~1"]);
    set(&world, "db.sealed.yaml", "password", "theirs");
    world.git_says(&["merge", "--no-edit", "main"], 1);
    let merged = world.read("db.sealed.yaml");
    assert!(
        merged.contains(&format!("\n{} ours: keep", "<".repeat(200))),
        "{} bytes",
        merged.len()
    );
    // Git alone, where `seal` cannot read a version.
    world.write("db.sealed.yaml", b"\xff\na\n");
    let config = world.read(".git/config");
    assert!(config.contains("[ $l -le 200 ] || l=200;"), "{config}");
    world
        .seal(&["git-merge", "--marker-size=0", "secret.json", "secret.json", "secret.json"])
        .exits(0);
}

#[test]
fn json_merges_where_its_lines_do_and_where_its_values_do() {
    let text = json(&sealed());
    let world = repository("db.sealed.json", &text);
    let merge = |code: i32, ours: [&str; 2], theirs: [&str; 2]| {
        for (branch, [key, value]) in [("main", ours), ("other", theirs)] {
            world.git(&["switch", "-q", branch]);
            world.git(&["reset", "-q", "--hard", "start"]);
            set(&world, "db.sealed.json", key, value);
        }
        world.git(&["switch", "-q", "main"]);
        world.git_says(&["merge", "-q", "--no-edit", "other"], code)
    };
    world.git(&["tag", "start"]);
    merge(0, ["password", "ours"], ["username", "theirs"]);
    assert_eq!(world.open("db.sealed.json", "password"), b"ours");
    assert_eq!(world.open("db.sealed.json", "username"), b"theirs");
    // Both at one place, which lines alone call a conflict.
    merge(0, ["token", "ours"], ["tokens", "theirs"]);
    assert_eq!(world.open("db.sealed.json", "token"), b"ours");
    assert_eq!(world.open("db.sealed.json", "tokens"), b"theirs");
    let said = merge(1, ["password", "ours"], ["password", "theirs"]);
    assert!(said.contains("password of prod/db was changed on both sides"), "{said}");
    assert!(said.contains("conflicts are marked in it"), "{said}");
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
