//! The shapes of a Secret that Pachyderm's page shows, each as kubectl writes it or a person does.

use crate::world::World;

/// Each with the type that it keeps, and one value.
const SHAPES: [(&str, &str, &str, &str); 4] = [
    (
        r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","creationTimestamp":null},"data":{"password":"cGFzcw==","username":"bWU="}}"#,
        "Opaque",
        "password",
        "pass",
    ),
    (
        r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","creationTimestamp":null},"data":{"tls.crt":"Y2VydA==","tls.key":"a2V5"},"type":"kubernetes.io/tls"}"#,
        "kubernetes.io/tls",
        "tls.key",
        "key",
    ),
    (
        r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","creationTimestamp":null},"data":{".dockerconfigjson":"eyJhdXRocyI6eyJnaGNyLmlvIjp7InVzZXJuYW1lIjoibWUiLCJwYXNzd29yZCI6InBhc3MiLCJhdXRoIjoiYldVNmNHRnpjdz09In19fQ=="},"type":"kubernetes.io/dockerconfigjson"}"#,
        "kubernetes.io/dockerconfigjson",
        ".dockerconfigjson",
        r#"{"auths":{"ghcr.io":{"username":"me","password":"pass","auth":"bWU6cGFzcw=="}}}"#,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"type":"Opaque","stringData":{"access":"a-key","secret":"s-key"}}"#,
        "Opaque",
        "access",
        "a-key",
    ),
];

#[test]
fn each_shape_of_the_page_keeps_its_type_and_gets_the_labels() {
    for (json, type_, key, value) in SHAPES {
        let world = World::new();
        let args = ["--for", "pachyderm", "-n", "pachyderm", "-o", "s.yaml"];
        world.seal_with(&args, json.as_bytes()).exits(0);
        assert_eq!(world.open("s.yaml", key), value.as_bytes(), "{type_}");
        let live = world.seal(&["open", "s.yaml", "-i", "../cluster.txt"]).exits(0).text();
        for line in
            [&format!("type: {type_}\n"), "suite: pachyderm", "secret-source: pachyderm-user"]
        {
            assert!(live.contains(line), "{line} is not there");
        }
    }
}
