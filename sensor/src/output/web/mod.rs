//! `/metrics`, health, readiness and what is known, over HTTP.

mod page;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use super::json;
use super::metrics::{Format, Metrics};
use crate::detect::finding::Severity;
use crate::engine::Engine;
use crate::incident;
use crate::run::orders::Orders;
use page::Page;

/// What the pages are made from, shared by the engine's thread and the web's.
pub struct Shared {
    /// The series.
    pub metrics: Metrics,
    /// Records are being read.
    pub ready: AtomicBool,
    /// What the engine is asked to do.
    pub orders: Orders,
    incidents: Page,
    findings: Page,
    hosts: Page,
}

impl Shared {
    /// Nothing is known yet, and nothing is ready.
    pub fn new(metrics: Metrics, orders: Orders) -> Self {
        Self {
            metrics,
            orders,
            ready: AtomicBool::new(false),
            incidents: Page::default(),
            findings: Page::default(),
            hosts: Page::default(),
        }
    }

    /// Reads the configuration again. A file that cannot be used changes nothing.
    ///
    /// # Errors
    /// One line: what, where, what to do.
    pub async fn reload(&self) -> Result<String, String> {
        let said = self.orders.reload().await;
        self.metrics.health.reloaded(said.is_ok());
        said
    }

    /// Writes the pages that somebody waits for. Called once a second from the engine's thread.
    pub fn publish(&self, engine: &Engine, observer: &str) {
        let (world, known) = (engine.world(), &engine.mind.incidents);
        self.incidents.offer(|| {
            known.iter().map(|of| (of.state.name(), json::incident(of, "summary", observer))).collect()
        });
        self.findings
            .offer(|| known.findings().map(|of| (of.severity.name(), json::finding(of, observer))).collect());
        self.hosts.offer(|| {
            let (devices, forged) = world.devices();
            let devices = devices.into_iter().map(|(ip, host)| json::host(ip, host, world, observer));
            let forged = forged.into_iter().map(|((ip, mac), n)| json::forged(ip, mac, n, world, observer));
            devices.chain(forged).map(|line| ("", line)).collect()
        });
    }
}

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

/// HEAD is answered wherever GET is.
fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(landing))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(|| async { "Isthmus is healthy.\n" }))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(reload).get(reload_by_get))
        .route("/api/v1/incidents", get(incidents))
        .route("/api/v1/incidents/{number}", get(incident))
        .route("/api/v1/findings", get(findings))
        .route("/api/v1/hosts", get(hosts))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is no such page; / lists them.\n") })
        .with_state(shared)
}

const LANDING: &str = concat!(
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Isthmus</title></head><body>",
    "<h1>Isthmus ",
    env!("CARGO_PKG_VERSION"),
    "</h1><p>Passive sensor between IT and OT.</p><ul>",
    "<li><a href=\"/metrics\">Metrics</a></li>",
    "<li><a href=\"/api/v1/incidents\">Incidents</a> (<a href=\"/api/v1/incidents?state=open\">open</a>)</li>",
    "<li><a href=\"/api/v1/findings\">Findings</a></li>",
    "<li><a href=\"/api/v1/hosts\">Devices</a></li>",
    "<li><a href=\"/-/healthy\">Health</a></li>",
    "<li><a href=\"/-/ready\">Readiness</a></li>",
    "</ul></body></html>\n"
);

async fn landing() -> Html<&'static str> {
    Html(LANDING)
}

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let accept: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(&accept.join(","));
    ([(header::CONTENT_TYPE, format.content_type())], shared.metrics.render(format)).into_response()
}

async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    if shared.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "Isthmus is ready.\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "Isthmus is starting.\n")
    }
}

async fn reload(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    match shared.reload().await {
        Ok(said) => (StatusCode::OK, format!("{said}.\n")),
        Err(said) => (StatusCode::BAD_REQUEST, format!("{said}; the configuration in use stays\n")),
    }
}

async fn reload_by_get() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "Reload with POST: curl -X POST this address.\n")
}

type Asked = Query<BTreeMap<String, String>>;

async fn incidents(State(shared): State<Arc<Shared>>, Query(asked): Asked) -> Response {
    answer(&shared.incidents, &asked, "state", &incident::State::ALL.map(incident::State::name)).await
}

async fn incident(State(shared): State<Arc<Shared>>, Path(number): Path<String>) -> Response {
    let Ok(number) = number.parse() else {
        let said = format!("`{number}` is no incident's number; /api/v1/incidents lists them.\n");
        return (StatusCode::BAD_REQUEST, said).into_response();
    };
    match shared.orders.incident(number).await {
        Ok(Some(incident)) => {
            ([(header::CONTENT_TYPE, "application/json")], incident.to_string()).into_response()
        }
        Ok(None) => {
            let said = format!("There is no incident {number}; /api/v1/incidents lists them.\n");
            (StatusCode::NOT_FOUND, said).into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "Isthmus is busy; ask again.\n").into_response(),
    }
}

async fn findings(State(shared): State<Arc<Shared>>, Query(asked): Asked) -> Response {
    answer(&shared.findings, &asked, "severity", &Severity::ALL.map(Severity::name)).await
}

async fn hosts(State(shared): State<Arc<Shared>>, Query(asked): Asked) -> Response {
    answer(&shared.hosts, &asked, "", &[]).await
}

/// The rows of `page`, or those that carry one of `words` where `key` asks for it.
async fn answer(page: &Page, asked: &BTreeMap<String, String>, key: &str, words: &[&str]) -> Response {
    if let Some(unknown) = asked.keys().find(|asked| *asked != key) {
        let hint = if words.is_empty() { "leave it out".to_owned() } else { format!("there is `{key}`") };
        return (StatusCode::BAD_REQUEST, format!("Nothing is selected by `{unknown}`; {hint}.\n"))
            .into_response();
    }
    let word = asked.get(key).map(String::as_str);
    if let Some(word) = word.filter(|word| !words.contains(word)) {
        let known = words.join(", ");
        return (StatusCode::BAD_REQUEST, format!("There is no {key} `{word}`; use one of {known}.\n"))
            .into_response();
    }
    match page.ask(word).await {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "Isthmus is starting; ask again.\n").into_response(),
    }
}
