//! Files that are there and are not read: too large, a link, or no manifest any more. What was last seen in one is not gone.

use super::collect::Collector;
use crate::kind::file::Document;

impl Collector<'_> {
    pub(super) fn too_large(&mut self, paths: &[String]) {
        let message = "larger than 2 MiB, so it was not read";
        let (known, new): (Vec<String>, Vec<String>) =
            paths.iter().cloned().partition(|path| self.known_paths.contains(path));
        self.malformed(&known, message);
        self.warn(&new, message, false);
    }

    /// A link in the place of a file in which an object was last seen, or of a folder with such files.
    pub(super) fn link(&mut self, path: &str) {
        let beneath = format!("{path}/");
        let known_paths = self.known_paths;
        let known: Vec<String> = known_paths
            .get(path)
            .into_iter()
            .chain(known_paths.range(beneath.clone()..).take_while(|it| it.starts_with(&beneath)))
            .cloned()
            .collect();
        self.malformed(
            &known,
            "an object was last seen in it, and it is a link or a submodule now, or beneath one, which is not followed; to remove the object, delete the link",
        );
    }
}

/// Whether somebody may mean it: an object of Kubernetes, whatever its kind.
pub(super) fn is_manifest(document: &Document) -> bool {
    !matches!(document, Document::Other { kind } if kind.is_empty())
}
