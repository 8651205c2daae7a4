//! `ferro-oci-server`: a registry that isn't Docker's, with the referrers API, in this process; and a gateway in front of it that can be bad.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use ferro_oci_server::{Config, build_app};
use tokio::runtime::Runtime;

/// What stands in front of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    /// It only writes down what is asked.
    Plain,
    /// It gives up in the middle of the first body of each upload; what came is kept.
    GivesUp,
    /// It hides from a repository what only others have, as registries do whose repositories have their own readers.
    KeepsApart,
}

/// A running registry; what it has is gone with it.
#[derive(Debug)]
pub(crate) struct Ferro {
    /// Its address, `http://127.0.0.1:port`.
    pub(crate) base: String,
    seen: Arc<Seen>,
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct Seen {
    gateway: Gateway,
    asked: Mutex<Vec<String>>,
    /// Paths of the blobs that were sent to a repository, and of uploads that were given up once.
    known: Mutex<BTreeSet<String>>,
}

impl Ferro {
    /// Starts it.
    pub(crate) fn start(gateway: Gateway) -> Self {
        let blobs = Config::from_raw(None, None).blob_store().expect("it is in memory");
        let seen = Arc::new(Seen { gateway, asked: Mutex::default(), known: Mutex::default() });
        // Around the whole registry, not its routes: which one a request takes isn't known before it was handed on.
        let gateway = from_fn_with_state(Arc::clone(&seen), pass);
        let app = Router::new().fallback_service(build_app(blobs)).layer(gateway);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
        let base = format!("http://{}", listener.local_addr().expect("it has an address"));
        listener.set_nonblocking(true).expect("it can wait");
        let runtime = Runtime::new().expect("threads can be started");
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it is one");
            axum::serve(listener, app).await
        });
        Self { base, seen, runtime: Some(runtime) }
    }

    /// Returns host and port, as references have them.
    pub(crate) fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Returns what was asked, method and address, since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.seen.asked))
    }
}

impl Drop for Ferro {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("because no holder panics")
}

/// Hands a request on, or doesn't.
async fn pass(State(seen): State<Arc<Seen>>, request: Request, next: Next) -> Response {
    locked(&seen.asked).push(format!("{} {}", request.method(), request.uri()));
    let path = request.uri().path().to_owned();
    let repository = path.split("/blobs/").next().unwrap_or_default();
    let is_last = *request.method() == Method::PUT && path.contains("/blobs/uploads/");
    match seen.gateway {
        Gateway::GivesUp if is_last && locked(&seen.known).insert(path.clone()) => {
            let (mut parts, body) = request.into_parts();
            let Ok(body) = to_bytes(body, usize::MAX).await else {
                return StatusCode::BAD_REQUEST.into_response();
            };
            parts.method = Method::PATCH;
            let part = Request::from_parts(parts, Body::from(body.slice(..body.len() / 2)));
            let kept = next.run(part).await.status();
            assert_eq!(kept, StatusCode::ACCEPTED, "the registry takes parts");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Gateway::KeepsApart if *request.method() == Method::HEAD && path.contains("/blobs/") => {
            if locked(&seen.known).contains(&path) {
                return next.run(request).await;
            }
            StatusCode::NOT_FOUND.into_response()
        }
        Gateway::KeepsApart if is_last => {
            let digest = request.uri().query().and_then(|query| query.strip_prefix("digest="));
            let blob = format!("{repository}/blobs/{}", digest.unwrap_or_default());
            let answer = next.run(request).await;
            if answer.status() == StatusCode::CREATED {
                locked(&seen.known).insert(blob);
            }
            answer
        }
        Gateway::Plain | Gateway::GivesUp | Gateway::KeepsApart => next.run(request).await,
    }
}
