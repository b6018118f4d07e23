"""Clients as the benchmarks run them: on a CPU of their own, with what the operating system accounts for the whole process."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
SATURING, FLOOR = TARGET / "saturing", TARGET / "examples" / "floor"
CLIENT_CPU, SERVER_CPU = "0", "1"


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


def saturing(address, connections, pipeline, seconds, *options):
    output, usage = run(
        [SATURING, "-t1", f"-c{connections}", f"-p{pipeline}", f"-d{seconds}s", "--cpus", CLIENT_CPU, "--json", "-",
         *options, f"http://{address}/"]
    )
    result = json.loads(output)
    if result["requests"]["failed"]:
        sys.exit(f"requests failed: {result['errors']}")
    row = figures(output, usage, result["requests"]["completed"], result["rate"]["achieved_per_s"])
    row["batch"] = result["ring"]["requests_per_enter"]
    row["busy"] = result["client"]["busy_share"]
    # Not the rusage's: that counts in what the process was before it became saturing.
    row["rss"] = result["client"]["max_rss_bytes"]
    row["engine"] = result["engine"]
    row["p50"], row["p99"] = (result["latency_ns"]["percentiles"][key] / 1e3 for key in ("50", "99"))
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


@contextmanager
def server():
    """`saturing serve` on its CPU: its address and process."""
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CPU, SATURING, "serve", "--cpus", SERVER_CPU], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
