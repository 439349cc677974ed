//! The thread of the metrics endpoint: `/metrics` for Prometheus, `/health` for whoever restarts things.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// Longest wait for a request, and longest request.
const PATIENCE: Duration = Duration::from_secs(2);
const REQUEST: usize = 8 << 10;

/// Time without a sign of life after which the watch counts as stuck.
const STUCK: Duration = Duration::from_secs(10);

/// What is served: kept up to date by the watch.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Mutex<Page>>);

#[derive(Debug)]
struct Page {
    text: String,
    trouble: Option<String>,
    at: Instant,
}

impl Metrics {
    /// Serves at `listener`, on a thread that ends with the process.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn serve(listener: TcpListener) -> io::Result<Self> {
        let page = Page { text: String::new(), trouble: None, at: Instant::now() };
        let this = Self(Arc::new(Mutex::new(page)));
        let served = this.clone();
        Builder::new().name("metrics".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever asks badly has only itself to blame.
                let _ = served.answer(stream);
            }
        })?;
        Ok(this)
    }

    /// Sets what is served. A trouble makes the health endpoint say so.
    pub fn set(&self, text: String, trouble: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Page { text, trouble, at: Instant::now() };
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (mut request, until) = (Vec::new(), Instant::now() + PATIENCE);
        let mut piece = [0; 1024];
        while !request.windows(4).any(|w| w == b"\r\n\r\n")
            && request.len() < REQUEST
            && Instant::now() < until
        {
            let n = stream.read(&mut piece)?;
            if n == 0 {
                break;
            }
            request.extend(&piece[..n]);
        }
        let line = request.split(|b| *b == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, kind, body) = match (method, path.split('?').next().unwrap_or_default()) {
            ("GET" | "HEAD", "/metrics") => {
                ("200 OK", "text/plain; version=0.0.4; charset=utf-8", self.text())
            }
            ("GET" | "HEAD", "/health" | "/healthz" | "/") => match self.trouble() {
                None => ("200 OK", "text/plain", "ok\n".to_owned()),
                Some(trouble) => ("503 Service Unavailable", "text/plain", format!("{trouble}\n")),
            },
            ("GET" | "HEAD", _) => {
                ("404 Not Found", "text/plain", "there are /metrics and /health\n".to_owned())
            }
            _ => ("405 Method Not Allowed", "text/plain", String::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        if method == "HEAD" { Ok(()) } else { stream.write_all(body.as_bytes()) }
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).text.clone()
    }

    fn trouble(&self) -> Option<String> {
        let page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = page.at.elapsed() > STUCK;
        page.trouble.clone().or_else(|| stuck.then(|| "no block was processed for a while".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn metrics_and_health_are_served_on_loopback() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Metrics::serve(listener).unwrap();
        metrics.set("wirelint_up 1\n".into(), None);
        let get = |path: &str| ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(get("/metrics").ends_with("\r\n\r\nwirelint_up 1\n"));
        assert!(get("/health").starts_with("HTTP/1.1 200"));
        assert!(get("/passwd").starts_with("HTTP/1.1 404"));
        assert!(ask(address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        metrics.set(String::new(), Some("eth0 is down".into()));
        let answer = get("/healthz");
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("eth0 is down"), "{answer}");
    }
}
