//! `seal edit`, with editors that are shell scripts: what changed is sealed anew, and no text is lost.

use std::path::{Path, PathBuf};

use crate::world::{Ran, World};

/// Runs `seal edit` with an editor that does `script` to its file, `$1`.
fn edit(world: &World, script: &str, more: &[&str]) -> Ran {
    world.write("../bin/editor", format!("#!/bin/sh\n{script}\n"));
    world.set_mode("../bin/editor", 0o755);
    std::fs::create_dir_all(world.path("../run")).expect("a folder");
    let mut command = world.command(&[&["edit", "db.sealed.yaml"], more].concat());
    command.env("EDITOR", world.path("../bin/editor")).env_remove("VISUAL");
    command.env("XDG_RUNTIME_DIR", runtime(world));
    let output = command.output().expect("the command runs");
    Ran {
        code: output.status.code().expect("it was not killed"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("text on standard error"),
    }
}

/// A folder in memory that is this test's own.
fn runtime(world: &World) -> PathBuf {
    let name = world.path(".").display().to_string().replace('/', "_");
    let folder = Path::new("/dev/shm").join(format!("seal-test{name}"));
    std::fs::create_dir_all(&folder).expect("a folder in memory");
    folder
}

/// Everything that lies in the place of edited texts.
fn left(world: &World) -> Vec<PathBuf> {
    let mut left = Vec::new();
    let mut folders = vec![runtime(world)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { left.push(path) }
        }
    }
    left
}

struct Cleared<'w>(&'w World);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(runtime(self.0));
    }
}

const SET: &str = "sed -i 's/  password: .*/  password: changed/' \"$1\"";

#[test]
fn what_changed_is_sealed_anew_and_every_other_line_stays() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    world.write("db.sealed.yaml", format!("# kept\n{}", world.read("db.sealed.yaml")));
    let before = world.read("db.sealed.yaml");
    let script = format!(
        "grep -q '  username: <sealed>' \"$1\" || exit 9\n{SET}\nprintf '  token: new\\n' >> \"$1\""
    );
    edit(&world, &script, &[]).exits(0).says("password sealed anew; token added");
    let after = world.read("db.sealed.yaml");
    let username = |text: &str| {
        let from = text.find("    username:\n").expect("its block");
        text[from..text.find("    # end of username").expect("its end")].to_owned()
    };
    assert_eq!(username(&after), username(&before));
    assert!(after.starts_with("# kept\n"));
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
    assert_eq!(world.open("db.sealed.yaml", "token"), b"new");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"admin");
    assert_eq!(left(&world), Vec::<PathBuf>::new());
}

#[test]
fn a_line_that_is_taken_out_takes_its_value_out() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    edit(&world, "sed -i '/  username:/d' \"$1\"", &[]).exits(0).says("username taken out");
    world.seal(&["open", "db.sealed.yaml", "-i", "../cluster.txt", "--key", "username"]).exits(2);
    assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
}

#[test]
fn with_an_identity_the_values_are_shown_and_only_those_that_changed_are_sealed() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let before = world.read("db.sealed.yaml");
    let with = ["-i", "../cluster.txt"];
    let script = "grep -q 'password: hunter2' \"$1\" || exit 9; ls -l \"$1\" | grep -q '^-rw-------' || exit 8; touch \"$1\"";
    edit(&world, script, &with).exits(0).says("nothing was changed");
    assert_eq!(world.read("db.sealed.yaml"), before);
    edit(&world, SET, &with).exits(0).says("password sealed anew");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
}

#[test]
fn an_editor_that_fails_or_writes_nothing_changes_nothing() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let before = world.read("db.sealed.yaml");
    edit(&world, "exit 3", &[]).exits(1).says("the editor ended with 3");
    assert_eq!(left(&world), Vec::<PathBuf>::new());
    edit(&world, ": > \"$1\"", &[]).exits(0).says("nothing was changed");
    edit(&world, "rm \"$1\"", &[]).exits(0).says("nothing was changed");
    assert_eq!(world.read("db.sealed.yaml"), before);
    assert_eq!(left(&world), Vec::<PathBuf>::new());
}

#[test]
fn a_text_that_cannot_be_sealed_is_kept_and_offered_again() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let before = world.read("db.sealed.yaml");
    let broken = format!("{SET}\nprintf '  : [\\n' >> \"$1\"");
    let said = edit(&world, &broken, &[]).exits(2).says("the text: line ");
    assert!(said.says("your text is kept in memory").stderr.contains("--discard"));
    assert_eq!(world.read("db.sealed.yaml"), before);
    // Mended in the second run, with what was typed in the first one; a key that came meanwhile stays.
    world.seal_with(&["set", "db.sealed.yaml", "token"], b"meanwhile").exits(0);
    let mend = "sed -i '/  : \\[/d' \"$1\"";
    edit(&world, mend, &[])
        .exits(0)
        .says("that an earlier run has kept")
        .says("password sealed anew");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
    assert_eq!(world.open("db.sealed.yaml", "token"), b"meanwhile");
    assert_eq!(left(&world), Vec::<PathBuf>::new());
}

#[test]
fn an_editor_that_fails_after_typing_loses_nothing_and_discard_begins_anew() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    edit(&world, &format!("{SET}; exit 1"), &[]).exits(1).says("your text is kept");
    assert_eq!(left(&world).len(), 4, "the text, what it began with, the file, and the lock");
    let script = "grep -q 'password: <sealed>' \"$1\" || exit 9";
    edit(&world, script, &["--discard"]).exits(0).says("nothing was changed");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
    assert_eq!(left(&world), Vec::<PathBuf>::new());
}

#[test]
fn a_file_that_was_changed_underneath_is_not_written_over() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let file = world.path("db.sealed.yaml").display().to_string();
    let script = format!("{SET}\nprintf '# theirs\\n' >> '{file}'");
    edit(&world, &script, &[])
        .exits(1)
        .says("was changed since it was read")
        .says("your text is kept");
    assert!(world.read("db.sealed.yaml").ends_with("# theirs\n"));
    edit(&world, "true", &[]).exits(0).says("password sealed anew");
    assert!(world.read("db.sealed.yaml").ends_with("# theirs\n"));
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
}

#[test]
fn anything_but_values_is_refused_and_a_placeholder_is_no_value() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let before = world.read("db.sealed.yaml");
    for (script, words) in [
        ("sed -i 's/  name: db/  name: other/' \"$1\"", "only values can be changed here"),
        (
            "sed -i 's/^stringData:/type: example\\nstringData:/' \"$1\"",
            "only values can be changed here",
        ),
        ("sed -i 's/  password:/  pass:/' \"$1\"", "pass is a new key, and <sealed> is no value"),
        ("sed -i 's/^stringData:/---/' \"$1\"", "the text"),
    ] {
        edit(&world, script, &["--discard"]).exits(2).says(words);
    }
    assert_eq!(world.read("db.sealed.yaml"), before);
}

#[test]
fn a_placeholder_that_was_changed_and_not_replaced_is_refused_and_the_text_is_kept() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let before = world.read("db.sealed.yaml");
    for typed in ["<sealed", "<sealed>x", "\"<sealed> \"", "sealed>", "new<sealed>"] {
        let script = format!("sed -i 's/  password: .*/  password: {typed}/' \"$1\"");
        edit(&world, &script, &["--discard"])
            .exits(2)
            .says("password: its placeholder was changed and not replaced")
            .says("with --discard to throw it away and begin anew");
        assert_eq!(world.read("db.sealed.yaml"), before, "{typed}");
        assert!(!left(&world).is_empty());
    }
}

#[test]
fn the_comments_of_a_block_that_goes_are_named() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let text = world.read("db.sealed.yaml");
    let commented =
        text.replace("    password:\n", "    # of the database\n    password: # rotated\n");
    world.write("db.sealed.yaml", &commented);
    let line =
        1 + commented.lines().position(|it| it.contains("# of the database")).expect("it is there");
    let script = "sed -i 's/  password: /  pass: /' \"$1\"";
    edit(&world, script, &["-i", "../cluster.txt"]).exits(0).says(&format!(
        "the comments of password go with its block: lines {line}, {} as it was",
        line + 1
    ));
}

#[test]
fn a_signal_takes_the_text_along() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    world.write("../bin/editor", "#!/bin/sh\nkill -TERM $PPID\nwhile [ -e \"$1\" ]; do :; done\n");
    world.set_mode("../bin/editor", 0o755);
    let mut command = world.command(&["edit", "db.sealed.yaml", "-i", "../cluster.txt"]);
    command.env("EDITOR", format!("exec {}", world.path("../bin/editor").display()));
    command.env_remove("VISUAL").env("XDG_RUNTIME_DIR", runtime(&world));
    let status = command.output().expect("the command runs").status;
    assert_eq!(status.code(), Some(128 + 15));
    assert_eq!(left(&world), Vec::<PathBuf>::new());
}

#[test]
fn a_text_that_was_kept_outlives_a_signal() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    edit(&world, &format!("{SET}; exit 1"), &[]).exits(1).says("your text is kept");
    // Until it has ended: nobody has asked for its exit status yet.
    let editor = "kill -TERM $PPID\nwhile grep -q '^State:.[^Z]' /proc/$PPID/status; do :; done";
    world.write("../bin/editor", format!("#!/bin/sh\n{editor}\n"));
    let mut command = world.command(&["edit", "db.sealed.yaml"]);
    command.env("EDITOR", format!("exec {}", world.path("../bin/editor").display()));
    command.env_remove("VISUAL").env("XDG_RUNTIME_DIR", runtime(&world));
    assert_eq!(command.output().expect("the command runs").status.code(), Some(128 + 15));
    edit(&world, "grep -q changed \"$1\"", &[]).exits(0).says("password sealed anew");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
}

#[test]
fn lines_of_a_value_are_lines_of_the_text() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let values: [&[u8]; 7] = [
        b"server:\n  port: 1\n",
        b"a\n\n\nb",
        b"  indented\nfirst\n\n",
        b"# a comment\n\ttab\nend ",
        b"\n\n",
        b"carriage\r\nreturn\n",
        b"one: \x07 bell\n",
    ];
    for (number, value) in values.iter().enumerate() {
        let key = format!("value-{number}");
        world.seal_with(&["set", "db.sealed.yaml", "--keep-newline", &key], value).exits(0);
    }
    let before = world.read("db.sealed.yaml");
    let with = ["-i", "../cluster.txt"];
    let seen = "grep -q '^    server:$' \"$1\" && grep -q '^    a$' \"$1\" || exit 9";
    edit(&world, seen, &with).exits(0).says("nothing was changed");
    edit(&world, &format!("{SET}; printf '# typed\\n' >> \"$1\""), &with)
        .exits(0)
        .says("comments in this text are not kept")
        .says("password sealed anew");
    assert_ne!(world.read("db.sealed.yaml"), before);
    for (number, value) in values.iter().enumerate() {
        assert_eq!(world.open("db.sealed.yaml", &format!("value-{number}")), *value);
    }
    edit(&world, "sed -i 's/port: 1/port: 2/' \"$1\"", &with).exits(0).says("value-0 sealed anew");
    assert_eq!(world.open("db.sealed.yaml", "value-0"), b"server:\n  port: 2\n");
}

#[test]
fn a_folder_that_is_somebody_else_s_or_open_to_others_is_not_written_into() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let user =
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(world.path(".")).expect("a folder"));
    let taken = runtime(&world).join(format!("seal-edit-{user}"));
    std::fs::create_dir(&taken).expect("a folder");
    std::fs::set_permissions(&taken, std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .expect("a mode");
    edit(&world, SET, &[]).exits(2).says("is not yours alone");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"hunter2");
}

#[test]
fn what_others_changed_while_a_text_was_kept_is_not_sealed_back() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let with = ["-i", "../cluster.txt"];
    edit(&world, &format!("{SET}; exit 1"), &with).exits(1).says("your text is kept");
    world.seal_with(&["set", "db.sealed.yaml", "username"], b"rotated").exits(0);
    // Also without the identity that the text began with.
    edit(&world, "true", &[]).exits(0).says("prod/db: password sealed anew");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
    assert_eq!(world.open("db.sealed.yaml", "username"), b"rotated");
}

#[test]
fn a_key_that_others_changed_while_a_text_was_kept_is_said_before_it_is_replaced() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    edit(&world, &format!("{SET}; exit 1"), &[]).exits(1).says("your text is kept");
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"rotated").exits(0);
    let said = edit(&world, "true", &[]).exits(0);
    said.says("prod/db: the file has changed since this text began, also at password; your text replaces that");
    assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
}

#[test]
fn two_do_not_edit_one_file_at_once() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let seal = env!("CARGO_BIN_EXE_seal");
    for more in ["", "--discard"] {
        let inner = format!("EDITOR=true {seal} edit db.sealed.yaml {more} 2> inner.log && exit 9");
        let script =
            format!("{inner}\ngrep -q 'is being edited by another' inner.log || exit 8\n{SET}");
        edit(&world, &script, &[]).exits(0).says("password sealed anew");
        assert_eq!(world.open("db.sealed.yaml", "password"), b"changed");
        world.seal_with(&["set", "db.sealed.yaml", "password"], b"first").exits(0);
    }
}

#[test]
fn a_kept_text_that_is_no_text_is_offered_again_and_goes_without_its_file() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let broken = "printf '  nn: \\351\\n' >> \"$1\"";
    edit(&world, broken, &[]).exits(2).says("not UTF-8").says("your text is kept");
    edit(&world, &format!("sed -i '/^  nn:/d' \"$1\"; {SET}"), &[])
        .exits(0)
        .says("password sealed anew");
    edit(&world, broken, &[]).exits(2);
    std::fs::remove_file(world.path("db.sealed.yaml")).expect("the file");
    edit(&world, "exit 9", &["--discard"]).exits(2).says("cannot read db.sealed.yaml");
    assert_eq!(left(&world), Vec::<PathBuf>::new());
}

#[test]
fn a_layout_that_cannot_be_edited_is_said_before_anybody_types() {
    let world = World::sealed();
    let _cleared = Cleared(&world);
    let flow = "---\n{apiVersion: seal.dev/v1, kind: SealedSecret, metadata: {name: db, namespace: prod}, spec: {scope: {namespaces: [prod], name: db}, values: {}}}";
    world.write("db.sealed.yaml", flow);
    edit(&world, "exit 9", &[]).exits(2).says("its layout cannot be edited line by line");
}
