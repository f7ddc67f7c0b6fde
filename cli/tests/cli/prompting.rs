//! A value that is typed at a terminal: byte for byte, one line and no more, and the terminal as it was.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::world::World;

const SEAL: &str = env!("CARGO_BIN_EXE_seal");
const ASKED: &str = "Value of password (not shown): ";
const PROMPT: &str = "$SEAL --name a -n prod --prompt password -o a.yaml";
/// Says how the terminal is. Between a shell that a key ends and `seal`, which the same key ends, either may be first.
const ECHOES: &str = "timeout 20 sh -c 'until stty -a | grep -q \" echo \"; do :; done'; stty -a";

/// Somebody at a terminal, that of util-linux's `script`.
struct Person {
    script: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    /// All that was shown.
    shown: String,
}

impl Person {
    /// In the repository, running a shell's line.
    fn runs(world: &World, line: &str) -> Self {
        let mut command = Command::new("script");
        command.args(["-qefc", line, "/dev/null"]).current_dir(world.path("."));
        command.env("HOME", world.path("../home")).env("SHELL", "/bin/sh").env("SEAL", SEAL);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().expect("util-linux has `script`");
        let keys = script.stdin.take().expect("a pipe");
        let screen = script.stdout.take().expect("a pipe");
        Self { script, keys, screen, shown: String::new() }
    }

    /// Waits until this is shown.
    fn sees(&mut self, words: &str) -> &mut Self {
        let mut one = [0];
        while !self.shown.contains(words) {
            let read = self.screen.read(&mut one).expect("it is shown");
            assert_eq!(read, 1, "not shown: {words}\n{}", self.shown);
            self.shown.push(char::from(one[0]));
        }
        self
    }

    fn types(&mut self, keys: &[u8]) -> &mut Self {
        self.keys.write_all(keys).expect("it is typed");
        self
    }

    /// Goes, when the line has ended: its exit code, and all that was shown.
    fn leaves(mut self) -> (i32, String) {
        drop(self.keys);
        self.screen.read_to_string(&mut self.shown).expect("the rest");
        (self.script.wait().expect("it ends").code().expect("it was not killed"), self.shown)
    }
}

#[test]
fn several_lines_are_refused_and_none_of_them_reaches_the_shell() {
    for pasted in ["made-up\n echo two\n echo three\n", "made-up\n echo two"] {
        let world = World::new();
        let line = format!("{PROMPT}; echo code $?; read -r line; echo \"read [$line]\"");
        let mut person = Person::runs(&world, &line);
        person.sees(ASKED).types(pasted.as_bytes()).sees("code 2").types(b"mine\n");
        person.sees("read [");
        let (_, shown) = person.leaves();
        assert!(
            shown.contains("more than one line was typed or pasted; nothing was sealed"),
            "{shown}"
        );
        assert!(shown.contains("--from-file password=PATH"), "{shown}");
        assert!(shown.contains("read [mine]") && !shown.contains("two"), "{shown}");
        assert!(!world.path("a.yaml").exists());
    }
}

#[test]
fn a_line_that_a_terminal_cuts_is_refused() {
    for (length, is_taken) in [(3000, true), (4094, true), (4095, false), (9000, false)] {
        let world = World::new();
        let mut person = Person::runs(&world, PROMPT);
        person.sees(ASKED).types("a".repeat(length).as_bytes()).types(b"\n");
        let (code, shown) = person.leaves();
        assert_eq!(code, if is_taken { 0 } else { 2 }, "{length} {shown}");
        assert!(is_taken || shown.contains("longer than a terminal takes"), "{shown}");
        assert!(!is_taken || world.open("a.yaml", "password") == "a".repeat(length).as_bytes());
    }
}

#[test]
fn what_is_typed_is_sealed_byte_for_byte() {
    let world = World::new();
    let mut person = Person::runs(&world, PROMPT);
    person.sees(ASKED).types(b"\ta\x01\x1b[A\0\xff\xfe \n");
    let (code, shown) = person.leaves();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(world.open("a.yaml", "password"), b"\ta\x01\x1b[A\0\xff\xfe ");
}

#[test]
fn an_interrupt_ends_the_script_as_well_and_the_terminal_echoes_again() {
    let world = World::new();
    for (key, signal) in [(b"\x03", 2), (b"\x1c", 3)] {
        // The outer shell lives on, as one that a person types into does.
        let line = format!("trap : INT QUIT; sh -c '{PROMPT}; echo NEXT'; echo code $?; {ECHOES}");
        let mut person = Person::runs(&world, &line);
        person.sees(ASKED).types(b"made-").types(key);
        let (_, shown) = person.leaves();
        assert!(shown.contains(&format!("code {}", 128 + signal)), "{shown}");
        assert!(!shown.contains("NEXT"), "{shown}");
        assert!([" echo ", " icanon ", "isig "].iter().all(|it| shown.contains(it)), "{shown}");
        assert!(!world.path("a.yaml").exists());
    }
}

#[test]
fn a_signal_from_elsewhere_leaves_the_terminal_as_it_was() {
    let world = World::new();
    for (name, number) in [("TERM", 15), ("HUP", 1), ("INT", 2)] {
        let line = format!("echo $$ > pid; ({PROMPT}); echo code $?; {ECHOES}");
        let mut person = Person::runs(&world, &line);
        person.sees(ASKED);
        let shell = world.read("pid");
        let children = Command::new("pgrep").args(["-P", shell.trim(), "seal"]).output();
        let child = String::from_utf8(children.expect("procps").stdout).expect("a number");
        let killed = Command::new("kill").args([&format!("-{name}"), child.trim()]).status();
        assert!(killed.expect("coreutils").success(), "{child}");
        let (_, shown) = person.leaves();
        assert!(shown.contains(&format!("code {}", 128 + number)), "{shown}");
        assert!([" echo ", " icanon ", "isig "].iter().all(|it| shown.contains(it)), "{shown}");
    }
}
