//! From a sealed object to its values: where the object is read, and the order of checks before any key is used.

use kube::core::Request;
use kube::{Client, Resource};
use seal_core::key::Keyring;
use seal_core::kind::cluster_sealed::ClusterSealedSecret;
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::allowed::Allowed;
use seal_core::open::check::check_at;
use seal_core::open::{OpenError, Opened, open};
use seal_core::place::Place;

use super::verdict::Failed;
use super::{Context, attach};
use crate::api_error::{ApiError, code};
use crate::memory::Tracked;
use crate::object_id::Kind;
use crate::thin;
use crate::work::bytes::Taken;

/// From here opening takes more than ten milliseconds.
const MANY_STANZAS: usize = 64;

/// What there is of an object when its turn comes.
pub(super) enum Found {
    /// The object, and the room that it takes.
    Object(Box<SealedSecret>, Taken),
    /// Deleted, replaced or suspended: the watch tells.
    Nothing,
    /// The workers have so much in hand that it must come again.
    NoRoom,
}

/// The object itself: as its watch brought it while that is at hand, else read again.
pub(super) async fn sealed_object(
    tracked: &Tracked,
    fresh: Option<Box<SealedSecret>>,
    ctx: &Context,
) -> Result<Found, Failed> {
    let mut room = ctx.bytes.of_sealed(tracked.bytes);
    if room.is_none() {
        ctx.memory.put_back(&tracked.id, fresh);
        return Ok(Found::NoRoom);
    }
    if let Some(sealed) = fresh
        && is_same(&sealed, tracked)
        && sealed.metadata.generation == Some(tracked.generation)
    {
        return Ok(Found::Object(sealed, room));
    }
    let Some(text) = read(tracked, &ctx.client).await.map_err(Failed::from)? else {
        return Ok(Found::Nothing);
    };
    if text.len() > tracked.bytes {
        drop(room); // it has grown since its watch told of it
        room = ctx.bytes.of_sealed(text.len());
        if room.is_none() {
            return Ok(Found::NoRoom);
        }
    }
    let sealed = thin::read_whole(tracked.id.at.kind, &text).ok_or(Failed::Unreadable)?;
    let is_due = is_same(&sealed, tracked)
        && sealed.spec.suspend != Some(true)
        && sealed.metadata.deletion_timestamp.is_none();
    Ok(if is_due { Found::Object(Box::new(sealed), room) } else { Found::Nothing })
}

/// Its JSON; `None` when it is gone.
async fn read(tracked: &Tracked, client: &Client) -> Result<Option<String>, ApiError> {
    let name = &tracked.id.at;
    let path = match name.kind {
        Kind::SealedSecret => SealedSecret::url_path(&(), name.namespace.as_deref()),
        Kind::ClusterSealedSecret => ClusterSealedSecret::url_path(&(), None),
    };
    let request = Request::new(path)
        .get(&name.name, &Default::default())
        .expect("a name that the API server gave makes a path");
    match client.request_text(request).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if code(&error) == 404 => Ok(None),
        Err(error) => Err(ApiError::new("get the sealed object", name, error)),
    }
}

fn is_same(sealed: &SealedSecret, tracked: &Tracked) -> bool {
    sealed.metadata.uid.as_ref() == Some(&tracked.id.uid)
}

/// Opens the object for `target` after every check that needs no key.
pub(super) fn open_at(
    sealed: &SealedSecret,
    target: &Place,
    keyring: &Keyring,
    ctx: &Context,
) -> Result<Opened, OpenError> {
    let allowed = check_at(sealed, target.clone())?.allowed(&ctx.grants)?;
    attach::check(sealed)?;
    ctx.metrics.opens();
    let opened = open_beside(&allowed, keyring)?;
    attach::check_opened(sealed, &opened)?;
    Ok(opened)
}

/// A thousand stanzas take a tenth of a second: the endpoints and the watches go on meanwhile. For an ordinary file
/// another thread would cost more, in memory too, than it saves.
fn open_beside(allowed: &Allowed<'_>, keyring: &Keyring) -> Result<Opened, OpenError> {
    if allowed.checked().stanzas() > MANY_STANZAS {
        tokio::task::block_in_place(|| open(allowed, keyring))
    } else {
        open(allowed, keyring)
    }
}
