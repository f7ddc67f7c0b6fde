//! What the API server answers, bounded in memory: lists in pages of many objects while these are of the usual size and
//! of few among those that somebody made large, and large metadata of one object at a time.
//!
//! An answer is in memory whole, and an object may have megabytes: 1.5 MB in etcd, and in JSON, which escapes, six times as
//! much. So a page that would be larger than [`PAGE_BYTES`] is given up in its middle and asked for again with half as many
//! objects, down to one; one that would fit four times lets the next have twice as many. A `continue` token does not hold
//! how many objects a page has.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use http::header::ACCEPT;
use http::request::Parts;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Bytes};
use kube::client::Body;
use tokio::sync::Semaphore;
use tower::{BoxError, Layer, Service, ServiceExt};

/// Most bytes of a page of several objects.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of metadata above which only one request at a time has them in memory.
const METADATA_BYTES: usize = 256 * 1024;

/// Puts [`Bounded`] before a client.
#[derive(Clone, Debug, Default)]
pub(super) struct BoundedLayer;

impl<S> Layer<S> for BoundedLayer {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        let large = Arc::new(Semaphore::new(1));
        Bounded { inner, objects: Arc::new(AtomicU32::new(u32::MAX)), large }
    }
}

/// A client whose answers are bounded.
#[derive(Clone, Debug)]
pub(super) struct Bounded<S> {
    inner: S,
    /// How many objects the next page is asked for.
    objects: Arc<AtomicU32>,
    /// Had while large metadata is read.
    large: Arc<Semaphore>,
}

type Answer<B> = Response<Either<B, Full<Bytes>>>;

impl<S, B> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Answer<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // What is ready is what was asked, so it is taken and a clone stays behind.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        if let Some(most) = limit(&request) {
            return Box::pin(page(inner, request.into_parts().0, most, self.objects.clone()));
        }
        if is_metadata(&request) {
            return Box::pin(metadata(inner, request.into_parts().0, self.large.clone()));
        }
        Box::pin(pass(inner, request))
    }
}

async fn pass<S, B>(mut inner: S, request: Request<Body>) -> Result<Answer<B>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
{
    Ok(inner.call(request).await?.map(Either::Left))
}

/// A page of `most` objects, or of fewer that fit.
async fn page<S, B>(
    inner: S,
    wanted: Parts,
    most: u32,
    objects: Arc<AtomicU32>,
) -> Result<Answer<B>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    loop {
        let count = objects.load(Ordering::Relaxed).min(most);
        let mut request = Request::from_parts(wanted.clone(), Body::empty());
        *request.uri_mut() = with_limit(&wanted.uri, count)?;
        let bytes = if count > 1 { PAGE_BYTES } else { usize::MAX };
        if let Some(answer) = ask(inner.clone(), request, bytes).await? {
            if answer.body().len() <= PAGE_BYTES / 4 {
                objects.store(count.saturating_mul(2), Ordering::Relaxed);
            }
            return Ok(answer.map(|bytes| Either::Right(Full::new(bytes))));
        }
        objects.store(count / 2, Ordering::Relaxed);
    }
}

/// Metadata of one object; large ones wait for each other.
async fn metadata<S, B>(
    inner: S,
    wanted: Parts,
    large: Arc<Semaphore>,
) -> Result<Answer<B>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let request = || Request::from_parts(wanted.clone(), Body::empty());
    let answer = match ask(inner.clone(), request(), METADATA_BYTES).await? {
        Some(answer) => answer,
        None => {
            let _turn = large.acquire().await?;
            ask(inner, request(), usize::MAX).await?.ok_or("an answer without an end")?
        }
    };
    Ok(answer.map(|bytes| Either::Right(Full::new(bytes))))
}

/// An answer, whole; none where it has more than `most` bytes.
async fn ask<S, B>(
    inner: S,
    request: Request<Body>,
    most: usize,
) -> Result<Option<Response<Bytes>>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = inner.oneshot(request).await?.into_parts();
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(Some(Response::from_parts(head, body.to_bytes()))),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(error) => Err(error),
    }
}

/// How many objects of a list a request asks for, if it does.
fn limit(request: &Request<Body>) -> Option<u32> {
    let mut words = request.uri().query().filter(|_| request.method() == Method::GET)?.split('&');
    words.find_map(|word| word.strip_prefix("limit="))?.parse().ok()
}

/// Whether a request asks for the metadata of one object: a list has a limit, and a watch is never read whole.
fn is_metadata(request: &Request<Body>) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    request.method() == Method::GET
        && accept.is_some_and(|accept| accept.contains("as=PartialObjectMetadata;"))
        && !request.uri().query().is_some_and(|query| query.contains("watch=true"))
}

fn with_limit(uri: &Uri, count: u32) -> Result<Uri, BoxError> {
    let query = uri.query().unwrap_or_default().split('&');
    let limited: Vec<String> = query
        .map(|word| match word.split_once('=') {
            Some(("limit", _)) => format!("limit={count}"),
            _ => word.to_owned(),
        })
        .collect();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{}", uri.path(), limited.join("&")).parse()?);
    Ok(Uri::from_parts(parts)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tower::service_fn;

    use super::*;

    /// The limits that were asked for in `pages` pages of a list whose objects have these lengths.
    async fn asked_for(length: fn(u32) -> usize, pages: usize) -> Vec<u32> {
        let asked = Arc::new(Mutex::new(vec![]));
        let at = Arc::new(AtomicU32::new(0));
        let (seen, begin) = (asked.clone(), at.clone());
        let server = service_fn(move |request: Request<Body>| {
            let query = request.uri().query().unwrap();
            let limit: u32 = query.strip_prefix("continue=a%26b&limit=").unwrap().parse().unwrap();
            seen.lock().unwrap().push(limit);
            let begin = begin.load(Ordering::Relaxed);
            let bytes = (begin..begin + limit).map(length).sum();
            let body = Full::new(Bytes::from(vec![b'x'; bytes]));
            std::future::ready(Ok::<_, BoxError>(Response::new(body)))
        });
        let mut client = BoundedLayer.layer(server);
        for _ in 0..pages {
            let uri = "/api/v1/secrets?continue=a%26b&limit=500";
            let request = Request::get(uri).body(Body::empty()).unwrap();
            client.ready().await.unwrap().call(request).await.unwrap();
            at.fetch_add(*asked.lock().unwrap().last().unwrap(), Ordering::Relaxed);
        }
        let asked = asked.lock().unwrap();
        asked.clone()
    }

    #[tokio::test]
    async fn usual_objects_come_in_large_pages() {
        assert_eq!(asked_for(|_| 6000, 3).await, [500, 500, 500]);
    }

    #[tokio::test]
    async fn large_objects_come_in_small_pages_and_large_ones_are_not_tried_again() {
        let asked = asked_for(|_| 9_000_000, 2).await;
        assert_eq!(asked, [500, 250, 125, 62, 31, 15, 7, 3, 1, 1]);
        assert_eq!(asked_for(|_| 50_000, 3).await, [500, 250, 125, 62, 62, 62]);
    }

    #[tokio::test]
    async fn pages_grow_again_behind_large_objects() {
        let length = |at| if at < 2 { 9_000_000 } else { 1000 };
        let asked = asked_for(length, 6).await;
        assert_eq!(asked[8..], [1, 1, 1, 2, 4, 8]);
    }

    #[tokio::test]
    async fn large_metadata_of_one_object_waits_for_its_turn_and_small_does_not() {
        for (bytes, asks) in [(METADATA_BYTES, 1), (METADATA_BYTES + 1, 2)] {
            let asked = Arc::new(AtomicU32::new(0));
            let counted = asked.clone();
            let server = service_fn(move |_: Request<Body>| {
                counted.fetch_add(1, Ordering::Relaxed);
                let body = Full::new(Bytes::from(vec![b'x'; bytes]));
                std::future::ready(Ok::<_, BoxError>(Response::new(body)))
            });
            let request = Request::get("/api/v1/namespaces/a/secrets/b")
                .header(ACCEPT, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
                .body(Body::empty())
                .unwrap();
            let answer = BoundedLayer.layer(server).oneshot(request).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), bytes);
            assert_eq!(asked.load(Ordering::Relaxed), asks);
        }
    }

    #[tokio::test]
    async fn what_is_neither_passes() {
        let server = service_fn(|request: Request<Body>| {
            let body = Full::new(Bytes::from(request.uri().to_string()));
            std::future::ready(Ok::<_, BoxError>(Response::new(body)))
        });
        for uri in ["/api/v1/secrets?watch=true", "/api/v1/namespaces/a/secrets/b"] {
            let request = Request::get(uri).body(Body::empty()).unwrap();
            let answer = BoundedLayer.layer(server).oneshot(request).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), uri);
        }
    }
}
