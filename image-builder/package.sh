# SPDX-License-Identifier: GPL-2.0-or-later
# Packages: each recipe is compiled once for the inputs it has, and the result is kept under their hash.

# Every timestamp in what is built; one constant, so that two builds agree.
source_date_epoch=1767225600

package_names() {
	(cd "$builder/packages" && ls)
}

# One variable of a recipe: recipe NAME VARIABLE
recipe() {
	[ -f "$builder/packages/$1/recipe" ] || die "there is no package $1 (no file image-builder/packages/$1/recipe)"
	(
		source='' debs='' depends='' inputs='' licence=''
		# shellcheck source=/dev/null
		. "$builder/packages/$1/recipe"
		echo ${!2}
	)
}

# Every package that these need, themselves included, each after what it needs.
package_order() { # NAME...
	declare -A placed=()
	package_place "$@"
}

package_place() {
	local name
	for name; do
		[ -n "${package_depends[$name]+known}" ] || die "there is no package $name (no file image-builder/packages/$name/recipe)"
		case ${placed[$name]:-} in
		done) continue ;;
		open) die "packages need each other in a circle, through $name" ;;
		esac
		placed[$name]=open
		package_place ${package_depends[$name]}
		placed[$name]="done"
		echo "$name"
	done
}

# What a package's result depends on, as one hash; kept for the run in package_keys.
declare -A package_keys=() package_depends=() package_version=()
toolchain_key=

package_key() { # NAME (its needs have theirs already)
	local name=$1 need want
	{
		echo "$toolchain_key"
		for need in ${package_depends[$name]}; do echo "$need ${package_keys[$need]}"; done
		for want in $(recipe "$name" source); do lock_lines src ${want/@/ }; done
		for want in $(recipe "$name" debs); do lock_lines deb ${want/@/ }; done
		(cd "$builder/packages/$name" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
		for want in $(recipe "$name" inputs); do
			(cd "$top" && git_files "$want" | xargs -0 sha256sum)
		done
	} | sha256sum | cut -c1-20
}

# Files of the checkout below a path, without what editors and builds leave there.
git_files() { # PATH
	find "$1" -type f ! -name '*.o' ! -name '*.a' ! -name '.*' ! -name '*.pyc' -print0 | sort -z
}

packages_load() {
	local name
	for name in $(package_names); do
		package_depends[$name]=$(recipe "$name" depends)
		[ "$name" = musl ] || [ "$name" = linux-headers ] || package_depends[$name]="musl ${package_depends[$name]}"
	done
}

packages_key() { # NAME...
	local name
	toolchain_key=$(
		echo "$(root_key "$root_build_packages") $source_date_epoch"
		cd "$builder/toolchain" && find . -type f -print0 | sort -z | xargs -0 sha256sum
	)
	package_keys=()
	for name; do package_keys[$name]=$(package_key "$name"); done
}

package_file() { # NAME
	echo "$cache/packages/$1-${package_keys[$1]}.tar.zst"
}

package_have() { # NAME
	local file
	file=$(package_file "$1")
	[ -f "$file" ] || cache_from_checked "packages/${file##*/}" "$file"
}

# Build these packages and all they need, as many side by side as JOBS says.
packages_build() { # NAME...
	local name want order
	local -a missing
	packages_load
	order=$(package_order "$@")
	while :; do
		packages_key $order
		missing=()
		for name in $order; do package_have "$name" || missing+=("$name"); done
		[ ${#missing[@]} -gt 0 ] || return 0
		root_ready
		source_changed=
		for name in "${missing[@]}"; do
			for want in $(recipe "$name" source); do source_fetch src ${want/@/ }; done
			for want in $(recipe "$name" debs); do source_fetch deb ${want/@/ }; done
		done
		[ -n "$source_changed" ] || break
	done
	keys_make
	packages_run "${missing[@]}"
}

# The scheduler: a package starts when nothing it needs is missing any more.
packages_run() { # NAME... (in order)
	local name need pid jobs=${JOBS:-2} ready failed=
	declare -A waiting=() running=() started=() 
	for name; do waiting[$name]=1; done
	steps_add $#
	while [ ${#waiting[@]} -gt 0 ] || [ ${#running[@]} -gt 0 ]; do
		for name; do
			[ -n "${waiting[$name]:-}" ] && [ ${#running[@]} -lt "$jobs" ] || continue
			ready=1
			for need in $(package_order ${package_depends[$name]}); do
				[ -z "${waiting[$need]:-}" ] && [[ " ${running[*]} " != *" $need "* ]] || ready=
			done
			[ -n "$ready" ] || continue
			unset "waiting[$name]"
			mkdir -p "$out/logs"
			package_make "$name" >"$out/logs/$name.log" 2>&1 </dev/null &
			running[$!]=$name started[$name]=$SECONDS
		done
		if wait -n -p pid "${!running[@]}"; then
			name=${running[$pid]}
			step_line "$name $(package_versions "$name")" $((SECONDS - started[$name]))
		elif [ -z "$failed" ]; then
			failed=${running[$pid]} waiting=()
			[ ${#running[@]} -eq 1 ] || say "$failed failed; what is being compiled beside it is finished first"
		fi
		unset "running[$pid]"
	done
	[ -z "$failed" ] || step_failed "$failed" "$out/logs/$failed.log"
}

package_versions() { # NAME
	local want
	for want in $(recipe "$1" source); do
		lock_lines src ${want/@/ } | awk '!n++ { sub(/^[0-9]+:/, "", $3); print $3 }'
	done | head -n 1
}

# Compile one package in the build root, in a place that is new each time, and keep the result.
package_make() { # NAME
	set -e
	local name=$1 work=$cache/making/$1 file need want kind package version suite tarball sum
	file=$(package_file "$name")
	work_remove "$work"
	mkdir -p "$work"/{build,sysroot,sources}
	for need in $(package_order ${package_depends[$name]}); do
		tar --extract --zstd --file "$(package_file "$need")" --directory "$work/sysroot"
	done
	for want in $(recipe "$name" source | tr ' ' '\n' | sed 's/^/src /') $(recipe "$name" debs | tr ' ' '\n' | sed 's/^/deb /'); do
		case $want in
		src | deb) kind=$want && continue ;;
		esac
		while read -r _ package version suite tarball sum; do
			mkdir -p "$work/sources/$package"
			ln "$cache/sources/$sum-$tarball" "$work/sources/$package/$tarball" 2>/dev/null ||
				cp "$cache/sources/$sum-$tarball" "$work/sources/$package/$tarball"
		done < <(lock_lines "$kind" ${want/@/ })
	done
	root_run "$(root_path build "$root_build_packages")" \
		--bind "$work/build" /build --bind "$work/sysroot" /sysroot \
		--ro-bind "$work/sources" /sources --ro-bind "$top" /checkout \
		--tmpfs /run --ro-bind "$cache/keys/modules.pem" /run/modules.pem \
		--chdir /build -- /builder/toolchain/make-package "$name"
	tar --create --sort=name --mtime="@$source_date_epoch" --owner=0 --group=0 --numeric-owner \
		--directory "$work/build/dest" . | zstd -q -T0 -8 -o "$file.part" -f
	cache_keep "$file"
	work_remove "$work"
}

# The keys that sign kernel modules and updates: each made once, kept beside the cache, never in the tree.
keys_make() {
	key_make modules '
		openssl req -new -x509 -newkey rsa:3072 -nodes -days 36500 -sha512 -subj "/CN=Posada module signing key" \
			-addext basicConstraints=critical,CA:FALSE -addext keyUsage=digitalSignature \
			-keyout /run/key.part -out /run/certificate.part 2>/dev/null &&
		cat /run/key.part /run/certificate.part >/run/modules.pem.part && rm /run/key.part /run/certificate.part'
	key_make update 'openssl genpkey -algorithm ED25519 -out /run/update.pem.part'
}

key_make() { # NAME COMMAND
	[ -f "$cache/keys/$1.pem" ] && return
	root_ready
	root_run "$(root_path build "$root_build_packages")" --bind "$cache/keys" /run -- sh -c "umask 077; $2"
	mv "$cache/keys/$1.pem.part" "$cache/keys/$1.pem"
}

# A built package's files, unpacked once beside the cache for those who want to read them.
package_unpacked() { # NAME
	local directory
	directory=$cache/unpacked/$1-${package_keys[$1]}
	if [ ! -d "$directory" ]; then
		work_remove "$cache/unpacked/$1-"????????????????????{,.part}
		mkdir -p "$directory.part"
		tar --extract --zstd --file "$(package_file "$1")" --directory "$directory.part"
		mv "$directory.part" "$directory"
	fi
	echo "$directory"
}
