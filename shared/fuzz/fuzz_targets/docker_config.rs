//! Any bytes as the docker config of somebody else: through the reader that is as loose as the kubelet, the strict one that
//! decides what pods get, and the one that writes into the file of a docker client. No panic, no message that takes over a
//! terminal, memory by the text's size; what the strict one takes the loose one takes too, and entries of others stay.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use seal_core::layout::{Change, FileLayout, Held, Wanted};
use seal_core::pull_secret::is_readable;
use seal_core::registry::{CONFIG_KEY, CONFIG_TYPE, Login, Registry, RegistryError, Shape, check, login_of};
use seal_core::secret::SecretValue;
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Where an entry of ours goes.
const OURS: &str = "ours.example";

fuzz_target!(|config: &[u8]| {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    read(config);
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(peak <= 1024 * 1024 + 64 * config.len(), "{peak} bytes for {}", config.len());
    lay(config);
});

fn read(config: &[u8]) {
    let seen = [Shape::ConfigJson, Shape::Cfg].map(|shape| check(shape, config));
    let is_strict = readable(CONFIG_TYPE, CONFIG_KEY, config);
    assert!(!is_strict || seen[0].is_ok());
    assert!(!readable("kubernetes.io/dockercfg", ".dockercfg", config) || seen[1].is_ok());
    seen.into_iter().for_each(|said| match said {
        Ok(warnings) => warnings.iter().for_each(|warning| presentable(warning)),
        Err(error) => refused(&error),
    });
    for host in hosts(config) {
        match login_of(config, &host) {
            Ok(login) => is_found_again(&login, &host),
            Err(error) => refused(&error),
        }
    }
}

fn readable(type_: &str, key: &str, config: &[u8]) -> bool {
    is_readable(type_, &BTreeMap::from([(key.to_owned(), SecretValue::from(config))]))
}

/// Registries to look for: the names in the text, of which each that is taken is known by its own key.
fn hosts(config: &[u8]) -> Vec<Registry> {
    let text = String::from_utf8_lossy(config);
    let mut found = vec![Registry::parse("ghcr.io").expect("a registry")];
    for name in text.split('"').take(64) {
        match Registry::parse(name) {
            Ok(registry) => {
                let again = Registry::parse(registry.key()).expect("a key is a registry");
                assert_eq!(again.key(), registry.key());
                registry.warnings().iter().for_each(|warning| presentable(warning));
                found.push(registry);
            }
            Err(error) => refused(&error),
        }
    }
    found
}

/// What was taken out of a config makes one that every reader takes.
fn is_found_again(login: &Login, host: &Registry) {
    let config = login.config(host);
    assert!(check(Shape::ConfigJson, config.expose()).is_ok());
    assert!(readable(CONFIG_TYPE, CONFIG_KEY, config.expose()));
    let again = login_of(config.expose(), host).expect("our own config");
    assert_eq!(again.username(), login.username());
}

/// An entry of ours comes and goes; nothing else of the file changes.
fn lay(config: &[u8]) {
    let layout = FileLayout::DockerConfig;
    let Ok(held) = Held::read(layout, Some(config)) else { return };
    if held.in_the_way(OURS, false).is_some() {
        return;
    }
    let login = SecretValue::from(&b"{\n\t\t\t\"auth\": \"dTpw\"\n\t\t}"[..]);
    let set = Wanted { set: [(OURS, &login)].into(), ..Wanted::default() };
    let Change::Write(with) = held.change(&set) else { panic!("it was not there") };
    let held = Held::read(layout, Some(with.expose())).expect("our own file");
    assert!(held.is_same(OURS, &login));
    assert!(matches!(held.change(&set), Change::Nothing));
    let out = Wanted { ours: BTreeSet::from([OURS]), ..Wanted::default() };
    let Change::Write(without) = held.change(&out) else { panic!("it was there") };
    assert_eq!(rest(config), rest(without.expose()));
}

/// Everything in a file, but that `auths` is there.
fn rest(config: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(config).ok()?;
    let mut top: Value = match text.trim() {
        "" => Value::Object(Default::default()),
        text => serde_json::from_str(text).ok()?,
    };
    let auths = top.as_object_mut()?.entry("auths").or_insert(Value::Null);
    if matches!(auths, Value::Null) || *auths == "" {
        *auths = Value::Object(Default::default());
    }
    Some(top)
}

fn refused(error: &RegistryError) {
    presentable(&error.message);
    presentable(&error.hint);
}

fn presentable(message: &str) {
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.len() < 64 * 1024, "{}", message.len());
}
