//! From a sealed object to its values: where the object is read, and the order of checks before any key is used.

use kube::{Api, Client};
use seal_core::key::Keyring;
use seal_core::kind::sealed::SealedSecret;
use seal_core::open::allowed::Allowed;
use seal_core::open::check::check_at;
use seal_core::open::{OpenError, Opened, open};
use seal_core::place::Place;

use super::Context;
use crate::memory::{Tracked, is_resting};

/// From here opening takes more than ten milliseconds.
const MANY_STANZAS: usize = 64;

/// The object itself: as its watch brought it while that is at hand, else read again. `None` when there is nothing
/// to do with it.
pub(super) async fn sealed_object(
    tracked: &Tracked,
    fresh: Option<Box<SealedSecret>>,
    client: &Client,
) -> Result<Option<Box<SealedSecret>>, kube::Error> {
    if let Some(sealed) = fresh
        && is_same(&sealed, tracked)
        && sealed.metadata.generation == Some(tracked.generation)
    {
        return Ok(Some(sealed));
    }
    let name = &tracked.id.at;
    let api: Api<SealedSecret> =
        Api::namespaced(client.clone(), name.namespace.as_deref().unwrap_or_default());
    let read = api.get_opt(&name.name).await?;
    Ok(read.filter(|sealed| is_same(sealed, tracked) && !is_resting(sealed)).map(Box::new))
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
