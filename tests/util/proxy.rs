//! A proxy on the loopback interface, SOCKS 5 and HTTP on one port, that keeps where it was asked to
//! connect to. It connects to nothing but the loopback interface.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A name that no resolver knows: only the proxy can lead there. It is 127.0.0.1.
pub(crate) const ONLY_BY_PROXY: &str = "model.invalid";

/// The running proxy. Its threads end with their connections, the last one with the process.
pub(crate) struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts one on a free port of 127.0.0.1.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
        let address = listener.local_addr().expect("the port's number");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                // A client that goes away is the end of its connection, and no failure.
                thread::spawn(move || drop(serve(client, &log)));
            }
        });
        Proxy { address, asked }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where it was asked to connect to, as `HOST:PORT`, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut client: TcpStream, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut first = [0];
    client.read_exact(&mut first)?;
    let socks = first[0] == 5;
    let (host, port, begun) =
        if socks { socks_target(&mut client)? } else { http_target(&mut client, first[0])? };
    let target = format!("{host}:{port}");
    log.lock().unwrap_or_else(PoisonError::into_inner).push(target);
    let here = host == ONLY_BY_PROXY || host == "127.0.0.1" || host == "localhost";
    if !here {
        let refusal: &[u8] =
            if socks { &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0] } else { b"HTTP/1.1 403 No\r\n\r\n" };
        return client.write_all(refusal);
    }
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    if socks {
        client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
    }
    server.write_all(&begun)?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let done = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
        done
    });
    let _ = io::copy(&mut client, &mut server);
    server.shutdown(Shutdown::Write)
}

/// The rest of a SOCKS 5 greeting, without authentication, and a CONNECT.
fn socks_target(client: &mut TcpStream) -> io::Result<(String, u16, Vec<u8>)> {
    let methods = take(client, 1)?[0];
    take(client, methods.into())?;
    client.write_all(&[5, 0])?;
    let host = match take(client, 4)?[3] {
        1 => {
            let bytes = take(client, 4)?;
            Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).to_string()
        }
        3 => {
            let length = take(client, 1)?[0];
            String::from_utf8_lossy(&take(client, length.into())?).into_owned()
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let port = take(client, 2)?;
    Ok((host, u16::from_be_bytes([port[0], port[1]]), Vec::new()))
}

/// A request in absolute form: `POST http://HOST:PORT/…`. What is to go on is the same in relative form.
fn http_target(client: &mut TcpStream, first: u8) -> io::Result<(String, u16, Vec<u8>)> {
    let mut line = vec![first];
    while !line.ends_with(b"\r\n") {
        line.extend(take(client, 1)?);
    }
    let line = String::from_utf8_lossy(&line).into_owned();
    let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
    let (method, rest) = line.split_once(' ').ok_or_else(unsupported)?;
    let rest = rest.strip_prefix("http://").ok_or_else(unsupported)?;
    let (authority, path) = rest.split_once('/').ok_or_else(unsupported)?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let port = port.parse().map_err(io::Error::other)?;
    Ok((host.to_owned(), port, format!("{method} /{path}").into_bytes()))
}

fn take(client: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}
