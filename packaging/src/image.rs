//! What the image is: one layer with one file, run as nobody, for each platform; an index over them.
//!
//! The shapes are those of <https://github.com/opencontainers/image-spec/blob/v1.1.1/spec.md>.

use std::collections::HashMap;

use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use oci_spec::image::{
    Arch, Config, ConfigBuilder, Descriptor, HistoryBuilder, ImageConfiguration,
    ImageConfigurationBuilder, ImageIndex, ImageIndexBuilder, ImageManifestBuilder, MediaType, Os,
    PlatformBuilder, RootFsBuilder,
};
use sha2::{Digest as _, Sha256};
use tar::Builder;

use crate::error::Error;
use crate::layout::{Layout, append};
use crate::program::Program;

const NAME: &str = "seal-controller";
/// The user whom the shipped pods name, too. No file says who it is, and none has to.
const USER: &str = "65532:65532";

/// What the image says of itself.
pub(crate) struct Labels<'a> {
    pub(crate) version: &'a str,
    pub(crate) revision: Option<&'a str>,
    pub(crate) created: Timestamp,
}

/// The whole layout: an image for each program, and the index over them under the version as its tag.
pub(crate) fn layout(programs: &[Program], labels: &Labels<'_>) -> Result<Layout, Error> {
    let mut layout = Layout::default();
    let mut images: Vec<Descriptor> = Vec::new();
    for program in programs {
        if programs.iter().filter(|it| it.arch == program.arch).count() > 1 {
            return Err(Error::Twice(format!("linux/{}", program.arch)));
        }
        images.push(image(&mut layout, program, labels)?);
    }
    let index = index(images, annotations(labels))?;
    let mut named = layout.document(MediaType::ImageIndex, &index)?;
    let mut names = annotations(labels);
    names.insert("org.opencontainers.image.ref.name".into(), labels.version.into());
    names.insert("io.containerd.image.name".into(), format!("{NAME}:{}", labels.version));
    named.set_annotations(Some(names));
    layout.close(&self::index(vec![named], HashMap::new())?)
}

fn index(
    entries: Vec<Descriptor>,
    annotations: HashMap<String, String>,
) -> Result<ImageIndex, Error> {
    let builder = ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(entries);
    let builder = if annotations.is_empty() { builder } else { builder.annotations(annotations) };
    Ok(builder.build()?)
}

/// One image: its layer, its configuration, and the manifest that names both.
fn image(layout: &mut Layout, program: &Program, labels: &Labels<'_>) -> Result<Descriptor, Error> {
    let tar = tar(program, labels.created)?;
    let unpacked = format!("sha256:{}", hex::encode(Sha256::digest(&tar)));
    let layer = layout.blob(MediaType::ImageLayerGzip, gzip(&tar)?)?;
    let configuration = configuration(&program.arch, unpacked, labels)?;
    let configuration = layout.document(MediaType::ImageConfig, &configuration)?;
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(configuration)
        .layers(vec![layer])
        .annotations(annotations(labels))
        .build()?;
    let mut image = layout.document(MediaType::ImageManifest, &manifest)?;
    let platform = PlatformBuilder::default().os(Os::Linux).architecture(program.arch.clone());
    image.set_platform(Some(platform.build()?));
    Ok(image)
}

/// The file system: the program, owned by root, which whoever runs it cannot write.
fn tar(program: &Program, created: Timestamp) -> Result<Vec<u8>, Error> {
    let mut archive = Builder::new(Vec::new());
    let modified = u64::try_from(created.as_second()).unwrap_or_default();
    append(&mut archive, NAME, 0o755, modified, &program.bytes)?;
    Ok(archive.into_inner()?)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, bytes)?;
    Ok(encoder.finish()?)
}

fn configuration(
    arch: &Arch,
    layer: String,
    labels: &Labels<'_>,
) -> Result<ImageConfiguration, Error> {
    let created = labels.created.to_string();
    let history = HistoryBuilder::default().created(created.clone()).created_by(NAME).build()?;
    Ok(ImageConfigurationBuilder::default()
        .created(created)
        .architecture(arch.clone())
        .os(Os::Linux)
        .config(runs(labels)?)
        .rootfs(RootFsBuilder::default().typ("layers").diff_ids(vec![layer]).build()?)
        .history(vec![history])
        .build()?)
}

fn runs(labels: &Labels<'_>) -> Result<Config, Error> {
    Ok(ConfigBuilder::default()
        .user(USER)
        .entrypoint(vec![format!("/{NAME}")])
        .working_dir("/")
        .exposed_ports(vec!["8080/tcp".to_owned()])
        .labels(annotations(labels))
        .build()?)
}

/// The keys that registries and scanners show, from
/// <https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md>.
fn annotations(labels: &Labels<'_>) -> HashMap<String, String> {
    let mut annotations = HashMap::from(
        [
            ("title", NAME.to_owned()),
            ("description", "Opens sealed files into live Secrets".to_owned()),
            ("licenses", env!("CARGO_PKG_LICENSE").to_owned()),
            ("version", labels.version.to_owned()),
            ("created", labels.created.to_string()),
        ]
        .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value)),
    );
    if let Some(revision) = labels.revision {
        annotations.insert("org.opencontainers.image.revision".into(), revision.to_owned());
    }
    annotations
}
