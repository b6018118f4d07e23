#!/usr/bin/env python3
"""The engines, and io_uring as older kernels have it, side by side on the same work, interleaved in one run.

Client on CPU 0, `saturing serve` on CPU 1. Client CPU per request is what the operating system accounts for the whole process;
ratios are taken within a round, and medians are printed. wrk stands beside them where it can do the work.

    bench/engines.py [--rounds 5] [--seconds 1] [--case c64 ...] [--engine uring epoll ...] [--check]

Needs wrk (Debian: wrk). --check: exit 1 if a bound is not held.
"""

import argparse
import statistics
import sys

from clients import CLIENT_CPU, build, saturing, server, wrk

# name: connections, pipeline, further options
CASES = {
    "c64": (64, 1, []),
    "c64p16": (64, 16, []),
    "open": (64, 1, ["-R", "50k"]),
    "calm": (64, 1, ["-R", "10k"]),
}

# name: engine, level if that is asked for, further options
ENGINES = {
    "uring": ("uring", None, []),
    **{f"uring {level}": ("uring", level, ["--uring-level", level]) for level in ("A", "A-", "B", "C")},
    "epoll": ("epoll", None, []),
    "tokio-uring": ("tokio-uring", None, []),
    # On request: a network card is what the last two are for, and a spare CPU what the first is for.
    "sqpoll": ("uring", None, [f"--sqpoll={CLIENT_CPU}"]),
    "napi": ("uring", None, ["--napi", "50"]),
    "busy-poll": ("uring", None, ["--busy-poll=50"]),
}
USUAL = [name for name in ENGINES if name not in ("sqpoll", "napi", "busy-poll")]

# case, figure, client, peer, bound on client / peer. Where system calls are cheap beside TCP the first cannot hold: kernel-notes.md.
BOUNDS = [
    ("c64", "cpu", "uring", "epoll", 0.75),
    ("c64", "cpu", "epoll", "wrk", 1.0),
]

# Far below what any of them can do, the engines' p50 agree within the accuracy suite's error, us.
AGREE_US = 50


def rows_of(name, address, engines, rounds, seconds):
    connections, pipeline, extra = CASES[name]
    names = [*engines, *(["wrk"] if pipeline == 1 and not extra else [])]
    rows = {engine: [] for engine in names}
    for turn in range(rounds):
        # Each round in another order, so that nobody always follows the same one.
        start = turn % len(names)
        for engine in names[start:] + names[:start]:
            if engine == "wrk":
                rows[engine].append(wrk(address, connections, pipeline, seconds))
                continue
            kind, level, asked = ENGINES[engine]
            row = saturing(address, connections, pipeline, seconds, "--engine", kind, *asked, *extra)
            ran = row["engine"]
            if ran["name"] != kind or level not in (None, ran["level"]):
                sys.exit(f"{engine} was asked for, {ran} ran")
            rows[engine].append(row)
    return rows


def ratio(rows, figure, client, peer):
    return statistics.median(a[figure] / b[figure] for a, b in zip(rows[client], rows[peer]))


def show(name, rows):
    connections, pipeline, extra = CASES[name]
    print(f"\n{name}: {connections} connections, pipeline {pipeline} {' '.join(extra)}")
    print(f"  {'':12}{'req/s':>10}{'CPU ns/req':>12}{'user':>8}{'req/enter':>11}{'p50 us':>9}{'p99 us':>9}{'CPU / epoll':>13}")
    for engine, all_rows in rows.items():
        figure = lambda key, width, digits=0: (
            f"{statistics.median(row[key] for row in all_rows):{width}.{digits}f}" if key in all_rows[0] else " " * width
        )
        beside = f"{ratio(rows, 'cpu', engine, 'epoll'):13.3f}" if "epoll" in rows else ""
        print(f"  {engine:12}{figure('rate', 10)}{figure('cpu', 12)}{figure('user', 8)}{figure('batch', 11, 1)}"
              f"{figure('p50', 9, 1)}{figure('p99', 9, 1)}{beside}")


def check(name, rows):
    held = True
    for case, figure, client, peer, bound in BOUNDS:
        if case == name and client in rows and peer in rows:
            found = ratio(rows, figure, client, peer)
            held &= found <= bound
            print(f"  {figure} of {client} against {peer}: {found:.3f} (at most {bound}): {'holds' if found <= bound else 'DOES NOT HOLD'}")
    if name == "calm":
        middle = {engine: statistics.median(row["p50"] for row in all_rows) for engine, all_rows in rows.items()}
        apart = max(middle.values()) - min(middle.values())
        held &= apart <= AGREE_US
        print(f"  p50 apart by {apart:.1f} us (at most {AGREE_US}): {'holds' if apart <= AGREE_US else 'DOES NOT HOLD'}")
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=USUAL)
    parser.add_argument("--check", action="store_true", help="exit 1 if a bound is not held")
    options = parser.parse_args()
    build()
    held = []
    with server() as (address, _):
        for name in options.case:
            rows = rows_of(name, address, options.engine, options.rounds, options.seconds)
            show(name, rows)
            held.append(check(name, rows))
    if options.check and not all(held):
        sys.exit(1)


if __name__ == "__main__":
    main()
