//! What is refused, what is said, and what is taken of a docker config that another program wrote.

use super::*;

fn found(config: &str, host: &str) -> Result<Login, RegistryError> {
    login_of(config.as_bytes(), &Registry::parse(host).unwrap())
}

fn said(config: &str) -> String {
    check(Shape::ConfigJson, config.as_bytes()).unwrap().join("\n")
}

#[test]
fn an_entry_that_fails_the_keyring_of_a_pod_is_refused() {
    for (entry, why) in [
        (r#"{"auth": "%%%"}"#, "no base64"),
        (r#"{"auth": "dQ=="}"#, "without a :"),
        (r#"{"auth": "dTpwZ"}"#, "no base64"),
        (r#"{"auth": "dTpw "}"#, "no base64"),
        (r#"{"username": "u", "password": 1}"#, "its password is no string"),
        (r#"{"Username": true}"#, "its username is no string"),
        (r#"{"email": 1, "auth": "dTpw"}"#, "its email is no string"),
        (r#"[]"#, "no map of fields"),
        (r#""u:p""#, "no map of fields"),
    ] {
        let config =
            format!(r#"{{"auths": {{"good.io": {{"auth": "dTpw"}}, "bad.io": {entry}}}}}"#);
        let error = check(Shape::ConfigJson, config.as_bytes()).expect_err(entry);
        assert!(error.message.starts_with("the entry of bad.io: "), "{error:?}");
        assert!(error.message.contains(why), "{error:?}");
        assert!(!error.message.contains("dTpw"), "{error:?}");
    }
    for (config, why) in [
        (r#"{"auths": []}"#, "no map of registries"),
        (r#"{"auths": {}, "httpheaders": {"a": 1}}"#, "no map of strings"),
    ] {
        let error = check(Shape::ConfigJson, config.as_bytes()).unwrap_err();
        assert!(error.message.contains(why), "{error:?}");
    }
    let cfg = br#"{"r.io": {"auth": "%"}}"#;
    assert!(check(Shape::Cfg, cfg).is_err());
}

#[test]
fn what_is_found_for_no_image_is_said() {
    let with = |key: &str| format!(r#"{{"auths": {{"{key}": {{"auth": "dTpw"}}}}}}"#);
    for (key, why) in [
        ("registry-1.docker.io", "found for no image"),
        ("https://index.docker.io/v1", "no / at its end"),
        ("GHCR.io", "right is: ghcr.io"),
        ("*", "found for no image"),
        ("https://%zz", "found for no image"),
        ("ghcr.io/org", "ghcr.io/org/ is for all beneath it"),
    ] {
        assert!(said(&with(key)).contains(why), "{key}: {}", said(&with(key)));
    }
    for key in ["https://index.docker.io/v1/", "docker.io", "ghcr.io", "r.io:5000", "http://r.io"] {
        assert_eq!(said(&with(key)), "", "{key}");
    }
    assert!(said(r#"{"ghcr.io": {"auth": "dTpw"}}"#).contains("no entry under auths"));
    assert!(said(r#"{"auths": {"r.io": {}}, "credsStore": "desktop"}"#).contains("empty ones"));
    let token = r#"{"auths": {"r.io": {"identitytoken": "t"}}}"#;
    assert!(said(token).contains("a token, which it does not use"));
    let other = r#"{"auths": {"r.io": {"username": "a", "password": "b", "auth": "dTpw"}}}"#;
    assert!(said(other).contains("auth counts"));
    for (entries, what) in [
        (r#""r.io": {"auth": "dTpw"}, "r.io": {"auth": "dTpw"}"#, "the entry of r.io stands"),
        (r#""r.io": {"auth": "dTpw", "Auth": "dTpw"}"#, "Auth of the entry of r.io stands"),
    ] {
        let config = format!(r#"{{"auths": {{{entries}}}}}"#);
        let last = format!("{what} in it twice, and the kubelet takes the last");
        assert_eq!(said(&config), last);
        assert!(found(&config, "r.io").unwrap_err().message.starts_with(what));
    }
    let both = r#"{"auths": {"r.io": {"auth": "dTpw"}}, "Auths": {}}"#;
    assert!(said(both).starts_with("auths stands in it twice"));
    let hours = r#"{"auths": {"r.io": {"username": "AWS", "password": "p"}}}"#;
    assert!(said(hours).contains("the entry of r.io: the password of AWS is a token"));
    let newline = r#"{"auths": {"r.io": {"auth": "dTpwCg=="}}}"#;
    assert!(said(newline).contains("a line break"));
    let many: Vec<String> = (0..40).map(|n| format!(r#""R{n}.io": {{"auth": "dTpw"}}"#)).collect();
    assert!(
        said(&format!(r#"{{"auths": {{{}}}}}"#, many.join(",")))
            .ends_with("and 24 more of that kind")
    );
}

#[test]
fn the_entry_of_one_registry_is_taken_whatever_stands_beside_it() {
    let config = r#"{"auths": {
        "https://index.docker.io/v1/": {"auth": "dTpw"},
        "ghcr.io": {"username": "me", "password": "pw"},
        "broken.io": {"auth": 1}
    }, "HttpHeaders": {"User-Agent": "x"}}"#;
    assert_eq!(found(config, "docker.io").unwrap().username(), "u");
    assert_eq!(found(config, "https://ghcr.io").unwrap().username(), "me");
    let absent = found(config, "quay.io").unwrap_err();
    assert_eq!(absent.message, "quay.io is not in it");
    assert_eq!(absent.hint, "it has broken.io, ghcr.io, https://index.docker.io/v1/");
    assert!(found(config, "broken.io").unwrap_err().message.contains("no string"));
}

#[test]
fn what_a_docker_client_keeps_elsewhere_is_refused() {
    for (config, why) in [
        (
            r#"{"auths": {"r.io": {}}, "credsStore": "desktop"}"#,
            "docker-credential-desktop keeps them",
        ),
        (r#"{"credHelpers": {"r.io": "gcloud"}}"#, "docker-credential-gcloud keeps them"),
        (
            r#"{"auths": {"r.io": {"auth": "dTpw"}}, "credHelpers": {"r.io": "x"}}"#,
            "docker-credential-x keeps them",
        ),
        (r#"{"auths": {"r.io": {"identitytoken": "t"}}}"#, "does not use tokens"),
        (r#"{"auths": {"r.io": {}}}"#, "no user and no password"),
        (
            r#"{"auths": {"r.io": {"auth": "dTpw"}, "https://r.io": {"auth": "dTpw"}}}"#,
            "stands in it twice",
        ),
        (r#"{"auths": {"r.io": {"auth": "dTpw", "username": "x"}}}"#, "than beside it"),
        (r#"{"auths": {"r.io": {"auth": "dTpwCg=="}}}"#, "a line break"),
        (r#"{"r.io": {"auth": "dTpw"}}"#, "nor any other registry"),
        ("[]", "no docker config"),
        ("", "no docker config"),
    ] {
        let error = found(config, "r.io").expect_err(config);
        assert!(error.message.contains(why), "{config}: {error:?}");
    }
}
