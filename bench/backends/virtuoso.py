"""Virtuoso in the foreground, on a freshly seeded database of its own.

The first start makes a template and seeds it, which takes some seconds; later ones copy it. A class and one object are
all its data: what counts here is the cost of asking, not of a large graph.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

GRAPH = "http://example.org/classes"

SEED = f"""
SPARQL CREATE SILENT GRAPH <{GRAPH}>;
SPARQL CLEAR GRAPH <{GRAPH}>;
SPARQL PREFIX owl: <http://www.w3.org/2002/07/owl#> INSERT DATA INTO <{GRAPH}>
  {{<http://dummyClass.com> a owl:Class . <http://dummyObj.com> a <http://dummyClass.com> .}};
GRANT SPARQL_UPDATE TO "SPARQL";
checkpoint;
"""

# Debian's own has 10 threads and gzip on: the one makes fifty connections wait, the other ends each of them.
INI = """
[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
ErrorLogLevel = 3
FileExtend = 200
MaxCheckpointRemap = 2000

[TempDatabase]
DatabaseFile = {folder}/temp.db
TransactionFile = {folder}/temp.trx

[Parameters]
ServerPort = {sql}
ServerThreads = 74
MaxClientConnections = 74
CheckpointInterval = 0
NumberOfBuffers = 10000
MaxDirtyBuffers = 6000
ThreadsPerQuery = 1
DirsAllowed = {folder}
SchedulerInterval = 0

[HTTPServer]
ServerPort = {http}
ServerThreads = 64
MaxClientConnections = 64
MaxKeepAlives = 200
KeepAliveTimeout = 60
EnabledGzipContent = {gzip}

[SPARQL]
DefaultGraph = {graph}
"""


def write_ini(folder: Path, sql: str, http: str, gzip: bool) -> Path:
    ini = folder / "virtuoso.ini"
    ini.write_text(INI.format(folder=folder, sql=sql, http=http, gzip=int(gzip), graph=GRAPH))
    return ini


def command(ini: Path) -> list[str]:
    return ["virtuoso-t", "+foreground", "+configfile", str(ini)]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_ready(process: subprocess.Popen, url: str, limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while process.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"virtuoso: the template did not answer at {url} within {limit_s} s")


def seed(port: int) -> None:
    done = subprocess.run(
        ["isql-vt", f"localhost:{port}", "dba", "dba", "errors=stdout"],
        input=SEED, capture_output=True, text=True, check=True,
    )
    if "Error" in done.stdout:  # its exit code is 0 then, too
        sys.exit(f"virtuoso: seeding failed:\n{done.stdout}")


def make_template(folder: Path) -> None:
    """Created under plain ports: a database born under ADDRESS:PORT serves /sparql only there."""
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    sql, http = free_port(), free_port()
    process = subprocess.Popen(command(write_ini(draft, str(sql), str(http), False)), cwd=draft)
    try:
        wait_ready(process, f"http://127.0.0.1:{http}/sparql")
        seed(sql)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    draft.rename(folder)


def template(cache: Path) -> Path:
    """One for each version of the server and each way of making it."""
    version = subprocess.run(["virtuoso-t", "--version"], capture_output=True, text=True)
    key = hashlib.sha256((version.stdout + version.stderr + INI + SEED).encode()).hexdigest()[:16]
    folder = cache / f"virtuoso-{key}"
    with open(cache / "virtuoso.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make_template(folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sql-port", type=int, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where the copy goes")
    parser.add_argument("--cache", type=Path, required=True, help="where the template stays")
    parser.add_argument("--gzip", action="store_true")
    args = parser.parse_args()

    source, folder = template(args.cache.resolve()), args.work.resolve() / "virtuoso"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["cp", "--reflink=auto", source / "virtuoso.db", folder], check=True)
    ini = write_ini(folder, f"{args.host}:{args.sql_port}", f"{args.host}:{args.port}", args.gzip)
    os.chdir(folder)
    os.execvp("virtuoso-t", command(ini))


main()
