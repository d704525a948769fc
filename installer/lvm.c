/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what the program lvm prints as columns; it is told to take no locks and to write nothing.
 */
#include "lvm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "text.h"

/* A disk that does not answer makes LVM wait. */
#define PATIENCE_S  30
#define OUTPUT_MAX  ((size_t)1 << 20)
#define COLUMNS_MAX 7

/* --- A program's output ------------------------------------------------- */

static int start(char *const *words, int output, pid_t *child)
{
	static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
		"LVM_SUPPRESS_FD_WARNINGS=1", NULL};
	posix_spawn_file_actions_t actions;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, output, 1);
	if (!ret)
		ret = posix_spawnp(child, words[0], &actions, NULL, words, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

/* All of it, ended by a NUL; the caller frees it. */
static int read_all(int from, char **text)
{
	char *bytes = malloc(OUTPUT_MAX + 1);
	struct timespec begun, now;
	size_t used = 0;
	int ret = 0;

	if (!bytes)
		return -ENOMEM;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (!ret) {
		struct pollfd event = {.fd = from, .events = POLLIN};
		int ready = poll(&event, 1, 1000);
		ssize_t got = ready > 0 ? read(from, bytes + used, OUTPUT_MAX - used) : 0;

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (ready > 0 && got <= 0)
			break;
		used += (size_t)got;
		if (used == OUTPUT_MAX)
			ret = -EFBIG;
		if (now.tv_sec - begun.tv_sec > PATIENCE_S)
			ret = -ETIME;
	}
	bytes[used] = '\0';
	*text = bytes;
	return ret;
}

/* What the program prints, and only if it says that all went well. */
static int run(char *const *words, char **text)
{
	int pipes[2], status = 0, ret;
	pid_t child;

	*text = NULL;
	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	ret = start(words, pipes[1], &child);
	close(pipes[1]);
	if (!ret) {
		ret = read_all(pipes[0], text);
		if (ret)
			kill(child, SIGKILL);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (!ret && status)
			ret = -EIO;
	}
	close(pipes[0]);
	return ret;
}

/* --- Columns ------------------------------------------------------------ */

static int split(char *line, char *columns[COLUMNS_MAX])
{
	int count = 0;

	line += strspn(line, " ");
	while (count < COLUMNS_MAX) {
		columns[count++] = line;
		line = strchr(line, '|');
		if (!line)
			break;
		*line++ = '\0';
	}
	return line ? -1 : count;
}

/* Calls ADD for each line that REPORT ("vgs") prints with these FIELDS. */
static int each_line(struct machine *machine, const char *report, const char *fields,
	int (*add)(struct machine *machine, char **columns))
{
	char *const words[] = {"lvm", (char *)report, "--readonly", "--noheadings", "--nosuffix",
		"--units", "b", "--separator", "|", "-o", (char *)fields, NULL};
	char *text, *line, *rest, *columns[COLUMNS_MAX];
	int count = 1, ret;

	for (const char *at = fields; *at; at++)
		count += *at == ',';
	ret = run(words, &text);
	if (ret) {
		free(text);
		return ret;
	}
	for (line = strtok_r(text, "\n", &rest); line && !ret; line = strtok_r(NULL, "\n", &rest))
		if (split(line, columns) == count)
			ret = add(machine, columns);
	free(text);
	return ret;
}

static int add_group(struct machine *machine, char **columns)
{
	const char *attributes = columns[3];
	struct group *group;

	if (!*columns[0] || strlen(columns[0]) >= sizeof(group->name))
		return 0;
	group = disks_add_group(machine);
	if (!group)
		return -ENOMEM;
	posada_text_clean(columns[0], group->name, sizeof(group->name));
	group->extent = strtoull(columns[1], NULL, 10);
	/* Room is for use only where the group can be changed: writeable, here, whole, and nobody
	 * else's. */
	if (strlen(attributes) >= 6 && attributes[0] == 'w' && attributes[2] != 'x' &&
		attributes[3] != 'p' && attributes[5] == '-')
		group->free = strtoull(columns[2], NULL, 10);
	return 0;
}

/* Is WORD among those between commas? */
static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (; *words; words += strcspn(words, ","), words += *words == ',')
		if (strcspn(words, ",") == length && !strncmp(words, word, length))
			return true;
	return false;
}

static int add_volume(struct machine *machine, char **columns)
{
	struct group *group = disks_find_group(machine, columns[0]);
	struct part *volume;
	char name[sizeof(volume->name)];

	if (!group || !*columns[1])
		return 0;
	if (snprintf(name, sizeof(name), "%s/%s", columns[0], columns[1]) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	volume = disks_add_volume(group);
	if (!volume)
		return -ENOMEM;
	posada_text_clean(name, volume->name, sizeof(volume->name));
	volume->size = strtoull(columns[2], NULL, 10);
	posada_text_clean(columns[3], volume->uuid, sizeof(volume->uuid));
	volume->ours = volume->posada = has_word(columns[4], LVM_TAG);
	return 0;
}

/* What a piece of a member is: free, or all of a volume. */
static void add_piece(struct machine *machine, struct part *member, char **columns)
{
	struct group *group = disks_find_group(machine, columns[1]);
	uint64_t begin = strtoull(columns[3], NULL, 10), first = strtoull(columns[4], NULL, 10);
	uint64_t extents = strtoull(columns[5], NULL, 10);
	struct part *volume;
	char name[sizeof(volume->name)];

	if (!group || !group->extent || extents > UINT64_MAX / group->extent)
		return;
	if (!strcmp(columns[6], "free") && group->free && extents * group->extent > member->room)
		member->room = extents * group->extent;
	if (strcmp(columns[6], "linear") != 0 || !*columns[2] ||
		snprintf(name, sizeof(name), "%s/%s", columns[1], columns[2]) >= (int)sizeof(name))
		return;
	volume = disks_find_volume(machine, name);
	if (!volume || volume->size != extents * group->extent ||
		begin + first * group->extent > member->size ||
		volume->size > member->size - begin - first * group->extent)
		return;
	volume->start = begin + first * group->extent;
	memcpy(volume->on, member->name, sizeof(volume->on));
}

static int add_member(struct machine *machine, char **columns)
{
	/* LVM may know a disk by another of its names. */
	char *path = realpath(columns[0], NULL);
	const char *name = path && !strncmp(path, "/dev/", 5) ? path + 5 : "";

	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++) {
			struct part *part = &machine->disks[i].parts[j];

			if (strcmp(part->name, name) != 0)
				continue;
			posada_text_clean(columns[1], part->group, sizeof(part->group));
			add_piece(machine, part, columns);
		}
	free(path);
	return 0;
}

/* To ask takes longer than to look at a disk. */
static bool has_member(const struct machine *machine)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++)
			if (!strcmp(machine->disks[i].parts[j].content, "LVM2_member"))
				return true;
	return false;
}

/* Half of what there is would look like all of it. */
static void forget(struct machine *machine)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++) {
			struct part *part = &machine->disks[i].parts[j];

			if (*part->group)
				part->room = 0;
			*part->group = '\0';
		}
	for (size_t i = 0; i < machine->group_count; i++)
		free(machine->groups[i].volumes);
	free(machine->groups);
	machine->groups = NULL;
	machine->group_count = 0;
}

int lvm_list(struct machine *machine)
{
	int ret;

	if (!has_member(machine))
		return 0;
	ret = each_line(machine, "vgs", "vg_name,vg_extent_size,vg_free,vg_attr", add_group);

	if (!ret && machine->group_count)
		ret = each_line(
			machine, "lvs", "vg_name,lv_name,lv_size,lv_uuid,lv_tags", add_volume);
	/* A line for each piece of each member. */
	if (!ret && machine->group_count)
		ret = each_line(machine, "pvs",
			"pv_name,vg_name,lv_name,pe_start,pvseg_start,pvseg_size,segtype",
			add_member);
	/* Without its groups a machine still has its disks. */
	if (ret)
		forget(machine);
	return ret == -ENOMEM ? ret : 0;
}

int lvm_device(const char *volume, char *path, size_t size)
{
	size_t used = (size_t)snprintf(path, size, "/dev/mapper/");

	/* A dash within a name is doubled, so that the one between the names stands out. */
	for (const char *at = volume; *at; at++) {
		if (used + 3 > size)
			return -ENAMETOOLONG;
		if (*at == '-')
			path[used++] = '-';
		path[used++] = *at == '/' ? '-' : *at;
	}
	path[used] = '\0';
	return 0;
}
