//! What could not be inspected: clean must mean looked at.

use super::value::{Type, Value};
use super::{Family, Field, Source, Subject};

/// Headers that are not what their place says: nobody knows what was behind them.
const WRONG: &str = "packets with a header that is wrong or not known";

/// Weirds that mean that bytes where a token could be were not inspected. Neighbours with one reason are one.
const GAPS: &[(&str, &str)] = &[
    ("gaps", "holes in streams"),
    ("snapped", "packets cut by the snap length"),
    ("overlap_conflicts", "retransmissions with other bytes (the first were read, both were searched)"),
    ("fragment_overlap_conflict", "IP fragments with other bytes than the first"),
    ("far_ahead", "segments far ahead that were never acknowledged"),
    ("segments_bounded", "out-of-order bytes over the bound"),
    ("flows_evicted", "flows evicted"),
    ("fragments_evicted", "IP fragments evicted"),
    ("fragments_expired", "IP fragments whose rest never came"),
    ("too_deep", "packets with more encapsulation layers than are followed"),
    ("truncated", "packets whose headers were cut"),
    ("fragment_conflicting_end", "IP fragments that contradict where their datagram ends"),
    ("fragment_overflow", "IP fragments beyond the longest datagram"),
    ("late", "segments that came when their hole had been given up (searched only)"),
    ("after_end", "segments behind the end of their stream (searched only)"),
    ("esp", "encrypted IPsec packets (ESP)"),
    ("wifi_encrypted", "encrypted frames of 802.11"),
    ("macsec_encrypted", "encrypted frames of MACsec"),
    ("sctp", "packets of SCTP, which is not read"),
    ("dccp", "packets of DCCP, which is not read"),
    ("udp_lite", "packets of UDP-Lite, which is not read"),
    ("l2tpv3", "packets of L2TPv3 on IP, which is not read"),
    ("ipcomp", "packets of IPComp, which is not read"),
    ("unknown_ip_protocol", "packets of an IP protocol that is not known"),
    ("unknown_ethertype", "frames of an EtherType that is not known"),
    (
        "unknown_ppp_protocol",
        "packets of a PPP protocol that is not read (compression, encryption, multilink)",
    ),
    ("unknown_next_protocol", "packets of a service chain with a next protocol that is not known"),
    ("unknown_pseudowire", "frames of MPLS pseudowires that are not read"),
    ("gre_source_routing", "packets of GRE with source routing, which is not read"),
    ("bad_gre_version", "packets of GRE of an unknown version"),
    ("mpls_too_deep", "packets with more MPLS labels than are followed"),
    ("unknown_address_family", WRONG),
    ("unknown_inner_link_type", WRONG),
    ("unknown_nflog_version", WRONG),
    ("bad_ah_length", WRONG),
    ("bad_erspan_version", WRONG),
    ("bad_etherip_version", WRONG),
    ("bad_ip_header_length", WRONG),
    ("bad_ip_length", WRONG),
    ("bad_ip_version", WRONG),
    ("bad_ncm_table", WRONG),
    ("bad_metadata_version", WRONG),
    ("bad_nflog_attribute", WRONG),
    ("bad_nsh_header", WRONG),
    ("bad_pflog_length", WRONG),
    ("bad_pktap_length", WRONG),
    ("bad_pktap_link", WRONG),
    ("bad_ppi_header", WRONG),
    ("bad_ppi_link", WRONG),
    ("bad_pppoe_version", WRONG),
    ("bad_tcp_header_length", WRONG),
    ("bad_usbpcap_header", WRONG),
    ("content_undecodable", "bodies with a content coding that could not be undone"),
    ("body_not_recorded", "bodies that the recorder of the file left out"),
    ("content_bomb", "bodies over the decompression bound"),
    ("body_context_limit", "bodies too long to name the place of a token in them"),
    ("http_head_too_large", "message heads over the bound"),
    ("http_head_cut", "message heads that were cut"),
    ("hpack_state_lost", "HTTP/2 heads with fields whose compression state was lost"),
    ("hpack_malformed", "HTTP/2 heads that could not be decoded"),
    ("hpack_table_limit", "HTTP/2 compression tables over the bound"),
    ("http2_block_limit", "HTTP/2 heads over the bound before decoding"),
    ("http2_bad_frame", "HTTP/2 connections with bytes that are no frames"),
    ("http2_streams_limit", "HTTP/2 streams over the bound"),
    ("qpack_state_lost", "HTTP/3 heads with fields whose compression state was lost"),
    ("qpack_malformed", "HTTP/3 heads that could not be decoded"),
    ("qpack_table_limit", "HTTP/3 compression tables over the bound"),
    ("http3_block_limit", "HTTP/3 heads over the bound before decoding"),
    ("http3_streams_limit", "HTTP/3 streams over the bound"),
    ("quic_hole", "holes in streams of QUIC"),
    ("quic_bad_tag", "QUIC packets that the keys do not fit: their tag is wrong"),
    ("quic_waiting_limit", "QUIC streams whose order was given up for lack of room"),
    ("quic_streams_limit", "QUIC streams over the bound"),
    ("quic_connections_limit", "QUIC connections over the bound on the same ports"),
    ("websocket_undecodable", "WebSocket messages that could not be decompressed"),
    ("websocket_bad_frame", "WebSocket connections with bytes that are no frames"),
    ("gelf_incomplete", "messages of GELF whose chunks did not all come"),
    ("unit_limit", "messages over the bound, of which the bytes were searched only"),
    ("tls_bad_tag", "TLS records that the keys do not fit: their tag is wrong"),
    ("tls_records_limit", "TLS records that there was no room to join"),
    ("tls_secrets_limit", "TLS secrets over the bound"),
    (
        "tls_order_limit",
        "TLS sessions that were read before a hello that they need: it came too late, or never",
    ),
    ("http_pipeline_limit", "requests over the pipelining bound"),
    ("http_early_limit", "responses over the bound of those that wait for their requests"),
    ("open_heads_limit", "message heads of which the fields were not kept"),
    ("client_guess_limit", "tokens of which it was guessed, for lack of room, which side sent them"),
    ("sightings_limit", "exchanges with more tokens than are kept"),
    ("token_cut", "tokens cut by a hole"),
    ("token_over_limit", "tokens longer than the bound"),
    ("unknown_link_type", "packets of a link type that is not known"),
    ("retained_evicted", "subjects that were not judged again with late facts"),
    ("crack_refused", "HMAC tokens over the bound of the dictionary attack"),
    ("routes_evicted", "routes over the bound, of which it was forgotten how they answer"),
    ("lives_evicted", "tokens over the bound, of which it was forgotten who presented them"),
    ("ends_evicted", "tokens and sessions over the bound, of which it was forgotten that they ended"),
    ("redirects_evicted", "redirects over the bound, that nobody may follow"),
    ("grants_evicted", "redeemed grants over the bound"),
    ("names_evicted", "identifiers of tokens over the bound"),
    ("bindings_evicted", "tokens bound to keys over the bound"),
    ("variants_evicted", "tokens over the bound, of which variants are not told"),
    ("clients_evicted", "clients over the bound, whose refused tokens are not counted on"),
    ("hosts_evicted", "hosts over the bound, whose HSTS is not known"),
    ("keys_refused", "public keys over the bound"),
    ("keys_unfactored", "RSA keys over the bound that were not searched for weak primes"),
    ("confusion_budget", "HMAC tokens that were not tried with all public keys"),
    ("signatures_unverified", "tokens over the bound whose signatures were not verified"),
    (
        "signatures_forgotten",
        "verified tokens over the bound, which count as not verified if they come again",
    ),
    ("recovery_budget", "tokens over the bound that were not searched for a key that they have in common"),
    ("jwe_budget", "encrypted tokens that there was no allowance left to open"),
    ("sealed_evicted", "encrypted tokens over the bound, which a key that came later may open"),
    ("damage", "damaged places in the capture"),
    ("drops", "packets that were not captured"),
];

pub(super) const FAMILY: Family = Family {
    name: "coverage",
    doc: "What the run could not inspect, and what the capture itself holds.",
    subjects: &[Subject::Capture],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "coverage.gaps",
            ty: Type::Int,
            doc: "Number of occasions on which bytes where a token could be were not inspected.",
            get: |c| Value::or_missing(c.capture.map(|s| reasons(s).map(|(_, n)| n as i64).sum::<i64>())),
        },
        Field {
            name: "coverage.reasons",
            ty: Type::Str,
            doc: "Those occasions by reason, in words.",
            get: |c| match c.capture {
                Some(s) => {
                    let parts: Vec<_> = reasons(s).map(|(text, n)| format!("{text}: {n}")).collect();
                    Value::from(parts.join(", "))
                }
                None => Value::Missing,
            },
        },
        Field {
            name: "capture.secrets",
            ty: Type::Bool,
            doc: "Whether the capture carries TLS secrets (a key log in a pcapng Decryption Secrets Block).",
            get: |c| Value::or_missing(c.capture.map(|s| s.secrets)),
        },
    ],
};

/// The name of a reason.
pub(super) fn name(name: &str) -> Option<&'static str> {
    GAPS.iter().map(|(known, _)| *known).find(|known| *known == name)
}

/// The reasons that occurred and how often.
pub(super) fn reasons(summary: &super::CaptureSummary) -> impl Iterator<Item = (&'static str, u64)> {
    GAPS.chunk_by(|a, b| a.1 == b.1).filter_map(|same| {
        let n = same.iter().filter_map(|(name, _)| summary.tally.weirds.get(name)).sum::<u64>();
        same.first().filter(|_| n > 0).map(|(_, text)| (*text, n))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Tally;

    /// Where a packet's decoding ends, and yet nothing is lost: its receiver throws it away, too, and it is sent again.
    const DISCARDED: [&str; 2] = ["bad_checksum", "bad_fcs"];

    /// Of a datagram that turned out to be no such tunnel, nothing is lost: it is searched as what it is.
    const NO_TUNNEL: [&str; 7] = [
        "bad_geneve_version",
        "bad_gtp_extension",
        "bad_gtp_version",
        "bad_l2tp_version",
        "bad_teredo_header",
        "bad_tzsp_version",
        "bad_vxlan_header",
    ];

    #[test]
    fn wherever_decoding_ends_early_it_is_said() {
        let decode = concat!(env!("CARGO_MANIFEST_DIR"), "/src/decode");
        let mut found = 0;
        for file in std::fs::read_dir(decode).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for part in ["Weird(\"", "Closed(\""].iter().flat_map(|what| text.split(what).skip(1)) {
                let counted = part.split('"').next().unwrap();
                let excused = DISCARDED.contains(&counted) || NO_TUNNEL.contains(&counted);
                assert!(name(counted).is_some() != (excused), "{counted}");
                found += 1;
            }
        }
        assert!(found > 40, "{found}");
    }

    #[test]
    fn reasons_with_one_text_are_one() {
        let mut tally = Tally::default();
        for name in ["bad_ip_version", "bad_ah_length", "bad_ah_length", "sctp", "keepalives"] {
            tally.weird(name);
        }
        let summary = crate::facts::CaptureSummary { tally, ..Default::default() };
        let found: Vec<_> = reasons(&summary).collect();
        assert_eq!(found, [("packets of SCTP, which is not read", 1), (WRONG, 3)]);
    }
}
