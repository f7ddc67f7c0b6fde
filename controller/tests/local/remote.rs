//! `--git URL`: a repository elsewhere, over real HTTPS and a real sshd, without `git` or `ssh` on PATH.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use seal_testing::{Fault, GitServer, SshServer, ssh_key};

use super::rig::Rig;

/// A rig whose repository is served, and the flags by which it is fetched.
struct Served {
    rig: Rig,
    server: GitServer,
}

impl Served {
    fn new() -> Self {
        let rig = Rig::new();
        rig.commit("db.yaml", &rig.seal("prod/db", &[("password", "CANARY-1")]));
        let server = GitServer::start(&rig.at(""));
        fs::write(rig.at("ca.pem"), &server.ca).unwrap();
        Self { rig, server }
    }

    fn url(&self) -> String {
        format!("{}/repo/.git", self.server.url)
    }

    fn flags(&self) -> Vec<String> {
        let (ca, cache) = (self.rig.at("ca.pem"), self.rig.at("cache"));
        let flags =
            ["--git-ca-file".into(), ca.into(), "--git-cache".into(), cache.into_os_string()];
        flags.map(|it| it.into_string().unwrap()).to_vec()
    }

    fn once(&self, more: &[&str]) -> super::rig::Run {
        let flags = self.flags();
        let flags = flags.iter().map(String::as_str).chain(more.iter().copied());
        self.rig.once_with(&["--git", &self.url()], &flags.collect::<Vec<_>>())
    }

    fn value(&self) -> String {
        fs::read_to_string(self.rig.out("prod/db/password")).unwrap_or_default()
    }
}

fn secret_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

#[test]
fn a_repository_is_fetched_over_https_and_again_for_what_changed_alone() {
    let served = Served::new();
    served.once(&[]).assert(0, &["applied 1"]);
    assert_eq!(served.value(), "CANARY-1");
    served.server.requests();
    served.once(&[]).assert(0, &["unchanged 1"]);
    // A fresh process knows what the store has: the reference is listed, and nothing is fetched.
    assert_eq!(served.server.requests().len(), 2, "info/refs, ls-refs");
    served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
    served.once(&[]).assert(0, &["applied 1"]);
    assert_eq!(served.value(), "CANARY-2");
}

#[test]
fn branches_tags_and_commits_are_named_and_what_is_not_there_is_said() {
    let served = Served::new();
    let first = served.rig.git(&["rev-parse", "HEAD"]);
    served.rig.git(&["tag", "--annotate", "v1", "--message", "one"]);
    served.rig.git(&["branch", "both"]);
    served.rig.git(&["tag", "both"]);
    served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
    for (reference, value) in [
        ("main", "CANARY-2"),
        ("v1", "CANARY-1"),
        ("refs/heads/main", "CANARY-2"),
        (first.as_str(), "CANARY-1"),
        ("refs/tags/both", "CANARY-1"),
    ] {
        served.once(&["--ref", reference]).assert(0, &[]);
        assert_eq!(served.value(), value, "{reference}");
    }
    served.once(&["--ref", "both"]).assert(2, &["branch and of a tag"]);
    served.once(&["--ref", "gone"]).assert(1, &["the repository has no branch or tag gone"]);
    let none = "0123456789012345678901234567890123456789";
    served.once(&["--ref", none]).assert(1, &["the repository has no commit 0123"]);
}

#[test]
fn a_server_that_is_old_or_leaves_nothing_out_serves_as_well() {
    for fault in [Fault::Old, Fault::Whole] {
        let served = Served::new();
        served.server.now(fault.clone());
        served.once(&[]).assert(0, &["applied 1"]);
        served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
        served.once(&[]).assert(0, &["applied 1"]);
        assert_eq!(served.value(), "CANARY-2", "{fault:?}");
    }
}

#[test]
fn only_manifests_beneath_the_path_are_fetched() {
    let served = Served::new();
    let noise = "CANARY".repeat(500_000);
    served.rig.write("repo/large.bin", &noise);
    served.rig.write("repo/other/large.txt", &noise);
    served.rig.commit("sealed/db.yaml", &served.rig.seal("prod/db2", &[("password", "x")]));
    served.once(&["--path", "sealed"]).assert(0, &["applied 1"]);
    let size = |path: &Path| -> u64 {
        fs::read_dir(path).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum()
    };
    let store = fs::read_dir(served.rig.at("cache")).unwrap().next().unwrap().unwrap().path();
    assert!(size(&store.join("objects/pack")) < 20_000);
    served.once(&["--path", "nowhere"]).assert(1, &["there is no folder nowhere in the source"]);
}

#[test]
fn a_manifest_that_is_too_large_does_not_hold_up_the_others() {
    let served = Served::new();
    let noise = "more than any object may have\n".repeat(1_200_000);
    served.rig.commit("huge.yaml", &noise);
    served.once(&[]).assert(0, &["huge.yaml"]);
    assert_eq!(served.value(), "CANARY-1");
    served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
    served.once(&[]).assert(0, &["huge.yaml"]);
    assert_eq!(served.value(), "CANARY-2");
}

#[test]
fn a_token_is_sent_and_one_that_was_renewed_counts_at_once() {
    let served = Served::new();
    served.server.require(Some("Basic Z2l0OkNBTkFSWS1PTkU=")); // git:CANARY-ONE
    served.once(&[]).assert(1, &["does not accept the credentials"]);
    secret_file(&served.rig.at("token"), "CANARY-ONE\n");
    let file = served.rig.at("token").display().to_string();
    served.once(&["--git-token-file", &file]).assert(0, &["applied 1"]);
    served.server.require(Some("Basic bWU6Q0FOQVJZLVRXTw==")); // me:CANARY-TWO
    served.once(&["--git-token-file", &file]).assert(1, &["does not accept the credentials"]);
    secret_file(&served.rig.at("token"), "CANARY-TWO");
    served.once(&["--git-token-file", &file, "--git-username", "me"]).assert(0, &["unchanged 1"]);
    fs::set_permissions(served.rig.at("token"), PermissionsExt::from_mode(0o644)).unwrap();
    served.once(&["--git-token-file", &file]).assert(2, &["token"]);
}

#[test]
fn what_a_server_does_wrong_is_said_in_our_words_and_the_files_stay() {
    let served = Served::new();
    served.once(&[]).assert(0, &["applied 1"]);
    served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
    let elsewhere = GitServer::start(&served.rig.at(""));
    for (fault, words) in [
        (Fault::Status(404, None), "has no such repository"),
        (Fault::Status(403, None), "does not accept the credentials"),
        (Fault::Status(500, None), "status 500"),
        (Fault::Status(429, Some(120)), "asks to be left alone for"),
        (Fault::Cut(600), "127.0.0.1"),
        (Fault::Cut(0), "127.0.0.1"),
        (Fault::Html, "what no git server answers"),
        (Fault::Redirect(elsewhere.url.clone()), "sends this repository elsewhere"),
        (Fault::Redirect("http://127.0.0.1:1".to_owned()), "sends this repository elsewhere"),
    ] {
        served.server.now(fault.clone());
        let run = served.once(&[]);
        assert!([1, 2].contains(&run.code), "{fault:?}: {}", run.log);
        assert!(run.log.contains(words) && !run.log.contains("CANARY"), "{fault:?}: {}", run.log);
        assert_eq!(served.value(), "CANARY-1", "{fault:?}");
    }
    served.server.now(Fault::Silent);
    served.once(&["--git-timeout", "1s"]).assert(1, &["did not send all of it in time"]);
    served.server.now(Fault::None);
    served.once(&[]).assert(0, &["applied 1"]);
}

#[test]
fn what_was_fetched_and_is_damaged_is_fetched_anew() {
    let served = Served::new();
    served.once(&[]).assert(0, &["applied 1"]);
    let packs = || {
        let store = fs::read_dir(served.rig.at("cache")).unwrap().next().unwrap().unwrap().path();
        let files = fs::read_dir(store.join("objects/pack")).unwrap();
        files.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    for ending in ["idx", "pack"] {
        for damage in [0, 60, usize::MAX] {
            for file in packs().iter().filter(|path| path.extension().unwrap() == ending) {
                fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
                let mut bytes = fs::read(file).unwrap();
                match damage {
                    usize::MAX => bytes.fill(0),
                    left => bytes.truncate(left),
                }
                fs::write(file, bytes).unwrap();
            }
            let text = format!("CANARY-{ending}-{damage}");
            served.once(&[]).assert(0, &["unchanged 1"]);
            served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", &text)]));
            served.once(&[]).assert(0, &["applied 1"]);
            assert_eq!(served.value(), text);
        }
    }
}

#[test]
fn what_cannot_be_sent_and_what_is_for_another_url_is_said() {
    let served = Served::new();
    let token = served.rig.at("token");
    let token_file = token.display().to_string();
    for (text, words) in [("\n", "is empty"), ("one\ntwo", "has a line end")] {
        secret_file(&token, text);
        served.once(&["--git-token-file", &token_file]).assert(2, &[words]);
    }
    secret_file(&token, "CANARY");
    fs::set_permissions(&token, PermissionsExt::from_mode(0o644)).unwrap();
    served.once(&["--git-token-file", &token_file]).assert(2, &["chmod 600"]);
    served.once(&["--git-ssh-key", &token_file]).assert(2, &["are for an ssh:// URL"]);
    let inside = served.rig.out("cache").display().to_string();
    let ca = served.rig.at("ca.pem").display().to_string();
    let flags = ["--git-ca-file", &ca, "--git-cache", &inside];
    served.rig.once_with(&["--git", &served.url()], &flags).assert(2, &["is inside of --out"]);
}

#[test]
fn rewritten_history_is_followed_and_said() {
    let served = Served::new();
    served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
    let flags = served.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let watching = served.rig.watch_with(&["--git", &served.url()], &flags);
    watching.until_value("prod/db/password", "CANARY-2");
    served.rig.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    watching.until_value("prod/db/password", "CANARY-1");
    watching.until_logged("history was rewritten, and is followed");
    assert_eq!(watching.stop(rustix::process::Signal::TERM), 0);
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let served = Served::new();
    let other = GitServer::start(&served.rig.at(""));
    fs::write(served.rig.at("ca.pem"), &other.ca).unwrap();
    served.once(&[]).assert(2, &["has a certificate that is not trusted here"]);
    fs::write(served.rig.at("ca.pem"), "nothing").unwrap();
    served.once(&[]).assert(2, &["CA certificates cannot be used"]);
}

#[test]
fn ssh_needs_the_pinned_host_key_and_a_key_that_is_let_in() {
    let Some(sshd) = seal_testing::tool!("sshd") else { return };
    let served = Served::new();
    let (secret, public) = ssh_key();
    let mut server = SshServer::start(&sshd, &public);
    let url = format!("{}{}", server.url, served.rig.at("repo/.git").display());
    secret_file(&served.rig.at("ssh"), &secret);
    fs::write(served.rig.at("hosts"), &server.known_hosts).unwrap();
    let at = |name: &str| served.rig.at(name).display().to_string();
    let (key, hosts, cache) = (at("ssh"), at("hosts"), at("ssh-cache"));
    let flags = ["--git-ssh-key", &key, "--git-known-hosts", &hosts, "--git-cache", &cache];
    let once = || served.rig.once_with(&["--git", &url], &flags);
    once().assert(0, &["applied 1"]);
    assert_eq!(served.value(), "CANARY-1");

    let before = server.known_hosts.clone();
    let after = server.change_host_key(&sshd);
    once().assert(2, &["is none of those that are pinned", "it offers SHA256:"]);
    fs::write(served.rig.at("hosts"), format!("{before}{after}")).unwrap();
    once().assert(0, &["unchanged 1"]);
    fs::write(served.rig.at("hosts"), "").unwrap();
    once().assert(2, &["no host key of"]);
    fs::write(served.rig.at("hosts"), after).unwrap();

    let (other, admitted) = ssh_key();
    server.admit(&admitted);
    once().assert(1, &["does not accept the credentials"]);
    secret_file(&served.rig.at("ssh"), &other);
    served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
    once().assert(0, &["applied 1"]);
    assert_eq!(served.value(), "CANARY-2");
    let gone = format!("{}/nowhere", server.url);
    served.rig.once_with(&["--git", &gone], &flags).assert(1, &["has no such repository"]);
}

#[test]
fn a_url_that_shows_a_password_or_is_not_encrypted_is_refused() {
    let rig = Rig::new();
    for url in
        ["http://127.0.0.1/r", "https://me:CANARY@127.0.0.1/r", "git://127.0.0.1/r", "ext::sh"]
    {
        let run = rig.once_with(&["--git", url], &[]);
        run.assert(2, &["the URL of the repository"]);
        assert!(!run.log.contains("CANARY"), "{}", run.log);
    }
    rig.once_with(&["--git=repo", "--ref=main"], &["--git-cache", "/tmp/x"])
        .assert(2, &["are for a URL"]);
}

#[test]
fn a_delivery_of_the_forge_has_it_fetched_at_once() {
    let served = Served::new();
    secret_file(&served.rig.at("hook"), "a token of sixteen bytes or more\n");
    let hook = served.rig.at("hook").display().to_string();
    let flags = served.flags();
    let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    flags.extend(["--interval=60m", "--webhook=127.0.0.1:0", "--webhook-token-file", &hook]);
    let url = served.url();
    let watching = served.rig.watch_as(&["--git", &url], &flags);
    watching.until_value("prod/db/password", "CANARY-1");
    served.rig.commit("db.yaml", &served.rig.seal("prod/db", &[("password", "CANARY-2")]));
    let log = watching.log();
    let address = log.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
    let deliver = |token: &str| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let request = format!(
            "POST /hook/local HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    served.server.requests();
    assert_eq!(deliver("another token of a forge"), "401");
    assert!(served.server.requests().is_empty());
    assert_eq!(deliver("a token of sixteen bytes or more"), "202");
    watching.until_value("prod/db/password", "CANARY-2");
    served.server.now(Fault::Status(500, None));
    fs::remove_file(served.rig.out("prod/db/password")).unwrap();
    watching.until_value("prod/db/password", "CANARY-2"); // put right although Git is down
    drop(watching);
    secret_file(&served.rig.at("hook"), "short");
    let run = served.once(&["--webhook=127.0.0.1:0", "--webhook-token-file", &hook]);
    run.assert(2, &["fewer than 16 bytes"]);
}
