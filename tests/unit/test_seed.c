// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of seed.c and iso9660.c: what is refused, what cloud-init is told, and the disk that tells
// it.
#include <sys/stat.h>
#include "domainxml.h"
#include "internal.h"
#include "cdwriter.h"
#include "seed.h"
#include "unit.h"
#include "xml.h"

#define KEY	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define HASH	"$6$salt$0123456789abcdefghij./"
#define SECTOR	2048
#define AT(...) {__VA_ARGS__}

static struct posada_nic card = {"00:16:3e:01:02:03", "br0", true};
static const struct posada_guest guest = {.name = "web_1",
	.uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f",
	.nics = &card,
	.nic_count = 1};

TEST(seeds_are_checked)
{
	static char user[34], host[255];
	static const struct {
		struct posada_seed seed;
		const char *says; /* NULL: nothing against it */
	} rows[] = {
		{AT(.hostname = "a"), NULL},
		{AT(.user = "anna", .keys = KEY), NULL},
		{AT(.user = "_a-9", .password = HASH, .hostname = "web-1.example.org"), NULL},
		{AT(.keys = "# mine\n\n" KEY " a\r\n" KEY " b\n"), NULL},
		{AT(.address = "192.0.2.7/24", .gateway = "192.0.2.1", .dns = "192.0.2.1,2001::1"),
			NULL},
		{AT(.address = "2001:db8::7/64", .gateway = "fe80::1"), NULL},
		{AT(.user = user, .keys = KEY), "needs another name"},
		{AT(.user = "", .keys = KEY), "needs another name"},
		{AT(.user = "Anna", .keys = KEY), "needs another name"},
		{AT(.user = "a\"\nb: c", .keys = KEY), "needs another name"},
		{AT(.user = "root", .keys = KEY), "keep root from"},
		{AT(.user = "anna"), "Nobody could log in as anna"},
		{AT(.keys = ""), "no whole public key"},
		{AT(.keys = KEY "\nssh-rsa AAAA"), "no whole public key"},
		{AT(.keys = KEY " a\tb"), "no whole public key"},
		{AT(.keys = KEY " a\033[2J"), "no whole public key"},
		{AT(.user = "a", .password = "secret"), "as a hash"},
		{AT(.user = "a", .password = "$6$salt$0123456789abc\ndef: g"), "as a hash"},
		{AT(.user = "a", .password = "$6$salt"), "as a hash"},
		{AT(.user = "a", .password = "$y$j9T$salt$0123456789abcdefghij./"), "as a hash"},
		{AT(.hostname = host), "host name"},
		{AT(.hostname = ""), "host name"},
		{AT(.hostname = "a_b"), "host name"},
		{AT(.hostname = "-a"), "host name"},
		{AT(.hostname = "a..b"), "host name"},
		{AT(.hostname = "a\nb"), "host name"},
		{AT(.address = "192.0.2.7"), "is none"},
		{AT(.address = "192.0.2.7/33"), "is none"},
		{AT(.address = "192.0.2.7/0"), "is none"},
		{AT(.address = "192.0.2.7/24x"), "is none"},
		{AT(.address = "192.0.2.7/ 24"), "is none"},
		{AT(.address = "2001:db8::7/129"), "is none"},
		{AT(.address = "2001:db8::7\"/64"), "is none"},
		{AT(.gateway = "192.0.2.1"), "without an address"},
		{AT(.dns = "192.0.2.1"), "without an address"},
		{AT(.address = "192.0.2.7/24", .gateway = "fe80::1"), "The gateway"},
		{AT(.address = "192.0.2.7/24", .gateway = "a"), "The gateway"},
		{AT(.address = "192.0.2.7/24", .dns = ""), "DNS"},
		{AT(.address = "192.0.2.7/24", .dns = "1.1.1.1,"), "DNS"},
		{AT(.address = "192.0.2.7/24", .dns = "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1"), "DNS"},
	};
	struct posada_error err;

	memset(user, 'a', sizeof(user) - 1);
	memset(host, 'a', sizeof(host) - 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int ret = posada_seed_check(&rows[i].seed, true, &err);

		assert_int_equal(posada_seed_check(&rows[i].seed, true, NULL), ret);
		if (ret != (rows[i].says ? -EINVAL : 0) ||
			(rows[i].says && !strstr(err.text, rows[i].says)) ||
			strchr(err.text, '\033'))
			fail_msg("row %zu: %d %s", i, ret, err.text);
		if (!ret && rows[i].seed.address)
			assert_int_equal(posada_seed_check(&rows[i].seed, false, &err), -EINVAL);
	}
}

static void check_text(void (*put)(FILE *, const struct posada_seed *, const struct posada_guest *),
	const struct posada_seed *seed, const char *wanted)
{
	FILE *out = unit_open();

	put(out, seed, &guest);
	assert_string_equal(unit_close(out, NULL), wanted);
}

TEST(texts_are_what_cloud_init_reads)
{
	const struct posada_seed least = {.hostname = "a.b"},
				 most = {.user = "anna",
					 .keys = "#\n" KEY " a \"b\\: \303\261\n" KEY "\n",
					 .password = HASH,
					 .address = "192.0.2.7/24",
					 .gateway = "192.0.2.1",
					 .dns = "192.0.2.1,2001:db8::1"},
				 other = {.address = "2001:db8::7/64"};

	check_text(seed_put_meta, &least,
		"instance-id: \"6695eb01-f6a4-8304-79aa-97f2502e193f\"\nlocal-hostname: \"a.b\"\n");
	check_text(seed_put_meta, &most,
		"instance-id: \"6695eb01-f6a4-8304-79aa-97f2502e193f\"\nlocal-hostname: \"web-1\"\n");
	check_text(seed_put_user, &least,
		"#cloud-config\nmanage_etc_hosts: true\nusers:\n  - \"default\"\n");
	check_text(seed_put_user, &most,
		"#cloud-config\nmanage_etc_hosts: true\nuser: \"anna\"\npassword: \"" HASH "\"\n"
		"chpasswd:\n  expire: false\nssh_pwauth: true\nssh_authorized_keys:\n"
		"  - \"" KEY " a \\\"b\\\\: ??\"\n  - \"" KEY "\"\nusers:\n  - \"default\"\n");
	check_text(seed_put_network, &most,
		"version: 1\nconfig:\n  - type: \"physical\"\n    name: \"eth0\"\n"
		"    mac_address: \"00:16:3e:01:02:03\"\n    subnets:\n      - type: \"static\"\n"
		"        address: \"192.0.2.7/24\"\n        gateway: \"192.0.2.1\"\n"
		"        dns_nameservers:\n          - \"192.0.2.1\"\n          - \"2001:db8::1\"\n");
	check_text(seed_put_network, &other,
		"version: 1\nconfig:\n  - type: \"physical\"\n    name: \"eth0\"\n"
		"    mac_address: \"00:16:3e:01:02:03\"\n    subnets:\n      - type: \"static6\"\n"
		"        address: \"2001:db8::7/64\"\n");
}

/* Whatever a check lets through stays within its quotes. */
TEST(hostile_texts_add_no_line)
{
	for (unsigned i = 0; i < 5000; i++) {
		char comment[40], key[200], user[20], host[40];
		struct posada_seed seed = {.user = user, .keys = key, .hostname = host};
		unsigned lines = 0;
		const char *text;
		FILE *out;

		snprintf(key, sizeof(key), KEY " %s", unit_chance_text(comment, sizeof(comment)));
		seed.user = unit_chance(2) ? unit_chance_text(user, sizeof(user)) : "a";
		seed.hostname = unit_chance(2) ? unit_chance_text(host, sizeof(host)) : "a";
		if (posada_seed_check(&seed, true, NULL))
			continue;
		out = unit_open();
		seed_put_user(out, &seed, &guest);
		text = unit_close(out, NULL);
		for (const char *at = text; *at; at++) {
			assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
			lines += *at == '\n';
		}
		assert_int_equal(lines, 7);
	}
}

/* --- The disk ----------------------------------------------------------- */

static uint32_t number(const unsigned char *at)
{
	uint32_t little = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;

	assert_int_equal(little, (uint32_t)at[4] << 24 | at[5] << 16 | at[6] << 8 | at[7]);
	return little;
}

/* The bytes of a file by its Rock Ridge name, as a kernel looks for it. */
static const unsigned char *find(
	const unsigned char *image, size_t size, const char *name, size_t *bytes)
{
	const unsigned char *primary = image + 16 * SECTOR, *root, *at;

	assert_memory_equal(primary, "\1CD001\1", 7);
	assert_int_equal(number(primary + 80) * SECTOR, size);
	root = image + number(primary + 156 + 2) * SECTOR;
	/* Its own record says first that names stand behind the records. */
	assert_memory_equal(root + 34, "SP\7\1\276\357", 6);
	assert_non_null(memmem(root, root[0], "RRIP_1991A", 10));
	for (at = root; *at; at += *at) {
		const unsigned char *entry = at + 33 + at[32] + !(at[32] & 1);

		assert_true(!(at[0] & 1) && at + at[0] <= root + SECTOR);
		for (; entry + 4 <= at + at[0]; entry += entry[2])
			if (!memcmp(entry, "NM", 2) && entry[2] == 5 + strlen(name) &&
				!memcmp(entry + 5, name, strlen(name))) {
				*bytes = number(at + 10);
				assert_true(number(at + 2) * SECTOR + *bytes <= size);
				return image + number(at + 2) * SECTOR;
			}
	}
	return NULL;
}

TEST(disks_hold_the_files)
{
	static char big[5000];
	const struct cd_file files[] = {
		{"a-long.Name", "A_LONG.;1", "text", 4},
		{"big", "BIG.;1", big, sizeof(big)},
		{"empty", "EMPTY.;1", "", 0},
	};
	struct cd_file wrong = {"a", "A.;1", big, 65537};
	unsigned char *image, *again;
	const unsigned char *found;
	size_t size, other;

	memset(big, 'x', sizeof(big));
	assert_int_equal(cd_make("cidata", files, COUNT(files), &image, &size), 0);
	assert_int_equal(cd_make("cidata", files, COUNT(files), &again, &other), 0);
	assert_int_equal(size, other);
	assert_memory_equal(image, again, size);
	assert_int_equal(size % 4096, 0);
	assert_memory_equal(image + 16 * SECTOR + 40, "cidata  ", 8);
	for (size_t i = 0; i < COUNT(files); i++) {
		found = find(image, size, files[i].name, &other);
		assert_non_null(found);
		assert_int_equal(other, files[i].size);
		assert_memory_equal(found, files[i].bytes, other);
	}
	assert_null(find(image, size, "a-long", &other));
	free(image);
	free(again);
	assert_int_equal(cd_make("c", &wrong, 1, &image, &size), -EINVAL);
	assert_int_equal(
		cd_make("123456789012345678901234567890123", files, 1, &image, &size), -EINVAL);
	assert_int_equal(cd_make("c", files, CD_FILES_MAX + 1, &image, &size), -EINVAL);
}

TEST(seeds_are_written)
{
	const struct posada_seed seed = {.keys = KEY}, fixed = {.address = "192.0.2.7/24"};
	const struct posada_guest alone = {.name = "a"};
	const char *path = unit_path("g~seed.iso");
	unsigned char image[128 * SECTOR];
	struct posada_error err;
	size_t size, bytes;
	struct stat st;
	FILE *file;

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(seed_write(path, i ? &fixed : &seed, &guest, &err), 0);
		assert_int_equal(stat(path, &st), 0);
		/* A hash of a password is in it. */
		assert_int_equal(st.st_mode & 07777, 0600);
		file = fopen(path, "r");
		assert_non_null(file);
		size = fread(image, 1, sizeof(image), file);
		fclose(file);
		assert_int_equal(size, st.st_size);
		assert_non_null(find(image, size, "user-data", &bytes));
		assert_non_null(find(image, size, "meta-data", &bytes));
		assert_int_equal(find(image, size, "network-config", &bytes) != NULL, i);
	}
	assert_int_equal(seed_write(path, &fixed, &alone, &err), -EINVAL);
	assert_int_equal(seed_write("/none/g", &seed, &guest, &err), -ENOENT);
	assert_non_null(strstr(err.text, "cannot be written to /none/g"));
}

TEST(seeds_are_known_by_their_path)
{
	static const struct {
		const char *path;
		bool seed;
	} rows[] = {
		{POSADA_VOLUMES "/a~seed.iso", true},
		{POSADA_VOLUMES "/~seed.iso", false},
		{POSADA_VOLUMES "/a.img", false},
		{POSADA_VOLUMES "/../a~seed.iso", false},
		{"/tmp/a~seed.iso", false},
		{"", false},
	};
	static const char plain[] = "<domain type='xen'><name>a</name><os><type>linux</type></os>"
				    "<devices><emulator/></devices></domain>";
	char path[100];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(seed_is_path(rows[i].path), rows[i].seed);
	assert_true(seed_is_path(seed_path("a", path, sizeof(path))));
	for (enum posada_kind kind = 0; kind < POSADA_KINDS; kind++) {
		struct posada_guest seeded = {0};
		struct domainxml_disks disks;
		char *xml, *cloned;

		assert_int_equal(domainxml_add_seed(plain, kind, path, &xml), 0);
		assert_non_null(strstr(xml, "<readonly/>"));
		assert_int_equal(xml_to_guest(xml, &seeded), 0);
		assert_true(seeded.disks[0].seed && !seeded.disks[0].cdrom);
		assert_string_equal(seeded.disks[0].target, kind == POSADA_QEMU ? "vdp" : "xvdp");
		posada_guest_free(&seeded);
		/* What one guest shall do is not for its clones. */
		assert_int_equal(domainxml_disks(xml, &disks), 0);
		assert_true(disks.items[0].seed && !disks.items[0].own);
		assert_int_equal(domainxml_clone(xml, "b", &disks, &cloned), 0);
		assert_null(strstr(cloned, "seed.iso"));
		domainxml_disks_free(&disks);
		free(cloned);
		free(xml);
	}
	assert_int_equal(domainxml_add_seed("<domain/>", POSADA_PV, path, &(char *){0}), -EINVAL);
}

RUN("seed", T(seeds_are_checked), T(texts_are_what_cloud_init_reads), T(hostile_texts_add_no_line),
	T(disks_hold_the_files), T(seeds_are_written), T(seeds_are_known_by_their_path))
