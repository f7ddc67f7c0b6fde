//! What reading a text costs in memory, measured at the allocator: never more than its size allows.
//!
//! The same property as the fuzz target `manifest`, over changes of every test file and over texts made of the signs that
//! decide; from a fixed generator, the same on every run.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers are tests too, which clippy does not see

use std::path::Path;

use peak_alloc::PeakAlloc;
use seal_core::kind::file;
use seal_core::{manifest, policy_file};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What `yaml/budget.rs` allows, twice because what grows has room to grow, and what is made of the tree.
fn bound(text: &str) -> usize {
    24 * 1024 * 1024 + 64 * text.len()
}

fn reads_within_bounds(text: &str) {
    let readers: [fn(&str); 3] = [
        |text| drop(manifest::read(text, &Default::default())),
        |text| drop(file::read(text)),
        |text| drop(policy_file::read(text)),
    ];
    for read in readers {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        read(text);
        let peak = ALLOCATOR.peak_usage() - before;
        let begins: String = text.chars().take(300).collect();
        assert!(peak <= bound(text), "{peak} bytes for {} of {begins:?}", text.len());
    }
}

struct Generator(u64);

impl Generator {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

const SIGNS: [&str; 30] = [
    "&a ",
    "*a",
    "&b ",
    "*b",
    "{",
    "}",
    "[",
    "]",
    ",",
    ": ",
    "- ",
    "? ",
    "\n",
    "\n  ",
    "\n    ",
    "<<: ",
    "'",
    "\"",
    "\\",
    "|\n",
    "k",
    "v",
    "---\n",
    "...\n",
    "!!str ",
    "!!binary ",
    "#",
    "~",
    "{a},",
    "[*a,*a],",
];

fn of_signs(generator: &mut Generator) -> String {
    let mut text = String::new();
    for _ in 0..generator.below(60) {
        let sign = SIGNS[generator.below(SIGNS.len())];
        let times = match generator.below(12) {
            0 => generator.below(1000),
            1..4 => generator.below(20),
            _ => 1,
        };
        text += &sign.repeat(times);
    }
    text
}

/// `text` with a few places changed, doubled or taken out.
fn changed(text: &str, generator: &mut Generator) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=generator.below(4) {
        let at = generator.below(chars.len() + 1);
        let to = (at + generator.below(200)).min(chars.len());
        let sign = SIGNS[generator.below(SIGNS.len())];
        match generator.below(4) {
            0 => drop(chars.drain(at..to)),
            1 => drop(chars.splice(at..at, sign.chars())),
            2 => drop(chars.splice(at..to, sign.chars())),
            _ => {
                let again: Vec<char> = chars[at..to].repeat(generator.below(30));
                chars.splice(at..at, again);
            }
        }
    }
    chars.into_iter().collect()
}

/// One test: the allocator is one for the whole process.
#[test]
fn a_text_takes_no_more_memory_than_its_size_allows() {
    let mut generator = Generator(0x2545_f491_4f6c_dd1d);
    for _ in 0..200 {
        reads_within_bounds(&of_signs(&mut generator));
    }
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    for folder in ["vectors", "reject", "reject/manifest", "secrets"] {
        for entry in std::fs::read_dir(testdata.join(folder)).unwrap() {
            let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
            reads_within_bounds(&text);
            for _ in 0..usize::from(text.len() < 20_000) {
                reads_within_bounds(&changed(&text, &mut generator));
            }
        }
    }
    for text in bombs() {
        reads_within_bounds(&text);
    }
}

/// What was made to cost most for its size, each with and without a manifest's first lines.
fn bombs() -> Vec<String> {
    let long = "x".repeat(200_000);
    let uses = "*a,".repeat(20_000);
    let layers = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))
    });
    let blocks: String = (0..8_000).map(|n| format!("    k{n}: {{payload: A}}\n")).collect();
    let texts = [
        layers,
        format!("a: &a {long}\nb: [{uses}]\n"),
        format!("a: &a\n  ? {long}\n  : 1\nb: [{uses}]\n"),
        format!("a: &a\n  ? {long}\n  : 1\nb: [{}]\n", "{<<: *a},".repeat(8_000)),
        format!("a: [{}]\n", "{a},".repeat(60_000)),
        format!("a: [{}]\n", "a,".repeat(80_000)),
        format!("a: [{}]\n", "[],".repeat(50_000)),
        "- \n".repeat(50_000),
        "---\na\n".repeat(20_000),
        format!("metadata: {{name: a, namespace: b}}\nspec:\n  values:\n{blocks}"),
        format!("stringData:\n{}", "  a: b\n".repeat(8_000)),
    ];
    let heads = ["apiVersion: seal.dev/v1\nkind: SealedSecret\n", "apiVersion: v1\nkind: Secret\n"];
    let with_heads = texts.iter().flat_map(|text| heads.map(|head| format!("{head}{text}")));
    let json = [
        format!("{{\"a\": [{}1]}}", "1,".repeat(100_000)),
        format!("{{\"a\": [{}1]}}", "{},".repeat(60_000)),
        format!("{{{}\"b\":1}}", (0..30_000).map(|n| format!("\"{n}\":1,")).collect::<String>()),
        "{}".repeat(60_000),
    ];
    with_heads.chain(json).collect()
}
