//! The ways YAML can say the same: no reader may hang on the layout that writers choose.

use crate::file::File;
use crate::keys::{Dice, Key};
use crate::text::in_quotes;
use crate::under::{BOTH, PASSWORD, Under, replaced};
use crate::{Case, swap};

pub(crate) fn cases() -> Vec<Case> {
    let hints = Under::EACH.map(hints_of_others).into();
    [aliases(), lines(), fields(), scalars(), hints].into_iter().flatten().collect()
}

/// A password under a header of its own, a user name under the shared one.
fn file() -> File {
    replaced("layout", &["cluster"])
}

fn opens(file: &str, promise: &str, text: String) -> Case {
    Case::opens(file, promise, text, &BOTH)
}

fn aliases() -> Vec<Case> {
    let text = swap(&file().yaml(), "namespaces: [prod]", "namespaces: [&ns prod]");
    let labels = "  template: {metadata: {labels: {app: *name, env: *ns}}}\n";
    let name = format!("    name: &name db\n{labels}  sealedTo:\n");
    let names = swap(&text, "    name: db\n  sealedTo:\n", &name);
    vec![
        opens("alias", "an alias that resolves means what it stands for", names),
        alias_of_header(),
    ]
}

fn alias_of_header() -> Case {
    let dice = &mut Dice::new("alias");
    let other = ("other", PASSWORD.1);
    let mut file = File::at("prod", "db").set(dice, &["cluster"], PASSWORD);
    let header = file.own(0).clone();
    let payload = file.block(dice, &header, other).encoded();
    let anchored = swap(&file.yaml(), "header: |-", "header: &header |-");
    let anchored = swap(&anchored, "sealedTo: [", "sealedTo: &to [");
    let second = format!(
        "    other:\n      sealedTo: *to\n      header: *header\n      payload: {payload}\n"
    );
    let text = anchored + &second;
    Case::opens("alias-of-header", "a header said once for two", text, &[PASSWORD, other])
}

fn lines() -> Vec<Case> {
    let text = file().yaml();
    let comments = swap(&text, "spec:\n", "spec: # why\n  # why\n");
    let comments = swap(&comments, "  values:\n", "  # why\n  values: # why\n");
    let comments = swap(&comments, "    password:\n", "# why\n    password: # why\n    # why\n");
    let comments = swap(&comments, "      payload: ", "    # why\n      payload: ");
    let compact = swap(&text, "    # end of password\n", "");
    let spaced = swap(&compact, "    password:\n", "\n    password:\n") + "\n  # end of values\n";
    let wide: String = text.lines().map(widened).collect();
    let marked = format!("# a comment\n---\n{text}...\n");
    vec![
        opens("line-ends-crlf", "a checkout with CRLF line ends", swap(&text, "\n", "\r\n")),
        opens("comments", "comments between all lines", comments),
        opens("layout-compact", "no comment behind a block", compact.clone()),
        opens("layout-spaced", "empty lines around a block", spaced),
        opens("layout-wide", "four spaces for two", wide),
        opens("document-markers", "a document between its markers", marked),
        opens("last-line-open", "no line feed at the end", compact.trim_end().to_owned()),
        opens("json", "the same file as JSON", file().json()),
    ]
}

fn widened(line: &str) -> String {
    let rest = line.trim_start();
    format!("{}{rest}\n", "    ".repeat((line.len() - rest.len()) / 2))
}

/// Fields and blocks in another order: no order means anything.
fn fields() -> Vec<Case> {
    let mut unsorted = file();
    unsorted.blocks.reverse();
    let text = file().yaml();
    let (head, rest) = text.split_once("spec:\n").expect("a file has a spec");
    let (spec, values) = rest.split_once("  values:\n").expect("a file has values");
    let (scope, header) = spec.split_once("  sealedTo:\n").expect("a file has a header");
    let shuffled = format!("spec:\n  values:\n{values}  sealedTo:\n{header}{scope}{head}");
    let block = file().blocks[0].yaml();
    let payload = format!("      payload: {}\n", file().blocks[0].encoded());
    let without = swap(&block, &payload, "");
    let last = swap(&without, "    password:\n", &format!("    password:\n{payload}"));
    let user = &file().blocks[1];
    let flow = format!("    username: {{payload: {}}}\n", user.encoded());
    let hint = Key::named("cluster").fingerprint();
    vec![
        opens("values-unsorted", "blocks in another order", unsorted.yaml()),
        opens("layout-shuffled", "fields in another order", shuffled),
        opens("payload-first", "a block that ends with its header", swap(&text, &block, &last)),
        opens("block-in-braces", "a block in one line", swap(&text, &user.yaml(), &flow)),
        opens(
            "hints-in-lines",
            "a block's hints in lines, those of the file in one",
            swap(
                &swap(&text, &format!(" [{hint}]\n"), &format!("\n      - {hint}\n")),
                &format!("  sealedTo:\n  - {hint}\n"),
                &format!("  sealedTo: [{hint}]\n"),
            ),
        ),
    ]
}

fn scalars() -> Vec<Case> {
    let mut quoted = file();
    let text = quoted.yaml();
    let (shared, own) = (quoted.shared().text(), quoted.own(0).text());
    let shared_lines = format!("|-\n{}", indented(4, &shared));
    let headers = swap(&text, &shared_lines, &format!("{}\n", in_quotes(&shared)));
    let own_lines = format!("|-\n{}", indented(8, &own));
    let headers = swap(&headers, &own_lines, &format!("{}\n", in_quotes(&own)));
    let folded = swap(&text, "payload: ", "payload: >-\n        ");
    let keys = swap(&text, "    password:\n", "    \"password\":\n");
    let keys = swap(&keys, "    username:\n", "    ? 'username'\n    :\n");
    vec![
        opens("header-quoted", "the headers as double-quoted strings", headers),
        opens("payload-folded", "the payloads as folded strings of one line", folded),
        opens("keys-quoted", "the keys in quotes, one of them as a complex key", keys),
    ]
}

fn indented(columns: usize, text: &str) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(columns))).collect()
}

fn hints_of_others(under: Under) -> Case {
    let file = under.file("hints-of-others");
    let text = under.changed(&file, &["stranger", "cluster"], |header| {
        header.hints[0] = Key::named("offline").fingerprint();
    });
    let promise = under.promise("a hint that nobody here knows is passed over");
    Case::opens(file, promise, text, &BOTH)
}
