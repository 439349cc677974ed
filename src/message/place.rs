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
    called: Called,
}

impl Place {
    /// A place with a name, or without one.
    pub fn new(location: Location, name: Option<Box<str>>) -> Self {
        let called = name.as_deref().map_or(Called::Otherwise, |name| Called::of(last_member(name)));
        Self { location, name, called }
    }

    /// A place with a name.
    pub fn named(location: Location, name: impl Into<Box<str>>) -> Self {
        Self::new(location, Some(name.into()))
    }

    /// A place without one.
    pub const fn unnamed(location: Location) -> Self {
        Self { location, name: None, called: Called::Otherwise }
    }

    /// What its name says, told when it was made: nearly every fact about a token's use asks.
    pub const fn called(&self) -> Called {
        self.called
    }
}

/// What the name of a place says that holds a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Called {
    /// An access token (RFC 6749 section 5.1).
    AccessToken,
    /// A refresh token (RFC 6749 section 5.1).
    RefreshToken,
    /// An ID token, or a hint of one (OpenID Connect Core 1.0 sections 3.1.2.1 and 3.1.3.3).
    IdToken,
    /// A logout token (OpenID Connect Back-Channel Logout 1.0 section 2.5).
    LogoutToken,
    /// A client assertion (RFC 7521 section 4.2).
    ClientAssertion,
    /// A DPoP proof (RFC 9449 section 4.1).
    Dpop,
    /// The field Authorization (RFC 9110 section 11.6.2), or something named like it.
    Authorization,
    /// A token of some kind.
    Token,
    /// Something else, or it has no name.
    Otherwise,
}

impl Called {
    fn of(name: &str) -> Self {
        match name {
            "access_token" | "accesstoken" => Self::AccessToken,
            "refresh_token" | "refreshtoken" => Self::RefreshToken,
            "id_token" | "idtoken" | "id_token_hint" => Self::IdToken,
            "logout_token" => Self::LogoutToken,
            "client_assertion" => Self::ClientAssertion,
            "dpop" => Self::Dpop,
            "authorization" => Self::Authorization,
            "token" | "jwt" | "auth" | "auth_token" => Self::Token,
            _ => Self::Otherwise,
        }
    }
}

/// The name of a place without what a JSON path has before the member.
fn last_member(name: &str) -> &str {
    memchr::memrchr2(b'.', b'$', name.as_bytes()).map_or(name, |at| &name[at + 1..])
}
