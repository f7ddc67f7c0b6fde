//! What a person calls a registry → the key of a docker config under which the kubelet finds its credentials.
//!
//! The kubelet compares letters: it takes a scheme and `/v1/` or `/v2/` off a key, and of the rest host and port must be those of
//! the image, each `*` standing for one name between dots, and the path must be how the image's begins. What it would never find
//! it passes over in silence, so all of that is refused here.

use super::RegistryError;
use crate::escape::escaped;

/// The key of Docker Hub that both the kubelet and faasd look for.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// Names under which the kubelet finds Docker Hub.
const HUB: [&str; 2] = ["docker.io", "index.docker.io"];
const SUCH_AS: &str = "such as ghcr.io, docker.io or registry.example:5000";

/// A registry, or a part of one, whose credentials the kubelet finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    key: String,
    written: String,
    host: String,
    port: Option<String>,
    path: String,
}

impl Registry {
    /// Reads what a person calls a registry: a host, with a scheme, port or path if need be.
    pub fn parse(written: &str) -> Result<Self, RegistryError> {
        let rest = plain(written)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        check_host(host, port)?;
        let path = path_of(authority, path)?;
        let key = match is_hub(host) {
            true => hub_key(host, port, path)?,
            false => format!("{authority}{}{path}", api_version(path)),
        };
        Ok(Self {
            key,
            written: written.to_owned(),
            host: host.to_owned(),
            port: port.map(str::to_owned),
            path: path.to_owned(),
        })
    }

    /// The key of the docker config.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What was [parsed](Self::parse), letter by letter: Direktiv names its Secrets by it.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What is found, and perhaps for more or fewer images than was meant.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let Self { key, path, host, .. } = self;
        if !path.is_empty() && !path.ends_with('/') {
            warnings.push(format!(
                "{key} is also how other names begin, which get these credentials too: {key}/ is for all beneath it and for nothing else; {key} alone is right for one repository"
            ));
        }
        if host.starts_with('*') && host.split('.').count() <= 2 {
            warnings.push(format!(
                "{key} gives these credentials to every registry of such a name, whoever runs it"
            ));
        }
        if let Some(port @ ("443" | "80")) = self.port.as_deref() {
            warnings.push(format!(
                "{key} is for images that are written with :{port}, and for none that is written without"
            ));
        }
        warnings
    }
}

/// The text without its scheme, of letters that a name of an image can have.
fn plain(written: &str) -> Result<&str, RegistryError> {
    if written.is_empty() {
        return Err(RegistryError::new("no registry is named", SUCH_AS));
    }
    let scheme = written.find("://").map_or(0, |at| at + 3);
    let authority = written[scheme..].split('/').next().unwrap_or_default();
    if authority.contains('@') || written.contains(['?', '#']) {
        // It may be a password, and is not repeated.
        return Err(RegistryError::new(
            "what is named has a user or a query in it, and a registry is a host, with a port or path if need be",
            "the user is --username USER; the password is read from standard input, or asked for",
        ));
    }
    let name = escaped(written);
    let lower = written.to_ascii_lowercase();
    if lower != written {
        return Err(RegistryError::new(
            format!(
                "{name} has capitals, and the kubelet compares letters: no image has such a registry"
            ),
            format!("{}, also in the names of the images", escaped(&lower)),
        ));
    }
    let rest = written.strip_prefix("https://").or_else(|| written.strip_prefix("http://"));
    let rest = rest.unwrap_or(written);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/*@".contains(&byte);
    if rest.contains("://") || !rest.bytes().all(is_part) {
        return Err(RegistryError::new(
            format!("{name} is no host of a registry, and the kubelet passes it over"),
            SUCH_AS,
        ));
    }
    Ok(rest)
}

fn check_host(host: &str, port: Option<&str>) -> Result<(), RegistryError> {
    if host == "*" && port.is_none() {
        return Err(RegistryError::new(
            "* matches no registry: a * stands for one name between dots",
            "name the host; *.example.com is every registry of that domain",
        ));
    }
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-*".contains(&byte));
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    if !host.split('.').all(is_label) {
        return Err(RegistryError::new(
            format!("{} cannot be the host of a registry", named(host)),
            SUCH_AS,
        ));
    }
    if port.is_some_and(|port| port.parse::<u16>().ok().filter(|it| *it > 0).is_none()) {
        return Err(RegistryError::new(
            format!("what stands behind {host}: is no port"),
            "a port is a number below 65536; a tag or digest is no part of a registry",
        ));
    }
    if !host.contains('.') && port.is_none() && host != "localhost" {
        return Err(RegistryError::new(
            format!("{host} has neither a dot nor a port: an image {host}/… is one of Docker Hub"),
            format!(
                "write the host in full; of an account of that name on Docker Hub docker.io/{host}/"
            ),
        ));
    }
    not_docker_s_own(host)
}

fn named(host: &str) -> String {
    if host.is_empty() { "what stands before the :".to_owned() } else { escaped(host) }
}

/// Docker Hub has hosts that no image is named by.
fn not_docker_s_own(host: &str) -> Result<(), RegistryError> {
    let of_docker =
        host.ends_with(".docker.io") || host == "docker.com" || host.ends_with(".docker.com");
    if of_docker && !is_hub(host) {
        return Err(RegistryError::new(
            format!("{host} is in no image's name, and the kubelet would never look there"),
            "docker.io",
        ));
    }
    Ok(())
}

fn is_hub(host: &str) -> bool {
    HUB.contains(&host)
}

/// The path that counts: without the `/v1` or `/v2` of the registry's API, empty where it is the whole registry.
fn path_of<'a>(authority: &str, path: &'a str) -> Result<&'a str, RegistryError> {
    if matches!(path, "/v1" | "/v2") {
        let right = if is_hub(authority) { "docker.io" } else { authority };
        return Err(RegistryError::new(
            format!(
                "{authority}{path} has no / at its end, and the kubelet takes {path} for the beginning of an image's path"
            ),
            right,
        ));
    }
    let path = match path.get(..4) {
        Some("/v1/" | "/v2/") => &path[3..],
        _ => path,
    };
    if path.len() <= 1 {
        return Ok("");
    }
    names_images(authority, path)?;
    Ok(path)
}

/// What stands before a path that begins as that of the registry's API: the kubelet takes it off once.
fn api_version(path: &str) -> &'static str {
    let begins = path.split('/').nth(1);
    if matches!(begins, Some("v1" | "v2")) { "/v2" } else { "" }
}

/// Refuses a path that no image's name begins with.
fn names_images(authority: &str, path: &str) -> Result<(), RegistryError> {
    if path.contains('*') {
        return Err(RegistryError::new(
            format!(
                "{authority}{path}: a * stands for a name between dots of the host, never for one of the path"
            ),
            format!("{authority}{} is for all beneath it", beginning(path)),
        ));
    }
    if path.contains([':', '@']) {
        return Err(RegistryError::new(
            format!(
                "{authority}{path} has a tag or digest, which the kubelet leaves out when it looks"
            ),
            "name the registry, or a repository without its tag",
        ));
    }
    let inner = path[1..].strip_suffix('/').unwrap_or(&path[1..]);
    if inner.split('/').any(|name| name.is_empty() || name.starts_with('.')) {
        return Err(RegistryError::new(
            format!("{authority}{path} is the beginning of no image's name"),
            SUCH_AS,
        ));
    }
    Ok(())
}

/// The part of a path before its first `*`, whole names alone.
fn beginning(path: &str) -> &str {
    let before = path.split('*').next().unwrap_or_default();
    &before[..=before.rfind('/').unwrap_or_default()]
}

/// The kubelet has one key for Docker Hub as a whole, and finds an account of it under docker.io alone.
fn hub_key(host: &str, port: Option<&str>, path: &str) -> Result<String, RegistryError> {
    if port.is_some() {
        return Err(RegistryError::new(
            "an image of Docker Hub is never written with a port",
            format!("docker.io{path}"),
        ));
    }
    match (host, path) {
        (_, "") => Ok(HUB_KEY.to_owned()),
        ("docker.io", path) => Ok(format!("docker.io{}{path}", api_version(path))),
        (host, path) => Err(RegistryError::new(
            format!(
                "{host}{path} is never found: of a part of Docker Hub the kubelet looks for docker.io alone"
            ),
            format!("docker.io{path}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_that_is_found_has_one_key() {
        for (written, key) in [
            ("docker.io", HUB_KEY),
            ("index.docker.io", HUB_KEY),
            ("https://index.docker.io", HUB_KEY),
            ("https://index.docker.io/v1/", HUB_KEY),
            ("https://docker.io/v1/", HUB_KEY),
            ("docker.io/", HUB_KEY),
            ("docker.io/org/", "docker.io/org/"),
            ("https://docker.io/v1/org/", "docker.io/org/"),
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io", "ghcr.io"),
            ("http://ghcr.io/", "ghcr.io"),
            ("https://ghcr.io/v2/org/", "ghcr.io/org/"),
            ("ghcr.io/org/app", "ghcr.io/org/app"),
            ("ghcr.io/v2/v2/app/", "ghcr.io/v2/v2/app/"),
            ("ghcr.io/v2/v1", "ghcr.io/v2/v1"),
            ("docker.io/v1/v2/", "docker.io/v2/v2/"),
            ("r.io:5000", "r.io:5000"),
            ("localhost", "localhost"),
            ("registry:5000/a/", "registry:5000/a/"),
            ("*.dkr.ecr.eu-west-1.amazonaws.com", "*.dkr.ecr.eu-west-1.amazonaws.com"),
            ("*.pkg.dev", "*.pkg.dev"),
            ("*.io", "*.io"),
        ] {
            let registry = Registry::parse(written).unwrap();
            assert_eq!((registry.key(), registry.written()), (key, written));
        }
    }

    #[test]
    fn what_would_never_be_found_is_refused_with_what_would() {
        for (written, hint) in [
            ("GHCR.IO", "ghcr.io, also"),
            ("ghcr.io/Org/", "ghcr.io/org/, also"),
            ("registry-1.docker.io", "docker.io"),
            ("https://hub.docker.com", "docker.io"),
            ("https://index.docker.io/v1", "docker.io"),
            ("ghcr.io/v2", "ghcr.io"),
            ("index.docker.io/org/", "docker.io/org/"),
            ("https://index.docker.io/v1/org/", "docker.io/org/"),
            ("docker.io:443", "docker.io"),
            ("*", "name the host"),
            ("myorg", "write the host in full"),
            ("ghcr.io/org*/app", "ghcr.io/ is for all"),
            ("ghcr.io/org/app:1.0", "name the registry"),
            ("ghcr.io/org/app@sha256:00", "name the registry"),
            ("r.io:http", "a port is"),
            ("r.io:0", "a port is"),
            ("https://%zz", "such as"),
            ("ftp://r.io", "such as"),
            ("user@r.io", "the user is --username"),
            ("https://me:Pw@r.io/v2", "the user is --username"),
            ("r.io?token=T", "the user is --username"),
            ("r.io/a//b", "such as"),
            ("r.io/../a", "such as"),
            ("r_r.io", "such as"),
            ("-r.io", "such as"),
            ("r.io\n", "such as"),
            ("", "such as"),
        ] {
            let error = Registry::parse(written).expect_err(written);
            assert!(error.hint.starts_with(hint), "{written}: {error:?}");
        }
    }

    #[test]
    fn what_is_found_for_other_images_too_is_said() {
        let warnings = |written: &str| Registry::parse(written).unwrap().warnings().join("\n");
        assert!(warnings("ghcr.io/org").contains("ghcr.io/org/ is for all beneath it"));
        assert!(warnings("*.io").contains("every registry"));
        assert!(warnings("r.io:443").contains("written with :443"));
        for right in ["ghcr.io", "ghcr.io/org/", "docker.io", "*.pkg.dev.example", "r.io:5000"] {
            assert_eq!(warnings(right), "", "{right}");
        }
    }
}
