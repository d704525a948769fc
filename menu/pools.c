// SPDX-License-Identifier: GPL-2.0-or-later
// The pools of volumes: their list, making one, and what can be done with one.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "disk.h"
#include "group.h"
#include "menu.h"
#include "name.h"
#include "ui.h"

#define REFRESH_S   5
#define PARTS_MAX   64
#define CHOICES_MAX 64
#define FIRST	    "default"

/* --- The choice of one -------------------------------------------------- */

static bool ask_format(const char *title, enum posada_pool_kind kind, const char **format)
{
	static const char *const formats[] = {"raw", "qcow2"};
	const struct ui_item items[] = {{formats[0], _("The quickest")},
		{formats[1], _("Slower, but other programs can take snapshots of it")}};
	size_t selected = *format && !strcmp(*format, formats[1]);

	if (kind != POSADA_POOL_DIRECTORY && kind != POSADA_POOL_NFS) {
		*format = NULL;
		return true;
	}
	if (!ui_menu(title, _("The new disk is a file. In which format?"), items, ARRAY_SIZE(items),
		    &selected))
		return false;
	*format = formats[selected];
	return true;
}

bool pool_ask(struct app *app, const char *title, char *name, size_t size, const char **format)
{
	enum posada_pool_kind kinds[CHOICES_MAX];
	struct ui_item items[CHOICES_MAX];
	char texts[CHOICES_MAX][64], rest[32];
	struct posada_pools pools;
	size_t count = 0, selected = 0, i;
	bool answered = true;

	if (posada_pool_list(app->host, &pools, NULL))
		return true;
	for (i = 0; i < pools.count && count < CHOICES_MAX; i++) {
		const struct posada_pool *pool = &pools.items[i];

		if (pool->state > POSADA_POOL_FULL || pool->kind == POSADA_POOL_ISCSI ||
			!posada_name_is_legal(pool->name))
			continue;
		if (!strcmp(pool->name, name))
			selected = count;
		snprintf(texts[count], sizeof(texts[0]), _("%s, %s free"),
			posada_pool_kind_name(pool->kind),
			posada_size_text(pool->free_bytes, rest, sizeof(rest)));
		items[count].name = pool->name;
		items[count].text = texts[count];
		kinds[count++] = pool->kind;
	}
	if (count > 1)
		answered = ui_menu(
			title, _("In which pool shall the new disk be?"), items, count, &selected);
	if (answered && count)
		snprintf(name, size, "%s", items[selected].name);
	posada_pools_free(&pools);
	return answered && (!count || ask_format(title, kinds[selected], format));
}

/* --- The list ----------------------------------------------------------- */

struct list {
	struct app *app;
	struct posada_pools pools;
	struct posada_error err;
	int failed;
	time_t at;
};

/* Is what was loaded then good still? Otherwise it is loaded now. */
static bool is_fresh(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (*at && now.tv_sec - *at < REFRESH_S)
		return true;
	*at = now.tv_sec + 1;
	return false;
}

static void load(struct list *list)
{
	if (is_fresh(&list->at))
		return;
	posada_pools_free(&list->pools);
	list->failed = posada_pool_list(list->app->host, &list->pools, &list->err);
}

static void add_columns(struct ui_lines *lines, enum ui_style style, const char *name,
	const char *kind, const char *state, const char *size, const char *rest)
{
	char a[96], b[48], c[64], d[48], e[48];

	ui_add(lines, style, "%s %s %s %s %s", ui_cell(a, sizeof(a), name, 24),
		ui_cell(b, sizeof(b), kind, 10), ui_cell(c, sizeof(c), state, 14),
		ui_cell(d, sizeof(d), size, 11), ui_cell(e, sizeof(e), rest, 11));
}

static void fill(struct ui_lines *lines, void *opaque)
{
	struct list *list = opaque;
	char size[32], rest[32];

	load(list);
	ui_add(lines, UI_ROW, "%s", _("Create a pool ..."));
	ui_add(lines, UI_PLAIN, " ");
	if (list->failed) {
		ui_add(lines, UI_WARNING, "%s", list->err.text);
		return;
	}
	add_columns(lines, UI_HEADING, _("Pool"), _("Kind"), _("State"), _("Size"), _("Free"));
	for (size_t i = 0; i < list->pools.count; i++) {
		const struct posada_pool *pool = &list->pools.items[i];

		add_columns(lines, UI_ROW, pool->name, posada_pool_kind_name(pool->kind),
			_(posada_pool_state_name(pool->state)),
			pool->bytes ? posada_size_text(pool->bytes, size, sizeof(size)) : "-",
			pool->bytes ? posada_size_text(pool->free_bytes, rest, sizeof(rest)) : "-");
	}
}

void pools_run(struct app *app)
{
	struct list list = {.app = app};
	const struct ui_page page = {
		.title = _("Pools"),
		.keys = _("<Enter> Choose   <Up>/<Down> Move   <Esc> Back"),
		.refresh_ms = REFRESH_S * 1000,
		.fill = fill,
		.opaque = &list,
	};
	size_t row = 0;
	int key;

	ui_wait(_("Looking at the pools ..."));
	do {
		key = ui_page_run(&page, &row);
		if (key != UI_KEY_ENTER)
			continue;
		if (row && row <= list.pools.count) {
			const struct posada_pool *pool = &list.pools.items[row - 1];

			snprintf(app->item, sizeof(app->item), "%s", pool->name);
			app->pool_kind = pool->kind;
			app->pool_state = pool->state;
			menu_run(&pool_menu, app);
			*app->item = '\0';
		} else if (!row) {
			pool_create_run(app);
		}
		list.at = 0;
	} while (key != UI_KEY_BACK && key != 'q');
	posada_pools_free(&list.pools);
}

bool when_no_item(const struct app *app)
{
	return !*app->item;
}

bool when_pool_grows(const struct app *app)
{
	return *app->item && app->pool_kind == POSADA_POOL_LVM;
}

/* The first belongs to the data place, and comes and goes with that. */
bool when_pool_goes(const struct app *app)
{
	return *app->item && strcmp(app->item, FIRST) != 0;
}

bool when_pool_away(const struct app *app)
{
	return when_pool_goes(app) &&
	       (app->pool_state == POSADA_POOL_DETACHED || app->pool_state == POSADA_POOL_MISSING);
}

bool when_pool_used(const struct app *app)
{
	return when_pool_goes(app) && app->pool_state != POSADA_POOL_DETACHED;
}

/* --- Making one --------------------------------------------------------- */

/* Gives a disk to a group once the person has read what is on it. */
static bool take_disk(const char *title, const char *group, bool extend)
{
	struct machine machine = {0};
	struct group_target target;
	char why[GROUP_TEXT], prompt[256], *text = NULL;
	bool taken = false;
	size_t size;
	FILE *out;
	int disk;

	if (!disk_probe(title, &machine))
		return false;
	disk = disk_choose(&machine, title, _("Which disk shall the pool have?"));
	if (disk < 0)
		goto out;
	if (group_choose(&machine, machine.disks[disk].name, &target, why)) {
		ui_message(title, why);
		goto out;
	}
	out = open_memstream(&text, &size);
	if (!out)
		goto out;
	group_print(&machine, &target, group, out);
	snprintf(prompt, sizeof(prompt),
		_("Everything on %s will be lost. Type its name, %s, to go on."), target.name,
		target.name);
	if (fclose(out) || !disk_confirm(text, title, prompt, target.name))
		goto out;
	ui_wait(_("Writing to the disk ..."));
	if (group_take(&target, group, extend, why))
		ui_message(title, why);
	else
		taken = true;
out:
	free(text);
	disks_free(&machine);
	return taken;
}

static bool from_disk(const char *name, char *source, size_t size)
{
	return !posada_group_name(name, source, size) && take_disk(_("New pool"), source, false);
}

static bool from_group(const char *name, char *source, size_t size)
{
	struct ui_item items[PARTS_MAX];
	char texts[PARTS_MAX][64], room[32];
	struct machine machine = {0};
	size_t count = 0, chosen = 0;
	bool answered = false;

	(void)name;
	if (!disk_probe(_("New pool"), &machine))
		return false;
	for (; count < machine.group_count && count < PARTS_MAX; count++) {
		const struct group *group = &machine.groups[count];

		snprintf(texts[count], sizeof(texts[0]), _("%s free; nothing is lost"),
			posada_size_text(group->free, room, sizeof(room)));
		items[count] = (struct ui_item){group->name, texts[count]};
	}
	if (!count)
		ui_message(_("New pool"),
			_("No disk of this machine has a volume group. To make one of a disk, choose \"Disk\"."));
	else
		answered = ui_menu(_("New pool"), _("Which volume group?"), items, count, &chosen);
	if (answered)
		snprintf(source, size, "%s", items[chosen].name);
	disks_free(&machine);
	return answered;
}

static bool is_usable(const struct part *part)
{
	static const char *const types[] = {"ext4", "xfs", "btrfs"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(part->content, types[i]))
			return !*part->mounted && !*part->guest && !part->used;
	return false;
}

static bool from_partition(const char *name, char *source, size_t size)
{
	struct ui_item items[PARTS_MAX];
	char texts[PARTS_MAX][256], bytes[32];
	struct machine machine = {0};
	size_t count = 0, chosen = 0;
	bool answered = false;

	(void)name;
	if (!disk_probe(_("New pool"), &machine))
		return false;
	for (size_t i = 0; i < machine.disk_count; i++)
		for (size_t j = 0; j < machine.disks[i].part_count && count < PARTS_MAX; j++) {
			const struct part *part = &machine.disks[i].parts[j];

			if (!is_usable(part))
				continue;
			snprintf(texts[count], sizeof(texts[0]), "%s  %s  %s  %s",
				posada_size_text(part->size, bytes, sizeof(bytes)), part->content,
				part->label, part->system);
			items[count] = (struct ui_item){part->name, texts[count]};
			count++;
		}
	if (!count)
		ui_message(_("New pool"),
			_("No disk of this machine has a file system that is free for guests' disks (ext4, XFS or Btrfs). Make one in the shell, or choose \"Disk\"."));
	else
		answered = ui_menu(_("New pool"), _("Which file system? Nothing on it is lost."),
			items, count, &chosen);
	if (answered)
		snprintf(source, size, "/dev/%s", items[chosen].name);
	disks_free(&machine);
	return answered;
}

static bool from_folder(const char *name, char *source, size_t size)
{
	(void)name;
	return ui_input(_("New pool"), _("Which folder, such as /data/more?"), source, size);
}

static bool from_server(const char *name, char *source, size_t size)
{
	(void)name;
	return ui_input(_("New pool"),
		_("Which server and folder there? Write it as server:/folder."), source, size);
}

static bool from_target(const char *name, char *source, size_t size)
{
	(void)name;
	return ui_input(_("New pool"),
		_("Which server and target there? Write it as server/iqn.2020-01.org.example:disks, with a port as server:3260/..."),
		source, size);
}

static const struct origin {
	const char *title, *help;
	enum posada_pool_kind kind;
	bool (*ask)(const char *name, char *source, size_t size);
} origins[] = {
	{N_("Disk"), N_("A whole disk for logical volumes; what it holds is lost"), POSADA_POOL_LVM,
		from_disk},
	{N_("Volume group"), N_("One that is there (LVM)"), POSADA_POOL_LVM, from_group},
	{N_("File system"), N_("On a partition that is there; files beside what it holds"),
		POSADA_POOL_DIRECTORY, from_partition},
	{N_("Folder"), N_("Files in a folder"), POSADA_POOL_DIRECTORY, from_folder},
	{N_("NFS"), N_("Files on a server"), POSADA_POOL_NFS, from_server},
	{N_("iSCSI"), N_("Disks on a server"), POSADA_POOL_ISCSI, from_target},
};

/* A target may let in only those who know a password (CHAP). */
static bool ask_login(char *user, size_t user_size, char *password, size_t password_size)
{
	return ui_input(_("New pool"),
		       _("Which user does the target ask for? Empty: it asks for none."), user,
		       user_size) &&
	       (!*user || ui_password(_("New pool"), _("The password of that user:"), password,
				  password_size));
}

void pool_create_run(struct app *app)
{
	char name[POSADA_NAME_MAX + 1] = "", source[1024] = "", user[256] = "", password[256] = "";
	struct posada_pool_spec spec = {.name = name, .source = source};
	struct ui_item items[ARRAY_SIZE(origins)];
	struct posada_error err;
	char text[1280];
	size_t chosen = 0;
	bool made;

	for (size_t i = 0; i < ARRAY_SIZE(origins); i++)
		items[i] = (struct ui_item){_(origins[i].title), _(origins[i].help)};
	if (!name_ask_pool(app, _("New pool"), name, sizeof(name)) ||
		!ui_menu(_("New pool"), _("What is it made of?"), items, ARRAY_SIZE(items),
			&chosen) ||
		!origins[chosen].ask(name, source, sizeof(source)))
		return;
	spec.kind = origins[chosen].kind;
	if (spec.kind == POSADA_POOL_ISCSI &&
		!ask_login(user, sizeof(user), password, sizeof(password)))
		return;
	spec.user = *user ? user : NULL;
	spec.password = *user ? password : NULL;
	ui_wait(_("Making the pool ..."));
	made = !posada_pool_create(app->host, &spec, &err);
	explicit_bzero(password, sizeof(password));
	if (made)
		return;
	ui_message(_("The pool was not made"), err.text);
	if (origins[chosen].ask == from_disk) {
		snprintf(text, sizeof(text),
			_("The disk is in the volume group %s now. Make the pool from that group."),
			source);
		ui_message(_("The pool was not made"), text);
	}
}

/* --- What can be done with one ------------------------------------------ */

static void act(struct app *app, const char *doing,
	int (*call)(struct posada *, const char *, struct posada_error *))
{
	struct posada_error err;

	ui_wait(doing);
	if (call(app->host, app->item, &err))
		ui_message(_("This did not work"), err.text);
}

void pool_attach_run(struct app *app)
{
	act(app, _("Attaching the pool ..."), posada_pool_attach);
}

void pool_detach_run(struct app *app)
{
	if (ui_yes_no(app->item,
		    _("Let go of this pool? Guests with disks in it cannot start until it is attached again.")))
		act(app, _("Detaching the pool ..."), posada_pool_detach);
}

void pool_forget_run(struct app *app)
{
	if (ui_yes_no(app->item,
		    _("Forget this pool? What is in it stays there, and it can be made a pool again.")))
		act(app, _("Forgetting the pool ..."), posada_pool_forget);
}

void pool_grow_run(struct app *app)
{
	struct posada_error err;
	struct posada_pool pool;

	if (posada_pool_show(app->host, app->item, &pool, &err)) {
		ui_message(app->item, err.text);
		return;
	}
	if (posada_pool_grows(&pool, &err))
		ui_message(app->item, err.text);
	else if (take_disk(_("Grow a pool"), pool.source, true))
		ui_message(app->item, _("The pool has the disk now."));
	posada_pool_free(&pool);
}

/* --- Volumes ------------------------------------------------------------ */

struct volumes {
	struct app *app;
	const char *name;
	struct posada_pool pool;
	struct posada_error err;
	int failed;
	time_t at;
};

static void load_volumes(struct volumes *volumes)
{
	if (is_fresh(&volumes->at))
		return;
	posada_pool_free(&volumes->pool);
	/* The first is where the data place is. */
	volumes->failed =
		strcmp(volumes->name, FIRST) != 0
			? posada_pool_show(
				  volumes->app->host, volumes->name, &volumes->pool, &volumes->err)
			: posada_storage_list(volumes->app->host, &volumes->pool, &volumes->err);
}

static void add_volume_columns(struct ui_lines *lines, enum ui_style style, const char *name,
	const char *size, const char *used, const char *guest)
{
	char a[160], b[32], c[32];

	ui_add(lines, style, "%s %s %s %s", ui_cell(a, sizeof(a), name, 34),
		ui_cell(b, sizeof(b), size, 11), ui_cell(c, sizeof(c), used, 11), guest);
}

static void fill_volumes(struct ui_lines *lines, void *opaque)
{
	struct volumes *volumes = opaque;
	const struct posada_pool *pool = &volumes->pool;
	char size[32], rest[32];

	load_volumes(volumes);
	if (volumes->failed) {
		ui_add(lines, UI_WARNING, "%s", volumes->err.text);
		return;
	}
	if (strcmp(volumes->name, FIRST) != 0)
		ui_add(lines, UI_PLAIN, _("%s, %s. Volumes are seen in %s."),
			pool->source ? pool->source : "-", _(posada_pool_state_name(pool->state)),
			pool->path ? pool->path : "-");
	else
		ui_add(lines, UI_PLAIN,
			pool->place ? _("Data place %s: %s, %s free.")
				    : _("In %s, and gone at power-off: %s, %s free."),
			pool->place ? pool->place : _("memory"),
			posada_size_text(pool->bytes, size, sizeof(size)),
			posada_size_text(pool->free_bytes, rest, sizeof(rest)));
	ui_add(lines, UI_PLAIN, " ");
	if (pool->volume_count)
		add_volume_columns(
			lines, UI_HEADING, _("Volume"), _("Size"), _("Used"), _("Guest"));
	else
		ui_add(lines, UI_HEADING, "%s", _("There are no volumes."));
	for (size_t i = 0; i < pool->volume_count; i++) {
		const struct posada_volume *volume = &pool->volumes[i];

		add_volume_columns(lines, UI_ROW, volume->name,
			posada_size_text(volume->bytes, size, sizeof(size)),
			posada_size_text(volume->used_bytes, rest, sizeof(rest)),
			volume->guest ? volume->guest : "-");
	}
}

static void delete_volume(const struct volumes *volumes, const struct posada_volume *volume)
{
	char text[1024] = "", typed[256] = "";
	struct posada_error err;

	if (volume->guest)
		snprintf(text, sizeof(text),
			_("The guest %s has the volume %s. Delete the guest or take the volume from it first."),
			volume->guest, volume->path);
	else if (volumes->pool.kind == POSADA_POOL_ISCSI)
		snprintf(text, sizeof(text),
			_("The volumes of the pool %s are made on its server. Delete it there."),
			volumes->name);
	if (*text) {
		ui_message(volume->name, text);
		return;
	}
	snprintf(text, sizeof(text),
		_("No guest has the volume %s. It is deleted, and what is in it is lost.\n\nType its name to confirm."),
		volume->name);
	if (!ui_input(_("Delete"), text, typed, sizeof(typed)))
		return;
	if (strcmp(typed, volume->name) != 0) {
		ui_message(
			_("Delete"), _("That is not the volume's name, so nothing was deleted."));
		return;
	}
	ui_wait(_("Deleting ..."));
	if (posada_volume_delete(volumes->app->host, volumes->name, volume->name, &err))
		ui_message(_("This did not work"), err.text);
}

static void show_volumes(struct app *app, const char *name, const char *title)
{
	struct volumes volumes = {.app = app, .name = name};
	const struct ui_page page = {
		.title = title,
		.keys = _("<Enter> Delete   <Up>/<Down> Move   <Esc> Back"),
		.refresh_ms = REFRESH_S * 1000,
		.fill = fill_volumes,
		.opaque = &volumes,
	};
	size_t row = 0;
	int key;

	do {
		key = ui_page_run(&page, &row);
		if (key != UI_KEY_ENTER || row >= volumes.pool.volume_count)
			continue;
		delete_volume(&volumes, &volumes.pool.volumes[row]);
		volumes.at = 0;
	} while (key != UI_KEY_BACK && key != 'q');
	posada_pool_free(&volumes.pool);
}

void pool_show_run(struct app *app)
{
	show_volumes(app, app->item, app->item);
}

void storage_run(struct app *app)
{
	show_volumes(app, FIRST, _("Storage"));
}
