/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the answers to an installation; takes nothing that is not clear. */
#include "answers.h"

#include <errno.h>
#include <ini.h>
#include <libintl.h>
#include <string.h>

#define _(text) gettext(text)

static bool take_text(const char *value, char *text, size_t size)
{
	return *value && snprintf(text, size, "%s", value) < (int)size;
}

static bool take_disk(struct answers *answers, const char *value)
{
	return take_text(value, answers->disk, sizeof(answers->disk));
}

static bool take_serial(struct answers *answers, const char *value)
{
	return take_text(value, answers->serial, sizeof(answers->serial));
}

static bool take_mirror(struct answers *answers, const char *value)
{
	return take_text(value, answers->mirror, sizeof(answers->mirror));
}

static bool take_layout(struct answers *answers, const char *value)
{
	for (unsigned i = 0; i < PLAN_PLACE; i++)
		if (!strcmp(value, plan_layout_names[i])) {
			answers->wish.layout = i;
			answers->layout_known = true;
			return true;
		}
	return false;
}

static bool take_start(struct answers *answers, const char *value)
{
	return take_text(value, answers->start, sizeof(answers->start));
}

static bool take_timeout(struct answers *answers, const char *value)
{
	char rest;

	return *value >= '0' && *value <= '9' &&
	       sscanf(value, "%u%c", &answers->wish.timeout, &rest) == 1 &&
	       answers->wish.timeout >= PLAN_TIMEOUT_LEAST &&
	       answers->wish.timeout <= PLAN_TIMEOUT_MOST;
}

static const struct {
	const char *name;
	bool (*take)(struct answers *answers, const char *value);
} keys[] = {
	{"disk", take_disk},
	{"serial", take_serial},
	{"mirror", take_mirror},
	{"layout", take_layout},
	{"start", take_start},
	{"timeout", take_timeout},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

struct reader {
	struct answers *answers;
	bool taken[KEYS];
};

/* For inih: 0 makes the line an error. */
static int take(void *opaque, const char *section, const char *name, const char *value)
{
	struct reader *reader = opaque;

	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(section, "install") != 0 || strcmp(name, keys[i].name) != 0)
			continue;
		/* Said twice is not said clearly. */
		if (reader->taken[i] || !keys[i].take(reader->answers, value))
			return 0;
		reader->taken[i] = true;
		return 1;
	}
	return 0;
}

int answers_read(FILE *file, struct answers *answers, char why[PLAN_TEXT])
{
	struct reader reader = {.answers = answers};
	int line;

	*answers = (struct answers){.wish = {.timeout = PLAN_TIMEOUT}};
	*why = '\0';
	line = ini_parse_file(file, take, &reader);
	if (line < 0 || ferror(file)) {
		snprintf(why, PLAN_TEXT, _("the answers cannot be read"));
		return -EIO;
	}
	if (line) {
		snprintf(why, PLAN_TEXT,
			_("line %d of the answers is not understood, or says something twice: [install] has disk, serial, mirror, layout (alongside, whole-disk, stick), start (posada, origin, or a system's name) and timeout (1 to 3600 seconds)"),
			line);
		return -EINVAL;
	}
	if (!*answers->disk && !*answers->serial)
		snprintf(why, PLAN_TEXT, _("the answers name no disk: give disk or serial"));
	else if (!answers->layout_known)
		snprintf(why, PLAN_TEXT,
			_("the answers do not say how: give layout = alongside, whole-disk or stick"));
	return *why ? -EINVAL : 0;
}

/* The disk of that name and serial number, as far as they are given; how many there are. */
static unsigned find(const struct machine *machine, const char *name, const char *serial,
	const struct disk **found)
{
	unsigned count = 0;

	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct disk *disk = &machine->disks[i];

		if ((*name && strcmp(disk->name, name) != 0) ||
			(*serial && strcmp(disk->serial, serial) != 0))
			continue;
		*found = disk;
		count++;
	}
	return count;
}

int answers_choose(struct answers *answers, const struct machine *machine, char why[PLAN_TEXT])
{
	const struct disk *found = NULL;
	unsigned count = find(machine, answers->disk, answers->serial, &found);

	if (count != 1) {
		snprintf(why, PLAN_TEXT,
			count ? _("more than one disk is what the answers name (disk \"%s\", serial \"%s\")")
			      : _("no disk is what the answers name (disk \"%s\", serial \"%s\")"),
			answers->disk, answers->serial);
		return -ENODEV;
	}
	answers->wish.disk = found->name;
	answers->wish.start = answers->start;
	if (!*answers->mirror)
		return 0;
	count = find(machine, answers->mirror, "", &found);
	if (!count)
		count = find(machine, "", answers->mirror, &found);
	if (count != 1) {
		snprintf(why, PLAN_TEXT,
			count ? _("more than one disk is what the answers name as mirror (\"%s\")")
			      : _("no disk is what the answers name as mirror (\"%s\")"),
			answers->mirror);
		return -ENODEV;
	}
	answers->wish.mirror = found->name;
	return 0;
}
