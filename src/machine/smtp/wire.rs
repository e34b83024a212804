//! Bytes to and from a mail server, all within one time, and TLS over them.

use crate::machine::roots::{named, roots};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use ureq::tls::RootCerts;

/// A connection that fails when its time is over, however slowly the other side speaks.
pub struct Timed {
    stream: TcpStream,
    until: Instant,
}

/// With or without TLS.
pub enum Wire {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
    /// TLS was begun and failed.
    Broken,
}

impl Timed {
    /// How long it may still take.
    fn left(&self) -> Result<Duration> {
        left(self.until)
    }
}

fn left(until: Instant) -> Result<Duration> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// A time-out of a socket is told as another kind of error.
fn timed<T>(done: Result<T>) -> Result<T> {
    done.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    })
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        timed(self.stream.read(bytes))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        timed(self.stream.write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

impl Wire {
    /// Connects to one of the addresses of the host, one after the other.
    pub fn connect(host: &str, port: u16, until: Instant) -> Result<Wire> {
        let mut failed = Error::new(ErrorKind::NotFound, "there is no such host");
        for address in look_up(host.to_owned(), port, until)? {
            match TcpStream::connect_timeout(&address, left(until)?) {
                Ok(stream) => return Ok(Wire::Plain(Timed { stream, until })),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    pub fn is_tls(&self) -> bool {
        matches!(self, Wire::Tls(_))
    }

    /// Speaks TLS from now on, if the certificate is valid for the host.
    pub fn encrypt(&mut self, host: &str) -> Result<()> {
        let Wire::Plain(mut timed) = std::mem::replace(self, Wire::Broken) else {
            return Err(ErrorKind::NotConnected.into());
        };
        let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
        let mut connection = ClientConnection::new(Arc::new(config()?), name).map_err(Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut timed)?;
        }
        *self = Wire::Tls(Box::new(StreamOwned::new(connection, timed)));
        Ok(())
    }

    /// Closes it without waiting for the other side.
    pub fn close(&self) {
        _ = match self {
            Wire::Plain(timed) => timed.stream.shutdown(Shutdown::Both),
            Wire::Tls(tls) => tls.sock.stream.shutdown(Shutdown::Both),
            Wire::Broken => Ok(()),
        };
    }
}

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        match self {
            Wire::Plain(timed) => timed.read(bytes),
            Wire::Tls(tls) => tls.read(bytes),
            Wire::Broken => Err(ErrorKind::NotConnected.into()),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Wire::Plain(timed) => timed.write(bytes),
            Wire::Tls(tls) => tls.write(bytes),
            Wire::Broken => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Wire::Plain(timed) => timed.flush(),
            Wire::Tls(tls) => tls.flush(),
            Wire::Broken => Err(ErrorKind::NotConnected.into()),
        }
    }
}

/// The addresses of a host. The system's own look-up knows no time: a thread that is late is left to itself.
fn look_up(host: String, port: u16, until: Instant) -> Result<Vec<SocketAddr>> {
    let (say, hear) = mpsc::channel();
    std::thread::spawn(move || {
        _ = say.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect));
    });
    hear.recv_timeout(left(until)?).map_err(|_| Error::from(ErrorKind::TimedOut))?
}

/// The authorities that are believed everywhere in the program.
fn config() -> Result<ClientConfig> {
    let believed =
        roots(named(&BTreeMap::new()).as_deref()).map_err(|failure| Error::other(failure.to_string()))?;
    let mut store = RootCertStore::empty();
    match &believed {
        RootCerts::Specific(certificates) => {
            let certificates = certificates.iter().map(|it| CertificateDer::from(it.der()));
            store.add_parsable_certificates(certificates);
        }
        _ => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(Error::other)?;
    Ok(config.with_root_certificates(store).with_no_client_auth())
}
