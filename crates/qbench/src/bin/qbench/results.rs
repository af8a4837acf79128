//! The measured figures, their medians and ratios.

use std::collections::BTreeMap;

use crate::workloads::{Peer, Row};

/// A figure and its value.
pub(crate) type Figure = (String, f64);

#[derive(Default)]
pub(crate) struct Results {
    /// The value of each round.
    values: BTreeMap<(String, Peer), BTreeMap<u32, f64>>,
}

impl Results {
    pub(crate) fn add(&mut self, round: u32, peer: Peer, figures: Vec<Figure>) {
        for (name, value) in figures {
            self.values.entry((name, peer)).or_default().insert(round, value);
        }
    }

    fn rounds(&self, figure: &str, peer: Peer) -> Option<&BTreeMap<u32, f64>> {
        self.values.get(&(figure.to_owned(), peer))
    }

    pub(crate) fn median(&self, figure: &str, peer: Peer) -> Option<f64> {
        median(self.rounds(figure, peer)?.values().copied().collect())
    }

    /// Returns how many times as good as a peer this library is: the median of the ratios in each
    /// round that has both.
    pub(crate) fn ratio(&self, row: &Row, peer: Peer) -> Option<f64> {
        let ours = self.rounds(row.figure, Peer::Ours)?;
        let theirs = self.rounds(row.figure, peer)?;
        let ratio = |(round, theirs): (&u32, &f64)| {
            let ours = ours.get(round)?;
            Some(if row.is_rate { ours / theirs } else { theirs / ours })
        };
        median(theirs.iter().filter_map(ratio).collect())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    let upper = values[values.len() / 2];
    Some((values[middle] + upper) / 2.0)
}
