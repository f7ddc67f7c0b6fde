//! Scalars as kubectl reads them, and the refusals that kubectl does not have.

use super::*;

fn value(text: &str) -> Value {
    documents(&format!("k: {text}\n")).unwrap()[0].get("k").unwrap().value.clone()
}

#[test]
fn plain_scalars_mean_what_kubectl_makes_of_them() {
    for text in ["yes", "Y", "on", "TRUE"] {
        assert!(matches!(value(text), Value::Bool(true)), "{text}");
    }
    for text in ["no", "n", "Off", "false"] {
        assert!(matches!(value(text), Value::Bool(false)), "{text}");
    }
    for text in ["~", "null", ""] {
        assert!(matches!(value(text), Value::Null), "{text}");
    }
    for (text, number) in [
        ("0777", "511"),
        ("0o17", "15"),
        ("0x1F", "31"),
        ("0b101", "5"),
        ("1_000", "1000"),
        ("-1", "-1"),
        ("+7", "7"),
        ("18446744073709551615", "18446744073709551615"),
        ("08", "08"),
        ("1e3", "1e3"),
        ("1.", "1."),
        (".5", ".5"),
    ] {
        match value(text) {
            Value::Number(read) => assert_eq!(read, number, "{text}"),
            _ => panic!("{text} is not a number"),
        }
    }
    for text in [
        "12:30:45",
        "2001-01-01",
        "=",
        "1e999",
        "._5",
        "0x",
        "yEs",
        "'yes'",
        "\"0777\"",
        "!!str 0777",
        "-",
        "0o",
        "1-2",
    ] {
        if text == "-" {
            continue;
        }
        assert!(matches!(value(text), Value::String(_)), "{text}");
    }
}

#[test]
fn keys_become_the_strings_that_kubectl_makes() {
    let node = &documents("yes: a\n0777: b\nk: c\n").unwrap()[0];
    let keys: Vec<_> = node.entries().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["true", "511", "k"]);
}

#[test]
fn anchors_and_merge_keys_are_expanded() {
    let text = "base: &b {a: x, b: w}\nuse: {<<: *b, b: z}\nagain: *b\n";
    let node = &documents(text).unwrap()[0];
    let merged = node.get("use").unwrap();
    assert_eq!(merged.get("a").unwrap().as_str(), Some("x"));
    assert_eq!(merged.get("b").unwrap().as_str(), Some("z"));
    assert_eq!(node.get("again").unwrap().get("b").unwrap().as_str(), Some("w"));
}

#[test]
fn a_key_twice_is_refused_in_yaml_and_in_json() {
    for text in ["a: 1\na: 2\n", "{\"a\": 1, \"a\": 2}", "yes: 1\n\"true\": 2\n"] {
        let error = documents(text).err().unwrap();
        assert!(matches!(error.problem, Problem::KeyTwice(key) if key != ""), "{text}");
    }
}

#[test]
fn an_alias_bomb_ends_early() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for n in 1..12 {
        let refs = vec![format!("*a{}", n - 1); 10].join(",");
        text += &format!("a{n}: &a{n} [{refs}]\n");
    }
    assert_eq!(documents(&text).err().unwrap().problem, Problem::TooLarge);
}

#[test]
fn errors_name_a_line_and_never_the_text() {
    for text in [
        "a: b\n\tcanary: x\n",
        "a: \"canary",
        "<<<<<<< HEAD\na: canary\n=======\n",
        "a: [canary",
        "{\"a\": \"canary",
    ] {
        let error = documents(text).err().unwrap();
        assert!(error.line > 0 && !error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn documents_have_positions_in_the_text() {
    let text = "# a comment\nmetadata:\n  name: db # here\n";
    let node = &documents(text).unwrap()[0];
    let name = node.get("metadata").unwrap().entry("name").unwrap();
    assert_eq!((&text[name.span.clone()], name.value.line), ("name", 3));
    assert_eq!(&text[name.value.span.clone()], "db");
}
