#!/bin/sh
# Makes bench/.venv/NAME from locks/NAME.txt, unless it is there: `environment.sh cpython|pypy`. setup.sh calls it, under its lock.
set -eu
cd "$(dirname "$0")"
name=$1
place=.venv/$name

# Debian's own interpreters: another python3 first on PATH is often built without optimisation.
case $name in
    cpython) python=/usr/bin/python3 locks='locks/cpython.txt' options='--only-binary :all:' ;;
    pypy) python=/usr/bin/pypy3 locks='locks/pypy-build.txt locks/pypy.txt' options='--no-build-isolation' ;;
    *) echo "environment.sh: cpython or pypy, got '$name'" >&2; exit 2 ;;
esac

import_everything() {
    "$place/bin/python" -W ignore -c "$(sed -n 's/^\([a-z0-9]*\)==.*/import \1/p' "locks/$name.in")"
}

make_it() {
    rm -rf "$place" && "$python" -m venv "$place" || return
    for lock in $locks; do
        # shellcheck disable=SC2086 # a list of words
        "$place/bin/python" -m pip install --disable-pip-version-check --require-hashes $options -r "$lock" || return
    done
}

# Where it is belongs to what it is: its scripts name their interpreter.
# shellcheck disable=SC2086 # a list of words
key=$({ pwd -P; "$python" -VV; echo "$options"; cat $locks; } | sha256sum)
if [ "$(cat "$place/stamp" 2> /dev/null)" = "$key" ] && import_everything; then
    echo "bench/$place: all there"
    exit
fi

echo "bench/$place: making it from $locks"
log=.venv/$name.log
if ! { make_it && import_everything; } > "$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "bench/$place: FAILED; all of it: bench/$log" >&2
    exit 1
fi
echo "$key" > "$place/stamp"
echo "bench/$place: made, and everything in it can be imported"
