//! The page `docs/performance.md`.

use std::{fmt::Write, time::Duration};

use crate::{
    machine,
    results::Results,
    workloads::{GROWTH, Growth, Peer, Row, SECTIONS, SIZES, Section},
};

/// From this heading on, the page is written by hand, and kept.
const KEPT: &str = "## What was tried";

const INTRODUCTION: &str = "\
<!-- `cargo run --release -p qbench` writes this page, up to \"What was tried\". -->

# Performance

This page shows what this library costs, beside Qt, other event loops, and the standard library
alone. All of them do the same work on the same machine, one after another.

A cell has the median of all rounds. The number in brackets compares it with this library: with
`2.0×`, this library is twice as good. It is the median of the ratios within each round, which is
steadier than the times themselves.
";

/// Returns the page. `before` is its text from the last time.
pub(crate) fn page(results: &Results, rounds: u32, took: Duration, before: &str) -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "\n## How it was measured\n\n";
    for line in machine::description() {
        _ = writeln!(page, "* {line}");
    }
    let (minutes, s) = (took.as_secs().div_ceil(60), if rounds == 1 { "" } else { "s" });
    _ = writeln!(
        page,
        "* {rounds} round{s}, in {minutes} minutes. `cargo run --release -p qbench` repeats it.\n\
         * Each program is pinned to a core: servers to one, all other programs to a second one.\n\
         * Rust programs are built with link-time optimization and one codegen unit (profile\n  \
         `dist`), C++ with `-O2`. Qt's event loop is the one that Qt chooses by default."
    );
    page += &tables(results);
    page += &growth(results);
    match before.split_once(KEPT) {
        Some((_, kept)) => _ = write!(page, "\n{KEPT}{kept}"),
        None => _ = writeln!(page, "\n{KEPT}"),
    }
    page
}

/// Returns the tables of all sections that have figures.
pub(crate) fn tables(results: &Results) -> String {
    SECTIONS.iter().map(|section| table(section, results)).collect()
}

fn table(section: &Section, results: &Results) -> String {
    let is_known =
        |row: &&Row| Peer::ALL.iter().any(|&peer| results.median(row.figure, peer).is_some());
    let rows: Vec<&Row> = section.rows.iter().filter(is_known).collect();
    let has_figures =
        |peer: &Peer| rows.iter().any(|row| results.median(row.figure, *peer).is_some());
    let peers: Vec<Peer> = Peer::ALL.into_iter().filter(has_figures).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {}\n\n", section.title);
    if !section.note.is_empty() {
        text += &wrap(section.note);
    }
    text += "| | unit |";
    peers.iter().for_each(|peer| _ = write!(text, " {} |", peer.name()));
    text += "\n| --- | --- |";
    text += &" ---: |".repeat(peers.len());
    for row in rows {
        let better = if row.is_rate { ", more is better" } else { "" };
        _ = write!(text, "\n| {} | {}{better} |", row.title, row.unit);
        for &peer in &peers {
            text += &cell(results, row, peer);
        }
    }
    text + "\n"
}

fn cell(results: &Results, row: &Row, peer: Peer) -> String {
    let Some(value) = results.median(row.figure, peer).map(number) else { return " |".to_owned() };
    match results.ratio(row, peer) {
        Some(ratio) if peer != Peer::Ours => format!(" {value} ({ratio:.2}×) |"),
        _ => format!(" {value} |"),
    }
}

fn growth(results: &Results) -> String {
    let mut text = "\n## How costs grow\n\n".to_owned();
    text += &wrap(
        "Both axes are logarithmic. A flat line is a cost that does not depend on how much there \
         is already. There are at most 10,000 connections: each takes a descriptor of the client \
         and one of the server, and a port. tokio's timer is a `Sleep` that is polled once and \
         dropped.",
    );
    for Growth { title, file, axis, unit, figure } in GROWTH {
        _ = writeln!(text, "### {title}\n\n![{title}, by {axis}](performance/{file})\n");
        let name = |size: u32| figure.replace('#', &size.to_string());
        let has_figures =
            |peer: &Peer| SIZES.iter().any(|&size| results.median(&name(size), *peer).is_some());
        let peers: Vec<Peer> = Peer::ALL.into_iter().filter(has_figures).collect();
        _ = write!(text, "| {axis} |");
        peers.iter().for_each(|peer| _ = write!(text, " {}, {unit} |", peer.name()));
        text += "\n| ---: |";
        text += &" ---: |".repeat(peers.len());
        for size in SIZES {
            let values = peers.iter().map(|&peer| results.median(&name(size), peer));
            let values: Vec<Option<f64>> = values.collect();
            if values.iter().all(Option::is_none) {
                continue;
            }
            _ = write!(text, "\n| {} |", number(f64::from(size)));
            for value in values {
                _ = write!(text, " {} |", value.map(number).unwrap_or_default());
            }
        }
        text += "\n\n";
    }
    text.pop();
    text
}

/// Writes a number with three digits that count, and commas between thousands.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        value if value == 0.0 || value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        value => (2.0 - value.log10().floor()) as usize,
    };
    if value.fract() == 0.0 || digits == 0 {
        return thousands(value.round() as u64);
    }
    format!("{value:.digits$}")
}

fn thousands(value: u64) -> String {
    if value < 1000 {
        return value.to_string();
    }
    format!("{},{:03}", thousands(value / 1000), value % 1000)
}

/// Breaks a paragraph into lines of at most 100 columns, with an empty line behind it.
fn wrap(text: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 100 {
            lines += &line;
            lines += "\n";
            line.clear();
        }
        if !line.is_empty() {
            line += " ";
        }
        line += word;
    }
    lines + &line + "\n\n"
}
