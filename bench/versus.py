#!/usr/bin/env python3
"""saturing beside its peers and the floor, interleaved in one run.

Client on CPU 0, `saturing serve` on CPU 1. What counts is the ratio of client CPU per request, (user + system) / responses,
as the operating system accounts it for the whole process: it survives noise that single times do not. Each round runs every
client of a case once; the ratios are taken within a round, and their median is printed.

    bench/versus.py [--rounds 5] [--seconds 2] [--case c64 ...] [--check]

Needs wrk and h2load (Debian: wrk, nghttp2-client). --check: exit 1 if a bound of the table is not held.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
SATURING, FLOOR = TARGET / "saturing", TARGET / "examples" / "floor"
CLIENT_CPU, SERVER_CPU = "0", "1"

# name: connections, pipeline, {(figure, peer): bound on saturing / peer; a negative one is a lower bound}
CASES = {
    "c64": (64, 1, {("cpu", "wrk"): 0.65, ("cpu", "floor"): 1.06}),
    "c256": (256, 1, {("cpu", "wrk"): 0.65, ("cpu", "floor"): 1.06}),
    "c64p16": (64, 16, {("cpu", "h2load"): 0.45, ("cpu", "floor"): 1.20}),
    "c1": (1, 1, {("rate", "wrk"): -1.05}),
    "c10000": (10_000, 1, {}),
}
USER_NS_AT_P16 = 60
BYTES_PER_CONNECTION = 2048


def run(command):
    """Runs a client on its CPU; its output and resource usage."""
    full = ["taskset", "-c", CLIENT_CPU, *map(str, command)]
    process = subprocess.Popen(full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(full)} failed:\n{output}")
    return output, usage


def figures(output, usage, responses, rate):
    cpu = usage.ru_utime + usage.ru_stime
    return {
        "rate": rate,
        "cpu": cpu * 1e9 / responses,
        "user": usage.ru_utime * 1e9 / responses,
        "seconds": cpu,
    }


def saturing(address, connections, pipeline, seconds):
    output, usage = run(
        [SATURING, "-t1", f"-c{connections}", f"-p{pipeline}", f"-d{seconds}s", "--cpus", CLIENT_CPU, "--json", "-",
         f"http://{address}/"]
    )
    result = json.loads(output)
    if result["requests"]["failed"]:
        sys.exit(f"requests failed: {result['errors']}")
    row = figures(output, usage, result["requests"]["completed"], result["rate"]["achieved_per_s"])
    row["batch"] = result["ring"]["requests_per_enter"]
    row["busy"] = result["client"]["busy_share"]
    # Not the rusage's: that counts in what the process was before it became saturing.
    row["rss"] = result["client"]["max_rss_bytes"]
    return row


def floor(address, connections, pipeline, seconds):
    output, usage = run([FLOOR, address, "-c", connections, "-p", pipeline, "-d", seconds, "--cpu", CLIENT_CPU])
    result = json.loads(output)
    row = figures(output, usage, result["requests"], result["rate_per_s"])
    row["batch"] = result["requests_per_enter"]
    return row


def wrk(address, connections, pipeline, seconds):
    if pipeline > 1:
        return None
    # wrk takes whole seconds only.
    output, usage = run(["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", f"http://{address}/"])
    responses = int(re.search(r"(\d+) requests in", output)[1])
    return figures(output, usage, responses, float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1]))


def h2load(address, connections, pipeline, seconds):
    output, usage = run(
        ["h2load", "--h1", "-t1", f"-c{connections}", f"-m{pipeline}", f"-D{max(1, round(seconds))}", f"http://{address}/"]
    )
    responses = int(re.search(r"(\d+) succeeded", output)[1])
    return figures(output, usage, responses, float(re.search(r"([\d.]+) req/s", output)[1]))


CLIENTS = {"saturing": saturing, "floor": floor, "wrk": wrk, "h2load": h2load}


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def case(name, address, server, rounds, seconds):
    connections, pipeline, bounds = CASES[name]
    clients = list(CLIENTS)
    if connections > 1000:
        clients = ["saturing"]
    rows = {client: [] for client in clients}
    share = []
    for turn in range(rounds):
        # Each round in another order, so that no client always follows the same one.
        for client in clients[turn % len(clients):] + clients[:turn % len(clients)]:
            before = cpu_seconds(server)
            row = CLIENTS[client](address, connections, pipeline, seconds)
            if row is None:
                rows.pop(client, None)
                continue
            rows[client].append(row)
            if client == "saturing":
                share.append((cpu_seconds(server) - before) / seconds)
    middle = lambda client, key: statistics.median(row[key] for row in rows[client])
    print(f"\n{name}: {connections} connections, pipeline {pipeline}")
    print(f"  {'':10}{'req/s':>12}{'CPU ns/req':>12}{'user ns/req':>12}{'req/enter':>11}{'CPU ratio':>11}")
    for client in rows:
        ratio = statistics.median(a["cpu"] / b["cpu"] for a, b in zip(rows["saturing"], rows[client]))
        batch = f"{middle(client, 'batch'):11.1f}" if "batch" in rows[client][0] else " " * 11
        print(f"  {client:10}{middle(client, 'rate'):12.0f}{middle(client, 'cpu'):12.0f}{middle(client, 'user'):12.0f}{batch}{ratio:11.3f}")
    client_share = middle("saturing", "busy")
    server_share = statistics.median(share)
    limit = "the client" if client_share > 0.97 else "the server" if server_share > 0.97 else "neither alone"
    print(f"  busy: client {client_share:.0%}, server {server_share:.0%}: the limit was {limit}")
    held = True
    for (figure, peer), bound in bounds.items():
        ratio = statistics.median(a[figure] / b[figure] for a, b in zip(rows["saturing"], rows[peer]))
        ok = ratio >= -bound if bound < 0 else ratio <= bound
        held &= ok
        word = "at least" if bound < 0 else "at most"
        print(f"  {figure} against {peer}: {ratio:.3f} ({word} {abs(bound)}): {'holds' if ok else 'DOES NOT HOLD'}")
    if pipeline > 1:
        user = middle("saturing", "user")
        held &= user <= USER_NS_AT_P16
        print(f"  user-space part: {user:.0f} ns (at most {USER_NS_AT_P16}): {'holds' if user <= USER_NS_AT_P16 else 'DOES NOT HOLD'}")
    if connections > 1000:
        small = statistics.median(saturing(address, 64, 1, seconds)["rss"] for _ in range(3))
        each = (middle("saturing", "rss") - small) / (connections - 64)
        held &= each <= BYTES_PER_CONNECTION
        print(f"  memory above that at 64 connections: {each:.0f} bytes per connection (at most {BYTES_PER_CONNECTION}): "
              f"{'holds' if each <= BYTES_PER_CONNECTION else 'DOES NOT HOLD'}")
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--check", action="store_true", help="exit 1 if a bound is not held")
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "saturing", "--example", "floor"], cwd=ROOT, check=True)
    server = subprocess.Popen(
        ["taskset", "-c", SERVER_CPU, SATURING, "serve", "--cpus", SERVER_CPU], stdout=subprocess.PIPE, text=True
    )
    try:
        address = server.stdout.readline().strip()
        held = [case(name, address, server.pid, options.rounds, options.seconds) for name in options.case]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
    if options.check and not all(held):
        sys.exit(1)


if __name__ == "__main__":
    main()
