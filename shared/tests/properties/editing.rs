//! Edits in place: only the lines of the named blocks change, whatever the layout.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use seal_core::key::{Identity, Keyring, Recipient};
use seal_core::kind::edit::{Change, EditError, edit};
use seal_core::kind::file::{self, Document};
use seal_core::kind::sealed::SealedSecret;
use seal_core::seal::seal_into;

use super::{all_values, db, key, keys, opened, read, sealed, values};

fn testdata(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(path);
    std::fs::read_to_string(path).unwrap()
}

fn cluster() -> Vec<Recipient> {
    let identity = &Identity::parse_file(&testdata("keys/cluster.txt")).unwrap()[0];
    vec![identity.recipient().parse().unwrap()]
}

/// A vector that opens, and the identities that its case holds.
pub(super) struct Layout {
    pub(super) name: String,
    pub(super) text: String,
    keyring: Keyring,
}

/// Every vector that opens: all the layouts that readers take.
pub(super) fn all_layouts() -> Vec<Layout> {
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(&testdata("vectors/expect.json")).unwrap();
    cases.iter().filter(|case| case.get("values").is_some()).map(layout).collect()
}

/// Those that are no JSON.
fn layouts() -> Vec<Layout> {
    all_layouts().into_iter().filter(|layout| !layout.text.starts_with('{')).collect()
}

fn layout(case: &serde_json::Value) -> Layout {
    let name = case["file"].as_str().unwrap().to_owned();
    let held = case["identity"].as_array().unwrap().iter();
    let file = |held: &serde_json::Value| testdata(&format!("keys/{}", held.as_str().unwrap()));
    let identities = held.flat_map(|held| Identity::parse_file(&file(held)).unwrap());
    Layout { text: testdata(&format!("vectors/{name}")), keyring: identities.collect(), name }
}

pub(super) fn set(
    text: &str,
    key: &str,
    value: &[u8],
    to: &[Recipient],
) -> Result<String, EditError> {
    let file = read(text);
    let change = seal_into(&file, &values(&[(key, value)]), &file.spec.scope, to).unwrap();
    edit(text, 0, &change)
}

pub(super) fn unset(text: &str, key: &str) -> Result<String, EditError> {
    let remove = BTreeSet::from([key.to_owned()]);
    edit(text, 0, &Change { remove, ..Change::default() })
}

/// The key that a line begins with, quoted or not.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    Some(key.trim().trim_matches(['"', '\'']))
}

/// The lines of a text but for those of the block of `key` and the comment or empty line that ends it.
fn without_block<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let values = lines.iter().position(|line| key_of(line) == Some("values")).unwrap();
    let below = &lines[values + 1..];
    let Some(start) = below.iter().position(|line| key_of(line) == Some(key)) else { return lines };
    let start = values + 1 + start;
    // A header may have an empty line, and a block comments: it ends before the next line of text that is no deeper.
    let is_text = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let outside = |line: &&str| is_text(line) && indent(line) <= indent(lines[start]);
    let after =
        lines[start + 1..].iter().position(outside).map_or(lines.len(), |at| start + 1 + at);
    let filled = lines[..after].iter().rposition(|line| is_text(line)).unwrap();
    let mut end = filled + 1;
    let comment = format!("# end of {key}");
    if lines.get(end).is_some_and(|line| line.trim() == comment) {
        end += 1;
    }
    if lines.get(end).is_some_and(|line| line.trim().is_empty()) {
        end += 1;
    }
    [&lines[..start], &lines[end..]].concat()
}

#[test]
fn setting_a_value_changes_its_block_alone_in_every_layout() {
    let mut edited = 0;
    for Layout { name, text, mut keyring } in layouts() {
        let identity = Identity::generate();
        let to = [identity.recipient().parse().unwrap()];
        keyring.insert(identity);
        let file = read(&text);
        for key in file.spec.values.keys().take(3) {
            let written = match set(&text, key, b"new", &to) {
                Ok(written) => written,
                Err(EditError::Layout { .. }) => continue,
                Err(error) => panic!("{name}: {error}"),
            };
            edited += 1;
            let explicit_key = text.contains("\n    ? "); // its block begins before the key
            if !explicit_key {
                assert!(without_block(&written, key) == without_block(&text, key), "{name} {key}");
            }
            let values = opened(&read(&written), &keyring).unwrap().values;
            assert_eq!(values[key].expose(), b"new", "{name}");
            assert_eq!(values.len(), opened(&file, &keyring).unwrap().values.len(), "{name}");
        }
    }
    assert!(edited > 20, "{edited} files were edited");
}

#[test]
fn a_file_that_opens_can_be_edited_in_all_layouts_but_those_named_here() {
    let mut refused = BTreeSet::new();
    for Layout { name, text, .. } in layouts() {
        let added = set(&text, "one-more", b"new", &cluster());
        let Ok(added) = added else {
            refused.insert(name);
            continue;
        };
        if !read(&text).spec.values.is_empty() {
            assert!(
                without_block(&added, "one-more") == text.lines().collect::<Vec<_>>(),
                "{name}"
            );
        }
        let removed = unset(&added, "one-more").unwrap();
        assert_eq!(read(&removed).spec.values.len(), read(&text).spec.values.len(), "{name}");
    }

    assert_eq!(refused, BTreeSet::new(), "layouts whose lines do not stand for themselves");
}

#[test]
fn a_shared_header_stays_when_nothing_is_under_it() {
    let (keyring, to) = key();
    let text = file::write(&sealed(values(&[("a", b"1"), ("b", b"2")]), db(), &to));
    let without_b = unset(&text, "b").unwrap();
    let unused = set(&without_b, "a", b"3", &to).unwrap();
    let again = set(&unused, "a", b"4", &to).unwrap();
    let added = set(&again, "c", b"5", &to).unwrap();
    let emptied = unset(&unset(&added, "a").unwrap(), "c").unwrap();
    let filled = set(&emptied, "b", b"6", &to).unwrap();
    for file in [unused, again, added, emptied, filled.clone()] {
        assert_eq!(read(&file).spec.header, read(&text).spec.header);
        assert!(read(&file).has_unused_header());
    }
    assert_eq!(opened(&read(&filled), &keyring).unwrap().values["b"].expose(), b"6");
}

#[test]
fn all_values_of_a_file_are_set_under_one_new_shared_header() {
    let (keyring, to) = key();
    let text = file::write(&sealed(values(&[("a", b"1"), ("b", b"2")]), db(), &to));
    let text = set(&text, "a", b"3", &to).unwrap();
    let all = values(&[("a", b"5"), ("b", b"6"), ("c", b"7")]);
    let change = seal_into(&read(&text), &all, &db(), &to).unwrap();
    let written = edit(&text, 0, &change).unwrap();
    let file = read(&written);
    assert!(file.spec.values.values().all(|block| block.header.is_none()));
    assert_eq!(file::write(&file), written, "as a writer of the whole file would write it");
    assert_eq!(opened(&file, &keyring).unwrap().values["c"].expose(), b"7");
}

#[test]
fn a_comment_above_a_block_goes_with_it_and_no_other_does() {
    let (_, to) = key();
    let text = file::write(&sealed(values(&[("a", b"1"), ("b", b"2")]), db(), &to));
    let text = text
        .replace("    b:\n", "    # of b\n    b:\n")
        .replace("    a:\n", "    # all\n\n    a:\n");
    let without_b = unset(&text, "b").unwrap();
    assert!(!without_b.contains("of b") && without_b.contains("# all\n\n    a:"), "{without_b}");
    let without_a = unset(&text, "a").unwrap();
    assert!(
        without_a.contains("# all\n") && without_a.contains("    # of b\n    b:"),
        "{without_a}"
    );
}

#[test]
fn comments_in_and_around_a_block_stay() {
    let (_, to) = key();
    let text = file::write(&sealed(values(&[("a", b"1"), ("b", b"2")]), db(), &to));
    let text = text.replace("    a:\n", "    # above\n    a: # beside\n      # within\n").replacen(
        "\n    # end of a\n",
        " # behind\n    # end of a\n",
        1,
    );
    let once = set(&text, "a", b"3", &to).unwrap();
    let twice = set(&once, "a", b"4", &to).unwrap();
    for comment in
        ["    # above\n    a: # beside\n      # within\n", " # behind\n    # end of a\n    b:"]
    {
        assert!(text.contains(comment) && twice.contains(comment), "{twice}");
    }
    let added = set(&twice, "Z", b"5", &to).unwrap();
    assert!(added.contains("    # above\n    a: # beside"), "{added}");
}

#[test]
fn what_takes_the_last_value_out_can_put_one_in_again() {
    let (keyring, to) = key();
    let text = file::write(&sealed(values(&[("a", b"1")]), db(), &to));
    let empty = unset(&text, "a").unwrap();
    assert!(empty.contains("  values: {}\n") && read(&empty).spec.values.is_empty());
    let again = set(&empty, "b", b"2", &to).unwrap();
    assert_eq!(opened(&read(&again), &keyring).unwrap().values["b"].expose(), b"2");
    assert_eq!(file::write(&read(&again)), again);
}

fn document(sealed: &SealedSecret) -> String {
    format!("---\n{}", file::write(sealed))
}

#[test]
fn of_several_documents_the_others_stay() {
    let (_, to) = key();
    let one = sealed(values(&[("a", b"1"), ("b", b"2")]), db(), &to);
    let text = document(&one) + "---\napiVersion: v1\nkind: ConfigMap\n" + &document(&one);
    let remove = BTreeSet::from(["a".to_owned()]);
    let written = edit(&text, 2, &Change { remove, ..Change::default() }).unwrap();
    let documents = file::read(&written).unwrap();
    let counts = documents.iter().map(|document| match document {
        Document::Sealed(sealed) => sealed.spec.values.len(),
        _ => 0,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [2, 0, 1]);
    assert!(written.starts_with(&document(&one)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn set_and_unset_change_no_line_outside_the_named_block(
        plain in all_values(), name in keys(), crlf: bool, mark: bool, open_end: bool
    ) {
        let (keyring, to) = key();
        let mut names: Vec<String> = plain.keys().cloned().collect();
        let secret = plain.into_iter().map(|(key, value)| (key, value.into())).collect();
        let text = file::write(&sealed(secret, db(), &to)).replace("spec:\n", "spec: # here\n");
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let text = if mark { format!("\u{feff}{text}") } else { text };
        let text = if open_end { text.trim_end().to_owned() } else { text };

        let set = set(&text, &name, b"new", &to).unwrap();
        let value = &opened(&read(&set), &keyring).unwrap().values[&name];
        prop_assert_eq!(value.expose(), b"new");
        prop_assert_eq!(without_block(&set, &name), without_block(&text, &name));
        let unset = unset(&set, &name).unwrap();
        names.retain(|kept| *kept != name);
        let left = read(&unset).spec.values.into_keys();
        prop_assert_eq!(left.collect::<Vec<_>>(), names.clone());
        if !names.is_empty() {
            prop_assert_eq!(without_block(&set, &name), unset.lines().collect::<Vec<_>>());
        }
    }
}
