// SPDX-License-Identifier: GPL-2.0-or-later
// What the status page tells until it is right: a file for each notice.
#include <stdio.h>
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
