#!/bin/sh
# Everything a change must pass, on a fresh Debian machine too. See --help.
set -eu
cd "$(dirname "$0")"

usage() {
    cat <<'END'
Usage: ./check.sh [--no-install] [--no-fuzz] [--fuzz-seconds N]

Installs what the tests need, then checks formatting, lints (warnings are errors), documentation, tests (with real
and hostile servers), the commands of README.md, and fuzzes the framing for half a minute.

  --no-install      install nothing; what is missing fails where it is used
  --no-fuzz         leave the fuzzer out
  --fuzz-seconds N  fuzz for N seconds (default: 30)
  -h, --help        print this

Exit codes: 0 all passed, 1 something failed, 2 bad arguments.
END
}

install=yes
fuzz_seconds=30
while [ $# -gt 0 ]; do
    case $1 in
        --no-install) install=no ;;
        --no-fuzz) fuzz_seconds=0 ;;
        --fuzz-seconds)
            shift
            case ${1-} in
                '' | *[!0-9]*) echo "check.sh: --fuzz-seconds: must be a number, got '${1-}'" >&2; exit 2 ;;
            esac
            fuzz_seconds=$1 ;;
        -h | --help) usage; exit 0 ;;
        *) echo "check.sh: unknown option $1; --help lists them all" >&2; exit 2 ;;
    esac
    shift
done

step='starting'
finish() {
    code=$?
    if [ $code -ne 0 ]; then
        echo "check.sh: FAILED: $step" >&2
        exit 1
    fi
}
trap finish EXIT

begin() {
    step=$1
    echo "== $step"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian's packages by the programs that are used. nginx as a service is not wanted: the tests start their own.
install_tools() {
    begin 'install what the tests need'
    missing=
    for pair in nginx:nginx-light python3:python3 wrk:wrk h2load:nghttp2-client c++:g++ taskset:util-linux script:bsdutils; do
        PATH=$PATH:/usr/sbin command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair#*:}"
    done
    python3 -c 'import ensurepip' 2> /dev/null || missing="$missing python3-venv"
    if [ -z "$missing" ]; then
        echo 'all there'
        return
    fi
    policy=/usr/sbin/policy-rc.d
    if [ -e $policy ]; then policy=; fi
    if [ -n "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy > /dev/null
        as_root chmod +x $policy
    fi
    installed=yes
    # shellcheck disable=SC2086 # a list of words
    { as_root apt-get update -q \
        && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing; } || installed=no
    if [ -n "$policy" ]; then as_root rm -f $policy; fi
    [ $installed = yes ]
}

# What reads our files back, by another hand.
install_readers() {
    begin 'install what reads the outputs back'
    if tests/.venv/bin/python -c 'import hdrh' 2> /dev/null; then
        echo 'all there'
        return
    fi
    python3 -m venv --clear tests/.venv
    tests/.venv/bin/python -m pip install --quiet --disable-pip-version-check 'hdrhistogram==0.10.*'
}

check_readme() {
    begin 'the commands of README.md'
    python3 tests/readme.py
}

# Feeds the framing for a while. The flags are those of cargo-fuzz, which need not be installed for it: libFuzzer learns from them
# where the code branches and what it compares.
fuzz() {
    if [ "$fuzz_seconds" -eq 0 ]; then
        echo 'check.sh: the fuzzer is left out, as asked'
        return
    fi
    begin "fuzz the framing for $fuzz_seconds s"
    flags='--cfg fuzzing -Cdebug-assertions -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
    for kind in inline-8bit-counters pc-table trace-compares; do
        flags="$flags -Cllvm-args=-sanitizer-coverage-$kind"
    done
    # With a target, so that build scripts and macros are built without these flags.
    host=$(rustc -vV | sed -n 's/^host: //p')
    (cd fuzz && RUSTFLAGS="$flags" CARGO_TARGET_DIR=target cargo build --release --quiet --target "$host" --bin response)
    mkdir -p fuzz/corpus/response fuzz/artifacts/response
    "fuzz/target/$host/release/response" -artifact_prefix=fuzz/artifacts/response/ -max_total_time="$fuzz_seconds" \
        -print_final_stats=1 fuzz/corpus/response fuzz/seeds
}

if [ $install = yes ]; then
    install_tools
    install_readers
fi

begin 'formatting'
cargo fmt --check

begin 'lints'
cargo clippy --all-targets -- -D warnings

begin 'documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --no-deps

# The debug profile: it builds in a fraction of the time that the release profile (one unit, fat LTO) takes, and checks
# arithmetic and assertions inside the command that the tests run.
begin 'tests'
cargo test

# A sysctl of the whole machine: while nothing else runs.
begin 'io_uring turned off by sysctl'
cargo test --test io_uring_disabled -- --ignored --nocapture

check_readme
fuzz

echo 'check.sh: all passed'
