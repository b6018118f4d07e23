#!/bin/sh
# Everything a change must pass, on a fresh Debian machine too. See --help.
set -eu
cd "$(dirname "$0")"
. bench/packages.sh

usage() {
    cat <<'END'
Usage: ./check.sh [--no-install] [--no-suite] [--no-fuzz] [--fuzz-seconds N]

Installs what the tests need, then checks formatting, lints (warnings are errors), documentation, tests (with real
and hostile servers), every case of the study in small, the commands of README.md, and fuzzes the framing for half a minute.

  --no-install      install nothing; what is missing fails where it is used
  --no-suite        leave the study's servers out
  --no-fuzz         leave the fuzzer out
  --fuzz-seconds N  fuzz for N seconds (default: 30)
  -h, --help        print this

Exit codes: 0 all passed, 1 something failed, 2 bad arguments.
END
}

install=yes
suite=yes
fuzz_seconds=30
while [ $# -gt 0 ]; do
    case $1 in
        --no-install) install=no ;;
        --no-suite) suite=no ;;
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
setup=
finish() {
    code=$?
    if [ -n "$setup" ]; then kill "$setup" 2> /dev/null || :; fi
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

# nginx as a service is not wanted: the tests start their own.
install_tools() {
    begin 'install what the tests need'
    browser=chromium:chromium
    # Ubuntu's is a snap: there the one that Playwright brings is taken.
    if grep -qx 'ID=ubuntu' /etc/os-release; then browser=; fi
    # shellcheck disable=SC2086 # nothing, if empty
    install_packages nginx:nginx-light python3:python3 python3-venv wrk:wrk h2load:nghttp2-client c++:g++ taskset:util-linux \
        script:bsdutils $browser
}

# Minutes on a new machine, most of them waiting: meanwhile there is something to compile.
begin_setup() {
    mkdir -p target
    bench/setup.sh > target/setup.log 2>&1 &
    setup=$!
}

end_setup() {
    if [ -z "$setup" ]; then return; fi
    begin 'install what the suites need'
    outcome=0
    wait "$setup" || outcome=$?
    setup=
    cat target/setup.log
    return $outcome
}

# What reads our files back, by another hand, and what looks at our pages.
install_readers() {
    begin 'install what reads the outputs back'
    python=tests/.venv/bin/python
    if $python -c 'import hdrh, playwright' 2> /dev/null; then
        echo 'all there'
    else
        python3 -m venv --clear tests/.venv
        $python -m pip install --quiet --disable-pip-version-check 'hdrhistogram==0.10.*' 'playwright==1.65.*'
    fi
    if ! command -v chromium > /dev/null; then
        as_root $python -m playwright install-deps chromium
        $python -m playwright install chromium
    fi
}

# Every server of the study starts, answers byte for byte and takes a load: none may be left out.
run_suite() {
    if [ $suite = no ]; then
        echo "check.sh: the study's servers are left out, as asked"
        return
    fi
    begin 'the study in small'
    out=target/study
    rm -rf $out
    cargo run --quiet -- suite run --quick --out $out
    python3 -c 'if True:
        import json, sys
        study = json.load(open(sys.argv[1]))
        without, failed = [row["id"] for row in study["rows"] if row["runs"] == 0], study["not_run"]
        if without or failed:
            sys.exit(f"without a run: {without}; not run, or not well: {failed}")
        print(len(study["rows"]), "rows, each with a run")' $out/suite.json
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
    begin_setup
fi

begin 'formatting'
cargo fmt --check

begin 'lints'
cargo clippy --all-targets -- -D warnings

begin 'documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --no-deps

# The debug profile: it builds in a fraction of the time that the release profile (one unit, fat LTO) takes, and checks
# arithmetic and assertions inside the command that the tests run.
begin 'build the tests'
cargo test --no-run --quiet
end_setup

begin 'tests'
cargo test

# A sysctl of the whole machine: while nothing else runs.
begin 'io_uring turned off by sysctl'
cargo test --test it io_uring_disabled -- --ignored --nocapture

run_suite
check_readme
fuzz

echo 'check.sh: all passed'
