//! One HTTP/1.1 request over one connection.

use super::connection::Connector;
use std::io::{self, Read, Write};

/// Longest head of a response that is read.
const HEAD: usize = 16 << 10;

/// Sends a POST and gives the status of the answer.
pub(super) fn post(
    connector: &Connector,
    path: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> io::Result<u16> {
    let mut stream = connector.connect()?;
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", connector.host());
    head +=
        &format!("User-Agent: wirelint/{}\r\nContent-Length: {}\r\n", env!("CARGO_PKG_VERSION"), body.len());
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()?;
    let mut answer = Vec::new();
    let mut piece = [0; 2048];
    while answer.len() < HEAD {
        let n = stream.read(&mut piece)?;
        answer.extend(&piece[..n]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&answer) {
            Ok(httparse::Status::Complete(_)) => return Ok(response.code.unwrap_or(0)),
            Ok(httparse::Status::Partial) if n > 0 => {}
            Ok(_) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer was cut")),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the head of the answer is too long"))
}
