/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posada-install: shows this machine's disks, and will write Posada onto one of them. */
#include <errno.h>
#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include "probe.h"
#include "text.h"

#define _(text)	 gettext(text)
#define N_(text) text

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DONE = 0, FAILED = 1, USAGE = 2 };

static int run_probe(char **words);

static const struct verb {
	const char *name;
	const char *options;
	const char *help;
	int (*run)(char **words); /* what follows the verb; returns an exit status */
} verbs[] = {
	{"probe", "[--json | --text]", N_("the disks of this machine, and what is on them"),
		run_probe},
};

static int usage(FILE *out, int status)
{
	fputs(_("Usage: posada install COMMAND\n\n"), out);
	for (size_t i = 0; i < COUNT(verbs); i++)
		fprintf(out, "  %-8s%-20s%s\n", verbs[i].name, verbs[i].options, _(verbs[i].help));
	fputs(_("\n--json prints JSON for programs, --text lines of KEY=VALUE.\n"
		"Exit status: 0 done, 1 failed, 2 wrong usage.\n"),
		out);
	return status;
}

static int failed(const char *what, int ret)
{
	char clean[256];

	fprintf(stderr, _("posada install: %s: %s\n"),
		posada_text_clean(what, clean, sizeof(clean)), strerror(-ret));
	return FAILED;
}

/* --- A table 80 columns wide -------------------------------------------- */

#define COLUMNS 5

static const int widths[COLUMNS] = {14, 10, 12, 11, 29};

/* Prints TEXT, which is clean or not, in WIDTH columns; what does not fit is cut. */
static void put_cell(const char *text, int width, bool last, FILE *out)
{
	char clean[256];
	const char *end = clean;
	int used = 0;

	posada_text_clean(*text ? text : "-", clean, sizeof(clean));
	for (; *end && used < width; used++)
		do
			end++;
		while (((unsigned char)*end & 0xc0) == 0x80);
	if (*end) {
		/* One character less, and a sign that there was more. */
		do
			end--;
		while (((unsigned char)*end & 0xc0) == 0x80);
		fprintf(out, "%.*s~", (int)(end - clean), clean);
	} else {
		fputs(clean, out);
	}
	fprintf(out, "%*s", last ? 0 : width - used + 1, "");
	if (last)
		putc('\n', out);
}

static void put_row(FILE *out, const char *const cells[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++)
		put_cell(cells[i], widths[i], i + 1 == COLUMNS, out);
}

/* Appends WORD, behind a comma if something is there. */
static void join(char *text, size_t size, const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", length && *word ? ", " : "", word);
}

/* What else is to be known of the line above. */
static void put_notes(const char *notes, FILE *out)
{
	if (!*notes)
		return;
	fputs("    ", out);
	put_cell(notes, 76, true, out);
}

static void put_part(const struct part *part, FILE *out)
{
	char name[72], size[32], text[160], notes[512] = "";

	snprintf(name, sizeof(name), "  %s", part->name);
	put_row(out, (const char *const[]){name, posada_size_text(part->size, size, sizeof(size)),
			     part->content, part->label, part->system});
	join(notes, sizeof(notes), part->posada ? _("has Posada") : "");
	join(notes, sizeof(notes), part->dirty ? _("not unmounted cleanly") : "");
	join(notes, sizeof(notes), part->hibernated ? _("asleep") : "");
	if (*part->group) {
		snprintf(text, sizeof(text), _("belongs to %s"), part->group);
		join(notes, sizeof(notes), text);
	}
	if (*part->mounted) {
		snprintf(text, sizeof(text), _("mounted on %s"), part->mounted);
		join(notes, sizeof(notes), text);
	}
	put_notes(notes, out);
}

static void put_disk(const struct disk *disk, FILE *out)
{
	const char *const tables[] = {_("no table"), "GPT", "DOS", _("damaged")};
	char size[32], notes[256] = "";

	put_row(out,
		(const char *const[]){disk->name, posada_size_text(disk->size, size, sizeof(size)),
			tables[disk->table], disk->transport, disk->model});
	join(notes, sizeof(notes), disk->medium ? _("this host was started from it") : "");
	join(notes, sizeof(notes), disk->in_use ? _("in use") : "");
	join(notes, sizeof(notes), disk->failing ? _("failing") : "");
	join(notes, sizeof(notes), disk->read_only ? _("read only") : "");
	put_notes(notes, out);
	for (size_t i = 0; i < disk->part_count; i++)
		put_part(&disk->parts[i], out);
}

static void put_group(const struct group *group, FILE *out)
{
	char size[32], notes[64];

	snprintf(notes, sizeof(notes), _("%s free"),
		posada_size_text(group->free, size, sizeof(size)));
	put_row(out, (const char *const[]){group->name, "", _("group"), "", notes});
	for (size_t i = 0; i < group->volume_count; i++)
		put_part(&group->volumes[i], out);
}

static int put_machine(const struct machine *machine, FILE *out)
{
	if (!machine->disk_count)
		fputs(_("This machine has no disks.\n"), out);
	else
		put_row(out, (const char *const[]){
				     _("NAME"), _("SIZE"), _("CONTENT"), _("LABEL"), _("SYSTEM")});
	for (size_t i = 0; i < machine->disk_count; i++)
		put_disk(&machine->disks[i], out);
	for (size_t i = 0; i < machine->group_count; i++)
		put_group(&machine->groups[i], out);
	return ferror(out) ? -EIO : 0;
}

/* --- Commands ----------------------------------------------------------- */

static int run_probe(char **words)
{
	int (*print)(const struct machine *machine, FILE *out) = put_machine;
	struct machine machine;
	char *why = NULL;
	int ret;

	if (*words && !strcmp(*words, "--json"))
		print = disks_json;
	else if (*words && !strcmp(*words, "--text"))
		print = disks_write;
	else if (*words)
		return usage(stderr, USAGE);
	if (*words && words[1])
		return usage(stderr, USAGE);
	ret = probe_machine(&machine, "/sys", &why);
	if (ret) {
		ret = failed(why ? why : _("the disks"), ret);
		free(why);
		return ret;
	}
	ret = print(&machine, stdout);
	disks_free(&machine);
	return ret ? FAILED : DONE;
}

int main(int argc, char **argv)
{
	int status = -1;

	setlocale(LC_ALL, "");
	textdomain("posada");
	if (argc < 2)
		return usage(stderr, USAGE);
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return usage(stdout, DONE);
	for (size_t i = 0; i < COUNT(verbs) && status < 0; i++)
		if (!strcmp(argv[1], verbs[i].name))
			status = verbs[i].run(argv + 2);
	if (status < 0)
		return usage(stderr, USAGE);
	/* What filled the buffer before now has failed unnoticed. */
	if (fflush(stdout) || ferror(stdout))
		return failed(_("the output"), -EIO);
	return status;
}
