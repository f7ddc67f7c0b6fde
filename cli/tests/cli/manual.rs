//! What is made of the same texts as `--help`: completions and manual pages.

use std::process::Command;

use crate::world::World;

/// Commands and flags that are for programs, or that only say what to do instead.
const HIDDEN: [&str; 4] = ["git-merge", "git-textconv", "from-literal", "password-stdin"];

#[test]
fn what_a_shell_completes_is_what_help_shows() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.seal(&["completion", shell]).exits(0).text();
        for shown in ["rename-key", "verify-backup", "max-key-age", "git-setup", "recipients-file"]
        {
            assert!(script.contains(shown), "{shell} does not complete {shown}");
        }
        for hidden in HIDDEN {
            assert!(!script.contains(hidden), "{shell} completes {hidden}");
        }
    }
    world.write("seal.bash", world.seal(&["completion", "bash"]).text());
    let line = "source ./seal.bash && COMP_WORDS=(seal reg) COMP_CWORD=1 && _seal seal reg seal && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", line]).current_dir(world.path(".")).output();
    let output = output.expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "registry\n", "{output:?}");
    world.seal(&["completion", "tcsh"]).exits(2);
}

#[test]
fn a_manual_page_keeps_the_lines_of_examples_and_hides_what_help_hides() {
    let world = World::new();
    let page = world.seal(&["man"]).exits(0).text();
    let (_, below) = page.split_once(".SH EXAMPLES\n.nf\n").expect("examples, line by line");
    assert!(below.starts_with("  seal init && seal fetch "), "{below}");
    let (_, codes) =
        below.split_once(".SH \"EXIT CODES\"\n.nf\n").expect("exit codes, line by line");
    assert!(codes.starts_with("  0  done\n  1  failed "), "{codes}");
    world.seal(&["man", "--out", "man1"]).exits(0);
    let names = std::fs::read_dir(world.path("man1")).expect("pages").count();
    assert!(names > 25, "{names} pages");
    for hidden in HIDDEN {
        assert!(!page.contains(&hidden.replace('-', "\\-")), "{hidden}");
        assert!(!world.path(&format!("man1/seal-{hidden}.1")).exists());
    }
}
