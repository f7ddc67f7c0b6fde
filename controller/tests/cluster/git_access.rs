//! Who may fetch, wake and sign: credentials, webhooks and signatures of a GitSource.

use std::fs;
use std::process::{Command, Stdio};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use seal_core::kind::git_source::GitSource;
use seal_testing::{Fault, SshServer, ssh_key};
use serde_json::json;

use crate::git::{Rig, message, reason};
use crate::support::{CANARY, foreign, shared};

/// A status line, of a POST with these headers.
async fn post(url: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let mut request = format!("POST /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(request.as_bytes()).await.unwrap();
    // A server that has seen enough closes before it has all.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// `X-Hub-Signature-256` as openssl computes it.
fn signature(token: &str, body: &[u8]) -> String {
    use std::io::Write;
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", token, "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need openssl on the path");
    openssl.stdin.take().unwrap().write_all(body).unwrap();
    let output = openssl.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

async fn secret(rig: &Rig, name: &str, values: &[(&str, &str)]) {
    let api: Api<Secret> = Api::namespaced(rig.cluster.client(), &rig.home.name);
    let made = foreign(name, values);
    if api.get_opt(name).await.unwrap().is_none() {
        rig.home.create(made).await;
        return;
    }
    let patch = json!({"data": made.data.unwrap().into_iter().map(|(k, v): (String, ByteString)| (k, json!(v))).collect::<serde_json::Map<_, _>>()});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test]
async fn a_signed_delivery_wakes_it_and_no_other_does() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let token = format!("{CANARY}-of-the-forge");
    secret(&rig, "hook", &[("token", &format!("{token}\n"))]).await;
    let first = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"interval": "1h", "webhook": {"secretRef": {"name": "hook"}}})).await;
    let status = rig.until_applied("app", &first).await;
    let path = status.webhook_path.unwrap();
    let url = format!("{}{path}", rig.url);

    let second = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    let body = br#"{"ref": "refs/heads/main", "repository": {"url": "https://evil.example"}}"#;
    let right = signature(&token, body);
    let hub = format!("sha256={right}");
    let wrong = format!("sha256={}", signature("another token of a forge", body));
    rig.server.requests();
    for (url, headers, body, code) in [
        (&url, vec![], &body[..], 401),
        (&url, vec![("X-Hub-Signature-256", wrong.as_str())], &body[..], 401),
        (&url, vec![("X-Hub-Signature-256", hub.as_str())], &body[1..], 401),
        (&url, vec![("X-Gitlab-Token", "x")], &body[..], 401),
        (
            &format!("{}/hook/none", rig.url),
            vec![("X-Hub-Signature-256", hub.as_str())],
            &body[..],
            401,
        ),
        (&url, vec![("X-Hub-Signature-256", hub.as_str())], &vec![b'x'; 26_214_401][..], 413),
    ] {
        assert_eq!(post(url, &headers, body).await, code, "{headers:?}");
    }
    assert!(rig.server.requests().is_empty(), "a wrong delivery made it fetch");
    assert_eq!(post(&url, &[("X-Hub-Signature-256", &hub)], body).await, 202);
    rig.until_applied("app", &second).await;

    let third = rig.commit(&[("a.yaml", &rig.seal("a", "three"))]);
    assert_eq!(post(&url, &[("X-Gitea-Signature", &right)], body).await, 202);
    rig.until_applied("app", &third).await;
    let fourth = rig.commit(&[("a.yaml", &rig.seal("a", "four"))]);
    assert_eq!(post(&url, &[("X-Gitlab-Token", &token)], body).await, 202);
    rig.until_applied("app", &fourth).await;

    // One that was renewed counts with its first delivery, and the one before no more.
    let renewed = format!("{CANARY}-renewed");
    secret(&rig, "hook", &[("token", &renewed)]).await;
    let fifth = rig.commit(&[("a.yaml", &rig.seal("a", "five"))]);
    assert_eq!(post(&url, &[("X-Gitlab-Token", &renewed)], body).await, 401);
    rig.until_applied("app", &fifth).await;
    assert_eq!(post(&url, &[("X-Gitlab-Token", &token)], body).await, 401);
    assert_eq!(post(&url, &[("X-Gitlab-Token", &renewed)], body).await, 202);
    assert!(!rig.log().contains(CANARY) && !rig.log().contains("evil.example"));
}

#[tokio::test]
async fn a_storm_of_deliveries_is_a_few_fetches() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let token = "a token of sixteen bytes or more";
    secret(&rig, "hook", &[("token", token)]).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({"interval": "1h", "webhook": {"secretRef": {"name": "hook"}}})).await;
    rig.until_applied("app", &commit).await;
    rig.server.requests();
    let url = format!("{}/hook/app", rig.url);
    let mut codes = std::collections::BTreeMap::<u16, usize>::new();
    for _ in 0..20 {
        let headers = [("X-Gitlab-Token", token)];
        let storm = (0..50).map(|_| post(&url, &headers, b"{}"));
        let storm = futures::future::join_all(storm).await;
        storm.into_iter().for_each(|code| *codes.entry(code).or_default() += 1);
    }
    assert_eq!(codes, [(202, 1000)].into(), "all are heard");
    let last = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    assert_eq!(post(&url, &[("X-Gitlab-Token", token)], b"{}").await, 202);
    rig.until_applied("app", &last).await;
    let asked = rig.server.requests().iter().filter(|it| it.starts_with("GET ")).count();
    assert!(asked < 60, "{asked} fetches for 1,000 deliveries");
}

#[tokio::test]
async fn a_token_that_is_revoked_and_renewed_heals_without_help() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.server.require(Some("Bearer canary-3f9c1e7a-1"));
    rig.source("app", json!({"secretRef": {"name": "login"}})).await;
    let status = rig.until_reason("app", "Retrying").await;
    assert!(message(&status).contains("the Secret login is not there"), "{status:?}");
    for (key, value, words) in [
        ("token", "x", "has none of password, bearerToken and ca.crt"),
        ("bearerToken", "a b", "has a character that no header may have"),
    ] {
        secret(&rig, "login", &[(key, value)]).await;
        rig.look("app").await;
        let status = rig.until("app", words, |status| message(status).contains(words)).await;
        assert_eq!(reason(&status), "Malformed");
    }
    secret(&rig, "login", &[("bearerToken", "canary-3f9c1e7a-0")]).await;
    rig.look("app").await;
    rig.until("app", "it is refused", |it| message(it).contains("does not accept the credentials"))
        .await;
    secret(&rig, "login", &[("bearerToken", "canary-3f9c1e7a-1")]).await;
    rig.until_applied("app", &commit).await;
    rig.until_value("a", "one").await;
    rig.server.require(Some("Bearer canary-3f9c1e7a-2"));
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.look("app").await;
    rig.until_reason("app", "Retrying").await;
    rig.until_value("a", "one").await;
    secret(&rig, "login", &[("bearerToken", "canary-3f9c1e7a-2")]).await;
    rig.until_applied("app", &commit).await;
    assert!(!rig.log().contains(CANARY));
}

#[tokio::test]
async fn ssh_with_the_keys_of_a_secret_and_a_host_key_that_changes() {
    let Some(sshd) = seal_testing::tool!("sshd") else { return };
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let (private, public) = ssh_key();
    let mut server = SshServer::start(&sshd, &public);
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    let known = server.known_hosts.clone();
    secret(&rig, "deploy-key", &[("identity", &private), ("known_hosts", &known)]).await;
    let url = format!("{}{}", server.url, rig.repository().join(".git").display());
    rig.source("app", json!({"url": url, "secretRef": {"name": "deploy-key"}})).await;
    rig.until_applied("app", &commit).await;
    let after = server.change_host_key(&sshd);
    let commit = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.look("app").await;
    let status = rig.until_reason("app", "NotAllowed").await;
    assert!(message(&status).contains("it offers SHA256:"), "{status:?}");
    rig.until_value("a", "one").await;
    secret(&rig, "deploy-key", &[("known_hosts", &format!("{known}{after}"))]).await;
    rig.until_applied("app", &commit).await;
}

#[tokio::test]
async fn a_commit_that_is_not_signed_by_an_allowed_key_is_not_applied() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let at = |name: &str| rig.folder.path().join(name);
    let (ours, public) = ssh_key();
    let (theirs, _) = ssh_key();
    for (name, text) in [("ours", &ours), ("theirs", &theirs)] {
        fs::write(at(name), text).unwrap();
        fs::set_permissions(at(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let signed = |files: &[(&str, &str)], key: &str| {
        let key = at(key).display().to_string();
        rig.git(&["config", "gpg.format", "ssh"]);
        rig.git(&["config", "user.signingkey", &key]);
        rig.git(&["config", "commit.gpgsign", "true"]);
        rig.commit(files)
    };
    let first = signed(&[("a.yaml", &rig.seal("a", "one"))], "ours");
    let signers = format!("# the team\n* namespaces=\"git\" {public}\n");
    rig.source("app", json!({"verify": {"allowedSigners": signers}})).await;
    rig.until_applied("app", &first).await;
    rig.until_value("a", "one").await;

    let foreign = signed(&[("a.yaml", &rig.seal("a", "of somebody else"))], "theirs");
    rig.look("app").await;
    let status = rig.until_reason("app", "NotVerified").await;
    assert_eq!(status.last_attempted_revision, Some(foreign));
    assert_eq!(status.last_applied_revision, Some(first));
    // What is live is still put right, and the verdict over the new commit stays.
    rig.sealed().delete("a", &Default::default()).await.unwrap();
    rig.until("app", "it was put right", |it| it.objects.is_some_and(|it| it.applied == 1)).await;
    rig.until_value("a", "one").await;
    rig.until_reason("app", "NotVerified").await;
    rig.git(&["config", "commit.gpgsign", "false"]);
    rig.commit(&[("a.yaml", &rig.seal("a", "of nobody"))]);
    rig.look("app").await;
    rig.until("app", "it is not signed", |it| message(it).contains("it is not signed")).await;
    rig.until_value("a", "one").await;
    let last = signed(&[("a.yaml", &rig.seal("a", "two"))], "ours");
    rig.look("app").await;
    rig.until_applied("app", &last).await;
    rig.until_value("a", "two").await;
}

#[tokio::test]
async fn a_source_that_is_suspended_or_wrong_applies_nothing_and_says_so() {
    let Some((cluster, controller)) = shared!() else { return };
    let rig = Rig::new(cluster, controller).await;
    let first = rig.commit(&[("a.yaml", &rig.seal("a", "one"))]);
    rig.source("app", json!({})).await;
    rig.until_applied("app", &first).await;
    let api: Api<GitSource> = Api::namespaced(cluster.client(), &rig.home.name);
    let patch = |spec: serde_json::Value| {
        let api = api.clone();
        async move {
            let patch = Patch::Merge(json!({"spec": spec}));
            api.patch("app", &PatchParams::default(), &patch).await.map(|it| it.metadata.generation)
        }
    };
    let generation = patch(json!({"suspend": true})).await.unwrap();
    rig.until("app", "it is suspended", |it| it.observed_generation == generation).await;
    let second = rig.commit(&[("a.yaml", &rig.seal("a", "two"))]);
    rig.server.requests();
    let sealed = rig.sealed();
    sealed.delete("a", &Default::default()).await.unwrap();
    rig.look("app").await;
    let generation = patch(json!({"suspend": true, "interval": "11s"})).await.unwrap();
    let status = rig.until("app", "it has looked", |it| it.observed_generation == generation).await;
    assert!(message(&status).contains("suspended at generation"), "{status:?}");
    assert!(rig.server.requests().is_empty() && sealed.get_opt("a").await.unwrap().is_none());
    patch(json!({"suspend": false})).await.unwrap();
    rig.until_applied("app", &second).await;
    rig.until_value("a", "two").await;

    for (spec, words) in [
        (json!({"path": "../x"}), "spec.path"),
        (json!({"path": null, "interval": "1s"}), "spec.interval"),
        (
            json!({"interval": "10s", "verify": {"allowedSigners": "nothing"}}),
            "line 1 of allowedSigners",
        ),
    ] {
        patch(spec).await.unwrap();
        let status = rig.until("app", words, |it| message(it).contains(words)).await;
        assert_eq!(crate::git::reason(&status), "Malformed");
    }
    // What the schema refuses never comes this far.
    for spec in [
        json!({"url": "http://127.0.0.1/x"}),
        json!({"url": "file:///etc"}),
        json!({"namespaces": []}),
    ] {
        assert!(patch(spec.clone()).await.is_err(), "{spec}");
    }
    rig.server.now(Fault::None);
}
