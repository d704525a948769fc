// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the log of Xen's library, which says more than libvirt's messages.
#include "xenlog.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "text.h"

long xenlog_end(const char *file)
{
	struct stat st;

	return stat(file, &st) ? 0 : (long)st.st_size;
}

/* After the library's name stand the places in its source, each without a blank; NULL for the lines
 * of others: "TIME: libxl: FILE.c:LINE:FUNCTION: Domain 3:MESSAGE", the domain only in some, and
 * "TIME: xc: panic: FILE.c:LINE: FUNCTION: MESSAGE". */
static const char *message_of(const char *line)
{
	static const struct {
		const char *name;
		int places;
	} libraries[] = {{": libxl: ", 1}, {": xc: ", 3}};
	static const char domain[] = "Domain ";
	const char *message = NULL;

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]) && !message; i++) {
		message = strstr(line, libraries[i].name);
		if (!message)
			continue;
		message += strlen(libraries[i].name);
		for (int place = 0; place < libraries[i].places; place++) {
			size_t len = strcspn(message, " ");

			if (!len || message[len - 1] != ':')
				break;
			message += len + 1;
		}
	}
	if (message && !strncmp(message, domain, sizeof(domain) - 1) &&
		isdigit((unsigned char)message[sizeof(domain) - 1]) && strchr(message, ':'))
		message = strchr(message, ':') + 1;
	return message;
}

bool xenlog_complaint(const char *file, long since, char *text, size_t size)
{
	FILE *log = fopen(file, "re");
	const char *message = NULL;
	char line[512];

	if (!log)
		return false;
	if (!fseek(log, since, SEEK_SET))
		while (!message && fgets(line, sizeof(line), log))
			message = message_of(line);
	fclose(log);
	if (!message)
		return false;
	line[strcspn(line, "\n")] = '\0';
	posada_text_clean(message, text, size);
	return *text;
}
