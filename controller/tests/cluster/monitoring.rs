//! The shipped alerts and dashboard, by Prometheus' own code, over the metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{ends, get, shared};

const ALERTS: &str = include_str!("../../deploy/chart/files/monitoring/alerts.yaml");
const TESTS: &str = include_str!("../../deploy/monitoring/alerts_test.yaml");
const DASHBOARD: &str = include_str!("../../deploy/chart/files/monitoring/dashboard.json");
const RUNBOOKS: &str = include_str!("../../../docs/runbooks.md");
const METRICS: &str = include_str!("../../../docs/reference/metrics.md");

/// What stands beneath `spec`, which is a file of rules.
fn rules() -> String {
    let (_, spec) = ALERTS.split_once("\nspec:\n").unwrap();
    spec.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line))).collect()
}

fn promtool(program: &Path, folder: &Path, args: &[&str]) {
    let output = Command::new(program).args(args).current_dir(folder).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn each_alert_fires_for_what_it_is_for_and_for_nothing_else() {
    let Some(program) = seal_testing::tool!("promtool") else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yaml"), rules()).unwrap();
    fs::write(folder.path().join("alerts_test.yaml"), TESTS).unwrap();
    promtool(
        Path::new(&program),
        folder.path(),
        &["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"],
    );
    promtool(Path::new(&program), folder.path(), &["test", "rules", "alerts_test.yaml"]);
}

#[test]
fn each_expression_of_the_dashboard_is_one() {
    let Some(program) = seal_testing::tool!("promtool") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut rules = "groups:\n- name: panels\n  rules:\n".to_owned();
    for (number, expression) in expressions().iter().enumerate() {
        let expression = Value::from(expression.as_str());
        rules += &format!("  - {{record: 'panel:{number}', expr: {expression}}}\n");
    }
    fs::write(folder.path().join("rules.yaml"), rules).unwrap();
    promtool(Path::new(&program), folder.path(), &["check", "rules", "rules.yaml"]);
}

fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The metrics that a text names, without what a histogram adds.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_part(c));
    let ours = words
        .filter(|word| ["seal_controller_", "seal_git_"].iter().any(|it| word.starts_with(it)));
    ours.map(|word| word.strip_suffix("_bucket").unwrap_or(word)).collect()
}

#[tokio::test]
async fn what_is_charted_and_alerted_on_is_what_the_controller_counts_and_the_page_has() {
    let Some((cluster, controller)) = shared!() else { return };
    let ns = cluster.namespace().await;
    ns.create(controller.seal(&ns, "db", &[("a", "1")])).await;
    ends(&ns, "db", "Applied").await;
    controller.is_idle().await; // what was never counted is not there
    let (_, metrics) = get(&format!("{}/metrics", controller.url)).await;
    let help = metrics.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let counted: BTreeSet<&str> = help.filter_map(|line| line.split(' ').next()).collect();
    let page = named(METRICS);
    let total = |name: &str| name.strip_suffix("_total").unwrap_or(name).to_owned();
    for name in named(&expressions().join(" ")).union(&named(ALERTS)) {
        assert!(page.contains(name), "docs/reference/metrics.md has no {name}");
        let is_counted = counted.contains(total(name).as_str()) || name.starts_with("seal_git_");
        assert!(is_counted, "{name}");
    }
    for name in counted {
        let is_told = page.iter().any(|told| total(told) == name);
        assert!(is_told, "docs/reference/metrics.md has no {name}");
    }
}

#[test]
fn each_alert_has_a_runbook() {
    let alerts = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: Vec<&str> = alerts.collect();
    assert_eq!(alerts.len(), 5);
    for alert in alerts {
        assert!(RUNBOOKS.contains(&format!("\n## {alert}\n")), "{alert}");
        assert!(ALERTS.contains(&format!("runbook: docs/runbooks.md#{}\n", alert.to_lowercase())));
    }
}
