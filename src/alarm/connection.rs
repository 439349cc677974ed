//! A connection to a sink: TCP, or TLS inside of it. Nothing waits longer than [`PATIENCE`].

use super::Target;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Longest wait for a connection, a write or a read.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A stream both ways.
pub(super) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// How to connect.
pub(super) struct Connector {
    host: String,
    port: u16,
    #[cfg(feature = "tls")]
    tls: Option<std::sync::Arc<rustls::ClientConfig>>,
}

impl Connector {
    /// To the target's host; `tls` says whether TLS is spoken.
    pub(super) fn new(target: &Target, tls: bool) -> Result<Self, String> {
        #[cfg(not(feature = "tls"))]
        if tls {
            return Err("this wirelint was built without the feature \"tls\"".into());
        }
        Ok(Self {
            host: target.host.clone(),
            port: target.port,
            #[cfg(feature = "tls")]
            tls: tls.then(|| tls::config(target.option("ca"))).transpose()?,
        })
    }

    /// The host, in the words of an HTTP field.
    pub(super) fn host(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }

    /// Connects.
    pub(super) fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return self.wrap(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn wrap(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            return tls::wrap(config, &self.host, stream);
        }
        Ok(Box::new(stream))
    }
}

#[cfg(feature = "tls")]
mod tls {
    use super::Stream;
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
    use std::io;
    use std::net::TcpStream;
    use std::sync::Arc;

    /// The system's authorities, or those of a file.
    pub(super) fn config(ca: Option<&str>) -> Result<Arc<ClientConfig>, String> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = ca {
            let certificates = CertificateDer::pem_file_iter(path).map_err(|e| format!("ca={path}: {e}"))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| format!("ca={path}: {e}"))?;
                roots.add(certificate).map_err(|e| format!("ca={path}: {e}"))?;
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_empty() {
            return Err("no certificate authority is known here; ca=FILE names one".into());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|e| e.to_string())?.with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// The handshake happens with the first bytes.
    pub(super) fn wrap(
        config: &Arc<ClientConfig>,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<Box<dyn Stream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(session, stream)))
    }
}
