# SPDX-License-Identifier: GPL-2.0-or-later
# The build root: a Debian trixie of our own in which everything is compiled and assembled.

root_suite=trixie

# The tools that build, and the ones that check our own code; grouped by what asks for them.
root_build_packages="
	build-essential autoconf automake autopoint libtool bison flex gettext gperf help2man cmake meson ninja-build pkgconf
	bc cpio kmod libelf-dev libssl-dev openssl rsync xz-utils zstd
	acpica-tools nasm python3-dev python3-setuptools uuid-dev
	libglib2.0-dev-bin python3-jinja2 python3-packaging python3-venv python3-pyelftools python3-docutils xsltproc libxml2-utils rpcsvc-proto
	erofs-utils grub-common xorriso mtools dosfstools
"
root_check_packages="gcc libc6-dev make cppcheck clang-format clang-tidy shellcheck libcmocka-dev libvirt-dev libxml2-dev zlib1g-dev pkgconf python3-pytest libfdisk-dev libblkid-dev libgnutls28-dev libinih-dev fdisk dosfstools e2fsprogs"

root_key() { # PACKAGES
	echo "$root_suite $1 3" | tr -s '[:space:]' ' ' | sha256sum | cut -c1-20
}

# The root's tarball decides what compiles, so it is cached and shared like a package.
root_make() { # NAME PACKAGES
	local key tarball directory mirror
	key=$(root_key "$2")
	tarball=$cache/roots/$1-$key.tar.zst directory=$cache/roots/$1-$key
	[ -d "$directory" ] && return
	if [ ! -f "$tarball" ] && ! cache_from_checked "roots/${tarball##*/}" "$tarball"; then
		mirror=$(host_mirror Debian)
		mmdebstrap --quiet --variant=minbase --format=tar \
			--include="$(echo $2 | tr ' ' ,)" \
			--aptopt='APT::Install-Recommends "false"' \
			--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*/*' \
			"$root_suite" - ${mirror:+"$mirror"} | zstd -q -T0 -o "$tarball.part" -f ||
			die "mmdebstrap cannot make a $root_suite system from ${mirror:-the archive it takes by itself}: is the network up," \
				"or set MIRROR=$([ "$(id -u)" = 0 ] || echo "; an ordinary user needs user namespaces and a line in each of /etc/subuid and /etc/subgid")"
		cache_keep "$tarball"
	fi
	mkdir "$directory.part"
	tar --extract --zstd --file "$tarball" --directory "$directory.part" --no-same-owner --exclude='./dev/*'
	mkdir -p "$directory.part"/{build,sysroot,sources,builder,checkout,out}
	# Programs built against musl run here too: configure scripts try them.
	ln -sf /sysroot/usr/lib/libc.so "$directory.part/lib/ld-musl-x86_64.so.1"
	echo /sysroot/usr/lib >"$directory.part/etc/ld-musl-x86_64.path"
	mv "$directory.part" "$directory"
}

root_path() { # NAME PACKAGES
	echo "$cache/roots/$1-$(root_key "$2")"
}

root_ready() {
	[ -d "$(root_path build "$root_build_packages")" ] && return
	steps_add 1
	step "build-root ($root_suite)" root_make build "$root_build_packages"
}

# Run a command in a root that can be read only, without network or a view of this machine.
root_run() { # ROOT [BWRAP OPTION...] -- COMMAND...
	local root=$1
	local -a options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1") && shift
	done
	shift
	bwrap --unshare-all --die-with-parent --new-session --uid 0 --gid 0 \
		--clearenv --setenv PATH /usr/sbin:/usr/bin:/sbin:/bin --setenv LC_ALL C.UTF-8 --setenv TZ UTC \
		--setenv HOME /tmp --setenv SOURCE_DATE_EPOCH "$source_date_epoch" \
		--ro-bind "$root" / --dev /dev --proc /proc --tmpfs /tmp --ro-bind "$builder" /builder "${options[@]}" "$@"
}

# The checkers' tools on this checkout; what they make goes to out.
root_check() { # COMMAND...
	if [ ! -d "$(root_path check "$root_check_packages")" ]; then
		steps_add 1
		step "check-root ($root_suite)" root_make check "$root_check_packages"
	fi
	mkdir -p "$top/out" "$out"
	root_run "$(root_path check "$root_check_packages")" --ro-bind "$top" /checkout --bind "$out" /checkout/out \
		--chdir /checkout -- "$@"
}
