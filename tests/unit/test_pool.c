// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of pools: what they may be made of, their XML, and their life over libvirt's test driver.
#include <sys/stat.h>
#include "internal.h"
#include "pool.h"
#include "unit.h"

#define SPEC(name, kind, source) {(name), (kind), (source), NULL, NULL}

static struct posada *host;
static struct posada_error err;

static int begin(void **state __attribute__((unused)))
{
	setenv("POSADA_URI", "test:///default", 1);
	return posada_open(&host, 0, &err);
}

static int end(void **state __attribute__((unused)))
{
	posada_close(host);
	return 0;
}

TEST(specifications_are_checked)
{
	static const struct {
		const char *name;
		enum posada_pool_kind kind;
		const char *source;
		int ret;
	} rows[] = {
		{"a", POSADA_POOL_DIRECTORY, "/data/more", 0},
		{"a", POSADA_POOL_DIRECTORY, "/dev/sdb1", 0},
		{"a", POSADA_POOL_DIRECTORY, "more", -EINVAL},
		{"a", POSADA_POOL_DIRECTORY, "", -EINVAL},
		{"a", POSADA_POOL_DIRECTORY, "/data/../etc", -EINVAL},
		{"a", POSADA_POOL_DIRECTORY, "/data/..", -EINVAL},
		{"a", POSADA_POOL_DIRECTORY, "/data/\033[2J", -EINVAL},
		{"a", POSADA_POOL_DIRECTORY, "/data/a\nb", -EINVAL},
		{"-a", POSADA_POOL_DIRECTORY, "/data/more", -EINVAL},
		{"", POSADA_POOL_DIRECTORY, "/data/more", -EINVAL},
		{"../a", POSADA_POOL_DIRECTORY, "/data/more", -EINVAL},
		{"a", POSADA_POOL_LVM, "vg0", 0},
		{"a", POSADA_POOL_LVM, "-vg0", -EINVAL},
		{"a", POSADA_POOL_LVM, "vg0/x", -EINVAL},
		{"a", POSADA_POOL_NFS, "server:/x", 0},
		{"a", POSADA_POOL_NFS, "10.0.2.2:/srv/guests of mine", 0},
		{"a", POSADA_POOL_NFS, "server", -EINVAL},
		{"a", POSADA_POOL_NFS, "server:", -EINVAL},
		{"a", POSADA_POOL_NFS, "server:x", -EINVAL},
		{"a", POSADA_POOL_NFS, ":/x", -EINVAL},
		{"a", POSADA_POOL_NFS, "-o:/x", -EINVAL},
		{"a", POSADA_POOL_NFS, "::1:/x", -EINVAL},
		{"a", POSADA_POOL_NFS, "ser ver:/x", -EINVAL},
		{"a", POSADA_POOL_NFS, "server:/x/../y", -EINVAL},
		{"a", POSADA_POOL_ISCSI, "server/iqn.2020-01.org.example:disks", 0},
		{"a", POSADA_POOL_ISCSI, "server", -EINVAL},
		{"a", POSADA_POOL_ISCSI, "server/iqn.2020-01.org.example:a'/><x y='", -EINVAL},
		{"a", POSADA_POOL_OTHER, "/data/more", -EINVAL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct posada_pool_spec spec =
			SPEC(rows[i].name, rows[i].kind, rows[i].source);

		err.text[0] = '\0';
		if (pool_spec_check(&spec, &err) != rows[i].ret || (rows[i].ret && !*err.text))
			fail_msg("row %zu: %s", i, err.text);
		for (const char *at = err.text; *at; at++)
			assert_true((unsigned char)*at >= ' ');
	}
}

TEST(only_a_target_asks_who_we_are)
{
	char long_text[257];
	const struct {
		enum posada_pool_kind kind;
		const char *user, *password;
		int ret;
	} rows[] = {
		{POSADA_POOL_ISCSI, "posada", "secret-12345", 0},
		{POSADA_POOL_ISCSI, "iqn.2020-01.org.example:a", "#'<&=", 0},
		{POSADA_POOL_ISCSI, "posada", NULL, -EINVAL},
		{POSADA_POOL_ISCSI, NULL, "secret-12345", -EINVAL},
		{POSADA_POOL_ISCSI, "", "secret-12345", -EINVAL},
		{POSADA_POOL_ISCSI, "posada", "", -EINVAL},
		{POSADA_POOL_ISCSI, "posada", "a b", -EINVAL},
		{POSADA_POOL_ISCSI, "posada", "a\nb", -EINVAL},
		{POSADA_POOL_ISCSI, "posada", "\303\261", -EINVAL},
		{POSADA_POOL_ISCSI, "posada", long_text, -EINVAL},
		{POSADA_POOL_NFS, "posada", "secret-12345", -EINVAL},
	};

	memset(long_text, 'a', 256);
	long_text[256] = '\0';
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct posada_pool_spec spec = {.name = "a",
			.kind = rows[i].kind,
			.source = rows[i].kind == POSADA_POOL_NFS
					  ? "server:/x"
					  : "server/iqn.2020-01.org.example:a",
			.user = rows[i].user,
			.password = rows[i].password};

		if (pool_spec_check(&spec, &err) != rows[i].ret)
			fail_msg("row %zu: %s", i, err.text);
	}
}

TEST(what_is_written_is_read)
{
	const struct {
		struct posada_pool_spec spec;
		struct pool_source source;
		const char *says, *path, *read;
	} rows[] = {
		{SPEC("more", POSADA_POOL_DIRECTORY, "/data/a&b"), {NULL, NULL}, "type='dir'",
			"/data/a&b", NULL},
		{SPEC("usb", POSADA_POOL_DIRECTORY, "/dev/sdb1"), {"1234-'x", NULL}, "type='fs'",
			"/mnt/pools/usb", "/dev/disk/by-uuid/1234-'x"},
		{SPEC("fast", POSADA_POOL_LVM, "fast-12"), {NULL, NULL}, "type='logical'",
			"/dev/fast-12", "fast-12"},
		{SPEC("net", POSADA_POOL_NFS, "server:/x/<y>"), {NULL, "4.1"},
			"<protocol ver='4.1'/>", "/mnt/pools/net", "server:/x/<y>"},
		{SPEC("old", POSADA_POOL_NFS, "server:/x"), {NULL, "3"}, "name='nolock'",
			"/mnt/pools/old", "server:/x"},
		{SPEC("san", POSADA_POOL_ISCSI, "server/iqn.2020-01.org.example:a"), {NULL, NULL},
			"<device path='iqn.2020-01.org.example:a'/>", "/dev/disk/by-path",
			"server:3260/iqn.2020-01.org.example:a"},
		{SPEC("port", POSADA_POOL_ISCSI, "10.0.2.2:99/eui.0123456789abcdef"), {NULL, NULL},
			"port='99'", "/dev/disk/by-path", "10.0.2.2:99/eui.0123456789abcdef"},
	};
	const struct posada_pool_spec asked = {"san", POSADA_POOL_ISCSI,
		"server/iqn.2020-01.org.example:a", "a<b", "not in the XML"};
	const struct pool_source none = {0};
	struct posada_pool other = {0};
	char *login;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct posada_pool pool = {0};
		char *xml;

		assert_int_equal(pool_to_xml(&rows[i].spec, &rows[i].source, &xml), 0);
		if (!strstr(xml, rows[i].says) || pool_from_xml(xml, &pool))
			fail_msg("row %zu: %s", i, xml);
		assert_string_equal(pool.name, rows[i].spec.name);
		assert_int_equal(pool.kind, rows[i].spec.kind);
		assert_string_equal(pool.path, rows[i].path);
		if (rows[i].read)
			assert_string_equal(pool.source, rows[i].read);
		else
			assert_null(pool.source);
		posada_pool_free(&pool);
		/* What is cut off or garbled is refused or read, and nothing else happens. */
		for (size_t n = 0; n < 300; n++) {
			xml[unit_chance((uint32_t)strlen(xml))] = (char)(1 + unit_chance(255));
			pool_from_xml(xml, &pool);
			posada_pool_free(&pool);
		}
		free(xml);
	}
	assert_int_equal(pool_to_xml(&asked, &none, &login), 0);
	assert_non_null(strstr(
		login, "<auth type='chap' username='a&lt;b'><secret usage='posada-san'/></auth>"));
	assert_null(strstr(login, asked.password));
	free(login);
	assert_int_equal(pool_from_xml("<pool type='rbd'><name>x</name></pool>", &other), 0);
	assert_int_equal(other.kind, POSADA_POOL_OTHER);
	posada_pool_free(&other);
	assert_int_equal(pool_from_xml("<pool><name>x</name></pool>", &other), -EINVAL);
	posada_pool_free(&other);
}

TEST(words_are_known)
{
	enum posada_pool_kind kind;

	for (int i = 0; i < POSADA_POOL_OTHER; i++) {
		assert_int_equal(posada_pool_kind_parse(
					 posada_pool_kind_name((enum posada_pool_kind)i), &kind),
			0);
		assert_int_equal((int)kind, i);
	}
	assert_int_equal(posada_pool_kind_parse("other", &kind), -EINVAL);
	for (int i = 0; i < POSADA_POOL_STATES; i++)
		assert_non_null(posada_pool_state_name((enum posada_pool_state)i));
}

TEST(only_what_is_there_grows)
{
	static const struct {
		enum posada_pool_kind kind;
		enum posada_pool_state state;
		int ret;
		const char *says;
	} rows[] = {
		{POSADA_POOL_LVM, POSADA_POOL_READY, 0, ""},
		{POSADA_POOL_LVM, POSADA_POOL_MISSING, -ENODEV, "vg0 is not found"},
		{POSADA_POOL_LVM, POSADA_POOL_DETACHED, -ENODEV, "is detached"},
		{POSADA_POOL_DIRECTORY, POSADA_POOL_READY, -EINVAL, "no LVM pool"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct posada_pool pool = {.name = (char *)"fast",
			.source = (char *)"vg0",
			.kind = rows[i].kind,
			.state = rows[i].state};

		err.text[0] = '\0';
		assert_int_equal(posada_pool_grows(&pool, &err), rows[i].ret);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

TEST(a_pool_is_almost_full)
{
	static const struct {
		enum posada_pool_kind kind;
		uint64_t bytes, free_bytes;
		bool full;
	} rows[] = {
		{POSADA_POOL_DIRECTORY, 0, 0, false},
		{POSADA_POOL_DIRECTORY, 6400, 199, true},
		{POSADA_POOL_DIRECTORY, 6400, 200, false},
		{POSADA_POOL_LVM, 6400, 0, false},
		{POSADA_POOL_ISCSI, 6400, 0, false},
		{POSADA_POOL_NFS, (uint64_t)4 << 40, (uint64_t)62 << 30, false},
		{POSADA_POOL_NFS, (uint64_t)4 << 40, ((uint64_t)1 << 30) - 1, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct posada_pool pool = {.kind = rows[i].kind,
			.bytes = rows[i].bytes,
			.free_bytes = rows[i].free_bytes};

		assert_int_equal(pool_is_full(&pool), rows[i].full);
	}
}

TEST(memory_is_known)
{
	assert_true(pool_is_in_memory("/dev"));
	assert_false(pool_is_in_memory("/proc"));
	assert_false(pool_is_in_memory("/none"));
}

TEST(a_group_has_a_legal_name)
{
	char pool[POSADA_NAME_MAX + 1], group[96];

	memset(pool, 'p', sizeof(pool) - 1);
	pool[sizeof(pool) - 1] = '\0';
	assert_int_equal(posada_group_name(pool, group, sizeof(group)), 0);
	assert_true(posada_name_is_legal(group));
	assert_int_equal(posada_group_name("fast", group, sizeof(group)), 0);
	assert_memory_equal(group, "fast-", 5);
	assert_int_equal(strlen(group), 13);
	assert_int_equal(posada_group_name("-x", group, sizeof(group)), -EINVAL);
}

TEST(a_group_is_not_waited_for)
{
	static const char script[] = "#!/bin/sh\n[ \"$1 $2 $3 $4 $5\" = '-s KILL 20 lvm vgs' ]\n";
	char *old = strdup(getenv("PATH"));

	assert_int_equal(chmod(unit_write("bin/timeout", script, strlen(script)), 0755), 0);
	setenv("PATH", unit_path("bin"), 1);
	assert_true(posada_group_exists("vg0"));
	setenv("PATH", old, 1);
	free(old);
}

TEST(a_target_has_its_volumes)
{
	const struct posada_pool pool = {.name = (char *)"san",
		.kind = POSADA_POOL_ISCSI,
		.source = (char *)"server:3260/iqn.2020-01.org.example:a",
		.path = (char *)"/dev/disk/by-path"};
	static const struct {
		const char *path;
		bool has;
	} rows[] = {
		{"/dev/disk/by-path/ip-server:3260-iscsi-iqn.2020-01.org.example:a-lun-1", true},
		{"/dev/disk/by-path/ip-server:3260-iscsi-iqn.2020-01.org.example:a-lun-1-part2",
			true},
		{"/dev/disk/by-path/ip-server:3260-iscsi-iqn.2020-01.org.example:ab-lun-1", false},
		{"/dev/disk/by-path/ip-a-iscsi-b:3260-iscsi-iqn.2020-01.org.example:a-lun-1", true},
		{"/dev/disk/by-path/ip-server:3260-iscsi-iqn.2020-01.org.example:a-lun-1-lun-1",
			false},
		{"/dev/disk/by-path/pci-0000:00:05.0-iscsi-iqn.2020-01.org.example:a-lun-1", false},
		{"/dev/disk/by-path/pci-0000:00:05.0", false},
		{"/dev/disk/by-path", false},
		{"/dev/sda", false},
		{"", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (pool_has_path(&pool, rows[i].path) != rows[i].has)
			fail_msg("row %zu", i);
}

static void refused(
	enum posada_pool_kind kind, const char *name, const char *source, const char *says)
{
	const struct posada_pool_spec spec = SPEC(name, kind, source);
	struct posada_pools pools;

	if (!posada_pool_create(host, &spec, &err) || !strstr(err.text, says))
		fail_msg("%s: %s", source, err.text);
	assert_int_equal(posada_pool_list(host, &pools, &err), 0);
	for (size_t i = 0; i < pools.count; i++)
		assert_true(strcmp(pools.items[i].name, "b") != 0);
	posada_pools_free(&pools);
}

/* A volume with only what differs from another. */
static void stand(virConnectPtr conn, const char *below, bool on)
{
	virStoragePoolPtr pool = virStoragePoolLookupByName(conn, "a");
	virStorageVolPtr top = virStorageVolLookupByName(pool, "top");
	char xml[512];

	snprintf(xml, sizeof(xml),
		"<volume><name>top</name><capacity>1</capacity><backingStore><path>%s</path></backingStore></volume>",
		below);
	if (on)
		top = virStorageVolCreateXML(pool, xml, 0);
	else
		assert_int_equal(virStorageVolDelete(top, 0), 0);
	virStorageVolFree(top);
	virStoragePoolFree(pool);
}

TEST(a_pool_lives)
{
	struct posada_pool_spec spec = SPEC("a", POSADA_POOL_DIRECTORY, NULL);
	char folder[256], below[300], image[64];
	static unsigned char sector[512] = {[510] = 0x55, [511] = 0xaa};
	struct posada_guest_spec guest = {.name = "g",
		.kind = POSADA_QEMU,
		.memory_kib = 65536,
		.vcpus = 1,
		.disks = {{.path = image}, {.bytes = 1 << 20, .pool = "a", .format = "qcow2"}},
		.disk_count = 2};
	struct posada_pool pool;
	virStoragePoolPtr started;
	virConnectPtr conn;

	strcpy(image, unit_write("image", sector, sizeof(sector)));
	snprintf(folder, sizeof(folder), "%s", unit_path("pool"));
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(below, sizeof(below), "%s/below", folder);
	mkdir(below, 0755);
	spec.source = folder;
	assert_int_equal(posada_pool_create(host, &spec, &err), 0);
	refused(POSADA_POOL_DIRECTORY, "a", below, "named a already");
	refused(POSADA_POOL_DIRECTORY, "b", below, "Choose another folder");
	refused(POSADA_POOL_DIRECTORY, "b", folder, "Choose another folder");
	refused(POSADA_POOL_DIRECTORY, "b", "/none", "no folder /none");
	refused(POSADA_POOL_DIRECTORY, "b", "/proc/self", "belongs to the system");
	refused(POSADA_POOL_DIRECTORY, "b", "/", "Choose another folder");
	refused(POSADA_POOL_DIRECTORY, "b", "/dev/null", "");
	refused(POSADA_POOL_LVM, "b", "none", "no volume group none");
	refused(POSADA_POOL_NFS, "b", "127.0.0.1:/none", "does not answer");
	refused(POSADA_POOL_ISCSI, "b", "127.0.0.1:1/iqn.2020-01.org.example:a", "does not answer");

	assert_int_equal(posada_guest_create(host, &guest, &err), 0);
	assert_int_equal(posada_pool_show(host, "a", &pool, &err), 0);
	assert_int_equal(pool.volume_count, 1);
	assert_string_equal(pool.volumes[0].name, "g~2.img");
	assert_string_equal(pool.volumes[0].guest, "g");
	posada_pool_free(&pool);
	assert_int_equal(posada_pool_forget(host, "a", &err), -EBUSY);
	assert_non_null(strstr(err.text, "guest g"));
	assert_int_equal(posada_guest_start(host, "g", &err), 0);
	assert_int_equal(posada_pool_detach(host, "a", &err), -EBUSY);
	assert_int_equal(posada_guest_kill(host, "g", &err), 0);
	/* What was never there, and what libvirt does not know. */
	snprintf(below, sizeof(below), "%s/none.img", folder);
	assert_int_equal(volume_delete(host, below, &err), 0);
	assert_int_equal(volume_delete(host, image, &err), -EIO);
	assert_non_null(strstr(err.text, "no pool knows it"));
	assert_int_equal(posada_pool_detach(host, "a", &err), 0);
	assert_int_equal(volume_delete(host, below, &err), -ENODEV);
	assert_int_equal(pool_ready_for_path(host, below, &err), -ENODEV);
	assert_non_null(strstr(err.text, "a is detached"));
	assert_int_equal(pool_ready_for_path(host, folder, &err), 0);
	assert_int_equal(posada_pool_show(host, "a", &pool, &err), 0);
	assert_int_equal(pool.state, POSADA_POOL_DETACHED);
	posada_pool_free(&pool);
	guest.name = "h";
	assert_int_equal(posada_guest_create(host, &guest, &err), -EBUSY);
	strcpy(image, unit_write("another", sector, sizeof(sector)));
	assert_int_equal(posada_guest_create(host, &guest, &err), -ENODEV);
	assert_non_null(strstr(err.text, "detached"));
	assert_int_equal(posada_pool_attach(host, "a", &err), 0);
	assert_int_equal(posada_pool_attach(host, "a", &err), -EALREADY);
	/* One that another program has started is kept from then on. */
	assert_int_equal(posada_pool_detach(host, "a", &err), 0);
	assert_int_equal(engine_any(host, &conn, &err), 0);
	started = virStoragePoolLookupByName(conn, "a");
	assert_int_equal(virStoragePoolCreate(started, 0), 0);
	virStoragePoolFree(started);
	assert_int_equal(posada_pool_attach(host, "a", &err), 0);
	assert_int_equal(posada_pool_attach(host, "a", &err), -EALREADY);
	guest.disks[1].format = "vmdk";
	assert_int_equal(posada_guest_create(host, &guest, &err), -EINVAL);
	guest.disks[1] = (struct posada_disk_spec){.bytes = 1ull << 60, .pool = "a"};
	assert_int_equal(posada_guest_create(host, &guest, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "pool a has"));
	guest.disks[1].pool = "none";
	assert_int_equal(posada_guest_create(host, &guest, &err), -ENOENT);
	snprintf(below, sizeof(below), "%s/g~2.img", folder);
	/* What a guest has stays, also while the guest is off; what was kept can go. */
	assert_int_equal(posada_volume_delete(host, "a", "g~2.img", &err), -EBUSY);
	assert_non_null(strstr(err.text, "The guest g has"));
	assert_int_equal(posada_guest_delete(host, "g", false, &err), 0);
	assert_int_equal(posada_volume_delete(host, "a", "g~3.img", &err), -ENOENT);
	assert_int_equal(posada_volume_delete(host, "none", "g~2.img", &err), -ENOENT);
	stand(conn, below, true);
	assert_int_equal(posada_volume_delete(host, "a", "g~2.img", &err), -EBUSY);
	assert_non_null(strstr(err.text, "The volume top stands on"));
	stand(conn, below, false);
	assert_int_equal(posada_volume_delete(host, "a", "g~2.img", &err), 0);
	assert_int_equal(posada_pool_show(host, "a", &pool, &err), 0);
	assert_int_equal(pool.volume_count, 0);
	posada_pool_free(&pool);
	assert_int_equal(posada_storage_list(host, &pool, &err), 0);
	posada_pool_free(&pool);
	assert_int_equal(posada_pool_forget(host, "default", &err), -EPERM);
	assert_int_equal(posada_pool_forget(host, "a", &err), 0);
	assert_int_equal(posada_pool_attach(host, "a", &err), -ENOENT);
	assert_int_equal(posada_pool_detach(host, "\033", &err), -ENOENT);
	assert_non_null(strstr(err.text, "\"?\""));
}

RUN("pool", T(specifications_are_checked), T(only_a_target_asks_who_we_are),
	T(what_is_written_is_read), T(words_are_known), T(only_what_is_there_grows),
	T(a_group_has_a_legal_name), T(memory_is_known), T(a_pool_is_almost_full),
	T(a_group_is_not_waited_for), T(a_target_has_its_volumes),
	cmocka_unit_test_setup_teardown(a_pool_lives, begin, end))
