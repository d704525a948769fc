/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posada-install: shows this machine's disks, writes Posada onto one of them, brings it up to date,
 * and takes it off again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "answers.h"
#include "apply.h"
#include "efi.h"
#include "json.h"
#include "origin.h"
#include "payload.h"
#include "place.h"
#include "plan.h"
#include "probe.h"
#include "program.h"
#include "text.h"
#include "update.h"
#include "versions.h"

static int run_probe(char **words);
static int run_plan(char **words);
static int run_apply(char **words);
static int run_undo(char **words);
static int run_update(char **words);
static int run_versions(char **words);
static int run_confirm(char **words);
static int run_mirror(char **words);
static int run_origin(char **words);
static int run_next(char **words);

#define WISH "DISK [--whole-disk [--mirror DISK] | --stick] [--start SYSTEM] [--timeout SECONDS]"

static const struct verb verbs[] = {
	{"probe", "[--json | --text]", N_("the disks of this machine, and what is on them"),
		run_probe},
	{"plan", WISH " [--json]", N_("what an installation would do, without doing it"), run_plan},
	{"apply", WISH, N_("show the plan, ask, and install"), run_apply},
	{"apply", "--answers FILE", N_("install as the file says, and ask nothing"), run_apply},
	{"undo", "DISK", N_("take Posada off a disk; what was there starts as before"), run_undo},
	{"update", "FILE | ADDRESS | stick [--allow-older] [--disk DISK]",
		N_("write a new version beside the one that is there, and try it at the next start"),
		run_update},
	{"versions", "[--disk DISK] [--json]", N_("the versions on a disk"), run_versions},
	{"next", "[ENTRY | none] [--json]",
		N_("have the firmware (UEFI) start something else next, once; without ENTRY, what it knows"),
		run_next},
	{"mirror", "[--check]",
		N_("write what this host was started from to the other disk of its mirror; --check: only see whether they differ"),
		run_mirror},
	{"origin", "",
		N_("have the boot menu start the BIOS system beside Posada with the disk's partition table as it is now (the host does this at its start)"),
		run_origin},
	{"confirm", "",
		N_("the version that is being tried works: keep it (the host does this by itself)"),
		run_confirm},
};

static void explain(FILE *out)
{
	fputs(_("--whole-disk takes the disk for Posada alone: what is on it is lost. --stick does so with\n"
		"a stick, which starts on any machine, and leaves its rest free. Without these Posada is written\n"
		"beside what is there. --mirror takes a second disk, which holds the same: either starts alone,\n"
		"and what is kept outlasts the loss of one. --start is what starts by itself: posada (it does unless told\n"
		"otherwise), origin (the first other system), or a system by its name in the plan, or by how that begins;\n"
		"--timeout is how long the boot menu waits, 1 to 3600 seconds (5).\n"
		"An update from a stick takes the newest of those that have Posada, however it came there, or a CD.\n"
		"--json prints JSON for programs, --text lines of KEY=VALUE.\n"),
		out);
}

static const struct program program = {"posada install", verbs, COUNT(verbs), explain};

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
	for (size_t i = 0; i < PART_MORE && *part->more[i].loader; i++) {
		snprintf(text, sizeof(text), _("starts %s, too"), part->more[i].name);
		join(notes, sizeof(notes), text);
	}
	join(notes, sizeof(notes), part->posada ? _("has Posada") : "");
	join(notes, sizeof(notes), part->dirty ? _("not unmounted cleanly") : "");
	join(notes, sizeof(notes), part->hibernated ? _("asleep") : "");
	if (*part->guest) {
		snprintf(text, sizeof(text), _("a disk of the guest %s"), part->guest);
		join(notes, sizeof(notes), text);
	}
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
	char size[32], text[128], notes[256] = "";

	put_row(out,
		(const char *const[]){disk->name, posada_size_text(disk->size, size, sizeof(size)),
			tables[disk->table], disk->transport, disk->model});
	if (*disk->serial) {
		snprintf(text, sizeof(text), _("serial %s"), disk->serial);
		join(notes, sizeof(notes), text);
	}
	if (disk->boot_code) {
		snprintf(text, sizeof(text), _("boot code: %s"),
			*disk->boot_loader ? disk->boot_loader : _("not known"));
		join(notes, sizeof(notes), text);
	}
	put_notes(notes, out);
	*notes = '\0';
	join(notes, sizeof(notes), disk->medium ? _("this host was started from it") : "");
	join(notes, sizeof(notes), disk->in_use ? _("in use") : "");
	if (*disk->guest) {
		snprintf(text, sizeof(text), _("a disk of the guest %s"), disk->guest);
		join(notes, sizeof(notes), text);
	}
	if (*disk->adopted) {
		snprintf(text, sizeof(text), _("adopted as the guest %s"), disk->adopted);
		join(notes, sizeof(notes), text);
	}
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
		return program_usage(&program);
	if (*words && words[1])
		return program_usage(&program);
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

/* /dev/sda is sda. */
static const char *disk_name(const char *word)
{
	return strncmp(word, "/dev/", 5) ? word : word + 5;
}

/* What is wished, and whether the plan is for programs. The disks' names stay in words. */
static int read_wish(char **words, struct plan_wish *wish, bool *json)
{
	char rest;

	*wish = (struct plan_wish){.timeout = PLAN_TIMEOUT};
	for (; *words; words++) {
		if (!strcmp(*words, "--whole-disk"))
			wish->layout = PLAN_WHOLE;
		else if (!strcmp(*words, "--stick"))
			wish->layout = PLAN_STICK;
		else if (!strcmp(*words, "--start") && words[1] && *words[1])
			wish->start = *++words;
		else if (json && !strcmp(*words, "--json"))
			*json = true;
		else if (!strcmp(*words, "--timeout") && words[1] &&
			 sscanf(words[1], "%u%c", &wish->timeout, &rest) == 1 &&
			 wish->timeout >= PLAN_TIMEOUT_LEAST && wish->timeout <= PLAN_TIMEOUT_MOST)
			words++;
		else if (!strcmp(*words, "--mirror") && words[1] && !wish->mirror)
			wish->mirror = disk_name(*++words);
		else if (**words != '-' && !wish->disk)
			wish->disk = disk_name(*words);
		else
			return -EINVAL;
	}
	return wish->disk ? 0 : -EINVAL;
}

/* The machine, and what of ourselves would be written; after a failure it has been told. */
static int look(struct plan_wish *wish, struct machine *machine)
{
	char *why = NULL;
	int ret = payload_size(PAYLOAD_ROOT, &wish->payload, &why);

	if (!ret)
		ret = probe_machine(machine, "/sys", &why);
	if (ret)
		failed(why ? why : _("the disks"), ret);
	free(why);
	return ret ? -EIO : 0;
}

/* The plan for WISH on this machine; -EPERM when it is refused. */
static int make_plan(struct plan_wish *wish, struct machine *machine, struct plan *plan)
{
	int ret = look(wish, machine);

	return ret ? ret : plan_make(machine, wish, plan);
}

static int run_plan(char **words)
{
	struct machine machine = {0};
	struct plan_wish wish;
	struct plan plan;
	bool json = false;
	int ret;

	if (read_wish(words, &wish, &json))
		return program_usage(&program);
	ret = make_plan(&wish, &machine, &plan);
	if (!ret || (ret == -EPERM && json))
		ret = (json ? plan_json(&plan, stdout) : plan_print(&plan, &machine, stdout)) ||
		      ret;
	else if (ret == -EPERM)
		fprintf(stderr, "posada install: %s\n", plan.refusal);
	disks_free(&machine);
	return ret ? FAILED : DONE;
}

/* Whoever means it types the disk's name. */
static bool confirmed(const char *disk)
{
	char line[64];

	if (!isatty(0)) {
		fputs(_("posada install: nothing was written, for there is no terminal to ask at.\n"),
			stderr);
		return false;
	}
	printf(_("Type the disk's name, %s, to go on: "), disk);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, disk))
			return true;
	}
	fputs(_("posada install: that is not the disk's name, so nothing was written.\n"), stderr);
	return false;
}

/* What is set and made on the live system moves along, where the plan has a place for it. */
static int move_along(const struct plan *plan, const struct machine *machine)
{
	struct place_progress progress = {.report = program_goes_on};
	char why[PLACE_TEXT];
	struct place place;

	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->action != PLAN_FORMAT || step->role != PLAN_DATA)
			continue;
		program_begin_copying();
		if (place_use(step->part, &progress, why)) {
			fprintf(stderr,
				_("posada install: settings and guests did not move along: %s \"posada storage attach\" or \"move\" tries again.\n"),
				why);
			return FAILED;
		}
		printf(_("Settings and guests are on %s now.\n"), step->part);
		if (*why)
			puts(why);
	}
	if (place_current(&place))
		puts(_("Settings and guests still live in memory: \"posada storage create\" keeps them."));
	else if (disks_on_medium(machine, place.name))
		printf(_("Settings and guests stay on the medium (%s). Leave it plugged in, or \"posada storage create\" makes a data place on another disk and copies them there.\n"),
			place.name);
	return DONE;
}

static int carry_out(const struct plan *plan, const struct machine *machine)
{
	struct apply_result result = {0};
	const char *last = NULL;
	char why[APPLY_TEXT];
	const struct apply_options options = {.progress = program_progress, .opaque = &last};

	program_begin_writing();
	if (apply_plan(plan, &options, &result, why)) {
		fprintf(stderr, "posada install: %s\n", why);
		return FAILED;
	}
	apply_introduce(&result);
	for (size_t i = 0; payload_names[i]; i++)
		printf("%s  %s\n", result.sha256[i], payload_names[i]);
	if (*result.note)
		printf("%s\n", result.note);
	if (*plan->mirror)
		printf(_("Posada is on %s and on %s.\n"), plan->disk, plan->mirror);
	else
		printf(_("Posada is on %s.\n"), plan->disk);
	/* A stick begins a life of its own. */
	return plan->layout == PLAN_STICK ? DONE : move_along(plan, machine);
}

/* Nobody is asked: whatever the answers leave unclear is refused. */
static int apply_answers(const char *path)
{
	struct machine machine = {0};
	struct answers answers;
	char why[PLAN_TEXT] = "";
	struct plan plan;
	FILE *file = fopen(path, "re");
	int status = FAILED, ret;

	if (!file)
		return failed(path, -errno);
	ret = answers_read(file, &answers, why);
	fclose(file);
	if (!ret)
		ret = look(&answers.wish, &machine);
	if (!ret)
		ret = answers_choose(&answers, &machine, why);
	if (*why)
		fprintf(stderr, _("posada install: %s. Nothing was written.\n"), why);
	else if (!ret && plan_make(&machine, &answers.wish, &plan))
		fprintf(stderr, _("posada install: %s Nothing was written.\n"), plan.refusal);
	else if (!ret && !plan_print(&plan, &machine, stdout))
		status = carry_out(&plan, &machine);
	disks_free(&machine);
	return status;
}

static int run_apply(char **words)
{
	struct machine machine = {0};
	struct plan_wish wish;
	struct plan plan;
	int status = FAILED, ret;

	if (words[0] && !strcmp(words[0], "--answers") && words[1] && !words[2])
		return apply_answers(words[1]);
	if (read_wish(words, &wish, NULL))
		return program_usage(&program);
	ret = make_plan(&wish, &machine, &plan);
	if (ret == -EPERM)
		fprintf(stderr, "posada install: %s\n", plan.refusal);
	if (!ret && !plan_print(&plan, &machine, stdout) && confirmed(plan.disk) &&
		(!*plan.mirror || confirmed(plan.mirror)))
		status = carry_out(&plan, &machine);
	disks_free(&machine);
	return status;
}

static int take_back(const struct plan_wish *wish, const struct part *part)
{
	const struct apply_options options = {0};
	char why[APPLY_TEXT];
	bool exact;

	program_begin_writing();
	if (apply_undo(wish->disk, part, &options, &exact, why)) {
		fprintf(stderr, _("posada install: the installation was not taken back: %s.\n"),
			why);
		return FAILED;
	}
	printf(exact ? _("Posada is off %s, which starts as it did before.\n")
		     : _("Posada is off %s. %s\n"),
		wish->disk, why);
	if (exact && *why)
		puts(why);
	return DONE;
}

static int run_undo(char **words)
{
	const struct part *part = NULL;
	struct machine machine = {0};
	char reason[APPLY_TEXT] = "";
	struct plan_wish wish;
	char *why = NULL;
	int status = FAILED, ret;

	if (read_wish(words, &wish, NULL))
		return program_usage(&program);
	ret = probe_machine(&machine, "/sys", &why);
	if (ret)
		failed(why ? why : _("the disks"), ret);
	else
		snprintf(reason, sizeof(reason), _("There is no disk %s."), wish.disk);
	free(why);
	for (size_t i = 0; i < machine.disk_count; i++)
		if (!strcmp(machine.disks[i].name, wish.disk))
			part = apply_find(&machine, &machine.disks[i], NULL, reason);
	if (!ret && !part)
		fprintf(stderr, "posada install: %s\n", reason);
	if (part && confirmed(wish.disk))
		status = take_back(&wish, part);
	disks_free(&machine);
	return status;
}

/* --- Versions ----------------------------------------------------------- */

struct target {
	struct machine machine;
	const struct disk *disk;
	const struct part *part;
	struct versions_twin twin;
};

/* The installation on the disk NAME, or on the one that this host was started from. After a failure
 * it has been told. The caller frees the machine. */
static int find_target(struct target *target, const char *name)
{
	char reason[APPLY_TEXT], *why = NULL;
	int ret;

	*target = (struct target){0};
	if (name && !strncmp(name, "/dev/", 5))
		name += 5;
	ret = probe_machine(&target->machine, "/sys", &why);
	if (ret) {
		failed(why ? why : _("the disks"), ret);
		free(why);
		return ret;
	}
	target->part = versions_find(&target->machine, name, &target->disk, reason);
	if (target->part) {
		versions_find_twin(&target->machine, target->part, &target->twin);
		return 0;
	}
	fprintf(stderr, "posada install: %s\n", reason);
	return -ENOENT;
}

static int update_from(const char *where, bool older, const char *name)
{
	struct update_source *source = NULL;
	const char *last = NULL;
	char why[UPDATE_TEXT];
	const struct apply_options options = {.progress = program_progress, .opaque = &last};
	struct update_found found;
	struct versions_boot boot;
	struct target target;
	int ret = find_target(&target, name);

	if (ret)
		goto out;
	versions_this_boot(&boot);
	if (!strcmp(where, "stick")) {
		ret = update_find("/sys/class/block", "/dev", boot.medium, &target.machine,
			target.part, &found);
		if (ret) {
			fputs(_("posada install: no stick or CD with an update is plugged in. A stick that was made by an older version of Posada itself has none.\n"),
				stderr);
			goto out;
		}
		where = found.path;
		printf(found.own ? _("Version %s is on %s, which this host was started from.\n")
				 : _("Version %s is on %s.\n"),
			found.version, found.path);
	}
	ret = update_open(where, UPDATE_KEY, &source, why);
	if (!ret) {
		program_begin_cancellable();
		update_watch(source, program_goes_on);
		ret = versions_update(target.disk->name, target.part, &target.twin, source, older,
			target.disk->medium ? boot.slot : 0, &options, why);
	}
	if (ret)
		fprintf(stderr, "posada install: %s.\n", why);
	else
		printf(_("Version %s is on %s. It is tried when this host starts next; if it does not come up, the version before it starts again.\n"),
			update_about(source)->version, target.part->name);
out:
	disks_free(&target.machine);
	update_close(source);
	return ret ? FAILED : DONE;
}

static int run_update(char **words)
{
	const char *where = NULL, *disk = NULL;
	bool older = false;

	for (; *words; words++) {
		if (!strcmp(*words, "--allow-older"))
			older = true;
		else if (!strcmp(*words, "--disk") && words[1])
			disk = *++words;
		else if (**words != '-' && !where)
			where = *words;
		else
			return program_usage(&program);
	}
	return where ? update_from(where, older, disk) : program_usage(&program);
}

static void put_versions(const struct versions *versions, char runs)
{
	const char *const states[VERSION_STATES] = {
		[VERSION_GOOD] = _("starts"),
		[VERSION_OTHER] = _("can be chosen in the boot menu"),
		[VERSION_NEXT] = _("is tried at the next start"),
		[VERSION_TRIED] = _("was tried, and did not come up"),
	};

	for (size_t i = 0; i < VERSIONS; i++) {
		char slot = (char)('a' + i);

		if (!versions->slots[i].state)
			continue;
		printf("%c  %-20s %s%s\n", slot, versions->slots[i].version,
			slot == runs && versions->slots[i].state == VERSION_TRIED
				? _("is being tried")
				: states[versions->slots[i].state],
			slot == runs ? _(", runs now") : "");
	}
}

static void json_versions(const struct versions *versions, char runs)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '[');
	for (size_t i = 0; i < VERSIONS; i++) {
		const char slot[] = {(char)('a' + i), '\0'};

		if (!versions->slots[i].state)
			continue;
		json_open(&json, NULL, '{');
		json_string(&json, "slot", slot);
		json_string(&json, "version", versions->slots[i].version);
		json_string(&json, "state", version_states[versions->slots[i].state]);
		json_bool(&json, "runs", *slot == runs);
		json_close(&json, '}');
	}
	json_close(&json, ']');
}

static int run_versions(char **words)
{
	const struct apply_options options = {0};
	struct versions versions;
	struct target target;
	const char *disk = NULL;
	struct versions_boot boot;
	char why[APPLY_TEXT];
	bool json = false;
	int ret;

	for (; *words; words++) {
		if (!strcmp(*words, "--json"))
			json = true;
		else if (!strcmp(*words, "--disk") && words[1])
			disk = *++words;
		else
			return program_usage(&program);
	}
	ret = find_target(&target, disk);
	if (!ret) {
		ret = versions_read(target.disk->name, target.part, &options, &versions, why);
		if (ret)
			fprintf(stderr, "posada install: %s.\n", why);
	}
	if (!ret) {
		versions_this_boot(&boot);
		(json ? json_versions : put_versions)(
			&versions, target.disk->medium ? boot.slot : 0);
	}
	disks_free(&target.machine);
	return ret ? FAILED : DONE;
}

static int run_confirm(char **words)
{
	const struct apply_options options = {0};
	struct versions_boot boot;
	struct target target;
	char why[APPLY_TEXT];
	int ret;

	if (*words)
		return program_usage(&program);
	versions_this_boot(&boot);
	ret = find_target(&target, NULL);
	if (!ret) {
		ret = versions_confirm(target.disk->name, target.part, &target.twin,
			boot.trial ? boot.slot : 0, &options, why);
		if (ret)
			fprintf(stderr, "posada install: %s.\n", why);
	}
	disks_free(&target.machine);
	return ret ? FAILED : DONE;
}

static int run_mirror(char **words)
{
	const char *last = NULL;
	const struct apply_options options = {.progress = program_progress, .opaque = &last};
	struct target target;
	char why[APPLY_TEXT];
	bool check = *words && !strcmp(*words, "--check");
	int ret;

	if (words[check ? 1 : 0])
		return program_usage(&program);
	ret = find_target(&target, NULL);
	if (!ret && !*target.part->mirror && !check) {
		ret = -ENOENT;
		fprintf(stderr, _("posada install: %s is not one of a mirror's two disks.\n"),
			target.disk->name);
	} else if (!ret && !target.twin.part && !check) {
		ret = -ENODEV;
		fputs(_("posada install: the other disk of the mirror is missing. \"posada storage repair DISK\" takes another one in.\n"),
			stderr);
	}
	if (!ret) {
		ret = versions_level(
			target.disk->name, target.part, &target.twin, !check, &options, why);
		if (ret)
			fprintf(stderr, "posada install: %s.\n", why);
		else if (!check)
			printf(_("%s holds what is on %s.\n"), target.twin.part->name,
				target.part->name);
	}
	disks_free(&target.machine);
	return ret ? FAILED : DONE;
}

static int run_origin(char **words)
{
	const struct apply_options options = {0};
	struct target target;
	char why[APPLY_TEXT];
	bool changed;
	int ret;

	if (*words)
		return program_usage(&program);
	ret = find_target(&target, NULL);
	if (!ret) {
		ret = origin_refresh(target.disk->name, target.part, &options, &changed, why);
		if (ret)
			fprintf(stderr, "posada install: %s.\n", why);
		else if (changed)
			printf(_("The partition table of %s has changed; the boot menu has it as it is now.\n"),
				target.disk->name);
	}
	disks_free(&target.machine);
	return ret ? FAILED : DONE;
}

/* --- The firmware's entries ---------------------------------------------- */

static void put_entries(const struct efi_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct efi_entry *entry = &entries->items[i];

		if (entry->offered)
			printf("%04X  %s%s%s\n", entry->number, entry->title,
				entry->number == entries->current ? _(", started now") : "",
				entry->number == entries->next ? _(", starts next") : "");
	}
}

static void json_entries(const struct efi_entries *entries)
{
	struct json json = {.out = stdout};
	char number[5];

	json_open(&json, NULL, '[');
	for (size_t i = 0; i < entries->count; i++) {
		const struct efi_entry *entry = &entries->items[i];

		snprintf(number, sizeof(number), "%04X", entry->number);
		json_open(&json, NULL, '{');
		json_string(&json, "number", number);
		json_string(&json, "title", entry->title);
		json_string(&json, "partition", *entry->part ? entry->part : NULL);
		json_string(&json, "path", *entry->path ? entry->path : NULL);
		json_bool(&json, "offered", entry->offered);
		json_bool(&json, "current", entry->number == entries->current);
		json_bool(&json, "next", entry->number == entries->next);
		json_close(&json, '}');
	}
	json_close(&json, ']');
}

static int start_next(const struct efi_entries *entries, const char *name)
{
	const struct efi_entry *entry = efi_find(entries, name);
	bool none = !strcmp(name, "none");
	int ret;

	if (!entry && !none) {
		fprintf(stderr,
			_("posada install: the firmware has no entry %s. \"posada install next\" lists what it knows.\n"),
			name);
		return FAILED;
	}
	ret = efi_set_next(EFI_VARIABLES, none ? -1 : entry->number);
	if (ret)
		return failed(_("the firmware's entry"), ret);
	if (none)
		puts(_("The next start is as always."));
	else
		printf(_("%s starts next, once.\n"), entry->title);
	return DONE;
}

static int run_next(char **words)
{
	struct efi_entries entries;
	const char *name = NULL;
	bool json = false;
	int ret;

	for (; *words; words++) {
		if (!strcmp(*words, "--json"))
			json = true;
		else if (**words != '-' && !name)
			name = *words;
		else
			return program_usage(&program);
	}
	if (name && json)
		return program_usage(&program);
	ret = access(EFI_VARIABLES, F_OK) ? -ENOTSUP : efi_list(EFI_VARIABLES, &entries);
	if (ret == -ENOTSUP)
		fputs(_("posada install: this host was not started by UEFI firmware.\n"), stderr);
	else if (ret)
		failed(_("the firmware's entries"), ret);
	if (ret)
		return FAILED;
	if (name)
		return start_next(&entries, name);
	(json ? json_entries : put_entries)(&entries);
	return DONE;
}

int main(int argc, char **argv)
{
	return program_run(&program, argc, argv);
}
