# Shared by the scripts of this folder (bash): progress lines, quiet logs, one sentence on failure.
# Sets: top (source root), log_dir. Source it with: . "$(dirname "$0")/lib.sh"

set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log_dir=${FAIRLEAD_LOG_DIR:-$top/build/log}
step_seconds=0

say()
{
    printf '%s\n' "$*"
}

die()
{
    printf 'fairlead: %s\n' "$*" >&2
    exit 1
}

# Waits for a process and says that it is still going: in place on a terminal, a line each 15 s elsewhere.
step_watch()
{
    local pid=$1 text=$2 start=$3 spin='-\|/' ticks=0 seconds
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        ticks=$((ticks + 1))
        seconds=$((SECONDS - start))
        if [ -t 1 ]; then
            printf '\r%s ... %s %d s ' "$text" "${spin:ticks%4:1}" "$seconds"
        elif [ $((ticks % 75)) -eq 0 ]; then
            printf '%s ... still running, %d s\n' "$text" "$seconds"
        fi
    done
}

# step_try LOG TEXT COMMAND...: runs the command with its output in build/log/LOG.log; returns its code.
step_try()
{
    local log="$log_dir/$1.log" text=$2 start=$SECONDS pid rc=0
    shift 2
    mkdir -p "$log_dir"
    if [ -t 1 ]; then printf '%s ...' "$text"; else printf '%s ...\n' "$text"; fi
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    step_watch "$pid" "$text" "$start"
    wait "$pid" || rc=$?
    step_seconds=$((SECONDS - start))
    if [ -t 1 ]; then printf '\r\033[K'; fi
    if [ $rc -eq 0 ]; then
        say "$text: done ($step_seconds s)"
    else
        say "$text: FAILED ($step_seconds s), the end of ${log#"$top"/}:"
        tail -n "${STEP_TAIL:-25}" "$log" | sed 's/^/    /'
    fi
    return $rc
}

# step LOG TEXT COMMAND...: as step_try, but a failure ends the script with one sentence.
step()
{
    step_try "$@" || die "$2 failed; the whole output is in ${log_dir#"$top"/}/$1.log"
}
