//! `flows`: one record a TCP connection or UDP conversation.

use super::{Record, name, tls::TlsView};
use crate::{
    decode::IpProtocol,
    message::Channel,
    protocol::Over,
    report::{Column, EndpointView, Kind},
    session::FlowSummary,
    time::Timestamp,
};
use serde::{Serialize, ser::SerializeMap};

/// One flow, keys in the order of the contract.
#[derive(Debug, Serialize)]
pub struct FlowRecord<'a> {
    file: &'a str,
    flow: u64,
    start: Timestamp,
    end: Timestamp,
    client: EndpointView,
    server: EndpointView,
    transport: &'static str,
    protocol: &'static str,
    inner: Option<&'static str>,
    packets: u64,
    bytes: u64,
    encrypted: bool,
    decrypted: bool,
    state: &'static str,
    anomalies: AnomaliesView,
    tls: Option<TlsView<'a>>,
    tunnel: &'a [String],
    vlan: &'a [u16],
}

/// A number for each kind of anomaly.
#[derive(Debug)]
struct AnomaliesView([(&'static str, u64); 12]);

impl Serialize for AnomaliesView {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, n) in &self.0 {
            map.serialize_entry(name, n)?;
        }
        map.end()
    }
}

/// The record of a flow: its number in the run, the name of its file, and the tunnels and VLANs that it came in.
pub fn flow_record<'a>(
    flow: &'a FlowSummary,
    number: u64,
    file: &'a str,
    vlan: &'a [u16],
    tunnel: &'a [String],
) -> FlowRecord<'a> {
    let mut protocols = flow.protocols.iter().copied();
    let protocol = protocols.next().unwrap_or("unknown");
    FlowRecord {
        file,
        flow: number,
        start: flow.start,
        end: flow.end,
        client: EndpointView(flow.transport.client),
        server: EndpointView(flow.transport.server),
        transport: match flow.key.protocol {
            IpProtocol::Tcp => "tcp",
            IpProtocol::Udp => "udp",
        },
        protocol,
        inner: protocols.next(),
        packets: flow.packets,
        bytes: flow.bytes,
        encrypted: flow.protocols.iter().any(|p| matches!(*p, "tls" | "quic" | "dtls")),
        decrypted: flow.transport.channel == Channel::TlsDecrypted,
        state: flow.state,
        anomalies: AnomaliesView(flow.anomalies.named()),
        tls: flow.tls.as_deref().map(|session| TlsView::new(session, over(flow))),
        tunnel,
        vlan,
    }
}

/// What the first hello came in.
fn over(flow: &FlowSummary) -> Over {
    match flow.protocols.iter().find(|p| matches!(**p, "tls" | "quic" | "dtls")) {
        Some(&"quic") => Over::Quic,
        Some(&"dtls") => Over::Dtls,
        _ => Over::Tcp,
    }
}

impl Record for FlowRecord<'_> {
    const CSV: &'static [&'static str] = &[
        "file",
        "flow",
        "start",
        "end",
        "client.addr",
        "client.port",
        "server.addr",
        "server.port",
        "transport",
        "protocol",
        "inner",
        "packets",
        "bytes",
        "encrypted",
        "decrypted",
        "state",
        "anomalies.out_of_order",
        "anomalies.retransmitted",
        "anomalies.overlap_conflicts",
        "anomalies.gaps",
        "anomalies.gap_bytes",
        "anomalies.late",
        "anomalies.keepalives",
        "anomalies.resets_ignored",
        "anomalies.after_end",
        "anomalies.far_ahead",
        "anomalies.urgent",
        "anomalies.segments_bounded",
        "tls.sni",
        "tls.alpn",
        "tls.alpn_selected",
        "tls.version",
        "tls.cipher",
        "tls.ja3",
        "tls.ja4",
        "tls.certificates",
        "tls.ja3s",
        "tls.versions",
        "tls.groups",
        "tls.key_shares",
        "tls.group",
        "tls.signature_algorithms",
        "tls.ech",
        "tls.early_data",
        "tls.ocsp_stapled",
        "tls.resumed",
        "tls.ticket",
        "tls.renegotiated",
        "tls.alerts",
        "tls.not_decrypted",
        "tunnel",
        "vlan",
    ];
    const COLUMNS: &'static [Column] = &[
        Column::new("FLOW", Kind::Number),
        Column::new("CLIENT", Kind::Long),
        Column::new("SERVER", Kind::Long),
        Column::new("PROTOCOL", Kind::Short),
        Column::new("PKTS", Kind::Number),
        Column::new("BYTES", Kind::Number),
        Column::new("STATE", Kind::Short),
        Column::new("NAME", Kind::Long),
    ];

    fn file(&self) -> Option<&str> {
        Some(self.file)
    }

    fn row(&self) -> Vec<String> {
        let tls = self.tls.as_ref();
        let protocol = match (self.inner, self.protocol, self.transport) {
            (Some(inner), outer, _) => format!("{outer}/{inner}"),
            (None, "unknown", transport) => transport.to_owned(),
            (None, outer, _) => outer.to_owned(),
        };
        vec![
            self.flow.to_string(),
            self.client.address(),
            self.server.text(),
            protocol,
            self.packets.to_string(),
            self.bytes.to_string(),
            self.state.to_owned(),
            name(tls.and_then(|t| t.sni)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    #[test]
    fn a_flow_prints_as_the_contract_says() {
        let tunnel = ["vxlan:100".to_owned()];
        let flow = golden::flow();
        let record = flow_record(&flow, 7, "a.pcap", &[5, 6], &tunnel);
        golden::check(&record);
        insta::assert_snapshot!(serde_json::to_string(&record).unwrap());
    }

    #[test]
    fn what_is_missing_is_null() {
        let mut flow = golden::flow();
        flow.tls = None;
        flow.protocols.clear();
        flow.transport.client = None;
        let value = serde_json::to_value(flow_record(&flow, 1, "-", &[], &[])).unwrap();
        assert_eq!((&value["protocol"], &value["encrypted"]), (&"unknown".into(), &false.into()));
        assert!(value["tls"].is_null() && value["inner"].is_null() && value["client"]["addr"].is_null());
    }
}
