//! The layouts that are one file of all objects: an env file, and a docker config in which others have logins too.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::rig::{CANARY, Rig, Run, altered};

const CONFIG: &str = "docker/config.json";

fn env(rig: &Rig) -> Run {
    rig.lay_out("env", "env/kestra.env")
}

fn docker(rig: &Rig) -> Run {
    rig.lay_out("docker-config", CONFIG)
}

fn text(rig: &Rig, path: &str) -> String {
    fs::read_to_string(rig.at(path)).unwrap_or_else(|error| format!("({error})"))
}

/// A sealed docker config of one registry, for `user:password`.
fn registry(rig: &Rig, place: &str, host: &str, password: &str) -> String {
    let config =
        format!(r#"{{"auths": {{"{host}": {{"username": "user", "password": "{password}"}}}}}}"#);
    let sealed = rig.seal(place, &[(".dockerconfigjson", &config)]);
    altered(&sealed, |sealed| {
        sealed.spec.template.get_or_insert_default().type_ =
            Some("kubernetes.io/dockerconfigjson".into());
    })
}

/// The registries of the docker config, in their order.
fn registries(rig: &Rig) -> Vec<String> {
    let config: serde_json::Value = serde_json::from_str(&text(rig, CONFIG)).unwrap();
    config["auths"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_variables_of_all_objects_are_lines_of_one_private_file() {
    let rig = Rig::new();
    rig.write("repo/a.yaml", &rig.seal("prod/a", &[("SECRET_Z", "ej0="), ("B", "1")]));
    rig.commit("b.yaml", &rig.seal("staging/b", &[("A_1", "x=y")]));
    env(&rig).assert(0, &["applied 2, unchanged 0, refused 0, pruned 0"]);
    assert_eq!(text(&rig, "env/kestra.env"), "A_1=x=y\nB=1\nSECRET_Z=ej0=\n");
    assert_eq!(fs::metadata(rig.at("env/kestra.env")).unwrap().mode(), 0o100600);
    assert_eq!(fs::metadata(rig.at("env")).unwrap().mode(), 0o40700);
    let before = fs::metadata(rig.at("env/kestra.env")).unwrap();
    env(&rig).assert(0, &["applied 0, unchanged 2"]);
    let after = fs::metadata(rig.at("env/kestra.env")).unwrap();
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
}

#[test]
fn an_object_that_left_takes_its_lines_along_and_the_last_one_the_file() {
    let rig = Rig::new();
    rig.write("repo/a.yaml", &rig.seal("prod/a", &[("A", "1")]));
    rig.commit("b.yaml", &rig.seal("prod/b", &[("B", "2"), ("C", "3")]));
    env(&rig).assert(0, &["applied 2"]);
    rig.commit("b.yaml", &rig.seal("prod/b", &[("B", "2")]));
    env(&rig).assert(0, &["applied 1, unchanged 1"]);
    assert_eq!(text(&rig, "env/kestra.env"), "A=1\nB=2\n");
    rig.delete(&["b.yaml"]);
    env(&rig).assert(0, &["unchanged 1, refused 0, pruned 1"]);
    assert_eq!(text(&rig, "env/kestra.env"), "A=1\n");
    rig.delete(&["a.yaml"]);
    env(&rig).assert(1, &["PruneBlocked"]);
    assert_eq!(text(&rig, "env/kestra.env"), "A=1\n");
    let all = ["--layout=env", "--out=env/kestra.env", "--allow-prune"];
    rig.once_with(&["--git=repo", "--ref=main"], &all).assert(0, &["pruned 1"]);
    assert!(!rig.at("env/kestra.env").exists());
}

#[test]
fn a_variable_of_two_objects_is_of_neither_and_the_last_good_one_stays() {
    let rig = Rig::new();
    rig.write("repo/a.yaml", &rig.seal("prod/a", &[("X", "good")]));
    rig.commit("c.yaml", &rig.seal("prod/c", &[("C", "1")]));
    env(&rig).assert(0, &["applied 2"]);
    rig.write("repo/a.yaml", &rig.seal("prod/a", &[("X", "new")]));
    rig.write("repo/b.yaml", &rig.seal("staging/b", &[("X", CANARY)]));
    rig.commit("c.yaml", &rig.seal("prod/c", &[("C", "2")]));
    let said = "X would come of prod/a and of staging/b, so neither is written";
    env(&rig).assert(2, &["Duplicate", said, "a.yaml", "b.yaml", "applied 1", "refused 2"]);
    assert_eq!(text(&rig, "env/kestra.env"), "C=2\nX=good\n");
}

#[test]
fn what_an_env_file_cannot_hold_is_refused_by_object_and_key_and_its_last_good_lines_stay() {
    let rig = Rig::new();
    rig.write("repo/a.yaml", &rig.seal("prod/a", &[("X", "good"), ("Y", "too")]));
    rig.commit("b.yaml", &rig.seal("prod/b", &[("B", "1")]));
    env(&rig).assert(0, &["applied 2"]);
    for (key, value, words) in [
        ("X", "CANARY\n", "prod/a: the value of X has a line break"),
        ("X", "CANARY $HOME", "prod/a: the value of X has a blank"),
        ("password", CANARY, "prod/a: password is no name of a variable"),
    ] {
        rig.commit("a.yaml", &rig.seal("prod/a", &[(key, value)]));
        env(&rig).assert(2, &["NotAllowed", words, "unchanged 1, refused 1"]);
        assert_eq!(text(&rig, "env/kestra.env"), "B=1\nX=good\nY=too\n");
    }
}

#[test]
fn what_somebody_changes_in_an_env_file_is_put_right() {
    let rig = Rig::new();
    rig.commit("a.yaml", &rig.seal("prod/a", &[("A", "1"), ("B", "2")]));
    let running =
        rig.watch_with(&["--git=repo", "--ref=main"], &["--layout=env", "--out=env/kestra.env"]);
    let is_right = || text(&rig, "env/kestra.env") == "A=1\nB=2\n";
    running.until("it is there", is_right);
    for text in ["", "A=1", "A=1\nB=2\nLD_PRELOAD=/tmp/x.so\n"] {
        fs::write(rig.at("env/kestra.env"), text).unwrap();
        running.until("it is put right", is_right);
    }
    fs::remove_file(rig.at("env/kestra.env")).unwrap();
    running.until("it is there again", is_right);
}

#[test]
fn in_a_folder_of_others_only_the_file_and_our_own_records_are_touched() {
    let rig = Rig::new();
    rig.commit("a.yaml", &rig.seal("prod/a", &[("A", "1")]));
    rig.write("env/theirs", "theirs");
    rig.write("env/.seal-other", "theirs");
    fs::set_permissions(rig.at("env"), PermissionsExt::from_mode(0o755)).unwrap();
    env(&rig).assert(0, &["applied 1"]);
    rig.lay_out("env", "env/second.env").assert(0, &["applied 1"]);
    let mut names: Vec<_> = fs::read_dir(rig.at("env"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".seal-inventory.kestra.env.json",
            ".seal-inventory.second.env.json",
            ".seal-other",
            "kestra.env",
            "second.env",
            "theirs"
        ]
    );
    assert_eq!(fs::metadata(rig.at("env")).unwrap().mode() & 0o7777, 0o755);
    fs::set_permissions(rig.at("env"), PermissionsExt::from_mode(0o777)).unwrap();
    env(&rig).assert(2, &["the output folder env is writable by others"]);
}

#[test]
fn what_stands_where_an_env_file_goes_is_neither_written_through_nor_replaced() {
    let rig = Rig::new();
    rig.commit("a.yaml", &rig.seal("prod/a", &[("A", "1")]));
    rig.write("target", "theirs");
    let file = rig.at("env/kestra.env");
    fs::create_dir(rig.at("env")).unwrap();
    fs::set_permissions(rig.at("env"), PermissionsExt::from_mode(0o700)).unwrap();
    let plants: [(&str, &dyn Fn()); 4] = [
        ("a file that is not ours", &|| fs::write(&file, "theirs").unwrap()),
        ("a symbolic link", &|| symlink(rig.at("target"), &file).unwrap()),
        ("more than one link", &|| fs::hard_link(rig.at("target"), &file).unwrap()),
        ("not a regular file", &|| {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, mode, 0)
                .unwrap();
        }),
    ];
    for (what, plant) in plants {
        plant();
        env(&rig).assert(1, &["NotOurs", "env/kestra.env", what]);
        fs::remove_file(&file).unwrap();
    }
    assert_eq!(text(&rig, "target"), "theirs");
    fs::create_dir(&file).unwrap();
    env(&rig).assert(1, &["NotOurs", "env/kestra.env"]);
    fs::remove_dir(&file).unwrap();
    env(&rig).assert(0, &["applied 1"]);
}

#[test]
fn a_login_joins_those_of_others_and_leaves_them_when_it_goes() {
    let rig = Rig::new();
    let theirs = "{\n\t\"HttpHeaders\": {\"User-Agent\": \"x\"},\n\t\"auths\": {\n\t\t\"quay.io\": {\"auth\": \"eDp5\"}\n\t}\n}";
    rig.write(CONFIG, theirs);
    rig.write("repo/b.yaml", &registry(&rig, "prod/b", "docker.io", CANARY));
    rig.commit("a.yaml", &registry(&rig, "prod/a", "https://ghcr.io", CANARY));
    rig.commit("app.yaml", &rig.seal("prod/app", &[("k", CANARY)]));
    docker(&rig).assert(0, &["applied 2", "left alone of other types 1"]);
    assert_eq!(registries(&rig), ["ghcr.io", "https://index.docker.io/v1/", "quay.io"]);
    assert!(text(&rig, CONFIG).contains("\"HttpHeaders\": {\"User-Agent\": \"x\"}"));
    assert!(text(&rig, CONFIG).contains("\"quay.io\": {\"auth\": \"eDp5\"}"));
    assert_eq!(fs::metadata(rig.at(CONFIG)).unwrap().mode(), 0o100600);
    docker(&rig).assert(0, &["applied 0, unchanged 2"]);
    // As `docker login` leaves the file: written anew, with a login more.
    let mut config: serde_json::Value = serde_json::from_str(&text(&rig, CONFIG)).unwrap();
    config["auths"]["new.io"] = serde_json::json!({"auth": "eDp5"});
    fs::write(rig.at(CONFIG), config.to_string()).unwrap();
    docker(&rig).assert(0, &["applied 0, unchanged 2"]);
    assert_eq!(text(&rig, CONFIG), config.to_string(), "it says the same already");
    rig.delete(&["b.yaml"]);
    docker(&rig).assert(0, &["unchanged 1, refused 0, pruned 1"]);
    assert_eq!(registries(&rig), ["ghcr.io", "new.io", "quay.io"]);
    rig.commit("a.yaml", &registry(&rig, "prod/a", "ghcr.io", "changed"));
    docker(&rig).assert(0, &["applied 1"]);
    assert!(text(&rig, CONFIG).contains("dXNlcjpjaGFuZ2Vk"), "user:changed in base64");
}

#[test]
fn a_registry_of_two_objects_or_of_somebody_else_is_left_as_it_is() {
    let rig = Rig::new();
    rig.write(CONFIG, "{\"auths\": {\"https://quay.io\": {\"auth\": \"eDp5\"}}}");
    rig.write("repo/a.yaml", &registry(&rig, "prod/a", "ghcr.io", CANARY));
    rig.write("repo/b.yaml", &registry(&rig, "staging/b", "https://GHCR.io/org", CANARY));
    rig.write("repo/c.yaml", &registry(&rig, "prod/c", "quay.io", CANARY));
    rig.commit("d.yaml", &registry(&rig, "prod/d", "fine.io", CANARY));
    let run = docker(&rig);
    run.assert(2, &["ghcr.io would come of prod/a and of staging/b", "applied 1, unchanged 0"]);
    run.assert(2, &["NotOurs", "docker/config.json, quay.io: a login that is not ours"]);
    assert_eq!(registries(&rig), ["fine.io", "https://quay.io"]);
    // What a refused one has in the file is not given to another.
    rig.delete(&["b.yaml", "c.yaml"]);
    docker(&rig).assert(0, &["applied 1, unchanged 1"]);
    rig.write("repo/a.yaml", &registry(&rig, "prod/a", "bad host", CANARY));
    rig.commit("e.yaml", &registry(&rig, "staging/e", "ghcr.io", "another"));
    let said = "ghcr.io is wanted by staging/e, and is prod/a's, which is not opened";
    docker(&rig).assert(2, &["Duplicate", said, "bad host is no registry"]);
    rig.delete(&["a.yaml"]);
    docker(&rig).assert(0, &["applied 1, unchanged 1, refused 0, pruned 1"]);
}

#[test]
fn a_docker_config_that_cannot_be_read_is_never_lost() {
    let rig = Rig::new();
    rig.commit("a.yaml", &registry(&rig, "prod/a", "ghcr.io", CANARY));
    let deep = format!("{{\"x\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"x\": \"{}\"}}", "y".repeat(100 * 1024 * 1024));
    for (there, code, words) in [
        ("{\"auths\": {", 2, "is no docker config"),
        ("PASSWORD", 2, "is no docker config"),
        ("{\"auths\": {\"a\": {}, \"a\": {}}}", 2, "has a field twice"),
        ("{\"AUTHS\": {\"a\": {}}}", 2, "the field auths in capitals"),
        ("{\"credsStore\": \"desktop\"}", 2, "names a program for credentials"),
        ("{\"credHelpers\": {\"ghcr.io\": \"x\"}}", 1, "a program for its credentials"),
        (&large, 1, "larger than 8 MiB"),
    ] {
        rig.write(CONFIG, there);
        docker(&rig).assert(code, &["docker/config.json", words, "applied 0"]);
        assert!(text(&rig, CONFIG) == there, "{words}: the file is as it was");
    }
    rig.write(CONFIG, &deep);
    docker(&rig).assert(0, &["applied 1"]);
    assert!(text(&rig, CONFIG).contains(&deep[5..deep.len() - 1]), "what is deep stays too");
}

#[test]
fn a_crash_between_the_inventory_and_the_file_is_mended_and_takes_nothing_of_others() {
    let rig = Rig::new();
    rig.write(CONFIG, "{\"auths\": {\"quay.io\": {\"auth\": \"eDp5\"}}}");
    rig.commit("a.yaml", &registry(&rig, "prod/a", "ghcr.io", CANARY));
    docker(&rig).assert(0, &["applied 1"]);
    // The inventory has it, the file does not, and what was staged is left over.
    rig.write(CONFIG, "{\"auths\": {\"quay.io\": {\"auth\": \"eDp5\"}}}");
    rig.write("docker/.seal-staging/0", "half");
    fs::set_permissions(rig.at("docker/.seal-staging"), PermissionsExt::from_mode(0o700)).unwrap();
    docker(&rig).assert(0, &["applied 1"]);
    assert_eq!(registries(&rig), ["ghcr.io", "quay.io"]);
    assert!(!rig.at("docker/.seal-staging").exists());
}
