/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posada-adopt: makes a guest of the system that is on a disk, and its device come and go. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "adopted.h"
#include "definition.h"
#include "json.h"
#include "posada.h"
#include "probe.h"
#include "program.h"
#include "table.h"

#define MEMORY "2G"

static int run_adopt(char **words);
static int run_hook(char **words);

static const struct verb verbs[] = {
	{"adopt",
		"DISK [--name NAME] [--trial] [--memory SIZE] [--vcpus NUMBER] [--network NAME] [--start]",
		N_("make a guest of the system that is on a disk beside Posada"), run_adopt},
	{"adopt", "list [--json]", N_("the disks, and which of them can be adopted"), run_adopt},
	{"hook", "", NULL, run_hook}, /* libvirt's */
};

static void explain(FILE *out)
{
	fputs(_("Nothing is copied: the guest runs from the system's own partitions, and sees nothing of\n"
		"Posada's. Natively the system starts as before, with what the guest wrote; deleting the guest\n"
		"(posada guest delete) leaves the disk as it is.\n\n"
		"  --name NAME       what the guest is called (by its system)\n"
		"  --trial           what it writes is gone when it is switched off or restarted\n"
		"  --memory SIZE     such as 512M or 4G (2G)\n"
		"  --vcpus NUMBER    processors (1)\n"
		"  --network NAME    default, a bridge such as br0, or none (default)\n"
		"  --start           start it at once\n\n"),
		out);
}

static const struct program program = {"posada guest", verbs, COUNT(verbs), explain};

static int failed(const char *why)
{
	fprintf(stderr, "posada guest adopt: %s\n", why);
	return FAILED;
}

/* --- The list ----------------------------------------------------------- */

static void list_json(const struct machine *machine, const struct adopted *plans)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '[');
	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct adopt *plan = &plans[i].plan;

		json_open(&json, NULL, '{');
		json_string(&json, "disk", machine->disks[i].name);
		json_number(&json, "bytes", (int64_t)machine->disks[i].size);
		json_string(&json, "system", plan->system);
		json_string(&json, "firmware", plan->uefi ? "uefi" : "bios");
		json_string(&json, "refusal", *plan->refusal ? plan->refusal : NULL);
		json_close(&json, '}');
	}
	json_close(&json, ']');
}

static int list_table(const struct machine *machine, const struct adopted *plans)
{
	struct table table = {.columns = 4};
	int ret;

	table_row(&table, _("DISK"), _("SIZE"), _("ADOPT"), _("SYSTEM"));
	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct adopt *plan = &plans[i].plan;
		char size[32];

		table_row(&table, machine->disks[i].name,
			posada_size_text(machine->disks[i].size, size, sizeof(size)),
			*plan->refusal ? _("no") : _("yes"), *plan->refusal ? "-" : plan->system);
	}
	ret = table_print(&table, stdout);
	for (size_t i = 0; i < machine->disk_count; i++)
		if (*plans[i].plan.refusal)
			printf("\n%s: %s\n", machine->disks[i].name, plans[i].plan.refusal);
	return ret ? FAILED : DONE;
}

static int list(char **words)
{
	bool json = words[0] && !strcmp(words[0], "--json");
	struct machine machine;
	struct adopted *plans;
	int status = FAILED;

	if (words[0] && (!json || words[1]))
		return program_usage(&program);
	if (adopted_settle() || probe_machine(&machine, "/sys", NULL))
		return failed(_("The disks of this machine cannot be looked at."));
	plans = calloc(machine.disk_count + 1, sizeof(*plans));
	for (size_t i = 0; plans && i < machine.disk_count; i++)
		adopted_plan(&machine, machine.disks[i].name, false, NULL, &plans[i]);
	if (plans && json)
		list_json(&machine, plans);
	if (plans)
		status = json ? DONE : list_table(&machine, plans);
	free(plans);
	disks_free(&machine);
	return status;
}

/* --- The guest ---------------------------------------------------------- */

/* What is asked for; words that are not ours are for "posada guest create". */
struct wish {
	const char *disk, *name, *memory, *vcpus, *network;
	bool trial, start;
};

static int read_wish(char **words, struct wish *wish)
{
	const struct {
		const char *word;
		const char **value;
	} values[] = {{"--name", &wish->name}, {"--memory", &wish->memory},
		{"--vcpus", &wish->vcpus}, {"--network", &wish->network}};

	*wish = (struct wish){.memory = MEMORY, .vcpus = "1", .network = "default"};
	for (; *words; words++) {
		size_t i;

		for (i = 0; i < COUNT(values); i++)
			if (!strcmp(*words, values[i].word) && words[1])
				break;
		if (i < COUNT(values))
			*values[i].value = *++words;
		else if (!strcmp(*words, "--trial"))
			wish->trial = true;
		else if (!strcmp(*words, "--start"))
			wish->start = true;
		else if (**words != '-' && !wish->disk)
			/* /dev/sda is sda. */
			wish->disk = strncmp(*words, "/dev/", 5) ? *words : *words + 5;
		else
			return -EINVAL;
	}
	return wish->disk ? 0 : -EINVAL;
}

/* Both are whole PCs: without Xen there is one of them, and Xen needs a processor for the other. */
static const char *pc_kind(void)
{
	FILE *file = fopen("/sys/hypervisor/properties/capabilities", "re");
	char text[256] = "";

	if (file) {
		if (!fgets(text, sizeof(text), file))
			*text = '\0';
		fclose(file);
	}
	return strstr(text, "hvm") ? "hvm" : "qemu";
}

/* The guest itself is made as any other is. */
static int create_guest(const struct wish *wish, const char *name, const char *path, bool uefi)
{
	extern char **environ;
	const char *words[20] = {"posada", "guest", "create", name, "--kind", pc_kind(), "--disk",
		path, "--memory", wish->memory, "--vcpus", wish->vcpus, "--network", wish->network};
	size_t count = 14;
	int status = 0;
	pid_t child;

	if (uefi) {
		words[count++] = "--firmware";
		words[count++] = "uefi";
	}
	if (wish->start)
		words[count++] = "--start";
	fflush(stdout);
	if (posix_spawnp(&child, words[0], NULL, NULL, (char *const *)words, environ))
		return FAILED;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

static int make_guest(const struct wish *wish, const struct adopt *plan, const char *path)
{
	char by_system[ADOPT_NAME], why[ADOPT_TEXT], size[32];
	const char *name = wish->name ? wish->name : by_system;
	uint64_t room = 0;
	int status;

	adopt_name(plan, wish->trial, by_system);
	/* The definition of a guest names a disk that is there. */
	if (adopted_open(path, name, &room, why))
		return failed(why);
	status = create_guest(wish, name, path, plan->uefi);
	if (status || !wish->start)
		adopted_close(path, name);
	if (status)
		return status;
	if (*plan->note)
		printf("%s\n", plan->note);
	if (wish->trial)
		printf(_("%s runs from %s; what it writes, up to %s, is gone when it is switched off or restarted.\n"),
			plan->system, plan->disk, posada_size_text(room, size, sizeof(size)));
	else
		printf(_("%s runs from %s. To start it natively again, shut the guest down first; \"posada guest delete\" takes the guest away, not the system.\n"),
			plan->system, plan->disk);
	return DONE;
}

static int adopt_disk(char **words)
{
	struct adopted *adopted = malloc(sizeof(*adopted));
	struct machine machine;
	char path[ADOPTED_NAME];
	struct wish wish;
	int status = FAILED;

	if (read_wish(words, &wish)) {
		free(adopted);
		return program_usage(&program);
	}
	if (!adopted || adopted_settle() || probe_machine(&machine, "/sys", NULL)) {
		free(adopted);
		return failed(_("The disks of this machine cannot be looked at."));
	}
	for (size_t i = 0; i < machine.disk_count; i++)
		if (!strcmp(machine.disks[i].name, wish.disk))
			adopted_path(&machine.disks[i], wish.trial, path);
	if (adopted_plan(&machine, wish.disk, wish.trial, NULL, adopted))
		failed(adopted->plan.refusal);
	else
		status = make_guest(&wish, &adopted->plan, path);
	disks_free(&machine);
	free(adopted);
	return status;
}

static int run_adopt(char **words)
{
	return words[0] && !strcmp(words[0], "list") ? list(words + 1) : adopt_disk(words);
}

/* --- Before it starts, and after it is off ------------------------------ */

static bool is_adopted(const char *path)
{
	return !strncmp(path, POSADA_ADOPTED, strlen(POSADA_ADOPTED));
}

static int release(const char *guest, const char *definition)
{
	char path[PATH_MAX];
	int status = DONE;

	for (const char *at = definition; definition_next_path(&at, path);)
		if (is_adopted(path) && adopted_let_go(path, guest)) {
			fprintf(stderr, _("posada guest adopt: %s cannot be removed.\n"), path);
			status = FAILED;
		}
	return status;
}

/* Memory that was saved knows of a disk that has changed since. */
static int see_unsaved(const char *guest, char *why, size_t size)
{
	static const char *const folders[] = {
		"/var/lib/libvirt/libxl/save", "/var/lib/libvirt/qemu/save"};
	char path[PATH_MAX];

	for (size_t i = 0; i < COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s.save", folders[i], guest);
		if (access(path, F_OK) && errno == ENOENT)
			continue;
		snprintf(why, size,
			_("%s was saved while it ran from a disk of this machine, which has changed since: to go on would destroy that. Throw what was saved away (virsh managedsave-remove %s), then start it again."),
			guest, guest);
		return -EBUSY;
	}
	return 0;
}

static int check(const char *path, char *why, size_t size)
{
	if (!adopted_has(path))
		return 0;
	snprintf(why, size,
		_("%s belongs to a system that was adopted and runs as a guest, and two would destroy it. Stop that guest first."),
		path);
	return -EBUSY;
}

static int prepare(const char *guest, const char *definition)
{
	char path[PATH_MAX], why[PATH_MAX + ADOPT_TEXT];
	int ret = 0;

	for (const char *at = definition; !ret && definition_next_path(&at, path);) {
		if (is_adopted(path)) {
			ret = see_unsaved(guest, why, sizeof(why));
			if (!ret)
				ret = adopted_open(path, guest, NULL, why);
		} else {
			ret = check(path, why, sizeof(why));
		}
	}
	return ret ? failed(why) : DONE;
}

static int run_check(const char *path)
{
	char why[PATH_MAX + ADOPT_TEXT];

	return check(path, why, sizeof(why)) ? failed(why) : DONE;
}

static int run_hook(char **words)
{
	char *definition = NULL;
	size_t size = 0;
	int status = USAGE;

	if (words[0] && words[1] && !strcmp(words[0], "check"))
		return run_check(words[1]);
	definition = malloc(DEFINITION_MAX);
	size = definition ? fread(definition, 1, DEFINITION_MAX - 1, stdin) : 0;
	if (!definition)
		return failed(strerror(ENOMEM));
	if (size == DEFINITION_MAX - 1) {
		free(definition);
		return failed(strerror(E2BIG));
	}
	definition[size] = '\0';
	if (words[0] && words[1] && !strcmp(words[0], "prepare"))
		status = prepare(words[1], definition);
	else if (words[0] && words[1] && !strcmp(words[0], "release"))
		status = release(words[1], definition);
	free(definition);
	return status;
}

int main(int argc, char **argv)
{
	return program_run(&program, argc, argv);
}
