"""Reads what saturing writes in HdrHistogram's formats with another implementation (PyPI hdrhistogram), and prints it as JSON.

Usage: read_hdr.py RESULT.json LOG.hlog SPECTRUM.hgrm
"""

import json
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

HOUR_NS = 3_600_000_000_000


def figures(histogram):
    return {
        "count": histogram.get_total_count(),
        "p50": histogram.get_value_at_percentile(50),
        "p99": histogram.get_value_at_percentile(99),
        "max": histogram.get_max_value(),
    }


def of_result(path):
    """The histograms inside the JSON."""
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    parts = {name: result[name] for name in ("latency_ns", "service_ns", "send_lag_ns") if name in result}
    return {name: figures(HdrHistogram.decode(part["histogram"])) for name, part in parts.items()}


def of_log(path):
    """All intervals of a log, added up by tag."""
    sums, intervals = {}, {}
    reader = HistogramLogReader(path, HdrHistogram(1, HOUR_NS, 3))
    while True:
        interval = reader.get_next_interval_histogram()
        if interval is None:
            break
        tag = interval.get_tag()
        sums.setdefault(tag, HdrHistogram(1, HOUR_NS, 3)).add(interval)
        intervals[tag] = intervals.get(tag, 0) + 1
    return {tag: {"intervals": intervals[tag], **figures(total)} for tag, total in sums.items()}


def of_spectrum(path):
    """The rows of a spectrum: value in ms, share, count."""
    rows, foot = [], []
    with open(path, encoding="utf-8") as file:
        head = file.readline().split()
        for line in file:
            if line.startswith("#"):
                foot.append(line.strip())
            elif line.strip():
                rows.append([float(word) for word in line.split()[:3]])
    return {"head": head, "rows": len(rows), "last": rows[-1], "foot": foot}


def main():
    result, log, spectrum = sys.argv[1:]
    print(json.dumps({"result": of_result(result), "log": of_log(log), "spectrum": of_spectrum(spectrum)}))


if __name__ == "__main__":
    main()
