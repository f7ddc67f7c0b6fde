//! `seal check` where changes are let in: before a commit, in a pull request, and in the formats that programs read.

use serde_json::Value;

use crate::world::{Ran, World, recipient, testdata};

/// A repository with a sealed file, in which everything is committed but the manifest, which Git ignores.
fn repository() -> World {
    let world = World::sealed();
    world.write(".gitignore", "secret.json\n");
    world.git(&["init", "-q", "-b", "main", "."]);
    world.git(&["add", "."]);
    world.git(&["commit", "-qm", "sealed"]);
    world
}

fn check(world: &World, args: &[&str]) -> Ran {
    world.seal(&[&["check"], args].concat())
}

/// The rules name `to` and nobody else.
fn rule(world: &World, to: &str) {
    let known: String = ["cluster", "offline", "stranger"]
        .map(|name| format!("  {name}: {}\n", recipient(name)))
        .concat();
    world.write(
        ".seal.yaml",
        format!(
            "recipients:\n{known}rules:\n- {{path: \"never/**\", to: [offline]}}\n- to: [{to}]\n"
        ),
    );
}

#[test]
fn a_file_that_is_sealed_for_others_than_its_rule_says_is_found_and_reseal_puts_it_right() {
    let world = repository();
    rule(&world, "cluster, offline, stranger");
    let less = "NotByPolicy: prod/db: the rule of .seal.yaml for this path, rules[1], seals for stranger (sha256:";
    check(&world, &[]).exits(7).prints(less);
    rule(&world, "offline");
    let more = "NotByPolicy: prod/db: the rule of .seal.yaml for this path, rules[1], does not seal for sha256:";
    check(&world, &[]).exits(7).prints(more);
    world.seal(&["reseal", ".", "-i", "../offline.txt"]).exits(0);
    check(&world, &[]).exits(0).says("nothing found: 1 sealed object");
}

#[test]
fn plaintext_that_git_ignores_is_named_and_no_finding() {
    let world = repository();
    check(&world, &[]).exits(0).says("in clear, and ignored by Git: secret.json");
    world.write(".gitignore", "");
    check(&world, &[]).exits(7).prints("secret.json:1: Plaintext: Secret prod/db is in clear");
    // What is committed is not ignored, whatever .gitignore says.
    world.git(&["add", "secret.json"]);
    world.write(".gitignore", "secret.json\n");
    check(&world, &[]).exits(7).prints("secret.json:1: Plaintext");
}

#[test]
fn what_git_ignores_is_asked_of_the_repository_that_a_file_lies_in() {
    let world = repository();
    world.git(&["init", "-q", "-b", "main", "inner"]);
    world.write("inner/.gitignore", "*.clear.json\n");
    let manifest = std::fs::read(world.path("secret.json")).expect("a manifest");
    world.write("inner/db.clear.json", &manifest);
    check(&world, &[".", "inner"])
        .exits(0)
        .says("in clear, and ignored by Git: inner/db.clear.json, secret.json");
    // Also from a folder that is in no repository.
    let mut outside = world.command(&["check", "repo", "repo/inner", "--format", "github"]);
    let output = outside.current_dir(world.path("..")).output().expect("the command runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let both = "in clear, and ignored by Git: repo/inner/db.clear.json, repo/secret.json";
    assert!(said.contains(both), "{said}");
    // Annotations and code scanning name a file as the repository does.
    world.write("apps/clear.json", &manifest);
    let mut outside = world.command(&["check", "repo/apps", "--format", "github"]);
    let output = outside.current_dir(world.path("..")).output().expect("the command runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("::error file=apps/clear.json,line=1,"), "{said}");
    world.write("apps/clear.json", "{}");
    // A file of another repository has no policy here.
    let said = check(&world, &["inner", "--policy-from", "HEAD"]).exits(2);
    said.says("--policy-from: inner lies in another repository");
    check(&world, &[".", "--policy-from", "HEAD"]).exits(0);
}

#[test]
fn a_secret_that_does_not_read_may_be_in_clear_and_is_found() {
    let world = repository();
    world.write("broken.yaml", "apiVersion: v1\nkind: Secret\nstringData:\n  a: b\n c: - d\n");
    let said = check(&world, &[]).exits(7).prints("broken.yaml:5: Unread: it says `kind: Secret`");
    assert!(!said.text().contains("- d"));
    // What a killed run left half written is nobody's.
    world.write("broken.yaml", "kind: ConfigMap\n");
    world.write(".seal-Ab12Cd", "kind: Secret\n a: - b\n");
    world.write("notes.yaml", "text: a Secret: is: here\n - x\n");
    check(&world, &[]).exits(0);
}

#[test]
fn a_list_of_secrets_as_the_api_server_has_it_is_in_clear() {
    let world = repository();
    let items = "- metadata: {name: empty}\n- metadata: {name: api, namespace: prod}\n  data: {token: dDBrZW4=}\n";
    world.write("all.yaml", format!("apiVersion: v1\nkind: SecretList\nitems:\n{items}"));
    check(&world, &["all.yaml"])
        .exits(7)
        .prints("all.yaml:1: Plaintext: Secret prod/api is in clear");
    world
        .write("all.yaml", "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: empty}\n");
    check(&world, &["all.yaml"]).exits(0);
}

#[test]
fn literals_of_a_kustomization_and_an_env_file_beside_its_sealed_one_are_plaintext() {
    let world = repository();
    let kustomization =
        "resources: [db.yaml]\nsecretGenerator:\n- name: api\n  literals:\n  - token=t0ken\n";
    world.write("apps/kustomization.yaml", kustomization);
    let said = check(&world, &["apps"]).exits(7);
    said.prints(
        "apps/kustomization.yaml:2: Plaintext: secretGenerator of api has literals in clear",
    );
    world.write("apps/kustomization.yaml", kustomization.replace("token=t0ken", "token=${TOKEN}"));
    check(&world, &["apps"]).exits(0);
    world.write("env/.env", "# a comment\nTOKEN=t0ken\n");
    check(&world, &["env"]).exits(0);
    world.seal(&["--dotenv", "env/.env", "--name", "env", "-n", "prod", "-w"]).exits(0);
    let said = check(&world, &["env"]).exits(7);
    let said =
        said.prints("env/.env:2: Plaintext: env/.env is in clear beside env/.env.sealed.yaml");
    assert!(!said.text().contains("t0ken"));
    world.write(".gitignore", ".env\n");
    check(&world, &["env"]).exits(0);
}

#[test]
fn before_a_commit_only_what_is_staged_counts_and_as_it_is_staged() {
    let world = repository();
    let sealed = world.read("db.sealed.yaml");
    check(&world, &["--staged"]).exits(0).says("nothing found: 0 sealed objects in 0 files");
    // A plaintext Secret that is staged, and put right in the work tree alone.
    world.write("api.yaml", world.read("secret.json"));
    world.git(&["add", "api.yaml"]);
    world.write("api.yaml", "");
    check(&world, &["--staged"]).exits(7).prints("api.yaml:1: Plaintext");
    world.git(&["add", "api.yaml"]);
    check(&world, &["--staged"]).exits(0);
    // A file that is broken in the work tree alone is nobody's commit yet.
    world.write("db.sealed.yaml", sealed.replacen("  name: db\n", "  name: other\n", 1));
    check(&world, &["--staged"]).exits(0);
    world.git(&["add", "db.sealed.yaml"]);
    check(&world, &["--staged"]).exits(7).prints("db.sealed.yaml:").prints("WrongPlace");
    std::fs::create_dir(world.path("deep")).expect("a folder");
    let mut command = world.command(&["check", "--staged"]);
    let output = command.current_dir(world.path("deep")).output().expect("the command runs");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("../db.sealed.yaml:"));
}

#[test]
fn the_policy_that_is_staged_counts_for_what_is_staged() {
    let world = repository();
    rule(&world, "cluster, offline, stranger");
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"x").exits(0);
    world.git(&["add", "db.sealed.yaml"]);
    let not_staged = check(&world, &["--staged"]).exits(7);
    not_staged.prints("does not seal for sha256:").prints("password is sealed to it");
    world.seal(&["reseal", ".", "-i", "../offline.txt"]).exits(0);
    world.git(&["add", "db.sealed.yaml", ".seal.yaml"]);
    let said = check(&world, &["--staged"]).exits(0);
    said.says(".seal.yaml: who can open what changes together with sealed files (db.sealed.yaml): + stranger (sha256:");
}

#[test]
fn a_pull_request_is_held_against_the_policy_of_the_branch_it_goes_to() {
    let world = repository();
    world.git(&["switch", "-qc", "change"]);
    rule(&world, "cluster, offline, stranger");
    world.seal(&["reseal", ".", "-i", "../offline.txt"]).exits(0);
    world.git(&["commit", "-qam", "for a stranger, too"]);
    check(&world, &[]).exits(0);
    let said = check(&world, &["--policy-from", "main"]).exits(7);
    let said = said.prints("rules[0], does not seal for sha256:");
    said.says("who can open what changes together with sealed files (db.sealed.yaml): + stranger (sha256:");
    check(&world, &["--policy-from", "absent"]).exits(2).says("there is no commit absent here");
    check(&world, &["--policy-from", "--help"]).exits(2);
    // The file of recipients that a policy names, as the commit has it.
    world.git(&["switch", "-q", "main"]);
    let policy = "recipients: {team: {file: team.txt}}\nrules: [{to: [team]}]\n";
    world.write(".seal.yaml", policy);
    world.write("team.txt", format!("{}\n{}\n", recipient("cluster"), recipient("offline")));
    world.git(&["add", "team.txt", ".seal.yaml"]);
    world.git(&["commit", "-qm", "a file of recipients"]);
    world.write("team.txt", format!("{}\n", recipient("stranger")));
    world.seal_with(&["set", "db.sealed.yaml", "password"], b"x").exits(0);
    let said = check(&world, &["--policy-from", "HEAD"]).exits(7);
    said.says("+ team (sha256:")
        .says("- line 1 of team (sha256:")
        .says("- line 2 of team (sha256:");
}

#[test]
fn a_change_of_the_policy_alone_is_pointed_out_and_one_that_does_not_read_is_found() {
    let world = repository();
    rule(&world, "cluster, offline");
    world.git(&["add", "."]);
    world.git(&["commit", "-qm", "a rule"]);
    world.git(&["switch", "-qc", "change"]);
    let before = ["--policy-from", "main"];
    rule(&world, "cluster, offline, stranger");
    let all = std::fs::read_to_string(world.path(".seal.yaml")).expect("a policy");
    world.write(
        ".seal.yaml",
        all.lines()
            .filter(|it| !it.contains("  stranger: "))
            .fold(String::new(), |text, line| text + line + "\n")
            .replace(", stranger", ""),
    );
    check(&world, &before).exits(0).says(".seal.yaml: who can open what changes: ");
    world.git(&["add", "."]);
    check(&world, &["--staged"]).exits(0).says(".seal.yaml: who can open what changes: ");
    // What the other branch does meanwhile is no change of this one.
    world.git(&["commit", "-qm", "fewer"]);
    world.git(&["switch", "-q", "main"]);
    world.git(&["switch", "-qc", "later"]);
    world.git(&["switch", "-q", "main"]);
    world.git(&["merge", "-q", "change"]);
    world.git(&["switch", "-q", "later"]);
    let said = check(&world, &before).exits(0);
    assert!(!said.stderr.contains("who can open"), "{}", said.stderr);
    world.write(".seal.yaml", "recipients: 1\n");
    check(&world, &before).exits(7).prints(".seal.yaml:1: BadPolicy: ");
}

/// Findings of every kind that a file name can be hostile in.
fn hostile() -> World {
    let world = repository();
    world.write("a,b:c%d/x y.yaml", world.read("secret.json"));
    world.write(
        "moved.yaml",
        world.read("db.sealed.yaml").replacen("  name: db\n", "  name: x\n", 1),
    );
    world
}

#[test]
fn annotations_of_github_are_one_line_each_and_nothing_in_them_is_a_command() {
    let world = hostile();
    let said = check(&world, &["--format", "github"]).exits(7).text();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("::error file=")), "{said}");
    let plain = "::error file=a%2Cb%3Ac%25d/x y.yaml,line=1,title=seal check%3A Plaintext::Secret prod/db is in clear";
    assert!(lines.iter().any(|line| line.starts_with(plain)), "{said}");
}

#[test]
fn json_has_every_finding_and_what_is_worth_knowing() {
    let world = hostile();
    let said = check(&world, &["--format", "json"]).exits(7).text();
    let all: Value = serde_json::from_str(&said).expect("JSON");
    let reasons: Vec<&str> = all["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["reason"].as_str().expect("a word"))
        .collect();
    assert!(reasons.contains(&"Plaintext") && reasons.contains(&"WrongPlace"), "{said}");
    assert_eq!(all["notes"][0], "in clear, and ignored by Git: secret.json");
    assert_eq!(all["sealedObjects"], 2);
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema =
        std::fs::read_to_string(testdata("sarif/sarif-schema-2.1.0.json")).expect("the schema");
    // A bracket too many in the pattern of languages, which JavaScript alone reads as a character.
    let schema = schema.replace("-[a-zA-Z]{2}]?$", "(-[a-zA-Z]{2})?$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (world, code) in [(hostile(), 7), (repository(), 0)] {
        let said = check(&world, &["--format", "sarif"]).exits(code).text();
        let sarif: Value = serde_json::from_str(&said).expect("JSON");
        let errors: Vec<String> =
            validator.iter_errors(&sarif).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let results = sarif["runs"][0]["results"].as_array().expect("results");
        assert_eq!(results.is_empty(), code == 0, "{said}");
        for result in results {
            let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            assert!(!uri.as_str().expect("a URI").contains([' ', ':', ',']), "{said}");
        }
    }
}
