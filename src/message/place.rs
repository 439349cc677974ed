//! Where in a message something stands.

macro_rules! locations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Which part of a message; the names are those of the `tokens` record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Location {
            $($(#[$doc])* $variant,)*
        }

        impl Location {
            /// Every location.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As the records print it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

locations! {
    /// A header field: of HTTP, SIP, or of a message that a broker passes on.
    Header = "header",
    /// A trailer field (RFC 9110 section 6.5).
    Trailer = "trailer",
    /// A cookie of a request (RFC 6265).
    Cookie = "cookie",
    /// A cookie that a response sets.
    SetCookie = "set-cookie",
    /// A query parameter of the request target.
    Query = "query",
    /// A segment of the request target's path.
    Path = "path",
    /// A parameter in the fragment of a URL (in `Location`).
    Fragment = "fragment",
    /// The `Referer` field.
    Referer = "referer",
    /// The user information of a URL.
    Userinfo = "userinfo",
    /// The body: form field, part, JSON member or plain text.
    Body = "body",
    /// A WebSocket message.
    WebSocket = "websocket",
    /// What a client opens its session with: user, password, options.
    Connect = "connect",
    /// A message of a SASL exchange (RFC 4422).
    Sasl = "sasl",
    /// The payload of a message that a broker takes or hands on.
    Publish = "publish",
    /// A property of such a message, or of a connection.
    Property = "property",
    /// A command of a client, or a statement of a query language.
    Command = "command",
    /// What a server answers to a command.
    Reply = "reply",
    /// The text of a mail.
    Mail = "mail",
    /// An XMPP stanza (RFC 6120).
    Stanza = "stanza",
    /// An attribute of LDAP or RADIUS.
    Attribute = "attribute",
    /// A record of a log.
    Log = "log",
    /// A metric and its tags.
    Metric = "metric",
    /// A name or a text record of DNS.
    Dns = "dns",
    /// A stream of no known protocol.
    Stream = "stream",
    /// A datagram of no known protocol.
    Datagram = "datagram",
}

impl Location {
    /// The location of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|l| l.as_str() == name)
    }

    /// Whether only exchanges have it: what stands there is judged with its request and response.
    pub const fn of_exchange(self) -> bool {
        matches!(
            self,
            Self::Header
                | Self::Trailer
                | Self::Cookie
                | Self::SetCookie
                | Self::Query
                | Self::Path
                | Self::Fragment
                | Self::Referer
                | Self::Userinfo
                | Self::Body
        )
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
