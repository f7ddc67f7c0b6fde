//! Against Go age, in both directions, with keys made on either side.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seal_testing::tool;
use tempfile::TempDir;

use crate::process::{SEAL, path_with, pipe, run, text};

/// Values at the edges: empty, beginning like padding, not UTF-8, at the edge of a chunk and beyond.
fn values() -> Vec<Vec<u8>> {
    let mut values = vec![
        b"".to_vec(),
        b"hunter2".to_vec(),
        b"...\n.\n".to_vec(),
        b"line\n".to_vec(),
        vec![0, 0xff, 0xfe, b'\n', 0x80],
    ];
    values.extend([1000, 65_400, 65_536, 131_072, 300_000].map(|len| vec![b'x'; len]));
    values
}

#[test]
fn stock_age_opens_what_seal_sealed() {
    let Some(age) = tool!("age") else { return };
    let recovery = crate::readme::recovery();
    for classic in [false, true] {
        let dir = TempDir::new().unwrap();
        let recipient = new_key(dir.path(), classic);
        let mut args = vec!["--name".to_owned(), "db".to_owned(), "-n".into(), "prod".into()];
        args.extend(["-r".to_owned(), recipient.clone(), "-o".into(), "db.sealed.yaml".into()]);
        for (n, value) in values().iter().enumerate() {
            fs::write(dir.path().join(format!("v{n}")), value).unwrap();
            args.extend(["--from-file".to_owned(), format!("k{n}=v{n}")]);
        }
        run(Command::new(SEAL).args(&args).current_dir(dir.path()));
        // Every second value is set on its own: its block has a header of its own, the others share one.
        for n in (0..values().len()).step_by(2) {
            let file = format!("k{n}=v{n}");
            run(Command::new(SEAL)
                .args(["set", "db.sealed.yaml", "--from-file", &file, "-r", &recipient])
                .current_dir(dir.path()));
        }
        let sealed = fs::read_to_string(dir.path().join("db.sealed.yaml")).unwrap();
        assert_eq!(sealed.matches("header: |-").count(), 1 + values().len().div_ceil(2));
        for (n, value) in values().iter().enumerate() {
            // The block of the README as it stands, for another key.
            let script = recovery
                .replace("key=password", &format!("key=k{n}"))
                .replace("tail -n +6 plain", "tail -n +6 plain > value");
            run(Command::new("bash")
                .args(["-euc", &script])
                .env("PATH", path_with(age.parent().unwrap()))
                .current_dir(dir.path()));
            assert_eq!(&fs::read(dir.path().join("value")).unwrap(), value, "k{n}");
            let plain = fs::read(dir.path().join("plain")).unwrap();
            let place = format!("seal/v1\nnamespaces=prod\nname=db\nkey=k{n}\n");
            assert!(plain.starts_with(place.as_bytes()));
        }
    }
}

#[test]
fn seal_opens_a_block_put_together_from_the_output_of_age() {
    let (Some(age), Some(keygen)) = (tool!("age"), tool!("age-keygen")) else { return };
    for flags in [&["-pq"][..], &[]] {
        let dir = TempDir::new().unwrap();
        let key = dir.path().join("key.txt");
        run(Command::new(&keygen).args(flags).args(["-o", "key.txt"]).current_dir(dir.path()));
        let printed = text(run(Command::new(&keygen).arg("-y").arg(&key)));
        let recipient = printed.trim();
        for value in values() {
            // A value set on its own: one age file, split into header and payload.
            let file = pipe(Command::new(&age).args(["-r", recipient]), &frame(&value));
            for shared in [false, true] {
                let sealed = sealed(&file, recipient, shared);
                fs::write(dir.path().join("db.yaml"), sealed).unwrap();
                let opened = run(Command::new(SEAL)
                    .args(["open", "db.yaml", "-i", "key.txt", "--key", "password"])
                    .current_dir(dir.path()));
                assert_eq!(opened, value);
            }
        }
    }
}

#[test]
fn keys_made_on_either_side_work_on_the_other() {
    let (Some(age), Some(keygen)) = (tool!("age"), tool!("age-keygen")) else { return };
    for classic in [false, true] {
        let dir = TempDir::new().unwrap();
        let recipient = new_key(dir.path(), classic);
        let theirs =
            text(run(Command::new(&keygen).args(["-y", "key.txt"]).current_dir(dir.path())));
        assert_eq!(theirs.trim(), recipient, "age computes the same recipient");
        let file = pipe(Command::new(&age).args(["-r", &recipient]), b"hello");
        let opened =
            pipe(Command::new(&age).args(["-d", "-i", "key.txt"]).current_dir(dir.path()), &file);
        assert_eq!(opened, b"hello", "age encrypts to it and opens with it");
    }
}

fn new_key(dir: &Path, classic: bool) -> String {
    let mut command = Command::new(SEAL);
    command.args(["key", "new", "-o", "key.txt"]).current_dir(dir);
    if classic {
        command.arg("--classic");
    }
    text(run(&mut command)).trim().to_owned()
}

/// The plaintext of one value as the format has it, written here a second time on purpose.
fn frame(value: &[u8]) -> Vec<u8> {
    let n = value.len().max(128);
    let exponent = n.ilog2();
    let step = 1 << (exponent - (exponent.ilog2() + 1));
    let dots = n.next_multiple_of(step) - value.len();
    let mut frame = b"seal/v1\nnamespaces=prod\nname=db\nkey=password\n".to_vec();
    frame.resize(frame.len() + dots, b'.');
    frame.push(b'\n');
    frame.extend_from_slice(value);
    frame
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

/// A sealed file whose one block has the header of an age file as its own, or is under it.
fn sealed(file: &[u8], recipient: &str, shared: bool) -> String {
    let mac = file.windows(5).position(|window| window == b"\n--- ").unwrap() + 1;
    let end = mac + file[mac..].iter().position(|byte| *byte == b'\n').unwrap();
    let header = std::str::from_utf8(&file[..end]).unwrap();
    let fingerprint = seal_core::key::Fingerprint::of(recipient);
    let mut fields = format!("sealedTo: [\"{fingerprint}\"]\nheader: |-\n");
    for line in header.lines() {
        writeln!(fields, "  {line}").unwrap();
    }
    let payload = format!("payload: {}\n", STANDARD.encode(&file[end + 1..]));
    let start = "apiVersion: seal.dev/v1\nkind: SealedSecret\nmetadata: {name: db, namespace: prod}\nspec:\n  scope: {namespaces: [prod], name: db}\n";
    if shared {
        let payload = indented(&payload, "      ");
        format!("{start}{}  values:\n    password:\n{payload}", indented(&fields, "  "))
    } else {
        let block = indented(&(fields + &payload), "      ");
        format!("{start}  values:\n    password:\n{block}")
    }
}
