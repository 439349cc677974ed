//! What `--alarm` says: a URL, with options behind the question mark.

use super::{Kind, SINKS, Sink, kind};
use std::path::PathBuf;

/// The shape of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// As `--format ndjson` prints them.
    #[default]
    Native,
    /// Elastic Common Schema.
    Ecs,
}

/// Where alarms go, and how.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// What chooses the sink.
    pub scheme: String,
    /// Host, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path and all that belongs to it, as given; of a file, its path.
    pub path: String,
    /// User and password before the host, as given.
    pub user: Option<String>,
    /// Shape of the records.
    pub shape: Shape,
    options: Vec<(String, String)>,
}

impl Target {
    /// Reads what was typed.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let schemes = || SINKS.iter().flat_map(|kind| kind.schemes).copied().collect::<Vec<_>>().join(", ");
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("it begins with one of {}, and a colon", schemes()))?;
        let kind = kind(scheme).ok_or_else(|| match scheme {
            "nats" | "tls" | "kafka" => format!("this wirelint was built without the feature {scheme:?}"),
            _ => format!("no sink is called {}; there are {}", crate::text::escape(scheme), schemes()),
        })?;
        // The last question mark: what a webhook itself asks for may have others.
        let (rest, query) = rest.rsplit_once('?').filter(|(_, q)| options(q).is_some()).unwrap_or((rest, ""));
        let mut this = Self { scheme: scheme.into(), port: kind.port, ..Self::default() };
        this.options = options(query).unwrap_or_default();
        match this.option("shape") {
            None | Some("native") => {}
            Some("ecs") => this.shape = Shape::Ecs,
            Some(_) => return Err("shape is native or ecs".into()),
        }
        if scheme == "file" {
            this.path = rest.trim_start_matches("//").to_owned();
            return if this.path.is_empty() {
                Err("a path is needed: file:alarms.ndjson".into())
            } else {
                Ok(this)
            };
        }
        let rest = rest.strip_prefix("//").ok_or_else(|| format!("{scheme}://HOST is needed"))?;
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(a, p)| (a, p));
        this.path = format!("/{path}");
        let (user, place) =
            authority.rsplit_once('@').map_or((None, authority), |(u, p)| (Some(u.to_owned()), p));
        this.user = user;
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (place, None),
        };
        if let Some(port) = port {
            this.port = port.parse().map_err(|_| format!("{} is not a port", crate::text::escape(port)))?;
        } else if scheme == "https" {
            this.port = 443;
        } else if scheme == "syslog+tls" {
            this.port = 6514;
        }
        this.host = host.trim_matches(['[', ']']).to_owned();
        if this.host.is_empty() { Err("a host is needed".into()) } else { Ok(this) }
    }

    /// An option behind the question mark.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The kind of its sink.
    pub fn kind(&self) -> Option<&'static Kind> {
        kind(&self.scheme)
    }

    /// The sink.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn open(&self) -> Result<Box<dyn Sink>, String> {
        self.kind().map_or_else(|| Err("no such sink".into()), |kind| (kind.open)(self))
    }

    /// What it is called where others see it: no password, no path that may be a secret.
    pub fn name(&self) -> String {
        if self.scheme == "file" {
            format!("file:{}", self.path)
        } else {
            format!("{}://{}:{}", self.scheme, self.host, self.port)
        }
    }

    /// Files that it reads, and the folder that it writes in.
    pub fn paths(&self) -> (Vec<PathBuf>, Option<PathBuf>) {
        let read = ["ca", "token-file"].into_iter().filter_map(|name| self.option(name)).map(PathBuf::from);
        let folder = || {
            let path = PathBuf::from(&self.path);
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).map(PathBuf::from);
            parent.unwrap_or_else(|| PathBuf::from("."))
        };
        (read.collect(), (self.scheme == "file").then(folder))
    }
}

/// Names that are options; a query with others belongs to the path.
const OPTIONS: [&str; 7] = ["shape", "size", "files", "ca", "token-file", "stream", "facility"];

fn options(query: &str) -> Option<Vec<(String, String)>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        OPTIONS.contains(&name).then(|| (name.to_owned(), value.to_owned()))
    };
    let all: Option<Vec<_>> = parts.map(pair).collect();
    all.filter(|all| !all.is_empty())
}
