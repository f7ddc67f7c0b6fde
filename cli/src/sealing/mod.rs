//! One manifest → one sealed object, as the flags and the `.seal.yaml` want it. Reads no file and writes none; what it
//! decided is said on standard error.

pub(crate) mod again;
pub(crate) mod cluster;
mod merge;
mod place;
mod template;

use std::collections::BTreeSet;

use seal_core::exit_code::ExitCode;
use seal_core::kind::Kind;
use seal_core::kind::sealed::SealedSecret;
use seal_core::manifest::Manifest;
use seal_core::names::ON_DELETE;
use seal_core::open::allowed::Grants;
use seal_core::open::check::check;
use seal_core::place::{Place, Scope};
use seal_core::seal::Kept;
use seal_core::{metadata, pull_secret, seal, secret_type};

use crate::console;
use crate::error::Failure;
use crate::policy::Chosen;
use crate::preset::Platform;
use crate::recall::{Recall, Tags};
use crate::scope::{ScopeArgs, explain_wildcard};
use crate::suggest;
use crate::values::{LineFeeds, Values};
use cluster::ClusterArgs;
pub(crate) use place::place;
pub(crate) use template::TemplateArgs;
use template::set_template;

/// Larger is warned of: client-side `kubectl apply` and Argo CD's default copy the manifest into an annotation, and
/// fail at 256 KiB.
const LARGE_BYTES: usize = 200_000;
/// Larger is refused: etcd takes 1.5 MiB.
const TOO_LARGE_BYTES: usize = 1_400_000;

/// Everything that sealing one manifest depends on.
pub(crate) struct Wanted<'a> {
    pub(crate) template: &'a TemplateArgs,
    pub(crate) scope: &'a ScopeArgs,
    /// Present where the object is one of the cluster.
    pub(crate) cluster: Option<&'a ClusterArgs>,
    pub(crate) chosen: &'a Chosen,
    pub(crate) platform: Option<&'a Platform>,
    pub(crate) line_feeds: LineFeeds,
    /// What this machine remembers, and the objects of the file that is written.
    pub(crate) recall: &'a Recall,
    pub(crate) before: &'a [SealedSecret],
}

/// A sealed object and its place.
pub(crate) struct Sealed {
    pub(crate) object: SealedSecret,
    pub(crate) place: Place,
    /// What stands for its values, to be remembered when it is written.
    pub(crate) tags: Tags,
}

/// Seals `manifest` with `values` added to its own.
pub(crate) fn seal(
    mut manifest: Manifest,
    values: Values,
    wanted: &Wanted,
) -> Result<Sealed, Failure> {
    let ruled = wanted.chosen.namespace.as_deref();
    let place = place(&manifest, wanted.template, wanted.platform, ruled)?;
    tell_what_changes(&manifest, &place, wanted);
    if manifest.is_of_a_cluster() {
        cluster::leave_tracking_out(&place, &mut manifest.template.metadata);
    }
    let keys: Vec<String> = manifest.values.keys().cloned().collect();
    add_values(&mut manifest, values, &place, wanted)?;
    set_template(&mut manifest, wanted.template);
    shape(&mut manifest, &place, wanted)?;
    tell_of_new_names(&keys, &manifest, &place, wanted);
    if wanted.cluster.is_some() {
        cluster::leave_tracking_out(&place, &mut manifest.template.metadata);
    }
    metadata::check(&manifest.template.metadata)
        .map_err(|error| Failure::input(error.to_string()).hint(error.hint()).about(&place))?;
    check_type(&manifest, &place)?;
    let platform = wanted.platform.map(|it| it.sentence(manifest.template.type_.as_deref()));
    let scope = scope(&place, wanted)?;
    explain_wildcard(&place, &scope, wanted.cluster.is_some());
    let clear = clear_keys(&manifest, &place, wanted);
    let tags = wanted.recall.tags(&scope, &manifest.values);
    let kept = kept(&place, &scope, &tags, &clear, wanted);
    let mut object =
        seal::seal_over(manifest, &place, scope, &clear, &wanted.chosen.recipients, &kept)
            .map_err(|error| Failure::from(error).about(&place))?;
    set_own(&mut object, wanted);
    check_pull_secret(&object, &place)?;
    merge::check(&object, &place)?;
    check(&object)?.allowed(&Grants::most())?;
    platform.iter().for_each(|sentence| console::say(&format!("{place}: {sentence}")));
    Ok(Sealed { object, place, tags })
}

/// Refuses a Secret that lacks what its type needs, and says what nothing reads.
fn check_type(manifest: &Manifest, place: &Place) -> Result<(), Failure> {
    let type_ = manifest.template.type_.as_deref().unwrap_or_default();
    let useless = secret_type::check(type_, &manifest.values)
        .map_err(|error| Failure::from(error).about(place))?;
    useless.iter().for_each(|warning| console::warn(&format!("{place}: {warning}")));
    Ok(())
}

/// What of the object that stands in the file already is not sealed anew.
fn kept(
    place: &Place,
    scope: &Scope,
    tags: &Tags,
    clear: &BTreeSet<String>,
    wanted: &Wanted,
) -> Kept {
    let is_of_cluster = wanted.cluster.is_some();
    let is_same = |old: &&SealedSecret| {
        let is_kind = (old.spec.kind == Kind::ClusterSealedSecret) == is_of_cluster;
        let namespace = old.metadata.namespace.as_deref();
        let is_there = is_of_cluster || namespace == Some(place.namespace.as_str());
        is_kind && is_there && old.metadata.name.as_deref() == Some(place.name.as_str())
    };
    let Some(old) = wanted.before.iter().find(is_same) else { return Kept::default() };
    let sealed: Tags = tags
        .iter()
        .filter(|(key, _)| !clear.contains(*key))
        .map(|(key, tag)| (key.clone(), *tag))
        .collect();
    wanted.recall.kept(old, scope, &wanted.chosen.recipients, &sealed)
}

/// Adds the values of flags to those of the manifest, and looks over all of them.
fn add_values(
    manifest: &mut Manifest,
    values: Values,
    place: &Place,
    wanted: &Wanted,
) -> Result<(), Failure> {
    for (key, value) in values {
        crate::values::insert(key, value, &mut manifest.values)
            .map_err(|failure| failure.about(place))?;
    }
    manifest.require_values(&place.to_string())?;
    let type_ = wanted.template.type_.as_ref().or(manifest.template.type_.as_ref());
    // What ends the text of a docker config ends no password.
    let is_text = !type_.is_some_and(|type_| secret_type::is_docker_config(type_));
    let strict = is_text && wanted.platform.is_some_and(|it| it.preset.keeps_line_feeds());
    crate::values::end_lines(place, &mut manifest.values, wanted.line_feeds, strict)?;
    crate::values::look_over(place, &manifest.values)
}

fn scope(place: &Place, wanted: &Wanted) -> Result<Scope, Failure> {
    let several = wanted.platform.map(Platform::namespaces).transpose()?.flatten();
    let scope = match several {
        Some(namespaces) => Scope { namespaces, name: place.name.clone() },
        None => wanted.scope.scope(place)?,
    };
    wanted.chosen.holds(&scope).map_err(|failure| failure.about(place))?;
    Ok(scope)
}

/// What the sealed object says besides what is sealed and the template.
fn set_own(object: &mut SealedSecret, wanted: &Wanted) {
    object.spec.on_conflict.clone_from(&wanted.template.on_conflict);
    if let Some(word) = &wanted.template.on_delete {
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert(ON_DELETE.to_owned(), word.clone());
    }
    let accounts: BTreeSet<&String> = wanted.template.service_account.iter().collect();
    object.spec.service_accounts = accounts.into_iter().cloned().collect();
    if let Some(cluster) = wanted.cluster {
        cluster.make(object);
    }
    if let Some(platform) = wanted.platform {
        platform.note(object);
    }
}

/// Refuses what no pod could pull with although its ServiceAccounts are to list it.
pub(crate) fn check_pull_secret(object: &SealedSecret, place: &Place) -> Result<(), Failure> {
    match pull_secret::problem(object) {
        None => Ok(()),
        Some(problem) => Err(Failure::input(problem)
            .hint("--service-account is for the credentials of registries; a file keeps what it has under spec.serviceAccounts")
            .about(place)),
    }
}

/// Gives the manifest the shape that its platform reads, and says when a change takes effect there.
fn shape(manifest: &mut Manifest, place: &Place, wanted: &Wanted) -> Result<(), Failure> {
    let Some(platform) = wanted.platform else { return Ok(()) };
    let name = manifest.name.clone().or_else(|| wanted.template.name.clone());
    platform.shape(name.as_deref(), place, manifest).map_err(|failure| failure.about(place))
}

/// Says which keys of the manifest have another name for the platform: what reads them by the old one finds nothing.
fn tell_of_new_names(keys: &[String], manifest: &Manifest, place: &Place, wanted: &Wanted) {
    let Some(platform) = wanted.platform else { return };
    let gone: Vec<&str> =
        keys.iter().filter(|key| !manifest.values.contains_key(*key)).map(String::as_str).collect();
    let new = manifest.values.keys().filter(|key| !keys.contains(key));
    let new: Vec<&str> = new.map(String::as_str).collect();
    if !gone.is_empty() {
        let (gone, new) = (suggest::some_of(&gone), suggest::some_of(&new));
        let preset = platform.preset;
        console::note(&format!("{place}: for {preset} the manifest's {gone} is sealed as {new}"));
    }
}

fn tell_what_changes(manifest: &Manifest, place: &Place, wanted: &Wanted) {
    if !manifest.dropped.is_empty() {
        let annotations = manifest.dropped.iter().any(|name| name.starts_with("annotation "));
        let keeps = if annotations { "; --annotation NAME keeps an annotation" } else { "" };
        console::note(&format!("{place}: left out {}{keeps}", manifest.dropped.join(", ")));
    }
    for key in &manifest.empty {
        console::note(&format!(
            "{place}: the value of {key} is null and is sealed as empty, as kubectl has it"
        ));
    }
    for name in wanted.template.kept_annotations() {
        if !manifest.template.metadata.annotations.contains_key(&name) {
            console::note(&format!("{place}: there is no annotation {name} to keep"));
        }
    }
}

/// Keys that stay readable: those of `--clear`, and those of the rule that this manifest has.
fn clear_keys(manifest: &Manifest, place: &Place, wanted: &Wanted) -> BTreeSet<String> {
    let ruled = wanted.chosen.clear.iter().filter(|key| manifest.values.contains_key(*key));
    let keys: BTreeSet<String> = wanted.template.clear.iter().chain(ruled).cloned().collect();
    if !keys.is_empty() {
        let list: Vec<&str> = keys.iter().map(String::as_str).collect();
        console::note(&format!("{place}: in clear: {}", list.join(", ")));
    }
    keys
}

/// Warns when an object is too large for client-side apply, refuses when it is for etcd.
pub(crate) fn check_size(place: &Place, text: &str) -> Result<(), Failure> {
    if text.len() > TOO_LARGE_BYTES {
        let message =
            format!("{place}: the sealed file is larger than 1.4 MB, and etcd takes 1.5 MiB");
        return Err(Failure::new(ExitCode::Input, message)
            .hint("keep the large part elsewhere, encrypted, and seal its key; or seal the manifest again, under one header"));
    }
    if text.len() > LARGE_BYTES {
        console::warn(&format!(
            "{place}: the sealed file is larger than 200 kB; client-side `kubectl apply` and Argo CD's default stop \
             at 256 KiB: use server-side apply"
        ));
    }
    Ok(())
}
