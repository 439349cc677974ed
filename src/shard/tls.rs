//! What a flow's TLS layers learn becomes the session that is remembered. The first of each kind counts.

use super::Tools;
use crate::limits;
use crate::message::Direction;
use crate::protocol::{Carrier, TlsEvent};
use crate::session::TlsSession;

/// Adds an event to the session.
pub(super) fn learn(session: &mut TlsSession, carrier: Carrier<'_>, event: TlsEvent<'_>, tools: &mut Tools) {
    match event {
        TlsEvent::Client(hello) => {
            if session.client.is_none() {
                session.position = carrier.position(Direction::Request, carrier.trails[0].end());
                session.client = Some(*hello);
            }
        }
        TlsEvent::Server(hello) => {
            if session.client.is_none() && session.server.is_none() {
                session.position = carrier.position(Direction::Response, carrier.trails[1].end());
            }
            session.server.get_or_insert(*hello);
        }
        TlsEvent::Certificates(from, list) => {
            let chain = &mut session.chains[from.index()];
            if chain.is_empty() {
                chain.extend(list.iter().filter_map(|der| tools.certificates.get(der)));
                if chain.len() < list.len() {
                    tools.out.tally.weird("certificate_unread");
                }
            }
        }
        TlsEvent::Stapled => session.stapled = true,
        TlsEvent::Ticket => session.ticket = true,
        TlsEvent::Renegotiated => session.renegotiated = true,
        TlsEvent::Alert(alert) => {
            if session.alerts.len() < limits::ALERTS {
                session.alerts.push(alert);
            }
        }
        TlsEvent::Established => session.established = true,
        TlsEvent::Opened => session.opened = true,
        TlsEvent::Locked(lock) => {
            session.lock.get_or_insert(lock);
        }
        TlsEvent::EarlyData(at) => session.early = Some(carrier.position(Direction::Request, at)),
        TlsEvent::Alpn(name) => {
            session.alpn.get_or_insert(name);
        }
    }
}
