# SPDX-License-Identifier: GPL-2.0-or-later
# The image: packages and manifest in, payload and media out.

version=$(cat "$top/VERSION")
iso=posada-$version-amd64.iso
update=posada-$version-amd64.update
manifest=$top/initramfs/manifest

# The packages that the manifest takes files from, and what the initramfs carries beside the root.
image_packages() {
	{
		awk '$1 == "package" { print $2 }' "$manifest"
		echo musl busybox linux xen loaders microcode posada
	} | tr ' ' '\n' | awk '!seen[$0]++'
}

# Everything the media depend on, as one hash.
image_key() {
	local name
	{
		for name in $(image_packages); do echo "$name ${package_keys[$name]}"; done
		cat "$top/VERSION" "$builder"/{assemble,image.sh}
		sha256_of "$cache/keys/update.pem"
		(cd "$top" && git_files initramfs | xargs -0 sha256sum)
	} | sha256sum | cut -c1-20
}

image_files="$update payload/update payload/xen.gz payload/vmlinuz payload/initramfs.img payload/entries.cfg pxe manifest.spdx.json SHA256SUMS"

image_current() { # KEY
	local file
	[ "$(cat "$out/.key" 2>/dev/null)" = "$1" ] || return 1
	for file in "$iso" $image_files; do [ -e "$out/$file" ] || return 1; done
}

image_make() {
	local key
	packages_build $(image_packages)
	keys_make
	key=$(image_key)
	if image_current "$key"; then
		say "nothing changed: $out/$iso"
		return
	fi
	root_ready
	rm -rf "$out/.key" "$out/.new" "$cache/making/image"
	mkdir -p "$out/.new" "$cache/making/image"
	steps_add 4
	step "unpack the packages" image_unpack
	step "root-image (erofs) and initramfs" image_assemble root
	step "media (ISO, PXE tree, update)" image_assemble media
	step "manifest.spdx.json" image_spdx
	rm -rf "$out/payload" "$out/pxe" "$out"/posada-*.{iso,update}
	mv "$out/.new"/* "$out"
	(cd "$out" && find "$iso" "$update" pxe payload manifest.spdx.json -type f -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
	rm -rf "$out/.new" "$cache/making/image"
	echo "$key" >"$out/.key"
	say "$out/$iso: $(($(stat -c %s "$out/$iso") / 1048576)) MiB"
}

image_unpack() {
	local name
	for name in $(image_packages); do
		mkdir -p "$cache/making/image/packages/$name"
		tar --extract --zstd --file "$(package_file "$name")" --directory "$cache/making/image/packages/$name"
	done
}

image_assemble() { # root|media
	root_run "$(root_path build "$root_build_packages")" --bind "$cache/making/image" /build \
		--ro-bind "$cache/making/image/packages/musl" /sysroot --ro-bind "$top" /checkout --bind "$out/.new" /out \
		--tmpfs /run --ro-bind "$cache/keys/update.pem" /run/update.pem \
		--setenv VERSION "$version" --setenv ISO "$iso" -- bash /builder/assemble "$1"
}

# An update file of any payload: for a team that signs elsewhere than it builds, and for tests.
image_update() { # VERSION DIRECTORY
	local file
	for file in xen.gz vmlinuz initramfs.img; do [ -f "$2/$file" ] || die "$2 is no payload: there is no $file in it"; done
	[[ $1 =~ ^[0-9A-Za-z.+~-]{1,31}$ ]] || die "'$1' is no version: letters, digits and .+~- only, 31 at most"
	packages_build musl posada
	keys_make
	root_run "$(root_path build "$root_build_packages")" --tmpfs /build \
		--ro-bind "$(package_unpacked posada)" /build/packages/posada --ro-bind "$(package_unpacked musl)" /sysroot \
		--tmpfs /run --ro-bind "$cache/keys/update.pem" /run/update.pem --bind "$(realpath "$2")" /out \
		--setenv VERSION "$1" -- bash /builder/assemble update
	say "$2/posada-$1-amd64.update"
}

# What the image is made of, as SPDX 2.3: itself, and every package, its version, licence and source.
image_spdx() {
	local name want kind lines separator=, iso=posada-$version-amd64.iso
	{
		printf '{\n  "spdxVersion": "SPDX-2.3",\n  "dataLicense": "CC0-1.0",\n  "SPDXID": "SPDXRef-DOCUMENT",\n'
		printf '  "name": "posada-%s",\n  "documentNamespace": "urn:posada:%s:%s",\n' "$version" "$version" "$(image_key)"
		printf '  "creationInfo": {"created": "%s", "creators": ["Tool: posada-image-builder"]},\n' \
			"$(date -u -d "@$source_date_epoch" +%Y-%m-%dT%H:%M:%SZ)"
		printf '  "packages": [\n    {"SPDXID": "SPDXRef-posada", "name": "posada", "versionInfo": "%s", "packageFileName": "%s", ' "$version" "$iso"
		printf '"downloadLocation": "NOASSERTION", "filesAnalyzed": false, "licenseConcluded": "NOASSERTION", '
		printf '"licenseDeclared": "GPL-2.0-or-later", "copyrightText": "NOASSERTION", '
		printf '"checksums": [{"algorithm": "SHA256", "checksumValue": "%s"}]}' "$(sha256sum <"$out/.new/$iso" | cut -c 1-64)"
		for name in $(package_order $(image_packages)); do
			for kind in src deb; do
				for want in $(recipe "$name" "$([ $kind = src ] && echo source || echo debs)"); do
					lines=$(lock_lines $kind ${want/@/ })
					while read -r _ package package_version suite file sum; do
						printf '%s\n    {"SPDXID": "SPDXRef-%s-%s", "name": "%s", "versionInfo": "%s", "packageFileName": "%s", ' \
							"$separator" "$name" "${sum:0:12}" "$package" "$package_version" "$file"
						printf '"supplier": "Organization: Debian (%s)", "downloadLocation": "NOASSERTION", "filesAnalyzed": false, ' "$suite"
						printf '"licenseConcluded": "NOASSERTION", "licenseDeclared": "%s", "copyrightText": "NOASSERTION", ' "$(recipe "$name" licence)"
						printf '"checksums": [{"algorithm": "SHA256", "checksumValue": "%s"}], ' "$sum"
						printf '"comment": "recipe %s%s"}' "$name" "$(substituted "$package" "$package_version")"
					done <<<"$lines"
				done
			done
		done
		printf '\n  ],\n  "hasExtractedLicensingInfos": ['
		printf '{"licenseId": "LicenseRef-%s", "extractedText": "What the makers allow is in the copyright file of the Debian package."}, ' \
			firmware microcode | sed 's/, $//'
		printf '],\n  "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-posada"}'
		printf ']\n}\n'
	} >"$out/.new/manifest.spdx.json"
}

substituted() { # PACKAGE VERSION
	awk -v package="$1" -v version="$2" '$3 == package && $4 == version && !n++ { print "; in place of the locked " $1 }' "$substitutes"
}
