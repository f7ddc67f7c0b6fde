//! `seal check` sees what kubectl sees, however it is spelled; and what hides from it is found.

use crate::world::{Ran, World, recipient};

fn repository() -> World {
    let world = World::new();
    world.git(&["init", "--quiet", "--initial-branch=main"]);
    std::fs::remove_file(world.path("secret.json")).expect("the manifest");
    world
}

fn check(world: &World) -> Ran {
    world.seal(&["check"])
}

#[test]
fn a_secret_in_clear_is_found_in_every_spelling() {
    let world = repository();
    let rest = "metadata: {name: a}\nstringData: {password: hunter2}\n";
    let deep = format!("x: {}{}\n", "[".repeat(70), "]".repeat(70));
    for text in [
        format!("apiVersion: v1\nkind: \"\\x53ecret\"\n{rest}"),
        format!("apiVersion: v1\nkind: \"\\u0053ecret\"\n{rest}"),
        format!("apiVersion: v1\nkind: !!binary U2VjcmV0\n{rest}"),
        format!("%TAG !y! tag:yaml.org,2002:\n---\napiVersion: v1\nkind: !y!binary U2VjcmV0\n{rest}"),
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {password: hunter2}}\n".to_owned(),
        "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"stringData\": {\"password\": \"hunter2\"},}\n".to_owned(),
        "apiVersion: v1\nkind: Secret # it is\nmetadata: {name: a, name: a}\nstringData: {p: hunter2}\n".to_owned(),
        format!("apiVersion: v1\nkind: Secret # it is\n{deep}{rest}"),
        format!("apiVersion: v1\nkind: \"\\x53ecret\"\n{deep}{rest}"),
        "apiVersion: example.com/v1\nkind: WidgetList\nitems:\n- {apiVersion: v1, kind: Secret, stringData: {p: hunter2}}\n".to_owned(),
        "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: a}\nliterals: [p=hunter2]\n".to_owned(),
    ] {
        world.write("it.yaml", &text);
        let said = check(&world).exits(7);
        assert!(said.text().contains("it.yaml:") && !said.text().contains("hunter2"), "{text}{}", said.text());
    }
    for text in [
        "kind: ConfigMap\ndata: {kind-of: \"\\x53ecret\"}\n",
        "# about a Secret: its kind\nkind: Role\n",
    ] {
        world.write("it.yaml", text);
        check(&world).exits(0);
    }
}

#[test]
fn what_kustomize_and_flux_make_a_secret_of_is_found() {
    let world = repository();
    let object = "apiVersion: v1\n    kind: not-important\n    metadata: {name: a}\n    stringData: {p: hunter2}\n";
    let secret = "apiVersion: v1\n        kind: Secret\n        metadata: {name: a}\n        stringData: {p: hunter2}\n";
    let operation = "- {op: add, path: /data/p, value: aHVudGVyMg==}";
    for text in [
        format!("patches:\n- target: {{kind: Secret}}\n  patch: |-\n    {object}"),
        format!("patches:\n- target: {{kind: \"Secret|Foo\"}}\n  patch: |-\n    {operation}\n"),
        "generators:\n- |-\n  apiVersion: builtin\n  kind: SecretGenerator\n  metadata: {name: a}\n  literals: [p=hunter2]\n".to_owned(),
        format!("transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {{name: t}}\n  target: {{kind: Secret}}\n  patch: |-\n    {operation}\n"),
        format!("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  patches:\n    - patch: |-\n        {secret}"),
        "apiVersion: /v1\nkind: Secret\nstringData: {p: hunter2}\n".to_owned(),
        "apiVersion: v1\nkind: Secret\nstringData: {p: \"${A:=hunter2}\"}\n".to_owned(),
        "apiVersion: v1\nkind: Secret\nmetadata:\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"data\": {\"p\": \"aHVudGVyMg==\"}}'}\ndata: {p: 'ENC[AES256_GCM,data:x]'}\nsops: {}\n".to_owned(),
    ] {
        world.write("it.yaml", &text);
        let said = check(&world).exits(7);
        assert!(said.text().contains("Plaintext") && !said.text().contains("hunter2"), "{text}{}", said.text());
    }
    world.write("it.yaml", "secretGenerator: [{name: a, envs: [e.env]}]\n");
    world.write(
        "e.env",
        "A=ENC[AES256_GCM,data:x]\nB=${B}\nC=\"\"\nsops_mac=ENC[AES256_GCM,data:y]\n",
    );
    check(&world).exits(0);
    world.write("e.env", "A=ENC[AES256_GCM,data:x]\nPASSWORD=hunter2\n");
    check(&world).exits(7).prints("e.env:2: Plaintext");
}

#[test]
fn a_file_in_clear_that_a_patch_names_is_found() {
    let world = repository();
    world.write(
        "kustomization.yaml",
        "patches:\n- {path: p.yaml, target: {kind: Secret, name: a}}\n",
    );
    world.write("p.yaml", "- {op: add, path: /stringData/p, value: hunter2}\n");
    check(&world).exits(7).prints("p.yaml:1: Plaintext: Secret a of kustomization.yaml");
    world.write("p.yaml", "kind: any\nstringData: {p: hunter2}\n");
    check(&world).exits(7).prints("p.yaml:1: Plaintext");
    world.write("p.yaml", "- {op: remove, path: /stringData/p}\n");
    check(&world).exits(0);
}

#[test]
fn a_sealed_object_counts_in_every_spelling_and_under_every_name() {
    let world = repository();
    let value = ["--name", "db", "-n", "prod", "--from-file", "p=-", "-r", &recipient("stranger")];
    let sealed = world.seal_with(&value, b"x").exits(0).text();
    let spelled = sealed
        .replace("apiVersion: seal.dev/v1", "apiVersion: \"seal.de\\x76/v1\"")
        .replace("kind: SealedSecret", "kind: \"Sealed\\x53ecret\"");
    for (name, text) in
        [("it.yaml", &spelled), (".seal-x.yaml", &sealed), (".seal-Ab12Cd", &sealed)]
    {
        world.write(name, text);
        check(&world).exits(7).prints(&format!("{name}:")).prints("NotByPolicy");
        std::fs::remove_file(world.path(name)).expect("the file");
    }
    world.write(".seal-x.yaml", "apiVersion: v1\nkind: Secret\nstringData: {p: hunter2}\n");
    check(&world).exits(7).prints(".seal-x.yaml:1: Plaintext");
}

#[test]
fn many_faults_in_one_file_take_no_longer_than_many_objects() {
    let world = repository();
    let one = "---\n{apiVersion: seal.dev/v1,kind: SealedSecret,metadata: {name: a}}\n";
    world.write("many.yaml", one.repeat(20_000));
    let said = check(&world).exits(7);
    said.says("20000 things found").prints("many.yaml:2: Malformed");
}

#[test]
fn another_repository_is_not_looked_into_and_that_is_said() {
    let world = repository();
    std::fs::create_dir_all(world.path("lib/.git")).expect("a repository");
    world.write("lib/it.yaml", "apiVersion: v1\nkind: Secret\nstringData: {p: hunter2}\n");
    check(&world).exits(0).says("a repository of its own, and not looked into: lib");
    world.seal(&["reseal", "--check", "."]).exits(0).says("lib is a repository of its own");
    world.seal(&["check", "lib"]).exits(7);
    world.git(&["clone", "--quiet", "--bare", ".git", "../bare"]);
    world.seal(&["check", "../bare"]).exits(2).says("is a bare repository");
}
