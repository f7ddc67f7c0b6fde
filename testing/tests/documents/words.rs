//! Whether a command printed what the page says. `…` stands for any text within a line, and alone on a line for any
//! lines; white space at the end of a line does not count, and within a line several spaces are as good as one: the width
//! of a column is no promise. Pure.

pub(crate) fn printed(expected: &str, actual: &str) -> bool {
    let [expected, actual] =
        [expected, actual].map(|text| text.lines().map(one_space).collect::<Vec<_>>());
    let [expected, actual] =
        [&expected, &actual].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
    lines(&expected, &actual)
}

/// The indentation counts.
fn one_space(line: &str) -> String {
    let words = line.trim_start();
    let indent = &line[..line.len() - words.len()];
    format!("{indent}{}", words.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn lines(expected: &[&str], actual: &[&str]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((&"…", rest)) => (0..=actual.len()).any(|skipped| lines(rest, &actual[skipped..])),
        Some((first, rest)) => match actual.split_first() {
            Some((line, below)) => in_line(first, line) && lines(rest, below),
            None => false,
        },
    }
}

fn in_line(expected: &str, actual: &str) -> bool {
    let Some((start, rest)) = expected.split_once('…') else { return expected == actual };
    let Some(below) = actual.strip_prefix(start) else { return false };
    below
        .char_indices()
        .map(|(at, _)| at)
        .chain([below.len()])
        .any(|at| in_line(rest, &below[at..]))
}

#[test]
fn an_ellipsis_stands_for_what_differs_from_run_to_run() {
    for (expected, actual) in [
        ("a\nb\n", "a \nb"),
        ("a …\n", "a age1pq1xyz\n"),
        ("a … c …\n", "a b c d\n"),
        ("a\n…\n", "a\n"),
        ("a\n…\nd\n", "a\nb\nc\nd\n"),
        ("a b …", "a    b     c"),
        ("", ""),
    ] {
        assert!(printed(expected, actual), "{expected:?} {actual:?}");
    }
    for (expected, actual) in
        [("", "a"), ("a", ""), ("a …", "b c"), ("a\n…\nd", "a\nb"), (" a", "a"), ("a", "a\nb")]
    {
        assert!(!printed(expected, actual), "{expected:?} {actual:?}");
    }
}
