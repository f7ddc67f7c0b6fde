//! Where a manifest is sealed for.

use seal_core::escape::escaped;
use seal_core::manifest::Manifest;
use seal_core::place::Place;

use super::TemplateArgs;
use crate::error::Failure;
use crate::preset::Platform;

/// The place of a manifest: what it says, what the flags say, where its platform looks for it, and the namespace of the
/// rule for the file.
pub(crate) fn place(
    manifest: &Manifest,
    flags: &TemplateArgs,
    platform: Option<&Platform>,
    ruled: Option<&str>,
) -> Result<Place, Failure> {
    place_of(manifest, flags, platform, ruled).map_err(|failure| {
        let given = |said: &Option<String>, flag: &Option<String>| {
            escaped(said.as_ref().or(flag.as_ref()).map_or("?", String::as_str))
        };
        let namespace = given(&manifest.namespace, &flags.namespace);
        let name = given(&manifest.name, &flags.name);
        failure.about(format!("Secret {namespace}/{name}"))
    })
}

fn place_of(
    manifest: &Manifest,
    flags: &TemplateArgs,
    platform: Option<&Platform>,
    ruled: Option<&str>,
) -> Result<Place, Failure> {
    let name = agree("--name", manifest.name.as_deref(), flags.name.as_deref())?;
    let given = agree("-n", manifest.namespace.as_deref(), flags.namespace.as_deref())?;
    let target = platform.map(|platform| platform.place(given.or(ruled), name)).transpose()?;
    let (given, name) = match &target {
        Some(target) => (Some(target.namespace.as_str()), Some(target.name.as_str())),
        None => (given, name),
    };
    let Some(namespace) = given.or(ruled) else {
        return Err(Failure::input("it has no namespace")
            .hint("name it with -n NS or in metadata.namespace; the namespace of kubectl's context is never guessed"));
    };
    if let Some(ruled) = ruled.filter(|ruled| *ruled != namespace) {
        let message = format!(
            "its namespace is {namespace}, and the rule of .seal.yaml for this path is for {ruled}"
        );
        return Err(Failure::input(message).hint("write it elsewhere, or change the rule"));
    }
    let Some(name) = name else {
        return Err(
            Failure::input("it has no name").hint("name it with --name NAME or in metadata.name")
        );
    };
    Place::new(namespace, name).map_err(|problem| {
        Failure::input(problem).hint("names are made of a-z, 0-9 and -, a Secret's also of dots")
    })
}

fn agree<'a>(
    flag: &str,
    manifest: Option<&'a str>,
    given: Option<&'a str>,
) -> Result<Option<&'a str>, Failure> {
    match (manifest, given) {
        (Some(manifest), Some(given)) if manifest != given => {
            Err(Failure::input(format!("{flag} {given} is not what the manifest says"))
                .hint("leave the flag out, or change the manifest"))
        }
        (manifest, given) => Ok(manifest.or(given)),
    }
}
