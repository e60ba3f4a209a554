#!/usr/bin/env bash
# Runs every target, or those that are named, one after the other: `fuzz/run.sh SECONDS [TARGET…]`. SECONDS are of the processor, so that a busy machine
# does no less work. Prints a table at the end. What a run finds beside the committed corpus stays in FUZZ_WORK (a new folder by default), crashes in
# fuzz/artifacts.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds="${1:?how many seconds each target runs}"
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
cargo +nightly fuzz build || exit 2
# Copies, so that the sources may change meanwhile. Whole checkpoints are too large for the repository, and made anew.
work="${FUZZ_WORK:-$(mktemp -d)}"
mkdir -p "$work/bin"
cargo run --quiet --release --manifest-path fuzz/seeds/Cargo.toml -- "$work" || exit 2
for target in "${targets[@]}"; do
    cp "${CARGO_TARGET_DIR:-fuzz/target}/$(rustc -vV | sed -n 's/^host: //p')/release/$target" "$work/bin/" || exit 2
done

# Files that targets write go to memory, where there is such a file system.
TMPDIR="$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")"
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

dictionary() {
    case "$1" in
        ssml) echo fuzz/dictionaries/ssml.dict ;;
        http | wyoming | piper_json | model_file) echo fuzz/dictionaries/json.dict ;;
        pickle | voices) echo fuzz/dictionaries/pickle.dict ;;
        document | epub) echo fuzz/dictionaries/markup.dict ;;
    esac
}

# The target's statistic from its log, added up or, with `max`, the largest.
statistic() {
    sed -n "s/^stat::$1: *//p" "$log" | sort -n | awk -v how="${2:-}" '{ sum += $1; last = $1 } END { print how == "max" ? last : sum }'
}

commit="$(git rev-parse --short HEAD)$([ -z "$(git status --porcelain --untracked-files=no)" ] || echo +)"
rows=()
failed=0
TIMEFORMAT='%U %S'
for target in "${targets[@]}"; do
    mkdir -p "$work/$target" "fuzz/corpus/$target" "fuzz/artifacts/$target"
    log="$work/$target.log"
    : >"$log"
    options=(-rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=10 -print_final_stats=1 "-artifact_prefix=fuzz/artifacts/$target/")
    words="$(dictionary "$target")"
    [ -z "$words" ] || options+=(-dict="$words")
    spent=0
    status=0
    while [ $status -eq 0 ] && [ "$spent" -lt "$seconds" ]; do
        left=$((seconds - spent))
        used="$({ time "$work/bin/$target" "$work/$target" "fuzz/corpus/$target" -max_total_time=$((left > 10 ? left : 10)) "${options[@]}" >>"$log" 2>&1; } 2>&1)"
        status=$?
        spent=$((spent + $(awk '{ print int($1 + $2) }' <<<"$used")))
    done
    [ $status -eq 0 ] || failed=1
    cover="$(sed -nE 's/.*cov: ([0-9]+) ft: ([0-9]+).*/\1, \2/p' "$log" | tail -n 1)"
    outcome="$([ $status -eq 0 ] && echo survived || echo "failed ($log)")"
    rows+=("| $target | $spent | $(statistic number_of_executed_units) | ${cover:-?} | $(statistic peak_rss_mb max) | $commit | $outcome |")
    echo "${rows[-1]}"
done
printf '\n| target | CPU seconds | executions | coverage (edges, features) | memory in MB | commit | outcome |\n|---|---|---|---|---|---|---|\n'
printf '%s\n' "${rows[@]}"
exit $failed
