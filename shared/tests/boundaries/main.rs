//! Who may know of what. Reads the sources of all crates as text and holds the walls between them, as ARCHITECTURE.md
//! and CONTRIBUTING.md have them.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

mod rooms;
mod sizes;

use std::path::{Path, PathBuf};

/// A word that may stand only in some places.
struct Rule {
    /// Any of these, as they would stand in Rust.
    words: &'static [&'static str],
    /// Beneath these folders.
    within: &'static [&'static str],
    /// Except in files whose path begins so.
    except: &'static [&'static str],
    because: &'static str,
}

const CRATES: [&str; 4] = ["shared/src", "shared/disk/src", "cli/src", "controller/src"];

const RULES: [Rule; 13] = [
    Rule {
        words: &["chacha20poly1305", "ml_kem", "hkdf", "hmac", "x25519_dalek"],
        within: &CRATES,
        except: &["shared/src/crypto/", "controller/src/mac.rs"], // signatures of webhooks
        because: "one folder encrypts and decrypts",
    },
    Rule {
        words: &[
            "std::fs",
            "std::net",
            "std::process",
            "tokio",
            "SystemTime",
            "Instant",
            "async fn",
            "std::env",
        ],
        within: &["shared/src"],
        except: &[],
        because: "seal-core is pure: no file, clock, network or async",
    },
    Rule {
        words: &["getrandom"],
        within: &["shared/src"],
        except: &["shared/src/crypto/mod.rs"],
        because: "randomness has one source",
    },
    Rule {
        words: &["granit_parser", "serde_saphyr"],
        within: &CRATES,
        except: &["shared/src/yaml/"],
        because: "one folder knows what YAML is",
    },
    Rule {
        words: &["println!", "eprintln!", "print!", "eprint!", "dbg!"],
        within: &CRATES,
        except: &[],
        because: "output goes through one writer",
    },
    Rule {
        words: &["OsRng", "thread_rng", "StdRng", "SmallRng"],
        within: &CRATES,
        except: &[],
        because: "randomness for keys and nonces is the operating system's, in crypto/ alone",
    },
    Rule {
        words: &["kube::Client", "kube::client", "reqwest", "TcpStream"],
        within: &["cli/src"],
        except: &["cli/src/cluster/"],
        because: "the command line has one room with a network",
    },
    Rule {
        words: &["process::Command", "Command::new"],
        within: &["cli/src"],
        except: &["cli/src/git.rs", "cli/src/commands/edit/editor.rs"],
        because: "the command line starts git and an editor, and nothing else",
    },
    Rule {
        words: &["DeleteParams", "PostParams", "PatchParams"],
        within: &["controller/src"],
        except: &["controller/src/target/"],
        because: "target/ holds the only writers to the API server",
    },
    Rule {
        words: &["Instant::now", "SystemTime::now", "RandomState"],
        within: &[
            "controller/src/plan",
            "controller/src/work/pace.rs",
            "controller/src/work/due.rs",
        ],
        except: &[],
        because: "what decides is pure: time and chance are given to it",
    },
    Rule {
        words: &["Context"],
        within: &["controller/src"],
        except: &[
            "controller/src/reconcile/",
            "controller/src/process/",
            "controller/src/client/", // std's own of that name
            "controller/src/mac.rs",  // aws-lc's: an HMAC that is not complete
        ],
        because: "who has everything is known to reconcile/ and to what starts it",
    },
    Rule {
        words: &["parse_file"],
        within: &CRATES,
        except: &[
            "shared/src/key.rs",
            "controller/src/keyring.rs",
            "shared/src/identity_file.rs",
            "shared/src/backup.rs",
        ],
        because: "identities are read in the cluster's keyring, and from files and backups in one place each",
    },
    Rule {
        words: &["cap_std", "openat2", "renameat", "renameat_with", "unlinkat"],
        within: &CRATES,
        except: &[
            "shared/disk/src/beneath.rs",
            "shared/disk/src/staging.rs",
            "shared/disk/src/system/",
        ],
        because: "opened values are written beneath one directory handle",
    },
];

/// What each manifest may not depend on.
const DEPENDENCIES: [(&str, &[&str]); 3] = [
    (
        "cli/Cargo.toml",
        &["chacha20poly1305", "ml-kem", "hkdf", "hmac", "x25519-dalek", "serde_yaml"],
    ),
    (
        "controller/Cargo.toml",
        &["chacha20poly1305", "ml-kem", "hkdf", "hmac", "x25519-dalek", "serde_yaml"],
    ),
    ("shared/Cargo.toml", &["tokio", "reqwest", "walkdir", "rustix", "serde_yaml"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every source beneath `folder`: its path from the root, and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    if folders[0].is_file() {
        let text = std::fs::read_to_string(&folders[0]).unwrap();
        return vec![(folder.to_owned(), text)];
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/") || name.ends_with("/cctv.rs")
}

/// Code without comments and without its unit tests, which stand last in a file or in a file of their own.
fn code(name: &str, text: &str) -> String {
    if is_test(name) {
        return String::new();
    }
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

fn names(code: &str, word: &str) -> bool {
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(part_of_a_word);
        let after = code[at + word.len()..].chars().next().is_some_and(part_of_a_word);
        !before && !after
    })
}

#[test]
fn each_thing_is_known_only_where_it_belongs() {
    let mut broken = Vec::new();
    for rule in &RULES {
        for (name, text) in rule.within.iter().flat_map(|folder| sources(folder)) {
            let code = code(&name, &text);
            let excepted = rule.except.iter().any(|start| name.starts_with(start));
            for word in rule.words.iter().filter(|word| !excepted && names(&code, word)) {
                broken.push(format!("{name} names {word}, but {}", rule.because));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_rules_see_what_they_forbid() {
    assert!(names("use std::fs;", "std::fs") && names("println!(\"x\")", "println!"));
    assert!(!names("eprintln!(\"x\")", "println!") && !names("hkdf_like", "hkdf"));
    let crypto = sources("shared/src")
        .into_iter()
        .filter(|(name, _)| name.starts_with("shared/src/crypto/"));
    assert!(crypto.into_iter().any(|(name, text)| names(&code(&name, &text), "chacha20poly1305")));
}

#[test]
fn each_file_opens_with_its_contract() {
    let without = |(name, text): (String, String)| (!text.starts_with("//!")).then_some(name);
    let broken: Vec<String> =
        CRATES.iter().flat_map(|folder| sources(folder)).filter_map(without).collect();
    assert!(broken.is_empty(), "without a first line that begins with //!: {broken:#?}");
}

#[test]
fn no_crate_depends_on_what_it_may_not_use() {
    for (manifest, forbidden) in DEPENDENCIES {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        for name in forbidden {
            let depends = |line: &str| line.split(['.', ' ', '=']).next() == Some(name);
            assert!(!text.lines().any(depends), "{manifest} depends on {name}");
        }
    }
}
