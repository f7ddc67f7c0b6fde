//! What a sealed object asks for besides its content: what makes the same object work again.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use seal_core::names::{ACCEPTS, DETACH, FLUX_RECONCILE_AT, ON_DELETE, RECONCILE_AT};

/// Asks for a reconcile; Flux writes its own.
const REQUESTS: [&str; 2] = [RECONCILE_AT, FLUX_RECONCILE_AT];
/// Longer than any time. A request is remembered and echoed, and an annotation may have 256 KiB.
const MAX_REQUEST_BYTES: usize = 128;

/// What is asked for: another one is work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asks {
    pub generation: i64,
    pub reconcile_at: Option<String>,
    pub keeps: bool,
    pub deleted: bool,
    pub detaches: bool,
}

/// The request for a reconcile. Both annotations are times, and both may be there: the later one is what is asked
/// for now.
pub(super) fn request(metadata: &ObjectMeta) -> Option<String> {
    let annotations = metadata.annotations.as_ref()?;
    let requests = REQUESTS.iter().filter_map(|name| annotations.get(*name));
    let short = requests.filter(|text| text.len() <= MAX_REQUEST_BYTES);
    short.max_by_key(|text| (text.parse::<Timestamp>().ok(), *text)).cloned()
}

/// Whether the live Secret is to stay when the object is deleted. Every word but `delete` says so: see
/// [`unknown_on_delete`](seal_core::kind::sealed::SealedSecret::unknown_on_delete).
pub(super) fn keeps(metadata: &ObjectMeta) -> bool {
    let annotations = metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(ON_DELETE)).is_some_and(|word| word != "delete")
}

/// Whether whoever may write the Secret with this metadata lets sealed objects write their keys into it.
pub(super) fn lets_merge(metadata: &ObjectMeta) -> bool {
    let annotations = metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(ACCEPTS)).is_some_and(|word| word == "merge")
}

/// Whether the object has our finalizer.
pub(super) fn detaches(metadata: &ObjectMeta) -> bool {
    metadata.finalizers.iter().flatten().any(|finalizer| finalizer == DETACH)
}
