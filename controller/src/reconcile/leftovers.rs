//! Entries of ServiceAccounts that nobody takes out any more: their sealed objects were deleted while this installation had
//! no right to. Looked for once, after everything is listed.
//!
//! Only an entry whose Secret is not there either is taken out. Any other may be of an object that is not served here, or of
//! one whose Secret was to stay: pods go on to pull with it.

use std::collections::HashSet;

use seal_core::place::Place;

use super::Context;
use super::attach::take_out_of;
use crate::api_error::ApiError;
use crate::memory::Watched;
use crate::plan::pull_secrets::Account;
use crate::target::{pull_secrets, secret};
use crate::work::pace;

/// How often the search begins again after an error.
const TRIES: u32 = 8;

/// Looks through what is watched, until it was all seen or fails for good.
pub(crate) async fn take_out_leftovers(ctx: &Context, watched: &[Watched]) {
    let mut errors = 0;
    while let Err(error) = look_through(ctx, watched).await {
        errors += 1;
        if errors == TRIES {
            return tracing::warn!(
                "ServiceAccounts were not looked through for what deleted objects left: {error}"
            );
        }
        tokio::time::sleep(pace::after_errors(errors)).await;
    }
}

async fn look_through(ctx: &Context, watched: &[Watched]) -> Result<(), ApiError> {
    for Watched(namespace) in watched {
        let accounts = pull_secrets::list_attached(&ctx.client, namespace.as_deref()).await?;
        if accounts.is_empty() {
            continue;
        }
        let mut known = HashSet::new();
        ctx.memory.for_each(|object| {
            known.insert(object.id.uid.clone());
        });
        for account in accounts {
            take_out_unknown(account, &known, ctx).await?;
        }
    }
    Ok(())
}

async fn take_out_unknown(
    account: Account,
    known: &HashSet<String>,
    ctx: &Context,
) -> Result<(), ApiError> {
    let unknown = account.ours.iter().filter(|(_, uid)| !known.contains(*uid));
    for (secret, uid) in unknown {
        let Ok(place) = Place::new(&account.namespace, secret) else { continue };
        if secret::read_meta(&ctx.client, &place).await?.is_none() {
            take_out_of(uid, account.clone(), None, ctx).await?;
            let (namespace, name) = (&account.namespace, &account.name);
            tracing::info!(
                "the ServiceAccount {namespace}/{name} lists {secret} no longer: its sealed object is gone"
            );
        }
    }
    Ok(())
}
