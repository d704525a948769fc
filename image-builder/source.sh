# SPDX-License-Identifier: GPL-2.0-or-later
# Sources: what Debian's signed indexes offer, what sources.lock holds us to, and how a file gets here.

# A recipe asks for PACKAGE@SUITE (source="…", the pristine .orig tarballs) or, where only the
# binary package can be had or its files are shipped as they are, debs="PACKAGE@SUITE …".
# sources.lock answers with: KIND PACKAGE VERSION SUITE FILE SHA256, one line a file.

lock=$builder/sources.lock
lock_suites="bookworm bookworm-updates trixie trixie-updates trixie-backports forky"
substitutes=$cache/substitutes

# The archive this machine already uses: host_mirror Debian|Debian-Security
host_mirror() {
	[ "$1" = Debian ] && [ -n "${MIRROR:-}" ] && echo "${MIRROR%/}" && return
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -F'|' -v label="$1" '$1 == "Debian" && $2 == label && !n++ { sub("/$", "", $3); print $3 }'
}

# Without an archive of its own the machine gets the one mmdebstrap chose for the build root.
archive() { # Debian|Debian-Security
	local uri
	uri=$(host_mirror "$1")
	[ -n "$uri" ] || uri=$(sed -n "s/^deb \(http[^ ]*\) $root_suite$([ "$1" = Debian ] || echo -security) .*/\1/p" \
		"$(root_path build "$root_build_packages")/etc/apt/sources.list" | head -n 1)
	echo "$uri"
}

# Fetch the signed indexes into an apt of our own and flatten them into one table:
# KIND PACKAGE VERSION SUITE FILE SHA256 URI
offers_update() {
	local apt=$cache/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite main security key
	[ -f "$keyring" ] || keyring=$(root_path build "$root_build_packages")$keyring
	main=$(archive Debian) security=$(archive Debian-Security)
	mkdir -p "$apt"/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial}
	: >"$apt/status"
	{
		for suite in $lock_suites; do
			echo "deb-src [signed-by=$keyring] $main $suite main"
			echo "deb [arch=amd64 signed-by=$keyring] $main $suite main non-free-firmware"
		done
		for suite in ${security:+bookworm-security trixie-security}; do
			echo "deb-src [signed-by=$keyring] $security $suite main"
			echo "deb [arch=amd64 signed-by=$keyring] $security $suite main non-free-firmware"
		done
	} >"$apt/etc/sources.list"
	{
		# An index past its date is still signed, and every file is held to a sha256.
		echo "Dir \"$apt\"; Dir::Etc \"etc\"; Dir::State \"state\"; Dir::State::status \"$apt/status\"; Dir::Cache \"cache\";"
		echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";'
		echo 'Acquire::Languages "none"; Acquire::Check-Valid-Until "false"; Acquire::Retries "3"; APT::Sandbox::User "";'
		apt-config dump 2>/dev/null | grep -E '^Acquire::[a-z]+::Proxy' || :
	} >"$apt/apt.conf"
	export APT_CONFIG=$apt/apt.conf
	apt-get update -o pkgCacheFile::Generate=false || say "some indexes could not be renewed; going on with those at hand"
	key=$(cat "$apt/etc/sources.list" "$builder/source.sh" <(find "$apt/state/lists" -name '*_*' ! -name '*InRelease' -printf '%f %s %T@\n' | sort) | sha256sum)
	[ ! -s "$apt/offers" ] || [ "$key" != "$(cat "$apt/offers.key" 2>/dev/null)" ] || return 0
	apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(REPO_URI) $(FILENAME)' |
		while read -r kind suite uri file; do
			[ ! -e "$file" ] || offers_table "$kind" "$suite" "$uri" <"$file"
		done >"$apt/offers.part"
	[ -s "$apt/offers.part" ] || die "no index could be had from the archive ($main): is the network up, or set MIRROR="
	mv "$apt/offers.part" "$apt/offers"
	echo "$key" >"$apt/offers.key"
}

offers_table() { # KIND SUITE URI <INDEX
	awk -v RS= -v FS='\n' -v kind="$1" -v suite="$2" -v uri="${3%/}" '
	{
		package = version = directory = file = sum = ""
		sums = 0
		for (i = 1; i <= NF; i++) {
			line = $i
			if (line ~ /^Package: /) package = substr(line, 10)
			else if (line ~ /^Version: /) version = substr(line, 10)
			else if (line ~ /^Directory: /) directory = substr(line, 12)
			else if (line ~ /^Filename: /) file = substr(line, 11)
			else if (line ~ /^SHA256: /) sum = substr(line, 9)
			else if (line ~ /^Checksums-Sha256:/) sums = i
		}
		if (kind == "Packages") {
			n = split(file, path, "/")
			print "deb", package, version, suite, path[n], sum, uri "/" file
			next
		}
		for (i = sums + 1; sums && i <= NF && $i ~ /^ /; i++) {
			split($i, f, " ")
			if (f[3] ~ /\.orig(-[^.]+)?\.tar\.[a-z0-9]+$/ || (f[3] ~ /\.tar\.[a-z0-9]+$/ && f[3] !~ /\.debian\.tar\./))
				print "src", package, version, suite, f[3], f[1], uri "/" directory "/" f[3]
		}
	}'
}

offers_ready() {
	[ -s "$cache/apt/offers" ] && [ -n "${offers_fresh:-}" ] && return
	root_ready
	steps_add 1
	step "indexes (of the archive, signed)" offers_update
	offers_fresh=1
}

# What is offered for a package, newest first: offers_of KIND PACKAGE SUITE
offers_of() {
	awk -v kind="$1" -v package="$2" -v suite="$3" \
		'$1 == kind && $2 == package && ($4 == suite || $4 == suite "-security" || $4 == suite "-updates")' \
		"$cache/apt/offers" | sort -k3,3Vr -k5,5 -u
}

# Bring one file into the cache, or leave the reason in $problem: source_download FILE SHA256 URI
source_download() {
	local target="$cache/sources/$2-$1" log
	if log=$(download "$3" "$target.part" "SHA256:$2" 2>&1); then
		source_accept "$1" "$2" "$3" && return
	else
		disk_check "$1" <<<"$log"
		problem="$3: $(sed -nE 's/^E: (Failed to fetch [^ ]+ +)?//p' <<<"$log" | head -n 1)"
		[[ $problem != *"Hash Sum mismatch"* ]] ||
			source_mismatch "$1" "$2" "$3" "$(sed -n '/received file/,$s/^ *- SHA256:\([0-9a-f]*\).*/\1/p' <<<"$log")"
	fi
	rm -f "$target".part*
	return 1
}

# A file becomes a source only when its bytes are the ones asked for.
source_accept() { # FILE SHA256 ORIGIN
	local target="$cache/sources/$2-$1" sum
	sum=$(sha256_of "$target.part")
	if [ "$sum" != "$2" ]; then
		rm -f "$target.part"
		source_mismatch "$1" "$2" "$3" "$sum"
		return 1
	fi
	mv "$target.part" "$target"
}

source_mismatch() { # FILE SHA256 ORIGIN RECEIVED
	problem="$3 has the wrong sha256 ($4 instead of $2), so it or the way to it is not to be trusted"
}

# The lock as it is in force here: locked lines, but for the ones that had to be substituted
# (the file substitutes: LOCKED-VERSION and then a line as in the lock).
lock_lines() { # KIND PACKAGE SUITE
	awk -v kind="$1" -v package="$2" -v suite="$3" '
		FILENAME == ARGV[1] { line = $2 " " $3 " " $4 " " $5 " " $6 " " $7 "\n"; instead[$1, $2, $3] = instead[$1, $2, $3] line; next }
		$1 == kind && $2 == package && $4 ~ "^" suite "(-security|-updates)?$" {
			if (!(($3, $1, $2) in instead)) print $1, $2, $3, $4, $5, $6
			else if (!done++) printf "%s", instead[$3, $1, $2]
		}' "$substitutes" "$lock"
}

# Have every file of a package in the cache; true in $source_changed when one was substituted.
source_fetch() { # KIND PACKAGE SUITE
	local kind package version suite file sum offers uri problem problems lines
	lines=$(lock_lines "$1" "$2" "$3")
	[ -n "$lines" ] || die "sources.lock has no line for $2 in $3: run make lock"
	while read -r kind package version suite file sum; do
		[ ! -f "$cache/sources/$sum-$file" ] || continue
		if cache_from "sources/$sum-$file" "$cache/sources/$sum-$file.part"; then
			! source_accept "$file" "$sum" "$file of $POSADA_CACHE_FROM" || continue
			say "$problem: taking it from the archive"
		fi
		offers_ready
		offers=$(awk -v kind="$kind" -v package="$package" -v file="$file" \
			'$1 == kind && $2 == package && $5 == file && !seen[$6, $7]++ { print $6, $7 }' "$cache/apt/offers")
		if [ -z "$offers" ]; then
			# Indexes name the newest alone; what it replaced lies beside it for a while.
			for uri in $(offers_of "$1" "$2" "$3" | cut -d' ' -f7); do
				! source_download "$file" "$sum" "${uri%/*}/$file" || continue 2
			done
			source_substitute "$1" "$2" "$3" "$version" "$file"
			return
		fi
		problems=
		for uri in $(awk -v sum="$sum" '$1 == sum { print $2 }' <<<"$offers"); do
			! source_download "$file" "$sum" "$uri" || continue 2
			problems+=${problems:+, }$problem
		done
		[ -n "$problems" ] ||
			die "sources.lock has the wrong sha256 for $file of $package $version ($suite): it says $sum, the archive's signed index says ${offers%% *}; nothing was fetched. Put the line right, or renew it with: make lock"
		die "$file of $package $version ($suite) cannot be had: $problems; nothing of it was kept. If the network is up, set MIRROR= to another archive, or take other versions with: make lock"
	done <<<"$lines"
}

# A locked version has left the archive: the newest of the same package and suite serves.
source_substitute() { # KIND PACKAGE SUITE VERSION FILE
	local newest=
	grep -qE "^[^ ]+ [^ ]+ [^ ]+ $3 " "$cache/apt/offers" ||
		die "$5 of $2 $4: no index of $3 could be had from the archive ($out/logs/indexes.log says why): is the network up, or set MIRROR="
	source_newest "$1" "$2" "$3" ||
		die "$5 of $2 $4 ($3) has left the archive and no other version of $2 can be had there: run make lock, or set MIRROR="
	say "$2 $4 has left $3: taking $newest instead (recorded in the manifest)"
	{
		cat "$substitutes"
		awk -v kind="$1" -v package="$2" -v version="$newest" -v old="$4" \
			'$1 == kind && $2 == package && $3 == version && !seen[$5]++ { print old, $1, $2, $3, $4, $5, $6 }' "$cache/apt/offers"
	} >"$cache/making/substitutes"
	mv "$cache/making/substitutes" "$substitutes"
	source_changed=1
}

# Download the newest version of which every file can be had, and name it in $newest.
source_newest() { # KIND PACKAGE SUITE
	local offers version file sum uri problem
	offers=$(offers_of "$1" "$2" "$3")
	for version in $(cut -d' ' -f3 <<<"$offers" | uniq); do
		while read -r _ _ _ _ file sum uri; do
			[ -f "$cache/sources/$sum-$file" ] || source_download "$file" "$sum" "$uri" && continue
			say "$2 $version: $file cannot be had ($problem)" >&2
			continue 2
		done < <(awk -v version="$version" '$3 == version' <<<"$offers")
		newest=$version
		return
	done
	return 1
}

# Every KIND PACKAGE SUITE that these recipes ask for.
recipes_ask() { # NAME...
	local name want
	for name; do
		for want in $(recipe "$name" source); do echo "src ${want/@/ }"; done
		for want in $(recipe "$name" debs); do echo "deb ${want/@/ }"; done
	done | sort -u
}

# Renew the lock's lines for these recipes (or all), keeping the other lines as they are.
lock_write() { # [NAME...]
	local kind package suite newest names
	names=$(package_names)
	[ $# -gt 0 ] || { : >"$substitutes"; set -- $names; }
	for package; do recipe "$package" licence >/dev/null; done
	offers_ready
	recipes_ask "$@" >"$cache/making/asked"
	: >"$cache/making/locked"
	while read -r kind package suite; do
		source_newest "$kind" "$package" "$suite" || die "$package: no version in $suite can be had"
		offers_of "$kind" "$package" "$suite" | awk -v version="$newest" '$3 == version && !seen[$5]++ { print $1, $2, $3, $4, $5, $6 }' >>"$cache/making/locked"
		say "$package $newest"
	done <"$cache/making/asked"
	exec 8<"$builder" && flock 8
	{
		echo "# KIND PACKAGE VERSION SUITE FILE SHA256 (make lock renews this)"
		{
			recipes_ask $names | awk '
				function base(suite) { sub(/-(security|updates)$/, "", suite); return suite }
				FILENAME == ARGV[1] { new[$1, $2, base($4)] = 1; next }
				FILENAME == ARGV[2] { if (!/^#/) line[++n] = $0; next }
				{ asked[$1, $2, $3] = 1 }
				END {
					for (i = 1; i <= n; i++) {
						split(line[i], f, " ")
						if ((f[1], f[2], base(f[4])) in asked && !((f[1], f[2], base(f[4])) in new)) print line[i]
					}
				}
			' "$cache/making/locked" "$lock" -
			cat "$cache/making/locked"
		} | sort -u -k2,2 -k1,1 -k4,5
	} >"$lock.part"
	mv "$lock.part" "$lock"
}
