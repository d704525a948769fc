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

# Say why a step failed: the end of its log, and the cause when it is a known one.
step_failed() { # NAME LOG
	printf '\n[failed] %s; the end of %s:\n\n' "$1" "$2" >&2
	tail -n 25 "$2" | sed '$a\' >&2 || : # a log that was cut off gets its last line feed
	disk_check "$1" < <(cat "$2" 2>/dev/null)
	die "$1 failed; the full log is $2"
}

# Stop here if what failed did so for want of room: a log says so, or there is none left.
disk_check() { # WHAT <LOG
	local free
	free=$(disk_free --output=avail | sort -n | head -n 1)
	[ "$free" -lt 1024 ] || grep -qiE 'no space left on device|disk quota exceeded|the disk is full' || return 0
	work_remove "$cache"/making/*
	cache_tidy
	rm -rf "$out/.new"
	die "$1: the disk is full ($(disk_free -h --output=avail,target | sort -u | awk '{ printf "%s%s free on %s", sep, $1, $2; sep = ", " }')" \
		"once half-made work is removed); make room, or set POSADA_CACHE or POSADA_OUT to another disk, then run the same command again"
}

disk_free() { # DF OPTION...
	df "$@" "$cache" "$out" "${TMPDIR:-/tmp}" 2>/dev/null | sed 1d || :
}

# End a process and all that it started (the sandboxes of bwrap die with it).
end_tree() { # PID
	local pid
	local -a children=()
	{ read -r -a children <"/proc/$1/task/$1/children" || :; } 2>/dev/null
	[ "$1" = $$ ] || kill "$1" 2>/dev/null || :
	for pid in "${children[@]}"; do end_tree "$pid"; done
}

# When the build ends, by itself or by ctrl-C, nothing goes on compiling behind its back.
end_children() {
	{ end_tree $$ && wait; } 2>/dev/null || :
}

# However a build ends, it leaves no half of an image, and none of a file in a cache that is its own to write.
ended() {
	end_children
	[ -z "${cache_mine:-}" ] || { cache_tidy && rm -rf "$out/.new"; }
}

interrupted() { # STATUS
	trap '' HUP INT TERM
	end_children
	[ -z "${cache_mine:-}" ] || work_remove "$cache"/making/*
	printf 'build: interrupted; what was finished is kept, and the same command goes on from there\n' >&2 || :
	exit "$1"
}

# Run one step in this shell's child, with its output in a log of its own; not in an if or
# before ||, which would have it go on after an error.
step() { # NAME COMMAND...
	local name=$1 log="$out/logs/${1%% *}.log" start=$SECONDS
	shift
	mkdir -p "$out/logs"
	("$@") >"$log" 2>&1 </dev/null &
	wait $! || step_failed "$name" "$log"
	step_line "$name" $((SECONDS - start))
}
