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
        assert!(matches!(error.problem, Problem::KeyTwice(key) if !key.is_empty()), "{text}");
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

fn problem(text: &str) -> Problem {
    documents(text).err().unwrap_or_else(|| panic!("{text:?} was read")).problem
}

#[test]
fn what_begins_with_a_brace_is_json_and_is_not_read_again_as_yaml() {
    for text in [
        "{\"k\": \"a\nb\"}",
        "{\"k\": \"a\tb\"}",
        "{\"k\": 1,}",
        "{k: v}",
        "{'k': 'v'}",
        "{\"k\": \"v\"} # comment",
        "{\"k\": 1}\n---\n{\"k\": 2}",
        " \n\t{\"k\": yes}",
        "\u{feff}{k: v}",
        "{\"k\": \"v",
    ] {
        assert!(matches!(problem(text), Problem::Json(_)), "{text:?}");
    }
    assert_eq!(problem("{{ if .Values.x }}"), Problem::Template);
    let error = documents("{\n \"a\": 1,\n \"k\": \"a\nb\"\n}").err().unwrap();
    assert_eq!(error.line, 3, "{error}");
    assert!(error.to_string().contains("line break"), "{error}");
    assert_eq!(documents("\u{feff} {\"k\": 1}{\"k\": 2}\n").unwrap().len(), 2);
}

#[test]
fn kyaml_is_read_as_the_yaml_it_is() {
    let text = "---\n{\n  k: \"\\\n    l1\\n\\\n    l2\\n\\\n    \",\n  l: [1, \"a\",],\n}\n";
    let node = &documents(text).unwrap()[0];
    assert_eq!(node.get("k").unwrap().as_str(), Some("l1\nl2\n"));
    assert_eq!(documents(&text.replace('\n', "\r\n")).unwrap()[0].text("k"), "l1\nl2\n");
}

#[test]
fn a_line_break_within_quotes_within_braces_is_no_blank() {
    for text in ["---\n{k: \"a\n  b\"}", "k: ['a\n  b']", "k: {l: [m, \"a\\\\\n  b\"]}"] {
        assert_eq!(problem(text), Problem::Folded, "{text:?}");
    }
    // kubectl itself writes long strings in blocks so.
    assert_eq!(documents("k: \"a\n  b\"\nl: 'a\n  b'\n").unwrap()[0].text("k"), "a b");
    assert_eq!(documents("k: [a]\nl: \"a\n  b\"\n").unwrap()[0].text("l"), "a b");
}

#[test]
fn line_breaks_of_some_readers_only_are_refused_wherever_they_stand() {
    for c in ['\u{85}', '\u{2028}', '\u{2029}'] {
        for text in [
            format!("a: 1\nk: \"a{c}b\"\n"),
            format!("a: 1\nk: a{c}b\n"),
            format!("a: 1\nk: |\n  a{c}b\n").replacen("a: 1\nk: |", "k: |", 1),
            format!("a: 1\n# {c}\n"),
            format!("a: 1\n\"{c}\": b\n"),
            format!("{{\"a\": 1,\n\"k\": \"a{c}b\"}}"),
        ] {
            let error = documents(&text).err().unwrap();
            assert_eq!((error.line, error.problem), (2, Problem::LineBreak), "{text:?}");
        }
        let escaped = format!("k: \"\\u{:04x}\"\n", u32::from(c));
        assert_eq!(documents(&escaped).unwrap()[0].text("k"), c.to_string());
        let written = write::to_yaml(&std::collections::BTreeMap::from([(
            format!("k{c}"),
            vec![format!("a{c}b"), format!("{c}"), format!("a\n{c}\n"), format!("'{c}: ")],
        )]));
        assert!(!written.contains(c), "{written:?}");
        let read = &documents(&written).unwrap()[0];
        assert_eq!(read.entries()[0].key, format!("k{c}"));
        assert_eq!(read.entries()[0].value.items()[2].as_str(), Some(&*format!("a\n{c}\n")));
    }
}

#[test]
fn binary_is_read_as_go_reads_it() {
    assert_eq!(documents("k: !!binary aGVsbG8=\n").unwrap()[0].text("k"), "hello");
    assert_eq!(documents("k: !!binary |\n  aGVs\n  bG8=\n").unwrap()[0].text("k"), "hello");
    assert_eq!(
        documents("k: !<tag:yaml.org,2002:binary> aGVsbG8=\n").unwrap()[0].text("k"),
        "hello"
    );
    for text in
        ["k: !!binary aGVsbG8", "k: !!binary aGVs bG8=", "k: !!binary \"/w==\"", "k: !!binary [a]"]
    {
        assert!(matches!(problem(text), Problem::Binary | Problem::Tag), "{text}");
    }
}

#[test]
fn a_value_that_begins_with_a_sign_of_yaml_is_to_be_quoted() {
    for value in ["!pa$$w0rd", "!", "!x y", "@x", "`x`", "%x", "*x", "!x{", "|x", ">x"] {
        let error = documents(&format!("a: 1\nk: {value}\n")).err();
        let error = error.unwrap_or_else(|| panic!("{value} was read"));
        assert_eq!(error.line, 2, "{value}: {error}");
        let quoting = error.to_string().contains("quote");
        assert!(quoting || matches!(value, "|x" | ">x"), "{value}: {error}");
    }
}

#[test]
fn aliases_cost_bytes_and_keys_count_as_values_do() {
    let long = "x".repeat(100_000);
    let uses = "*a, ".repeat(40);
    let bombs = [
        format!("a: &a {long}\nb: [{uses}]\n"),
        format!("a: &a\n  ? {long}\n  : 1\nb: [{uses}]\n"),
        format!("a: &a\n  ? {long}\n  : 1\nb: [{}]\n", "{<<: *a}, ".repeat(40)),
        format!(
            "a: &a {long}\nb: {{{}}}\n",
            (0..40).map(|n| format!("k{n}: *a, ")).collect::<String>()
        ),
        format!(
            "{}{long}\n",
            (0..60).map(|n| format!("{}k: &a{n}\n", " ".repeat(n))).collect::<String>()
                + &" ".repeat(60)
                + "k: "
        ),
    ];
    for bomb in bombs {
        assert_eq!(problem(&bomb), Problem::TooLarge, "{}", &bomb[bomb.len() - 60..]);
    }
    let twice = format!("a: &a {long}\nb: *a\nc: *a\n");
    assert_eq!(documents(&twice).unwrap()[0].text("c").len(), 100_000);
}

#[test]
fn texts_of_one_source_share_what_aliases_may_copy() {
    let text = format!("a: &a {}\nb: *a\n", "x".repeat(200_000));
    let mut copies = Copies::default();
    let read = |copies: &mut Copies| Documents::of(&text, copies).collect::<Result<Vec<_>, _>>();
    let reads = (0..1000).take_while(|_| read(&mut copies).is_ok()).count();
    assert!((50..200).contains(&reads), "{reads}");
    assert_eq!(Documents::of("a: b", &mut copies).count(), 1, "a text without aliases still reads");
    assert!(read(&mut copies).is_err());
}

#[test]
fn nodes_without_text_are_bounded_by_the_text() {
    for (unit, times) in [("a,", 600_000), ("{a},", 100_000)] {
        let text = format!("k: [{}]", unit.repeat(times));
        assert_eq!(problem(&text), Problem::TooLarge, "{unit}");
    }
    assert_eq!(problem(&format!("{{\"k\": [{}1]}}", "1,".repeat(600_000))), Problem::TooLarge);
    let dense = "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\",\"namespace\":\"b\"},\"stringData\":{\"k\":\"v\"}},";
    let list = format!("{{\"items\": [{}1]}}", dense.repeat(5_000));
    assert_eq!(documents(&list).unwrap().len(), 1, "many small Secrets in one line");
}

#[test]
fn a_byte_order_mark_moves_no_position() {
    let text = "\u{feff}k: v\n";
    let node = &documents(text).unwrap()[0];
    assert_eq!(&text[node.get("k").unwrap().span.clone()], "v");
}
