/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads guests' definitions without libvirt, which need not run, or may be who asks. */
#include "definition.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const definition_folders[2] = {"/etc/libvirt/libxl", "/etc/libvirt/qemu"};

/* What libvirt writes for the marks of XML. */
static char unescape(const char **at)
{
	static const struct {
		const char *word;
		char mark;
	} marks[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}, {"&quot;", '"'}};

	for (size_t i = 0; i < COUNT(marks); i++)
		if (!strncmp(*at, marks[i].word, strlen(marks[i].word))) {
			*at += strlen(marks[i].word);
			return marks[i].mark;
		}
	return *(*at)++;
}

/* What comes behind WORD and before END; *AT goes on from there, and is NULL when there is none. */
static bool take(const char **at, const char *word, char end, char *text, size_t size)
{
	size_t length = 0;

	*at = strstr(*at, word);
	if (!*at)
		return false;
	*at += strlen(word);
	while (**at && **at != end && length < size - 1)
		text[length++] = unescape(at);
	text[length] = '\0';
	return true;
}

bool definition_next_path(const char **at, char path[PATH_MAX])
{
	*path = '/';
	/* The kernel opens no longer one. */
	return take(at, "='/", '\'', path + 1, PATH_MAX - 1);
}

void definition_name(const char *definition, char *name, size_t size)
{
	char text[256] = "";

	take(&definition, "<name>", '<', text, sizeof(text));
	posada_text_clean(text, name, size);
}

/* As much of the file as fits, ended by a null byte; false when it is none. */
static bool read_file(int folder, const char *name, char *text)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t length = 0;
	struct stat status;
	ssize_t got = -1;

	if (fd < 0)
		return false;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		while ((got = read(fd, text + length, DEFINITION_MAX - 1 - length)) > 0)
			length += (size_t)got;
	text[length] = '\0';
	close(fd);
	return got >= 0;
}

int definition_each(const char *folder,
	int (*visit)(void *opaque, const char *guest, const char *path), void *opaque)
{
	char *text = malloc(DEFINITION_MAX), guest[64], path[PATH_MAX];
	DIR *files = text ? opendir(folder) : NULL;
	const struct dirent *entry;
	int ret = text ? 0 : -ENOMEM;

	while (files && !ret && (entry = readdir(files))) {
		const char *end = strrchr(entry->d_name, '.'), *at = text;

		if (!end || strcmp(end, ".xml") != 0 ||
			!read_file(dirfd(files), entry->d_name, text))
			continue;
		definition_name(text, guest, sizeof(guest));
		while (!ret && definition_next_path(&at, path))
			ret = visit(opaque, guest, path);
	}
	if (files)
		closedir(files);
	free(text);
	return ret;
}
