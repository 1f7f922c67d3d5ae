//! Latencies as curves, in plain SVG.

use crate::latency::Latency;
use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 34.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;
/// Told apart also by those who see no red or green.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a8a8a"];
/// What stands below the axis, by one part in how many.
const MARKS: [(f64, &str); 6] =
    [(1.0, "0"), (2.0, "50%"), (10.0, "90%"), (100.0, "99%"), (1_000.0, "99.9%"), (10_000.0, "99.99%")];

/// Draws one curve each: to the right ever rarer, upwards ever slower, both logarithmic.
pub(super) fn latencies(curves: &[(&str, &Latency)]) -> String {
    let points = || curves.iter().flat_map(|(_, latency)| latency.curve.iter());
    let slowest = points().map(|(_, millis)| *millis).fold(1.0, f64::max);
    let fastest = points().map(|(_, millis)| *millis).filter(|millis| *millis > 0.0).fold(slowest, f64::min);
    let (low, high) = (fastest.log10().floor(), slowest.log10().ceil().max(fastest.log10().floor() + 1.0));
    let x = |parts: f64| LEFT + parts.log10() / 4.0 * (WIDTH - LEFT - RIGHT);
    let y = |millis: f64| {
        let share = (millis.max(10_f64.powf(low)).log10() - low) / (high - low);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    };
    let mut svg =
        format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="latency by percentile">"#);
    for (parts, label) in MARKS {
        let (x, below) = (x(parts), HEIGHT - BOTTOM);
        // Writing to a text can't fail.
        let _ = write!(svg, r#"<line x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{below}" class="grid"/>"#);
        let _ =
            write!(svg, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#, below + 16.0);
    }
    let mut power = low;
    while power <= high {
        let (millis, right) = (10_f64.powf(power), WIDTH - RIGHT);
        let y = y(millis);
        let _ = write!(svg, r#"<line x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}" class="grid"/>"#);
        let label =
            if millis >= 1_000.0 { format!("{} s", millis / 1_000.0) } else { format!("{millis} ms") };
        let _ =
            write!(svg, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#, LEFT - 6.0, y + 4.0);
        power += 1.0;
    }
    for ((_, latency), colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let line: Vec<String> = latency
            .curve
            .iter()
            .map(|(parts, millis)| format!("{:.1},{:.1}", x(*parts), y(*millis)))
            .collect();
        let _ = write!(svg, r#"<polyline points="{}" stroke="{colour}"/>"#, line.join(" "));
    }
    svg.push_str("</svg><p class=\"legend\">");
    for ((name, _), colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let name = super::html::escaped(name);
        let _ = write!(svg, r#"<span><i style="background:{colour}"></i>{name}</span> "#);
    }
    svg.push_str("</p>");
    svg
}
