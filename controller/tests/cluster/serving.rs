//! Endpoints, metrics, a clean stop, and the canary that must be nowhere.

use k8s_openapi::api::core::v1::{Event, Secret};
use seal_core::kind::sealed::SealedSecret;
use seal_testing::eventually;

use crate::support::{CANARY, Controller, ends, foreign, get, quiet, with};

#[tokio::test]
async fn the_endpoints_answer_and_no_label_names_an_object() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    for path in ["livez", "readyz"] {
        assert_eq!(get(&format!("{}/{path}", controller.url)).await.0, 200, "{path}");
    }
    ns.create(controller.seal(&ns, "unusual-name", &[("unusual-key", "1")])).await;
    ends(&ns, "unusual-name", "Applied").await;
    controller.is_idle().await; // the status is written before it is counted
    let (code, text) = get(&format!("{}/metrics", controller.url)).await;
    assert_eq!(code, 200);
    let key = controller.fingerprint();
    for line in [
        r#"seal_controller_reconciles_total{result="applied",reason="Applied"} 1"#.to_owned(),
        r#"seal_controller_sealed_objects{state="Applied"} 1"#.to_owned(),
        format!(r#"seal_controller_sealed_objects_by_key{{key="{key}"}} 1"#),
        "seal_controller_queue_depth 0".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("unusual") && !text.contains(&ns.name));
    for path in ["v1/decrypt", "v1/rotate", "v1/verify", ""] {
        assert_eq!(get(&format!("{}/{path}", controller.url)).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_stop_is_clean_and_the_next_start_takes_up_what_was_left() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    ns.create(controller.seal(&ns, "before", &[("a", "1")])).await;
    ends(&ns, "before", "Applied").await;
    let later = controller.seal(&ns, "while-stopped", &[("a", "1")]);
    let home = controller.namespace.clone();
    let (took, log) = controller.process.terminate().await;
    assert!(log.trim_end().ends_with("stopped"), "{log}");
    assert!(took.as_secs() < 5, "Kubernetes would have killed it");
    ns.create(later).await;
    let _again = Controller::start(cluster, &home, &["--namespaces", &ns.name]).await;
    ends(&ns, "while-stopped", "Applied").await;
}

#[tokio::test]
async fn a_stop_amid_a_cold_start_is_clean_though_the_watch_waits_for_the_workers() {
    const OBJECTS: usize = 30;
    let Some(cluster) = quiet!() else { return };
    let (ns, home) = (cluster.namespace().await, cluster.namespace().await);
    let first = Controller::start_in(cluster, &home, &ns, &[]).await;
    let value = "x".repeat(200_000);
    let name = |n: usize| format!("s{n:02}");
    let sealed: Vec<_> =
        (0..OBJECTS).map(|n| first.seal(&ns, &name(n), &[("a", &value)])).collect();
    first.process.terminate().await;
    for sealed in sealed {
        ns.create(sealed).await;
    }
    // One worker: most of the list is still to be taken when the first object is done.
    let args = ["--namespaces", &ns.name, "--workers", "1"];
    let process = Controller::spawn(cluster, &home.name, &args).await;
    eventually("the first live Secret is there", async || {
        (!ns.list::<Secret>().await.is_empty()).then_some(())
    })
    .await;
    let (took, log) = process.terminate().await;
    assert!(took.as_secs() < 5 && log.trim_end().ends_with("stopped"), "{took:?} {log}");
    let _again = Controller::start_in(cluster, &home, &ns, &[]).await;
    for n in 0..OBJECTS {
        ends(&ns, &name(n), "Applied").await;
    }
}

#[tokio::test]
async fn a_canary_value_is_in_no_log_event_status_or_metric() {
    let Some(cluster) = quiet!() else { return };
    let ns = cluster.namespace().await;
    let controller = Controller::own(cluster, &ns, &[]).await;
    // The good way, a foreign Secret, an invalid Secret, damage, a move, a repair: each with the canary in it.
    ns.create(foreign("foreign", &[("k", CANARY)])).await;
    let invalid = seal_core::kind::sealed::Template {
        type_: Some("kubernetes.io/dockerconfigjson".into()),
        ..Default::default()
    };
    let mut damaged = controller.seal(&ns, "damaged", &[("k", CANARY)]);
    let value = &mut damaged.spec.values.get_mut("k").unwrap().payload;
    value.replace_range(40..44, "AAAA");
    let mut moved = controller.seal(&ns, "moved", &[("k", CANARY)]);
    moved.spec.scope.name = "*".into();
    for (sealed, reason) in [
        (controller.seal(&ns, "good", &[("k", CANARY)]), "Applied"),
        (controller.seal(&ns, "foreign", &[("k", CANARY)]), "NotOurs"),
        (
            with(invalid, controller.seal(&ns, "invalid", &[(".dockerconfigjson", CANARY)])),
            "Malformed",
        ),
        (damaged, "Damaged"),
        (moved, "NotSealedForThis"),
    ] {
        let name = sealed.metadata.name.clone().unwrap();
        ns.create(sealed).await;
        ends(&ns, &name, reason).await;
    }
    let edit = serde_json::json!({"stringData": {"k": format!("{CANARY}-edited"), "more": CANARY}});
    ns.patch::<Secret>("good", edit).await;
    ns.eventually_event("good", "Repaired").await;

    let metrics = get(&format!("{}/metrics", controller.url)).await.1;
    let events = serde_json::to_string(&ns.list::<Event>().await).unwrap();
    let objects = serde_json::to_string(&ns.list::<SealedSecret>().await).unwrap();
    let (_, log) = controller.process.terminate().await;
    for (place, text) in
        [("metrics", metrics), ("events", events), ("objects", objects), ("log", log)]
    {
        assert!(!text.contains("canary"), "the canary is in the {place}");
        assert!(!text.contains("Y2FuYXJ5"), "the canary is in the {place} as base64");
    }
}
