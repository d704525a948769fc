// SPDX-License-Identifier: GPL-2.0-or-later
// Seeds: what cloud-init reads from a disk called "cidata" (its NoCloud source) when a guest starts
// first.
#include "seed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "internal.h"
#include "cdwriter.h"
#include "sshkey.h"

/* No name has a tilde, so that no guest's volume is called like this. */
#define SUFFIX "~seed.iso"
#define LABEL  "cidata"

#define USER_MAX  32
#define HOST_MAX  253
#define LABEL_MAX 63
#define KEYS_MAX  16384
#define DNS_MAX	  3

char *seed_path(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s" SUFFIX, POSADA_VOLUMES, name);
	return buf;
}

bool seed_is_path(const char *path)
{
	static const char folder[] = POSADA_VOLUMES "/", suffix[] = SUFFIX;
	size_t len = strlen(path);

	return !strncmp(path, folder, sizeof(folder) - 1) &&
	       len > sizeof(folder) - 1 + sizeof(suffix) - 1 &&
	       !strcmp(path + len - (sizeof(suffix) - 1), suffix) &&
	       !strchr(path + sizeof(folder) - 1, '/');
}

/* --- What may stand in it ----------------------------------------------- */

static bool is_made_of(const char *text, const char *others)
{
	for (; *text; text++)
		if (!(*text >= 'a' && *text <= 'z') && !(*text >= 'A' && *text <= 'Z') &&
			!(*text >= '0' && *text <= '9') && !strchr(others, *text))
			return false;
	return true;
}

/* What useradd takes everywhere. */
static bool user_is_right(const char *user)
{
	return ((*user >= 'a' && *user <= 'z') || *user == '_') && strlen(user) <= USER_MAX &&
	       is_made_of(user, "_-") && !strpbrk(user, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* RFC 1123, 2.1. */
static bool hostname_is_right(const char *name)
{
	size_t total = strlen(name);

	if (!total || total > HOST_MAX || !is_made_of(name, ".-"))
		return false;
	for (;;) {
		size_t len = strcspn(name, ".");

		if (!len || len > LABEL_MAX || name[0] == '-' || name[len - 1] == '-')
			return false;
		if (!name[len])
			return true;
		name += len + 1;
	}
}

/* SHA-256 and SHA-512: older versions of cloud-init take a later hash for the password itself. */
static bool hash_is_right(const char *hash)
{
	size_t len = strlen(hash);

	return (!strncmp(hash, "$5$", 3) || !strncmp(hash, "$6$", 3)) && len >= 20 && len <= 256 &&
	       strchr(hash + 3, '$') && is_made_of(hash, "$./=,+-");
}

/* Calls on_key with each key of a text like authorized_keys; false at one that is none. */
static bool for_each_key(const char *keys, void (*on_key)(FILE *, const char *), FILE *out)
{
	size_t count = 0, len;

	if (strlen(keys) > KEYS_MAX)
		return false;
	for (; *keys; keys += len + (keys[len] == '\n')) {
		char line[KEYS_MAX + 1];
		size_t end;

		len = strcspn(keys, "\n");
		memcpy(line, keys, len);
		for (end = len; end && strchr(" \t\r", line[end - 1]); end--)
			;
		line[end] = '\0';
		if (!end || *line == '#')
			continue;
		if (!sshkey_is_whole(line))
			return false;
		count++;
		if (on_key)
			on_key(out, line);
	}
	return count > 0;
}

/* 4, 6, or 0 for what is no address. */
static int family_of(const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 6 : 0;
}

/* The same for "192.0.2.7/24". */
static int family_of_network(const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	unsigned long bits;
	int family;
	char *end;

	if (!slash || (size_t)(slash - text) >= sizeof(address) || slash[1] < '0' || slash[1] > '9')
		return 0;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	family = family_of(address);
	bits = strtoul(slash + 1, &end, 10);
	return !*end && bits && bits <= (family == 4 ? 32 : 128) ? family : 0;
}

/* Each address of a list with commas; false where one is none. */
static bool for_each_address(const char *list, void (*on_address)(FILE *, const char *), FILE *out)
{
	size_t count;

	for (count = 0; count < DNS_MAX; count++) {
		size_t len = strcspn(list, ",");
		char address[INET6_ADDRSTRLEN];

		if (len >= sizeof(address))
			return false;
		memcpy(address, list, len);
		address[len] = '\0';
		if (!family_of(address))
			return false;
		if (on_address)
			on_address(out, address);
		if (!list[len])
			return true;
		list += len + 1;
	}
	return false;
}

static int check_login(const struct posada_seed *seed, struct posada_error *err)
{
	if (seed->user && !user_is_right(seed->user))
		return fail(err, -EINVAL,
			_("The user of the first boot needs another name: small letters, digits, dashes and underscores, 32 at most, and a letter first."));
	if (seed->user && !strcmp(seed->user, "root"))
		return fail(err, -EINVAL,
			_("Images keep root from logging in. Give the user another name; it may do everything by \"sudo\"."));
	if (seed->keys && !for_each_key(seed->keys, NULL, NULL))
		return fail(err, -EINVAL,
			_("The SSH key is no whole public key. It begins with ssh-ed25519, ssh-rsa or ecdsa-sha2-, and is one line; a file may have several."));
	if (seed->password && !hash_is_right(seed->password))
		return fail(err, -EINVAL,
			_("The password is given as a hash, not as itself. \"mkpasswd -m sha512\" asks for the one and prints the other."));
	if (seed->user && !seed->keys && !seed->password)
		return fail(err, -EINVAL,
			_("Nobody could log in as %s. Give an SSH key or the hash of a password too."),
			seed->user);
	return 0;
}

int posada_seed_check(const struct posada_seed *seed, bool has_card, struct posada_error *err)
{
	int ret = check_login(seed, err);
	int family = seed->address ? family_of_network(seed->address) : 0;

	if (ret)
		return ret;
	if (seed->hostname && !hostname_is_right(seed->hostname))
		return fail(err, -EINVAL,
			_("The host name of the first boot is none. Use letters, digits and dashes, with dots between the parts, and begin with a letter or a digit."));
	if (seed->address && !has_card)
		return fail(err, -EINVAL,
			_("The guest has no network card that could have an address. Give it one, or leave the address out."));
	if (seed->address && !family)
		return fail(err, -EINVAL,
			_("The address of the first boot is none. Write it with the size of its network, such as 192.0.2.7/24."));
	if ((seed->gateway || seed->dns) && !seed->address)
		return fail(err, -EINVAL,
			_("A gateway or DNS servers were given without an address. Give the address too, or leave all of them out: then the guest asks for them by DHCP."));
	if (seed->gateway && family_of(seed->gateway) != family)
		return fail(err, -EINVAL,
			_("The gateway is no address of the same kind as the guest's. Write it such as 192.0.2.1."));
	if (seed->dns && !for_each_address(seed->dns, NULL, NULL))
		return fail(err, -EINVAL,
			_("The DNS servers are no addresses. Write 1 to %d, with commas between."),
			DNS_MAX);
	return 0;
}

/* --- What stands in it --------------------------------------------------- */

/* A string in quotes, which JSON and YAML read alike. Only a key's comment has other characters. */
static void put_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text >= ' ' && *text <= '~' ? *text : '?', out);
	}
	putc('"', out);
}

static void put_value(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s: ", name);
	put_string(out, value);
	putc('\n', out);
}

static void put_key(FILE *out, const char *key)
{
	fputs("  - ", out);
	put_string(out, key);
	putc('\n', out);
}

static void put_server(FILE *out, const char *address)
{
	fputs("          - ", out);
	put_string(out, address);
	putc('\n', out);
}

/* The guest's name may have what a host's may not. */
static const char *hostname_of(
	const struct posada_seed *seed, const char *guest, char buf[HOST_MAX + 1])
{
	char *at;

	if (seed->hostname)
		return seed->hostname;
	snprintf(buf, HOST_MAX + 1, "%s", guest);
	for (at = buf; *at; at++)
		if (*at == '_')
			*at = '-';
	return hostname_is_right(buf) ? buf : "guest";
}

void seed_put_meta(FILE *out, const struct posada_seed *seed, const struct posada_guest *guest)
{
	char buf[HOST_MAX + 1];

	/* What was done once is done again for another instance, and only then. */
	put_value(out, "instance-id", guest->uuid);
	put_value(out, "local-hostname", hostname_of(seed, guest->name, buf));
}

void seed_put_user(FILE *out, const struct posada_seed *seed, const struct posada_guest *guest)
{
	(void)guest;
	fputs("#cloud-config\nmanage_etc_hosts: true\n", out);
	/* It gets the shell, the groups and the rights of the image's own first user. */
	if (seed->user)
		put_value(out, "user", seed->user);
	if (seed->password) {
		put_value(out, "password", seed->password);
		fputs("chpasswd:\n  expire: false\nssh_pwauth: true\n", out);
	}
	if (seed->keys) {
		fputs("ssh_authorized_keys:\n", out);
		for_each_key(seed->keys, put_key, out);
	}
	fputs("users:\n  - \"default\"\n", out);
}

void seed_put_network(FILE *out, const struct posada_seed *seed, const struct posada_guest *guest)
{
	fputs("version: 1\nconfig:\n  - type: \"physical\"\n    name: \"eth0\"\n", out);
	put_value(out, "    mac_address", guest->nics[0].mac);
	fputs("    subnets:\n", out);
	put_value(
		out, "      - type", family_of_network(seed->address) == 4 ? "static" : "static6");
	put_value(out, "        address", seed->address);
	if (seed->gateway)
		put_value(out, "        gateway", seed->gateway);
	if (seed->dns) {
		fputs("        dns_nameservers:\n", out);
		for_each_address(seed->dns, put_server, out);
	}
}

/* --- Making it ---------------------------------------------------------- */

static int make_image(const struct posada_seed *seed, const struct posada_guest *guest,
	unsigned char **image, size_t *size)
{
	static const struct {
		const char *name, *plain;
		void (*put)(FILE *, const struct posada_seed *, const struct posada_guest *);
	} parts[] = {
		{"meta-data", "META_DAT.;1", seed_put_meta},
		{"network-config", "NETWORK_.;1", seed_put_network},
		{"user-data", "USER_DAT.;1", seed_put_user},
	};
	struct cd_file files[ARRAY_SIZE(parts)];
	char *texts[ARRAY_SIZE(parts)];
	size_t count = 0, i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(parts) && !ret; i++) {
		struct cd_file *file = &files[count];
		FILE *out;

		/* Without that a guest asks for an address by itself. */
		if (parts[i].put == seed_put_network && !seed->address)
			continue;
		file->name = parts[i].name;
		file->plain = parts[i].plain;
		out = open_memstream(&texts[count], &file->size);
		if (!out) {
			ret = -ENOMEM;
			break;
		}
		parts[i].put(out, seed, guest);
		if (fclose(out))
			ret = -ENOMEM;
		file->bytes = texts[count++];
	}
	if (!ret)
		ret = cd_make(LABEL, files, count, image, size);
	while (count)
		free(texts[--count]);
	return ret;
}

/* Beside its place first, so that there is the whole of it or nothing. */
static int write_file(const char *path, const unsigned char *bytes, size_t size)
{
	char beside[512];
	int ret = 0;
	FILE *file;
	int fd;

	snprintf(beside, sizeof(beside), "%s.new", path);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		ret = -errno;
		close(fd);
		goto out;
	}
	if (fwrite(bytes, 1, size, file) != size || fflush(file) || fsync(fd))
		ret = -errno;
	if (fclose(file) && !ret)
		ret = -errno;
	if (!ret && rename(beside, path))
		ret = -errno;
out:
	if (ret)
		unlink(beside);
	return ret;
}

int seed_write(const char *path, const struct posada_seed *seed, const struct posada_guest *guest,
	struct posada_error *err)
{
	unsigned char *image = NULL;
	size_t size;
	int ret;

	if (seed->address && (!guest->nic_count || !guest->nics[0].mac))
		return posada_seed_check(seed, false, err);
	ret = make_image(seed, guest, &image, &size);
	if (ret)
		return fail_memory(err);
	ret = write_file(path, image, size);
	free(image);
	if (ret)
		return fail(err, ret,
			_("What the first boot shall do cannot be written to %s: %s. Make room there, and try again."),
			path, strerror(-ret));
	return 0;
}
