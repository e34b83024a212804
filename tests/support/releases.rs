//! A server of kind `plain` that has something to update to.

use super::World;
use std::io::{Read, Write};

/// A site whose server runs 0.1.0, is healthy, and has a newer release and an older one.
pub fn world() -> World {
    let world = World::new();
    world.write("web/VERSION", "2\n");
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["tag", "0.0.9", "0.1.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world.git(&["remote", "add", "origin", "."]);
    let site = world.read("site.toml");
    let health =
        format!("backup = [\".\"]\nhealth = [\"{}\"]\nhealthy = {{ stable = \"100ms\" }}\n", healthy());
    world.write("site.toml", &format!("{site}{health}"));
    world
}

/// Answers every request with 200, on a port of its own, as long as the test runs.
pub fn healthy() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
    });
    format!("http://{address}/")
}
