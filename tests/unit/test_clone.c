// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of clone.c and copy.c: templates and clones over libvirt's test driver, images that are
// copied.

#include <sys/stat.h>
#include <unistd.h>
#include "copy.h"
#include "internal.h"
#include "unit.h"

#define MIB (1 << 20)

/* Stands in for QEMU's: says how far it is, and what is wrong, as that does. */
static const char program[] =
	"#!/bin/sh\necho \"$@\" >\"${0%/*}/words\"\nwhile [ $# -gt 2 ]; do shift; done\n"
	"[ -e $1 ] || { printf \"qemu-img: '$1': No such \\033[2Jfile\\n\" >&2; exit 1; }\n"
	"case $2 in *full*) printf 'qemu-img: No space left\\n\\n'; exit 1;; esac\n"
	"printf '    (0.00/100%%)\\r    (1.07/100%%)\\r'\ncp $1 $2\n"
	"printf '    (100.00/100%%)\\r    (100.00/100%%)\\n'\n";

static struct posada *host;
static struct posada_error err;
static unsigned highest;

static bool never(void *opaque __attribute__((unused)), unsigned percent __attribute__((unused)))
{
	return false;
}

static bool rises(void *opaque __attribute__((unused)), unsigned percent)
{
	assert_true(percent >= highest && percent <= 100);
	highest = percent;
	return true;
}

/* A guest that is off, whose disk is a volume of the pool, and one without a disk. */
static int begin(void **state __attribute__((unused)))
{
	static const char node[] =
		"<node><domain type='test'><name>disk</name><memory>65536</memory>"
		"<os><type>hvm</type></os><devices><disk type='file'><source file='%s'/>"
		"<target dev='hda'/></disk></devices></domain>"
		"<domain type='test'><name>plain</name><memory>65536</memory>"
		"<os><type>hvm</type></os><devices><interface type='network'>"
		"<mac address='00:16:3e:01:02:03'/><source network='default'/></interface>"
		"</devices></domain>"
		"<network><name>default</name></network>"
		"<pool type='dir'><name>default</name><target><path>%s</path></target>"
		"<volume><name>disk.img</name><capacity>1048576</capacity><target><path>%s</path>"
		"</target></volume></pool></node>";
	static char bytes[MIB];
	char disk[64], folder[64], text[2048], uri[300];

	strcpy(disk, unit_write("pool/disk.img", bytes, sizeof(bytes)));
	strcpy(folder, unit_path("pool"));
	snprintf(text, sizeof(text), node, disk, folder, disk);
	snprintf(uri, sizeof(uri), "test://%s", unit_write("node.xml", text, strlen(text)));
	setenv("POSADA_URI", uri, 1);
	unit_write("bin/qemu-img", program, sizeof(program) - 1);
	chmod(unit_path("bin/qemu-img"), 0755);
	snprintf(text, sizeof(text), "%s:/usr/bin:/bin", unit_path("bin"));
	setenv("PATH", text, 1);
	if (posada_open(&host, 0, &err) || posada_guest_kill(host, "plain", &err) ||
		posada_guest_kill(host, "disk", &err))
		fail_msg("%s", err.text);
	return 0;
}

static int end(void **state __attribute__((unused)))
{
	setenv("PATH", "/usr/bin:/bin", 1);
	posada_close(host);
	return 0;
}

static enum posada_state state_of(const char *name)
{
	struct posada_guest guest;
	enum posada_state state;

	assert_int_equal(posada_guest_show(host, name, &guest, &err), 0);
	state = guest.state;
	posada_guest_free(&guest);
	return state;
}

TEST(templates_are_not_started)
{
	struct posada_settings settings;
	unsigned later;

	assert_int_equal(posada_guest_template(host, "nobody", true, &err), -ENOENT);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(posada_guest_template(host, "plain", true, &err), 0);
		assert_int_equal(state_of("plain"), POSADA_TEMPLATE);
		assert_int_equal(posada_guest_start(host, "plain", &err), -EPERM);
		assert_non_null(strstr(err.text, "\"posada guest clone plain NAME\""));
	}
	assert_int_equal(posada_guest_settings(host, "plain", &settings, &err), 0);
	settings.autostart = POSADA_START_CRASHED;
	assert_int_equal(
		posada_guest_set(host, "plain", &settings, POSADA_SET_AUTOSTART, &later, &err),
		-EPERM);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(posada_guest_template(host, "plain", false, &err), 0);
		assert_int_equal(state_of("plain"), POSADA_OFF);
	}
	assert_int_equal(posada_guest_start(host, "plain", &err), 0);
	assert_int_equal(posada_guest_template(host, "plain", true, &err), -EBUSY);
	assert_false(posada_state_is_live(POSADA_TEMPLATE));
	assert_string_equal(posada_state_name(POSADA_TEMPLATE), "template");
}

TEST(saved_guests_are_left_alone)
{
	const struct posada_clone clone = {.from = "plain", .name = "new"};
	virDomainPtr domain = virDomainLookupByName(host->engines[0].conn, "plain");
	struct posada_settings settings;
	unsigned later;

	assert_int_equal(posada_guest_start(host, "plain", &err), 0);
	assert_int_equal(virDomainManagedSave(domain, 0), 0);
	virDomainFree(domain);
	assert_int_equal(state_of("plain"), POSADA_OFF);
	assert_int_equal(posada_guest_clone(host, &clone, &err), -EBUSY);
	assert_non_null(strstr(err.text, "plain was saved while it ran. Start it"));
	assert_int_equal(posada_guest_template(host, "plain", true, &err), -EBUSY);
	assert_int_equal(posada_guest_settings(host, "plain", &settings, &err), 0);
	assert_int_equal(
		posada_guest_set(host, "plain", &settings, POSADA_SET_AUTOSTART, &later, &err),
		-EBUSY);
}

TEST(clones_are_made)
{
	const struct posada_clone clone = {.from = "plain", .name = "new"};
	struct posada_guest old, new;

	assert_int_equal(posada_guest_template(host, "plain", true, &err), 0);
	assert_int_equal(posada_guest_clone(host, &clone, &err), 0);
	assert_int_equal(posada_guest_show(host, "plain", &old, &err), 0);
	assert_int_equal(posada_guest_show(host, "new", &new, &err), 0);
	assert_int_equal(new.state, POSADA_OFF);
	assert_int_equal(new.memory_kib, old.memory_kib);
	assert_string_not_equal(new.uuid, old.uuid);
	assert_string_not_equal(new.nics[0].mac, old.nics[0].mac);
	assert_string_equal(new.nics[0].source, "default");
	posada_guest_free(&old);
	posada_guest_free(&new);
	assert_int_equal(posada_guest_start(host, "new", &err), 0);
}

static size_t volumes(void)
{
	struct posada_pool pool;
	size_t count;

	assert_int_equal(posada_storage_list(host, &pool, &err), 0);
	count = pool.volume_count;
	posada_pool_free(&pool);
	return count;
}

TEST(nothing_is_left_of_a_failure)
{
	static const struct posada_seed lonely = {.user = "anna"},
					placed = {.address = "192.0.2.7/24"},
					named = {.hostname = "a"};
	const struct {
		struct posada_clone clone;
		int ret;
		const char *says;
	} rows[] = {
		{{.from = "disk", .name = "a b"}, -EINVAL, "\"a b\" cannot be a guest's name"},
		{{.from = "disk", .name = "plain"}, -EEXIST, "named plain already"},
		{{.from = "nobody", .name = "new"}, -ENOENT, "no guest named \"nobody\""},
		{{.from = "disk", .name = "new", .seed = &lonely}, -EINVAL, "log in as anna"},
		{{.from = "disk", .name = "new", .seed = &placed}, -EINVAL, "no network card"},
		/* There is no folder for the seed, which comes last of all. */
		{{.from = "disk", .name = "new", .seed = &named}, -ENOENT, "new~seed.iso"},
		{{.from = "disk", .name = "full"}, -EIO, "copied: No space left. See"},
		{{.from = "disk", .name = "new", .progress = never}, -ECANCELED,
			"nothing of new is left"},
	};
	struct posada_guest guest;

	for (size_t i = 0; i < COUNT(rows); i++) {
		int ret = posada_guest_clone(host, &rows[i].clone, &err);

		if (ret != rows[i].ret || !strstr(err.text, rows[i].says))
			fail_msg("row %zu: %d %s", i, ret, err.text);
		assert_int_equal(posada_guest_clone(host, &rows[i].clone, NULL), ret);
		assert_int_equal(volumes(), 1);
		assert_int_equal(posada_guest_show(host, "new", &guest, NULL), -ENOENT);
	}
	assert_int_equal(posada_guest_start(host, "disk", &err), 0);
	assert_int_equal(posada_guest_clone(host, &rows[7].clone, &err), -EBUSY);
	assert_non_null(strstr(err.text, "disk is running"));
	assert_int_equal(posada_guest_kill(host, "disk", &err), 0);
	unlink(unit_path("pool/disk.img"));
	assert_int_equal(posada_guest_clone(host, &rows[7].clone, &err), -ENOENT);
	assert_non_null(strstr(err.text, "cannot be read"));
}

TEST(disks_are_copied)
{
	const struct posada_clone clone = {.from = "disk", .name = "new", .progress = rises};
	struct posada_guest guest;

	if (posada_guest_clone(host, &clone, &err))
		fail_msg("%s", err.text);
	assert_int_equal(highest, 100);
	assert_int_equal(volumes(), 2);
	assert_int_equal(posada_guest_show(host, "new", &guest, &err), 0);
	assert_string_equal(guest.disks[0].path, unit_path("pool/new.img"));
	assert_int_equal(access(guest.disks[0].path, R_OK), 0);
	posada_guest_free(&guest);
	/* A volume that was there before is nobody's to overwrite or to delete. */
	assert_int_equal(posada_guest_delete(host, "new", false, &err), 0);
	assert_int_equal(posada_guest_clone(host, &clone, &err), -EIO);
	assert_non_null(strstr(err.text, "The new volume cannot be made"));
	assert_int_equal(volumes(), 2);
}

/* A guest to be made with a copy of an image, which stays as it is. */
static struct posada_guest_spec copied(const char *name, const char *image)
{
	static char kernel[] = "/proc/self/exe";

	return (struct posada_guest_spec){.name = name,
		.kind = POSADA_PV,
		.memory_kib = 65536,
		.vcpus = 1,
		.kernel = kernel,
		.disks = {{.path = image, .copy = true}},
		.disk_count = 1,
		.progress = rises};
}

static uint64_t size_of(const char *path)
{
	virStorageVolPtr volume = virStorageVolLookupByPath(host->engines[0].conn, path);
	virStorageVolInfo info;

	assert_non_null(volume);
	assert_int_equal(virStorageVolGetInfo(volume, &info), 0);
	virStorageVolFree(volume);
	return info.capacity;
}

TEST(images_become_disks)
{
	static char bytes[MIB];
	struct posada_guest_spec spec;
	struct posada_guest guest;
	char image[64], words[1024] = "";
	FILE *said;

	bytes[510] = 0x55;
	bytes[511] = (char)0xaa;
	strcpy(image, unit_write("image", bytes, sizeof(bytes)));
	spec = copied("new", image);
	highest = 0;
	if (posada_guest_create(host, &spec, &err))
		fail_msg("%s", err.text);
	assert_int_equal(highest, 100);
	assert_int_equal(posada_guest_show(host, "new", &guest, &err), 0);
	assert_string_equal(guest.disks[0].path, unit_path("pool/new.img"));
	posada_guest_free(&guest);
	assert_int_equal(size_of(unit_path("pool/new.img")), MIB);
	said = fopen(unit_path("bin/words"), "r");
	assert_non_null(said);
	assert_non_null(fgets(words, sizeof(words), said));
	fclose(said);
	assert_non_null(strstr(words, "-f raw -O raw --target-is-zero"));
	assert_non_null(strstr(words, image));
	/* The same image again, for a larger disk in another format. */
	spec = copied("large", image);
	spec.disks[0].bytes = 3 * MIB;
	spec.disks[0].format = "qcow2";
	highest = 0;
	assert_int_equal(posada_guest_create(host, &spec, &err), 0);
	assert_int_equal(size_of(unit_path("pool/large.img")), 3 * MIB);
	/* And what a guest has that is off. */
	spec = copied("other", unit_path("pool/disk.img"));
	highest = 0;
	assert_int_equal(posada_guest_create(host, &spec, &err), 0);
	assert_int_equal(volumes(), 4);
}

static bool starts(void *opaque, unsigned percent __attribute__((unused)))
{
	if (!*(int *)opaque)
		*(int *)opaque = 1 + posada_guest_start(host, "disk", NULL);
	return true;
}

TEST(nothing_is_left_of_a_copy_that_fails)
{
	static char bytes[MIB], packed[] = "\x1f\x8b\x08";
	int started = 0;
	char disk[64], image[64];
	struct posada_guest_spec specs[7];
	static const struct {
		int ret;
		const char *says;
	} rows[] = {
		{-EINVAL, "has 1 MiB, which 512 KiB cannot hold"},
		{-ENOENT, "no disk image"},
		{-EINVAL, "is a packed file"},
		{-EIO, "copied: No space left. See"},
		{-ECANCELED, "nothing of new is left"},
		{-EINVAL, "is no image of its format"},
		{-EBUSY, "was changed while it was copied"},
	};
	struct posada_guest guest;

	strcpy(disk, unit_path("pool/disk.img"));
	strcpy(image, unit_write("image", bytes, sizeof(bytes)));
	for (size_t i = 0; i < COUNT(rows); i++)
		specs[i] = copied("new", image);
	specs[0].disks[0].bytes = MIB / 2;
	specs[1].disks[0].path = "/none";
	specs[2].disks[0].path = strdup(unit_write("packed", packed, sizeof(packed)));
	specs[3].name = "full";
	specs[4].progress = never;
	specs[5].disks[0].path = strdup(unit_write("empty", "", 0));
	specs[6].disks[0].path = disk;
	specs[6].progress = starts;
	specs[6].opaque = &started;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int ret;

		highest = 0;
		ret = posada_guest_create(host, &specs[i], &err);
		if (ret != rows[i].ret || !strstr(err.text, rows[i].says))
			fail_msg("row %zu: %d %s", i, ret, err.text);
		assert_int_equal(volumes(), 1);
		assert_int_equal(posada_guest_show(host, "new", &guest, NULL), -ENOENT);
	}
	/* The guest runs now. */
	assert_int_equal(started, 1);
	specs[6].progress = NULL;
	assert_int_equal(posada_guest_create(host, &specs[6], &err), -EBUSY);
	assert_non_null(strstr(err.text, "disk is running"));
	assert_int_equal(volumes(), 1);
	free((char *)specs[2].disks[0].path);
	free((char *)specs[5].disks[0].path);
}

TEST(the_program_that_copies_is_heard)
{
	char from[300], to[300], why[256];
	struct copy copy = {from, "raw", to, "qcow2", true, rises, NULL};
	FILE *said;
	char words[1024] = "";

	strcpy(from, unit_path("pool/disk.img"));
	strcpy(to, unit_path("to"));
	highest = 0;
	assert_int_equal(copy_image(&copy, why, sizeof(why)), 0);
	assert_int_equal(highest, 100);
	said = fopen(unit_path("bin/words"), "r");
	assert_non_null(said);
	assert_non_null(fgets(words, sizeof(words), said));
	fclose(said);
	/* The format is never guessed from what a guest has written. */
	assert_non_null(
		strstr(words, "convert -p -n -t writeback -f raw -O qcow2 --target-is-zero /"));
	copy.progress = never;
	assert_int_equal(copy_image(&copy, why, sizeof(why)), -ECANCELED);
	copy.progress = rises;
	copy.from = "/none";
	highest = 0;
	assert_int_equal(copy_image(&copy, why, sizeof(why)), -EIO);
	assert_string_equal(why, "'/none': No such ?[2Jfile");
	setenv("PATH", "/none", 1);
	assert_int_equal(copy_image(&copy, why, sizeof(why)), -EIO);
	assert_string_equal(why, "qemu-img: No such file or directory");
}

TEST(images_are_measured)
{
	unsigned char head[512] = "QFI\xfb";
	const char *image;
	uint64_t bytes;

	head[24 + 4] = 1;
	image = unit_write("image", head, sizeof(head));
	assert_int_equal(copy_measure(image, "qcow2", &bytes), 0);
	assert_int_equal(bytes, 1 << 24);
	/* A guest that writes such a head into its raw disk gets it copied as it is. */
	assert_int_equal(copy_measure(image, "raw", &bytes), 0);
	assert_int_equal(bytes, 512);
	assert_int_equal(copy_measure(image, "vmdk", &bytes), -EINVAL);
	head[24] = 0xff;
	assert_int_equal(copy_measure(unit_write("image", head, 512), "qcow2", &bytes), -EINVAL);
	assert_int_equal(copy_measure(unit_write("image", head, 20), "qcow2", &bytes), -EINVAL);
	assert_int_equal(copy_measure(unit_write("image", "", 0), "raw", &bytes), -EINVAL);
	assert_int_equal(copy_measure("/none", "raw", &bytes), -ENOENT);
	assert_int_equal(copy_measure("/none", "qcow2", &bytes), -ENOENT);
	assert_int_equal(copy_measure("/dev/null", "raw", &bytes), -EINVAL);
}

#define LIVE(name) cmocka_unit_test_setup_teardown(name, begin, end)

RUN("clone", LIVE(templates_are_not_started), LIVE(saved_guests_are_left_alone),
	LIVE(clones_are_made), LIVE(nothing_is_left_of_a_failure), LIVE(disks_are_copied),
	LIVE(images_become_disks), LIVE(nothing_is_left_of_a_copy_that_fails),
	LIVE(the_program_that_copies_is_heard), T(images_are_measured))
