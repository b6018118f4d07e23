#!/bin/sh
# Everything a change must pass, on a fresh Debian machine too. See --help.
set -eu
cd "$(dirname "$0")"
. bench/packages.sh

usage() {
    cat <<'END'
Usage: ./check.sh [--all] [--no-install] [--no-suite] [--no-fuzz] [--fuzz-seconds N]

Installs what the tests need, then checks formatting, lints (warnings are errors), documentation and tests (with real
and hostile servers, partly on the second engines too), runs the commands of README.md, and fuzzes what reads for a moment.
The last lines say what was left out, and how many tests passed and failed.

  --all             everything: all of those tests on each second engine, all seeds of those with a fake kernel, every
                    case of the study in small, README.md with its real release build and installation, and two
                    minutes of fuzzing
  --no-install      install nothing; what is missing fails where it is used
  --no-suite        with --all: leave the study out
  --no-fuzz         leave the fuzzer out
  --fuzz-seconds N  fuzz for N seconds (default: 10; with --all: 120)
  -h, --help        print this

Exit codes: 0 all passed, 1 something failed, 2 bad arguments.
END
}

all=no
install=yes
suite=yes
fuzz_seconds=
while [ $# -gt 0 ]; do
    case $1 in
        --all) all=yes ;;
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
if [ $all = yes ]; then usual_fuzz_seconds=120; else usual_fuzz_seconds=10; fi
fuzz_seconds=${fuzz_seconds:-$usual_fuzz_seconds}

step='starting'
setup=
notes=target/check
rm -rf $notes
mkdir -p $notes
: > $notes/left_out
: > $notes/tests

# The summary comes last, whatever the outcome; its very last line stands alone, for machines to read.
finish() {
    code=$?
    if [ -n "$setup" ]; then kill "$setup" 2> /dev/null || :; fi
    echo '== summary'
    cat $notes/left_out
    grep -o 'NOT TESTED.*' $notes/tests | sort -u || :
    if [ $code -eq 0 ]; then
        echo 'check.sh: all passed'
    else
        echo "check.sh: FAILED: $step" >&2
    fi
    awk '/^test result: / { passed += $4; failed += $6 } END { printf "%d passed, %d failed\n", passed, failed }' $notes/tests
    if [ $code -ne 0 ]; then exit 1; fi
}
trap finish EXIT

begin() {
    step=$1
    echo "== $step"
}

# What this check did not do, for the summary.
left_out() {
    echo "left out: $1" >> $notes/left_out
}

# Runs a command of tests and keeps what it prints, so that the summary can add up its counts. (sh has no pipefail.)
counted() {
    { outcome=0; "$@" 2>&1 || outcome=$?; echo $outcome > $notes/outcome; } | tee -a $notes/tests
    return "$(cat $notes/outcome)"
}

# nginx as a service is not wanted: the tests start their own.
install_tools() {
    begin 'install what the tests need'
    browser=chromium:chromium
    # Ubuntu's is a snap: there the one that Playwright brings is taken.
    if grep -qx 'ID=ubuntu' /etc/os-release; then browser=; fi
    # shellcheck disable=SC2086 # nothing, if empty
    install_packages nginx:nginx-light python3:python3 python3-venv wrk:wrk h2load:nghttp2-client openssl:openssl c++:g++ taskset:util-linux \
        script:bsdutils ip:iproute2 $browser
}

# Minutes on a new machine, most of them waiting: meanwhile there is something to compile.
begin_setup() {
    bench/setup.sh > $notes/setup.log 2>&1 &
    setup=$!
}

end_setup() {
    if [ -z "$setup" ]; then return; fi
    begin 'install what the suites need'
    outcome=0
    wait "$setup" || outcome=$?
    setup=
    cat $notes/setup.log
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

# Tests that look for an undisturbed CPU, or hold a server's rate against the clock: one after the other.
alone='verdict:: gates::the_capacity gates::the_connections engines::epoll_keeps_its_rate'

# The others wait for most of their time, so that more of them run at once than there are CPUs.
run_tests() {
    begin 'tests'
    # A fake kernel is drawn from seeds: most runs of this check draw from a third of them.
    if [ $all = yes ]; then export SATURING_TEST_SEEDS=all; else left_out 'two of three seeds of the fake kernel (--all)'; fi
    counted cargo test --no-fail-fast --lib --bins --examples
    counted cargo test --doc --quiet
    counted cargo test --test steady_state
    # shellcheck disable=SC2046 # a list of words
    counted cargo test --test it -- --test-threads $((2 * $(nproc))) $(printf -- '--skip %s ' $alone)
    begin 'tests that need a CPU of their own'
    # shellcheck disable=SC2086 # a list of words
    counted cargo test --test it -- --test-threads 1 --nocapture $alone
    # A sysctl of the whole machine.
    counted cargo test --test it io_uring_disabled -- --ignored --nocapture
}

# The same binary under the second engines.
run_engines() {
    modules='hostile:: whole_answers::'
    if [ $all = yes ]; then
        modules="$modules accuracy:: servers:: shapes:: workloads::"
    else
        left_out 'accuracy, servers, shapes and workloads on the engines epoll and tokio-uring (./check.sh --all)'
    fi
    for engine in epoll tokio-uring; do
        begin "tests on the engine $engine"
        # shellcheck disable=SC2086 # a list of words
        counted env SATURING_TEST_ENGINE=$engine cargo test --test it -- --test-threads $((2 * $(nproc))) $modules
    done
}

# Every server of the study starts, answers byte for byte and takes a load: none may be left out.
run_suite() {
    if [ $all = no ] || [ $suite = no ]; then
        left_out 'every case of the study in small (./check.sh --all)'
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
    if [ $all = yes ]; then
        python3 tests/readme.py --all
    else
        left_out 'the release build of README.md, its installation, and its commands of the study (./check.sh --all)'
        python3 tests/readme.py
    fi
}

# Feeds the framing for a while. The flags are those of cargo-fuzz, which need not be installed for it: libFuzzer learns from them
# where the code branches and what it compares.
fuzz() {
    if [ "$fuzz_seconds" -eq 0 ]; then
        left_out 'the fuzzer (--no-fuzz)'
        return
    fi
    begin "fuzz the framing, TLS, and lists of requests, for $fuzz_seconds s each"
    if [ "$fuzz_seconds" -lt 120 ]; then left_out "fuzzing for longer than $fuzz_seconds s (./check.sh --all; --fuzz-seconds N)"; fi
    flags='--cfg fuzzing -Cdebug-assertions -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
    for kind in inline-8bit-counters pc-table trace-compares; do
        flags="$flags -Cllvm-args=-sanitizer-coverage-$kind"
    done
    # With a target, so that build scripts and macros are built without these flags.
    host=$(rustc -vV | sed -n 's/^host: //p')
    (cd fuzz && RUSTFLAGS="$flags" CARGO_TARGET_DIR=target cargo build --release --quiet --target "$host" --bins)
    for target in response tls requests; do
        mkdir -p fuzz/corpus/$target fuzz/artifacts/$target
        "fuzz/target/$host/release/$target" -artifact_prefix=fuzz/artifacts/$target/ -max_total_time="$fuzz_seconds" \
            -print_final_stats=1 fuzz/corpus/$target fuzz/seeds/$target
    done
}

if [ $install = yes ]; then
    install_tools
    install_readers
    if [ $all = yes ] && [ $suite = yes ]; then begin_setup; fi
fi

begin 'formatting'
cargo fmt --check

begin 'lints'
cargo clippy --all-targets -- -D warnings

begin 'documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --no-deps

# The debug profile: it builds in a fraction of the time that the release profile takes, and checks arithmetic and assertions
# inside the command that the tests run.
begin 'build the tests'
cargo test --no-run --quiet
end_setup

run_tests
run_engines
run_suite
check_readme
fuzz
