//! Flyte's agents, which are also called connectors (`charts/flyteconnector/templates`, v1.16; flytekit `core/context_manager.py`).
//!
//! All of them read one Secret, which the chart or a person makes and to which others add keys with `kubectl patch`. It is mounted
//! at `/etc/secrets`, and flytekit looks for a file of the key's lower case, so a key with capitals is never found.

use super::super::rules::{self, type_of};
use super::super::seen::Seen;
use super::super::{Options, PresetError};
use crate::manifest::Manifest;
use crate::place::Place;
use crate::secret::SecretValue;

pub(in super::super) const TAKES_EFFECT: &str = "the agent's pod has it when the kubelet has synced the mount, within about a minute; what an agent read when it started it has after a restart";

const NAMESPACE: &str = "flyte";
const NAME: &str = "flyteagent";

/// Other releases of the chart call both otherwise.
pub(in super::super) fn place(
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Place, PresetError> {
    rules::place(namespace.unwrap_or(NAMESPACE), name.unwrap_or(NAME))
}

pub(in super::super) fn shape(
    options: &Options,
    manifest: &mut Manifest,
) -> Result<(), PresetError> {
    opaque(type_of(Some(&manifest.template)))?;
    if let Some(key) = &options.key {
        let hint = "leave --key out to keep several keys";
        rules::only_key(manifest, key, "--key", hint)?;
    }
    manifest.values.keys().try_for_each(|key| check_key(key))
}

pub(in super::super) fn check(seen: &Seen<'_>) -> Result<(), PresetError> {
    opaque(seen.type_)?;
    seen.keys.iter().try_for_each(|key| check_key(key))
}

fn opaque(type_: &str) -> Result<(), PresetError> {
    if type_ == "Opaque" {
        return Ok(());
    }
    Err(PresetError::new(
        format!("its type is {type_}, and the Secret of Flyte's agents is Opaque"),
        "leave the type out",
    ))
}

pub(in super::super) fn entry(
    key: &str,
    value: SecretValue,
) -> Result<(String, SecretValue), PresetError> {
    check_key(key).map(|()| (key.to_owned(), value))
}

fn check_key(key: &str) -> Result<(), PresetError> {
    let lower = key.to_ascii_lowercase();
    if lower == key {
        return Ok(());
    }
    Err(PresetError::new(
        format!("the key {key} has capitals, and an agent looks for a file in lower case"),
        format!("call it {lower}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_no_agent_would_find_is_refused() {
        assert!(check_key("openai_api_key").is_ok());
        assert_eq!(check_key("OPENAI_API_KEY").unwrap_err().hint, "call it openai_api_key");
    }
}
