//! What is refused before any key is used: fields, keys of values, and blocks that are none.

use crate::blocks::all_own;
use crate::file::File;
use crate::keys::{Dice, Key};
use crate::under::{PASSWORD, plain, replaced};
use crate::{Case, swap};

pub(crate) fn cases() -> Vec<Case> {
    [fields(), twice(), without_header(), without_payload(), types(), keys()]
        .into_iter()
        .flatten()
        .collect()
}

fn fields() -> Vec<Case> {
    let text = plain("fields", &["cluster"]).yaml();
    let unknown = [
        (
            "unknown-field-root",
            "a field that no sealed file has",
            text.clone() + "data: {}\n",
            "unknown field data",
        ),
        (
            "unknown-field-spec",
            "a misspelt field",
            swap(&text, "  values:\n", "  templates: {}\n  values:\n"),
            "spec.templates",
        ),
        (
            "unknown-field-scope",
            "a field that a scope has not",
            swap(&text, "    name: db\n", "    name: db\n    cluster: a\n"),
            "scope.cluster",
        ),
        unknown_field_of_block(),
        (
            "alias-unknown",
            "an alias without an anchor",
            swap(&text, "    name: db\n", "    name: *db\n"),
            "alias",
        ),
        (
            "version-unknown",
            "a version that is not known yet",
            swap(&text, "seal.dev/v1", "seal.dev/v2"),
            "not known",
        ),
    ];
    unknown.into_iter().map(malformed).collect()
}

fn unknown_field_of_block() -> Broken {
    let text = replaced("own fields", &["cluster"]).yaml();
    let text = swap(&text, "    password:\n", "    password:\n      alg: none\n");
    ("unknown-field-block", "a field that a block has not", text, "alg")
}

type Broken = (&'static str, &'static str, String, &'static str);

fn malformed((file, promise, text, detail): Broken) -> Case {
    Case::malformed(file, promise, text, detail)
}

fn twice() -> Vec<Case> {
    let text = plain("twice", &["cluster"]).yaml();
    let ours = replaced("ours", &["cluster"]);
    let theirs = replaced("theirs", &["cluster"]).blocks[0].yaml();
    let both = swap(&ours.yaml(), "    username:\n", &format!("{theirs}\n    username:\n"));
    let username = plain("twice", &["cluster"]).blocks[1].yaml();
    let payload = username.lines().nth(1).unwrap_or_default();
    let header = text.find("  header: |-\n").zip(text.find("  values:\n"));
    let header = header.map(|(from, to)| &text[from..to]).unwrap_or_default();
    let repeated = [
        ("duplicate-spec", "spec twice", text.clone() + "spec: {}\n", "twice"),
        ("duplicate-block", "two blocks of one key, as of both sides of a merge", both, "twice"),
        (
            "duplicate-payload",
            "two payloads in one block",
            swap(&text, payload, &format!("{payload}\n{payload}")),
            "twice",
        ),
        (
            "duplicate-header",
            "the shared header twice",
            swap(&text, "  values:\n", &format!("{header}  values:\n")),
            "twice",
        ),
        ("duplicate-values", "values twice", text.clone() + "  values: {}\n", "twice"),
    ];
    repeated.into_iter().map(malformed).collect()
}

/// A block with nothing to be under, and hints of no header.
fn without_header() -> Vec<Case> {
    let mut bare = plain("bare", &["cluster"]);
    bare.shared = None;
    let mut beside = replaced("beside", &["cluster"]);
    beside.shared = None;
    let hint = Key::named("cluster").fingerprint();
    let own = all_own("hints of nothing").yaml();
    let own = swap(&own, "  values:\n", &format!("  sealedTo:\n  - {hint}\n  values:\n"));
    let block = plain("hints of none", &["cluster"]).yaml();
    let to = format!("    password:\n      sealedTo: [{hint}]\n");
    let block = swap(&block, "    password:\n", &to);
    let headless = [
        ("block-without-header", "no block has a header to be under", bare.yaml(), "no header"),
        (
            "block-without-shared-header",
            "a block's own header is no other block's",
            beside.yaml(),
            "the block of username",
        ),
        (
            "hints-without-header",
            "hints of a shared header that is not there",
            own,
            "sealedTo without",
        ),
        (
            "block-hints-without-header",
            "hints for a block under the shared header",
            block,
            "sealedTo without",
        ),
    ];
    headless.into_iter().map(malformed).collect()
}

fn without_payload() -> Vec<Case> {
    let shared = plain("no payload", &["cluster"]);
    let own = replaced("no payload 2", &["cluster"]);
    let line = format!("      payload: {}\n", own.blocks[0].encoded());
    let braces = swap(&shared.yaml(), &shared.blocks[0].yaml(), "    password: {}\n");
    let encoded = shared.blocks[0].encoded();
    let empty = swap(&shared.yaml(), &encoded, "\"\"");
    let absent = [
        ("payload-absent", "a block of nothing", braces, "no payload"),
        ("payload-empty", "an empty payload", empty, "no payload"),
        ("block-payload-absent", "a header alone", swap(&own.yaml(), &line, ""), "no payload"),
    ];
    absent.into_iter().map(malformed).collect()
}

/// What stands where a block must, or a map of them.
fn types() -> Vec<Case> {
    let file = plain("types", &["cluster"]);
    let (text, block, encoded) = (file.yaml(), file.blocks[0].yaml(), file.blocks[0].encoded());
    let list = swap(&text, "    password:\n", "  - password:\n");
    let list = swap(&list, "    username:\n", "  - username:\n");
    let [bare, fields, one] =
        [encoded.clone(), format!("[[], ~, {encoded}]"), format!("[payload: {encoded}]")]
            .map(|value| swap(&text, &block, &format!("    password: {value}\n")));
    let null = swap(&text, &block, "    password:\n");
    let number = swap(&text, &encoded, "1234");
    let values = text.find("  values:\n").map(|at| &text[..at]).unwrap_or_default();
    let wrong = [
        ("block-text", "a payload without its block", bare),
        ("block-null", "an emptied block", null),
        ("block-list", "the fields of a block in a list", fields),
        ("block-list-of-one", "a list of one block", one),
        ("payload-number", "a number for a payload", number),
        ("values-list", "a list of blocks", list),
        ("values-text", "a text for the map of blocks", format!("{values}  values: none\n")),
    ];
    let wrong = wrong.into_iter().map(|(file, promise, text)| (file, promise, text, "wrong type"));
    wrong.map(malformed).collect()
}

fn keys() -> Vec<Case> {
    let mut both = plain("both", &["cluster"]);
    both.more = "  template:\n    stringData:\n      password: clear\n".into();
    let mut own = replaced("both own", &["cluster"]);
    own.more.clone_from(&both.more);
    let which = "which of the two would count?";
    let named = [
        ("key-sealed-and-clear", which, both.yaml(), "both sealed and"),
        ("block-key-sealed-and-clear", which, own.yaml(), "both sealed and"),
        ("key-of-dots", "a key that leaves its folder", named(".."), "values has a name"),
        ("key-with-slash", "a key that is a path", named("a/b"), "values has a name"),
        ("key-too-long", "a key of 254 characters", named(&"k".repeat(254)), "values has a name"),
    ];
    named.into_iter().map(malformed).collect()
}

fn named(key: &str) -> String {
    let value = (key, PASSWORD.1);
    File::at("prod", "db").seal(&mut Dice::new(key), &["cluster"], &[value]).yaml()
}
