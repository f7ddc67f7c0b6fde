//! Credentials of a registry for Direktiv (`pkg/functions/registries.go` up to 0.8.0, `internal/service/registry/registry.go`
//! since 0.8.1).
//!
//! Every Secret with the label `direktiv.io/namespace` in the namespace of its services becomes an image pull secret when a
//! service is made. Name and annotations are those that Direktiv's own API gives: from the URL letter by letter as it was given.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::super::rules;
use super::super::seen::Seen;
use super::super::{Options, PresetError, PullSecret};
use super::{NEWER, direktiv_namespace, release};
use crate::manifest::Manifest;
use crate::names::DIREKTIV_NAMESPACE;
use crate::place::Place;

/// Where Direktiv's manager has them.
const SERVICES: &str = "direktiv-services-direktiv";
/// Bytes of the hash that make a name.
const HASHED: usize = 10;

/// How a release names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// 0.5 to 0.8.0: by the host.
    Host,
    /// Since 0.8.1: by a hash.
    Hash,
}

fn naming(version: Option<&str>) -> Result<Naming, PresetError> {
    let Some(version) = version else { return Ok(Naming::Hash) };
    let unknown = |why: &str| PresetError::new(format!("Direktiv {version}: {why}"), NEWER);
    match release(version)?[..] {
        [0, 0..=4, ..] => Err(unknown("how it names the credentials of registries is not known")),
        [0, 5..=7, ..] | [0, 8, 0, ..] => Ok(Naming::Host),
        [0, 8] => Err(unknown("0.8.0 names them otherwise than 0.8.1")),
        _ => Ok(Naming::Hash),
    }
}

pub(super) fn place(
    options: &Options,
    registry: &PullSecret,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Place, PresetError> {
    let of = direktiv_namespace(options)?;
    let naming = naming(options.direktiv_version.as_deref())?;
    let own = match naming {
        Naming::Hash => hashed_name(of, &registry.url),
        Naming::Host => format!("direktiv-secret-{of}-{}", host(&registry.url)?),
    };
    if let Some(name) = name.filter(|name| *name != own) {
        return Err(PresetError::new(
            format!(
                "its name is {name}, and Direktiv names the credentials of this registry {own}"
            ),
            "leave the name out",
        ));
    }
    let namespace = match naming {
        Naming::Host => namespace.unwrap_or(SERVICES),
        Naming::Hash => {
            rules::fixed_namespace(namespace, SERVICES, "Direktiv looks for them in one namespace")?
        }
    };
    rules::place(namespace, &own)
}

fn hashed_name(namespace: &str, url: &str) -> String {
    let hash = Sha256::digest(format!("{namespace}-{url}"));
    format!("secret-{}", hex::encode(&hash[..HASHED]))
}

/// The host of a URL as Go's `url.Parse` has it: of one without a scheme it has none.
fn host(url: &str) -> Result<&str, PresetError> {
    let Some((_, rest)) = url.split_once("://") else {
        return Err(PresetError::new(
            format!(
                "Direktiv up to 0.8.0 names the credentials by the host of a URL, and {url} has no scheme"
            ),
            format!("https://{url}"),
        ));
    };
    let authority = rest.split('/').next().unwrap_or_default();
    Ok(authority.split(':').next().unwrap_or_default())
}

pub(super) fn shape(
    options: &Options,
    registry: &PullSecret,
    manifest: &mut Manifest,
) -> Result<(), PresetError> {
    let template = &mut manifest.template;
    rules::label(template, DIREKTIV_NAMESPACE, direktiv_namespace(options)?)?;
    let PullSecret { url, user } = registry;
    if naming(options.direktiv_version.as_deref())? == Naming::Hash {
        rules::annotation(template, "direktiv.io/registry_url", url);
        rules::annotation(template, "direktiv.io/registry_user", user);
        return Ok(());
    }
    rules::label(template, "direktiv.io/registry-type", "namespace")?;
    rules::label(template, "direktiv.io/urlhash", &fnv1(url).to_string())?;
    rules::annotation(template, "direktiv.io/url", url);
    rules::annotation(template, "direktiv.io/urlhash", &STANDARD.encode(url));
    rules::annotation(template, "direktiv.io/obf-user", &obfuscated(user));
    Ok(())
}

pub(super) fn check(of: &str, seen: &Seen<'_>) -> Result<(), PresetError> {
    if let Some(url) = seen.annotations.get("direktiv.io/registry_url") {
        let why = "Direktiv looks for them in one namespace";
        rules::fixed_namespace(Some(&seen.place.namespace), SERVICES, why)?;
        return seen.needs_name(&hashed_name(of, url));
    }
    let Some(url) = seen.annotations.get("direktiv.io/url") else {
        return Err(PresetError::new(
            "it has no annotation direktiv.io/registry_url, which Direktiv lists it with",
            "seal it again with `seal registry --for direktiv`",
        ));
    };
    seen.needs_label("direktiv.io/urlhash", &fnv1(url).to_string())?;
    seen.needs_name(&format!("direktiv-secret-{of}-{}", host(url)?))
}

/// FNV-1 of 64 bits, which is what `hashstructure` makes of a string.
fn fnv1(text: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    text.bytes().fold(OFFSET, |hash, byte| hash.wrapping_mul(PRIME) ^ u64::from(byte))
}

/// The user as Direktiv's list shows it: two characters at either end of a long name, one of a short one.
fn obfuscated(user: &str) -> String {
    let characters: Vec<char> = user.chars().collect();
    let (first, last) = match characters.len() {
        0..=3 => (1, 0),
        4..=5 => (1, 1),
        _ => (2, 2),
    };
    let start: String = characters.iter().take(first).collect();
    let end: String = characters.iter().skip(characters.len() - last).collect();
    format!("{start}***{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hashed_as_direktiv_does() {
        for (namespace, url, name) in [
            ("test-services", "docker.io", "secret-c163796084d652e67cb0"),
            ("test-services", "https://us-central1-docker.pkg.dev", "secret-9519b8c33ac0671c8366"),
            ("prod", "https://ghcr.io", "secret-5b9939d4af6bbbc113fb"),
        ] {
            assert_eq!(hashed_name(namespace, url), name);
        }
        assert_eq!(fnv1("https://index.docker.io"), 10_397_912_890_566_929_208);
    }

    #[test]
    fn a_release_has_one_way_to_name_them() {
        for version in ["0.5.0", "0.7", "v0.8.0"] {
            assert_eq!(naming(Some(version)), Ok(Naming::Host), "{version}");
        }
        for version in ["0.8.1", "0.9", "v0.10.0", "1.0"] {
            assert_eq!(naming(Some(version)), Ok(Naming::Hash), "{version}");
        }
        assert_eq!(naming(None), Ok(Naming::Hash));
        for version in ["0.8", "0.4.9", "main", "1", ""] {
            assert!(naming(Some(version)).is_err(), "{version}");
        }
    }

    #[test]
    fn users_are_obfuscated_as_direktiv_does() {
        for (user, shown) in [
            ("a", "a***"),
            ("abc", "a***"),
            ("abcd", "a***d"),
            ("abcde", "a***e"),
            ("abcdef", "ab***ef"),
        ] {
            assert_eq!(obfuscated(user), shown);
        }
    }
}
