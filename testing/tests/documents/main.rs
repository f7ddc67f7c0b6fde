//! Every command of the README and of `docs/` does what the page says, from its first line to its last.
//!
//! A page is a test. It runs in a folder of its own; what it needs and what cannot run here stands in it as comments,
//! which `page.rs` explains.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod install;
mod page;
mod shell;
mod words;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use page::Page;
use world::World;

/// Blocks that cannot run here. Each says in the page why; one more is a decision.
const NOT_RUN: usize = 6;

macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                runs($page, seal_testing::test_name!()).await;
            }
        )*
    };
}

pages! {
    readme: "README.md",
    tutorial_local: "docs/tutorial/local.md",
    tutorial_cluster: "docs/tutorial/cluster.md",
    tutorial_first_hour: "docs/tutorial/first-hour.md",
    platforms_openfaas: "docs/platforms/openfaas.md",
    platforms_pachyderm: "docs/platforms/pachyderm.md",
    platforms_flyte: "docs/platforms/flyte.md",
    platforms_kestra: "docs/platforms/kestra.md",
    platforms_direktiv: "docs/platforms/direktiv.md",
    how_to_access: "docs/how-to/access.md",
    how_to_check: "docs/how-to/check.md",
    how_to_clusters: "docs/how-to/clusters.md",
    how_to_edit: "docs/how-to/edit.md",
    how_to_git: "docs/how-to/git.md",
    how_to_gitops: "docs/how-to/gitops.md",
    how_to_install: "docs/how-to/install.md",
    how_to_keys: "docs/how-to/keys.md",
    how_to_keys_for_namespaces: "docs/how-to/keys-for-namespaces.md",
    how_to_leaked_key: "docs/how-to/leaked-key.md",
    how_to_local: "docs/how-to/local.md",
    how_to_merge: "docs/how-to/merge.md",
    how_to_move: "docs/how-to/move.md",
    how_to_move_in: "docs/how-to/move-in.md",
    how_to_namespaces: "docs/how-to/namespaces.md",
    how_to_pull_secrets: "docs/how-to/pull-secrets.md",
    how_to_registry: "docs/how-to/registry.md",
    how_to_take_over: "docs/how-to/take-over.md",
    how_to_wait: "docs/how-to/wait.md",
    how_to_apply_from_git: "docs/how-to/apply-from-git.md",
    how_to_kustomize_and_helm: "docs/how-to/kustomize-and-helm.md",
    how_to_without_a_cluster: "docs/how-to/without-a-cluster.md",
    reference_policy: "docs/reference/policy.md",
}

async fn runs(name: &str, test: &str) {
    let page = read(name);
    let Some(mut world) = World::for_page(&page, test).await else { return };
    for step in &page.steps {
        world.run(name, step).await;
    }
    world.end(name);
}

#[test]
fn every_page_with_commands_is_a_test() {
    let missing: Vec<_> = all_pages()
        .into_iter()
        .filter(|name| !read(name).steps.is_empty() && !PAGES.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "pages with commands that no test runs: {missing:?}");
}

#[test]
fn blocks_that_do_not_run_have_a_reason_and_are_counted() {
    let all: Vec<_> = all_pages().into_iter().map(|name| (read(&name).not_run, name)).collect();
    let count: usize = all.iter().map(|(not_run, _)| not_run.len()).sum();
    assert_eq!(count, NOT_RUN, "{all:#?}");
    assert!(all.iter().flat_map(|(not_run, _)| not_run).all(|(_, reason)| !reason.is_empty()));
}

/// To a file of the repository, or to a heading of the same page or of another.
#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for name in all_pages() {
        let text = text_of(&name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&name).parent().unwrap();
            let target = if path.is_empty() { PathBuf::from(&name) } else { folder.join(path) };
            let leads = root().join(&target).is_file()
                && (heading.is_empty()
                    || headings(&text_of(target.to_str().unwrap())).contains(&heading.to_owned()));
            if !leads {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// As the usual forges make an anchor of a heading.
fn headings(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|line| {
            line.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>()
        })
        .map(|line| line.replace(' ', "-"))
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text_of(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|_| panic!("{name} is not there"))
}

fn read(name: &str) -> Page {
    page::read(name, &text_of(name))
}

fn all_pages() -> Vec<String> {
    let mut pages = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md"]
        .map(str::to_owned)
        .to_vec();
    find_pages("docs", &mut pages);
    pages
}

fn find_pages(folder: &str, pages: &mut Vec<String>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let name = format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap());
        if root().join(&name).is_dir() {
            find_pages(&name, pages);
        } else if name.ends_with(".md") {
            pages.push(name);
        }
    }
}
