#!/usr/bin/env python3
"""What lists, placeholders and new connections cost, beside one fixed request and beside gcannon with the same files.

Client on CPU 0, `saturing serve` on CPU 1. Rounds are interleaved; a run counts only if the client's CPU was at full speed before and after
it, and is repeated if not. Ratios are medians of the rounds' ratios: of client CPU per request for mixes, of connections' requests per
second for new connections. With --check a ratio beyond its bound is exit code 1.

    bench/mixes.py [--rounds 7] [--seconds 2] [--gcannon PATH] [--check]

gcannon is looked for on the PATH unless it is named; where there is none, its rows are left out, and that is said.
"""

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from clients import CLIENT_CPU, build, run, saturing, server

STEPS, SLOW = 40_000, 1.3
REQUESTS = {
    "get": "GET /baseline?a=13&b=42 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "post": "POST /baseline?a=13&b=42 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n20",
    "chunked": "POST /baseline?a=13&b=42 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n20\r\n0\r\n\r\n",
}
CHANGING = "GET /items/{}?id={{RAND:1:100000}}&n={{SEQ:0000000001}} HTTP/1.1\r\nHost: localhost\r\n\r\n"


def step_ns():
    """The worst of a few tries of a fixed loop on the client's CPU, ns per step."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(CLIENT_CPU)})
    worst = 0
    for _ in range(3):
        start, x = time.perf_counter_ns(), 1.0
        for _ in range(STEPS):
            x = x * 1.0000001 + 0.1
        worst = max(worst, (time.perf_counter_ns() - start) / STEPS)
    os.sched_setaffinity(0, before)
    return worst


class Calm:
    """Runs while the machine has its full speed: the best that was seen since the beginning."""

    def __init__(self):
        self.best = min(step_ns() for _ in range(10))

    def is_calm(self):
        now = step_ns()
        self.best = min(self.best, now)
        return now < SLOW * self.best

    def run(self, act, tries=5):
        for _ in range(tries):
            for _ in range(60):
                if self.is_calm():
                    break
                time.sleep(1)
            row = act()
            if self.is_calm():
                return row
        print("  (no calm run: the last one is taken)")
        return row


def gcannon(program, address, connections, seconds, *options):
    ended = run([program, f"http://{address}/", "-c", connections, "-t", "1", "-d", f"{max(1, round(seconds))}s", *options])
    took, responses = re.search(r"requests in ([\d.]+)s, (\d+) responses", ended.output).groups()
    return ended.figures(int(responses), int(responses) / float(took))


def cases(address, seconds, program, folder):
    """Name, what it is held against, by which figure, the bound, and how it is run; what it is held against comes first."""
    files = {}
    for name, text in REQUESTS.items():
        files[name] = folder / f"{name}.raw"
        files[name].write_text(text, newline="")
    three = ",".join(str(path) for path in files.values())
    twenty = []
    for index in range(20):
        twenty.append(folder / f"changing-{index}.raw")
        twenty[-1].write_text(CHANGING.format(index), newline="")
    twenty = ",".join(map(str, twenty))
    ours = lambda c, p, *options: lambda: saturing(address, c, p, seconds, *options)
    theirs = lambda c, *options: lambda: gcannon(program, address, c, seconds, *options)
    groups = [
        [("fixed, p=1", None, None, None, ours(64, 1)),
         ("3 raw files", "fixed, p=1", "cpu", 1.03, ours(64, 1, "--raw", three)),
         ("20 raw files with RAND and SEQ", "fixed, p=1", "cpu", 1.08, ours(64, 1, "--raw", twenty))],
        [("fixed, p=16", None, None, None, ours(64, 16)),
         ("20 raw files with RAND and SEQ, p=16", "fixed, p=16", "cpu", 1.6, ours(64, 16, "--raw", twenty))],
    ]
    if program:
        groups[0].insert(0, ("gcannon, 3 raw files", None, None, None, theirs(64, "--raw", three)))
        groups[0].append(("3 raw files", "gcannon, 3 raw files", "cpu", 0.92, None))
        for c, n in ((64, 1), (256, 10)):
            name = f"gcannon -r {n}, c={c}"
            limit = ["--requests-per-connection", n]
            groups.append([
                (name, None, None, None, theirs(c, "-r", n)),
                (f"{n} per connection, c={c}", name, "rate", 0.98, ours(c, 1, *limit)),
                (f"{n} per connection, c={c}, --reset", name, "rate", 1.03, ours(c, 1, *limit, "--reset"))])
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--gcannon", default=shutil.which("gcannon"))
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    build()
    calm, missed = Calm(), []
    with tempfile.TemporaryDirectory() as folder, server() as (address, _):
        for group in cases(address, options.seconds, options.gcannon, Path(folder)):
            runs = {name: act for name, _, _, _, act in group if act}
            rows = {name: [] for name in runs}
            for turn in range(options.rounds):
                for name in list(runs) if turn % 2 == 0 else reversed(runs):
                    rows[name].append(calm.run(runs[name]))
            for name, against, figure, bound, _ in group:
                middle = lambda key: statistics.median(row[key] for row in rows[name])
                line = f"{name:38}{middle('rate'):11.0f}/s{middle('cpu'):9.0f} ns"
                if against:
                    ratio = statistics.median(one[figure] / other[figure] for one, other in zip(rows[name], rows[against]))
                    holds = ratio <= bound if figure == "cpu" else ratio >= bound
                    line += f"   {figure} {ratio:.3f} of {against}, bound {bound}{'' if holds else ': MISSED'}"
                    missed += [] if holds else [name]
                print(line, flush=True)
    if not options.gcannon:
        print("gcannon is not installed: its rows were left out (--gcannon PATH)")
    sys.exit(1 if options.check and missed else 0)


if __name__ == "__main__":
    main()
