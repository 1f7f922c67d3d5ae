//! Order among figures.

use std::time::Duration;

/// Returns the figure below which a share of them lies.
pub(crate) fn quantile(figures: &mut [Duration], share: f64) -> Duration {
    figures.sort_unstable();
    let at = ((figures.len() as f64 * share).ceil() as usize).clamp(1, figures.len().max(1)) - 1;
    figures.get(at).copied().unwrap_or_default()
}

pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
