# SPDX-License-Identifier: GPL-2.0-or-later
# Two builds from nothing must agree in every byte; what differs is named.

repro_compare() {
	local turn first=$cache/repro/1 second=$cache/repro/2 differing
	for turn in "$first" "$second"; do
		rm -rf "$turn"
		mkdir -p "$turn/cache"
		# Sources, roots and the signing key are inputs; every package is built anew.
		ln -s "$cache/sources" "$cache/roots" "$cache/keys" "$turn/cache"
		cp "$cache/substitutes" "$turn/cache"
		say "build ${turn##*/} of 2"
		POSADA_CACHE=$turn/cache POSADA_CACHE_FROM='' POSADA_OUT=$turn/out "$builder/build" image &
		wait $!
	done
	differing=$(diff <(cd "$first/out" && sort -k2 SHA256SUMS) <(cd "$second/out" && sort -k2 SHA256SUMS) | awk '/^</ { print $3 }') || :
	if [ -n "$differing" ]; then
		say "these files differ between the two builds: $differing"
		say "and these packages:"
		diff <(cd "$first/cache/packages" && grep -H . ./*.sha256) <(cd "$second/cache/packages" && grep -H . ./*.sha256) |
			sed -n 's|^< \./\(.*\)-[0-9a-f]*\.tar\.zst.*|  \1|p' || :
		die "the build is not reproducible; both results are in $cache/repro"
	fi
	say "both builds agree in every byte:"
	cat "$first/out/SHA256SUMS"
	rm -rf "$cache/repro"
}
