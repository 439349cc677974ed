//! Endpoints as records print them.

use crate::decode::Endpoint;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// `{"addr": "10.0.0.1", "port": 1234}`; both null where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointView(pub Option<Endpoint>);

impl EndpointView {
    /// `10.0.0.1:1234`, `[::1]:80`, or `-`.
    pub fn text(self) -> String {
        self.0.map_or_else(|| "-".to_owned(), |e| std::net::SocketAddr::new(e.addr, e.port).to_string())
    }

    /// The address alone, or `-`.
    pub fn address(self) -> String {
        self.0.map_or_else(|| "-".to_owned(), |e| e.addr.to_string())
    }
}

impl Serialize for EndpointView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Endpoint", 2)?;
        out.serialize_field("addr", &self.0.map(|e| e.addr))?;
        out.serialize_field("port", &self.0.map(|e| e.port))?;
        out.end()
    }
}
