# SPDX-License-Identifier: GPL-2.0-or-later
# What the builder says: one line a step, the whole story in a log, its tail on failure.

say() {
	printf '%s\n' "$*"
}

die() {
	printf 'build: %s\n' "$*" >&2
	exit 1
}

steps_done=0
steps_total=0

steps_add() { # COUNT
	steps_total=$((steps_total + $1))
}

# A finished step: its number, its name and how long it took.
step_line() { # NAME SECONDS
	steps_done=$((steps_done + 1))
	printf '[%*d/%d] %-40s %4d s\n' ${#steps_total} "$steps_done" "$steps_total" "$1" "$2"
}

# Say why a step failed: the end of its log, and the cause when the log names a known one.
step_failed() { # NAME LOG
	printf '\n[failed] %s; the end of %s:\n\n' "$1" "$2" >&2
	tail -n 25 "$2" >&2 || :
	if grep -qi 'no space left on device' "$2"; then
		die "$1: the disk is full ($(df -h --output=target,avail "$cache" | tail -n 1 | xargs) free); make room or set POSADA_CACHE and POSADA_OUT to another disk, then run the same command again"
	fi
	die "$1 failed; the full log is $2"
}

# Run one step in this shell's child, with its output in a log of its own.
step() { # NAME COMMAND...
	local name=$1 log="$out/logs/${1%% *}.log" start=$SECONDS
	shift
	mkdir -p "$out/logs"
	if ! ("$@") >"$log" 2>&1 </dev/null; then
		step_failed "$name" "$log"
	fi
	step_line "$name" $((SECONDS - start))
}
