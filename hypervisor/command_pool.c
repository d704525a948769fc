// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of the program posada on pools of volumes.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "commands.h"
#include "confirm.h"
#include "json.h"
#include "table.h"

/* Disks are looked at and taken by this one, which knows nothing of libvirt. */
#define STORAGE "posada-storage"

/* --- Showing ------------------------------------------------------------ */

static void json_pool(struct json *json, const struct posada_pool *pool)
{
	json_open(json, NULL, '{');
	json_string(json, "name", pool->name);
	json_string(json, "kind", posada_pool_kind_name(pool->kind));
	json_string(json, "state", posada_pool_state_name(pool->state));
	json_string(json, "source", pool->source);
	json_string(json, "path", pool->path);
	json_number(json, "bytes", (int64_t)pool->bytes);
	json_number(json, "free_bytes", (int64_t)pool->free_bytes);
}

static void add_row(struct table *table, const struct posada_pool *pool)
{
	char size[32] = "-", used[32] = "-", rest[32] = "-";

	if (pool->bytes) {
		posada_size_text(pool->bytes, size, sizeof(size));
		posada_size_text(pool->bytes - pool->free_bytes, used, sizeof(used));
		posada_size_text(pool->free_bytes, rest, sizeof(rest));
	}
	table_row(table, pool->name, posada_pool_kind_name(pool->kind),
		_(posada_pool_state_name(pool->state)), size, used, rest,
		pool->source ? pool->source : pool->path);
}

static void add_heading(struct table *table)
{
	table_row(table, _("NAME"), _("KIND"), _("STATE"), _("SIZE"), _("USED"), _("FREE"),
		_("WHERE"));
}

int command_pool_list(struct posada *handle, const struct args *args)
{
	struct table table = {.columns = 7};
	struct json json = {.out = stdout};
	struct posada_pools pools;
	struct posada_error err;
	int status = EXIT_DONE;
	size_t i;

	if (posada_pool_list(handle, &pools, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_open(&json, NULL, '[');
		for (i = 0; i < pools.count; i++) {
			json_pool(&json, &pools.items[i]);
			json_close(&json, '}');
		}
		json_close(&json, ']');
	} else {
		add_heading(&table);
		for (i = 0; i < pools.count; i++)
			add_row(&table, &pools.items[i]);
		status = finish_table(&table);
	}
	posada_pools_free(&pools);
	return status;
}

int command_pool_show(struct posada *handle, const struct args *args)
{
	struct table table = {.columns = 7};
	struct json json = {.out = stdout};
	struct posada_pool pool;
	struct posada_error err;
	int status = EXIT_DONE;

	if (posada_pool_show(handle, args->name, &pool, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_pool(&json, &pool);
		json_volumes(&json, &pool);
		json_close(&json, '}');
	} else {
		add_heading(&table);
		add_row(&table, &pool);
		status = finish_table(&table);
		if (!status)
			status = print_volumes(&pool);
	}
	posada_pool_free(&pool);
	return status;
}

/* --- Making and growing ------------------------------------------------- */

/* Gives a disk to a group, once the person has read what is on it; an exit status. */
static int take_disk(const char *group, const char *disk, bool extend, const char *confirm)
{
	extern char **environ;
	const char *words[8] = {STORAGE, "group", group, disk};
	size_t count = 4;
	int status, ret;
	pid_t pid;

	if (extend)
		words[count++] = "--extend";
	if (confirm) {
		words[count++] = "--confirm";
		words[count++] = confirm;
	}
	fflush(stdout);
	ret = posix_spawnp(&pid, STORAGE, NULL, NULL, (char *const *)words, environ);
	if (ret) {
		fprintf(stderr,
			_("posada: %s cannot be started: %s. It belongs to the Posada image.\n"),
			STORAGE, strerror(ret));
		return EXIT_FAILED;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* A word of the command line could be read by others; who must tell it to us in a file. */
static bool read_password(const char *path, char *password, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok = file && fgets(password, (int)size, file);

	if (file)
		fclose(file);
	if (ok)
		password[strcspn(password, "\r\n")] = '\0';
	return ok;
}

int command_pool_create(struct posada *handle, const struct args *args)
{
	const char *kind = args_get(args, "kind"), *source = args_get(args, "source");
	const char *file = args_get(args, "password-file");
	struct posada_pool_spec spec = {
		.name = args->name, .source = source, .user = args_get(args, "user")};
	struct posada_error err;
	struct posada_pool pool;
	char group[96] = "", password[512];
	int status, ret;

	if (!kind || posada_pool_kind_parse(kind, &spec.kind))
		return wrong("kind", kind ? kind : "", _("Give directory, lvm, nfs or iscsi."));
	if (!source || !*source)
		return wrong("source", "", _("Give what the pool is made of."));
	if ((spec.user || file) && spec.kind != POSADA_POOL_ISCSI)
		return wrong(spec.user ? "user" : "password-file", spec.user ? spec.user : file,
			_("Only an iSCSI pool has a user and a password."));
	if (file && !read_password(file, password, sizeof(password)))
		return wrong("password-file", file, _("Give a file that can be read."));
	spec.password = file ? password : NULL;
	/* Nothing on a disk is lost for a pool that cannot be. */
	ret = posada_pool_show(handle, args->name, &pool, &err);
	if (!ret)
		posada_pool_free(&pool);
	else if (ret != -ENOENT)
		return failed(&err);
	else if (spec.kind == POSADA_POOL_LVM && !posada_group_exists(source) &&
		 !posada_group_name(args->name, group, sizeof(group))) {
		status = take_disk(group, source, false, args_get(args, "confirm"));
		if (status)
			return status;
		spec.source = group;
	}
	if (posada_pool_create(handle, &spec, &err)) {
		status = failed(&err);
		if (spec.source == group)
			fprintf(stderr,
				_("The disk is in the volume group %s now: posada pool create %s --kind lvm --source %s\n"),
				group, args->name, group);
		return status;
	}
	printf(_("The pool %s is made.\n"), args->name);
	return EXIT_DONE;
}

int command_pool_grow(struct posada *handle, const struct args *args)
{
	const char *disk = args_get(args, "disk");
	struct posada_error err;
	struct posada_pool pool;
	int status;

	if (!disk || !*disk)
		return wrong("disk", "", _("Give the disk that the pool shall have."));
	if (posada_pool_show(handle, args->name, &pool, &err))
		return failed(&err);
	if (posada_pool_grows(&pool, &err))
		status = failed(&err);
	else
		status = take_disk(pool.source, disk, true, args_get(args, "confirm"));
	posada_pool_free(&pool);
	return status;
}

/* --- Deleting a volume -------------------------------------------------- */

int command_pool_delete(struct posada *handle, const struct args *args)
{
	const char *volume = args_get(args, WORD);
	struct posada_error err;

	if (!confirm_name("posada", volume, args_get(args, "confirm")))
		return EXIT_FAILED;
	if (posada_volume_delete(handle, args->name, volume, &err))
		return failed(&err);
	puts(_("It is deleted."));
	return EXIT_DONE;
}

/* --- The rest ----------------------------------------------------------- */

int command_pool_attach(struct posada *handle, const struct args *args)
{
	return command_simple(handle, args, posada_pool_attach, _("The pool %s is attached.\n"));
}

int command_pool_detach(struct posada *handle, const struct args *args)
{
	return command_simple(handle, args, posada_pool_detach, _("The pool %s is detached.\n"));
}

int command_pool_forget(struct posada *handle, const struct args *args)
{
	return command_simple(handle, args, posada_pool_forget,
		_("The pool %s is forgotten; what is in it is still there.\n"));
}

int command_pool_check(struct posada *handle, const struct args *args)
{
	struct posada_error err;

	(void)args;
	return posada_pool_check(handle, &err) ? failed(&err) : EXIT_DONE;
}
