//! Lists of the API server, page by page: each object may have a mebibyte.

use kube::api::ListParams;
use kube::core::{ListMeta, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::connect::Cluster;
use crate::error::Failure;

/// Objects of a page.
const PAGE: u32 = 100;

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

impl Cluster {
    /// Hands every object at `path` to `take`; `what` is what messages call them.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        mut take: impl FnMut(T),
    ) -> Result<(), Failure> {
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let request = Request::new(path).list(&page).map_err(|_| self.silent())?;
            let listed = self.client.request::<Page<T>>(request).await;
            let Page { metadata, items } = listed.map_err(|error| self.refused(&error, what))?;
            items.into_iter().for_each(&mut take);
            match metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(()),
            }
        }
    }
}
