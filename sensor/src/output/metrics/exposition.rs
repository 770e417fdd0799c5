//! Writes metric families as text: Prometheus 0.0.4 or OpenMetrics 1.0, which differ in names of families, not series.

use prometheus::proto::{MetricFamily, MetricType};

/// What a scraper can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The `Content-Type`; Prometheus 3 refuses a scrape without the right one.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The one an `Accept` header asks for with the higher quality; text where it says nothing of either.
    pub fn accepted(accept: &str) -> Self {
        let quality = |media: &str, versions: [&str; 2]| {
            accept
                .split(',')
                .filter_map(|part| {
                    let mut parameters = part.split(';').map(str::trim);
                    let named = parameters.next()?.eq_ignore_ascii_case(media);
                    let (mut q, mut version) = (1.0, "");
                    for parameter in parameters {
                        match parameter.split_once('=') {
                            Some(("q", value)) => q = value.trim().parse().unwrap_or(0.0),
                            Some(("version", value)) => version = value.trim().trim_matches('"'),
                            _ => {}
                        }
                    }
                    (named && (version.is_empty() || versions.contains(&version))).then_some(q)
                })
                .fold(0.0, f64::max)
        };
        let open = quality("application/openmetrics-text", ["1.0.0", "1.0"]);
        if open > 0.0 && open >= quality("text/plain", ["0.0.4", "1.0.0"]) {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// The text of `families`, counters and gauges, in the order given.
pub(super) fn write(families: &[MetricFamily], format: Format) -> String {
    let open = format == Format::OpenMetrics;
    let mut text = String::new();
    for family in families {
        let name = family.name();
        let counter = family.get_field_type() == MetricType::COUNTER;
        // OpenMetrics names the family without the suffix its series carry.
        let (title, kind) = match (open, counter, name.strip_suffix("_info")) {
            (true, true, _) => (name.strip_suffix("_total").unwrap_or(name), "counter"),
            (false, true, _) => (name, "counter"),
            (true, false, Some(title)) => (title, "info"),
            _ => (name, "gauge"),
        };
        text.push_str(&format!("# HELP {title} {}\n# TYPE {title} {kind}\n", escape(family.help(), open)));
        for metric in family.get_metric() {
            let labels: Vec<String> = metric
                .get_label()
                .iter()
                .map(|l| format!("{}=\"{}\"", l.name(), escape(l.value(), true)))
                .collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let value =
                if counter { metric.get_counter().get_value() } else { metric.get_gauge().get_value() };
            text.push_str(&format!("{name}{labels} {value}\n"));
        }
    }
    if open {
        text.push_str("# EOF\n");
    }
    text
}

fn escape(value: &str, quotes: bool) -> String {
    let value = value.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { value.replace('"', "\\\"") } else { value }
}

#[cfg(test)]
mod tests {
    use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

    use super::*;

    fn families() -> Vec<MetricFamily> {
        let registry = Registry::new();
        let counter =
            IntCounterVec::new(Opts::new("x_things_total", "Things, \"all\"\nof them."), &["kind"]).unwrap();
        counter.with_label_values(&["a\\b\"c\n"]).inc_by(3);
        let info = IntGaugeVec::new(Opts::new("x_build_info", "Version."), &["version"]).unwrap();
        info.with_label_values(&["1"]).set(1);
        registry.register(Box::new(counter)).unwrap();
        registry.register(Box::new(info)).unwrap();
        registry.gather()
    }

    #[test]
    fn prometheus_text_names_families_as_their_series() {
        let expected = "# HELP x_build_info Version.\n# TYPE x_build_info gauge\nx_build_info{version=\"1\"} 1\n\
                        # HELP x_things_total Things, \"all\"\\nof them.\n# TYPE x_things_total counter\n\
                        x_things_total{kind=\"a\\\\b\\\"c\\n\"} 3\n";
        assert_eq!(write(&families(), Format::Text), expected);
    }

    #[test]
    fn openmetrics_names_families_without_suffix_and_ends_with_eof() {
        let expected = "# HELP x_build Version.\n# TYPE x_build info\nx_build_info{version=\"1\"} 1\n\
                        # HELP x_things Things, \\\"all\\\"\\nof them.\n# TYPE x_things counter\n\
                        x_things_total{kind=\"a\\\\b\\\"c\\n\"} 3\n# EOF\n";
        assert_eq!(write(&families(), Format::OpenMetrics), expected);
    }

    #[test]
    fn the_format_is_what_the_scraper_prefers() {
        // What Prometheus 2.53 and 3.0 send.
        let v2 = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                  text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let v3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                  application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                  text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(Format::accepted(v2), Format::OpenMetrics);
        assert_eq!(Format::accepted(v3), Format::OpenMetrics);
        for accept in [
            "",
            "*/*",
            "text/plain",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.3",
            "application/openmetrics-text;version=1.0.0;q=0",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=nonsense",
        ] {
            assert_eq!(Format::accepted(accept), Format::Text, "{accept}");
        }
    }
}
