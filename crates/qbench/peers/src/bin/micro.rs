//! Benchmarks in one process: `micro std|tokio|smol|calloop|mio WORK [SECONDS]`. The works are
//! those of `qmicro`, as far as the peer has something like it.

#[path = "../micro/by_hand.rs"]
mod by_hand;
#[path = "../micro/calloop.rs"]
mod calloop;
#[path = "../micro/smol.rs"]
mod smol;
#[path = "../micro/tokio.rs"]
mod tokio;

use std::process::ExitCode;

fn main() -> ExitCode {
    let peer = std::env::args().nth(1).unwrap_or_default();
    let work = std::env::args().nth(2).unwrap_or_default();
    let seconds = peers::seconds(3);
    let known = match peer.as_str() {
        "std" | "mio" => by_hand::run(&work, seconds),
        "calloop" => calloop::run(&work, seconds),
        "smol" => smol::run(&work, seconds),
        "tokio" => tokio::run(&work, seconds),
        _ => false,
    };
    if known {
        return ExitCode::SUCCESS;
    }
    eprintln!("micro: {peer} has no {work}");
    ExitCode::from(2)
}
