//! What is measured: counters, gauges and histograms of programs and of the
//! runtime, kept in memory for exporters and tests.
//!
//! A series is a name with one set of labels. Recording finds it under a read
//! lock of one shard and changes it with atomics; nothing waits and no record
//! of a known series is lost. The number of series is bounded: records of
//! further ones are dropped and counted. Records that make no sense are
//! ignored with one warning each. Facts that others count anyway are asked for
//! when somebody looks ([`Metrics::gather_from`]).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

/// Series kept by default (`metrics.buffer.size`).
pub const MAX_SERIES: usize = 10_000;
/// Upper bounds of the histogram buckets, the default ones of Prometheus; one more bucket takes the rest.
pub const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Bytes of a name or label, and labels of one series, at most.
const MAX_TEXT: usize = 1024;
const MAX_LABELS: usize = 32;
const SHARDS: usize = 16;
/// Problems warned about; a program that invents bad names without end must not fill the log.
const MAX_WARNINGS: usize = 100;

/// A change of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measurement {
    /// Counters only grow: a negative number is ignored.
    CounterAdd(f64),
    GaugeSet(f64),
    GaugeAdd(f64),
    Observe(f64),
}

impl Measurement {
    fn kind(self) -> Kind {
        match self {
            Measurement::CounterAdd(_) => Kind::Counter,
            Measurement::GaugeSet(_) | Measurement::GaugeAdd(_) => Kind::Gauge,
            Measurement::Observe(_) => Kind::Histogram,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Names and values; sorted by name where they come from [`Metrics::snapshot`].
pub type Labels = Vec<(String, String)>;

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Counter(f64),
    Gauge(f64),
    /// `buckets[i]` counts the observations that are in no bucket before and at most [`BUCKETS`]`[i]`; the last one
    /// counts the rest.
    Histogram {
        buckets: [u64; BUCKETS.len() + 1],
        sum: f64,
    },
}

/// One series at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Labels,
    pub reading: Reading,
}

impl Sample {
    pub fn counter(name: &str, labels: &[(&str, &str)], value: u64) -> Sample {
        Sample { name: name.to_owned(), labels: owned(labels), reading: Reading::Counter(value as f64) }
    }
    pub fn gauge(name: &str, labels: &[(&str, &str)], value: usize) -> Sample {
        Sample { name: name.to_owned(), labels: owned(labels), reading: Reading::Gauge(value as f64) }
    }
}

fn owned(labels: &[(&str, &str)]) -> Labels {
    labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

struct Series {
    name: Box<str>,
    labels: Box<[(String, String)]>,
    kind: Kind,
    /// Bits of a float: the value, or the sum of what was observed.
    value: AtomicU64,
    /// Empty unless it is a histogram.
    buckets: Box<[AtomicU64]>,
}

impl Series {
    fn new(name: &str, labels: &[(String, String)], kind: Kind) -> Series {
        let buckets = if kind == Kind::Histogram { BUCKETS.len() + 1 } else { 0 };
        Series {
            name: name.into(),
            labels: labels.into(),
            kind,
            value: AtomicU64::new(0),
            buckets: (0..buckets).map(|_| AtomicU64::new(0)).collect(),
        }
    }
    fn is(&self, name: &str, labels: &[(String, String)]) -> bool {
        *self.name == *name && *self.labels == *labels
    }
    fn add(&self, n: f64) {
        let add = |bits| Some((f64::from_bits(bits) + n).to_bits());
        // The closure never refuses.
        let _ = self.value.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
    fn change(&self, change: Measurement) {
        match change {
            Measurement::CounterAdd(n) | Measurement::GaugeAdd(n) => self.add(n),
            Measurement::GaugeSet(n) => self.value.store(n.to_bits(), Ordering::Relaxed),
            Measurement::Observe(n) => {
                let bucket = BUCKETS.partition_point(|bound| *bound < n);
                self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
                self.add(n);
            }
        }
    }
    fn sample(&self) -> Sample {
        let value = f64::from_bits(self.value.load(Ordering::Relaxed));
        let reading = match self.kind {
            Kind::Counter => Reading::Counter(value),
            Kind::Gauge => Reading::Gauge(value),
            Kind::Histogram => {
                let buckets = std::array::from_fn(|i| self.buckets[i].load(Ordering::Relaxed));
                Reading::Histogram { buckets, sum: value }
            }
        };
        Sample { name: self.name.to_string(), labels: self.labels.to_vec(), reading }
    }
}

/// Series by the hash of name and labels.
type Shard = RwLock<HashMap<u64, Vec<Series>>>;

/// Adds samples of facts that somebody counts anyway.
pub type Source = Box<dyn Fn(&mut Vec<Sample>) + Send + Sync>;

/// See the module comment.
pub struct Metrics {
    hasher: RandomState,
    shards: [Shard; SHARDS],
    /// What a name is; one name is one kind in all its series.
    kinds: RwLock<BTreeMap<Box<str>, Kind>>,
    limit: AtomicUsize,
    len: AtomicUsize,
    dropped: AtomicU64,
    invalid: AtomicU64,
    warned: Mutex<HashSet<String>>,
    sources: RwLock<Vec<Source>>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            hasher: RandomState::new(),
            shards: Default::default(),
            kinds: RwLock::default(),
            limit: AtomicUsize::new(MAX_SERIES),
            len: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            invalid: AtomicU64::new(0),
            warned: Mutex::default(),
            sources: RwLock::default(),
        }
    }
}

impl Metrics {
    /// Series to keep at most from now on; those that exist stay.
    pub fn set_limit(&self, series: usize) {
        self.limit.store(series, Ordering::Relaxed);
    }

    /// Takes one measurement; `labels` are sorted by name. Never waits for anything but a new series in its shard.
    ///
    /// Ignored: names that Prometheus would refuse, what is no number, a counter that would fall, a name that is
    /// another kind of series already, a series beyond the limit.
    pub fn record(&self, name: &str, change: Measurement, labels: &[(String, String)]) {
        let hash = self.hasher.hash_one((name, labels));
        let shard = &self.shards[(hash >> 60) as usize % SHARDS];
        let n = match change {
            Measurement::CounterAdd(n) | Measurement::GaugeSet(n) | Measurement::GaugeAdd(n) => n,
            Measurement::Observe(n) => n,
        };
        if n.is_nan() {
            return self.ignore(name, "the value is not a number");
        }
        if matches!(change, Measurement::CounterAdd(n) if n < 0.0) {
            return self.ignore(name, "a counter cannot fall");
        }
        let existing = |shard: &HashMap<u64, Vec<Series>>| {
            let series = shard.get(&hash)?.iter().find(|s| s.is(name, labels))?;
            let fits = series.kind == change.kind();
            if fits {
                series.change(change);
            }
            Some(fits)
        };
        let found = existing(&shard.read());
        let fits = found.unwrap_or_else(|| {
            if !self.may_exist(name, change.kind(), labels) {
                return true;
            }
            let mut shard = shard.write();
            existing(&shard).unwrap_or_else(|| {
                if self.len.fetch_add(1, Ordering::Relaxed) >= self.limit.load(Ordering::Relaxed) {
                    self.len.fetch_sub(1, Ordering::Relaxed);
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    return true;
                }
                let series = Series::new(name, labels, change.kind());
                series.change(change);
                shard.entry(hash).or_default().push(series);
                true
            })
        });
        if !fits {
            self.ignore(name, OTHER_KIND);
        }
    }

    /// Whether a new series is valid; says so otherwise.
    fn may_exist(&self, name: &str, kind: Kind, labels: &[(String, String)]) -> bool {
        let problem = if !is_name(name, true) {
            Some("the name is not valid")
        } else if labels.len() > MAX_LABELS {
            Some("it has too many labels")
        } else if !labels.iter().all(|(k, v)| is_name(k, false) && v.len() <= MAX_TEXT) {
            Some("a label is not valid")
        } else if !self.is_kind(name, kind) {
            Some(OTHER_KIND)
        } else {
            None
        };
        if let Some(problem) = problem {
            self.ignore(name, problem);
        }
        problem.is_none()
    }

    /// Whether `name` is of this kind, which it becomes if it is new.
    fn is_kind(&self, name: &str, kind: Kind) -> bool {
        if let Some(known) = self.kinds.read().get(name) {
            return *known == kind;
        }
        let mut kinds = self.kinds.write();
        // Names without series are not worth remembering once there are no more series to come.
        if kinds.len() >= self.limit.load(Ordering::Relaxed) {
            return true;
        }
        *kinds.entry(name.into()).or_insert(kind) == kind
    }

    #[cold]
    fn ignore(&self, name: &str, problem: &str) {
        self.invalid.fetch_add(1, Ordering::Relaxed);
        let mut warned = self.warned.lock();
        let shown: String = name.chars().take(100).collect();
        if warned.len() < MAX_WARNINGS && warned.insert(format!("{shown}: {problem}")) {
            tracing::warn!(metric = shown, "measurement ignored: {problem}");
        }
    }

    /// Asks `source` whenever a snapshot is taken. It must be quick and must not take a snapshot.
    pub fn gather_from(&self, source: Source) {
        self.sources.write().push(source);
    }

    /// All series, by name and labels, with what the sources add.
    pub fn snapshot(&self) -> Vec<Sample> {
        let mut all: Vec<Sample> = Vec::with_capacity(self.len.load(Ordering::Relaxed) + 16);
        for shard in &self.shards {
            all.extend(shard.read().values().flatten().map(Series::sample));
        }
        for source in self.sources.read().iter() {
            source(&mut all);
        }
        all.push(Sample::counter("metrics_dropped_total", &[], self.dropped.load(Ordering::Relaxed)));
        all.push(Sample::counter("metrics_invalid_total", &[], self.invalid.load(Ordering::Relaxed)));
        all.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
        all
    }

    /// The value of one series of this collector, or of a source. For tests and other single questions: it takes a
    /// snapshot.
    pub fn reading(&self, name: &str, labels: &[(&str, &str)]) -> Option<Reading> {
        let labels = owned(labels);
        self.snapshot().into_iter().find(|s| s.name == name && s.labels == labels).map(|s| s.reading)
    }
}

const OTHER_KIND: &str = "the name is another kind of metric already";

/// `[a-zA-Z_][a-zA-Z0-9_]*`, for metrics also with colons.
fn is_name(text: &str, colons: bool) -> bool {
    let ok = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || (colons && c == b':');
    !text.is_empty()
        && text.len() <= MAX_TEXT
        && !text.as_bytes()[0].is_ascii_digit()
        && text.bytes().all(ok)
        && (colons || !text.starts_with("__"))
}

#[cfg(test)]
mod tests {
    use super::Measurement::*;
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        owned(pairs)
    }

    fn shown(metrics: &Metrics) -> String {
        let line = |s: Sample| {
            let labels: Vec<String> = s.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            match s.reading {
                Reading::Counter(v) | Reading::Gauge(v) => format!("{}{{{}}} {v}", s.name, labels.join(",")),
                Reading::Histogram { buckets, sum } => {
                    format!("{}{{{}}} {buckets:?} {sum}", s.name, labels.join(","))
                }
            }
        };
        metrics.snapshot().into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn series_are_kept_apart_by_name_and_labels() {
        let metrics = Metrics::default();
        let (eu, us) = (labels(&[("region", "eu")]), labels(&[("region", "us")]));
        for (name, change, labels) in [
            ("orders", CounterAdd(1.0), &eu),
            ("orders", CounterAdd(2.5), &eu),
            ("orders", CounterAdd(1.0), &us),
            ("orders", CounterAdd(1.0), &vec![]),
            ("depth", GaugeSet(5.0), &eu),
            ("depth", GaugeAdd(1.0), &eu),
            ("depth", GaugeAdd(-3.0), &eu),
            ("took", Observe(0.005), &vec![]),
            ("took", Observe(0.3), &vec![]),
            ("took", Observe(99.0), &vec![]),
        ] {
            metrics.record(name, change, labels);
        }
        metrics.gather_from(Box::new(|all| all.push(Sample::gauge("nodes", &[("a", "b")], 3))));
        assert_eq!(
            shown(&metrics),
            "depth{region=eu} 3\nmetrics_dropped_total{} 0\nmetrics_invalid_total{} 0\nnodes{a=b} 3\norders{} 1\n\
             orders{region=eu} 3.5\norders{region=us} 1\ntook{} [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] 99.305"
        );
    }

    #[test]
    fn nonsense_is_ignored() {
        let metrics = Metrics::default();
        metrics.record("fine", CounterAdd(1.0), &[]);
        let (bad, reserved) = (labels(&[("a-b", "x")]), labels(&[("__name__", "x")]));
        let long = "x".repeat(MAX_TEXT + 1);
        let many: Labels = (0..=MAX_LABELS).map(|i| (format!("l{i}"), String::new())).collect();
        type Case<'a> = (&'a str, Measurement, &'a [(String, String)]);
        let cases: [Case<'_>; 11] = [
            ("fine", CounterAdd(-1.0), &[]),
            ("fine", CounterAdd(f64::NAN), &[]),
            ("fine", GaugeSet(1.0), &[]),
            ("fine", Observe(1.0), &labels(&[("other", "labels")])),
            ("", CounterAdd(1.0), &[]),
            ("1st", CounterAdd(1.0), &[]),
            ("with.dot", CounterAdd(1.0), &[]),
            (&long, CounterAdd(1.0), &[]),
            ("labelled", CounterAdd(1.0), &bad),
            ("labelled", CounterAdd(1.0), &reserved),
            ("labelled", CounterAdd(1.0), &many),
        ];
        for (name, change, labels) in cases {
            metrics.record(name, change, labels);
        }
        assert_eq!(shown(&metrics), "fine{} 1\nmetrics_dropped_total{} 0\nmetrics_invalid_total{} 11");
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let metrics = Metrics::default();
        metrics.set_limit(3);
        for round in 0..2 {
            for i in 0..5 {
                metrics.record(&format!("m{i}"), CounterAdd(1.0), &[]);
            }
            assert_eq!(metrics.reading("m2", &[]), Some(Reading::Counter(f64::from(round + 1))));
        }
        assert_eq!(metrics.reading("m3", &[]), None);
        assert_eq!(metrics.reading("metrics_dropped_total", &[]), Some(Reading::Counter(4.0)));
    }

    #[test]
    fn threads_lose_nothing() {
        let metrics = Metrics::default();
        std::thread::scope(|scope| {
            for t in 0..4 {
                let metrics = &metrics;
                scope.spawn(move || {
                    for i in 0..1000 {
                        metrics.record("all", CounterAdd(1.0), &[]);
                        metrics.record("some", Observe(1.0), &labels(&[("i", &((i + t) % 7).to_string())]));
                    }
                });
            }
        });
        assert_eq!(metrics.reading("all", &[]), Some(Reading::Counter(4000.0)));
        let observed: u64 = metrics
            .snapshot()
            .iter()
            .filter(|s| s.name == "some")
            .map(|s| match &s.reading {
                Reading::Histogram { buckets, .. } => buckets.iter().sum(),
                _ => 0,
            })
            .sum();
        assert_eq!(observed, 4000);
    }
}
