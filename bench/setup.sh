#!/bin/sh
# What the suites of bench/suites/ need. See --help.
set -eu
cd "$(dirname "$0")"
. ./packages.sh

usage() {
    cat <<'END'
Usage: bench/setup.sh [--no-pypy]

Sets up what the suites run: packages of Debian 12 or Ubuntu 24.04 (as root or by sudo; without either it says which
are missing), and environments for CPython and PyPy below bench/.venv/ from the hashed lock files in bench/locks/.
What is there already is left alone. Cold it takes a few minutes, most of them to compile for PyPy.

  --no-pypy   leave PyPy out; cases that run on it then fail for want of it
  -h, --help  print this

Exit codes: 0 all there, 1 something is missing, 2 bad arguments.
END
}

environments='cpython pypy'
for argument; do
    case $argument in
        --no-pypy) environments='cpython' ;;
        -h | --help) usage; exit 0 ;;
        *) echo "setup.sh: unknown option $argument; --help lists them all" >&2; exit 2 ;;
    esac
done

# Programs by their packages; what is compiled for PyPy needs headers and a compiler.
packages='python3-venv redis-server:redis-server virtuoso-t:virtuoso-opensource-7-bin nginx:nginx-light wrk:wrk
    h2load:nghttp2-client ip:iproute2 taskset:util-linux'
case $environments in
    *pypy*) packages="$packages pypy3:pypy3 pypy3-venv pypy3-dev libcurl4-openssl-dev libssl-dev g++:g++ make:make" ;;
esac

# One at a time; the kernel gives the lock back however this ends.
mkdir -p .venv
exec 9> .venv/lock
if ! flock -n 9; then
    echo 'setup.sh: waiting for another one to end'
    flock 9
fi

# shellcheck disable=SC2086 # a list of words
install_packages $packages
# Both at once. (Unlike jobs of this shell's own, children of xargs end by Ctrl-C.)
echo "$environments" | xargs -n 1 -P 2 ./environment.sh || { echo 'setup.sh: FAILED' >&2; exit 1; }
echo 'setup.sh: all there'
