//! A docker config that somebody else wrote: what the kubelet makes of it, and the one entry that is meant.
//!
//! Read as Go reads it, because the kubelet does: names of fields in any case, the last of two counts, base64 with loose last
//! bits. One entry that does not decode is an error for all credentials of a pod. Values are never quoted, nor are a parser's words.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::json::{Text, decoded};
use super::{Login, Registry, RegistryError};
use crate::escape::escaped;
use crate::fields::Fields;
use crate::secret::SecretValue;

/// Most sentences about one config.
const MOST_SAID: usize = 16;
/// Most names of registries in a hint.
const MOST_NAMED: usize = 20;
const LOGIN: &str = "`docker --config \"$(mktemp -d)\" login HOST` writes one that holds them; or seal registry HOST --username USER";

/// Which of the two forms a docker config has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `.dockerconfigjson`: the registries stand under `auths`.
    ConfigJson,
    /// `.dockercfg`: they stand at the top.
    Cfg,
}

/// Refuses a config on which the kubelet chokes, and says what of any other it would not find.
///
/// It chokes for the whole pod: no image of it is pulled with credentials, those of its other Secrets included.
pub fn check(shape: Shape, config: &[u8]) -> Result<Vec<String>, RegistryError> {
    // Whether it is JSON at all is asked of its type.
    let Ok(top) = serde_json::from_slice::<Fields<'_>>(config) else { return Ok(Vec::new()) };
    let twice = twice(shape, &top);
    let auths = match shape {
        Shape::ConfigJson => auths(&top)?,
        Shape::Cfg => top.0.into_iter().collect(),
    };
    let mut warnings = Vec::new();
    if auths.is_empty() {
        warnings.push(
            "it has no entry under auths, and the kubelet finds no credentials in it".to_owned(),
        );
    }
    if let Some(name) = twice {
        warnings.push(format!("{name} stands in it twice, and the kubelet takes the last"));
    }
    for (key, entry) in &auths {
        let about = |error: RegistryError| error.about(&format!("the entry of {}", escaped(key)));
        let entry = Entry::read(entry).map_err(about)?;
        warnings.extend(entry.warnings(key));
    }
    let more = warnings.len().saturating_sub(MOST_SAID);
    warnings.truncate(MOST_SAID);
    if more > 0 {
        warnings.push(format!("and {more} more of that kind"));
    }
    Ok(warnings)
}

/// The user of `registry` that the config of a docker client has. What the client keeps elsewhere is refused.
pub fn login_of(config: &[u8], registry: &Registry) -> Result<Login, RegistryError> {
    let not_one = || RegistryError::new("it is no docker config: a JSON object with auths", LOGIN);
    let config = config.strip_prefix(b"\xef\xbb\xbf").unwrap_or(config);
    let top: Fields<'_> = serde_json::from_slice(config).map_err(|_| not_one())?;
    if let Some(name) = twice(Shape::ConfigJson, &top) {
        return Err(RegistryError::new(
            format!("{name} stands in it twice"),
            "take the wrong one of the two out",
        ));
    }
    let auths = auths(&top)?;
    let is_meant = |key: &str| {
        key == registry.written() || Registry::parse(key).is_ok_and(|it| it.key() == registry.key())
    };
    let name = registry.key();
    let helpers = top.last("credHelpers").map(Fields::of).unwrap_or_default();
    if let Some((_, helper)) = helpers.0.iter().find(|(key, _)| is_meant(key)) {
        return Err(elsewhere(name, helper));
    }
    let found: Vec<&String> = auths.keys().filter(|key| is_meant(key)).collect();
    let key = match found.as_slice() {
        [one] => *one,
        [] => return Err(absent(name, &auths)),
        [first, second, ..] => {
            return Err(RegistryError::new(
                format!("{name} stands in it twice: {} and {}", escaped(first), escaped(second)),
                "take one of the two out",
            ));
        }
    };
    let entry = Entry::read(auths[key])
        .map_err(|error| error.about(&format!("the entry of {}", escaped(key))))?;
    if let (true, Some(store)) = (entry.is_empty() && !entry.has_token, top.last("credsStore")) {
        return Err(elsewhere(name, store));
    }
    entry.login(name)
}

fn elsewhere(name: &str, helper: &RawValue) -> RegistryError {
    let helper = serde_json::from_str::<String>(helper.get()).unwrap_or_default();
    let message = format!(
        "the credentials of {name} are not in it: the helper docker-credential-{} keeps them",
        escaped(&helper)
    );
    RegistryError::new(message, LOGIN)
}

fn absent(name: &str, auths: &BTreeMap<String, &RawValue>) -> RegistryError {
    let message = format!("{name} is not in it");
    let mut names: Vec<String> = auths.keys().take(MOST_NAMED).map(|key| escaped(key)).collect();
    if names.is_empty() {
        return RegistryError::new(format!("{message}, nor any other registry"), LOGIN);
    }
    if auths.len() > names.len() {
        names.push(format!("{} more", auths.len() - names.len()));
    }
    RegistryError::new(message, format!("it has {}", names.join(", ")))
}

/// The entries under `auths`, wherever that stands twice.
fn auths<'a>(top: &Fields<'a>) -> Result<BTreeMap<String, &'a RawValue>, RegistryError> {
    let mut all = BTreeMap::new();
    for (_, auths) in top.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case("auths")) {
        let auths: Option<Fields<'_>> = serde_json::from_str(auths.get())
            .map_err(|_| RegistryError::new("its auths are no map of registries", LOGIN))?;
        all.extend(auths.unwrap_or_default().0);
    }
    let headers = top.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case("HttpHeaders"));
    for (_, headers) in headers {
        serde_json::from_str::<Option<BTreeMap<String, Option<String>>>>(headers.get()).map_err(
            |_| RegistryError::new("its HttpHeaders are no map of strings", "take them out"),
        )?;
    }
    Ok(all)
}

/// What stands twice in a config: of two the kubelet takes the last, another reader the first.
fn twice(shape: Shape, top: &Fields<'_>) -> Option<String> {
    if shape == Shape::Cfg {
        return entry_twice(top);
    }
    let is_auths = |(name, _): &&(String, &RawValue)| name.eq_ignore_ascii_case("auths");
    let mut all = top.0.iter().filter(is_auths);
    match (all.next(), all.next()) {
        (Some(_), Some(_)) => Some("auths".to_owned()),
        (Some((_, auths)), None) => entry_twice(&Fields::of(auths)),
        (None, _) => None,
    }
}

fn entry_twice(auths: &Fields<'_>) -> Option<String> {
    let field_twice = |(key, entry): &(String, &RawValue)| {
        let field = Fields::of(entry).first_twice(str::to_ascii_lowercase)?;
        Some(format!("{} of the entry of {}", escaped(&field), escaped(key)))
    };
    match auths.first_twice(str::to_owned) {
        Some(key) => Some(format!("the entry of {}", escaped(&key))),
        None => auths.0.iter().find_map(field_twice),
    }
}

/// One entry as the kubelet reads it.
#[derive(Default)]
struct Entry {
    username: Text,
    password: Text,
    /// Whether both were written beside an `auth` that says otherwise.
    disagrees: bool,
    has_token: bool,
}

impl Entry {
    fn read(entry: &RawValue) -> Result<Self, RegistryError> {
        let fields: Option<Fields<'_>> = serde_json::from_str(entry.get())
            .map_err(|_| RegistryError::new("it is no map of fields", LOGIN))?;
        let fields = fields.unwrap_or_default();
        let [username, password, auth, _] =
            ["username", "password", "auth", "email"].map(|name| fields.text(name));
        let (username, password, auth) = (username?, password?, auth?);
        fields.text("email")?;
        let has_token = ["identitytoken", "registrytoken"]
            .iter()
            .any(|name| fields.text(name).is_ok_and(|token| !token.0.is_empty()));
        if auth.0.is_empty() {
            return Ok(Self { username, password, disagrees: false, has_token });
        }
        let (user, secret) = decoded(&auth)?;
        let written = !username.0.is_empty() || !password.0.is_empty();
        let disagrees = written && (*username.0 != *user.0 || *password.0 != *secret.0);
        Ok(Self { username: user, password: secret, disagrees, has_token })
    }

    fn is_empty(&self) -> bool {
        self.username.0.is_empty() && self.password.0.is_empty()
    }

    fn warnings(&self, key: &str) -> Vec<String> {
        let name = escaped(key);
        let mut warnings = Vec::new();
        match Registry::parse(key) {
            Ok(registry) => warnings.extend(registry.warnings()),
            Err(error) => warnings.push(format!(
                "the entry of {name} is found for no image: {error}; right is: {}",
                error.hint
            )),
        }
        if self.is_empty() {
            let kept = if self.has_token { "a token, which it does not use, and" } else { "" };
            let kept = format!("{kept} no user and no password");
            warnings.push(format!(
                "the entry of {name} has {}, and the kubelet logs in with empty ones: a docker client keeps them elsewhere",
                kept.trim_start()
            ));
        } else {
            let said = self.as_login().map_or_else(|error| vec![error.message], |it| it.warnings());
            warnings.extend(said.into_iter().map(|said| format!("the entry of {name}: {said}")));
        }
        if self.disagrees {
            warnings.push(format!(
                "the entry of {name} has another user or password in auth than beside it, and auth counts"
            ));
        }
        warnings
    }

    fn as_login(&self) -> Result<Login, RegistryError> {
        Login::new(&self.username.0, SecretValue::from(self.password.0.as_bytes()))
    }

    fn login(&self, name: &str) -> Result<Login, RegistryError> {
        let about = format!("the entry of {name}");
        if self.is_empty() || (self.password.0.is_empty() && self.has_token) {
            let what = if self.has_token {
                "a token and no password, and the kubelet does not use tokens"
            } else {
                "no user and no password"
            };
            return Err(RegistryError::new(format!("{about} has {what}"), LOGIN));
        }
        if self.disagrees {
            let message = format!("{about} has another user or password in auth than beside it");
            return Err(RegistryError::new(
                message,
                "take out the wrong one of the two; auth is what counted",
            ));
        }
        // What is wrong with it is put right where it was written, whatever flags would do elsewhere.
        self.as_login().map_err(|error| RegistryError::new(format!("{about}: {error}"), LOGIN))
    }
}

#[cfg(test)]
mod tests;
