//! What a policy file may say, and the messages about those that say something else.

use super::*;

const EXAMPLE: &str = "# who\nrecipients: {prod: age1pq1a, offline: {file: keys/offline.txt}} # these\nrules:\n- {path: \"clusters/prod/**\", to: [prod, offline], namespace: prod, for: kestra, clear: [LOG_LEVEL]}\n- {to: [prod, offline]}\nallowClassic: false\n";

#[test]
fn the_documented_example_reads() {
    let policy = read(EXAMPLE).unwrap();
    assert_eq!(policy.recipients["prod"], Source::Text("age1pq1a".into()));
    assert_eq!(policy.recipients["offline"], Source::File("keys/offline.txt".into()));
    assert_eq!(policy.rules[0].path.as_deref(), Some("clusters/prod/**"));
    assert_eq!(policy.rules[0].platform, Some(Preset::Kestra));
    assert_eq!(policy.rules[0].namespace.as_deref(), Some("prod"));
    assert_eq!(
        policy.rules[1],
        Rule { to: vec!["prod".into(), "offline".into()], ..Rule::default() }
    );
    assert!(!policy.allow_classic);
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (text, problem) in [
        ("recipient: {}", "unknown field recipient"),
        ("rules: [{too: []}]", "unknown field rules[0].too"),
        (
            "rules: [{for: kestro}]",
            "rules[0].for: no preset of that name; there is openfaas, pachyderm, flyte, flyte2, flyte-agent, kestra, direktiv",
        ),
        ("rules: [{for: [kestra]}]", "rules[0].for is a list, not a string"),
        ("rules: [{to: [x]}]", "rules[0].to names x, which recipients does not have"),
        ("recipients: {a: {path: x}}", "unknown field recipients.a.path"),
        ("recipients: {a: 1}", "recipients.a is a number, not a recipient or {file: PATH}"),
        ("allowClassic: 1", "allowClassic is a number, not true or false"),
        ("rules: {}", "rules is a map, not a list"),
        ("created: {a: 2027-01-31}", "created names a, which recipients does not have"),
        (
            "recipients: {a: x}\ncreated: {a: 31.1.2027}",
            "created.a is a string, not a day such as 2027-01-31",
        ),
        ("rules: [{namespace: A}]", "rules[0].namespace cannot name a namespace"),
        ("recipients: {a: x, a: y}", "line 1: the key a stands twice in one map"),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), problem);
    }
}

#[test]
fn pinning_keeps_every_other_line() {
    let pinned = pin(EXAMPLE, "new", "age1pq1b").unwrap();
    let want = EXAMPLE
        .replace("{prod: age1pq1a,", "{new: age1pq1b, prod: age1pq1a,")
        .replace("- {to: [prod,", "- {to: [new, prod,");
    assert_eq!(pinned, want);
    let apart = pin_apart(EXAMPLE, "new", "age1pq1b").unwrap();
    let (with, without) = (read(&apart).unwrap(), read(EXAMPLE).unwrap());
    assert_eq!(with.rules, without.rules);
    assert_eq!(with.recipients.len(), without.recipients.len() + 1);
    let again = pin(&pinned, "new", "age1pq1c").unwrap();
    assert_eq!(again, want.replace("age1pq1b", "age1pq1c"));

    let block = "recipients:\n  # kept\n  offline: age1pq1a # on paper\n\n# rules\nrules:\n- path: a/**\n  to: [offline]\n- to:\n  # first\n  - offline\n";
    let want = "recipients:\n  # kept\n  offline: age1pq1a # on paper\n  new: age1pq1b\n\n# rules\nrules:\n- path: a/**\n  to: [offline]\n- to:\n  # first\n  - new\n  - offline\n";
    assert_eq!(pin(block, "new", "age1pq1b").unwrap(), want);
}

#[test]
fn the_day_of_a_key_is_noted_and_every_other_line_stays() {
    let dated = date(EXAMPLE, "prod", "2027-01-31").unwrap();
    let rest = dated.strip_prefix(EXAMPLE).unwrap();
    assert!(rest.ends_with("created:\n  prod: 2027-01-31\n"), "{rest}");
    let both = date(&dated, "offline", "2026-01-31").unwrap();
    assert_eq!(both, format!("{dated}  offline: 2026-01-31\n"));
    let again = date(&both, "prod", "2028-02-29").unwrap();
    assert_eq!(again, both.replace("2027-01-31", "2028-02-29"));
    let flow = "recipients: {a: x, b: z}\ncreated: {a: 2026-01-31}";
    let want = "recipients: {a: x, b: z}\ncreated: {b: 2027-01-31, a: 2026-01-31}";
    assert_eq!(date(flow, "b", "2027-01-31").unwrap(), want);
    let windows = date("recipients: {a: x}", "a", "2027-01-31").unwrap();
    assert!(windows.starts_with("recipients: {a: x}\n#"), "{windows}");
    assert!(date(EXAMPLE, "nobody", "2027-01-31").is_err());
}

#[test]
fn a_layout_that_cannot_be_edited_is_left_alone() {
    assert_eq!(pin("{\"recipients\": {\"a\": \"b\"}}", "n", "c"), Err(PolicyError::Layout));
    assert_eq!(pin(EXAMPLE, "offline", "age1pq1b"), Err(PolicyError::Layout));
    assert_eq!(pin("", "n", "c"), Err(PolicyError::Layout));
}

#[test]
fn a_path_that_could_match_no_file_is_refused() {
    for path in [
        "",
        " a/**",
        "a/** ",
        "/a/**",
        "a/",
        "./a/**",
        "a/./b",
        "../a",
        "a//b",
        "a**",
        "**.yaml",
        "a/**b/c",
        "!a",
        "^a/**",
        "a/*.yaml$",
        "(a|b)/*",
        "a/.+",
        "a/.*",
        "~/a/**",
        "a\\\\b",
        "a[/]b",
        "[!a]",
        "[^a]",
        "[a",
        "[]",
        "[--0]",
        "[z-a]",
        "[.-0]",
        "{a/b,c}",
        "{a",
        "a}",
        "{{a,b},c}",
        "{**,a}",
        "{}",
        "a{}b",
        "{a,}",
        "{,a}",
        "{a,,b}",
        "a\\tb",
    ] {
        let text = format!("rules: [{{path: \"{path}\", to: []}}]");
        let refused = read(&text).expect_err(path).to_string();
        assert!(refused.starts_with("rules[0].path: "), "{path}: {refused}");
    }
    for path in [
        "a",
        "a b",
        "*",
        "**",
        "**/a",
        "a/**/b",
        "a/**",
        "*.y?ml",
        "{a,b}/**",
        "x[0-9a-z_-].yaml",
        "a.b/.c",
        "..a",
    ] {
        assert!(read(&format!("rules: [{{path: \"{path}\", to: []}}]")).is_ok(), "{path}");
    }
}

#[test]
fn only_a_rule_with_a_path_before_all_others_goes_by_it() {
    let goes = |rules: &str| read(&format!("rules: [{rules}]")).unwrap().goes_by_path();
    assert!(goes("{path: a, to: []}, {to: []}"));
    assert!(!goes("{to: []}, {path: a, to: []}") && !goes("{to: []}") && !goes(""));
}

#[test]
fn a_rule_that_names_a_folder_is_known_by_the_files_in_it() {
    let rule = |path: &str| Rule { path: Some(path.to_owned()), ..Rule::default() };
    assert!(rule("clusters/prod").names_a_folder_of("clusters/prod/db.yaml"));
    assert!(rule("clusters").names_a_folder_of("clusters/prod/db.yaml"));
    assert!(!rule("clusters/prod").names_a_folder_of("clusters/prod2/db.yaml"));
    assert!(!rule("clusters/*").names_a_folder_of("clusters/prod/db.yaml"));
    assert!(
        !rule("db.yaml").names_a_folder_of("db.yaml") && !Rule::default().names_a_folder_of("x/y")
    );
}

#[test]
fn no_name_of_the_file_takes_over_a_terminal() {
    for text in [
        "\"a\\e[31m\\n\u{202e}\": 1\n",
        "rules: [{\"a\\e[31m\\n\": 1}]\n",
        "rules: [{to: [\"a\\e[31m\\n\"]}]\n",
        "recipients: {a: {file: x, \"\\e[31m\": y}}\n",
    ] {
        let said = read(text).unwrap_err().to_string();
        assert!(!said.contains(|c: char| c.is_control() || c == '\u{202e}'), "{said:?}");
    }
}
