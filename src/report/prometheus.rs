//! Numbers as Prometheus reads them from a text file.

use std::fmt::Write;

/// One metric: what it is, and its values.
pub struct Metric {
    /// Without the prefix `banister_`, with its unit at the end: `backup_timestamp_seconds`.
    pub name: &'static str,
    /// A sentence.
    pub help: &'static str,
    /// Each with its labels.
    pub values: Vec<(Labels, f64)>,
}

/// Names and values of labels.
pub type Labels = Vec<(&'static str, String)>;

impl Metric {
    pub fn new(name: &'static str, help: &'static str) -> Metric {
        Metric { name, help, values: Vec::new() }
    }

    pub fn add(&mut self, labels: &[(&'static str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.values.push((labels, value));
    }
}

/// The file. A metric without values is left out.
pub fn text(metrics: &[Metric]) -> String {
    let mut out = String::new();
    for metric in metrics.iter().filter(|metric| !metric.values.is_empty()) {
        let Metric { name, help, values } = metric;
        let _ = write!(
            out,
            "# HELP banister_{name} {}\n# TYPE banister_{name} gauge\n",
            help.replace('\\', "\\\\")
        );
        for (labels, value) in values {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(out, "banister_{name}{labels} {value}");
        }
    }
    out
}

/// What ends a value of a label, and what no line may hold, is written with a backslash.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_numbers_are_whole_where_they_are() {
        let mut metric = Metric::new("a_seconds", "Seconds of a.");
        metric.add(&[("server", "a\\b\"c\nd"), ("runbook", "ü")], 1_790_000_000.0);
        metric.add(&[], 0.25);
        let expected = "# HELP banister_a_seconds Seconds of a.\n# TYPE banister_a_seconds gauge\n\
                        banister_a_seconds{server=\"a\\\\b\\\"c\\nd\",runbook=\"ü\"} 1790000000\nbanister_a_seconds 0.25\n";
        assert_eq!(text(&[Metric::new("none", "Nothing."), metric]), expected);
    }
}
