//! The figures that are reported: their names in results, labels, units and which way is better.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) better: Better,
    /// Decimals shown.
    pub(crate) digits: usize,
}

const fn figure(name: &'static str, label: &'static str, better: Better, digits: usize) -> Figure {
    Figure { name, label, better, digits }
}

/// In the order of the tables. GB is 10^9 bytes, MB 10^6, kB 10^3.
pub(crate) const ALL: [Figure; 18] = [
    figure("up_1", "up, Gbit/s", Better::Higher, 2),
    figure("down_1", "down, Gbit/s", Better::Higher, 2),
    figure("up_8", "8 streams up, Gbit/s", Better::Higher, 2),
    figure("down_8", "8 streams down, Gbit/s", Better::Higher, 2),
    figure("cpu_up_1", "CPU-s per GB, up", Better::Lower, 2),
    figure("cpu_down_1", "CPU-s per GB, down", Better::Lower, 2),
    figure("cpu_up_8", "CPU-s per GB, 8 up", Better::Lower, 2),
    figure("cpu_down_8", "CPU-s per GB, 8 down", Better::Lower, 2),
    figure("rtt_p50", "RTT p50, us", Better::Lower, 0),
    figure("rtt_p99", "RTT p99, us", Better::Lower, 0),
    figure("rtt_p999", "RTT p99.9, us", Better::Lower, 0),
    figure("connections", "connections/s", Better::Higher, 0),
    figure("requests", "requests/s, keep-alive", Better::Higher, 0),
    figure("idle_mb", "idle RSS, all processes, MB", Better::Lower, 1),
    figure("held_kb", "kB per held connection", Better::Lower, 1),
    figure("nodes_mb", "gateway RSS with 1000 idle nodes, MB", Better::Lower, 1),
    figure("udp_drops", "UDP drops, own sockets", Better::Lower, 0),
    figure("udp_drops_namespace", "UDP drops, all programs", Better::Lower, 0),
];

pub(crate) fn by_name(name: &str) -> Option<&'static Figure> {
    ALL.iter().find(|figure| figure.name == name)
}

/// `value` with thousands separated: `12,345` or `3.10`.
pub(crate) fn show(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        if at > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or_else(|| grouped.clone(), |part| format!("{grouped}.{part}"))
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(show(1234567.0, 0), "1,234,567");
        assert_eq!(show(999.96, 1), "1,000.0");
        assert_eq!(show(-123.4, 0), "-123");
    }
}
