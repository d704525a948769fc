# SPDX-License-Identifier: GPL-2.0-or-later
# What the builder asks of the machine it runs on, and the cache it keeps there.

# Command and the Debian package that brings it.
host_needs="
	mmdebstrap:mmdebstrap
	bwrap:bubblewrap
	newuidmap:uidmap
	zstd:zstd
	apt-get:apt
	flock:util-linux
"

host_tools() {
	local need
	local -a missing=()
	for need in $host_needs; do
		command -v "${need%%:*}" >/dev/null || missing+=("${need#*:}")
	done
	host_install "${missing[@]}"
}

# Install Debian packages on this machine, saying so; ask sudo when not root.
host_install() { # PACKAGE...
	[ $# -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "this machine lacks: $* (install them and try again)"
	say "installing on this machine: $*"
	local -a as_root=()
	[ "$(id -u)" = 0 ] || as_root=(sudo)
	"${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 update -qq || :
	"${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$@" >/dev/null ||
		die "cannot install $*: install them by hand and try again"
}

# Install those of these Debian packages that this machine does not have.
host_have() { # PACKAGE...
	local package
	local -a missing=()
	for package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	host_install "${missing[@]}"
}

# One build at a time in a cache: two would write the same files. Children inherit the lock, so
# that whatever outlives a killed build is waited for too.
cache_open() {
	mkdir -p "$cache"/{sources,packages,roots,making,keys} && touch "$cache/substitutes" || die "cannot write the cache $cache"
	exec 9>"$cache/lock"
	flock -n 9 || {
		say "another build is using $cache: waiting for it"
		flock 9 &
		wait $! # unlike a command in front, it lets go at once when we are told to end
	}
	cache_mine=1
	cache_tidy
	case ${POSADA_CACHE_FROM:-} in
	'' | *://*) ;;
	*) [ -d "$POSADA_CACHE_FROM" ] || cache_from_forget "is no directory that can be read" ;;
	esac
}

cache_tidy() {
	work_remove "$cache"/{sources,packages,roots}/*.part*
}

# Remove half-made work, of which an ordinary user owns even what cannot be written.
work_remove() { # PATH...
	rm -rf "$@" 2>/dev/null || { chmod -R u+rwX "$@" 2>/dev/null || :; rm -rf "$@"; }
}

cache_from_forget() { # WHY
	say "POSADA_CACHE_FROM=$POSADA_CACHE_FROM $1: going on without it" >&2
	POSADA_CACHE_FROM=
}

# Through apt, which knows this machine's proxies; as ourselves, for the cache is ours alone.
download() { # URI TARGET [HASH]
	/usr/lib/apt/apt-helper -qq -o APT::Sandbox::User= download-file "$@"
}

# Copy a file of the second cache, if there is one and it has it: cache_from RELATIVE TARGET
cache_from() {
	local log # in memory: a full disk would not take it
	[ -n "${POSADA_CACHE_FROM:-}" ] || return 1
	log=$(cache_from_copy "$1" "$2.part" 2>&1) || {
		[ -z "$log" ] || disk_check "copying $1 from $POSADA_CACHE_FROM" <<<"$log"
		rm -f "$2.part"
		[[ ! $log =~ Could\ not\ (connect|resolve)|[Tt]imed\ out|Unable\ to\ connect ]] || cache_from_forget "cannot be reached"
		return 1
	}
	mv "$2.part" "$2"
}

cache_from_copy() { # RELATIVE TARGET
	case $POSADA_CACHE_FROM in
	*://*) download "$POSADA_CACHE_FROM/$1" "$2" ;;
	*) [ -f "$POSADA_CACHE_FROM/$1" ] && cp "$POSADA_CACHE_FROM/$1" "$2" ;;
	esac
}

# The same, for a file with its hash beside it (FILE.sha256), which it must have.
cache_from_checked() { # RELATIVE TARGET
	cache_from "$1.sha256" "$cache/making/from.sha256" && cache_from "$1" "$2.part" || return
	if [ "$(sha256_of "$2.part")" != "$(cat "$cache/making/from.sha256")" ]; then
		rm -f "$2.part"
		say "$1 of $POSADA_CACHE_FROM is damaged (wrong sha256): making it here"
		return 1
	fi
	mv "$cache/making/from.sha256" "$2.sha256"
	mv "$2.part" "$2"
}

# A finished file takes its place with its hash beside it, never the one without the other.
cache_keep() { # FILE (made as FILE.part)
	sha256_of "$1.part" >"$1.sha256.part"
	mv "$1.sha256.part" "$1.sha256"
	mv "$1.part" "$1"
}

sha256_of() { # FILE
	sha256sum <"$1" | cut -d' ' -f1
}
