#!/usr/bin/env python3
"""What a client costs: the floor, saturing and its peers side by side on the same built-in server at the same points.

Client on CPU 0, `saturing serve` on CPU 1; every client with one thread. CPU per request, user and kernel, is what the operating system
accounts for the whole process; memory is its largest resident size. Rounds are interleaved, medians are printed, and the ratio is the
median of the rounds' ratios of CPU per request to the floor's.

    bench/overhead.py [--rounds 5] [--seconds 1]

Needs wrk and h2load (Debian: wrk, nghttp2-client) and oha (`cargo install oha`); one that is not there is left out and named. A client
that cannot do a point (wrk and oha do not pipeline) has no row there.
"""

import argparse
import shutil
import statistics

from clients import CLIENTS, build, server

# Connections, pipeline.
POINTS = [(64, 1), (256, 1), (64, 16)]
# The floor first: ratios are to it.
ORDER = ["floor", "saturing", "wrk", "h2load", "oha"]
OF_THIS_PROJECT = {"floor", "saturing"}


def measure(address, connections, pipeline, clients, rounds, seconds):
    """Figures of each round by client; of a client that cannot do this point none."""
    rows = {client: [] for client in clients}
    for turn in range(rounds):
        # Each round in another order, so that no client always follows the same one.
        for client in clients[turn % len(clients):] + clients[:turn % len(clients)]:
            if client not in rows:
                continue
            row = CLIENTS[client](address, connections, pipeline, seconds)
            if row is None:
                del rows[client]
            else:
                rows[client].append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1, help="of each run; wrk, h2load and oha take whole seconds")
    options = parser.parse_args()
    clients = [client for client in ORDER if client in OF_THIS_PROJECT or shutil.which(client)]
    build()
    print(f"{'c':>4}{'p':>4}  {'client':9}{'req/s':>11}{'CPU ns/req':>12}{'user':>8}{'kernel':>8}{'against floor':>15}{'memory MiB':>12}")
    with server() as (address, _):
        for connections, pipeline in POINTS:
            rows = measure(address, connections, pipeline, clients, options.rounds, options.seconds)
            for client, all_rows in rows.items():
                middle = lambda key: statistics.median(row[key] for row in all_rows)
                kernel = statistics.median(row["cpu"] - row["user"] for row in all_rows)
                ratio = statistics.median(one["cpu"] / floor["cpu"] for one, floor in zip(all_rows, rows["floor"]))
                print(f"{connections:4}{pipeline:4}  {client:9}{middle('rate'):11.0f}{middle('cpu'):12.0f}{middle('user'):8.0f}"
                      f"{kernel:8.0f}{ratio:15.2f}{middle('rss') / 2**20:12.1f}", flush=True)
    for client in ORDER:
        if client not in clients:
            print(f"{client} is not installed and was left out")


if __name__ == "__main__":
    main()
