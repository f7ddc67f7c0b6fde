//! From a sealed object to its values: where the object is read, and the order of checks before any key is used.

use kube::core::Request;
use kube::{Client, Resource};
use seal_core::key::Keyring;
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::allowed::Allowed;
use seal_core::open::check::check_at;
use seal_core::open::{OpenError, Opened, open};
use seal_core::place::Place;

use super::Context;
use super::verdict::Failed;
use crate::api_error::{ApiError, code};
use crate::memory::Tracked;
use crate::thin;
use crate::work::bytes::Taken;

/// From here opening takes more than ten milliseconds.
const MANY_STANZAS: usize = 64;

/// The object itself, and the room that it takes: as its watch brought it while that is at hand, else read again.
/// `None` when there is nothing to do with it.
pub(super) async fn sealed_object(
    tracked: &Tracked,
    fresh: Option<Box<SealedSecret>>,
    ctx: &Context,
) -> Result<Option<(Box<SealedSecret>, Taken)>, Failed> {
    if let Some(sealed) = fresh
        && is_same(&sealed, tracked)
        && sealed.metadata.generation == Some(tracked.generation)
    {
        return Ok(Some((sealed, ctx.bytes.of_sealed(tracked.bytes).await)));
    }
    let room = ctx.bytes.of_sealed(tracked.bytes).await;
    let Some(text) = read(tracked, &ctx.client).await.map_err(Failed::from)? else {
        return Ok(None);
    };
    let room = if text.len() > tracked.bytes {
        drop(room); // else two that grew meanwhile could wait for each other
        ctx.bytes.of_sealed(text.len()).await
    } else {
        room
    };
    let sealed = thin::read_whole(&text).ok_or(Failed::Unreadable)?;
    let is_due = is_same(&sealed, tracked)
        && sealed.spec.suspend != Some(true)
        && sealed.metadata.deletion_timestamp.is_none();
    Ok(is_due.then(|| (Box::new(sealed), room)))
}

/// Its JSON; `None` when it is gone.
async fn read(tracked: &Tracked, client: &Client) -> Result<Option<String>, ApiError> {
    let name = &tracked.id.at;
    let request = Request::new(SealedSecret::url_path(&(), name.namespace.as_deref()))
        .get(&name.name, &Default::default())
        .expect("a name that the API server gave makes a path");
    match client.request_text(request).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if code(&error) == 404 => Ok(None),
        Err(error) => Err(ApiError::new("get the SealedSecret", name, error)),
    }
}

fn is_same(sealed: &SealedSecret, tracked: &Tracked) -> bool {
    sealed.metadata.uid.as_ref() == Some(&tracked.id.uid)
}

/// Opens the object for `target` after every check that needs no key.
pub(super) fn open_at(
    sealed: &SealedSecret,
    target: &Place,
    ctx: &Context,
) -> Result<Opened, OpenError> {
    let allowed = check_at(sealed, target.clone())?.allowed(&ctx.grants)?;
    open_beside(&allowed, &ctx.keys.now().keyring)
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
