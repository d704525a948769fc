// SPDX-License-Identifier: GPL-2.0-or-later
// Targets of iSCSI servers, and the sessions with them as the kernel shows them.
#include "iscsi.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "pool.h"

#define PORT	 "3260"
#define SESSIONS "class/iscsi_session"
#define PATH	 512

/* --- Targets ------------------------------------------------------------ */

static bool is_hex(const char *text, size_t count)
{
	return strlen(text) == count && strspn(text, "0123456789abcdefABCDEF") == count;
}

static bool is_name(const char *name)
{
	/* The standard has no upper case, but servers do. */
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:";

	if (!strncmp(name, "eui.", 4))
		return is_hex(name + 4, 16);
	if (!strncmp(name, "naa.", 4))
		return is_hex(name + 4, 16) || is_hex(name + 4, 32);
	return !fnmatch("iqn.[0-9][0-9][0-9][0-9]-[01][0-9].[a-zA-Z0-9]*", name, 0) &&
	       !name[strspn(name, letters)];
}

int iscsi_target_parse(const char *source, struct iscsi_target *target)
{
	size_t len = pool_host_length(source), digits;
	const char *at = source + len;

	if (!len || len >= sizeof(target->server))
		return -EINVAL;
	snprintf(target->server, sizeof(target->server), "%.*s", (int)len, source);
	strcpy(target->port, PORT);
	if (*at == ':') {
		digits = strspn(++at, "0123456789");
		if (!digits || digits >= sizeof(target->port) || *at == '0')
			return -EINVAL;
		snprintf(target->port, sizeof(target->port), "%.*s", (int)digits, at);
		at += digits;
	}
	if (*at != '/' || atoi(target->port) > 65535 || strlen(at + 1) >= sizeof(target->name) ||
		!is_name(at + 1))
		return -EINVAL;
	strcpy(target->name, at + 1);
	return 0;
}

bool iscsi_path_is_of(const char *path, const char *name)
{
	static const char head[] = ISCSI_BY_PATH "/ip-";
	char middle[256];
	const char *at;

	snprintf(middle, sizeof(middle), "-iscsi-%s-lun-", name);
	at = strncmp(path, head, sizeof(head) - 1) ? NULL : strstr(path, middle);
	if (!at)
		return false;
	/* The names of other targets may go on like this one, and like a volume of it. */
	at += strlen(middle);
	at += strspn(at, "0123456789abcdefx");
	return !*at || !strncmp(at, "-part", 5);
}

/* --- Sessions ----------------------------------------------------------- */

int iscsi_session_find(const char *sys, const char *name, struct iscsi_session *session)
{
	char path[PATH], line[256];
	struct dirent *entry;
	int ret = -ENOENT;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/" SESSIONS, sys);
	dir = opendir(path);
	while (dir && ret && (entry = readdir(dir))) {
		snprintf(session->id, sizeof(session->id), "%.31s", entry->d_name);
		if (!read_line(line, sizeof(line), "%s/%s/targetname", path, session->id) ||
			strcmp(line, name) != 0)
			continue;
		session->answers =
			read_line(line, sizeof(line), "%s/%s/state", path, session->id) &&
			!strcmp(line, "LOGGED_IN");
		ret = 0;
	}
	if (dir)
		closedir(dir);
	return ret;
}

/* Devices lie below the session that they came with: .../session1/target2:0:0/.../block/sda/sda1 */
static bool has_device(const char *sys, const struct iscsi_session *session, const char *device)
{
	char path[PATH], below[40], *real;
	bool has;

	snprintf(path, sizeof(path), "%s/class/block/%s", sys, device);
	snprintf(below, sizeof(below), "/%s/", session->id);
	real = realpath(path, NULL);
	has = real && strstr(real, below);
	free(real);
	return has;
}

bool iscsi_session_has(const char *sys, const struct iscsi_session *session, const char *path)
{
	char *real = realpath(path, NULL);
	bool has = real && !strncmp(real, "/dev/", 5) && has_device(sys, session, real + 5);

	free(real);
	return has;
}

static bool is_held(const char *sys, const char *device)
{
	struct dirent *entry;
	bool held = false;
	char path[PATH];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/block/%s/holders", sys, device);
	dir = opendir(path);
	while (dir && !held && (entry = readdir(dir)))
		held = *entry->d_name != '.';
	if (dir)
		closedir(dir);
	return held;
}

int iscsi_session_held(
	const char *sys, const struct iscsi_session *session, char *device, size_t size)
{
	struct dirent *entry;
	int ret = -ENOENT;
	char path[PATH];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/block", sys);
	dir = opendir(path);
	while (dir && ret && (entry = readdir(dir)))
		if (has_device(sys, session, entry->d_name) && is_held(sys, entry->d_name)) {
			snprintf(device, size, "%s", entry->d_name);
			ret = 0;
		}
	if (dir)
		closedir(dir);
	return ret;
}
