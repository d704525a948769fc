/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posada-storage: makes the data place, takes it into use and lets go of it; gives disks to volume
 * groups. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "adopted.h"
#include "apply.h"
#include "confirm.h"
#include "group.h"
#include "place.h"
#include "plan.h"
#include "posada.h"
#include "probe.h"
#include "program.h"

static int run_create(char **words);
static int run_attach(char **words);
static int run_move(char **words);
static int run_detach(char **words);
static int run_group(char **words);
static int run_repair(char **words);
static int run_check(char **words);

static const struct verb verbs[] = {
	{"create", "DISK|PARTITION|GROUP [--whole-disk] [--confirm NAME]",
		N_("make a data place, and use it: settings, guests and media outlast a reboot"),
		run_create},
	{"attach", "[PARTITION|UUID]", N_("use the data place that is there"), run_attach},
	{"move", "PARTITION|UUID",
		N_("copy everything to another data place and use that; guests may pause meanwhile"),
		run_move},
	{"detach", "", N_("let go of it; what is on it stays there"), run_detach},
	{"group", "NAME DISK|PARTITION [--extend] [--confirm DISK|PARTITION]",
		N_("make a volume group for a pool, or give one that is there a disk more, which loses what it holds"),
		run_group},
	{"repair", "DISK [--confirm DISK]",
		N_("take a disk, which loses what it holds, in place of one that a mirror has lost"),
		run_repair},
	{"list", "[--json]", N_("the volumes of the guests"), NULL},
	{"check", "", NULL, run_check}, /* libposada's */
};

static void explain(FILE *out)
{
	fputs(_("On a disk, a data place takes the largest room that no partition has, also on the stick that\n"
		"this host was started from; with --whole-disk it takes the disk, and what is on it is lost. A\n"
		"partition that is named loses what it holds; in a volume group it is a new volume.\n"
		"--confirm NAME answers what would be asked.\n"),
		out);
}

static const struct program program = {"posada storage", verbs, COUNT(verbs), explain};

static int failed(const char *why)
{
	fprintf(stderr, "posada storage: %s\n", why);
	return FAILED;
}

/* --- Making one --------------------------------------------------------- */

/* NAME may be a disk, a partition, or a group, which is on the disk where it has most room. */
static void point_at(const struct machine *machine, const char *name, struct plan_wish *wish)
{
	uint64_t room = 0;

	wish->disk = name;
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++) {
			const struct part *part = &machine->disks[i].parts[j];
			bool member = !strcmp(part->group, name);

			if (member ? wish->part && part->room <= room
				   : !part->number || strcmp(part->name, name) != 0)
				continue;
			room = part->room;
			wish->disk = machine->disks[i].name;
			wish->part = name;
		}
}

/* RET and WHY are what came of the attempt. */
static int end_use(const char *name, int ret, const char *why)
{
	if (ret)
		return failed(why);
	printf(_("%s is the data place of this host now.\n"), name);
	if (*why)
		puts(why);
	return DONE;
}

static int use(const char *name)
{
	struct place_progress progress = {.report = program_goes_on};
	char why[PLACE_TEXT];
	int ret;

	program_begin_copying();
	ret = place_use(name, &progress, why);
	return end_use(name, ret, why);
}

static int create(const struct machine *machine, const struct plan_wish *wish, const char *confirm)
{
	struct apply_result result;
	const char *last = NULL, *name = wish->part ? wish->part : wish->disk;
	const struct apply_options options = {.progress = program_progress, .opaque = &last};
	char why[APPLY_TEXT];
	struct plan plan;

	if (plan_make(machine, wish, &plan))
		return failed(plan.refusal);
	if (plan_print(&plan, machine, stdout) || !confirm_name(program.name, name, confirm))
		return FAILED;
	program_begin_writing();
	if (apply_plan(&plan, &options, &result, why))
		return failed(why);
	return use(plan_find(&plan, PLAN_FORMAT)->part);
}

static int run_create(char **words)
{
	struct plan_wish wish = {.layout = PLAN_PLACE};
	const char *name = NULL, *confirm = NULL;
	struct machine machine = {0};
	char *why = NULL;
	int status;

	for (; *words; words++) {
		if (!strcmp(*words, "--whole-disk"))
			wish.whole = true;
		else if (!strcmp(*words, "--confirm") && words[1])
			confirm = *++words;
		else if (**words != '-' && !name)
			name = strncmp(*words, "/dev/", 5) ? *words : *words + 5;
		else
			return program_usage(&program);
	}
	if (!name)
		return program_usage(&program);
	if (probe_machine(&machine, "/sys", &why)) {
		status = failed(why ? why : _("the disks cannot be looked at."));
	} else {
		point_at(&machine, name, &wish);
		if (wish.part && wish.whole)
			status = program_usage(&program);
		else
			status = create(&machine, &wish, confirm);
	}
	free(why);
	disks_free(&machine);
	return status;
}

/* --- Using it ----------------------------------------------------------- */

static int run_attach(char **words)
{
	struct place_progress progress = {.report = program_goes_on};
	struct place place, current;
	char why[PLACE_TEXT];
	int ret;

	if (words[0] && (words[1] || *words[0] == '-'))
		return program_usage(&program);
	ret = place_find(words[0], &place, why);
	if (!ret) {
		program_begin_copying();
		ret = place_attach(&place, false, &progress, why);
	}
	if (ret) {
		if (place_current(&current))
			place_notice(why);
		return failed(why);
	}
	printf(_("%s is the data place of this host now.\n"), place.name);
	return DONE;
}

static int run_move(char **words)
{
	struct place_progress progress = {.report = program_goes_on};
	struct place place;
	char why[PLACE_TEXT];
	int ret;

	if (!words[0] || words[1] || *words[0] == '-')
		return program_usage(&program);
	if (place_find(words[0], &place, why))
		return failed(why);
	program_begin_copying();
	ret = place_move(&place, &progress, why);
	return end_use(place.name, ret, why);
}

static int run_detach(char **words)
{
	char why[PLACE_TEXT];

	if (words[0])
		return program_usage(&program);
	if (place_detach(why))
		return failed(why);
	puts(_("Detached. What changes now lives in memory."));
	return DONE;
}

/* --- Volume groups ------------------------------------------------------ */

static int take(const struct machine *machine, const char *group, const char *name, bool extend,
	const char *confirm)
{
	struct group_target target;
	char why[GROUP_TEXT];

	if (group_check(machine, group, extend, why) || group_choose(machine, name, &target, why))
		return failed(why);
	if (group_print(machine, &target, group, stdout) ||
		!confirm_name(program.name, target.name, confirm))
		return FAILED;
	program_begin_writing();
	if (group_take(&target, group, extend, why))
		return failed(why);
	printf(_("%s belongs to the volume group %s now.\n"), target.name, group);
	return DONE;
}

static int run_group(char **words)
{
	const char *group = NULL, *name = NULL, *confirm = NULL;
	struct machine machine = {0};
	bool extend = false;
	char *why = NULL;
	int status;

	for (; *words; words++) {
		if (!strcmp(*words, "--confirm") && words[1])
			confirm = *++words;
		else if (!strcmp(*words, "--extend"))
			extend = true;
		else if (**words != '-' && !group)
			group = *words;
		else if (**words != '-' && !name)
			name = *words;
		else
			return program_usage(&program);
	}
	if (!name)
		return program_usage(&program);
	if (!posada_name_is_legal(group))
		return failed(_(
			"the group's name may have letters, digits, dots, dashes and underscores, and begins with a letter or a digit."));
	if (probe_machine(&machine, "/sys", &why))
		status = failed(why ? why : _("the disks cannot be looked at."));
	else
		status = take(&machine, group, name, extend, confirm);
	free(why);
	disks_free(&machine);
	return status;
}

/* --- A mirror ----------------------------------------------------------- */

static int repair(const struct machine *machine, const struct plan_wish *wish, const char *confirm)
{
	struct apply_result result;
	const char *last = NULL;
	const struct apply_options options = {.progress = program_progress, .opaque = &last};
	char why[APPLY_TEXT];
	struct plan plan;

	if (plan_make(machine, wish, &plan))
		return failed(plan.refusal);
	if (plan_print(&plan, machine, stdout) || !confirm_name(program.name, wish->disk, confirm))
		return FAILED;
	program_begin_writing();
	if (apply_plan(&plan, &options, &result, why))
		return failed(why);
	apply_introduce(&result);
	if (*result.note)
		printf("%s\n", result.note);
	printf(_("%s mirrors %s again.\n"), plan.disk, plan.mirror);
	if (plan_find(&plan, PLAN_REJOIN))
		puts(_("What is kept is being copied to it; \"lvm lvs\" tells how far that is. Until then it is on one disk only."));
	return DONE;
}

static int run_repair(char **words)
{
	struct plan_wish wish = {.layout = PLAN_REPAIR};
	struct machine machine = {0};
	const char *confirm = NULL;
	char *why = NULL;
	int status;

	for (; *words; words++) {
		if (!strcmp(*words, "--confirm") && words[1])
			confirm = *++words;
		else if (**words != '-' && !wish.disk)
			wish.disk = strncmp(*words, "/dev/", 5) ? *words : *words + 5;
		else
			return program_usage(&program);
	}
	if (!wish.disk)
		return program_usage(&program);
	if (probe_machine(&machine, "/sys", &why))
		status = failed(why ? why : _("the disks cannot be looked at."));
	else
		status = repair(&machine, &wish, confirm);
	free(why);
	disks_free(&machine);
	return status;
}

/* --- A guest's disk ----------------------------------------------------- */

/* Who asks reads the output, which says why not. */
static int run_check(char **words)
{
	struct machine machine;
	char why[GROUP_TEXT], guest[64];
	int ret;

	if (!words[0] || words[1])
		return program_usage(&program);
	if (adopted_has_guest(words[0], guest)) {
		printf(_("%s belongs to a system that was adopted as the guest %s, and two would destroy it. Choose another disk, or delete that guest first.\n"),
			words[0], guest);
		return FAILED;
	}
	/* What is no disk, or cannot be read, is nothing of ours. */
	if (probe_one(&machine, words[0]))
		return DONE;
	ret = group_check_lent(&machine, why);
	if (ret)
		puts(why);
	disks_free(&machine);
	return ret ? FAILED : DONE;
}

int main(int argc, char **argv)
{
	return program_run(&program, argc, argv);
}
