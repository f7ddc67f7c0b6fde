//! The layout `docker-config`: registries and their credentials in one `config.json`, which docker and faasd read.
//!
//! Both look a credential up by the host of a registry, Docker Hub's under `https://index.docker.io/v1/`, where the kubelet
//! also takes a path or another spelling: so registries are told apart by host here. An entry is written as docker writes it,
//! `auth` alone, so that a `docker login` for another registry changes none of ours. Entries of others and all other fields
//! come out as they were written.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::escape::escaped;
use crate::fields::Fields;
use crate::secret::SecretValue;

use super::error::{BadFile, LayoutError};
use super::held::Wanted;

const AUTHS: &str = "auths";
const HUB: &str = "https://index.docker.io/v1/";
/// What docker asks for credentials instead of reading entries.
const PROGRAMS: [&str; 2] = ["credsStore", "credHelpers"];

/// The registries of an object, and what stands in the file for each.
pub(super) fn entries(
    object: &str,
    values: &BTreeMap<String, SecretValue>,
) -> Result<BTreeMap<String, SecretValue>, LayoutError> {
    let wrong = |what: String| LayoutError::Credential { object: object.to_owned(), what };
    let auths = auths(values).map_err(wrong)?;
    let mut spelled: BTreeMap<String, &str> = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for (key, login) in &auths.0 {
        let shown = escaped(key);
        let registry = registry(key)
            .ok_or_else(|| wrong(format!("{shown} is no registry that docker looks up")))?;
        if let Some(before) = spelled.insert(registry.clone(), key) {
            let before = escaped(before);
            return Err(wrong(format!(
                "{before} and {shown} are one registry to docker, which looks up hosts"
            )));
        }
        let login = written(login.get()).map_err(|what| wrong(format!("{shown}: {what}")))?;
        entries.insert(registry, login);
    }
    if entries.is_empty() {
        return Err(wrong("its docker config has no registry".to_owned()));
    }
    Ok(entries)
}

/// The part of a docker config that has logins, in either of its forms.
fn auths(values: &BTreeMap<String, SecretValue>) -> Result<Fields<'_>, String> {
    let no_json = || "its docker config is not JSON of the shape {\"auths\": {…}}".to_owned();
    let (wrapped, value) = match (values.get(".dockerconfigjson"), values.get(".dockercfg")) {
        (Some(value), _) => (true, value),
        (None, Some(value)) => (false, value),
        (None, None) => return Err("it has no docker config".to_owned()),
    };
    let config = serde_json::from_slice::<Fields<'_>>(value.expose()).ok();
    let config = config.filter(Fields::are_unique).ok_or_else(no_json)?;
    if !wrapped {
        return Ok(config);
    }
    if let Some(program) = PROGRAMS.iter().find(|name| config.get(name).is_some()) {
        return Err(format!(
            "its docker config names a program for credentials ({program}), and holds none"
        ));
    }
    let inner = config.get(AUTHS).ok_or_else(no_json)?;
    let auths = serde_json::from_str::<Fields<'_>>(inner.get()).ok();
    auths.filter(Fields::are_unique).ok_or_else(no_json)
}

/// The name under which docker and faasd look a registry up; `None` for what is none.
fn registry(key: &str) -> Option<String> {
    let lower = key.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let host = rest.unwrap_or(&lower).split('/').next().unwrap_or_default();
    if ["docker.io", "index.docker.io"].contains(&host) {
        return Some(HUB.to_owned());
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_part)).then(|| host.to_owned())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    auth: Text,
    username: Text,
    password: Text,
    identitytoken: Text,
    registrytoken: Text,
}

/// Wiped on drop.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Text(String);

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A login as docker writes it. The error never quotes it.
fn written(json: &str) -> Result<SecretValue, &'static str> {
    let login: Login =
        serde_json::from_str(json).map_err(|_| "its login is not as docker has it")?;
    let auth = login.auth()?;
    let mut fields: Vec<(&str, &str)> = auth.iter().map(|auth| ("auth", auth.as_str())).collect();
    for (name, token) in
        [("identitytoken", &login.identitytoken.0), ("registrytoken", &login.registrytoken.0)]
    {
        if !token.is_empty() {
            fields.push((name, token));
        }
    }
    let mut text = Zeroizing::new(Vec::with_capacity(
        json.len() * 2 + auth.as_ref().map_or(0, |it| it.len()) + 64,
    ));
    text.extend_from_slice(b"{");
    for (index, (name, value)) in fields.into_iter().enumerate() {
        let value = Zeroizing::new(quoted(value));
        let comma = if index > 0 { "," } else { "" };
        for part in [comma, "\n\t\t\t\"", name, "\": ", &value] {
            text.extend_from_slice(part.as_bytes());
        }
    }
    text.extend_from_slice(b"\n\t\t}");
    Ok(SecretValue::from(text.as_slice()))
}

impl Login {
    /// User and password in docker's base64; `auth` counts where all are there, as everywhere. None where a token is all: of an
    /// `auth` without a user docker reads nothing, nor any other login of that file.
    fn auth(&self) -> Result<Option<Zeroizing<String>>, &'static str> {
        let pair = Zeroizing::new(match self.auth.0.as_str() {
            "" => {
                if self.username.0.contains(':') {
                    return Err("its user has a colon, behind which the password would begin");
                }
                format!("{}:{}", self.username.0, self.password.0).into_bytes()
            }
            auth => STANDARD
                .decode(auth)
                .or_else(|_| STANDARD_NO_PAD.decode(auth))
                .map_err(|_| "its auth is no base64")?,
        });
        let pair = str::from_utf8(&pair).map_err(|_| "its user or password is no text")?;
        let Some((user, password)) = pair.split_once(':') else {
            return Err("its auth is no user and password");
        };
        let has_token = !self.identitytoken.0.is_empty() || !self.registrytoken.0.is_empty();
        if !has_token && (user.is_empty() || password.is_empty()) {
            return Err("its user or password is empty");
        }
        if user.is_empty() {
            return match password.is_empty() {
                true => Ok(None),
                false => Err("it has a password and no user"),
            };
        }
        if pair.contains(|c: char| c.is_control()) {
            return Err("its user or password has a line break or another control character");
        }
        Ok(Some(Zeroizing::new(STANDARD.encode(pair))))
    }
}

/// A file that is there.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    top: Fields<'a>,
    auths: Fields<'a>,
    helpers: Fields<'a>,
}

impl<'a> File<'a> {
    /// Reads the file, as far as it may be written again.
    pub(super) fn read(text: &'a [u8]) -> Result<Self, BadFile> {
        let text = str::from_utf8(text).map_err(|_| BadFile::NotDockerConfig)?;
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let top: Fields<'a> = fields(text)?;
        let mut file = Self::default();
        for (name, value) in &top.0 {
            let is = |field: &str| name.eq_ignore_ascii_case(field);
            let has_nothing = matches!(value.get(), "null" | "\"\"");
            if is(AUTHS) && name != AUTHS {
                return Err(BadFile::Twice);
            } else if is(PROGRAMS[0]) && !has_nothing {
                return Err(BadFile::CredsStore);
            } else if is(PROGRAMS[1]) && !has_nothing {
                file.helpers = fields(value.get())?;
            } else if is(AUTHS) && !has_nothing {
                file.auths = fields(value.get())?;
            }
        }
        Ok(Self { top, ..file })
    }

    /// Why an entry of ours cannot stand in it, if so: one of somebody else's, or a program that is asked instead.
    pub(super) fn in_the_way(&self, registry_of_ours: &str, is_ours: bool) -> Option<&'static str> {
        let is_it = |key: &str| registry(key).as_deref() == Some(registry_of_ours);
        if self.helpers.0.iter().any(|(key, _)| is_it(key)) {
            return Some("a program for its credentials (credHelpers), which docker asks instead");
        }
        let theirs = |key: &str| is_it(key) && !(is_ours && key == registry_of_ours);
        self.auths.0.iter().any(|(key, _)| theirs(key)).then_some("a login that is not ours")
    }

    pub(super) fn holds(&self, registry: &str) -> bool {
        self.auths.get(registry).is_some()
    }

    pub(super) fn is_same(&self, registry: &str, login: &SecretValue) -> bool {
        let there = self.auths.get(registry).and_then(|there| written(there.get()).ok());
        there.is_some_and(|there| there.expose() == login.expose())
    }

    /// Whether a change is needed at all: the text of a file that says the same stays.
    pub(super) fn is_as_wanted(&self, wanted: &Wanted<'_>) -> bool {
        wanted.set.iter().all(|(registry, login)| self.is_same(registry, login))
            && !self.auths.0.iter().any(|(key, _)| wanted.drops(key))
    }

    /// The file with our entries as they are wanted.
    pub(super) fn render(&self, wanted: &Wanted<'_>) -> Zeroizing<Vec<u8>> {
        let mut auths: Vec<(&str, &[u8])> = Vec::new();
        for (key, there) in &self.auths.0 {
            if let Some(login) = wanted.set.get(key.as_str()) {
                auths.push((key, login.expose()));
            } else if !wanted.drops(key) {
                auths.push((key, there.get().as_bytes()));
            }
        }
        let there: BTreeSet<&str> = self.auths.0.iter().map(|(key, _)| key.as_str()).collect();
        let new = wanted.set.iter().filter(|(key, _)| !there.contains(*key));
        auths.extend(new.map(|(key, login)| (*key, login.expose())));
        let auths = object(auths.into_iter(), "\t");
        let mut top: Vec<(&str, &[u8])> = self
            .top
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.get().as_bytes()))
            .collect();
        match top.iter_mut().find(|(name, _)| *name == AUTHS) {
            Some((_, value)) => *value = &auths,
            None => top.insert(0, (AUTHS, &auths)),
        }
        let mut text = object(top.into_iter(), "");
        text.push(b'\n');
        text
    }
}

fn fields(text: &str) -> Result<Fields<'_>, BadFile> {
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|_| BadFile::NotDockerConfig)?;
    if fields.are_unique() { Ok(fields) } else { Err(BadFile::Twice) }
}

/// An object as docker indents it.
fn object<'v>(
    fields: impl Iterator<Item = (&'v str, &'v [u8])> + Clone,
    indent: &str,
) -> Zeroizing<Vec<u8>> {
    let size = fields.clone().map(|(name, value)| 2 * name.len() + value.len() + 16).sum::<usize>();
    // As large as it will be, so that growing leaves no copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(size + 16));
    text.push(b'{');
    for (index, (name, value)) in fields.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        for part in [comma, "\n\t", indent, &quoted(name), ": "] {
            text.extend_from_slice(part.as_bytes());
        }
        text.extend_from_slice(value);
    }
    if text.len() > 1 {
        text.push(b'\n');
        text.extend_from_slice(indent.as_bytes());
    }
    text.push(b'}');
    text
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}
