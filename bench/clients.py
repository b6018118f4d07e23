"""What the benchmarks share: running a client on its CPU, and its figures; the built-in server on its own.

Figures of a run: `rate` (responses per second), `cpu`, `user` (ns of CPU per response, as the operating system accounts them for the
whole process), `seconds` (of CPU), `rss` (bytes), and where the client tells them `batch` (responses per enter), `busy` (share of the
time) and `content` (bytes of answers, without those of TLS). An address is HOST:PORT, or a whole URL.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
SATURING, FLOOR = TARGET / "saturing", TARGET / "examples" / "floor"
CLIENT_CPU, SERVER_CPU = "0", "1"


class Ended:
    """A client that has run: its output, resource usage, and largest resident size in bytes."""

    def __init__(self, output, usage, rss):
        self.output, self.usage, self.rss = output, usage, rss

    def figures(self, responses, rate):
        cpu = self.usage.ru_utime + self.usage.ru_stime
        return {
            "rate": rate,
            "cpu": cpu * 1e9 / responses,
            "user": self.usage.ru_utime * 1e9 / responses,
            "seconds": cpu,
            "rss": self.rss,
        }


def peak(pid):
    """The largest resident size so far. Not the rusage's: that counts in what the process was before it became the client."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) * 1024 if found else 0
    return 0


def run(command):
    """Runs a client on its CPU."""
    full = ["taskset", "-c", CLIENT_CPU, *map(str, command)]
    process = subprocess.Popen(full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    rss, over = 0, threading.Event()

    def watch():
        nonlocal rss
        # It is told only of a process that lives.
        while not over.wait(0.1):
            rss = peak(process.pid) or rss

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = process.stdout.read()
    over.set()
    watcher.join()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(full)} failed:\n{output}")
    return Ended(output, usage, rss)


def url(address):
    return address if "://" in address else f"http://{address}/"


def saturing(address, connections, pipeline, seconds, *options, program=SATURING):
    ended = run(
        [program, "-t1", f"-c{connections}", f"-p{pipeline}", f"-d{seconds}s", "--cpus", CLIENT_CPU, "--json", "-",
         *options, url(address)]
    )
    result = json.loads(ended.output)
    if result["requests"]["failed"]:
        sys.exit(f"requests failed: {result['errors']}")
    row = ended.figures(result["requests"]["completed"], result["rate"]["achieved_per_s"])
    row["batch"] = result["ring"]["requests_per_enter"]
    row["busy"] = result["client"]["busy_share"]
    row["rss"] = result["client"]["max_rss_bytes"]
    row["engine"] = result["engine"]
    row["content"] = (result["tls"]["content_bytes"] if "tls" in result else result["bytes"])["received"]
    row["p50"], row["p99"] = (result["latency_ns"]["percentiles"][key] / 1e3 for key in ("50", "99"))
    return row


def floor(address, connections, pipeline, seconds):
    ended = run([FLOOR, address, "-c", connections, "-p", pipeline, "-d", seconds, "--cpu", CLIENT_CPU])
    result = json.loads(ended.output)
    row = ended.figures(result["requests"], result["rate_per_s"])
    row["batch"] = result["requests_per_enter"]
    return row


def wrk(address, connections, pipeline, seconds, *options):
    if pipeline > 1:
        return None
    # wrk takes whole seconds only.
    ended = run(["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", *options, url(address)])
    responses = int(re.search(r"(\d+) requests in", ended.output)[1])
    row = ended.figures(responses, float(re.search(r"Requests/sec:\s*([\d.]+)", ended.output)[1]))
    amount, unit = re.search(r"([\d.]+)([KMGT]?)B read", ended.output).groups()
    row["content"] = float(amount) * 1024 ** "_KMGT".index(unit or "_")
    row["errors"] = re.findall(r"Socket errors.*|Non-2xx.*", ended.output)
    return row


def h2load(address, connections, pipeline, seconds, *options):
    ended = run(
        ["h2load", "--h1", "-t1", f"-c{connections}", f"-m{pipeline}", f"-D{max(1, round(seconds))}", *options,
         url(address)]
    )
    responses = int(re.search(r"(\d+) succeeded", ended.output)[1])
    return ended.figures(responses, float(re.search(r"([\d.]+) req/s", ended.output)[1]))


def oha(address, connections, pipeline, seconds):
    if pipeline > 1:
        return None
    ended = run(
        ["env", "TOKIO_WORKER_THREADS=1", "oha", "--no-tui", "--output-format", "json", "-c", connections,
         "-z", f"{max(1, round(seconds))}s", f"http://{address}/"]
    )
    result = json.loads(ended.output[ended.output.index("{"):])
    responses = sum(result["statusCodeDistribution"].values())
    return ended.figures(responses, result["summary"]["requestsPerSec"])


CLIENTS = {"saturing": saturing, "floor": floor, "wrk": wrk, "h2load": h2load, "oha": oha}


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def build():
    """The release build of the command and the floor."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "saturing", "--example", "floor"], cwd=ROOT, check=True)


@contextlib.contextmanager
def server(*options):
    """The built-in server on its CPU: its address and process id."""
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CPU, SATURING, "serve", "--cpus", SERVER_CPU, *map(str, options)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
