// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of libposada over libvirt's test driver: what it makes, what it refuses, what is left.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "guest.h"
#include "internal.h"
#include "unit.h"

#define MIB 1024

static struct posada *host;
static struct posada_error err;
static char kernel[64], iso[64], disk[64], twin[64], linked[64], foreign[64];

/* The driver forgets everything when its last user leaves, so each test begins anew. */
static int begin(void **state __attribute__((unused)))
{
	static unsigned char bytes[32774];

	setenv("POSADA_URI", "test:///default", 1);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "QFI\373\0\0\0\3\0\0\0\0\0\0\0\160\0\0\0\10", 20);
	memcpy(bytes + 112, "/dev/sda", 8);
	strcpy(linked, unit_write("linked", bytes, 512));
	strcpy(foreign, unit_write("foreign", "vhdxfile", 8));
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes + 510, "\125\252", 2);
	strcpy(disk, unit_write("disk", bytes, 512));
	strcpy(twin, unit_path("twin"));
	unlink(twin);
	if (link(disk, twin))
		return -1;
	memcpy(bytes + 32769, "CD001", 5);
	strcpy(iso, unit_write("iso", bytes, sizeof(bytes)));
	memcpy(bytes + 0x202, "HdrS", 4);
	strcpy(kernel, unit_write("kernel", bytes, 1024));
	return posada_open(&host, 0, &err);
}

static int end(void **state __attribute__((unused)))
{
	posada_close(host);
	return 0;
}

static void check_counts(size_t wanted_guests, size_t wanted_volumes)
{
	struct posada_guests guests;
	struct posada_pool pool;

	assert_int_equal(posada_guest_list(host, &guests, &err), 0);
	assert_int_equal(guests.count, wanted_guests);
	for (size_t i = 1; i < guests.count; i++)
		assert_true(strcmp(guests.items[i - 1].name, guests.items[i].name) < 0);
	posada_guests_free(&guests);
	assert_int_equal(posada_storage_list(host, &pool, &err), 0);
	assert_int_equal(pool.volume_count, wanted_volumes);
	for (size_t i = 0; i < pool.volume_count; i++)
		assert_non_null(pool.volumes[i].guest);
	posada_pool_free(&pool);
}

static enum posada_state state_of(const char *name)
{
	struct posada_guest guest;
	enum posada_state state;

	assert_int_equal(posada_guest_show(host, name, &guest, &err), 0);
	assert_string_equal(guest.name, name);
	state = guest.state;
	assert_int_equal(guest.id > 0, posada_state_is_live(state));
	posada_guest_free(&guest);
	return state;
}

TEST(each_kind_is_made)
{
	const struct posada_guest_spec specs[] = {
		{.name = "d",
			.kind = POSADA_PV,
			.kernel = kernel,
			.initrd = kernel,
			.cmdline = "quiet",
			.network = "none"},
		{.name = "c",
			.kind = POSADA_PVH,
			.vcpus = 2,
			.disks = {{.path = disk}},
			.disk_count = 1,
			.start = true},
		{.name = "b",
			.kind = POSADA_HVM,
			.iso = iso,
			.disks = {{.bytes = 1 << 20}},
			.disk_count = 1,
			.network = "default",
			.start = true},
		{.name = "a",
			.kind = POSADA_QEMU,
			.iso = iso,
			.disks = {{.bytes = 1 << 20}, {.bytes = 1 << 20}},
			.disk_count = 2,
			.network = "default"},
	};
	struct posada_guest guest;

	assert_int_equal(posada_kinds(host), (1 << POSADA_KINDS) - 1);
	for (size_t i = 0; i < COUNT(specs); i++) {
		struct posada_guest_spec spec = specs[i];

		spec.memory_kib = 64 * MIB;
		spec.vcpus = spec.vcpus ? spec.vcpus : 1;
		if (posada_guest_create(host, &spec, &err))
			fail_msg("%s: %s", spec.name, err.text);
		assert_int_equal(
			state_of(specs[i].name), specs[i].start ? POSADA_RUNNING : POSADA_OFF);
	}
	check_counts(5, 3);
	assert_int_equal(posada_guest_show(host, "a", &guest, &err), 0);
	assert_int_equal(guest.memory_kib, 64 * MIB);
	assert_string_equal(guest.disks[1].path, POSADA_VOLUMES "/a~2.img");
	assert_string_equal(guest.disks[2].path, iso);
	assert_string_equal(guest.nics[0].source, "default");
	posada_guest_free(&guest);
	assert_int_equal(posada_guest_delete(host, "b", true, &err), -EBUSY);
	assert_int_equal(posada_guest_delete(host, "a", true, &err), 0);
	assert_int_equal(posada_guest_delete(host, "d", false, &err), 0);
	check_counts(3, 1);
}

TEST(bad_guests_are_refused)
{
	const struct {
		struct posada_guest_spec spec;
		int ret;
		const char *says;
	} rows[] = {
		{{.name = "a b", .kernel = kernel}, -EINVAL, "cannot be a guest's name"},
		{{.name = "test", .kernel = kernel}, -EEXIST, "named test already"},
		{{.name = "x", .kernel = kernel, .memory_kib = 1ull << 40}, -ENOMEM, "1.0 PiB"},
		{{.name = "x", .kernel = kernel, .memory_kib = UINT64_MAX}, -ENOMEM, "memory"},
		{{.name = "x", .kernel = kernel, .vcpus = 128}, -EINVAL, "128 processors"},
		{{.name = "x", .kernel = "/none"}, -ENOENT, "There is no kernel /none."},
		{{.name = "x", .kernel = "/"}, -EISDIR, "is not a file"},
		{{.name = "x", .kernel = iso}, -ENOEXEC, "is no kernel"},
		{{.name = "x", .kernel = kernel, .initrd = "/\342\200\256"}, -ENOENT,
			"no initrd /?."},
		{{.name = "x", .kind = POSADA_HVM, .iso = kernel}, -EINVAL, "is no ISO image"},
		{{.name = "x", .disks = {{.path = "/none"}}, .disk_count = 1}, -ENOENT,
			"no disk image"},
		{{.name = "x", .disks = {{.path = linked}}, .disk_count = 1}, -EPERM,
			"stands on another file"},
		{{.name = "x", .disks = {{.path = foreign}}, .disk_count = 1}, -EINVAL,
			"of another program"},
		{{.name = "x", .kind = POSADA_HVM, .disks = {{.path = iso}}, .disk_count = 1},
			-EINVAL, "give it as a CD"},
		{{.name = "x", .disks = {{.path = disk}}, .disk_count = 1}, -EBUSY,
			"belongs to a guest"},
		{{.name = "x", .disks = {{.path = twin}}, .disk_count = 1}, -EBUSY,
			"belongs to a guest"},
		{{.name = "x", .disks = {{.path = iso}, {.path = iso}}, .disk_count = 2}, -EINVAL,
			"given twice"},
		{{.name = "x", .kernel = kernel, .network = "lan"}, -ENOENT, "bridge named lan"},
		{{.name = "x", .kernel = kernel, .network = "\302\233"}, -ENOENT, "named ?"},
		{{.name = "x", .kernel = kernel, .disks = {{.bytes = 1ull << 60}}, .disk_count = 1},
			-ENOSPC, "1024.0 PiB"},
		/* The first volume is made, and must go again when the second does not fit. */
		{{.name = "y",
			 .kernel = kernel,
			 .disks = {{.bytes = 1}, {.bytes = 1ull << 60}},
			 .disk_count = 2},
			-ENOSPC, "1024.0 PiB"},
	};
	struct posada_guest_spec spec = {.name = "y-2",
		.memory_kib = 64 * MIB,
		.vcpus = 1,
		.disks = {{.bytes = 1}, {.path = disk}},
		.disk_count = 2};

	assert_int_equal(posada_guest_create(host, &spec, &err), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int ret;

		spec = rows[i].spec;
		spec.memory_kib = spec.memory_kib ? spec.memory_kib : 64 * MIB;
		spec.vcpus = spec.vcpus ? spec.vcpus : 1;
		ret = posada_guest_create(host, &spec, &err);
		if (ret != rows[i].ret || !strstr(err.text, rows[i].says))
			fail_msg("row %zu: %d %s", i, ret, err.text);
		assert_int_equal(posada_guest_create(host, &spec, NULL), ret);
		check_counts(2, 1);
	}
}

/* Gives the guest "test" another disk and a card, as a client of libvirt's would. */
static void give_disk(const char *uuid, const char *path)
{
	virDomainPtr domain;
	char text[512];

	snprintf(text, sizeof(text),
		"<domain type='test'><name>test</name><uuid>%s</uuid><memory>65536</memory><os>"
		"<type>hvm</type></os><devices><disk type='file'><source file='%s'/>"
		"<target dev='hda'/></disk><interface type='network'><source network='default'/>"
		"</interface></devices></domain>",
		uuid, path);
	domain = virDomainDefineXML(host->engines[0].conn, text);
	assert_non_null(domain);
	virDomainFree(domain);
}

TEST(guests_live)
{
	struct posada_guests guests;

	assert_int_equal(state_of("test"), POSADA_RUNNING);
	assert_int_equal(posada_guest_start(host, "test", &err), -EALREADY);
	assert_int_equal(posada_guest_pause(host, "test", &err), 0);
	assert_int_equal(state_of("test"), POSADA_PAUSED);
	assert_int_equal(posada_guest_stop(host, "test", 0, &err), -EAGAIN);
	assert_int_equal(posada_guest_resume(host, "test", &err), 0);
	assert_int_equal(posada_guest_stop(host, "test", 1000, &err), 0);
	assert_int_equal(state_of("test"), POSADA_OFF);
	assert_int_equal(posada_guest_stop(host, "test", 0, &err), -ESRCH);
	assert_int_equal(posada_guest_kill(host, "test", &err), -ESRCH);
	assert_int_equal(posada_guest_pause(host, "test", &err), -ESRCH);
	/* Its disk is a file that no machine has. */
	assert_int_equal(posada_guest_start(host, "test", &err), -ENOENT);
	assert_non_null(strstr(err.text, "/guest/diskimage1"));
	assert_int_equal(state_of("test"), POSADA_OFF);
	/* What is adopted is made when its guest starts. */
	assert_int_equal(posada_guest_list(host, &guests, &err), 0);
	give_disk(guests.items[0].uuid, POSADA_ADOPTED "1234");
	posada_guests_free(&guests);
	assert_int_equal(posada_guest_start(host, "test", &err), 0);
	assert_int_equal(posada_guest_kill(host, "test", &err), 0);
	assert_int_equal(posada_guest_delete(host, "test", true, &err), 0);
	check_counts(0, 0);
}

#define SHARER(name, source)                                                                       \
	"<domain type='test'><name>" name "</name><memory>65536</memory><os><type>hvm</type></os>" \
	"<devices><disk " source "/><target dev='hda'/></disk></devices></domain>"
#define BY_PATH(path) "type='file'><source file='" path "'"
#define BY_NAME	      "type='volume'><source pool='default' volume='one.img'"
#define POOL(name, path, volumes)                                                                  \
	"<pool type='dir'><name>" name "</name><target><path>" path "</path></target>" volumes     \
	"</pool>"
#define VOLUME(name, path, behind)                                                                 \
	"<volume><name>" name "</name><capacity>9</capacity><target><path>" path "</path>"         \
	"</target>" behind "</volume>"

/* As if the host were what NODE says. */
static void use_node(const char *node)
{
	char uri[300];

	snprintf(uri, sizeof(uri), "test://%s", unit_write("node.xml", node, strlen(node)));
	setenv("POSADA_URI", uri, 1);
	posada_close(host);
	assert_int_equal(posada_open(&host, 0, &err), 0);
}

/* posada makes no such guests, but others may have. */
/* Down, or gone. */
static void stop_network(bool gone)
{
	virNetworkPtr network;
	virConnectPtr conn;

	assert_int_equal(engine_any(host, &conn, &err), 0);
	network = virNetworkLookupByName(conn, "default");
	assert_int_equal(virNetworkDestroy(network), 0);
	if (gone)
		assert_int_equal(virNetworkUndefine(network), 0);
	virNetworkFree(network);
}

TEST(a_network_that_is_down_starts_with_a_guest)
{
	const struct posada_guest_spec spec = {.name = "a",
		.kind = POSADA_HVM,
		.iso = iso,
		.memory_kib = 64 * MIB,
		.vcpus = 1,
		.network = "default"};
	struct posada_networks network;

	for (int i = 0; i < 2; i++) {
		stop_network(false);
		assert_int_equal(i ? posada_guest_start(host, "a", &err)
				   : posada_guest_create(host, &spec, &err),
			0);
		assert_int_equal(posada_network_show(host, "default", &network, &err), 0);
		assert_true(network.items[0].active);
		posada_networks_free(&network);
	}
	assert_int_equal(posada_guest_kill(host, "a", &err), 0);
	stop_network(true);
	assert_int_equal(posada_guest_start(host, "a", &err), -ENOENT);
	assert_non_null(strstr(err.text, "no network or bridge named default"));
}

TEST(shared_volumes_outlive_one_guest)
{
	use_node("<node>" SHARER("a", BY_PATH("/data/volumes/one.img")) SHARER("b", BY_NAME)
			POOL("default", "/data/volumes",
				VOLUME("one.img", "/data/volumes/one.img", "")) "</node>");
	check_counts(2, 1);
	/* It has its disk by the name of a volume. */
	assert_int_equal(posada_guest_kill(host, "b", &err), 0);
	assert_int_equal(posada_guest_start(host, "b", &err), -EBUSY);
	assert_non_null(strstr(err.text, "guest a runs with the disk /data/volumes/one.img"));
	assert_int_equal(posada_guest_kill(host, "a", &err), 0);
	assert_int_equal(posada_volume_delete(host, "default", "one.img", &err), -EBUSY);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(posada_guest_delete(host, i ? "b" : "a", true, &err), 0);
		check_counts(1 - i, 1 - i);
	}
}

TEST(what_a_volume_of_another_pool_stands_on_stays)
{
	use_node("<node>" SHARER("a", BY_PATH("/data/volumes/one.img")) POOL("default",
		"/data/volumes",
		VOLUME("one.img", "/data/volumes/one.img", "")) POOL("more", "/more",
		VOLUME("over", "/more/over",
			"<backingStore><path>/data/volumes/one.img</path></backingStore>")) "</node>");
	assert_int_equal(posada_guest_kill(host, "a", &err), 0);
	assert_int_equal(posada_guest_delete(host, "a", true, &err), -EBUSY);
	assert_non_null(strstr(err.text, "over stands on /data/volumes/one.img"));
	assert_int_equal(posada_guest_delete(host, "a", false, &err), 0);
	assert_int_equal(posada_volume_delete(host, "default", "one.img", &err), -EBUSY);
}

/* Makes the guest x with the disk PATH. */
static int disk_of(const char *path)
{
	const struct posada_guest_spec spec = {.name = "x",
		.memory_kib = 64 * MIB,
		.vcpus = 1,
		.disks = {{.path = path}},
		.disk_count = 1};

	return posada_guest_create(host, &spec, &err);
}

TEST(volumes_that_are_out_of_reach_keep_their_guest)
{
	use_node("<node>" SHARER("a", BY_PATH("/far/a.img"))
			POOL("far", "/far", VOLUME("a.img", "/far/a.img", "")) "</node>");
	assert_int_equal(posada_guest_kill(host, "a", &err), 0);
	assert_int_equal(posada_pool_detach(host, "far", &err), 0);
	/* Nobody looks for a file there either. */
	assert_int_equal(disk_of("/far/b.img"), -ENODEV);
	assert_non_null(strstr(err.text, "The pool far is detached"));
	assert_int_equal(posada_guest_delete(host, "a", true, &err), -ENODEV);
	assert_non_null(strstr(err.text, "The pool far is not there"));
	assert_int_equal(state_of("a"), POSADA_OFF);
	assert_int_equal(posada_guest_delete(host, "a", false, &err), 0);
}

/* Programs that the library asks say TEXT and end with STATUS. */
static void put_program(const char *name, const char *text, int status)
{
	char script[1024], path[64];

	snprintf(script, sizeof(script), "#!/bin/sh\ncat <<EOF\n%sEOF\nexit %d\n", text, status);
	snprintf(path, sizeof(path), "bin/%s", name);
	assert_int_equal(chmod(unit_write(path, script, strlen(script)), 0755), 0);
}

static void check_refusal(const char *path, const char *says)
{
	struct posada_guests none = {0};

	assert_int_equal(disk_check(host, &none, path, &err), says ? -EBUSY : 0);
	if (says && !strstr(err.text, says))
		fail_msg("%s", err.text);
}

TEST(disks_of_pools_and_of_the_host_are_protected)
{
	static const char *const pools[] = {
		"<pool type='logical'><name>fast</name><source><name>fast-1</name></source>"
		"<target><path>/dev/fast-1</path></target></pool>",
		"<pool type='fs'><name>files</name><source><device path='%s'/></source>"
		"<target><path>/mnt/pools/files</path></target></pool>"};
	char *old = strdup(getenv("PATH")), path[600], text[600], lent[64], files[64];
	virConnectPtr conn;

	strcpy(lent, unit_path("lent"));
	strcpy(files, unit_path("files"));
	/* Numbers that no driver has; only root can do this. */
	if (mknod(lent, S_IFBLK | 0600, makedev(250, 2000)) ||
		mknod(files, S_IFBLK | 0600, makedev(250, 2001))) {
		free(old);
		skip();
	}
	assert_int_equal(engine_any(host, &conn, &err), 0);
	for (size_t i = 0; i < COUNT(pools); i++) {
		virStoragePoolPtr pool;

		snprintf(text, sizeof(text), pools[i], files);
		pool = virStoragePoolDefineXML(conn, text, 0);
		assert_non_null(pool);
		virStoragePoolFree(pool);
	}
	snprintf(path, sizeof(path), "%s:%s", unit_path("bin"), old);
	setenv("PATH", path, 1);
	unit_run("mkdir -p bin");
	put_program("posada-storage", "", 0);
	snprintf(text, sizeof(text), "  /none \n  %s other\n", lent);
	put_program("lvm", text, 0);
	check_refusal(lent, NULL);
	check_refusal(files, "The pool files");
	snprintf(text, sizeof(text), "  /none \n  %s fast-1\n", lent);
	put_program("lvm", text, 5);
	check_refusal(lent, "The pool fast (fast-1) is on ");
	put_program("lvm", "", 0);
	check_refusal(lent, NULL);
	put_program("posada-storage", "sda holds it\n", 1);
	check_refusal(lent, "sda holds it");
	/* Who does not answer does not allow it. */
	put_program("posada-storage", "", 137);
	check_refusal(lent, "does not answer");
	put_program("lvm", "", 137);
	check_refusal(lent, "LVM does not answer");
	setenv("PATH", old, 1);
	free(old);
}

static enum posada_pool_state look_at(const char *name)
{
	enum posada_pool_state state = POSADA_POOL_STATES;
	struct posada_pools pools;

	assert_int_equal(posada_pool_list(host, &pools, &err), 0);
	for (size_t i = 0; i < pools.count; i++)
		if (!strcmp(pools.items[i].name, name))
			state = pools.items[i].state;
	posada_pools_free(&pools);
	return state;
}

/* A disk that does not answer is not one that is not there: the pool is not let go of. */
TEST(a_group_that_cannot_be_looked_at_is_silent)
{
	char *old = strdup(getenv("PATH")), path[600];
	virStoragePoolPtr pool;
	virConnectPtr conn;

	assert_non_null(old);
	snprintf(path, sizeof(path), "%s:%s", unit_path("bin"), old);
	setenv("PATH", path, 1);
	unit_run("mkdir -p bin");
	assert_int_equal(engine_any(host, &conn, &err), 0);
	pool = virStoragePoolCreateXML(conn,
		"<pool type='logical'><name>slow</name><source><name>slow-1</name></source>"
		"<target><path>/dev/slow-1</path></target></pool>",
		0);
	assert_non_null(pool);
	put_program("lvm", "  0\n", 0);
	assert_int_equal(look_at("slow"), POSADA_POOL_READY);
	put_program("lvm", "", 137);
	assert_int_equal(look_at("slow"), POSADA_POOL_SILENT);
	assert_int_equal(posada_pool_check(host, &err), 0);
	assert_int_equal(virStoragePoolIsActive(pool), 1);
	put_program("lvm", "  1\n", 0);
	assert_int_equal(look_at("slow"), POSADA_POOL_MISSING);
	assert_int_equal(posada_pool_check(host, &err), 0);
	assert_int_not_equal(virStoragePoolIsActive(pool), 1);
	virStoragePoolFree(pool);
	setenv("PATH", old, 1);
	free(old);
}

/* What a guest that runs gets at its next start is taken already. */
TEST(definitions_are_protected)
{
	const struct posada_guest_spec spec = {.name = "x",
		.memory_kib = 64 * MIB,
		.vcpus = 1,
		.disks = {{.path = disk}},
		.disk_count = 1};
	struct posada_guests guests;

	assert_int_equal(posada_guest_list(host, &guests, &err), 0);
	give_disk(guests.items[0].uuid, disk);
	posada_guests_free(&guests);
	assert_int_equal(guest_list_all(host, &guests, &err), 0);
	assert_int_equal(guests.count, 2);
	assert_false(guests_use(&guests, iso));
	posada_guests_free(&guests);
	assert_int_equal(posada_guest_create(host, &spec, &err), -EBUSY);
	assert_int_equal(posada_network_delete(host, "default", &err), -EBUSY);
	assert_non_null(strstr(err.text, "guest test uses the network default"));
}

/* The guests that are known are not all there are. */
TEST(an_engine_that_does_not_answer_may_have_more)
{
	const struct posada_guest_spec spec = {
		.name = "x", .kernel = kernel, .memory_kib = 64 * MIB, .vcpus = 1};
	struct posada_guests guests;
	struct posada_guest guest;

	host->engines[1] = (struct engine){.name = "qemu", .uri = strdup("test:///none.xml")};
	host->engine_count = 2;
	assert_int_equal(posada_guest_list(host, &guests, &err), 0);
	assert_int_equal(guests.count, 1);
	posada_guests_free(&guests);
	assert_int_equal(guest_list_all(host, &guests, &err), -ENOTCONN);
	assert_int_equal(posada_guest_create(host, &spec, &err), -ENOTCONN);
	assert_int_equal(posada_guest_show(host, "x", &guest, &err), -ENOTCONN);
	assert_int_equal(posada_guest_stop(host, "test", 0, &err), 0);
}

TEST(unknown_guests_are_refused)
{
	int (*const acts[])(struct posada *, const char *, struct posada_error *) = {
		posada_guest_start, posada_guest_kill, posada_guest_reboot, posada_guest_pause,
		posada_guest_resume};
	struct posada_guest guest;

	for (size_t i = 0; i < COUNT(acts); i++)
		assert_int_equal(acts[i](host, "\033[2Jx", &err), -ENOENT);
	assert_string_equal(err.text,
		"There is no guest named \"?[2Jx\". \"posada guest list\" shows those there are.");
	assert_int_equal(posada_guest_show(host, "", &guest, NULL), -ENOENT);
	assert_int_equal(posada_guest_stop(host, "x", 0, NULL), -ENOENT);
	assert_int_equal(posada_guest_delete(host, "x", false, NULL), -ENOENT);
	assert_int_equal(posada_guest_console(host, "x", 0, 1, false, NULL), -ENOENT);
	assert_true(posada_guest_console(host, "test", 0, 1, false, &err) < 0);
}

TEST(no_libvirtd_is_told)
{
	struct posada_guests guests;
	struct posada_host status;
	struct posada *nowhere;

	setenv("POSADA_URI", "test:///none.xml", 1);
	assert_int_equal(posada_open(&nowhere, 0, &err), 0);
	assert_int_equal(posada_guest_list(nowhere, &guests, &err), -ENOTCONN);
	assert_non_null(strstr(err.text, "does not answer"));
	assert_int_equal(posada_host_status(nowhere, &status, &err), 0);
	assert_non_null(strstr(status.notices[status.notice_count - 1], "does not answer"));
	posada_host_free(&status);
	posada_close(nowhere);
	posada_close(NULL);
}

TEST(device_models_are_known)
{
	static const char line[] = "qemu\0-xen-domid\0"
				   "12\0-name\0-xen-domid";

	assert_true(cmdline_serves_domid(line, sizeof(line), 12));
	assert_false(cmdline_serves_domid(line, sizeof(line), 1));
	assert_false(cmdline_serves_domid(line, sizeof(line), 123));
	for (size_t cut = 0; cut < 18; cut++)
		assert_false(cmdline_serves_domid(line, cut, 12));
}

#define LIVE(name) cmocka_unit_test_setup_teardown(name, begin, end)

RUN("posada", LIVE(each_kind_is_made), LIVE(bad_guests_are_refused), LIVE(guests_live),
	LIVE(a_network_that_is_down_starts_with_a_guest), LIVE(shared_volumes_outlive_one_guest),
	LIVE(what_a_volume_of_another_pool_stands_on_stays),
	LIVE(volumes_that_are_out_of_reach_keep_their_guest),
	LIVE(a_group_that_cannot_be_looked_at_is_silent), LIVE(definitions_are_protected),
	LIVE(disks_of_pools_and_of_the_host_are_protected),
	LIVE(an_engine_that_does_not_answer_may_have_more), LIVE(unknown_guests_are_refused),
	T(no_libvirtd_is_told), T(device_models_are_known))
