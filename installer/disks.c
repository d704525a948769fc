/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's disks as text that people and tests can write, and as JSON for programs. */
#include "disks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum kind { TEXT, BYTES, NUMBER, FLAG, TABLE };

struct field {
	const char *name;
	enum kind kind;
	size_t at;
	size_t size;
};

#define FIELD(type, member, kind)                                                                  \
	{#member, kind, offsetof(struct type, member), sizeof(((struct type *)0)->member)}

static const char *const table_names[] = {
	[TABLE_NONE] = "none",
	[TABLE_GPT] = "gpt",
	[TABLE_DOS] = "dos",
	[TABLE_DAMAGED] = "damaged",
};

static const struct field machine_fields[] = {
	FIELD(machine, uefi, FLAG),
	FIELD(machine, secure_boot, FLAG),
	FIELD(machine, nvram, FLAG),
};

static const struct field disk_fields[] = {
	FIELD(disk, name, TEXT),
	FIELD(disk, model, TEXT),
	FIELD(disk, serial, TEXT),
	FIELD(disk, transport, TEXT),
	FIELD(disk, size, BYTES),
	FIELD(disk, sector, NUMBER),
	FIELD(disk, read_only, FLAG),
	FIELD(disk, failing, FLAG),
	FIELD(disk, removable, FLAG),
	FIELD(disk, medium, FLAG),
	FIELD(disk, in_use, FLAG),
	FIELD(disk, taken, FLAG),
	FIELD(disk, guest, TEXT),
	FIELD(disk, adopted, TEXT),
	FIELD(disk, table, TABLE),
	FIELD(disk, table_uuid, TEXT),
	FIELD(disk, first, BYTES),
	FIELD(disk, last, BYTES),
	FIELD(disk, gap_free, BYTES),
	FIELD(disk, boot_code, FLAG),
	FIELD(disk, boot_loader, TEXT),
};

#define MORE(key, member, number)                                                                  \
	{key, TEXT, offsetof(struct part, more[number].member),                                    \
		sizeof(((struct part *)0)->more[0].member)}

static const struct field part_fields[] = {
	FIELD(part, name, TEXT),
	FIELD(part, number, NUMBER),
	FIELD(part, start, BYTES),
	FIELD(part, size, BYTES),
	FIELD(part, type, TEXT),
	FIELD(part, uuid, TEXT),
	FIELD(part, active, FLAG),
	FIELD(part, logical, FLAG),
	FIELD(part, content, TEXT),
	FIELD(part, content_uuid, TEXT),
	FIELD(part, label, TEXT),
	FIELD(part, room, BYTES),
	FIELD(part, mounted, TEXT),
	FIELD(part, group, TEXT),
	FIELD(part, on, TEXT),
	FIELD(part, system, TEXT),
	FIELD(part, loader, TEXT),
	MORE("system2", name, 0),
	MORE("loader2", loader, 0),
	MORE("system3", name, 1),
	MORE("loader3", loader, 1),
	MORE("system4", name, 2),
	MORE("loader4", loader, 2),
	FIELD(part, fallback, FLAG),
	FIELD(part, kernels, FLAG),
	FIELD(part, dirty, FLAG),
	FIELD(part, hibernated, FLAG),
	FIELD(part, readable, FLAG),
	FIELD(part, posada, FLAG),
	FIELD(part, mirror, TEXT),
	FIELD(part, ours, FLAG),
	FIELD(part, unfinished, FLAG),
	FIELD(part, unseen, FLAG),
	FIELD(part, used, FLAG),
	FIELD(part, guest, TEXT),
};

static const struct field group_fields[] = {
	FIELD(group, name, TEXT),
	FIELD(group, extent, BYTES),
	FIELD(group, free, BYTES),
};

enum line { LINE_MACHINE, LINE_DISK, LINE_PART, LINE_GROUP, LINE_VOLUME, LINES };

static const struct {
	const char *name;
	const struct field *fields;
	size_t count;
} lines[LINES] = {
	[LINE_MACHINE] = {"machine", machine_fields, COUNT(machine_fields)},
	[LINE_DISK] = {"disk", disk_fields, COUNT(disk_fields)},
	[LINE_PART] = {"part", part_fields, COUNT(part_fields)},
	[LINE_GROUP] = {"group", group_fields, COUNT(group_fields)},
	[LINE_VOLUME] = {"volume", part_fields, COUNT(part_fields)},
};

/* --- Lists -------------------------------------------------------------- */

/* Doubles where the count is a power of two, so that a long list costs no more than its length. */
static void *grow(void *items, size_t *count, size_t size, void **element)
{
	char *grown = items;

	if (!(*count & (*count - 1))) {
		size_t room = *count ? *count * 2 : 1;

		grown = reallocarray(items, room, size);
		if (!grown) {
			*element = NULL;
			return items;
		}
	}
	*element = memset(grown + *count * size, 0, size);
	(*count)++;
	return grown;
}

struct disk *disks_add(struct machine *machine)
{
	void *added;

	machine->disks =
		grow(machine->disks, &machine->disk_count, sizeof(*machine->disks), &added);
	return added;
}

struct group *disks_add_group(struct machine *machine)
{
	void *added;

	machine->groups =
		grow(machine->groups, &machine->group_count, sizeof(*machine->groups), &added);
	return added;
}

struct part *disks_add_part(struct disk *disk)
{
	void *added;

	disk->parts = grow(disk->parts, &disk->part_count, sizeof(*disk->parts), &added);
	return added;
}

struct part *disks_add_volume(struct group *group)
{
	void *added;

	group->volumes =
		grow(group->volumes, &group->volume_count, sizeof(*group->volumes), &added);
	return added;
}

void disks_free(struct machine *machine)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		free(machine->disks[i].parts);
	for (size_t i = 0; i < machine->group_count; i++)
		free(machine->groups[i].volumes);
	free(machine->disks);
	free(machine->groups);
	memset(machine, 0, sizeof(*machine));
}

bool disks_is_stick(const struct disk *disk)
{
	return disk->removable || !strcmp(disk->transport, "usb");
}

bool disks_is_container(const struct part *part)
{
	return !strcmp(part->type, "05") || !strcmp(part->type, "0f") || !strcmp(part->type, "85");
}

bool disks_is_shareable(const struct disk *disk)
{
	static const char *const transports[] = {"scsi", "sas", "fc", "iscsi"};

	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (!strcmp(disk->transport, transports[i]))
			return true;
	return false;
}

void disks_part_name(const char *disk, unsigned number, char name[64])
{
	size_t length = strlen(disk);
	char last = length ? disk[length - 1] : 0;

	snprintf(name, 64, "%s%s%u", disk, last >= '0' && last <= '9' ? "p" : "", number);
}

struct group *disks_find_group(const struct machine *machine, const char *name)
{
	for (size_t i = 0; *name && i < machine->group_count; i++)
		if (!strcmp(machine->groups[i].name, name))
			return &machine->groups[i];
	return NULL;
}

struct part *disks_find_volume(const struct machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->group_count; i++)
		for (size_t j = 0; j < machine->groups[i].volume_count; j++)
			if (!strcmp(machine->groups[i].volumes[j].name, name))
				return &machine->groups[i].volumes[j];
	return NULL;
}

const struct part *disks_find_twin(
	const struct machine *machine, const struct part *part, const struct disk **disk)
{
	for (size_t i = 0; *part->mirror && i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++) {
			const struct part *twin = &machine->disks[i].parts[j];

			*disk = &machine->disks[i];
			if (!strcmp(twin->mirror, part->mirror) &&
				strcmp(twin->name, part->name) != 0)
				return twin;
		}
	*disk = NULL;
	return NULL;
}

/* The partition itself, or a member of the group whose volume it is. */
static bool holds(const struct part *part, const char *name)
{
	size_t length = strlen(part->group);

	return !strcmp(part->name, name) ||
	       (length && !strncmp(name, part->group, length) && name[length] == '/');
}

bool disks_on_medium(const struct machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++)
			if (machine->disks[i].medium && holds(&machine->disks[i].parts[j], name))
				return true;
	return false;
}

/* --- Values ------------------------------------------------------------- */

/* What a field that is no text holds, whatever its width. */
static uint64_t get_number(const struct field *field, const char *record)
{
	const void *at = record + field->at;

	switch (field->kind) {
	case FLAG:
		return *(const bool *)at;
	case TABLE:
		return *(const enum disks_table *)at;
	case NUMBER:
		return *(const unsigned *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void set_number(const struct field *field, char *record, uint64_t value)
{
	void *at = record + field->at;

	switch (field->kind) {
	case FLAG:
		*(bool *)at = value;
		break;
	case TABLE:
		*(enum disks_table *)at = (enum disks_table)value;
		break;
	case NUMBER:
		*(unsigned *)at = (unsigned)value;
		break;
	default:
		*(uint64_t *)at = value;
		break;
	}
}

/* --- Writing ------------------------------------------------------------ */

static void write_text(const char *text, size_t size, FILE *out)
{
	for (size_t i = 0; i < size && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x21 || c == '%' || c >= 0x7f)
			fprintf(out, "%%%02X", c);
		else
			putc(c, out);
	}
}

static void write_line(enum line line, const void *record, FILE *out)
{
	fputs(lines[line].name, out);
	for (size_t i = 0; i < lines[line].count; i++) {
		const struct field *field = &lines[line].fields[i];
		const char *text = (const char *)record + field->at;
		uint64_t value = field->kind == TEXT ? (uint64_t)*text : get_number(field, record);

		if (!value)
			continue;
		fprintf(out, " %s=", field->name);
		if (field->kind == TEXT)
			write_text(text, field->size, out);
		else if (field->kind == FLAG)
			fputs("yes", out);
		else if (field->kind == TABLE)
			fputs(table_names[value], out);
		else
			fprintf(out, "%" PRIu64, value);
	}
	putc('\n', out);
}

int disks_write(const struct machine *machine, FILE *out)
{
	write_line(LINE_MACHINE, machine, out);
	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct disk *disk = &machine->disks[i];

		write_line(LINE_DISK, disk, out);
		for (size_t j = 0; j < disk->part_count; j++)
			write_line(LINE_PART, &disk->parts[j], out);
	}
	for (size_t i = 0; i < machine->group_count; i++) {
		const struct group *group = &machine->groups[i];

		write_line(LINE_GROUP, group, out);
		for (size_t j = 0; j < group->volume_count; j++)
			write_line(LINE_VOLUME, &group->volumes[j], out);
	}
	return ferror(out) ? -EIO : 0;
}

/* --- JSON --------------------------------------------------------------- */

static void json_fields(struct json *json, enum line line, const void *record)
{
	for (size_t i = 0; i < lines[line].count; i++) {
		const struct field *field = &lines[line].fields[i];

		if (field->kind == TEXT)
			json_string(json, field->name, (const char *)record + field->at);
		else if (field->kind == FLAG)
			json_bool(json, field->name, get_number(field, record));
		else if (field->kind == TABLE)
			json_string(json, field->name, table_names[get_number(field, record)]);
		else
			json_number(json, field->name, (int64_t)get_number(field, record));
	}
}

static void json_parts(struct json *json, const char *key, const struct part *parts, size_t count)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(json, NULL, '{');
		json_fields(json, LINE_PART, &parts[i]);
		json_close(json, '}');
	}
	json_close(json, ']');
}

int disks_json(const struct machine *machine, FILE *out)
{
	struct json json = {.out = out};

	json_open(&json, NULL, '{');
	json_fields(&json, LINE_MACHINE, machine);
	json_open(&json, "disks", '[');
	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct disk *disk = &machine->disks[i];

		json_open(&json, NULL, '{');
		json_fields(&json, LINE_DISK, disk);
		json_parts(&json, "parts", disk->parts, disk->part_count);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_open(&json, "groups", '[');
	for (size_t i = 0; i < machine->group_count; i++) {
		const struct group *group = &machine->groups[i];

		json_open(&json, NULL, '{');
		json_fields(&json, LINE_GROUP, group);
		json_parts(&json, "volumes", group->volumes, group->volume_count);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
	return ferror(out) ? -EIO : 0;
}

/* --- Reading ------------------------------------------------------------ */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int read_text(const struct field *field, char *record, const char *value)
{
	char *text = record + field->at;
	size_t length = 0;

	for (; *value; value++) {
		int c = (unsigned char)*value;

		if (c == '%') {
			int high = hex_digit(value[1]);
			int low = high < 0 ? -1 : hex_digit(value[2]);

			if (low < 0)
				return -EINVAL;
			c = high << 4 | low;
			value += 2;
		}
		/* A NUL would hide what follows it. */
		if (!c || length + 1 >= field->size)
			return -EINVAL;
		text[length++] = (char)c;
	}
	text[length] = '\0';
	return 0;
}

static int read_digits(const char *text, uint64_t most, uint64_t *value)
{
	if (!*text)
		return -EINVAL;
	for (*value = 0; *text; text++) {
		unsigned digit = (unsigned char)*text - '0';

		if (digit > 9 || *value > (most - digit) / 10)
			return -EINVAL;
		*value = *value * 10 + digit;
	}
	return 0;
}

static int read_word(const char *text, const char *const *words, size_t count, uint64_t *value)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(text, words[i])) {
			*value = i;
			return 0;
		}
	return -EINVAL;
}

static int read_value(const struct field *field, char *record, const char *text)
{
	static const char *const flags[] = {"no", "yes"};
	uint64_t value = 0;
	int ret;

	if (field->kind == TEXT)
		return read_text(field, record, text);
	if (field->kind == FLAG)
		ret = read_word(text, flags, COUNT(flags), &value);
	else if (field->kind == TABLE)
		ret = read_word(text, table_names, COUNT(table_names), &value);
	else
		ret = read_digits(text, field->kind == NUMBER ? UINT32_MAX : UINT64_MAX, &value);
	if (!ret)
		set_number(field, record, value);
	return ret;
}

/* "key=value key=value", each key once. */
static int read_fields(enum line line, char *record, char *words)
{
	uint64_t seen = 0;

	_Static_assert(COUNT(part_fields) <= 64 && COUNT(disk_fields) <= 64, "a bit for each");
	for (char *word = strtok_r(words, " \t", &words); word;
		word = strtok_r(NULL, " \t", &words)) {
		char *value = strchr(word, '=');
		size_t i;

		if (!value)
			return -EINVAL;
		*value++ = '\0';
		for (i = 0; i < lines[line].count; i++)
			if (!strcmp(word, lines[line].fields[i].name))
				break;
		if (i == lines[line].count || (seen >> i & 1) ||
			read_value(&lines[line].fields[i], record, value))
			return -EINVAL;
		seen |= (uint64_t)1 << i;
	}
	return 0;
}

/* The record that a line fills; -EINVAL when what it belongs to is not there. */
static int add_record(struct machine *machine, enum line line, void **record)
{
	*record = NULL;
	if (line == LINE_MACHINE) {
		*record = machine;
	} else if (line == LINE_DISK) {
		*record = disks_add(machine);
	} else if (line == LINE_GROUP) {
		*record = disks_add_group(machine);
	} else if (line == LINE_PART) {
		if (!machine->disk_count)
			return -EINVAL;
		*record = disks_add_part(&machine->disks[machine->disk_count - 1]);
	} else {
		if (!machine->group_count)
			return -EINVAL;
		*record = disks_add_volume(&machine->groups[machine->group_count - 1]);
	}
	return *record ? 0 : -ENOMEM;
}

static int read_line(struct machine *machine, char *text, bool *machine_seen)
{
	size_t length = strcspn(text, " \t");
	char *words = text + length + (text[length] != '\0');
	enum line line;
	void *record;
	int ret;

	text[length] = '\0';
	for (line = 0; line < LINES; line++)
		if (!strcmp(text, lines[line].name))
			break;
	if (line == LINES || (line == LINE_MACHINE && *machine_seen))
		return -EINVAL;
	*machine_seen |= line == LINE_MACHINE;
	ret = add_record(machine, line, &record);
	return ret ? ret : read_fields(line, record, words);
}

int disks_read(FILE *in, struct machine *machine, unsigned *line)
{
	bool machine_seen = false;
	char *text = NULL;
	size_t size = 0;
	ssize_t length;
	int ret = 0;

	memset(machine, 0, sizeof(*machine));
	*line = 0;
	errno = 0;
	while (!ret && (length = getline(&text, &size, in)) > 0) {
		++*line;
		if (text[length - 1] == '\n')
			text[--length] = '\0';
		if (strlen(text) != (size_t)length)
			ret = -EINVAL;
		else if (*text && *text != '#')
			ret = read_line(machine, text, &machine_seen);
	}
	if (!ret && !feof(in))
		ret = errno == ENOMEM ? -ENOMEM : -EIO;
	free(text);
	return ret;
}
