//! `/metrics`, health and the incidents, over HTTP.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::metrics::Metrics;

/// What the pages are made from.
pub struct Shared {
    /// The series.
    pub metrics: Metrics,
    /// Records are being read.
    pub ready: AtomicBool,
    /// Incidents as a JSON array, written anew when one changes.
    pub incidents: Mutex<String>,
}

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Takes the address.
///
/// # Errors
/// An address that cannot be listened on.
pub async fn bind(listen: SocketAddr) -> Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; set `listen` under [web] to a free address"))
}

/// Serves until the program ends.
///
/// # Errors
/// Where accepting connections fails for good.
pub async fn serve(listener: tokio::net::TcpListener, shared: Arc<Shared>) -> Result<()> {
    axum::serve(listener, router(shared)).await.context("the web server stopped")
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(landing))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(|| async { "Isthmus is healthy.\n" }))
        .route("/-/ready", get(ready))
        .route("/api/v1/incidents", get(incidents))
        .with_state(shared)
}

async fn landing() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=en><title>Isthmus</title><h1>Isthmus</h1>\
         <p>Passive sensor between IT and OT.</p><ul><li><a href=metrics>Metrics</a>\
         <li><a href=api/v1/incidents>Incidents</a><li><a href=-/healthy>Health</a><li><a href=-/ready>Readiness</a></ul>",
    )
}

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let openmetrics = prefers_openmetrics(accept);
    let kind = if openmetrics { OPENMETRICS } else { TEXT };
    ([(header::CONTENT_TYPE, kind)], shared.metrics.render(openmetrics)).into_response()
}

/// Whether an Accept header puts OpenMetrics 1.0 before plain text.
fn prefers_openmetrics(accept: &str) -> bool {
    let quality = |wanted: &[&str]| {
        accept
            .split(',')
            .filter(|part| {
                wanted.iter().any(|w| part.trim().starts_with(w)) && !part.contains("version=0.0.1")
            })
            .map(|part| {
                part.split("q=")
                    .nth(1)
                    .and_then(|q| q.split(';').next()?.trim().parse::<f64>().ok())
                    .unwrap_or(1.0)
            })
            .fold(0.0, f64::max)
    };
    let open = quality(&["application/openmetrics-text"]);
    open > 0.0 && open >= quality(&["text/plain"])
}

async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    if shared.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "Isthmus is ready.\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "Isthmus is starting.\n")
    }
}

async fn incidents(State(shared): State<Arc<Shared>>) -> Response {
    let body =
        shared.incidents.lock().map_or_else(|poisoned| poisoned.into_inner().clone(), |body| body.clone());
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::prefers_openmetrics;

    #[test]
    fn the_format_is_what_the_scraper_prefers() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert!(prefers_openmetrics(prometheus));
        assert!(!prefers_openmetrics(
            "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.3"
        ));
        assert!(!prefers_openmetrics("*/*"));
    }
}
