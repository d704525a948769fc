// SPDX-License-Identifier: GPL-2.0-or-later
// The options of the program posada that tell what a guest's first boot shall do.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands.h"

/* Of a file that is no list of keys, more is not worth reading. */
#define KEYS_MAX 16384

/* A file, or the key itself. */
static bool add_keys(const char *value, FILE *out)
{
	char part[KEYS_MAX];
	FILE *file = fopen(value, "re");
	size_t got;
	bool ok;

	if (!file) {
		fprintf(out, "%s\n", value);
		return errno == ENOENT || errno == ENAMETOOLONG || errno == ENOTDIR;
	}
	got = fread(part, 1, sizeof(part), file);
	ok = !ferror(file);
	fclose(file);
	fwrite(part, 1, got, out);
	putc('\n', out);
	return ok && !memchr(part, '\0', got);
}

static int take_keys(const struct args *args, struct seed_args *seed)
{
	size_t size, i;
	int status = EXIT_DONE;
	FILE *out = open_memstream(&seed->keys, &size);

	for (i = 0; i < args->count && out && !status; i++)
		if (!strcmp(args->values[i].option->name, "seed-key") &&
			!add_keys(args->values[i].value, out))
			status = wrong("seed-key", args->values[i].value,
				_("Give a file that can be read, or the key."));
	if (!out || fclose(out)) {
		fputs(_("posada: this host ran out of memory.\n"), stderr);
		return EXIT_FAILED;
	}
	seed->seed.keys = seed->keys;
	return status;
}

int seed_from_args(const struct args *args, struct seed_args *seed)
{
	const struct {
		const char *option;
		const char **text;
	} texts[] = {
		{"seed-user", &seed->seed.user},
		{"seed-password", &seed->seed.password},
		{"seed-host", &seed->seed.hostname},
		{"seed-address", &seed->seed.address},
		{"seed-gateway", &seed->seed.gateway},
		{"seed-dns", &seed->seed.dns},
	};
	size_t i;
	int status;

	memset(seed, 0, sizeof(*seed));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i].text = args_get(args, texts[i].option);
		seed->given = seed->given || *texts[i].text;
	}
	if (!args_get(args, "seed-key"))
		return EXIT_DONE;
	seed->given = true;
	status = take_keys(args, seed);
	if (status) {
		free(seed->keys);
		seed->keys = NULL;
	}
	return status;
}
