//! What is read out: families of values with a name, in types of the standard library only.

use std::borrow::Cow;

/// What a family of values is, apart from the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The name by which it is known outside, with its unit, and `_total` for what only grows.
    pub name: &'static str,
    /// How to read the values.
    pub kind: Kind,
    /// The names of the labels that tell the values of the family apart.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// How values are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A number that grows, from 0 when the process started.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// How often values fell into which range.
    Histogram,
}

/// A family with its values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Family {
    /// What it is.
    pub info: Info,
    /// Its values, one for each combination of labels that has occurred.
    pub samples: Vec<Sample>,
}

/// A value and what tells it apart from others of its family.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// The values of the labels, in the order of [`Info::labels`].
    pub labels: Vec<Cow<'static, str>>,
    /// The value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Of a [`Kind::Counter`].
    Counter(u64),
    /// Of a [`Kind::Gauge`].
    Gauge(f64),
    /// Of a [`Kind::Histogram`].
    Histogram(Buckets),
}

/// How often values fell into which range.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Buckets {
    /// The largest value of each range, in ascending order; what is larger than the last is in one more range.
    pub bounds: &'static [f64],
    /// How many values fell into each range, not counting those of the ranges before; one more than bounds.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
}

impl Info {
    /// Describes a number that only grows.
    pub const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }

    /// Describes a number that goes up and down.
    pub const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, labels, help }
    }

    /// Describes a distribution.
    pub const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::Histogram, labels, help }
    }
}

impl Family {
    /// Begins a family without values.
    pub fn new(info: Info) -> Self {
        Self { info, samples: Vec::new() }
    }

    /// Adds a value.
    #[must_use]
    pub fn with<L: Into<Cow<'static, str>>>(
        mut self,
        labels: impl IntoIterator<Item = L>,
        value: Value,
    ) -> Self {
        self.samples.push(Sample { labels: labels.into_iter().map(Into::into).collect(), value });
        self
    }

    /// Makes a family of one value without labels.
    pub fn of(info: Info, value: Value) -> Self {
        Self::new(info).with::<&'static str>([], value)
    }

    /// Finds the value with these labels, in their order.
    pub fn value(&self, labels: &[&str]) -> Option<&Value> {
        let sample = self.samples.iter().find(|sample| sample.labels == labels)?;
        Some(&sample.value)
    }
}

impl Buckets {
    /// Returns how many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
