use std::io::{IsTerminal, stderr};

/// How many cells a bar has.
const CELLS: u64 = 40;

/// Shows the progress of several things with the same total on standard error. At a terminal it
/// shows bars. Elsewhere it prints a line when the slowest one has completed another tenth.
#[derive(Debug)]
pub struct Progress<const N: usize> {
    total: u64,
    at: [u64; N],
    names: [&'static str; N],
    shown: Shown<N>,
}

#[derive(Debug)]
enum Shown<const N: usize> {
    /// How many hundredths of each bar are drawn. `None` before the first drawing.
    Bars(Option<[u64; N]>),
    /// How many tenths have been printed.
    Lines(u64),
}

impl<const N: usize> Progress<N> {
    /// Starts with no progress.
    #[must_use]
    pub fn new(names: [&'static str; N], total: u64) -> Self {
        let shown = match stderr().is_terminal() {
            true => Shown::Bars(None),
            false => Shown::Lines(0),
        };
        Progress { total, at: [0; N], names, shown }
    }

    /// Sets the progress of the thing number `which`.
    pub fn set(&mut self, which: usize, at: u64) {
        self.at[which] = at;
        match &mut self.shown {
            Shown::Bars(drawn) => {
                let now = self.at.map(|at| parts(at, self.total, 100));
                if *drawn != Some(now) {
                    // Moves the cursor to the first of the bars drawn before.
                    let up = drawn.map_or(String::new(), |_| format!("\x1b[{N}A"));
                    eprint!("{up}{}", bars(&self.names, &self.at, self.total));
                    *drawn = Some(now);
                }
            }
            Shown::Lines(told) => {
                let slowest = self.at.iter().map(|at| parts(*at, self.total, 10)).min();
                let slowest = slowest.unwrap_or(0);
                if slowest > *told {
                    *told = slowest;
                    eprintln!("{}", line(&self.names, &self.at, self.total));
                }
            }
        }
    }
}

/// Returns how many of `count` equal parts are complete.
fn parts(at: u64, total: u64, count: u64) -> u64 {
    (u128::from(at) * u128::from(count) / u128::from(total.max(1))) as u64
}

/// Draws one line for each bar. Each line ends with the sequence that clears the rest of the line.
fn bars(names: &[&str], at: &[u64], total: u64) -> String {
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let bar = |(name, at): (&&str, &u64)| {
        let full = parts(*at, total, CELLS).min(CELLS) as usize;
        let bar = format!("{}{}", "#".repeat(full), ".".repeat(CELLS as usize - full));
        format!("{name:width$} {bar} {at} of {total} bytes\x1b[K\n")
    };
    names.iter().zip(at).map(bar).collect()
}

fn line(names: &[&str], at: &[u64], total: u64) -> String {
    let parts = names.iter().zip(at).map(|(name, at)| format!("{name} {at}"));
    format!("{} of {total} bytes", parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(line(&["sent", "received"], &[30, 20], 50), "sent 30, received 20 of 50 bytes");
        let mut progress =
            Progress { shown: Shown::Lines(0), ..Progress::new(["a", "b"], u64::MAX) };
        progress.set(0, u64::MAX);
        progress.set(1, u64::MAX / 2);
        assert!(matches!(progress.shown, Shown::Lines(4)));
    }

    #[test]
    fn bars_of_one_width() {
        let shown = bars(&["sent", "received"], &[25, 50], 50);
        let half = format!("{}{}", "#".repeat(20), ".".repeat(20));
        let whole = "#".repeat(40);
        assert_eq!(
            shown,
            format!(
                "sent     {half} 25 of 50 bytes\x1b[K\nreceived {whole} 50 of 50 bytes\x1b[K\n"
            )
        );
        // More than was announced.
        assert!(bars(&["sent"], &[80], 50).starts_with(&format!("sent {whole} 80")));
    }
}
