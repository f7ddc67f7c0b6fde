//! The layout `direktiv-api` against a server that answers as Direktiv's releases with a database do, failures included.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::rig::{CANARY, Rig, Run, altered};

const KEY: &str = "the-key";

/// What the database of a Direktiv has: no value is a row that a flow made by mentioning the secret.
#[derive(Default)]
struct Db {
    rows: BTreeMap<String, Option<Vec<u8>>>,
    /// Method, path and the header that carried the key.
    asked: Vec<String>,
    mode: Mode,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Well,
    /// A flow that mentions the secret is uploaded right before it is made.
    Racing,
    /// It takes the question and says nothing.
    Silent,
    /// It never stops answering.
    Endless,
    /// A proxy before it is in trouble twice, then not.
    Trouble(u32),
}

#[derive(Clone)]
struct Direktiv {
    db: Arc<Mutex<Db>>,
    address: SocketAddr,
}

impl Direktiv {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let direktiv = Self { db: Arc::default(), address };
        let server = direktiv.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = server.clone();
                // A client that has enough closes the connection.
                std::thread::spawn(move || drop(server.serve(stream)));
            }
        });
        direktiv
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let (mut length, mut key) = (0, String::new());
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                name @ ("direktiv-api-key" | "direktiv-token") => key = format!("{name} {value}"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut db = self.db.lock().unwrap();
        db.asked.push(format!("{method} {path} {key}"));
        match db.mode {
            Mode::Silent => {
                drop(db);
                return stream.read(&mut [0]).map(drop); // until the client gives up
            }
            Mode::Endless => {
                drop(db);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    stream.write_all(&[b' '; 65536])?;
                }
            }
            Mode::Trouble(left @ 1..) => {
                db.mode = Mode::Trouble(left - 1);
                return stream.write_all(
                    b"HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
            _ => {}
        }
        let (status, text) = match key.split_once(' ') {
            Some((_, KEY)) => db.answer(&method, &path, body),
            _ => (401, "{}".to_owned()),
        };
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        )
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.db.lock().unwrap().asked)
    }

    /// The methods that were asked for, in their order.
    fn methods(&self) -> Vec<String> {
        let first = |line: String| line.split(' ').next().unwrap().to_owned();
        self.asked().into_iter().map(first).collect()
    }

    fn set(&self, secret: &str, value: Option<&str>) {
        let value = value.map(|value| value.as_bytes().to_vec());
        self.db.lock().unwrap().rows.insert(secret.to_owned(), value);
    }

    fn value(&self, secret: &str) -> Option<Option<String>> {
        let db = self.db.lock().unwrap();
        let text = |value: &Vec<u8>| String::from_utf8(value.clone()).unwrap();
        db.rows.get(secret).map(|value| value.as_ref().map(text))
    }

    fn mode(&self, mode: Mode) {
        self.db.lock().unwrap().mode = mode;
    }
}

impl Db {
    fn answer(&mut self, method: &str, path: &str, body: Vec<u8>) -> (u16, String) {
        if let Some(rest) = path.strip_prefix("/api/v2/namespaces/") {
            let (namespace, name) = rest.split_once("/secrets").unwrap();
            return self.json(method, namespace, name.trim_start_matches('/'), &body);
        }
        let secret = path.strip_prefix("/api/namespaces/").unwrap().replacen("/secrets/", "/", 1);
        match (method, self.rows.contains_key(&secret)) {
            ("PUT", false) | ("PATCH", true) => {
                self.rows.insert(secret, Some(body));
                (200, "{}".to_owned())
            }
            ("DELETE", true) => {
                self.rows.remove(&secret);
                (200, "{}".to_owned())
            }
            _ => (404, "{}".to_owned()),
        }
    }

    fn json(&mut self, method: &str, namespace: &str, name: &str, body: &[u8]) -> (u16, String) {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let data = json["data"].as_str().map(|data| STANDARD.decode(data).unwrap());
        let secret = match method {
            "POST" => format!("{namespace}/{}", json["name"].as_str().unwrap()),
            _ => format!("{namespace}/{name}"),
        };
        if method == "POST" && self.mode == Mode::Racing {
            self.rows.insert(secret.clone(), None);
        }
        let about = |value: &Option<Vec<u8>>| {
            format!(
                "{{\"data\":{{\"name\":\"x\",\"initialized\":{},\"createdAt\":\"2023\"}}}}",
                value.is_some()
            )
        };
        match (method, self.rows.get(&secret)) {
            ("GET", Some(value)) => (200, about(value)),
            // Its UPDATE for a row that is there is no SQL.
            ("POST", Some(_)) | ("PATCH", None) => (500, "{}".to_owned()),
            ("POST", None) | ("PATCH", Some(_)) => {
                let answer = about(&data);
                self.rows.insert(secret, data);
                (200, answer)
            }
            ("DELETE", Some(_)) => {
                self.rows.remove(&secret);
                (200, "{}".to_owned())
            }
            _ => (404, "{}".to_owned()),
        }
    }
}

/// A sealed secret of Direktiv, as `--for direktiv` writes it.
fn seal(rig: &Rig, place: &str, secret: &str, value: &str) -> String {
    let (namespace, name) = secret.split_once('/').unwrap();
    altered(&rig.seal(place, &[("secret", value)]), |sealed| {
        let labels = &mut sealed.spec.template.get_or_insert_default().metadata.labels;
        labels.insert("direktiv.io/namespace".into(), namespace.into());
        labels.insert("direktiv.io/name".into(), name.into());
    })
}

fn arguments(rig: &Rig, direktiv: &Direktiv, version: &str) -> Vec<String> {
    rig.write("api-key", KEY);
    fs::set_permissions(rig.at("api-key"), PermissionsExt::from_mode(0o600)).unwrap();
    let url = format!("--url=http://{}", direktiv.address);
    let version = format!("--direktiv-version={version}");
    ["--layout=direktiv-api", "--api-key-file=api-key", &url, &version].map(str::to_owned).into()
}

fn send(rig: &Rig, direktiv: &Direktiv, version: &str, more: &[&str]) -> Run {
    let arguments = arguments(rig, direktiv, version);
    let all: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    rig.once_with(&["--git=repo", "--ref=main"], &all)
}

#[test]
fn a_secret_is_made_or_a_placeholder_filled_and_no_value_is_sent_twice() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    direktiv.set("team/placed", None);
    rig.write("repo/a.yaml", &seal(&rig, "prod/nssecret-team-new", "team/new", CANARY));
    rig.write(
        "repo/b.yaml",
        &seal(&rig, "prod/nssecret-team-placed", "team/placed", "CANARY \"2\""),
    );
    rig.commit("c.yaml", &rig.seal("prod/other", &[("secret", CANARY)]));
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 2", "left alone of other types 1"]);
    assert_eq!(direktiv.value("team/new"), Some(Some(CANARY.into())));
    assert_eq!(direktiv.value("team/placed"), Some(Some("CANARY \"2\"".into())));
    let asked = direktiv.asked();
    let path = "/api/v2/namespaces/team/secrets";
    let key = format!("direktiv-api-key {KEY}");
    let expected = [
        format!("GET {path}/new {key}"),
        format!("GET {path}/placed {key}"),
        format!("POST {path} {key}"),
        format!("PATCH {path}/placed {key}"),
    ];
    assert_eq!(asked, expected);
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 0, unchanged 2"]);
    assert_eq!(direktiv.methods(), ["GET", "GET"], "what was sent is only looked for");
    rig.commit("a.yaml", &seal(&rig, "prod/nssecret-team-new", "team/new", "changed"));
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 1, unchanged 1"]);
    assert_eq!(direktiv.value("team/new"), Some(Some("changed".into())));
    assert_eq!(direktiv.methods(), ["GET", "GET", "PATCH"]);
}

#[test]
fn each_release_is_asked_as_it_answers() {
    for (version, path, header) in [
        ("0.8.5", "/api/namespaces/team/secrets/new", "direktiv-token"),
        ("0.8.9", "/api/v2/namespaces/team/secrets/new", "direktiv-token"),
        ("v0.9.1", "/api/v2/namespaces/team/secrets/new", "direktiv-api-key"),
    ] {
        let (rig, direktiv) = (Rig::new(), Direktiv::start());
        rig.commit("a.yaml", &seal(&rig, "prod/new", "team/new", CANARY));
        send(&rig, &direktiv, version, &[]).assert(0, &["applied 1"]);
        assert_eq!(direktiv.value("team/new"), Some(Some(CANARY.into())), "{version}");
        let asked = direktiv.asked();
        assert!(asked[0].ends_with(&format!("{path} {header} {KEY}")), "{version}: {asked:?}");
        rig.commit("a.yaml", &seal(&rig, "prod/new", "team/new", "changed"));
        send(&rig, &direktiv, version, &[]).assert(0, &["applied 1"]);
        assert_eq!(direktiv.value("team/new"), Some(Some("changed".into())), "{version}");
        let all = ["--allow-prune"];
        rig.delete(&["a.yaml"]);
        send(&rig, &direktiv, version, &all).assert(0, &["pruned 1"]);
        assert_eq!(direktiv.value("team/new"), None, "{version}");
    }
}

#[test]
fn what_somebody_deleted_in_direktiv_is_there_again_after_a_start() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    rig.write("repo/b.yaml", &seal(&rig, "prod/b", "team/b", CANARY));
    rig.commit("a.yaml", &seal(&rig, "prod/a", "team/a", CANARY));
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 2"]);
    direktiv.db.lock().unwrap().rows.remove("team/a");
    direktiv.set("team/b", None);
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 2"]);
    assert_eq!(direktiv.value("team/a"), Some(Some(CANARY.into())));
    assert_eq!(direktiv.value("team/b"), Some(Some(CANARY.into())));
}

#[test]
fn a_value_that_was_not_sent_from_here_stays() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    direktiv.set("team/a", Some("theirs"));
    rig.commit("a.yaml", &seal(&rig, "prod/a", "team/a", CANARY));
    let said = "team/a has a value in Direktiv that was not sent from here";
    send(&rig, &direktiv, "0.10", &[]).assert(1, &["NotOurs", "a.yaml", said]);
    assert_eq!(direktiv.value("team/a"), Some(Some("theirs".into())));
    rig.delete(&["a.yaml"]);
    send(&rig, &direktiv, "0.10", &["--allow-prune"]).assert(0, &["pruned 0"]);
    assert_eq!(direktiv.value("team/a"), Some(Some("theirs".into())), "nor is it deleted");
}

#[test]
fn a_secret_that_left_or_got_another_name_is_deleted() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    rig.write("repo/a.yaml", &seal(&rig, "prod/a", "team/a", CANARY));
    rig.commit("b.yaml", &seal(&rig, "prod/b", "team/b", CANARY));
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 2"]);
    rig.commit("a.yaml", &seal(&rig, "prod/a", "team/renamed", CANARY));
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 1, unchanged 1"]);
    assert_eq!(direktiv.value("team/a"), None);
    rig.delete(&["a.yaml"]);
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["unchanged 1, refused 0, pruned 1"]);
    assert_eq!(direktiv.value("team/renamed"), None);
    rig.delete(&["b.yaml"]);
    send(&rig, &direktiv, "0.10", &[]).assert(1, &["PruneBlocked"]);
    assert_eq!(direktiv.value("team/b"), Some(Some(CANARY.into())));
}

#[test]
fn two_objects_of_one_secret_are_refused_and_named() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    rig.write("repo/a.yaml", &seal(&rig, "prod/a", "team/one", CANARY));
    rig.write("repo/b.yaml", &seal(&rig, "staging/b", "team/one", CANARY));
    let two = altered(&seal(&rig, "prod/c", "team/c", CANARY), |sealed| {
        let block = sealed.spec.values["secret"].clone();
        sealed.spec.values.insert("more".into(), block);
    });
    rig.commit("c.yaml", &two);
    let run = send(&rig, &direktiv, "0.10", &[]);
    run.assert(2, &["team/one would come of prod/a and of staging/b", "refused 3"]);
    run.assert(2, &["prod/c has other keys than the one that Direktiv reads"]);
    assert_eq!(direktiv.methods(), [""; 0]);
}

#[test]
fn a_row_that_a_flow_makes_in_between_and_a_server_in_trouble_are_no_failures() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    direktiv.mode(Mode::Racing);
    rig.commit("a.yaml", &seal(&rig, "prod/a", "team/a", CANARY));
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 1"]);
    assert_eq!(direktiv.methods(), ["GET", "POST", "GET", "PATCH"]);
    assert_eq!(direktiv.value("team/a"), Some(Some(CANARY.into())));
    direktiv.mode(Mode::Trouble(2));
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["unchanged 1"]);
}

#[test]
fn who_may_not_ask_hears_so_once_and_asks_no_more() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    rig.write("repo/a.yaml", &seal(&rig, "prod/a", "team/a", CANARY));
    rig.commit("b.yaml", &seal(&rig, "prod/b", "team/b", CANARY));
    let arguments = arguments(&rig, &direktiv, "0.10");
    rig.write("api-key", "wrong");
    let all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = rig.once_with(&["--git=repo", "--ref=main"], &all);
    run.assert(2, &["NotAllowed", "answers 401: the API key is not taken", "refused 1"]);
    assert_eq!(direktiv.methods(), ["GET"]);
    assert!(!run.log.contains("wrong"), "{}", run.log);
    fs::set_permissions(rig.at("api-key"), PermissionsExt::from_mode(0o644)).unwrap();
    let run = rig.once_with(&["--git=repo", "--ref=main"], &all);
    run.assert(2, &["the file of the API key api-key can be read or written by others"]);
}

#[test]
fn a_server_that_is_silent_endless_or_not_there_ends_the_pass_in_time() {
    let (rig, direktiv) = (Rig::new(), Direktiv::start());
    rig.write("repo/a.yaml", &seal(&rig, "prod/a", "team/a", CANARY));
    rig.commit("b.yaml", &seal(&rig, "prod/b", "team/b", CANARY));
    direktiv.mode(Mode::Silent);
    send(&rig, &direktiv, "0.10", &[]).assert(1, &["Retrying", "does not answer", "refused 1"]);
    assert_eq!(direktiv.methods(), ["GET"]);
    direktiv.mode(Mode::Endless);
    send(&rig, &direktiv, "0.10", &[])
        .assert(1, &["Retrying", "as no Direktiv of this version does", "refused 2"]);
    let gone = Direktiv { address: "127.0.0.1:1".parse().unwrap(), db: Arc::default() };
    rig.once_with(
        &["--git=repo", "--ref=main"],
        &arguments(&rig, &gone, "0.10")
            .iter()
            .map(String::as_str)
            .chain(["--out=elsewhere"])
            .collect::<Vec<_>>(),
    )
    .assert(1, &["Retrying", "http://127.0.0.1:1/ does not answer"]);
    direktiv.mode(Mode::Well);
    send(&rig, &direktiv, "0.10", &[]).assert(0, &["applied 2"]);
    // Another Direktiv has another ledger.
    send(&rig, &gone, "0.10", &[]).assert(2, &["of another layout: one output has one layout"]);
}

#[test]
fn wrong_use_of_direktiv_is_said() {
    let rig = Rig::new();
    rig.commit("a.yaml", &seal(&rig, "prod/a", "team/a", CANARY));
    for (extra, words) in [
        (&["--layout=direktiv-api"][..], "needs to know where Direktiv is"),
        (&["--layout=tree", "--url=https://x"], "are for --layout direktiv-api"),
        (
            &["--layout=direktiv-api", "--url=ftp://x", "--direktiv-version=0.10"],
            "an address such as",
        ),
        (&["--layout=direktiv-api", "--direktiv-version=0.8"], "name the patch too"),
        (&["--layout=direktiv-api", "--direktiv-version=0.11"], "later than 0.10"),
    ] {
        rig.once_with(&["--git=repo", "--ref=main"], extra).assert(2, &[words]);
        assert!(!rig.at("out").exists(), "{words}");
    }
}
