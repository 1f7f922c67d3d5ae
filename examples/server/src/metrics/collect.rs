//! From what was read out to what Prometheus reads.

use std::fmt;

use mvchat_core::engine::metrics::{Buckets, Family, Kind, Sample, Value};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// Families as they were at one moment.
#[derive(Debug)]
pub(super) struct Collected {
    families: Vec<Family>,
}

impl Collected {
    pub(super) fn new(families: Vec<Family>) -> Self {
        Self { families }
    }
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Family { info, samples, .. } in &self.families {
            let (name, kind) = match info.kind {
                // The encoder adds it again.
                Kind::Counter => (info.name.strip_suffix("_total").unwrap_or(info.name), MetricType::Counter),
                Kind::Histogram => (info.name, MetricType::Histogram),
                _ => (info.name, MetricType::Gauge),
            };
            // Prometheus wants a sentence without its end.
            let help = info.help.strip_suffix('.').unwrap_or(info.help);
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for Sample { labels, value, .. } in samples {
                if labels.is_empty() {
                    write(&mut family, value)?;
                } else {
                    let labels: Vec<_> =
                        info.labels.iter().copied().zip(labels.iter().map(|text| &**text)).collect();
                    write(&mut family.encode_family(&labels)?, value)?;
                }
            }
        }
        Ok(())
    }
}

fn write(encoder: &mut MetricEncoder<'_>, value: &Value) -> Result<(), fmt::Error> {
    match value {
        Value::Counter(count) => encoder.encode_counter::<NoLabelSet, _, f64>(count, None),
        Value::Gauge(number) => encoder.encode_gauge(number),
        Value::Histogram(buckets) => {
            let ranges = ranges(buckets);
            encoder.encode_histogram::<NoLabelSet>(buckets.sum, buckets.count(), &ranges, None)
        }
        _ => Ok(()),
    }
}

/// Returns the end of each range with the number of values in it, which the encoder adds up.
fn ranges(buckets: &Buckets) -> Vec<(f64, u64)> {
    let bounds = buckets.bounds.iter().copied().chain([f64::INFINITY]);
    bounds.zip(buckets.counts.iter().copied()).collect()
}
