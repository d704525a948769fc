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
	"${as_root[@]}" apt-get update -qq || :
	"${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
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

# One build at a time in a cache: two would write the same files.
cache_open() {
	mkdir -p "$cache"/{sources,packages,roots,work,keys} && touch "$cache/substitutes" || die "cannot write the cache $cache"
	exec 9>"$cache/lock"
	flock -n 9 || {
		say "another build is using $cache: waiting for it"
		flock 9
	}
}

# Copy a file of the second cache, if there is one and it has it: cache_from RELATIVE TARGET
cache_from() {
	[ -n "${POSADA_CACHE_FROM:-}" ] || return 1
	rm -f "$2.part"
	case $POSADA_CACHE_FROM in
	*://*) /usr/lib/apt/apt-helper -qq download-file "$POSADA_CACHE_FROM/$1" "$2.part" >/dev/null 2>&1 ;;
	*) cp "$POSADA_CACHE_FROM/$1" "$2.part" 2>/dev/null ;;
	esac || { rm -f "$2.part"; return 1; }
	mv "$2.part" "$2"
}

sha256_of() { # FILE
	sha256sum <"$1" | cut -d' ' -f1
}
