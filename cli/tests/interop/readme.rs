//! The README's blocks, as they are printed.

use std::path::Path;

/// The block with which stock age opens a value.
pub(crate) fn recovery() -> String {
    block("<!-- recovery")
}

fn block(marker: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, after) = readme.split_once(marker).expect("the README has the marker");
    let (_, code) = after.split_once("```sh\n").unwrap();
    code.split_once("```").unwrap().0.to_owned()
}

mod sealing {
    use std::fs;
    use std::process::Command;

    use tempfile::TempDir;

    use crate::process::{SEAL, path_with, run, text};

    /// `Sealing`: each line of the block works in a repository with a key, kubectl's part played by its output.
    #[test]
    fn the_block_on_sealing_runs_as_printed() {
        let dir = TempDir::new().unwrap();
        let home = TempDir::new().unwrap();
        let block = super::block("## Sealing");
        assert!(block.starts_with("kubectl create secret generic db"));
        let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"prod","creationTimestamp":null},"data":{"password":"aHVudGVyMg=="}}"#;
        fs::write(dir.path().join("kubectl-output.json"), secret).unwrap();
        let bin = home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(SEAL, bin.join("seal")).unwrap();
        let script = format!(
            "kubectl() {{ cat kubectl-output.json; }}; token=t0ken new=n3w\ngit init -q . && seal init\n{block}"
        );
        let said = text(run(Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .env("PATH", path_with(&bin))
            .env("HOME", home.path())
            .env_remove("XDG_CONFIG_HOME")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(dir.path())));
        assert!(said.contains("password"), "inspect names the keys:\n{said}");
        let sealed =
            [("db.sealed.yaml", "password", "sealedTo"), ("api.sealed.yaml", "token", "payload")];
        for (file, key, first) in sealed {
            let sealed = fs::read_to_string(dir.path().join(file)).unwrap();
            assert!(sealed.contains(&format!("    {key}:\n      {first}: ")), "{sealed}");
        }
    }
}
