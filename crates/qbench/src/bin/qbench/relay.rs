//! What a relay pays for each gigabyte. Plays the client of the relay and the server behind it.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    thread,
    time::Duration,
};

use crate::{broker::cpu, results::Figure};

/// How many bytes go through the relay.
const TOTAL: u64 = 1_000_000_000;
/// How many bytes are written or read at once.
const PIECE: usize = 256 * 1024;
/// How long to wait for the relay.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server that the relay connects to.
pub(crate) struct Upstream {
    listener: TcpListener,
}

impl Upstream {
    pub(crate) fn new() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        Ok(Upstream { listener })
    }

    /// Returns its address, as `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> Result<String, String> {
        Ok(self.listener.local_addr().map_err(|error| error.to_string())?.to_string())
    }

    /// Sends bytes through the relay that listens on `port`. Returns the CPU time of its process in
    /// seconds for each gigabyte. If `copies` is set, the process has no descriptors for a pipe of
    /// the kernel, so that it has to copy the bytes.
    pub(crate) fn receive(
        &self,
        name: &str,
        pid: u32,
        port: u16,
        copies: bool,
    ) -> Result<Vec<Figure>, String> {
        let said = |error: io::Error| format!("relay: {error}");
        let mut client = TcpStream::connect(("127.0.0.1", port)).map_err(said)?;
        let (mut server, _) = self.listener.accept().map_err(said)?;
        client.set_write_timeout(Some(PATIENCE)).map_err(said)?;
        server.set_read_timeout(Some(PATIENCE)).map_err(said)?;
        // The relay has both connections when this byte has arrived.
        client.write_all(&[0]).and_then(|()| server.read_exact(&mut [0])).map_err(said)?;
        if copies {
            leave_one_descriptor(pid)?;
        }
        let before = cpu(pid)?;
        let reader = thread::spawn(move || count(&mut server));
        let piece = vec![0; PIECE];
        let mut left = TOTAL;
        while left > 0 {
            let size = piece.len().min(left as usize);
            client.write_all(&piece[..size]).map_err(said)?;
            left -= size as u64;
        }
        client.shutdown(Shutdown::Write).map_err(said)?;
        let received = reader.join().map_err(|_| "relay: the reader has panicked")?;
        let received = received.map_err(said)?;
        if received != TOTAL {
            return Err(format!("relay: {received} of {TOTAL} bytes have arrived"));
        }
        Ok(vec![(format!("{name}.cpu"), (cpu(pid)? - before) / (TOTAL as f64 / 1e9))])
    }
}

/// Reads up to the end, and returns the number of bytes.
fn count(stream: &mut TcpStream) -> io::Result<u64> {
    let (mut buffer, mut sum) = (vec![0; PIECE], 0);
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(sum),
            count => sum += count as u64,
        }
    }
}

/// Lowers the limit of a process so that it can open one more descriptor. A pipe needs two.
fn leave_one_descriptor(pid: u32) -> Result<(), String> {
    let folder = format!("/proc/{pid}/fd");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    // The lowest free number is the next one to be used.
    let free = (0..).zip(&numbers).find(|(number, used)| number != *used);
    let free = free.map_or(numbers.len() as u32, |(number, _)| number);
    let limit = format!("--nofile={}", free + 1);
    let output = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("prlimit: {error}")),
    }
}
