//! `seal fetch` beside an API server that says what each test has it say.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use seal_core::key::Fingerprint;

use crate::world::{Ran, World, recipient};

const MAPS: &str = "/api/v1/namespaces/seal-system/configmaps/seal-recipients";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/seal-system/deployments/seal-controller";

/// One answer: to which path, with which code and body.
pub(crate) type Answer = (&'static str, u16, String);

/// Answers in their order, the last one for ever, and fails what asks for something else. Its kubeconfig lies in the
/// repository.
pub(crate) fn serve(world: &World, answers: Vec<Answer>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    world.write(
        "kubeconfig",
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
             contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
        ),
    );
    // Ends with the test's process.
    thread::spawn(move || {
        for (next, stream) in listener.incoming().enumerate() {
            let answer = &answers[next.min(answers.len() - 1)];
            respond(stream.expect("a connection"), answer);
        }
    });
}

fn respond(stream: TcpStream, (path, code, body): &Answer) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let (code, body) = match asked.split(' ').nth(1) {
        Some(it) if it.split('?').next() == Some(*path) => (*code, body.clone()),
        _ => (500, status(500)),
    };
    let length = body.len();
    let _ = write!(
        &stream,
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

fn status(code: u16) -> String {
    let reason = if code == 404 { "NotFound" } else { "r" };
    format!(
        "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":{code},\"message\":\"m\",\"reason\":\"{reason}\"}}"
    )
}

fn map(data: &str) -> Answer {
    let metadata = "{\"name\":\"seal-recipients\",\"namespace\":\"seal-system\"}";
    (
        MAPS,
        200,
        format!("{{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{metadata}{data}}}"),
    )
}

pub(crate) fn publishing(text: &str) -> Answer {
    map(&format!(",\"data\":{{\"recipient\":\"{text}\"}}"))
}

fn fetch(world: &World, more: &[&str]) -> Ran {
    world.seal(&[&["fetch", "--kubeconfig", "kubeconfig"], more].concat())
}

#[test]
fn a_controller_that_was_only_just_installed_is_waited_for() {
    let world = World::new();
    let deployment = "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{\"name\":\"x\"}}";
    serve(
        &world,
        vec![
            (MAPS, 404, status(404)),
            (DEPLOYMENT, 200, deployment.to_owned()),
            publishing(&recipient("cluster")),
        ],
    );
    let ran = fetch(&world, &[]).exits(0).says("seal: asking context here at 127.0.0.1:");
    ran.says("the controller is not ready yet: waiting").says("cluster is pinned already");
}

/// A proxy that leads everywhere; says on its channel where to.
fn proxy() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let (asked, heard) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let near = stream.expect("a connection");
            let mut lines = BufReader::new(&near).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let to = first.split(' ').nth(1).expect("CONNECT TO HTTP/1.1").to_owned();
            let far = TcpStream::connect(&to).expect("what it leads to");
            let _ = asked.send(first);
            (&near).write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("the client listens");
            let (mut from_near, mut to_far) = (again(&near), again(&far));
            thread::spawn(move || std::io::copy(&mut from_near, &mut to_far));
            thread::spawn(move || std::io::copy(&mut &far, &mut &near));
        }
    });
    (address, heard)
}

fn again(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a second handle of a connection")
}

#[test]
fn a_proxy_is_gone_through_as_kubectl_does() {
    let world = World::new();
    let (address, heard) = proxy();
    serve(&world, vec![publishing(&recipient("cluster"))]);
    let kubeconfig = world.read("kubeconfig");
    let through = format!("cluster: {{proxy-url: 'http://{address}', ");
    world.write("kubeconfig", kubeconfig.replace("cluster: {", &through));
    fetch(&world, &[]).exits(0).says("cluster is pinned already");
    assert!(heard.recv().expect("it was asked").starts_with("CONNECT 127.0.0.1:"));

    world.write("kubeconfig", kubeconfig.replace("cluster: {", "cluster: {proxy-url: 'ftp://x', "));
    fetch(&world, &[]).exits(4).says("proxy");
}

#[test]
fn a_key_for_some_namespaces_is_pinned_under_its_name_and_added_to_no_rule() {
    let world = World::new();
    let before = world.read(".seal.yaml");
    let team = recipient("offline");
    let data = format!(
        ",\"data\":{{\"recipient\":\"{}\",\"team.recipient\":\"{team}\",\"team.namespaces\":\"a,b\\u001b[31m\"}}",
        recipient("cluster")
    );
    serve(&world, vec![map(&data)]);
    let ran = fetch(&world, &["--key", "other"]).exits(4);
    ran.says("no key of that name").says("it has team");
    assert_eq!(world.read(".seal.yaml"), before);
    let ran = fetch(&world, &["--key", "team"]).exits(0).says("team is now pinned");
    let ran = ran.says("opens in these namespaces alone: a,b").says("no rule");
    assert!(!ran.text().contains('\u{1b}'));
    let after = world.read(".seal.yaml");
    let line = after.lines().find(|line| line.contains("team:")).expect("it is pinned");
    assert!(line.contains(&team));
    assert_eq!(after.matches("team").count(), 1, "{after}");
    fetch(&world, &["--key", "team", "--as", "x y"]).exits(2).says("--as has a character");
}

#[test]
fn the_day_on_which_a_key_was_made_is_noted_beside_its_pin() {
    let world = World::new();
    let (old, new) = (recipient("cluster"), recipient("stranger"));
    let of = |text: &str, made: &str| map(&format!(",\"data\":{{\"recipient\":\"{text}\"{made}}}"));
    serve(&world, vec![of(&old, ",\"created\":\"2026-01-31T10:00:00Z\"")]);
    let before = world.read(".seal.yaml");
    fetch(&world, &[]).exits(0).says("cluster is pinned already");
    let after = world.read(".seal.yaml");
    assert!(
        after.starts_with(&before) && after.ends_with("created:\n  cluster: 2026-01-31\n"),
        "{after}"
    );
    fetch(&world, &[]).exits(0);
    assert_eq!(world.read(".seal.yaml"), after);
    let accept = Fingerprint::of(&new).to_string();
    for hostile in ["", ",\"created\":\"\"", ",\"created\":\"2026-01-31\\n- evil\""] {
        world.write(".seal.yaml", &after);
        serve(&world, vec![of(&new, hostile)]);
        let ran = fetch(&world, &["--accept", &accept]).exits(0).says("is now pinned");
        ran.says("`created` of cluster is that of the key before, change it");
        assert!(world.read(".seal.yaml").ends_with("  cluster: 2026-01-31\n"));
    }
    world.write(".seal.yaml", &after);
    serve(&world, vec![of(&new, ",\"created\":\"2027-02-28T10:00:00Z\"")]);
    fetch(&world, &["--accept", &accept]).exits(0);
    assert!(world.read(".seal.yaml").ends_with("  cluster: 2027-02-28\n"));
    world.write("keys/cluster.txt", format!("{old}\n"));
    world.write(
        ".seal.yaml",
        "recipients: {cluster: {file: keys/cluster.txt}}\nrules: [{to: [cluster]}]\n",
    );
    fetch(&world, &["--accept", &accept]).exits(0).says("is now pinned in keys/cluster.txt");
    assert_eq!(world.read("keys/cluster.txt"), format!("{new}\n"));
    assert!(world.read(".seal.yaml").ends_with("  cluster: 2027-02-28\n"));
}

#[test]
fn each_reason_why_nothing_is_fetched_has_its_own_words() {
    let world = World::new();
    let before = world.read(".seal.yaml");
    for (answers, words) in [
        (
            vec![(MAPS, 404, status(404)), (DEPLOYMENT, 404, status(404))],
            "and no controller that would publish",
        ),
        (
            vec![(MAPS, 404, status(404)), (DEPLOYMENT, 403, status(403))],
            "not installed there, or not ready",
        ),
        (vec![(MAPS, 401, status(401))], "does not know who you are (HTTP 401)"),
        (
            vec![(MAPS, 403, status(403))],
            "does not let you read ConfigMap seal-system/seal-recipients",
        ),
        (vec![(MAPS, 500, status(500))], "(HTTP 500)"),
        (vec![map("")], "it holds no active key"),
        (vec![map(",\"data\":{}")], "it holds no active key"),
        (vec![publishing("")], "it holds no active key"),
        (vec![publishing("\\n ")], "it holds no active key"),
    ] {
        serve(&world, answers);
        fetch(&world, &["--as", "new"]).exits(4).says(words).says("seal: hint: ");
    }
    for garbage in ["hello", "age1pq1garbage", "AGE-SECRET-KEY-1CANARY", "age1pq1\\nage1pq1"] {
        serve(&world, vec![publishing(garbage)]);
        let ran = fetch(&world, &["--as", "new"]).exits(2).says("what the cluster publishes: ");
        assert!(!ran.stderr.contains("CANARY"), "{}", ran.stderr);
    }
    assert_eq!(world.read(".seal.yaml"), before);
}

#[test]
fn a_pin_in_a_file_of_recipients_is_compared_and_kept_there() {
    let world = World::new();
    let (old, new) = (recipient("stranger"), recipient("cluster"));
    let policy = "recipients: {cluster: {file: keys/cluster.txt}}\nrules: [{to: [cluster]}]\n";
    world.write(".seal.yaml", policy);
    serve(&world, vec![publishing(&new)]);
    world.write("keys/cluster.txt", format!("# prod\n{old}\n"));
    fetch(&world, &[]).exits(8).says("and cluster is pinned to sha256:");
    assert_eq!(world.read("keys/cluster.txt"), format!("# prod\n{old}\n"));
    let fingerprint = Fingerprint::of(&new).to_string();
    let ran = fetch(&world, &["--accept", &fingerprint]).exits(0);
    ran.says("cluster is now pinned in keys/cluster.txt: sha256:");
    assert_eq!(world.read("keys/cluster.txt"), format!("# prod\n{new}\n"));
    fetch(&world, &[]).exits(0).says("cluster is pinned already");
    std::fs::remove_file(world.path("keys/cluster.txt")).unwrap();
    fetch(&world, &[]).exits(0).says("cluster is now pinned in keys/cluster.txt");
    // Of two, nobody knows which is the cluster's; the way offered does not skip the pin.
    world.write("keys/cluster.txt", format!("{old}\n{}\n", recipient("offline")));
    let ran = fetch(&world, &[]).exits(8);
    assert!(!ran.stderr.contains(&new), "{}", ran.stderr);
    fetch(&world, &["--accept", &fingerprint]).exits(2).says("has 2 recipients");
    assert_eq!(world.read(".seal.yaml"), policy);
}

#[test]
fn a_cluster_is_not_added_where_nothing_could_be_sealed_any_more() {
    let world = World::new();
    std::fs::remove_file(world.path(".seal.yaml")).unwrap();
    world.seal(&["init", "--offline", &recipient("classic")]).exits(0);
    let before = world.read(".seal.yaml");
    serve(&world, vec![publishing(&recipient("cluster"))]);
    let ran = fetch(&world, &[]).exits(2);
    ran.says("offline is classic (age1 without pq) and cluster is post-quantum")
        .says("nothing was written");
    assert_eq!(world.read(".seal.yaml"), before);
}

#[test]
fn an_answer_without_an_end_is_given_up() {
    let world = World::new();
    serve(&world, vec![publishing(&recipient("cluster"))]); // for its kubeconfig
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let kubeconfig = world.read("kubeconfig");
    let before = kubeconfig
        .split("http://")
        .nth(1)
        .and_then(|it| it.split('\'').next())
        .expect("an address");
    world.write("kubeconfig", kubeconfig.replace(before, &address));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines =
                BufReader::new(stream.try_clone().expect("a handle")).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"x\":\"";
            let _ = stream.write_all(head);
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        }
    });
    let before = world.read(".seal.yaml");
    fetch(&world, &["--as", "new"]).exits(4).says("does not answer");
    assert_eq!(world.read(".seal.yaml"), before);
}
