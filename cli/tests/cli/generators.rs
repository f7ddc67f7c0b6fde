//! `seal check` and what kustomizations make Secrets of: their files and patches in clear.

use crate::world::{Ran, World};

const SECRET_PATCH: &str = "patches:\n- target: {kind: Secret, name: api}\n  patch: |-\n    - op: add\n      path: /stringData/token\n      value: t0ken\n";

fn repository() -> World {
    let world = World::new();
    world.git(&["init", "--quiet"]);
    std::fs::remove_file(world.path("secret.json")).expect("the manifest");
    world
}

fn check(world: &World, args: &[&str]) -> Ran {
    world.seal(&[&["check"], args].concat())
}

#[test]
fn a_file_that_a_secret_is_made_of_is_in_clear_unless_git_ignores_it() {
    let world = repository();
    world.write(
        "apps/base/kustomization.yaml",
        "secretGenerator:\n- name: api\n  envs: [api.env]\n  files: [token=./keys/../token.txt, tls.crt]\n",
    );
    world.write("apps/base/api.env", "# none\nMODE=\nTOKEN=t0ken\n");
    world.write("apps/base/token.txt", "t0ken");
    world.write(
        "apps/base/tls.crt",
        "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n",
    );
    for paths in [&["apps"][..], &["apps/base/kustomization.yaml"], &["."]] {
        let said = check(&world, paths).exits(7);
        let said = said.prints("apps/base/api.env:3: Plaintext: Secret api of apps/base/kustomization.yaml is made of this file");
        let said = said.prints("apps/base/token.txt:1: Plaintext: ");
        let text = said.text();
        assert!(text.lines().count() == 2 && !text.contains("t0ken"), "{text}");
    }
    world.write(
        "apps/base/api.env",
        "TOKEN=ENC[AES256_GCM,data:aGk=,type:str]\nsops_version=3.9.0\n",
    );
    world.write(".gitignore", "token.txt\n");
    check(&world, &["apps"]).exits(0).says("in clear, and ignored by Git: apps/base/token.txt");
}

#[test]
fn a_patch_that_stands_in_a_kustomization_is_in_clear() {
    let world = repository();
    world.write("kustomization.yaml", format!("resources: [api.yaml]\n{SECRET_PATCH}"));
    let said = check(&world, &["."]).exits(7);
    let said =
        said.prints("kustomization.yaml:2: Plaintext: a patch gives Secret api values in clear");
    assert!(!said.text().contains("t0ken"));
    world.write("kustomization.yaml", SECRET_PATCH.replace("kind: Secret", "kind: ConfigMap"));
    check(&world, &["."]).exits(0);
}

#[test]
fn what_is_staged_is_looked_at_as_it_is_staged() {
    let world = repository();
    world.write("kustomization.yaml", "secretGenerator:\n- {name: api, files: [token.txt]}\n");
    world.write("token.txt", "t0ken");
    world.git(&["add", "kustomization.yaml"]);
    check(&world, &["--staged"]).exits(0);
    world.git(&["add", "token.txt"]);
    world.write("token.txt", "");
    check(&world, &["--staged"]).exits(7).prints("token.txt:1: Plaintext: ");
    // One of the two is committed already.
    world.git(&["commit", "--quiet", "-m", "the kustomization", "kustomization.yaml"]);
    world.write("token.txt", "t0ken");
    world.git(&["add", "token.txt"]);
    check(&world, &["--staged"]).exits(7).prints("token.txt:1: Plaintext: ");
    world.git(&["commit", "--quiet", "-m", "the token"]);
    check(&world, &["--staged"]).exits(0);
    world
        .write("more/kustomization.yaml", "secretGenerator:\n- {name: b, files: [../token.txt]}\n");
    world.git(&["add", "more"]);
    check(&world, &["--staged"]).exits(7).prints("token.txt:1: Plaintext: Secret b of more/");
}

#[test]
fn only_files_of_the_repository_are_opened() {
    let world = repository();
    world.write("../outside.txt", "t0ken");
    world.write("inside.txt", "t0ken");
    std::os::unix::fs::symlink("../outside.txt", world.path("link.txt")).expect("a link");
    for path in [
        "../outside.txt",
        "link.txt",
        "/etc/passwd",
        "/dev/zero",
        "/proc/kmsg",
        ".git/config",
        "https://x/y",
        ".",
    ] {
        let text = format!(
            "secretGenerator:\n- {{name: api, files: [\"a={path}\"], envs: [\"{path}\"]}}\n"
        );
        world.write("kustomization.yaml", text);
        check(&world, &["."]).exits(0);
    }
}

#[test]
fn what_is_public_is_so_as_a_whole() {
    let world = repository();
    world.write("kustomization.yaml", "secretGenerator:\n- {name: api, files: [it]}\n");
    let certificate = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
    let ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9d you@example.com\n";
    for public in
        [certificate.to_owned(), certificate.repeat(2), ssh.to_owned(), format!("{ssh}\n{ssh}")]
    {
        world.write("it", public);
        check(&world, &["."]).exits(0);
    }
    let private = certificate.replace("CERTIFICATE", "PRIVATE KEY");
    for secret in [
        format!("t0ken\n{certificate}"),
        certificate.replace("YQ==", "pass: word"),
        private,
        "-----BEGIN CERTIFICATE-----\nYQ==\n".to_owned(),
    ] {
        world.write("it", &secret);
        check(&world, &["."]).exits(7).prints("it:1: Plaintext: ");
    }
}
