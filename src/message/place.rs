//! Where in a message something stands.

/// Which part of a message; the names are those of the `tokens` record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// A header field.
    Header,
    /// A trailer field (RFC 9110 section 6.5).
    Trailer,
    /// A cookie of a request (RFC 6265).
    Cookie,
    /// A cookie that a response sets.
    SetCookie,
    /// A query parameter of the request target.
    Query,
    /// A segment of the request target's path.
    Path,
    /// A parameter in the fragment of a URL (in `Location`).
    Fragment,
    /// The `Referer` field.
    Referer,
    /// The user information of a URL.
    Userinfo,
    /// The body: form field, part, JSON member or plain text.
    Body,
    /// A WebSocket message.
    WebSocket,
    /// A stream of no known protocol.
    Stream,
    /// A datagram of no known protocol.
    Datagram,
}

impl Location {
    /// As the records print it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Trailer => "trailer",
            Self::Cookie => "cookie",
            Self::SetCookie => "set-cookie",
            Self::Query => "query",
            Self::Path => "path",
            Self::Fragment => "fragment",
            Self::Referer => "referer",
            Self::Userinfo => "userinfo",
            Self::Body => "body",
            Self::WebSocket => "websocket",
            Self::Stream => "stream",
            Self::Datagram => "datagram",
        }
    }
}

/// A location and the name of the thing there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which part of the message.
    pub location: Location,
    /// Lower-case field name, cookie or parameter name, or full JSON path (`$.data[0].token`).
    pub name: Option<Box<str>>,
}

impl Place {
    /// A place with a name.
    pub fn named(location: Location, name: impl Into<Box<str>>) -> Self {
        Self { location, name: Some(name.into()) }
    }

    /// A place without one.
    pub const fn unnamed(location: Location) -> Self {
        Self { location, name: None }
    }
}
