//! A file that is still there and says nothing any more: not gone, so what was made of it stays, and that is said.

use std::fs;
use std::os::unix::fs::symlink;

use super::rig::Rig;

/// What comes into the place of a sealed file in practice: a pointer to large storage, what git-crypt makes, a file cut short.
const CONTENTS: [&str; 5] = [
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
    "\0GITCRYPT\0\u{1}\u{2}\u{3}",
    "",
    "# moved\n",
    "apiVersion: sea",
];

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

#[test]
fn a_file_without_a_manifest_keeps_what_was_made_of_it() {
    for (number, content) in CONTENTS.iter().enumerate() {
        for source in [&["--git=repo", "--ref=main"][..], &["--dir=repo"]] {
            let rig = Rig::new();
            rig.commit_objects(&FOUR);
            rig.once_with(source, &[]).assert(0, &["applied 4"]);
            rig.commit("a.yaml", content);
            let run = rig.once_with(source, &[]);
            run.assert(2, &["a.yaml", "Malformed", "unchanged 3, refused 1, pruned 0"]);
            assert_eq!(rig.value("prod/a/password"), "CANARY a", "{number} {source:?}");
        }
    }
}

#[test]
fn a_link_in_the_place_of_a_file_or_its_folder_keeps_what_was_made_of_it() {
    for source in [&["--git=repo", "--ref=main"][..], &["--dir=repo"]] {
        let rig = Rig::new();
        rig.commit_objects(&FOUR);
        rig.commit("apps/e.yaml", &rig.seal("prod/e", &[("password", "CANARY e")]));
        rig.once_with(source, &[]).assert(0, &["applied 5"]);
        fs::create_dir(rig.at("elsewhere")).unwrap();
        fs::rename(rig.at("repo/a.yaml"), rig.at("elsewhere/a.yaml")).unwrap();
        fs::rename(rig.at("repo/apps"), rig.at("elsewhere/apps")).unwrap();
        symlink("../elsewhere/a.yaml", rig.at("repo/a.yaml")).unwrap();
        symlink("../elsewhere/apps", rig.at("repo/apps")).unwrap();
        rig.commit_all();
        let said = ["apps/e.yaml", "a link", "unchanged 3, refused 2, pruned 0"];
        rig.once_with(source, &[]).assert(2, &said);
        for name in ["a", "e"] {
            assert_eq!(rig.value(&format!("prod/{name}/password")), format!("CANARY {name}"));
        }
    }
}

#[test]
fn another_manifest_in_its_place_is_the_end_of_the_object() {
    let rig = Rig::new();
    rig.commit_objects(&FOUR);
    rig.once().assert(0, &["applied 4"]);
    rig.commit("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    rig.once().assert(0, &["unchanged 3, refused 0, pruned 1"]);
}
