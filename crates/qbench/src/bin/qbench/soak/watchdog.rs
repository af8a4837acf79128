//! Ends the program when a thread hangs or the time is over.

use std::{
    process,
    sync::{Arc, atomic::Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use super::{acts, shared::Shared};

/// How long a thread may do something else than running its driver.
const HUNG: Duration = Duration::from_secs(20);

/// Starts the watchdog. Its thread ends with the process.
pub(super) fn start(shared: &Arc<Shared>, deadline: Instant) {
    let shared = shared.clone();
    thread::spawn(move || {
        let mut last = vec![(0, Instant::now()); shared.pulses.len()];
        loop {
            thread::sleep(Duration::from_millis(200));
            let is_over = Instant::now() > deadline;
            if is_over {
                eprintln!("soak: the time is over in the phase {:?}", shared.phase());
            }
            let mut hangs = false;
            for (index, (beats, since)) in last.iter_mut().enumerate() {
                let pulse = &shared.pulses[index];
                let now = pulse.beats.load(SeqCst);
                if now != *beats || !shared.is_running() {
                    (*beats, *since) = (now, Instant::now());
                }
                let silent = since.elapsed();
                if silent > HUNG {
                    hangs = true;
                }
                if silent > HUNG || is_over {
                    let seconds = silent.as_secs_f64();
                    eprintln!("soak: thread {index} has not run its driver for {seconds:.1} s");
                    if let Some((end, kind, acts)) = pulse.latest() {
                        let acts = acts::names(acts);
                        eprintln!("soak: the latest acts of its end {end}, {kind:?}: {acts:?}");
                    }
                }
            }
            if is_over || hangs {
                println!("soak: failed; the seed is {}", shared.seed);
                process::exit(1);
            }
        }
    });
}
