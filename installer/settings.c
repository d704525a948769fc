/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and changes the settings file. */
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <libgen.h>
#include <libintl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "address.h"
#include "folder.h"

#define _(text)	 gettext(text)
#define N_(text) text

#define HOST_NAME_MOST 63

static int fail(char why[SETTINGS_TEXT], int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char why[SETTINGS_TEXT], int ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, SETTINGS_TEXT, format, args);
	va_end(args);
	return ret;
}

/* --- What there is to set ----------------------------------------------- */

/* A label of a host name (RFC 1123). */
static bool is_host_name(const char *value)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	size_t length = strlen(value);

	return length && length <= HOST_NAME_MOST && strspn(value, letters) == length &&
	       *value != '-' && value[length - 1] != '-';
}

static bool is_switch(const char *value)
{
	return !strcmp(value, "yes") || !strcmp(value, "no");
}

/* crypt(3)'s own words, or nothing: no password. */
static bool is_hash(const char *value)
{
	return !*value || (*value == '$' && strlen(value) >= 16 && !strpbrk(value, ": \t\r\n\"#;"));
}

/* Nothing, or what is right. */
static bool is_own_address(const char *value)
{
	struct net4 net;

	return !*value || (net4_parse(value, &net) && net4_is_host(&net));
}

static bool is_gateway(const char *value)
{
	uint32_t address;

	return !*value || ip4_parse(value, &address);
}

static bool is_dns(const char *value)
{
	return !*value || ip4_list_is_right(value);
}

static bool is_card(const char *value)
{
	return !*value || mac_is_right(value);
}

const struct setting settings[] = {
	{"host.name", "posada", N_("this host's name in its network"),
		N_("letters, digits and hyphens, 63 at most"), false, is_host_name},
	{"ssh.enabled", "no", N_("whether people may log in by SSH"), N_("yes or no"), false,
		is_switch},
	{"ssh.password", "", N_("root's password, as a hash"),
		N_("the hash that \"mkpasswd\" prints, not the password itself"), true, is_hash},
	/* These take effect when the host starts; "posada network set host" tries them at once. */
	{"network.address", "", N_("this host's own address at its next start"),
		N_("an address such as 192.0.2.7/24, or nothing for DHCP"), false, is_own_address},
	{"network.gateway", "", N_("the way out of its network"),
		N_("an address such as 192.0.2.1, or nothing"), false, is_gateway},
	{"network.dns", "", N_("its name servers"), N_("addresses with commas between, or nothing"),
		false, is_dns},
	{"network.card", "", N_("its network card"),
		N_("a hardware address such as 52:54:00:12:34:56, or nothing for the first card with a link"),
		false, is_card},
	{0},
};

const struct setting *settings_find(const char *key)
{
	for (const struct setting *at = settings; at->key; at++)
		if (!strcmp(at->key, key))
			return at;
	return NULL;
}

/* The length of the section's name in "section.name". */
static size_t section_length(const struct setting *setting)
{
	return strcspn(setting->key, ".");
}

static const char *name_of(const struct setting *setting)
{
	return setting->key + section_length(setting) + 1;
}

/* --- Reading ------------------------------------------------------------ */

struct reader {
	const struct setting *setting;
	char *value;
	bool found, too_long;
};

static int take(void *opaque, const char *section, const char *name, const char *value)
{
	struct reader *reader = opaque;
	size_t length = section_length(reader->setting);

	if (strlen(section) != length || strncmp(section, reader->setting->key, length) != 0 ||
		strcmp(name, name_of(reader->setting)) != 0)
		return 1;
	reader->found = true;
	reader->too_long = snprintf(reader->value, SETTINGS_VALUE, "%s", value) >= SETTINGS_VALUE;
	return 1;
}

int settings_get(const char *file, const struct setting *setting, char value[SETTINGS_VALUE],
	char why[SETTINGS_TEXT])
{
	struct reader reader = {.setting = setting, .value = value};
	FILE *in = fopen(file, "re");
	int line;

	*why = '\0';
	snprintf(value, SETTINGS_VALUE, "%s", setting->initial);
	if (!in)
		return errno == ENOENT ? 0 : fail(why, -errno, "%s: %s", file, strerror(errno));
	line = ini_parse_file(in, take, &reader);
	fclose(in);
	if (!line && (!reader.found || (!reader.too_long && setting->is_right(value))))
		return 0;
	snprintf(value, SETTINGS_VALUE, "%s", setting->initial);
	if (line)
		return fail(why, -EINVAL,
			_("%s cannot be read: line %d is neither a section nor a setting."), file,
			line);
	return fail(why, -EINVAL, _("%s: %s is wrong: it must be %s."), file, setting->key,
		_(setting->wants));
}

/* --- Writing ------------------------------------------------------------ */

/* "[section]" at the beginning of a line. */
static bool is_section(const char *line, const char *name, size_t length)
{
	return *line == '[' &&
	       (!name || (!strncmp(line + 1, name, length) && line[1 + length] == ']'));
}

/* "name = …" or "name: …". */
static bool is_name(const char *line, const char *name)
{
	size_t length = strlen(name);

	line += strspn(line, " \t");
	if (strncmp(line, name, length) != 0)
		return false;
	line += length;
	line += strspn(line, " \t");
	return *line == '=' || *line == ':';
}

/* All lines of IN but with the one setting as it is to be. */
static void change(FILE *in, FILE *out, const struct setting *setting, const char *value)
{
	bool within = false, done = false, blank = true;
	size_t length = section_length(setting), size = 0;
	char *line = NULL;

	while (in && getline(&line, &size, in) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (within && is_section(line, NULL, 0) && !done) {
			fprintf(out, "%s = %s\n", name_of(setting), value);
			done = true;
		}
		if (is_section(line, NULL, 0))
			within = is_section(line, setting->key, length);
		if (within && is_name(line, name_of(setting))) {
			if (!done)
				fprintf(out, "%s = %s\n", name_of(setting), value);
			done = true;
			continue;
		}
		fprintf(out, "%s\n", line);
		blank = !*line;
	}
	free(line);
	if (done)
		return;
	if (!within)
		fprintf(out, "%s[%.*s]\n", blank ? "" : "\n", (int)length, setting->key);
	fprintf(out, "%s = %s\n", name_of(setting), value);
}

/* The whole of FILE as it is to be; the caller's. What is not there is empty. */
static int change_all(
	const char *file, const struct setting_value *values, size_t count, char **text)
{
	size_t size = 0;
	int ret = 0;

	*text = NULL;
	for (size_t i = 0; i < count && !ret; i++) {
		char *before = *text;
		FILE *in = before ? fmemopen(before, size, "r") : fopen(file, "re");
		FILE *out = NULL;

		*text = NULL;
		if (!in && (before || errno != ENOENT))
			ret = -errno;
		else
			out = open_memstream(text, &size);
		if (out)
			change(in, out, values[i].setting, values[i].value);
		if (!ret && (!out || fclose(out)))
			ret = -ENOMEM;
		if (in)
			fclose(in);
		free(before);
	}
	return ret;
}

int settings_set_all(
	const char *file, const struct setting_value *values, size_t count, char why[SETTINGS_TEXT])
{
	char part[PATH_MAX], copy[PATH_MAX], *text = NULL, *folder;
	FILE *out = NULL;
	int fd, lock, ret = 0;

	*why = '\0';
	for (size_t i = 0; i < count; i++)
		if (strlen(values[i].value) >= SETTINGS_VALUE ||
			!values[i].setting->is_right(values[i].value))
			return fail(why, -EINVAL, _("%s must be %s. Nothing was changed."),
				values[i].setting->key, _(values[i].setting->wants));
	snprintf(copy, sizeof(copy), "%s", file);
	folder = dirname(copy);
	if (mkdir(folder, 0755) && errno != EEXIST)
		return fail(why, -errno, "%s: %s", file, strerror(errno));
	/* Two at once would each write what the other has not read. */
	lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX)) {
		ret = fail(why, -errno, "%s: %s", folder, strerror(errno));
		goto out;
	}
	snprintf(part, sizeof(part), "%s.new", file);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (!out) {
		ret = fail(why, -errno, "%s: %s", part, strerror(errno));
		if (fd >= 0)
			close(fd);
		goto out;
	}
	ret = change_all(file, values, count, &text);
	if (!ret)
		fputs(text, out);
	if (!ret && (fflush(out) || fsync(fd)))
		ret = -errno;
	if (fclose(out) && !ret)
		ret = -errno;
	if (!ret && rename(part, file))
		ret = -errno;
	if (!ret)
		ret = folder_sync(file);
	free(text);
	if (ret) {
		unlink(part);
		fail(why, ret, _("%s cannot be written: %s. Nothing was changed."), file,
			strerror(-ret));
	}
out:
	if (lock >= 0)
		close(lock);
	return ret;
}

int settings_set(
	const char *file, const struct setting *setting, const char *value, char why[SETTINGS_TEXT])
{
	const struct setting_value one = {setting, value};

	return settings_set_all(file, &one, 1, why);
}
