//! The sizes of CONTRIBUTING.md, held against the sources.

use super::{CRATES, is_test, root, sources};

/// The number behind `what` in the sentence on sizes.
fn limit(what: &str) -> usize {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, rest) =
        text.split_once(what).unwrap_or_else(|| panic!("CONTRIBUTING.md says nothing of {what}"));
    rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// The lines of a file without its unit tests.
fn lines(text: &str) -> Vec<&str> {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().collect()
}

/// Name and length of each function: from its signature to the brace that closes it at the same indentation.
fn functions<'t>(lines: &[&'t str]) -> Vec<(&'t str, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| *word == "fn") else { continue };
        let is_signature = words[..at]
            .iter()
            .all(|word| word.starts_with("pub") || ["async", "const"].contains(word));
        if !is_signature || line.ends_with(';') || line.ends_with("{}") {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = lines[start..].iter().position(|line| line.strip_prefix(indent) == Some("}"));
        found.push((words[at + 1], end.map_or(1, |end| end + 1)));
    }
    found
}

#[test]
fn files_and_functions_keep_to_the_sizes_of_contributing_md() {
    let (most_of_function, most_of_file) = (limit("Functions up to"), limit("files up to"));
    let mut broken = Vec::new();
    for (name, text) in CRATES.iter().flat_map(|folder| sources(folder)) {
        if is_test(&name) {
            continue;
        }
        let lines = lines(&text);
        if lines.len() > most_of_file {
            broken.push(format!("{name} has {} lines", lines.len()));
        }
        for (function, length) in functions(&lines) {
            if length > most_of_function {
                broken.push(format!("{name}: {function} has {length} lines"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_length_of_a_function_is_what_stands_between_its_signature_and_its_brace() {
    let text = "fn a() {\n    b();\n}\n\nimpl X {\n    pub(crate) async fn c(\n        d: u8,\n    ) {\n    }\n}\n";
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(functions(&lines), [("a()", 3), ("c(", 4)]);
}
