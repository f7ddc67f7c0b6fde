//! Each layout's rule, and what becomes of a file that others wrote.

use std::collections::BTreeMap;

use super::*;
use crate::open::Opened;
use crate::place::Place;
use crate::secret::SecretValue;

fn opened(place: &str, values: &[(&str, &str)]) -> Opened {
    let (namespace, name) = place.split_once('/').unwrap();
    Opened {
        place: Place::new(namespace, name).unwrap(),
        template: Default::default(),
        values: values
            .iter()
            .map(|(key, value)| ((*key).into(), value.as_bytes().into()))
            .collect(),
        opened_with: Default::default(),
    }
}

fn paths(layout: FolderLayout, place: &str, keys: &[&str]) -> Vec<String> {
    let values: Vec<(&str, &str)> = keys.iter().map(|key| (*key, "x")).collect();
    let laid = lay_out(layout, opened(place, &values)).unwrap();
    laid.files.iter().map(|file| format!("{} {:o}", file.path.join("/"), file.mode)).collect()
}

#[test]
fn each_layout_names_files_as_what_reads_them_does() {
    use FolderLayout::{Faasd, Flyte, Tree};
    assert_eq!(paths(Tree, "prod/db", &["tls.crt"]), ["prod/db/tls.crt 600"]);
    assert_eq!(paths(Faasd, "openfaas-fn/api-key", &["x"]), ["openfaas-fn/api-key 644"]);
    assert_eq!(paths(Flyte, "p-d/user-info", &["User_Secret"]), ["user-info/user_secret 600"]);
    assert_eq!([Tree, Faasd, Flyte].map(FolderLayout::folder_mode), [0o700, 0o755, 0o700]);
}

#[test]
fn faasd_has_one_value_of_a_secret() {
    for keys in [&[][..], &[("a", "1"), ("b", "2")]] {
        let error = lay_out(FolderLayout::Faasd, opened("fn/db", keys)).unwrap_err();
        let said = format!("fn/db has {} keys", keys.len());
        assert!(error.to_string().starts_with(&said), "{error}");
    }
}

#[test]
fn two_values_for_one_path_of_flyte_are_refused_and_both_are_named() {
    let place = |namespace, name| Place::new(namespace, name).unwrap();
    let objects = [
        (place("a-dev", "db"), vec!["Token", "user"]),
        (place("b-dev", "db"), vec!["token"]),
        (place("a-dev", "web"), vec!["KEY", "key"]),
        (place("a-dev", "fine"), vec!["key"]),
    ];
    let named = objects.iter().map(|(place, keys)| (place, keys.clone()));
    let survey = survey(FolderLayout::Flyte, named);
    let said: Vec<String> = survey.refused.values().map(ToString::to_string).collect();
    let db = "db/token would come of a-dev/db (key Token) and of b-dev/db (key token), so neither is written";
    let web = "web/key would come of a-dev/web (key KEY) and of a-dev/web (key key), so neither is written";
    assert_eq!(said, [db, web, db]);
    assert_eq!(survey.claims.keys().collect::<Vec<_>>(), ["fine/key"]);
}

#[test]
fn a_variable_is_written_only_where_every_reader_reads_it_alike() {
    let refusal = |key: &str, value: &str| {
        let mut fold = Fold::new(FileLayout::Env);
        fold.add(opened("prod/db", &[(key, value)])).err().map(|error| error.to_string())
    };
    for value in ["", "aGVsbG8=", "p@ss/w+rd:=,;!%^&*()[]{}<>|~?", "a=b=c"] {
        assert_eq!(refusal("SECRET_X", value), None, "{value}");
    }
    for (value, what) in [
        ("a\n", "a line break"),
        ("a\rb", "a line break"),
        (" a", "a blank"),
        ("a\tb", "a blank"),
        ("\"a\"", "a quote"),
        ("it's", "a quote"),
        ("`id`", "a quote"),
        ("a\\b", "a backslash"),
        ("${X}", "a $"),
        ("a#b", "a #"),
        ("é", "a byte that is no printable ASCII"),
        ("a\0b", "a byte that is no printable ASCII"),
    ] {
        let said = refusal("SECRET_X", value).unwrap();
        assert!(said.starts_with(&format!("prod/db: the value of SECRET_X has {what},")), "{said}");
    }
    for key in ["secret_x", "1X", "A-B", "tls.crt", "PATH=x"] {
        let said = refusal(key, "x").unwrap();
        assert_eq!(said, format!("prod/db: {key} is no name of a variable"));
    }
    assert_eq!(refusal("A", &"x".repeat(64 * 1024 - 3)), None);
    assert!(refusal("A", &"x".repeat(64 * 1024 - 2)).unwrap().contains("longer than 64 KiB"));
}

#[test]
fn an_entry_of_two_objects_is_of_neither_and_both_are_named() {
    let mut fold = Fold::new(FileLayout::Env);
    for (place, key) in [("prod/a", "X"), ("prod/b", "X"), ("prod/c", "Y")] {
        fold.add(opened(place, &[(key, "1")])).unwrap();
    }
    let folded = fold.finish();
    let said: Vec<String> = folded.refused.iter().map(|(_, error)| error.to_string()).collect();
    assert_eq!(said, vec!["X would come of prod/a and of prod/b, so neither is written"; 2]);
    assert_eq!(folded.objects.len(), 1);
}

#[test]
fn what_is_larger_than_the_file_may_be_is_refused_and_the_others_fit() {
    let mut fold = Fold::new(FileLayout::Env);
    let large = "x".repeat(60 * 1024);
    let added = (0..100).filter(|n| {
        fold.add(opened(&format!("prod/db-{n}"), &[(&format!("X{n}"), &large)])).is_ok()
    });
    assert_eq!(added.count(), 4 * 1024 / 60);
    assert!(fold.add(opened("prod/small", &[("SMALL", "x")])).is_ok());
}

/// The registries of a docker config and their logins, or why it has none that can be taken.
fn logins(config: &str) -> Result<BTreeMap<String, String>, String> {
    let mut fold = Fold::new(FileLayout::DockerConfig);
    let object = opened("prod/reg", &[(".dockerconfigjson", config)]);
    fold.add(object).map_err(|error| error.to_string())?;
    let [object] = &fold.finish().objects[..] else { panic!("one object was added") };
    let text = |value: &SecretValue| String::from_utf8(value.expose().to_vec()).unwrap();
    Ok(object.entries.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

#[test]
fn a_registry_is_found_as_docker_and_faasd_look_it_up() {
    let auth = "{\n\t\t\t\"auth\": \"dTpw\"\n\t\t}"; // u:p
    for (key, registry) in [
        ("ghcr.io", "ghcr.io"),
        ("https://GHCR.io/org/", "ghcr.io"),
        ("http://localhost:5000", "localhost:5000"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
    ] {
        for login in [
            r#"{"auth": "dTpw"}"#,
            r#"{"auth": "dTpw", "username": "x", "password": "ignored", "email": "e"}"#,
            r#"{"username": "u", "password": "p"}"#,
        ] {
            let found = logins(&format!("{{\"auths\": {{\"{key}\": {login}}}}}")).unwrap();
            assert_eq!(found, BTreeMap::from([(registry.to_owned(), auth.to_owned())]), "{key}");
        }
    }
    // Docker takes a whole file for broken over an `auth` that names nobody.
    for (login, written) in [
        (r#"{"identitytoken": "t"}"#, "{\n\t\t\t\"identitytoken\": \"t\"\n\t\t}"),
        (r#"{"auth": "Og==", "registrytoken": "t"}"#, "{\n\t\t\t\"registrytoken\": \"t\"\n\t\t}"),
        (
            r#"{"username": "u", "identitytoken": "t"}"#,
            "{\n\t\t\t\"auth\": \"dTo=\",\n\t\t\t\"identitytoken\": \"t\"\n\t\t}",
        ),
    ] {
        assert_eq!(logins(&format!(r#"{{"auths": {{"r": {login}}}}}"#)).unwrap()["r"], written);
    }
    let quoted = logins(r#"{"auths": {"r": {"username": "u", "password": "a\"b\\c"}}}"#).unwrap();
    assert_eq!(quoted["r"], "{\n\t\t\t\"auth\": \"dTphImJcYw==\"\n\t\t}");
}

#[test]
fn a_docker_config_without_a_usable_login_is_refused_and_not_quoted() {
    for (config, words) in [
        ("CANARY", "not JSON"),
        ("[]", "not JSON"),
        (r#"{"ghcr.io": {"auth": "dTpw"}}"#, "not JSON of the shape"),
        (r#"{"auths": {}}"#, "no registry"),
        (
            r#"{"auths": {"r": {}}, "credsStore": "CANARY"}"#,
            "a program for credentials (credsStore)",
        ),
        (r#"{"auths": {"r": {"auth": "dTpw"}}, "credHelpers": {"r": "x"}}"#, "(credHelpers)"),
        (r#"{"auths": {"r": {}}}"#, "r: its user or password is empty"),
        (r#"{"auths": {"r": {"auth": "OnA=", "identitytoken": "t"}}}"#, "a password and no user"),
        (r#"{"auths": {"r": {"auth": "CANARY!"}}}"#, "r: its auth is no base64"),
        (r#"{"auths": {"r": {"auth": "Q0FOQVJZ"}}}"#, "r: its auth is no user and password"),
        (r#"{"auths": {"r": {"username": "a:b", "password": "CANARY"}}}"#, "a colon"),
        (r#"{"auths": {"r": {"username": "a", "password": "CANARY\n"}}}"#, "a line break"),
        (r#"{"auths": {"r": {"auth": "dTpw"}, "r": {"auth": "dTpw"}}}"#, "not JSON"),
        (r#"{"auths": {"g.io/a": {"auth": "dTpw"}, "g.io/b": {"auth": "dTpw"}}}"#, "one registry"),
        (r#"{"auths": {"*.pkg.dev": {"auth": "dTpw"}}}"#, "*.pkg.dev is no registry"),
    ] {
        let said = logins(config).unwrap_err();
        assert!(said.starts_with("prod/reg: ") && said.contains(words), "{config}: {said}");
        assert!(!said.contains("CANARY"), "{said}");
    }
}

/// What a file becomes with these names being ours, these kept and these set.
fn changed(
    layout: FileLayout,
    there: Option<&str>,
    ours: &[&str],
    kept: &[&str],
    set: &[(&str, &str)],
) -> Option<String> {
    let values: BTreeMap<&str, SecretValue> =
        set.iter().map(|(name, value)| (*name, value.as_bytes().into())).collect();
    let wanted = Wanted {
        ours: ours.iter().copied().collect(),
        kept: kept.iter().copied().collect(),
        set: values.iter().map(|(name, value)| (*name, value)).collect(),
    };
    match Held::read(layout, there.map(str::as_bytes)).unwrap().change(&wanted) {
        Change::Nothing => None,
        Change::Remove => Some("(removed)".to_owned()),
        Change::Write(value) => Some(String::from_utf8(value.expose().to_vec()).unwrap()),
    }
}

#[test]
fn an_env_file_is_sorted_and_ends_its_last_line() {
    let env = |there, ours: &[&str], kept: &[&str], set: &[(&str, &str)]| {
        changed(FileLayout::Env, there, ours, kept, set)
    };
    let all = "A=1\nB=2\n";
    assert_eq!(env(None, &[], &[], &[("B", "2"), ("A", "1")]).unwrap(), all);
    assert_eq!(env(Some(all), &["A", "B"], &[], &[("B", "2"), ("A", "1")]), None);
    assert_eq!(env(Some(all), &["A", "B"], &["A"], &[("B", "3")]).unwrap(), "A=1\nB=3\n");
    assert_eq!(env(Some("B=2\n# x\nA=1"), &["A"], &["A"], &[]).unwrap(), "A=1\n");
    assert_eq!(env(Some(all), &["A", "B"], &[], &[]).unwrap(), "(removed)");
    assert_eq!(env(None, &[], &[], &[]), None);
}

#[test]
fn in_a_docker_config_what_others_wrote_comes_out_as_it_went_in() {
    let login = "{\n\t\t\t\"auth\": \"dTpw\"\n\t\t}";
    let docker = |there, ours: &[&str], kept: &[&str], set: &[(&str, &str)]| {
        changed(FileLayout::DockerConfig, there, ours, kept, set)
    };
    let new = docker(None, &[], &[], &[("ghcr.io", login)]).unwrap();
    assert_eq!(
        new,
        "{\n\t\"auths\": {\n\t\t\"ghcr.io\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t}\n}\n"
    );
    assert_eq!(docker(Some(&new), &["ghcr.io"], &[], &[("ghcr.io", login)]), None);
    let theirs = r#"{"HttpHeaders":{"n": 1.50e3},"auths":{"quay.io": {"auth":"eDp5"}},"z":[ ]}"#;
    let both = docker(Some(theirs), &[], &[], &[("ghcr.io", login)]).unwrap();
    for kept in [r#"{"n": 1.50e3}"#, r#""quay.io": {"auth":"eDp5"}"#, "\"z\": [ ]"] {
        assert!(both.contains(kept), "{both}");
    }
    let without = docker(Some(&both), &["ghcr.io"], &[], &[]).unwrap();
    assert!(!without.contains("ghcr.io") && without.contains("quay.io"), "{without}");
    assert_eq!(docker(Some(&both), &["ghcr.io"], &["ghcr.io"], &[]), None, "kept as it is");
    assert_eq!(docker(Some(theirs), &[], &[], &[]), None, "the text of others stays");
}

#[test]
fn a_docker_config_that_docker_reads_by_chance_or_not_at_all_is_not_touched() {
    for (there, bad) in [
        ("{", BadFile::NotDockerConfig),
        ("[]", BadFile::NotDockerConfig),
        ("{\"auths\": []}", BadFile::NotDockerConfig),
        ("{\"auths\": {\"a\": {}, \"a\": {}}}", BadFile::Twice),
        ("{\"x\": 1, \"x\": 2}", BadFile::Twice),
        ("{\"Auths\": {}}", BadFile::Twice),
        ("{\"credsStore\": \"desktop\"}", BadFile::CredsStore),
        ("\u{feff}{}", BadFile::NotDockerConfig),
    ] {
        let read = Held::read(FileLayout::DockerConfig, Some(there.as_bytes()));
        assert_eq!(read.err(), Some(bad), "{there}");
    }
    for there in ["", " \n", "{}", "{\"auths\": null, \"credsStore\": \"\"}"] {
        assert!(Held::read(FileLayout::DockerConfig, Some(there.as_bytes())).is_ok(), "{there}");
    }
    let text = "{\"auths\": {\"https://ghcr.io\": {}}, \"credHelpers\": {\"gcr.io\": \"gcloud\"}}";
    let held = Held::read(FileLayout::DockerConfig, Some(text.as_bytes())).unwrap();
    assert_eq!(held.in_the_way("ghcr.io", true), Some("a login that is not ours"));
    assert!(held.in_the_way("gcr.io", true).unwrap().contains("credHelpers"));
    assert_eq!(held.in_the_way("quay.io", false), None);
}

#[test]
fn an_unknown_layout_names_those_there_are() {
    let unknown = "forest".parse::<Layout>().unwrap_err();
    let words = "no layout of that name; there is tree, faasd, flyte, env, docker-config";
    assert_eq!(unknown.to_string(), words);
    for layout in Layout::ALL {
        assert_eq!(layout.as_str().parse(), Ok(layout));
    }
}
