// SPDX-License-Identifier: GPL-2.0-or-later
// What the unit tests share.
#include <sys/stat.h>
#include "unit.h"

static char directory[32], *captured;
static size_t captured_size;

int unit_setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/posada-unit-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

int unit_teardown(void **state)
{
	char command[64];

	(void)state;
	free(captured);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

const char *unit_path(const char *name)
{
	static char paths[8][256];
	static unsigned turn;
	char *path = paths[turn++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

const char *unit_write(const char *name, const void *bytes, size_t size)
{
	char *path = (char *)unit_path(name);
	FILE *file;

	for (char *slash = path + strlen(directory); (slash = strchr(slash + 1, '/'));
		*slash = '/') {
		*slash = '\0';
		mkdir(path, 0700);
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

FILE *unit_open(void)
{
	FILE *stream;

	free(captured);
	stream = open_memstream(&captured, &captured_size);
	assert_non_null(stream);
	return stream;
}

const char *unit_close(FILE *stream, size_t *size)
{
	bool failed = fclose(stream);

	assert_false(failed);
	if (size)
		*size = captured_size;
	return captured;
}

uint32_t unit_chance(uint32_t limit)
{
	static uint32_t x = 2463534242;

	/* Marsaglia's xorshift. */
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % limit;
}

char *unit_chance_text(char *text, size_t size)
{
	static const char *const pieces[] = {"a", "Z", "0", " ", "\"", "\\", "'", "<", "&", "]]>",
		"\n", "\r", "\t", "\033", "\177", "\302\233", "\303\261", "\342\200\256",
		"\342\202", "\355\240\200", "\360\237\217\250", "\300\200", "\377", "\001"};
	size_t len = 0, wanted = unit_chance((uint32_t)size);

	*text = '\0';
	while (len < wanted) {
		const char *piece = pieces[unit_chance(COUNT(pieces))];

		if (len + strlen(piece) >= size)
			break;
		len = (size_t)(stpcpy(text + len, piece) - text);
	}
	return text;
}

bool unit_json_is_valid(const char *text)
{
	char command[300];

	snprintf(command, sizeof(command), "python3 -m json.tool %s /dev/null",
		unit_write("json", text, strlen(text)));
	return !system(command);
}

void unit_run(const char *format, ...)
{
	char command[2048];
	int used = snprintf(command, sizeof(command),
		"exec >/dev/null 2>&1; PATH=$PATH:/usr/sbin:/sbin; cd %s && ", unit_path(""));
	va_list args;

	va_start(args, format);
	vsnprintf(command + used, sizeof(command) - (size_t)used, format, args);
	va_end(args);
	if (system(command))
		fail_msg("%s", command);
}
