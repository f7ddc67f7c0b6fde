//! The command line, as its users meet it: text in and text out. One file per promise lies in `tests/cmd`.

mod bounds;
mod canary;
mod checking;
mod clusters;
mod demo;
mod diffing;
mod edit;
mod editing;
mod entering;
mod exit_codes;
mod exposing;
mod fetching;
mod formatting;
mod gate;
mod generators;
mod git_drivers;
mod git_hostile;
mod hints;
mod hooks;
mod inspecting;
mod installing;
mod json;
mod key_lists;
mod keys;
mod layouts;
mod manual;
mod mistakes;
mod old_keys;
mod opening;
mod options;
mod output;
mod pachyderm;
mod parallel;
mod pipes;
mod planted;
mod policy;
mod presets;
mod prompting;
mod recipients;
mod registry;
mod renaming;
mod replacing;
mod resealing;
mod reviewing;
mod ruled;
mod saying;
mod sealing;
mod sealing_again;
mod slips;
mod spellings;
mod surroundings;
mod terminal;
mod trees;
mod world;

/// Every block of `tests/cmd` runs as it is printed.
#[test]
fn every_printed_command_does_what_is_printed() {
    trycmd::TestCases::new().case("tests/cmd/*.md").env("HOME", "/nonexistent");
}
