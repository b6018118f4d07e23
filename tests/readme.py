#!/usr/bin/env python3
"""Runs every command of README.md's sh blocks, in order, from the root of the checkout; the first that fails ends it.

Usage: tests/readme.py [--all]

Without --all, what takes minutes is replaced or left out, and that is said: the debug build stands for `cargo run --release` and
`cargo install`, and the servers of the study are neither set up nor run. Always special: ./check.sh is what runs this; `saturing serve`
stays in the background until the end; `cargo install` goes to a folder of its own, which is then the first place to look for commands.

A command may come to a bad answer about this machine, which is no fault of the command: `saturing doctor` may find it unfit (exit code 1),
a limit of `--slo` may not hold (3), and a search may find no rate, or that its runs disagree (1). Those codes are taken where the command also says so.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 900
# Words of a command, the exit code by which it judges the machine, and what it then says.
JUDGEMENTS = [
    ("doctor", 1, ["Kept from full speed by"]),
    ("search", 1, ["No rate holds", "Unsettled", "the machine disturbed"]),
    ("--slo", 3, ["BREACHED"]),
]


def commands(text):
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S):
        yield from (line for line in block.splitlines() if line and not line.startswith("#"))


def replaced(words):
    """What stands for these words in the short pass; None: left out."""
    if words[:2] == ["cargo", "install"]:
        return ["cargo", "build", "--quiet"]
    if words[:2] == ["cargo", "run"]:
        return [word for word in words if word != "--release"]
    if words == ["bench/setup.sh"] or words[:3] == ["saturing", "suite", "run"]:
        return None
    return words


def judges_the_machine(words, done):
    return any(word in words and done.returncode == code and any(one in done.stdout for one in says) for word, code, says in JUDGEMENTS)


def run(words, command, environment, servers):
    if words[:2] == ["saturing", "serve"]:
        server = subprocess.Popen(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        servers.append(server)
        if not server.stdout.readline():
            sys.exit(f"README.md: {command}: the server did not start")
        return
    if "|" in words:
        words = ["sh", "-c", command]
    done = subprocess.run(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
    if judges_the_machine(words, done):
        print(f"  (exit code {done.returncode}: it is about this machine)", flush=True)
    elif done.returncode != 0:
        sys.exit(f"README.md: {command}: exit code {done.returncode}\n{done.stdout}")


def main():
    everything = sys.argv[1:] == ["--all"]
    if sys.argv[1:] and not everything:
        sys.exit(f"readme.py: unknown arguments {sys.argv[1:]}")
    found = list(commands((ROOT / "README.md").read_text()))
    if len(found) < 5:
        sys.exit("README.md: too few commands found; has its form changed?")
    servers, ran, left_out = [], 0, 0
    debug = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    with tempfile.TemporaryDirectory() as home:
        path = f"{home}/bin" if everything else debug
        environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "XDG_CACHE_HOME": f"{home}/cache"}
        try:
            for command in found:
                if command == "./check.sh":
                    continue
                words = shlex.split(command)
                if not everything:
                    words = replaced(words)
                elif words[:2] == ["cargo", "install"]:
                    words += ["--root", home, "--quiet"]
                print("$", command, flush=True)
                if words is None:
                    print("  (left out: --all runs it)", flush=True)
                    left_out += 1
                    continue
                if words != shlex.split(command) and not everything:
                    print("  (as:", shlex.join(words) + ")", flush=True)
                run(words, command, environment, servers)
                ran += 1
        finally:
            for server in servers:
                server.terminate()
                server.wait(60)
    print(f"{ran} commands of README.md ran, {left_out} left out")


if __name__ == "__main__":
    main()
