//! The fields other programs rely on, line by line.

use std::net::SocketAddr;

use sensor_ebpf::flow::FlowKey;
use serde_json::json;

use super::*;
use crate::detect::finding::{Measure, Severity, Stage, Target};
use crate::importance::Importance;
use crate::incident::State;
use crate::protocol::{self, Action, AssetField, Direction};
use crate::state::ConnectionState;
use crate::state::address::words;
use crate::state::segments::Segments;

const AT: Time = Time(1_700_000_000_000_000_001);

fn lines(log: &[Dataset], tell: impl FnOnce(&mut JsonLines<&mut Vec<u8>>)) -> Vec<Value> {
    let mut out = Vec::new();
    tell(&mut JsonLines::new(&mut out, log, "gw-1".to_owned()));
    out.split(|byte| *byte == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect()
}

fn get<'a>(line: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(line, |at, key| &at[key])
}

/// A TCP connection at its SYN.
fn connection(client: &str, server: &str) -> Connection {
    const TCP: u32 = 1 << 28;
    const SYN: u8 = 2;
    let [client, server]: [SocketAddr; 2] = [client, server].map(|end| end.parse().unwrap());
    let (src, dst) = (words(client.ip()), words(server.ip()));
    let key = FlowKey { src, dst, sport: client.port(), dport: server.port(), place: TCP };
    Connection::new(&key, AT, SYN, &Segments::default())
}

fn modbus() -> Connection {
    let mut connection = connection("10.10.0.5:40000", "10.20.0.7:502");
    connection.protocol = protocol::by_name("modbus");
    connection.vlans = [20, 0];
    connection
}

fn write_register(status: Status, direction: Direction) -> Command {
    Command {
        action: Action::Write,
        direction,
        code: 6,
        code_text: "0x06".into(),
        name: "write single register",
        status,
        unit: Some(3),
        object: Some("register 7".into()),
        protocol: None,
    }
}

pub(super) fn a_finding() -> Finding {
    Finding {
        number: 7,
        first: Time(AT.0 - 5),
        severity: Severity::High,
        importance: Some(Importance::from(4.5)),
        stage: Stage::Discovery,
        device_stage: "operational".to_owned(),
        actor_port: Some(40_000),
        actor_mac: Some([0, 0x1b, 0x21, 3, 4, 0xff]),
        actor_zone: "it".to_owned(),
        targets: vec![Target { ip: "10.20.0.7".parse().unwrap(), port: Some(502) }],
        targets_total: 1,
        target_zone: "ot".to_owned(),
        protocol: Some("modbus".to_owned()),
        summary: "asked 40 hosts".to_owned(),
        observed: Some(Measure { value: 40.0, unit: "hosts".to_owned(), window_s: 60.0 }),
        techniques: vec!["T0846".to_owned()],
        facts: vec![
            ("rdp.cookie".to_owned(), "not observable".to_owned()),
            ("tls.client.ja3".to_owned(), "ab".to_owned()),
        ],
        incident: Some(2),
        ..Finding::about(&crate::detect::ics_scan::SPEC, "10.10.0.5".parse().unwrap(), AT)
    }
}

#[test]
fn a_command_carries_the_fixed_fields_and_its_sender_as_source() {
    let answer = write_register(Status::Refused(2, "illegal data address"), Direction::Response);
    let [line] = &lines(&[Dataset::Command], |out| out.command(&modbus(), &answer, Side::Server, AT))[..]
    else {
        panic!("one line");
    };
    let expected = [
        ("@timestamp", json!("2023-11-14T22:13:20.000000001Z")),
        ("ecs.version", json!("8.17.0")),
        ("event.dataset", json!("isthmus.command")),
        ("event.kind", json!("event")),
        ("event.action", json!("write single register")),
        ("observer.name", json!("gw-1")),
        ("source", json!({ "ip": "10.20.0.7", "port": 502 })),
        ("destination", json!({ "ip": "10.10.0.5", "port": 40000 })),
        ("network.transport", json!("tcp")),
        ("network.protocol", json!("modbus")),
        ("network.vlan.id", json!("20")),
        ("isthmus.function", json!({ "code": "0x06", "name": "write single register", "number": 6 })),
        ("isthmus.action", json!("Write")),
        ("isthmus.direction", json!("response")),
        ("isthmus.status", json!("refused: illegal data address (0x2)")),
        ("isthmus.unit", json!(3)),
        ("isthmus.object", json!("register 7")),
        ("function", json!({ "code": "0x06", "name": "write single register", "number": 6 })),
        ("action", json!("Write")),
        ("direction", json!("response")),
    ];
    for (path, value) in expected {
        assert_eq!(get(line, path), &value, "{path}");
    }
    assert!(get(line, "network.community_id").as_str().unwrap().starts_with("1:"));
    assert_eq!(get(line, "event.id").as_str().unwrap().len(), 20);
}

#[test]
fn lines_are_written_only_for_the_datasets_asked_for() {
    let request = write_register(Status::None, Direction::Request);
    let written = lines(&[Dataset::Connection], |out| {
        out.command(&modbus(), &request, Side::Client, AT);
        out.malformed(&modbus(), Malformed::BadLength, AT);
        out.connection(&modbus(), AT);
        out.finding(&a_finding());
    });
    let datasets: Vec<&Value> = written.iter().map(|line| get(line, "event.dataset")).collect();
    assert_eq!(datasets, [&json!("isthmus.connection"), &json!("isthmus.finding")]);
}

#[test]
fn equal_commands_of_one_moment_have_ids_of_their_own_and_keep_them() {
    let request = write_register(Status::None, Direction::Request);
    let run = || {
        lines(&[Dataset::Command], |out| {
            for _ in 0..2 {
                out.command(&modbus(), &request, Side::Client, AT);
            }
        })
    };
    let first = run();
    assert_ne!(get(&first[0], "event.id"), get(&first[1], "event.id"));
    assert_eq!(first, run());
}

#[test]
fn a_connection_tells_its_volumes_and_what_tls_and_rdp_said() {
    let mut rdp_connection = connection("10.10.0.5:40000", "10.20.0.9:3389");
    rdp_connection.state = ConnectionState::Closed;
    let [client, server] = &mut rdp_connection.legs;
    (client.bytes, client.packets, server.bytes, server.packets) = (100, 3, 2000, 4);
    let written = lines(&[Dataset::Connection], |out| {
        let request = rdp::Handshake::Request {
            cookie: Some("administr".into()),
            routing_token: false,
            protocols: Some(3),
            restricted_admin: true,
        };
        out.rdp(&rdp_connection, &request, AT);
        let hello = tls::ClientHello {
            version: 0x0303,
            sni: tls::Sni::Absent,
            alpn: None,
            ja3: "j3".into(),
            ja4: "j4".into(),
        };
        out.tls(&rdp_connection, &tls::Handshake::ClientHello(Box::new(hello)), AT);
        for place in 0..2 {
            let certificate = tls::Certificate {
                place,
                subject: format!("CN={place}").into(),
                issuer: "CN=1".into(),
                valid: [0, 86_400],
                sha256: [0xab; 32],
                self_signed: if place == 1 { tls::SelfSigned::Yes } else { tls::SelfSigned::No },
            };
            out.tls(&rdp_connection, &tls::Handshake::Certificate(Box::new(certificate)), AT);
        }
        out.tls(&rdp_connection, &tls::Handshake::ChainEnd { certificates: 2 }, AT);
        out.connection(&rdp_connection, AT);
        out.connection(&modbus(), AT);
    });
    let [line, other] = &written[..] else { panic!("two lines") };
    let expected = [
        ("isthmus.state", json!("closed")),
        ("isthmus.client_bytes", json!(100)),
        ("isthmus.client_packets", json!(3)),
        ("isthmus.server_bytes", json!(2000)),
        ("isthmus.server_packets", json!(4)),
        ("state", json!("closed")),
        ("rdp", json!({ "cookie": "administr", "protocols": 3, "restricted_admin": true })),
        ("tls.client", json!({ "ja3": "j3" })),
        ("tls.version", json!("1.2")),
        (
            "tls.server",
            json!({
                "subject": "CN=0",
                "issuer": "CN=1",
                "hash": { "sha256": "AB".repeat(32) },
                "not_before": "1970-01-01T00:00:00Z",
                "not_after": "1970-01-02T00:00:00Z",
            }),
        ),
        (
            "isthmus.certificates",
            json!([
                { "subject": "CN=0", "issuer": "CN=1", "self_signed": "no", "sha256": "AB".repeat(32) },
                { "subject": "CN=1", "issuer": "CN=1", "self_signed": "yes", "sha256": "AB".repeat(32) },
            ]),
        ),
        ("isthmus.certificates_total", json!(2)),
        ("isthmus.sni", json!("absent")),
        ("isthmus.ja4", json!("j4")),
        ("isthmus.self_signed", json!("no")),
    ];
    for (path, value) in expected {
        assert_eq!(get(line, path), &value, "{path}");
    }
    assert_eq!(get(other, "rdp"), &Value::Null, "one connection's handshake is not another's");
}

#[test]
fn a_finding_carries_rule_threat_numbers_and_ends() {
    let line = finding(&a_finding(), "gw-1");
    let expected = [
        ("event.kind", json!("alert")),
        ("event.id", json!("finding-7")),
        ("event.severity", json!(75)),
        ("rule", json!({ "id": "ics_scan", "name": "ICS scan" })),
        ("threat.technique.id", json!(["T0846"])),
        ("source", json!({ "ip": "10.10.0.5", "port": 40000, "mac": "00-1B-21-03-04-FF" })),
        ("destination", json!({ "ip": "10.20.0.7", "port": 502 })),
        ("isthmus.basis", json!("rule")),
        ("isthmus.importance", json!(4.5)),
        ("isthmus.device_stage", json!("operational")),
        ("isthmus.incident_stage", json!("discovery")),
        ("isthmus.summary", json!("asked 40 hosts")),
        ("isthmus.observed", json!({ "value": 40.0, "unit": "hosts", "window_s": 60.0 })),
        ("isthmus.expected", Value::Null),
        ("isthmus.incident.id", json!(2)),
        ("isthmus.actor.id", json!("10.10.0.5")),
        ("isthmus.targets", json!([{ "ip": "10.20.0.7", "port": 502 }])),
        ("isthmus.targets_total", json!(1)),
        ("isthmus.source.zone", json!("it")),
        ("isthmus.destination.zone", json!("ot")),
        ("rdp", Value::Null),
        ("tls.client.ja3", json!("ab")),
    ];
    for (path, value) in expected {
        assert_eq!(get(&line, path), &value, "{path}");
    }
    assert!(get(&line, "network.community_id").is_string());
}

#[test]
fn a_finding_about_many_targets_has_no_flow_id() {
    let mut many = a_finding();
    many.targets_total = 40;
    assert_eq!(get(&finding(&many, "gw-1"), "network.community_id"), &Value::Null);
}

#[test]
fn a_fact_noted_twice_is_an_array() {
    let mut failed = a_finding();
    failed.facts = ["a", "b"].map(|value| ("failed".to_owned(), value.to_owned())).to_vec();
    assert_eq!(get(&finding(&failed, "gw-1"), "isthmus.facts.failed"), &json!(["a", "b"]));
}

#[test]
fn an_incident_tells_its_state_account_and_why_it_is_told() {
    let of = Incident {
        number: 2,
        state: State::Open,
        first: AT,
        last: AT,
        actors: vec!["10.10.0.5".parse().unwrap()],
        findings: vec![7],
        severity: Severity::Critical,
        importance: None,
        history: Default::default(),
        stages: vec![Stage::Discovery, Stage::Impact],
        related: vec![],
        taken: None,
        allowed: None,
        title: "ICS scan by 10.10.0.5".to_owned(),
        account: vec!["What: ICS scan.".to_owned()],
    };
    let line = incident(&of, "opened", "gw-1");
    let expected = [
        ("event.dataset", json!("isthmus.incident")),
        ("event.action", json!("opened")),
        ("event.severity", json!(95)),
        ("source.ip", json!("10.10.0.5")),
        ("isthmus.incident.id", json!(2)),
        ("isthmus.incident.state", json!("open")),
        ("isthmus.incident.stages", json!(["discovery", "impact"])),
        ("isthmus.incident_stage", json!("impact")),
        ("isthmus.findings", json!(["finding-7"])),
        ("isthmus.account", json!(["What: ICS scan."])),
        ("isthmus.summary", json!("ICS scan by 10.10.0.5")),
    ];
    for (path, value) in expected {
        assert_eq!(get(&line, path), &value, "{path}");
    }
}

#[test]
fn a_device_statement_and_an_anomaly_have_their_own_datasets() {
    let stated = Asset { side: Side::Server, field: AssetField::Firmware, value: "V3.2".into() };
    let written = lines(&[Dataset::Asset, Dataset::Anomaly], |out| {
        out.asset("10.20.0.7".parse().unwrap(), &stated, "s7comm", AT);
        out.malformed(&modbus(), Malformed::BadLength, AT);
    });
    let [asset, anomaly] = &written[..] else { panic!("two lines") };
    assert_eq!(get(asset, "event.dataset"), "isthmus.asset");
    assert_eq!(
        (get(asset, "isthmus.field"), get(asset, "isthmus.value")),
        (&json!("firmware"), &json!("V3.2"))
    );
    assert_eq!(get(anomaly, "event.dataset"), "isthmus.anomaly");
    assert_eq!(get(anomaly, "isthmus.anomaly"), "bad length");
}
