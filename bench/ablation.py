#!/usr/bin/env python3
"""Each ring feature and each size alone against the base, on the bare loop (bench/floor.rs): client CPU per request of the
variant over that of the base run just before it; medians over interleaved rounds. Above 1: the base is cheaper.

    bench/ablation.py [--rounds 9] [--seconds 1] [-c 64] [-p 1]
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

VARIANTS = {
    "base again": [],
    "no DEFER_TASKRUN (COOP_TASKRUN)": ["--off", "defer_taskrun"],
    "no NO_SQARRAY": ["--off", "no_sqarray"],
    "ring fd not registered": ["--off", "ring_fd"],
    "level A": ["--level", "A"],
    "level A-": ["--level", "A-"],
    "level B": ["--level", "B"],
    "level C": ["--level", "C"],
    "SQPOLL on the client's CPU": ["--sqpoll", "0"],
    "NAPI busy poll, 50 us": ["--napi", "50"],
    "one-shot receives": ["--off", "multishot"],
    "receives into memory of their own": ["--off", "buffer_ring"],
    "a completion for each send": ["--off", "cqe_skip"],
    "64 buffers": ["--buffers", "64"],
    "1024 buffers": ["--buffers", "1024"],
    "4096 buffers": ["--buffers", "4096"],
    "buffers of 2 KiB": ["--buffer-bytes", "2048"],
    "buffers of 16 KiB": ["--buffer-bytes", "16384"],
}


def floor(address, options, extra):
    command = [TARGET / "examples" / "floor", address, "-c", options.c, "-p", options.p, "-d", options.seconds, "--cpu", 0, *extra]
    output = subprocess.run(["taskset", "-c", "0", *map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(output.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("-c", type=int, default=64)
    parser.add_argument("-p", type=int, default=1)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "saturing", "--example", "floor"], cwd=ROOT, check=True)
    server = subprocess.Popen(["taskset", "-c", "1", TARGET / "saturing", "serve", "--cpus", "1"], stdout=subprocess.PIPE, text=True)
    ratios = {name: [] for name in VARIANTS}
    rates = {name: [] for name in VARIANTS}
    try:
        address = server.stdout.readline().strip()
        for _ in range(options.rounds):
            for name, extra in VARIANTS.items():
                base, variant = floor(address, options, []), floor(address, options, extra)
                ratios[name].append(variant["cpu_ns_per_request"] / base["cpu_ns_per_request"])
                rates[name].append(variant["rate_per_s"] / base["rate_per_s"])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
    print(f"{options.c} connections, pipeline {options.p}, {options.rounds} pairs of {options.seconds} s each")
    print(f"{'':34}{'CPU ratio':>10}{'lowest':>9}{'highest':>9}{'rate ratio':>12}")
    for name, all_ratios in ratios.items():
        print(f"{name:34}{statistics.median(all_ratios):10.3f}{min(all_ratios):9.3f}{max(all_ratios):9.3f}{statistics.median(rates[name]):12.3f}")


if __name__ == "__main__":
    main()
