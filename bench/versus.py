#!/usr/bin/env python3
"""saturing beside its peers and the floor, interleaved in one run.

Client on CPU 0, `saturing serve` on CPU 1. What counts is the ratio of client CPU per request, (user + system) / responses,
as the operating system accounts it for the whole process: it survives noise that single times do not. Each round runs every
client of a case once; the ratios are taken within a round, and their median is printed.

    bench/versus.py [--rounds 5] [--seconds 2] [--case c64 ...] [--check]

Needs wrk and h2load (Debian: wrk, nghttp2-client). --check: exit 1 if a bound of the table is not held.
"""

import argparse
import statistics
import subprocess
import sys

from clients import CLIENTS, ROOT, cpu_seconds, saturing, server as serving

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
    with serving() as (address, server):
        held = [case(name, address, server.pid, options.rounds, options.seconds) for name in options.case]
    if options.check and not all(held):
        sys.exit(1)


if __name__ == "__main__":
    main()
