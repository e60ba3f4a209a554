#!/usr/bin/env bash
# Runs every target, or those that are named, one after the other: `fuzz/run.sh SECONDS [TARGET…]`. Prints a table at the end.
# What a run finds beside the committed corpus stays in FUZZ_WORK (a folder of the system's for temporary files by default), crashes in fuzz/artifacts.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds="${1:?how many seconds each target runs}"
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)

work="${FUZZ_WORK:-$(mktemp -d)}"
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

commit="$(git rev-parse --short HEAD)$([ -z "$(git status --porcelain --untracked-files=no)" ] || echo +)"
rows=()
failed=0
for target in "${targets[@]}"; do
    mkdir -p "$work/$target" "fuzz/corpus/$target"
    log="$work/$target.log"
    options=(-max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=10 -print_final_stats=1)
    words="$(dictionary "$target")"
    [ -z "$words" ] || options+=(-dict="$words")
    cargo +nightly fuzz run "$target" "$work/$target" "fuzz/corpus/$target" -- "${options[@]}" >"$log" 2>&1
    status=$?
    [ $status -eq 0 ] || failed=1
    runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)"
    rss="$(sed -n 's/^stat::peak_rss_mb: *//p' "$log" | tail -n 1)"
    cover="$(sed -nE 's/.*cov: ([0-9]+) ft: ([0-9]+).*/\1, \2/p' "$log" | tail -n 1)"
    rows+=("| $target | $seconds | ${runs:-?} | ${cover:-?} | ${rss:-?} | $commit | $([ $status -eq 0 ] && echo survived || echo "failed ($log)") |")
    echo "${rows[-1]}"
done
printf '\n| target | seconds | executions | coverage (edges, features) | memory in MB | commit | outcome |\n|---|---|---|---|---|---|---|\n'
printf '%s\n' "${rows[@]}"
exit $failed
