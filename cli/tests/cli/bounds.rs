//! Small input, small cost: the command under a limit on its address space, with texts that would take gigabytes if they were
//! taken at their word.

use std::process::Command;

use crate::world::{Ran, World, recipient};

/// Far below what any of the texts would take, and above what the program maps without reading anything.
const LIMIT_KIB: u32 = 512 * 1024;

fn bounded(world: &World, args: &[&str]) -> Ran {
    let command = world.command(args);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -v {LIMIT_KIB}; exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args());
    limited.current_dir(command.get_current_dir().expect("a world has a folder"));
    let output = limited.output().expect("sh can be started");
    Ran {
        code: output.status.code().expect("no signal ends it"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// Aliases of nodes, of a long value and of a long key, and nodes without text.
fn bombs() -> [String; 4] {
    let long = "x".repeat(500_000);
    let uses = "*a,".repeat(50_000);
    let layers = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))
    });
    [
        layers,
        format!("a: &a {long}\nb: [{uses}]\n"),
        format!("a: &a\n  ? {long}\n  : x\nb: [{uses}]\n"),
        format!("a: [{}]\n", "{a},".repeat(100_000)),
    ]
}

#[test]
fn every_reader_of_the_command_ends_within_bounds() {
    let world = World::new();
    let to = recipient("cluster");
    let said = "aliases or nesting expand too far";
    for bomb in bombs() {
        world.write("sealed.yaml", format!("apiVersion: seal.dev/v1\nkind: SealedSecret\n{bomb}"));
        bounded(&world, &["inspect", "sealed.yaml"]).exits(2).says(said);
        bounded(&world, &["unset", "sealed.yaml", "k"]).exits(2).says(said);
        world.write("secret.yaml", format!("apiVersion: v1\nkind: Secret\n{bomb}"));
        bounded(&world, &["-r", &to, "secret.yaml"]).exits(2).says(said);
        world.write(".seal.yaml", &bomb);
        bounded(&world, &["secret.yaml"]).exits(2).says(said);
        std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    }
}

fn little(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn big(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn marked(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").into_bytes()
}

#[test]
fn utf_16_and_byte_order_marks_are_read_in_manifests_recipients_and_identities() {
    let world = World::new();
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {k: h\u{e9}}\n";
    let identity = std::fs::read_to_string(crate::world::testdata("keys/cluster.txt")).unwrap();
    for encode in [little, big, marked] {
        world.write("secret.yaml", encode(manifest));
        world.write("to.txt", encode(&recipient("cluster")));
        world.write("key.txt", encode(&identity));
        world.set_mode("key.txt", 0o600);
        let sealed = world.seal(&["-R", "to.txt", "secret.yaml"]).exits(0).text();
        world.write("sealed.yaml", encode(&sealed));
        let opened = world.seal(&["open", "-i", "key.txt", "sealed.yaml", "--key", "k"]).exits(0);
        assert_eq!(opened.stdout, "h\u{e9}".as_bytes());
    }
    world.write("sealed.yaml", little("a: b\n"));
    world.seal_with(&["set", "-R", "to.txt", "sealed.yaml", "k"], b"x").exits(2).says("is UTF-16");
}

#[test]
fn a_value_more_than_a_file_takes_is_no_damage_and_says_what_helps() {
    let world = World::new();
    let values = |numbers: std::ops::Range<u32>| {
        numbers.map(|number| format!("KEY_{number}=v\n")).collect::<String>()
    };
    world.write("some.env", values(0..3));
    world.write("one.env", values(259..260));
    world.write("many.env", values(0..1025));
    world.write("rest.env", values(3..1025));
    let new = ["--name", "db", "-n", "prod", "-o", "db.sealed.yaml", "--dotenv"];
    world
        .seal(&[new.as_slice(), &["many.env"]].concat())
        .exits(2)
        .says("more than 1,024 values in one Secret")
        .says("split it");
    world.seal(&[new.as_slice(), &["some.env"]].concat()).exits(0);
    let set = |file: &str| world.seal(&["set", "db.sealed.yaml", "--dotenv", file]);
    set("rest.env").exits(2).says("more than 1,024 values in one Secret").says("split it");
    world.write("own.env", values(3..259));
    set("own.env").exits(0);
    let ran = set("one.env").exits(2).says("257 values would have a header of their own");
    assert!(!ran.stderr.contains("Malformed"), "{}", ran.stderr);
    ran.says("`seal reseal db.sealed.yaml -i KEY` puts all values under one header");
    world.seal(&["reseal", "db.sealed.yaml", "-i", "../cluster.txt"]).exits(0);
    set("one.env").exits(0);
}
