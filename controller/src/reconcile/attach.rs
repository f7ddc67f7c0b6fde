//! The live Secret as an imagePullSecret of ServiceAccounts, where this installation lets it be.
//!
//! Only after the live Secret is what its file says, and only one that the kubelet can read: one that it cannot would keep
//! every image of a pod from being pulled.

use std::time::Instant;

use seal_core::kind::sealed::SealedSecret;
use seal_core::open::{OpenError, Opened};
use seal_core::place::Place;
use seal_core::pull_secret;

use super::verdict::Failed;
use super::writing::{Contest, Done};
use super::{Context, detach};
use crate::api_error::ApiError;
use crate::memory::Tracked;
use crate::object_id::Kind;
use crate::plan::Version;
use crate::plan::pull_secrets::{Account, Attachment};
use crate::target::pull_secrets;
use crate::work::pace;

/// How often a race with another writer is planned again before it waits: one list may be that of many sealed objects, which
/// are all put right at once.
const RACES: usize = 64;

/// What became of the ServiceAccounts.
pub(super) enum Attached {
    /// These have it; the others wait, each with why.
    To { names: Vec<String>, waiting: Vec<String> },
    /// Somebody keeps taking it out.
    Contested(Contest),
    /// The sealed object is gone or on its way out.
    Gone,
}

/// Refuses what can never be attached, before any key is used.
pub(super) fn check(sealed: &SealedSecret) -> Result<(), OpenError> {
    match pull_secret::problem(sealed) {
        Some(problem) => Err(malformed(sealed, problem)),
        None => Ok(()),
    }
}

/// Refuses to attach what the kubelet cannot read. Says nothing else about what was opened.
pub(super) fn check_opened(sealed: &SealedSecret, opened: &Opened) -> Result<(), OpenError> {
    let type_ = opened.template.type_.as_deref().unwrap_or_default();
    if sealed.spec.service_accounts.is_empty() || pull_secret::is_readable(type_, &opened.values) {
        return Ok(());
    }
    let problem = "spec.serviceAccounts would give it to pods, and its value is not a docker config that the kubelet can read";
    Err(malformed(sealed, problem))
}

fn malformed(sealed: &SealedSecret, problem: &str) -> OpenError {
    OpenError::Malformed { object: sealed.full_name(), problem: problem.to_owned() }
}

/// Of an object that is unchanged but for its ServiceAccounts, whether these are as its status has them.
pub(super) async fn is_as_it_was(tracked: &Tracked, ctx: &Context) -> bool {
    if !tracked.attaching.is_due() {
        return true;
    }
    if tracked.id.at.kind == Kind::ClusterSealedSecret {
        return false; // all of its places are looked at
    }
    match attach(tracked, &tracked.attaching.names, &tracked.id.at.target(), ctx).await {
        Ok(Attached::To { names, .. }) if names == tracked.status.attached_to => {
            settle(tracked, ctx);
            true
        }
        _ => false, // met again where it is reported
    }
}

/// All ServiceAccounts are as they should be.
pub(super) fn settle(tracked: &Tracked, ctx: &Context) {
    ctx.memory.update(&tracked.id, |it| it.attaching.done(tracked.attaching.changes));
}

/// After the live Secret of a SealedSecret was written: the ServiceAccounts of these names have it too, and no others.
pub(super) async fn attach_one_place(
    tracked: &Tracked,
    names: &[String],
    place: &Place,
    done: Done,
    ctx: &Context,
) -> Result<Done, Failed> {
    if tracked.detaches && tracked.applied != Some(tracked.generation) {
        let stays = |_: &str, name: &String| names.contains(name);
        take_out(tracked, Some(&place.namespace), stays, ctx).await?;
    }
    let done = attach_written(tracked, names, place, done, ctx).await?;
    if let Done::Written(written) = &done {
        settle(tracked, ctx);
        if tracked.detaches && names.is_empty() && written.merged_keys.is_empty() {
            detach::release(tracked, ctx).await?;
        }
    }
    Ok(done)
}

/// After the live Secret at `place` was written: the ServiceAccounts of these names have it too.
pub(super) async fn attach_written(
    tracked: &Tracked,
    names: &[String],
    place: &Place,
    done: Done,
    ctx: &Context,
) -> Result<Done, Failed> {
    let Done::Written(mut written) = done else { return Ok(done) };
    match attach(tracked, names, place, ctx).await? {
        Attached::To { names, waiting } => {
            written.waiting = waiting;
            written.attached_to = names;
        }
        Attached::Contested(contest) => return Ok(Done::Contested(contest)),
        Attached::Gone => return Ok(Done::Gone),
    }
    Ok(Done::Written(written))
}

/// Appends the live Secret at `place` to the ServiceAccounts of these names.
async fn attach(
    tracked: &Tracked,
    names: &[String],
    place: &Place,
    ctx: &Context,
) -> Result<Attached, Failed> {
    if !names.is_empty() && !detach::hold(tracked, ctx).await? {
        return Ok(Attached::Gone);
    }
    let (mut attached, mut waiting) = (Vec::new(), Vec::new());
    let mut contested = None;
    for name in names {
        match attach_one(tracked, name, place, ctx).await? {
            One::Attached => attached.push(name.clone()),
            One::Absent => waiting.push(format!("{name} (no such ServiceAccount)")),
            One::Full => {
                waiting.push(format!("{name} (it lists as many of sealed files as it may)"))
            }
            One::Contested(contest) => contested = Some(contest), // the others are served meanwhile
        }
    }
    Ok(contested.map_or(Attached::To { names: attached, waiting }, Attached::Contested))
}

/// Takes what was appended from this object out of the ServiceAccounts of one namespace, or of all, but where it `stays`.
pub(super) async fn take_out(
    tracked: &Tracked,
    namespace: Option<&str>,
    stays: impl Fn(&str, &String) -> bool,
    ctx: &Context,
) -> Result<(), Failed> {
    if !ctx.grants.pull_secrets {
        return Ok(()); // it may have lost the rights together with the flag
    }
    for account in pull_secrets::list_attached(&ctx.client, namespace).await? {
        let stays = stays(&account.namespace, &account.name);
        let stays = stays.then_some(tracked.id.at.name.as_str());
        take_out_of(&tracked.id.uid, account, stays, ctx).await?;
    }
    Ok(())
}

/// Takes out of a ServiceAccount what was appended from the sealed object with this uid, but what `stays`.
pub(super) async fn take_out_of(
    uid: &str,
    mut account: Account,
    stays: Option<&str>,
    ctx: &Context,
) -> Result<(), ApiError> {
    let (namespace, name) = (account.namespace.clone(), account.name.clone());
    let mut races = 0;
    loop {
        let detachment = account.detach(uid, stays);
        match pull_secrets::carry_out(&ctx.client, &namespace, &name, detachment).await {
            Err(error) if error.is_race() && races < RACES => races += 1,
            result => return result,
        }
        match pull_secrets::read(&ctx.client, &namespace, &name).await? {
            Some(now) => account = now,
            None => return Ok(()),
        }
    }
}

enum One {
    Attached,
    /// It is not there.
    Absent,
    /// It has no room.
    Full,
    Contested(Contest),
}

async fn attach_one(
    tracked: &Tracked,
    name: &str,
    place: &Place,
    ctx: &Context,
) -> Result<One, Failed> {
    let mut race = 0;
    loop {
        let account = pull_secrets::read(&ctx.client, &place.namespace, name).await?;
        let Some(account) = account else { return Ok(One::Absent) };
        let attachment = account.attach(&place.name, &tracked.id.uid);
        match attachment {
            Attachment::Leave => return Ok(One::Attached),
            Attachment::Full => return Ok(One::Full),
            Attachment::Change { .. } => {}
        }
        // A race is no new repair: only who comes first has the list as it was read.
        let contest = (race == 0).then(|| contest(tracked, &account, place, &attachment, ctx));
        if let Some(contest) = contest.flatten() {
            return Ok(One::Contested(contest));
        }
        let done = pull_secrets::carry_out(&ctx.client, &place.namespace, name, attachment).await;
        match done {
            Ok(()) => return Ok(One::Attached),
            Err(error) if error.is_race() && race < RACES => race += 1,
            Err(error) => {
                undo_nothing(tracked, &account.version, place, ctx);
                return Err(error.into());
            }
        }
    }
}

/// Nothing was appended: the next try is no repair, or no second one, of what nobody else has undone.
fn undo_nothing(tracked: &Tracked, account: &Version, place: &Place, ctx: &Context) {
    let uid = account.uid.as_deref().unwrap_or_default();
    ctx.memory.update(&tracked.id, |it| {
        it.set_repairs_at(place, tracked.repairs_at(place));
        if !tracked.attaching.has_written(uid) {
            it.attaching.has_not_written(uid);
        }
    });
}

/// Whether somebody else has taken out what was appended, and it is not the time yet to append it again.
fn contest(
    tracked: &Tracked,
    account: &Account,
    place: &Place,
    attachment: &Attachment,
    ctx: &Context,
) -> Option<Contest> {
    let uid = account.version.uid.clone().unwrap_or_default();
    let mut wait = None;
    let mut is_known = false;
    ctx.memory.update(&tracked.id, |it| {
        let is_repair = matches!(attachment, Attachment::Change { is_repair: true, .. })
            || it.attaching.has_written(&uid);
        if is_repair {
            let (mut repairs, delay) = pace::repair(it.repairs_at(place), Instant::now());
            is_known = repairs.is_told;
            repairs.is_told = delay.is_some();
            it.set_repairs_at(place, repairs);
            wait = delay;
        }
        if wait.is_none() {
            it.attaching.writes(&uid);
        }
    });
    let what = format!("the imagePullSecrets of the ServiceAccount {}", account.name);
    wait.map(|wait| Contest { by: None, what, wait, is_known })
}
