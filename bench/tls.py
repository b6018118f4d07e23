#!/usr/bin/env python3
"""What TLS costs: saturing beside wrk and h2load on nginx (TLS 1.3, TLS 1.2) and on the built-in server, and plain HTTP beside an earlier
build.

Client on CPU 0, server on CPU 1. Rounds are interleaved, and a ratio is the median of the rounds' ratios of client CPU (user and system)
per response; handshakes are in it, those at the start of a window too. A window counts only if the client's CPU was at full speed before
and after it; a round of which one window found no calm spell is left out, and that is said. With --check a missed bound is exit code 1,
and so is a case for which no calm spell was had.

    bench/tls.py [--rounds 7] [--window 1] [--before PATH] [--only CASE]... [--check] [--anyway]

All encrypt by AES-256-GCM, with a P-256 certificate of the server's own. wrk goes on with earlier sessions where a server gives it tickets:
nginx is told to give none, so that both make full handshakes there; on the built-in server, which gives some, saturing has --resume.

The whole takes ten minutes, and what it waits for calm spells. Needs nginx, openssl, wrk and h2load (Debian: nginx-light, openssl, wrk,
nghttp2-client); the cases of one that is not there are left out and named, as are those of plain HTTP without --before, the path of another
build of saturing.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

from clients import CLIENT_CPU, SATURING, SERVER_CPU, build, h2load, run, saturing, server, wrk
from mixes import Calm

os.environ["PATH"] += ":/usr/sbin"

# Seconds: how long a calm spell is waited for, and between two windows.
PATIENCE, REST = 30, 1
MIB = 1 << 20
MANY, FEW = 10_000, 100
CIPHERS = {13: "TLS_AES_256_GCM_SHA384", 12: "ECDHE-ECDSA-AES256-GCM-SHA384"}
OURS = ["-k", "--ciphers", ",".join(CIPHERS.values())]
H2LOAD = [f"--tls13-ciphers={CIPHERS[13]}", f"--ciphers={CIPHERS[12]}"]

NGINX = """
daemon off;
worker_processes 1;
pid pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    default_type text/plain;
    keepalive_requests 1000000000;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    ssl_session_tickets off;
    ssl_session_cache off;
    {servers}
}}
"""
NGINX_SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl backlog=1024;
        ssl_protocols TLSv{version};
        location = / {{ return 200 "Hello, World!"; }}
        location = /mib {{ root {folder}; }}
    }}
"""
ROUTES = f"""
[[route]]
path = "/mib"
body_bytes = {MIB}
"""

# Runs that belong together: `clients` by name, ours first, each of which takes seconds and gives figures; `unit` and `cost` (what a row
# costs in it); `bounds` by client that ours is held against.
Case = namedtuple("Case", "name clients unit cost bounds")


class Uncalm(Exception):
    """No calm spell was had."""


class Spells(Calm):
    """Runs in calm spells only, with a rest after each."""

    def __init__(self, anyway):
        super().__init__()
        self.anyway = anyway

    def run(self, act, tries=5):
        for _ in range(tries):
            end = time.monotonic() + PATIENCE
            while not (self.anyway or self.is_calm()):
                if time.monotonic() > end:
                    raise Uncalm
                time.sleep(1)
            row = act()
            calm = self.anyway or self.is_calm()
            time.sleep(REST)
            if calm:
                return row
        raise Uncalm


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def nginx(folder):
    """nginx on its CPU: its URLs by version of TLS."""
    ports = {version: free_port() for version in ("1.3", "1.2")}
    certificate = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                   "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(certificate, check=True, stderr=subprocess.DEVNULL)
    (folder / "mib").write_bytes(b"x" * MIB)
    # Its worker is another user, if this one is root.
    folder.chmod(0o755)
    servers = "".join(NGINX_SERVER.format(port=port, version=version, folder=folder) for version, port in ports.items())
    (folder / "nginx.conf").write_text(NGINX.format(servers=servers))
    process = subprocess.Popen(["taskset", "-c", SERVER_CPU, "nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"])
    try:
        for port in ports.values():
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if process.poll() is not None:
                    sys.exit("nginx did not start")
                time.sleep(0.1)
            else:
                sys.exit(f"nginx does not listen on port {port}")
        yield {version: f"https://127.0.0.1:{port}" for version, port in ports.items()}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def per_response(row):
    return row["cpu"]


def per_kib(row):
    return row["seconds"] * 1e9 / (row["content"] / 1024)


def of_server(name, url, bodies, resumes):
    """The cases of a server over TLS, of `url`, which has 1 MiB at `bodies`."""

    def ours(c, p, *options, at=url + "/"):
        return lambda seconds: saturing(at, c, p, seconds, *OURS, *options)

    def theirs(client, c, p, *options, at=url + "/"):
        return lambda seconds: client(at, c, p, seconds, *options)

    cases = [
        Case(f"{name}/c{c}", {"saturing": ours(c, 1), "wrk": theirs(wrk, c, 1), "h2load": theirs(h2load, c, 1, *H2LOAD)},
             "ns/req", per_response, {"wrk": 0.60, "h2load": 0.60})
        for c in (16, 64)
    ]
    again = ["--no-keepalive"] + (["--resume"] if resumes else [])
    return cases + [
        Case(f"{name}/c64-p16", {"saturing": ours(64, 16), "h2load": theirs(h2load, 64, 16, *H2LOAD)},
             "ns/req", per_response, {"h2load": 0.40}),
        Case(f"{name}/new{'-resumed' if resumes else ''}",
             {"saturing": ours(64, 1, *again), "wrk": theirs(wrk, 64, 1, "-H", "Connection: close")},
             "ns/req", per_response, {"wrk": 0.50}),
        Case(f"{name}/1MiB", {"saturing": ours(32, 1, at=bodies), "wrk": theirs(wrk, 32, 1, at=bodies)}, "ns/KiB", per_kib, {"wrk": 0.9}),
    ]


def of_builds(address, before):
    """The cases of plain HTTP: this build and that one."""

    def of(program, p):
        return lambda seconds: saturing(address, 64, p, seconds, program=program)

    return [
        Case(f"plain/c64-p{p}", {"saturing": of(SATURING, p), "before": of(before, p)}, "ns/req", per_response, {"before": 1.01})
        for p in (1, 16)
    ]


def measure(case, spells, rounds, window):
    """Rows of each full round, by client; and what is to be said of it."""
    rows, missed = [], 0
    for turn in range(rounds):
        row = {}
        try:
            for client in list(case.clients) if turn % 2 == 0 else reversed(case.clients):
                row[client] = spells.run(lambda: case.clients[client](window))
        except Uncalm:
            missed += 1
            # A machine that was never calm so far is not waited for in each round.
            if missed > 1 and not rows:
                break
            continue
        rows.append(row)
    said = []
    if missed:
        said.append(f"calm spells for {len(rows)} of {rounds} rounds only" if rows else "no calm spell was had")
    said += sorted({f"{client}: {error}" for row in rows for client in row for error in row[client].get("errors", [])})
    return rows, said


def resident(url, connections, seconds):
    """The client's largest resident size after all connections were answered, in bytes."""
    # All of them connect at first, however long that takes.
    while seconds <= 64:
        ended = run([SATURING, "-t1", f"-c{connections}", f"-d{seconds}s", "-T60s", "--cpus", CLIENT_CPU, "--json", "-", *OURS, url])
        result = json.loads(ended.output)
        if result["connections"]["answered"] == connections and not result["requests"]["failed"]:
            return result["client"]["max_rss_bytes"]
        seconds *= 2
    return None


def memory(url, rounds):
    """Bytes of the client for each connection, of each round that had all of them, and what is to be said."""
    # A process inherits it; the server needs as many.
    found = []
    for _ in range(rounds):
        many, few = resident(url, MANY, 8), resident(url, FEW, 1)
        if many and few:
            found.append((many - few) / (MANY - FEW))
        time.sleep(REST)
    missing = rounds - len(found)
    return found, [f"{missing} of {rounds} rounds had not all of {MANY} connections answered"] if missing else []


def allow_files():
    """As many descriptors as all connections of the case of memory need, for all that is started from here."""
    wanted = MANY + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return True
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        return True
    return False


class Table:
    """One line for each thing held against a bound, printed when it is had."""

    def __init__(self):
        self.missed, self.said = [], []
        print(f"{'case':22}{'against':10}{'ours':>10}{'other':>10} {'unit':8}{'ratio':>8}{'bound':>10}", flush=True)

    def line(self, case, against, ours, other, unit, ratio, bound, outcome):
        figure = lambda value: "-" if value is None else f"{value:.0f}"
        ratio = "-" if ratio is None else f"{ratio:.3f}"
        if outcome is None:
            outcome = "not measured"
        else:
            self.missed += [] if outcome else [case]
            outcome = "ok" if outcome else "NOT OK"
        print(f"{case:22}{against:10}{figure(ours):>10}{figure(other):>10} {unit:8}{ratio:>8}{bound:>10}  {outcome}", flush=True)

    def of_case(self, case, rows, said):
        for other, bound in case.bounds.items():
            if other not in case.clients:
                continue
            if not rows:
                self.line(case.name, other, None, None, case.unit, None, f"{bound:.2f}", None)
                continue
            costs = [(case.cost(row["saturing"]), case.cost(row[other])) for row in rows]
            ours, theirs = map(statistics.median, zip(*costs))
            ratio = statistics.median(one / another for one, another in costs)
            self.line(case.name, other, ours, theirs, case.unit, ratio, f"{bound:.2f}", ratio <= bound)
        self.said += [f"{case.name}: {one}" for one in said]

    def of_memory(self, name, found, said):
        ours = statistics.median(found) if found else None
        self.line(name, "-", ours, None, "B/conn", None, "8192", None if ours is None else ours <= 8192)
        self.said += [f"{name}: {one}" for one in said]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="the case of memory has 3 at most")
    parser.add_argument("--window", type=int, default=1, help="whole seconds, as wrk and h2load take no others")
    parser.add_argument("--before", type=Path, metavar="PATH", help="another build of saturing, for plain HTTP")
    parser.add_argument("--only", action="append", default=[], metavar="CASE",
                        help="only cases with this in their name, as in nginx-1.2/, /new or plain; may be repeated")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a bound was missed, or a case not measured")
    parser.add_argument("--anyway", action="store_true", help="take every window, to see that all works: its figures mean nothing")
    options = parser.parse_args()
    if options.rounds < 1 or options.window < 1:
        parser.error("--rounds and --window: at least 1")
    if options.before and not shutil.which(options.before.resolve()):
        parser.error(f"--before: no program at {options.before}")

    missing = [f"{tool} is not installed: what needs it was left out" for tool in ("nginx", "openssl", "wrk", "h2load")
               if not shutil.which(tool)]
    enough = allow_files()
    if not enough:
        missing.append(f"memory: left out, as ulimit -n cannot be raised to {MANY + 1000}")
    if not options.before:
        missing.append("plain HTTP was left out: no --before PATH")
    build()

    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        cases = []
        if shutil.which("nginx") and shutil.which("openssl"):
            for version, url in stack.enter_context(nginx(folder)).items():
                cases += of_server(f"nginx-{version}", url, f"{url}/mib", resumes=False)
        (folder / "routes.toml").write_text(ROUTES)
        secure, _ = stack.enter_context(server("--tls"))
        bodies, _ = stack.enter_context(server("--tls", "--routes", folder / "routes.toml"))
        cases += of_server("serve", f"https://{secure}", f"https://{bodies}/mib", resumes=True)
        if options.before:
            address, _ = stack.enter_context(server())
            cases += of_builds(address, options.before.resolve())
        # Ours has nothing to be held against where no other client is there.
        there = lambda client: client not in ("wrk", "h2load") or shutil.which(client)
        cases = [case._replace(clients={client: act for client, act in case.clients.items() if there(client)}) for case in cases]
        cases = [case for case in cases if len(case.clients) > 1]

        wanted = lambda name: not options.only or any(part in name for part in options.only)
        with_memory = enough and wanted("serve/memory")
        chosen = [case for case in cases if wanted(case.name)]
        if not chosen and not with_memory:
            names = [case.name for case in cases] + (["serve/memory"] if enough else [])
            parser.error("\n".join(["--only: no such case; these could be run: " + ", ".join(names), *missing]))

        table, spells = Table(), Spells(options.anyway)
        unmeasured = False
        for case in chosen:
            rows, said = measure(case, spells, options.rounds, options.window)
            table.of_case(case, rows, said)
            unmeasured |= not rows
        if with_memory:
            found, said = memory(f"https://{secure}/", min(options.rounds, 3))
            table.of_memory("serve/memory", found, said)
            unmeasured |= not found
    for one in table.said + missing:
        print(one)
    if options.anyway:
        print("--anyway: windows of any speed were taken, and these figures mean nothing")
    sys.exit(1 if options.check and (table.missed or unmeasured) else 0)


if __name__ == "__main__":
    main()
