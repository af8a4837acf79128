use std::io::{IsTerminal, stderr};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

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
    Bars([ProgressBar; N]),
    /// How many tenths have been printed.
    Lines(u64),
}

impl<const N: usize> Progress<N> {
    /// Starts with no progress.
    #[must_use]
    pub fn new(names: [&'static str; N], total: u64) -> Self {
        let shown = match stderr().is_terminal() {
            true => Shown::Bars(bars(names, total)),
            false => Shown::Lines(0),
        };
        Progress { total, at: [0; N], names, shown }
    }

    /// Sets the progress of the thing number `which`.
    pub fn set(&mut self, which: usize, at: u64) {
        self.at[which] = at;
        match &mut self.shown {
            Shown::Bars(bars) => bars[which].set_position(at),
            Shown::Lines(told) => {
                let tenths = |at: u64| (u128::from(at) * 10 / u128::from(self.total.max(1))) as u64;
                let slowest = self.at.iter().copied().min().map_or(0, tenths);
                if slowest > *told {
                    *told = slowest;
                    eprintln!("{}", line(&self.names, &self.at, self.total));
                }
            }
        }
    }

    /// Ends the display and leaves it visible.
    pub fn finish(&mut self) {
        if let Shown::Bars(bars) = &self.shown {
            bars.iter().for_each(ProgressBar::abandon);
            // Moves the cursor off the last bar.
            eprintln!();
        }
    }
}

fn bars<const N: usize>(names: [&'static str; N], total: u64) -> [ProgressBar; N] {
    let all = MultiProgress::new();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    names.map(|name| {
        let bar = all.add(ProgressBar::new(total).with_message(format!("{name:width$}")));
        // The template is valid. If it were not, the default bar would do.
        if let Ok(style) = ProgressStyle::with_template(
            "{msg} {wide_bar} {decimal_bytes:>9} of {decimal_total_bytes}",
        ) {
            bar.set_style(style);
        }
        bar
    })
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
        progress.finish();
    }
}
