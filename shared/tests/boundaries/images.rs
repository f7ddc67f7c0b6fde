//! What an image is built from is known by its digest: a tag means another thing tomorrow.

use super::root;

/// What a Dockerfile takes from elsewhere without naming its digest.
fn unpinned(dockerfile: &str) -> Vec<String> {
    let mut stages: Vec<&str> = vec!["scratch"];
    let mut found = Vec::new();
    for line in dockerfile.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(instruction) = words.first().map(|word| word.to_ascii_uppercase()) else {
            continue;
        };
        let image = match instruction.as_str() {
            "FROM" => words[1..].iter().find(|word| !word.starts_with("--")).copied(),
            "COPY" | "ADD" | "RUN" => {
                words.iter().find_map(|word| word.split_once("from=")).map(|(_, rest)| {
                    rest.split(',').next().expect("a text has a first part, if an empty one")
                })
            }
            "#" if line.contains("syntax=") => Some(line),
            _ => None,
        };
        if let Some(image) = image.filter(|image| !stages.contains(image) && !is_pinned(image)) {
            found.push(image.to_owned());
        }
        if let [.., "AS" | "as", stage] = words[..] {
            stages.push(stage);
        }
    }
    found
}

fn is_pinned(image: &str) -> bool {
    image.split_once("@sha256:").is_some_and(|(_, digest)| {
        digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[test]
fn each_base_of_an_image_is_pinned_by_its_digest() {
    let mut seen = 0;
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if name.ends_with("Dockerfile") || name.starts_with("Dockerfile") {
                let found = unpinned(&std::fs::read_to_string(&path).unwrap());
                assert!(found.is_empty(), "{}: without a digest: {found:?}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "there is no Dockerfile");
}

#[test]
fn a_tag_is_no_digest() {
    let digest = "a".repeat(64);
    for (dockerfile, expected) in [
        ("FROM rust:1.95 AS build", 1),
        ("from --platform=linux/amd64 rust:1.95", 1),
        ("FROM rust@sha256:12", 1),
        ("FROM scratch\nCOPY --from=busybox /bin/sh /", 1),
        ("FROM scratch\nRUN --mount=type=bind,from=busybox,source=/a ls", 1),
        ("# syntax=docker/dockerfile:1\nFROM scratch", 1),
        ("FROM scratch AS a\nFROM a\nCOPY --from=a /x /x", 0),
        (&format!("FROM rust:1.95@sha256:{digest} AS a\nFROM a"), 0),
    ] {
        assert_eq!(unpinned(dockerfile).len(), expected, "{dockerfile}");
    }
}
