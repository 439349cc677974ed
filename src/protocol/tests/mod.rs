//! The dissectors through a layer, as a flow drives it: what was said comes out, however it was cut.

mod brokers;
mod commands;
mod conversation;
mod databases;
mod datagrams;
mod http1;
mod http1_losses;
mod http1_pairing;
mod http2;
mod layers;
mod mail;
mod mqtt;
pub(super) mod tape;
mod tls;
mod tls_keys;
mod websocket;
