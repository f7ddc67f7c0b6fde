//! The chart: what it makes is what `seal install` prints, and what it refuses is refused before anything is made.

use serde_json::Value;

use crate::helm::{Helm, Objects, chart, objects, root, seal_install};

/// Flags of `seal install`, and values of the chart, that say the same.
const SAME: [(&[&str], &[&str]); 13] = [
    (&[], &[]),
    (&["--replicas", "3", "--log-format", "json"], &["replicas=3", "logFormat=json"]),
    (&["--namespaces", "prod,stage"], &["namespaces={prod,stage}"]),
    (&["--allow-cluster-wide"], &["allowClusterWide=true"]),
    (
        &["--require-existing-key", "--attach-pull-secrets"],
        &["requireExistingKey=true", "attachPullSecrets=true"],
    ),
    (
        &["--namespaces", "prod,stage", "--attach-pull-secrets"],
        &["namespaces={prod,stage}", "attachPullSecrets=true"],
    ),
    (&["--recipients-readers", "none"], &["recipientsReaders=null"]),
    (&["--recipients-readers", "dev,system:masters"], &["recipientsReaders={dev,system:masters}"]),
    (&["--without-deletion-guard"], &["deletionGuard.enabled=false"]),
    (
        &["--image", "registry.example/seal-system/it:v9"],
        &["image.repository=registry.example/seal-system/it", "image.tag=v9"],
    ),
    (
        &["--git", "--git-namespaces", "prod,stage"],
        &["git.enabled=true", "git.namespaces={prod,stage}"],
    ),
    (
        &[
            "--git",
            "--log-format",
            "json",
            "--git-namespaces",
            "prod",
            "--git-namespace",
            "sources",
            "--git-cluster-sealed-secrets",
        ],
        &[
            "git.enabled=true",
            "git.namespaces={prod}",
            "logFormat=json",
            "git.namespace=sources",
            "git.clusterSealedSecrets=true",
        ],
    ),
    (
        &["--git", "--git-namespaces", "seal-system-test", "--namespaces", "seal-system-test"],
        &["git.enabled=true", "git.namespaces={seal-system-test}", "namespaces={seal-system-test}"],
    ),
];

#[test]
fn the_chart_makes_what_seal_install_prints() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    for namespace in ["seal-system", "sealing"] {
        for (flags, values) in SAME {
            let mut printed = seal_install(&[&["--namespace", namespace], flags].concat());
            // Helm makes the release's namespace itself, with `--create-namespace`.
            printed.remove(&format!("Namespace//{namespace}")).unwrap();
            let rendered = render(&helm, namespace, values);
            let names = |of: &Objects| -> Vec<String> { of.keys().cloned().collect() };
            assert_eq!(names(&rendered), names(&printed), "{flags:?}");
            for (name, object) in &printed {
                assert_eq!(&rendered[name], object, "{name} with {flags:?}");
            }
        }
    }
}

fn render(helm: &Helm, namespace: &str, values: &[&str]) -> Objects {
    let chart = chart();
    let mut args = vec!["template", "any", &chart, "--namespace", namespace];
    values.iter().for_each(|value| args.extend(["--set", value]));
    objects(&helm.succeeds(&args))
}

#[test]
fn helm_finds_nothing_to_say_about_the_chart() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    let everything = "git.enabled=true,git.namespaces={a},monitoring.serviceMonitor=true,monitoring.prometheusRule=true,monitoring.dashboard=true";
    for values in ["replicas=2", everything] {
        let said = helm.succeeds(&["lint", "--strict", "--set", values, &chart()]);
        assert!(!said.contains("WARNING") && !said.contains("[ERROR]"), "{said}");
    }
}

#[test]
fn a_value_that_is_wrong_or_contradicts_another_is_refused_and_named() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    for (values, named) in [
        ("replica=3", "replica"),
        ("replicas=two", "replicas"),
        ("namespaces={Prod}", "namespaces"),
        ("namespaces={seal-system}", "seal-system holds the keys"),
        ("namespaces={prod},allowClusterWide=true", "namespaces names some"),
        ("namespaces={seal-git}", "nothing is ever opened there"),
        ("namespaces={a},git.enabled=true,git.namespaces={b}", "would not be opened"),
        ("git.clusterSealedSecrets=true", "git.enabled is not set"),
        ("extraArgs={--namespaces=b}", "has a value of its own"),
        ("git.extraArgs={--log-format=json}", "has a value of its own"),
        ("image.repository=registry.example/it:1", "repository"),
        ("podLabels.app\\.kubernetes\\.io/name=it", "app.kubernetes.io/name"),
        ("git=null", "git"),
        ("git.enabled=true", "git/namespaces"),
        (
            "git.enabled=true,git.namespaces={a},git.namespace=seal-system",
            "what fetches must not read keys",
        ),
        ("git.enabled=true,git.namespaces={seal-git}", "nothing is ever applied in seal-git"),
        ("image.digest=sha256:12", "digest"),
        ("extraArgs={workers}", "extraArgs"),
        ("resources.limits.memory=lots", "memory"),
    ] {
        let chart = chart();
        let args = ["template", "any", &chart, "--namespace", "seal-system", "--set", values];
        let output = helm.run(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{values} is taken");
        assert!(said.contains(named), "{values}: {said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn pods_are_scheduled_and_labelled_as_the_values_say() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    let values = [
        "imagePullSecrets[0].name=regcred",
        "nodeSelector.disk=ssd",
        "tolerations[0].key=infra,tolerations[0].operator=Exists",
        "affinity.nodeAffinity.x=y",
        "priorityClassName=system-cluster-critical",
        "podLabels.team=platform",
        "podAnnotations.note=1.5",
        "image.digest=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "image.pullPolicy=Always",
        "resources.limits.memory=1Gi",
        "extraArgs={--workers=4}",
        "replicas=1",
        "git.enabled=true,git.namespaces={a}",
    ];
    let rendered = render(&helm, "seal-system", &values);
    for name in ["Deployment/seal-system/seal-controller", "Deployment/seal-git/seal-git"] {
        let template = &rendered[name]["spec"]["template"];
        let spec = &template["spec"];
        assert_eq!(spec["imagePullSecrets"][0]["name"], "regcred");
        assert_eq!(spec["nodeSelector"]["disk"], "ssd");
        assert_eq!(spec["tolerations"][0]["operator"], "Exists");
        assert_eq!(spec["affinity"]["nodeAffinity"]["x"], "y");
        assert_eq!(spec["priorityClassName"], "system-cluster-critical");
        assert_eq!(template["metadata"]["labels"]["team"], "platform");
        assert_eq!(template["metadata"]["annotations"]["note"], "1.5");
        let image = spec["containers"][0]["image"].as_str().unwrap();
        assert!(image.starts_with("seal-controller@sha256:aaa"), "{image}");
        assert_eq!(spec["containers"][0]["imagePullPolicy"], "Always");
    }
    let controller = &rendered["Deployment/seal-system/seal-controller"]["spec"];
    assert_eq!(controller["replicas"], 1);
    let container = &controller["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(container["args"], Value::from(vec!["--workers=4"]));
}

#[test]
fn monitoring_comes_for_the_namespace_of_the_release_when_it_is_asked_for() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    let off = render(&helm, "sealing", &[]);
    let options = ["serviceMonitor", "prometheusRule", "dashboard"];
    let on = options.map(|it| format!("monitoring.{it}=true"));
    let rendered = render(&helm, "sealing", &on.each_ref().map(String::as_str));
    let added: Vec<&String> = rendered.keys().filter(|it| !off.contains_key(*it)).collect();
    assert_eq!(
        added,
        [
            "ConfigMap/sealing/seal-dashboard",
            "PrometheusRule/sealing/seal",
            "ServiceMonitor/sealing/seal"
        ]
    );
    let dashboard =
        rendered["ConfigMap/sealing/seal-dashboard"]["data"]["seal.json"].as_str().unwrap();
    let shipped = std::fs::read_to_string(
        root().join("controller/deploy/chart/files/monitoring/dashboard.json"),
    )
    .unwrap();
    let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    assert_eq!(parsed(dashboard), parsed(&shipped));
}

/// A namespace, group or image is a text, whatever it looks like.
#[test]
fn what_looks_like_a_number_or_a_truth_value_is_a_text_all_the_same() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    let json = r#"namespaces=["123","on"],recipientsReaders=["true"],git={"enabled":true,"namespace":"1e5","namespaces":["123"]}"#;
    let chart = chart();
    let mut args = vec!["template", "any", &chart, "--namespace", "777", "--set-json", json];
    args.extend(["--set-string", "priorityClassName=yes"]);
    let rendered = objects(&helm.succeeds(&args));
    let flags = ["--namespace", "777", "--namespaces", "123,on", "--recipients-readers", "true"];
    let git = ["--git", "--git-namespace", "1e5", "--git-namespaces", "123"];
    let printed = seal_install(&[&flags[..], &git].concat());
    for (name, object) in rendered.iter().chain(&printed) {
        let namespace = &object["metadata"]["namespace"];
        assert!(namespace.is_null() || namespace.is_string(), "{name}");
        assert!(object["metadata"]["name"].is_string(), "{name}");
    }
    let names = |of: &Objects| -> Vec<String> {
        of.keys().filter(|it| *it != "Namespace//777").cloned().collect()
    };
    assert_eq!(names(&rendered), names(&printed));
    let spec = &rendered["Deployment/777/seal-controller"]["spec"]["template"]["spec"];
    assert_eq!(spec["priorityClassName"], "yes");
}

/// Part of another chart, or beside another release.
#[test]
fn the_kinds_are_left_out_where_they_are_there_and_a_parent_may_switch_the_chart() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    let git = "git.enabled=true,git.namespaces={a}";
    for (values, kinds) in [
        ("enabled=true", 2),
        (git, 3),
        (&format!("{git},crds.sealedSecrets=false"), 1),
        (&format!("{git},crds.gitSources=false"), 2),
    ] {
        let rendered = render(&helm, "two", &[values]);
        let found =
            rendered.keys().filter(|it| it.starts_with("CustomResourceDefinition/")).count();
        assert_eq!(found, kinds, "{values}");
    }
}

#[test]
fn what_scrapes_and_shows_has_the_labels_by_which_it_is_chosen_and_sees_both_processes() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    let all = [
        "monitoring.serviceMonitor=true",
        "monitoring.prometheusRule=true",
        "monitoring.dashboard=true",
    ];
    let values = [&all[..], &["monitoring.labels.release=kps", "git.namespace=sources"]].concat();
    let rendered = render(&helm, "sealing", &values);
    for name in [
        "ConfigMap/sealing/seal-dashboard",
        "PrometheusRule/sealing/seal",
        "ServiceMonitor/sealing/seal",
    ] {
        let labels = &rendered[name]["metadata"]["labels"];
        assert_eq!(
            (&labels["release"], &labels["app.kubernetes.io/name"]),
            (&"kps".into(), &"seal".into())
        );
    }
    let watched =
        &rendered["ServiceMonitor/sealing/seal"]["spec"]["namespaceSelector"]["matchNames"];
    assert_eq!(*watched, serde_json::json!(["sealing", "sources"]));
}

/// OpenShift gives each namespace a range of users, and refuses a pod that names another one.
#[test]
fn the_user_may_be_left_to_the_platform_and_root_may_not_be_asked_for() {
    let Some(helm) = Helm::new(seal_testing::test_name!()) else { return };
    let values = [
        "podSecurityContext.runAsUser=null,podSecurityContext.runAsGroup=null",
        "git.enabled=true,git.namespaces={a}",
    ];
    let rendered = render(&helm, "seal-system", &values);
    for name in ["Deployment/seal-system/seal-controller", "Deployment/seal-git/seal-git"] {
        let context = &rendered[name]["spec"]["template"]["spec"]["securityContext"];
        assert_eq!(
            *context,
            serde_json::json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}})
        );
    }
    for wrong in ["podSecurityContext.runAsUser=0", "podSecurityContext.runAsNonRoot=false"] {
        assert!(
            !helm.run(&["template", "any", &chart(), "--set", wrong]).status.success(),
            "{wrong}"
        );
    }
}

#[test]
fn pods_that_do_not_work_hold_up_no_drain() {
    let printed = seal_install(&[]);
    let budget = &printed["PodDisruptionBudget/seal-system/seal-controller"]["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    assert_eq!(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow");
}

/// What the programs are called by is one version; what would take live Secrets along stays when the release goes.
#[test]
fn the_chart_has_the_version_of_the_programs_and_keeps_what_holds_data() {
    let text = std::fs::read_to_string(format!("{}/Chart.yaml", chart())).unwrap();
    let about: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["appVersion"], env!("CARGO_PKG_VERSION"));
    let printed = seal_install(&["--git", "--git-namespaces", "prod"]);
    let kept: Vec<&String> = printed
        .iter()
        .filter(|(_, object)| {
            object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        kept,
        [
            "CustomResourceDefinition//clustersealedsecrets.seal.dev",
            "CustomResourceDefinition//gitsources.seal.dev",
            "CustomResourceDefinition//sealedsecrets.seal.dev",
            "Namespace//seal-git",
            "ValidatingAdmissionPolicy//seal-system-deletion-guard",
            "ValidatingAdmissionPolicyBinding//seal-system-deletion-guard",
        ]
    );
}
