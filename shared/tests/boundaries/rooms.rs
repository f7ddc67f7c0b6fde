//! The tables of rooms in ARCHITECTURE.md, held against what the sources import.

use std::collections::{BTreeMap, BTreeSet};

use super::{CRATES, code, is_test, root, sources};

type Imports = BTreeMap<String, BTreeSet<String>>;

/// The rows of the table behind `<!-- rooms of CRATE -->`, in their order: a room and what it imports.
fn documented(krate: &str) -> Vec<(String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let marker = format!("<!-- rooms of {krate} -->\n");
    let (_, table) = text.split_once(&marker).unwrap_or_else(|| panic!("no table for {krate}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let words = |cell: &str| -> BTreeSet<String> {
            cell.split(',')
                .map(|word| word.trim().trim_matches('`').to_owned())
                .filter(|it| !it.is_empty())
                .collect()
        };
        (cells[0].trim_matches('`').to_owned(), words(cells.last().unwrap()))
    })
    .collect()
}

/// The room of a source: the file or folder directly beneath `src`; none for the crate's root.
fn room(krate: &str, name: &str) -> Option<String> {
    let below = name.strip_prefix(krate)?.trim_start_matches('/');
    let room = below.split('/').next()?.trim_end_matches(".rs").to_owned();
    (room != "lib" && room != "main").then_some(room)
}

/// What each room imports of its own crate.
fn imported(krate: &str) -> Imports {
    let mut imports = Imports::new();
    for (name, text) in sources(krate) {
        let Some(room) = room(krate, &name).filter(|_| !is_test(&name)) else { continue };
        let entry = imports.entry(room.clone()).or_default();
        for path in code(&name, &text).split("crate::").skip(1) {
            let first = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            assert!(
                !first.is_empty(),
                "{name}: one `use crate::…` a line, so that this test can read it"
            );
            if first != room {
                entry.insert(first.to_owned());
            }
        }
    }
    imports
}

#[test]
fn each_room_imports_what_architecture_md_says_and_nothing_else() {
    for krate in CRATES {
        let said: Imports = documented(krate).into_iter().collect();
        let mut seen = imported(krate);
        for imports in seen.values_mut() {
            // What a crate's root offers to all is no room.
            imports.retain(|name| {
                said.contains_key(name)
                    || root().join(krate).join(name).exists()
                    || root().join(krate).join(format!("{name}.rs")).exists()
            });
        }
        assert_eq!(seen, said, "{krate}: the sources (left) and ARCHITECTURE.md (right)");
    }
}

#[test]
fn there_are_no_circles_between_rooms() {
    for krate in CRATES {
        let mut above: BTreeSet<String> = BTreeSet::new();
        for (room, imports) in documented(krate) {
            let below: Vec<_> = imports.difference(&above).collect();
            assert!(below.is_empty(), "{krate}: {room} imports {below:?}, which stand beneath it");
            above.insert(room);
        }
    }
}
