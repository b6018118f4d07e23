#!/usr/bin/env python3
"""Runs every command of README.md's sh blocks, in order, from the root of the checkout; the first that fails ends it.

Some are special: ./check.sh is what runs this, and `saturing serve` stays in the background until the end. `cargo install`
goes to a folder of its own, which is then the first place to look for commands. `saturing doctor` may find that this machine is not
fit (exit code 1), and on a machine that is disturbed `saturing search` may find that its runs disagree (exit code 1, and said).
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


def commands(text):
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S):
        yield from (line for line in block.splitlines() if line and not line.startswith("#"))


def main():
    found = list(commands((ROOT / "README.md").read_text()))
    if len(found) < 5:
        sys.exit("README.md: too few commands found; has its form changed?")
    servers, run = [], 0
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PATH": f"{home}/bin:{os.environ['PATH']}", "XDG_CACHE_HOME": f"{home}/cache"}
        try:
            for command in found:
                if command == "./check.sh":
                    continue
                print("$", command, flush=True)
                words = shlex.split(command)
                if words[:2] == ["cargo", "install"]:
                    words += ["--root", home, "--quiet"]
                if words[:2] == ["saturing", "serve"]:
                    server = subprocess.Popen(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
                    servers.append(server)
                    if not server.stdout.readline():
                        sys.exit(f"README.md: {command}: the server did not start")
                else:
                    done = subprocess.run(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
                    unfit = words[:2] == ["saturing", "doctor"] and done.returncode == 1
                    disagree = words[:2] == ["saturing", "search"] and done.returncode == 1
                    disagree = disagree and any(word in done.stdout for word in ("Unsettled", "the machine disturbed"))
                    if done.returncode != 0 and not unfit and not disagree:
                        sys.exit(f"README.md: {command}: exit code {done.returncode}\n{done.stdout}")
                run += 1
        finally:
            for server in servers:
                server.terminate()
                server.wait(10)
    print(f"{run} commands of README.md ran")


if __name__ == "__main__":
    main()
