// SPDX-License-Identifier: GPL-2.0-or-later
// What the status page tells until it is right: a file for each notice.
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

void notice_put(const char *name, const char *text)
{
	char path[256], part[256];
	FILE *file;

	snprintf(path, sizeof(path), POSADA_RUN "/notices/%s", name);
	if (!text) {
		unlink(path);
		return;
	}
	/* Who looks meanwhile reads the old one or the new one. */
	snprintf(part, sizeof(part), POSADA_RUN "/.%s", name);
	file = fopen(part, "we");
	if (!file)
		return;
	fprintf(file, "%s\n", text);
	if (fclose(file) || rename(part, path))
		unlink(part);
}

static const char *next_line(FILE *file, char line[512])
{
	if (!fgets(line, 512, file))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line;
}

bool notice_get(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	char line[512], word[512];
	const char *at, *mark;
	size_t used = 0;

	*text = '\0';
	if (!file)
		return false;
	/* gettext answers an empty text with the translation's own head. */
	at = *next_line(file, line) ? _(line) : line;
	while (used < size && (mark = strstr(at, "%s"))) {
		used += (size_t)snprintf(text + used, size - used, "%.*s%s", (int)(mark - at), at,
			next_line(file, word));
		at = mark + 2;
	}
	if (used < size)
		snprintf(text + used, size - used, "%s", at);
	fclose(file);
	return *text;
}
