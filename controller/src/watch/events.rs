//! The events of one watch, for ever: what every watch here does about silence, errors and their telling.
//!
//! The API server ends a watch after [`WATCH_SECONDS`] and it is taken up where it was, so one whose connection died
//! without a word is noticed 5 s later than that. After an error it begins again, at once and then ever later up to
//! 4 s: the API server may be well again at any time. A cause is told once, and its end.

use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::watcher::{self, Config, Event};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::work::pace;

/// How long the API server keeps one request of a watch.
const WATCH_SECONDS: u32 = 25;
/// The events of one watch.
pub(crate) struct Events<K: Resource + 'static> {
    what: &'static str,
    api: Api<K>,
    config: Config,
    stream: BoxStream<'static, watcher::Result<Event<K>>>,
    /// Errors in a row.
    errors: u32,
    /// Until when it waits after an error. Kept until then, since whoever waits for several watches drops this wait whenever
    /// another one has something.
    waits: Option<Instant>,
    /// The HTTP status of the last error that was told of.
    told: Option<u16>,
    /// Had while it lists: two lists of foreign objects would have two pages in memory.
    listing: Option<Arc<Semaphore>>,
    may_list: Option<OwnedSemaphorePermit>,
}

impl<K> Events<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    pub(crate) fn of(what: &'static str, api: Api<K>, config: Config) -> Self {
        let config = config.timeout(WATCH_SECONDS);
        let stream = watcher::watcher(api.clone(), config.clone()).boxed();
        let (listing, may_list) = (None, None);
        Self { what, api, config, stream, errors: 0, waits: None, told: None, listing, may_list }
    }

    /// From now on as if it had just begun: with a list, at whose end it is known again what is there.
    pub(crate) fn begin_anew(&mut self) {
        self.may_list = None;
        self.stream = watcher::watcher(self.api.clone(), self.config.clone()).boxed();
    }

    /// The same, of objects that anybody may have made large: only one such watch lists at a time.
    /// A page has so many, or fewer: the client asks for fewer where they are large.
    pub(crate) fn of_foreign(
        what: &'static str,
        api: Api<K>,
        page: u32,
        listing: Arc<Semaphore>,
    ) -> Self {
        let config = Config::default().page_size(page);
        Self { listing: Some(listing), ..Self::of(what, api, config) }
    }

    /// The next event; with an error the HTTP status of what interrupted it, 0 where nothing answered.
    pub(crate) async fn next(&mut self) -> Result<Event<K>, u16> {
        // Not for no time: even that takes tokio's clock a millisecond, and a list has thousands of events.
        if let Some(until) = self.waits {
            tokio::time::sleep_until(until).await;
            self.waits = None;
        }
        match self.stream.next().await.expect("a watch has no end") {
            Ok(Event::Init) => {
                if let Some(listing) = &self.listing {
                    self.may_list = listing.clone().acquire_owned().await.ok();
                }
                Ok(Event::Init) // only a list is asked for
            }
            Ok(event) => {
                if matches!(event, Event::InitDone) {
                    self.may_list = None;
                }
                self.goes_on();
                Ok(event)
            }
            Err(error) => {
                let code = code(&error);
                self.fails(code);
                Err(code)
            }
        }
    }

    /// What belongs to the list that just ended was not to be had: it begins anew, later.
    pub(crate) fn fails_at_list(&mut self, error: &kube::Error) -> u16 {
        let code = crate::api_error::code(error);
        self.begin_anew();
        self.fails(code);
        code
    }

    fn fails(&mut self, code: u16) {
        self.may_list = None;
        // An API server that was started anew has forgotten what was watched: it is there, and a list is next.
        let is_there_again = code == 410 && self.told != Some(410);
        self.errors = if is_there_again { 1 } else { self.errors.saturating_add(1) };
        self.waits = Some(Instant::now() + pace::after_errors(self.errors));
        self.tell(code);
    }

    fn goes_on(&mut self) {
        self.errors = 0;
        if self.told.take().is_some() {
            tracing::info!("the watch of {} goes on", self.what);
        }
    }

    fn tell(&mut self, code: u16) {
        if self.told.replace(code) == Some(code) {
            return;
        }
        let hint = match code {
            404 => {
                "; is the kind installed? `seal install` and the chart have it, that of GitSources where Git is asked for"
            }
            403 => "; the role does not allow it, or its namespace is going",
            0 => "; the API server does not answer",
            _ => "",
        };
        let url = self.api.resource_url();
        tracing::warn!(
            code,
            url,
            "the watch of {} is interrupted and begins again{hint}",
            self.what
        );
    }
}

fn code(error: &watcher::Error) -> u16 {
    use watcher::Error;
    match error {
        Error::InitialListFailed(error)
        | Error::WatchStartFailed(error)
        | Error::WatchFailed(error) => crate::api_error::code(error),
        Error::WatchError(status) => status.code,
        _ => 0,
    }
}
