//! Over a real socket, as a scraper asks.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;
use crate::incident::Incidents;
use crate::mind::Mind;
use crate::run::orders::Order;
use crate::state::World;
use crate::state::world::Settings;
use crate::state::zone::Zones;
use crate::time::Time;

/// A server, and an engine that answers it, while `during` runs. `engine` says whether there is one.
fn with_server(engine: bool, during: impl FnOnce(&Shared, SocketAddr)) {
    let shared = Arc::new(Shared::new(Metrics::new(&[]).unwrap(), Orders::new(None)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(bind("127.0.0.1:0".parse().unwrap())).unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (served, stopped) = (Arc::clone(&shared), Arc::clone(&stop));
        scope.spawn(move || {
            runtime.block_on(async {
                let serving = tokio::spawn(serve(listener, served));
                while !stopped.load(Ordering::Relaxed) {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                serving.abort();
            });
        });
        let (known, stopped) = (Arc::clone(&shared), Arc::clone(&stop));
        scope.spawn(move || {
            let mut world = World::new(Settings::default(), Zones::default());
            world.host("10.20.0.7".parse().unwrap(), Time::from_seconds(1));
            let of = Engine::new(Mind::new(world, Incidents::default()));
            while engine && !stopped.load(Ordering::Relaxed) {
                known.publish(&of, "gw");
                for order in known.orders.take() {
                    if let Order::Incident(number, reply) = order {
                        let known = (number == 7).then(|| serde_json::json!({ "findings": [] }));
                        let _ = reply.send(known);
                    }
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| during(&shared, address)));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Status line and headers in lower case, and the body.
fn ask(address: SocketAddr, method: &str, path: &str, accept: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[test]
fn metrics_come_in_the_format_asked_for_with_its_content_type() {
    with_server(true, |_, address| {
        let (head, body) = ask(address, "GET", "/metrics", "*/*");
        assert!(
            head.contains("200 ok")
                && head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
            "{head}"
        );
        assert!(
            body.contains("# TYPE isthmus_packets_total counter\nisthmus_packets_total 0\n")
                && !body.contains("# EOF")
        );
        let (head, body) =
            ask(address, "GET", "/metrics", "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1");
        assert!(
            head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
            "{head}"
        );
        assert!(
            body.contains("# TYPE isthmus_packets counter\nisthmus_packets_total 0\n")
                && body.ends_with("# EOF\n")
        );
    });
}

#[test]
fn a_head_request_gets_the_head_alone() {
    with_server(true, |_, address| {
        for path in ["/", "/metrics", "/-/healthy", "/api/v1/hosts"] {
            let (head, body) = ask(address, "HEAD", path, "*/*");
            assert!(head.contains("200 ok") && body.is_empty(), "{path}: {head}");
        }
    });
}

#[test]
fn it_is_healthy_at_once_and_ready_when_records_are_read() {
    with_server(true, |shared, address| {
        assert!(ask(address, "GET", "/-/healthy", "*/*").0.contains("200 ok"));
        assert!(ask(address, "GET", "/-/ready", "*/*").0.contains("503"));
        shared.ready.store(true, Ordering::Relaxed);
        assert!(ask(address, "GET", "/-/ready", "*/*").0.contains("200 ok"));
    });
}

#[test]
fn what_is_known_is_json_and_may_be_selected() {
    with_server(true, |_, address| {
        let (head, body) = ask(address, "GET", "/api/v1/hosts", "*/*");
        assert!(head.contains("content-type: application/json"), "{head}");
        let hosts: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(hosts.pointer("/0/host/ip"), Some(&serde_json::json!("10.20.0.7")));
        assert_eq!(ask(address, "GET", "/api/v1/incidents?state=open", "*/*").1, "[]");
        assert_eq!(ask(address, "GET", "/api/v1/findings?severity=high", "*/*").1, "[]");
        let (head, body) = ask(address, "GET", "/api/v1/incidents?state=opened", "*/*");
        assert!(
            head.contains("400") && body.contains("use one of open, quiet, closed, acknowledged"),
            "{body}"
        );
        assert!(ask(address, "GET", "/api/v1/hosts?x=1", "*/*").0.contains("400"));
        assert!(ask(address, "GET", "/nowhere", "*/*").0.contains("404"));
    });
}

#[test]
fn one_incident_is_asked_for_by_its_number() {
    with_server(true, |_, address| {
        let (head, body) = ask(address, "GET", "/api/v1/incidents/7", "*/*");
        assert!(head.contains("200 ok") && head.contains("content-type: application/json"), "{head}");
        assert_eq!(body, "{\"findings\":[]}");
        assert!(ask(address, "GET", "/api/v1/incidents/8", "*/*").0.contains("404"));
        assert!(ask(address, "GET", "/api/v1/incidents/seven", "*/*").0.contains("400"));
    });
}

#[test]
fn a_reload_is_posted_and_refused_in_one_line() {
    with_server(true, |shared, address| {
        assert!(ask(address, "GET", "/-/reload", "*/*").0.contains("405"));
        let (head, body) = ask(address, "POST", "/-/reload", "*/*");
        assert!(head.contains("400 bad request"), "{head}");
        assert_eq!(
            body,
            "there is no configuration file to reload; start with --config; the configuration in use stays\n"
        );
        assert!(shared.metrics.render(Format::Text).contains("isthmus_config_last_reload_successful 0\n"));
    });
}

#[test]
fn rows_are_selected_by_their_word() {
    let page = Page::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let answer = runtime.block_on(async {
        let ask = page.ask(Some("open"));
        let write = async {
            tokio::task::yield_now().await;
            page.offer(|| vec![("open", 1.into()), ("closed", 2.into()), ("open", 3.into())]);
        };
        tokio::join!(ask, write).0
    });
    assert_eq!(answer.as_deref(), Some("[1,3]"));
}

#[test]
fn a_page_nobody_asked_for_is_not_written() {
    Page::default().offer(|| panic!("written for nobody"));
}

#[test]
fn before_the_engine_answers_pages_say_so() {
    with_server(false, |_, address| {
        assert!(ask(address, "GET", "/api/v1/incidents", "*/*").0.contains("503"));
    });
}

#[test]
fn an_address_in_use_is_one_clear_line() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let taken = runtime.block_on(bind("127.0.0.1:0".parse().unwrap())).unwrap();
    let address = taken.local_addr().unwrap();
    let said = format!("{:#}", runtime.block_on(bind(address)).unwrap_err());
    assert!(
        said.starts_with(&format!("cannot listen on {address}; set `listen` under [web] to a free address")),
        "{said}"
    );
    assert!(!said.contains('\n'));
}
