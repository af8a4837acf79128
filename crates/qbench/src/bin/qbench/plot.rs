//! Plots with logarithmic axes, as SVG.

use std::fmt::Write;

use crate::{
    page::number,
    results::Results,
    workloads::{GROWTH, Growth, Peer, SIZES},
};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;

/// A line: the values for some of the sizes.
struct Series {
    peer: Peer,
    points: Vec<(f64, f64)>,
}

/// Returns the name and the text of each picture.
pub(crate) fn pictures(results: &Results) -> Vec<(&'static str, String)> {
    GROWTH.iter().map(|growth| (growth.file, picture(growth, results))).collect()
}

fn picture(growth: &Growth, results: &Results) -> String {
    let value = |size: u32, peer| {
        let figure = growth.figure.replace('#', &size.to_string());
        Some((f64::from(size), results.median(&figure, peer)?.max(0.1)))
    };
    let series: Vec<Series> = Peer::ALL
        .into_iter()
        .map(|peer| Series {
            peer,
            points: SIZES.iter().filter_map(|&size| value(size, peer)).collect(),
        })
        .filter(|series| !series.points.is_empty())
        .collect();
    let values = || series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let lowest = values().fold(f64::INFINITY, f64::min).min(1e9).log10().floor();
    let highest = values().fold(0.0, f64::max).max(1.0).log10().ceil().max(lowest + 1.0);
    let last = series.iter().flat_map(|series| &series.points).map(|point| point.0);
    let widest = last.fold(10.0, f64::max).log10();
    let x = |size: f64| LEFT + size.log10() / widest * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| {
        let share = (value.log10() - lowest) / (highest - lowest);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    };

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        growth.title
    );
    let bottom = HEIGHT - BOTTOM;
    for power in lowest as i32..=highest as i32 {
        let (value, right) = (10f64.powi(power), WIDTH - RIGHT);
        let at = y(value);
        svg += &line((LEFT, at), (right, at));
        svg += &label(LEFT - 6.0, at + 4.0, "end", "#444", &number(value));
    }
    for power in 0..=widest as i32 {
        let size = 10f64.powi(power);
        svg += &line((x(size), TOP), (x(size), bottom));
        svg += &label(x(size), bottom + 18.0, "middle", "#444", &number(size));
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    svg += &label(middle, HEIGHT - 12.0, "middle", "#000", growth.axis);
    svg += &label(LEFT - 40.0, TOP - 12.0, "start", "#000", growth.unit);

    // The names stand at the lines' ends, where there is room above each other.
    let mut ends: Vec<(f64, &Series)> =
        series.iter().map(|series| (y(series.points[series.points.len() - 1].1), series)).collect();
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut free = 0.0f64;
    for (end, series) in ends {
        let color = color(series.peer);
        let points: Vec<String> = series
            .points
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1)))
            .collect();
        let width = if series.peer == Peer::Ours { 3 } else { 2 };
        _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\"/>",
            points.join(" ")
        );
        let at = (end + 4.0).max(free);
        free = at + 14.0;
        let right = x(series.points[series.points.len() - 1].0);
        svg += &label(right + 8.0, at, "start", color, series.peer.name());
    }
    svg + "</svg>\n"
}

fn line(from: (f64, f64), to: (f64, f64)) -> String {
    format!(
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>\n",
        from.0, from.1, to.0, to.1
    )
}

fn label(x: f64, y: f64, anchor: &str, color: &str, text: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{color}\">{text}</text>\n"
    )
}

fn color(peer: Peer) -> &'static str {
    match peer {
        Peer::Ours => "#0b6e4f",
        Peer::Qt => "#d1495b",
        Peer::Tokio => "#1f6fb2",
        Peer::Smol => "#8e5ea2",
        Peer::Calloop => "#b8860b",
        Peer::Mio => "#555555",
        Peer::Std => "#999999",
        Peer::Mosquitto => "#3b3b98",
    }
}
