//! Sealed files in real Git: what `git diff` shows, and what merges that lines alone would not.

use crate::world::{World, recipient};

/// A repository with the drivers, `db.sealed.yaml` committed, and a branch `other` from there.
fn repository() -> World {
    let world = World::sealed();
    world.git(&["init", "-q", "-b", "main", "."]);
    world.seal(&["git-setup"]).exits(0).says("wrote .gitattributes");
    world.git(&["add", ".seal.yaml", ".gitattributes", "db.sealed.yaml"]);
    world.git(&["commit", "-qm", "sealed"]);
    world.git(&["branch", "other"]);
    world
}

/// Seals everything for one recipient more, and commits.
fn reseal(world: &World) {
    let policy = world.read(".seal.yaml");
    if !policy.contains("stranger") {
        let more = format!("recipients:\n  stranger: {}", recipient("stranger"));
        let policy = policy.replacen("recipients:", &more, 1);
        world.write(".seal.yaml", policy.replace("offline]", "offline, stranger]"));
    }
    world.seal(&["reseal", ".", "-i", "../offline.txt"]).exits(0);
    world.git(&["commit", "-qam", "reseal"]);
}

fn set(world: &World, key: &str, value: &str) {
    world.seal_with(&["set", "db.sealed.yaml", key], value.as_bytes()).exits(0);
    world.git(&["commit", "-qam", &format!("set {key}")]);
}

#[test]
fn a_diff_shows_names_and_digests_and_no_ciphertext() {
    let world = repository();
    let before = world.read("db.sealed.yaml");
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"new").exits(0);
    let diff = world.git_says(&["diff", "db.sealed.yaml"], 0);
    let changed: Vec<&str> = diff
        .lines()
        .filter(|line| line.starts_with(['+', '-']) && !line.contains("/db.sealed"))
        .collect();
    assert!(diff.contains("     password:"), "{diff}");
    assert!(
        changed.iter().all(|line| line.contains("sealedTo: [") || line.contains(": <")),
        "{diff}"
    );
    let payload = before.lines().find(|line| line.contains("payload: ")).expect("a payload");
    assert!(!diff.contains(payload.trim()), "{diff}");
    assert!(!diff.contains("-> mlkem768x25519"), "{diff}");
}

#[test]
fn one_side_sealed_everything_anew_and_the_other_set_a_value() {
    for resealed_here in [true, false] {
        let world = repository();
        let (here, there) = if resealed_here { ("main", "other") } else { ("other", "main") };
        world.git(&["switch", "-q", here]);
        reseal(&world);
        world.git(&["switch", "-q", there]);
        set(&world, "password", "newer");
        world.git(&["switch", "-q", "main"]);
        world.git(&["merge", "-q", "--no-edit", "other"]);
        assert_eq!(world.open("db.sealed.yaml", "password"), b"newer");
        assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
        let opened = ["open", "db.sealed.yaml", "-i", "../stranger.txt", "--key", "username"];
        world.seal(&opened).exits(0);
    }
}

#[test]
fn both_sides_sealed_everything_anew_and_each_set_another_value() {
    let world = repository();
    world.git(&["switch", "-q", "other"]);
    reseal(&world);
    set(&world, "password", "theirs");
    world.git(&["switch", "-q", "main"]);
    reseal(&world);
    set(&world, "token", "ours");
    world.git(&["merge", "-q", "--no-edit", "other"]);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"theirs");
    assert_eq!(world.open("db.sealed.yaml", "token"), b"ours");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn a_rebase_and_a_cherry_pick_over_a_reseal_keep_the_value_that_was_set() {
    let world = repository();
    reseal(&world);
    world.git(&["switch", "-q", "other"]);
    set(&world, "password", "newer");
    world.git(&["branch", "picked"]);
    world.git(&["rebase", "-q", "main"]);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"newer");
    world.git(&["switch", "-q", "main"]);
    world.git(&["cherry-pick", "picked"]);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"newer");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn a_value_that_both_sides_set_is_the_only_conflict_and_its_marks_say_what_to_keep() {
    let world = repository();
    world.git(&["switch", "-q", "other"]);
    set(&world, "password", "theirs");
    set(&world, "token", "theirs");
    world.git(&["switch", "-q", "main"]);
    reseal(&world);
    set(&world, "password", "ours");
    let said = world.git_says(&["merge", "--no-edit", "other"], 1);
    assert!(said.contains("password of prod/db was changed on both sides"), "{said}");
    let text = world.read("db.sealed.yaml");
    assert_eq!(text.matches("<<<<<<< ours: keep these lines").count(), 1, "{text}");
    for (side, value) in [("ours", &b"ours"[..]), ("theirs", b"theirs")] {
        let kept = keep(&text, side);
        world.write("kept.yaml", &kept);
        assert_eq!(world.open("kept.yaml", "password"), value, "{kept}");
        assert_eq!(world.open("kept.yaml", "token"), b"theirs");
        assert_eq!(world.open("kept.yaml", "username"), b"admin");
    }
}

/// What is left of a text with conflicts when one side's lines are kept.
fn keep(text: &str, side: &str) -> String {
    let (mut kept, mut at) = (String::new(), "both");
    for line in text.lines() {
        match line.split(' ').next().unwrap_or_default() {
            "<<<<<<<" => at = "ours",
            "=======" => at = "theirs",
            ">>>>>>>" => at = "both",
            _ if at == "both" || at == side => kept.extend([line, "\n"]),
            _ => {}
        }
    }
    kept
}

#[test]
fn a_key_that_one_side_took_out_and_the_other_set_is_a_conflict() {
    let world = repository();
    world.git(&["switch", "-q", "other"]);
    world.seal(&["unset", "db.sealed.yaml", "password"]).exits(0);
    world.git(&["commit", "-qam", "no password"]);
    world.git(&["switch", "-q", "main"]);
    set(&world, "password", "ours");
    world.git_says(&["merge", "--no-edit", "other"], 1);
    world.git(&["merge", "--abort"]);
    // Who only sealed it anew meant nothing by it: it stays out.
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    reseal(&world);
    world.git(&["merge", "-q", "--no-edit", "other"]);
    world.seal(&["open", "db.sealed.yaml", "-i", "../offline.txt", "--key", "password"]).exits(2);
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
}

#[test]
fn a_side_that_sealed_for_another_scope_is_never_merged_silently() {
    let world = repository();
    world.git(&["switch", "-q", "other"]);
    set(&world, "token", "theirs");
    world.git(&["switch", "-q", "main"]);
    let wide = ["secret.json", "-o", "db.sealed.yaml", "--scope-namespaces", "prod,staging"];
    world.seal(&wide).exits(0);
    world.git(&["commit", "-qam", "wider"]);
    world.git_says(&["merge", "--no-edit", "other"], 1);
}

#[test]
fn a_mark_that_a_later_edit_left_behind_says_nothing() {
    let world = repository();
    reseal(&world);
    set(&world, "password", "ours");
    world.git(&["switch", "-q", "other"]);
    set(&world, "password", "theirs");
    world.git(&["switch", "-q", "main"]);
    assert!(world.read("db.sealed.yaml").contains("# resealed: "), "the mark is still there");
    world.git_says(&["merge", "--no-edit", "other"], 1);
}

#[test]
fn a_file_that_is_no_sealed_one_is_merged_as_git_merges_it() {
    let world = repository();
    world.write("note-sealed.yaml", "a\nb\nc\nd\ne\n");
    world.git(&["add", "note-sealed.yaml"]);
    world.git(&["commit", "-qm", "a note"]);
    world.git(&["branch", "-f", "other"]);
    world.write("note-sealed.yaml", "ours\nb\nc\nd\ne\n");
    world.git(&["commit", "-qam", "ours"]);
    world.git(&["switch", "-q", "other"]);
    world.write("note-sealed.yaml", "a\nb\nc\nd\ntheirs\n");
    world.git(&["commit", "-qam", "theirs"]);
    world.git(&["merge", "-q", "--no-edit", "main"]);
    assert_eq!(world.read("note-sealed.yaml"), "ours\nb\nc\nd\ntheirs\n");
}

#[test]
fn setting_up_again_changes_nothing_and_names_files_without_a_pattern() {
    let world = repository();
    world.write("clusters/db.yaml", world.read("db.sealed.yaml"));
    world.git(&["add", "clusters/db.yaml"]);
    let attributes = world.read(".gitattributes");
    world.seal(&["git-setup"]).exits(0).says("no pattern is for: clusters/db.yaml");
    assert_eq!(world.read(".gitattributes"), attributes);
    world.seal(&["git-setup", "--pattern", "clusters/**"]).exits(0);
    assert!(world.read(".gitattributes").ends_with("clusters/** diff=seal merge=seal\n"));
    world.seal(&["git-setup", "--remove"]).exits(0);
    let config = world.read(".git/config");
    assert!(!config.contains("seal"), "{config}");
}

#[test]
fn two_sides_that_sealed_everything_anew_for_different_recipients_are_a_conflict() {
    let world = repository();
    world.git(&["switch", "-q", "other"]);
    world.write(".seal.yaml", world.read(".seal.yaml").replace("[cluster, offline]", "[offline]"));
    world.seal(&["reseal", ".", "-i", "../offline.txt"]).exits(0);
    world.git(&["commit", "-qam", "without the cluster"]);
    world.git(&["switch", "-q", "main"]);
    world.seal_with(&["set", "db.sealed.yaml", "token"], b"t").exits(0);
    world.seal(&["reseal", "db.sealed.yaml", "-i", "../offline.txt"]).exits(0);
    world.git(&["commit", "-qam", "for the same as before"]);
    let said = world.git_says(&["merge", "--no-edit", "other"], 1);
    assert!(said.contains("password of prod/db was changed on both sides"), "{said}");
}

#[test]
fn hostile_names_and_a_program_that_is_gone_leave_git_as_it_is() {
    let world = repository();
    for name in ["-i.sealed.yaml", "--help.sealed.yaml", "$(touch pwned)'\"x.sealed.yaml"] {
        world.write(name, world.read("db.sealed.yaml"));
        world.git(&["add", "--", name]);
    }
    world.git(&["commit", "-qm", "names"]);
    world.git(&["branch", "-f", "other"]);
    for name in ["-i.sealed.yaml", "--help.sealed.yaml", "$(touch pwned)'\"x.sealed.yaml"] {
        world.seal_with(&["set", "--", name, "token"], b"ours").exits(0);
    }
    let diff = world.git_says(&["diff"], 0);
    assert_eq!(diff.matches("+      payload: <").count(), 3, "{diff}");
    world.git(&["commit", "-qam", "ours"]);
    world.git(&["switch", "-q", "other"]);
    world.seal_with(&["set", "--", "-i.sealed.yaml", "password"], b"theirs").exits(0);
    world.git(&["commit", "-qam", "theirs"]);
    world.git(&["merge", "-q", "--no-edit", "main"]);
    assert_eq!(
        world
            .seal(&["open", "-i", "../cluster.txt", "--key", "token", "--", "-i.sealed.yaml"])
            .exits(0)
            .stdout,
        b"ours"
    );
    assert!(!world.path("pwned").exists());
    // The program is gone: Git merges lines, and marks what it cannot.
    let config = world.read(".git/config").replace(env!("CARGO_BIN_EXE_seal"), "/nowhere/seal");
    world.write(".git/config", config);
    world.git(&["switch", "-qc", "third", "HEAD~2"]);
    world.seal_with(&["set", "--", "-i.sealed.yaml", "password"], b"third").exits(0);
    world.git(&["commit", "-qam", "third"]);
    world.git_says(&["merge", "--no-edit", "other"], 1);
    assert!(world.read("-i.sealed.yaml").contains("<<<<<<< "));
    world.git(&["merge", "--abort"]);
    assert!(world.git_says(&["diff", "HEAD~1"], 0).contains("payload: "));
}
