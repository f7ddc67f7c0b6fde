//! What a rule's `path` may say. Its grammar stands in [`crate::policy_file`]; files are not known here.
//!
//! A pattern that can match no file would hand every file that it was written for to the next rule, without a word: so
//! whatever this grammar has no meaning for is refused when the policy is read.

/// What is wrong with a pattern, if anything.
pub(super) fn problem(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty: a rule for every file has no path");
    }
    if path.trim() != path || path.chars().any(char::is_control) {
        return Some("it has a space at an end, or a control character");
    }
    if path.contains('\\') {
        return Some("folders are separated by /, and \\ means nothing");
    }
    if path.starts_with('!') {
        return Some("a rule names files and excludes none: the first rule that matches counts");
    }
    if path.contains(['^', '$', '(', ')', '|', '+']) {
        return Some("^ $ ( ) | + are a regular expression's: a glob has * ? [a-z] {a,b} and **");
    }
    if path.starts_with('~') {
        return Some("~ is no folder here: it is relative to the .seal.yaml");
    }
    if path.starts_with('/') {
        return Some("it is relative to the .seal.yaml already: leave out the / it begins with");
    }
    if path.ends_with('/') {
        return Some("it names a folder: add ** behind it for every file in there");
    }
    path.split('/').find_map(in_part)
}

/// Whether a pattern has only characters that stand for themselves.
pub(super) fn is_literal(path: &str) -> bool {
    !path.contains(['*', '?', '[', '{'])
}

fn in_part(part: &str) -> Option<&'static str> {
    match part {
        "" => return Some("// names no folder"),
        "." => return Some("it is relative to the .seal.yaml already: leave out the ./"),
        ".*" => return Some(".* is a regular expression's: * stands for any name"),
        ".." => return Some("it reaches no file above the .seal.yaml: leave out the .."),
        "**" => return None,
        _ => {}
    }
    if part.contains("**") {
        return Some("** stands for whole folders: between two /, or at an end");
    }
    sets(part)
}

const BRACES: &str =
    "{a,b} names at least one thing between each comma, and holds neither / nor other {…}";

/// Whether each `[…]` and `{…}` begins and ends within this part, has nothing that could be a `/`, and stands for something.
fn sets(part: &str) -> Option<&'static str> {
    let mut in_braces = false;
    let mut rest = part;
    while let Some(at) = rest.find(['[', ']', '{', '}', ',']) {
        let (mark, behind) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = match mark {
            b'[' => match behind.split_once(']') {
                Some((set, behind)) if is_set(set) => behind,
                _ => return Some("[…] takes letters, digits, _ and ranges of them: [a-z0-9]"),
            },
            b',' if !in_braces => behind,
            // An empty alternative is a name that is empty, or the one around it by chance.
            b'{' | b',' if behind.starts_with([',', '}']) => return Some(BRACES),
            b',' => behind,
            b'{' if !in_braces => {
                in_braces = true;
                behind
            }
            b'}' if in_braces => {
                in_braces = false;
                behind
            }
            _ => return Some(BRACES),
        };
    }
    in_braces.then_some(BRACES)
}

fn is_set(set: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_backwards = |it: &[u8]| it[1] == b'-' && it[0] > it[2];
    !set.is_empty()
        && set.bytes().all(known)
        && !set.starts_with('-')
        && !set.contains("--")
        && !set.as_bytes().windows(3).any(is_backwards)
}
