// SPDX-License-Identifier: GPL-2.0-or-later
// Guests that start with the host, one after the other, and all that run when it stops.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

#define POLL_MS 250

/* A host that shall stop, by its power button or its UPS, does so: however many numbers there are,
 * all guests together get no more time than this many of them. */
#define ROUNDS_MAX 5

/* What the host's start has written there, where not all went well. */
#define NOTICE POSADA_RUN "/notices/autostart"

/* There once the host has begun to stop. */
#define STOPPING POSADA_RUN "/stopping"

/* A file for each guest whose disks were not there when its turn came. */
#define LATE POSADA_RUN "/late"

/* A guest and its place in the row. */
struct place {
	char *name;
	unsigned order;
	unsigned delay_s;
	enum posada_start autostart;
	bool live, paused;
	struct target target;	 /* while it is shut down */
	struct posada_error why; /* it cannot be */
};

struct row {
	struct place *places;
	size_t count;
};

static void row_free(struct row *row)
{
	size_t i;

	for (i = 0; i < row->count; i++) {
		free(row->places[i].name);
		if (row->places[i].target.domain)
			target_close(&row->places[i].target);
	}
	free(row->places);
}

static int by_order(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* Every guest in the order in which they start; those without a number come last. */
static int row_make(struct posada *handle, struct row *row, struct posada_error *err)
{
	struct posada_guests guests;
	int ret = posada_guest_list(handle, &guests, err);
	size_t i;

	memset(row, 0, sizeof(*row));
	if (ret)
		return ret;
	row->places = calloc(guests.count + 1, sizeof(*row->places));
	if (!row->places)
		ret = fail_memory(err);
	for (i = 0; i < guests.count && !ret; i++) {
		struct place *place = &row->places[row->count];
		struct posada_settings settings;

		/* It can have gone since it was listed. */
		if (posada_guest_settings(handle, guests.items[i].name, &settings, err))
			continue;
		place->name = guests.items[i].name;
		guests.items[i].name = NULL;
		place->order = settings.order ? settings.order : POSADA_ORDER_MAX + 1;
		place->delay_s = settings.delay_s;
		if (guests.items[i].state != POSADA_TEMPLATE)
			place->autostart = settings.autostart;
		place->live = posada_state_is_live(guests.items[i].state);
		place->paused = guests.items[i].state == POSADA_PAUSED;
		row->count++;
	}
	posada_guests_free(&guests);
	if (ret)
		row_free(row);
	else
		qsort(row->places, row->count, sizeof(*row->places), by_order);
	return ret;
}

static bool shall_run(const struct posada *handle, const char *name, enum posada_start autostart)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", handle->running, name);
	return autostart == POSADA_START_ALWAYS ||
	       (autostart == POSADA_START_CRASHED && !access(path, F_OK));
}

/* Whoever is off by intention stays off at the next start; who could not start has still to. */
static void note_running(const struct posada *handle, const char *name, bool running)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", handle->running, name);
	if (!running) {
		unlink(path);
	} else if (posada_name_is_legal(name)) {
		file = fopen(path, "we");
		if (file)
			fclose(file);
	}
}

static void pause_ms(uint64_t ms)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};

	nanosleep(&pause, NULL);
}

static bool has_disks(struct posada *handle, const char *name)
{
	struct posada_guest guest;
	int ret;

	if (posada_guest_show(handle, name, &guest, NULL))
		return false;
	ret = guest_see_disks(handle, &guest, NULL);
	posada_guest_free(&guest);
	return !ret;
}

static void put_late(struct posada *handle, const char *name)
{
	char path[512];
	FILE *file;

	if (!posada_name_is_legal(name) || has_disks(handle, name))
		return;
	mkdir(LATE, 0700);
	snprintf(path, sizeof(path), LATE "/%s", name);
	file = fopen(path, "we");
	if (file)
		fclose(file);
}

void autostart_late(struct posada *handle)
{
	char path[512];
	DIR *dir = opendir(LATE);
	const struct dirent *entry;

	while (dir && access(STOPPING, F_OK) && (entry = readdir(dir))) {
		struct posada_settings settings = {0};
		bool wanted;
		int ret;

		if (!posada_name_is_legal(entry->d_name))
			continue;
		ret = posada_guest_settings(handle, entry->d_name, &settings, NULL);
		wanted = !ret && shall_run(handle, entry->d_name, settings.autostart);
		/* Another guest may get the name of one that was deleted. */
		if (ret ? ret != -ENOENT : wanted && !has_disks(handle, entry->d_name))
			continue;
		/* One try: what then stands in its way is told when a person starts it. */
		snprintf(path, sizeof(path), LATE "/%s", entry->d_name);
		if (!unlink(path) && wanted)
			posada_guest_start(handle, entry->d_name, NULL);
	}
	if (dir)
		closedir(dir);
}

int posada_autostart(
	struct posada *handle, posada_report report, void *opaque, struct posada_error *err)
{
	struct row row;
	unsigned wait_s = 0;
	int ret = row_make(handle, &row, err), first = 0;
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < row.count; i++) {
		const struct place *place = &row.places[i];
		struct posada_error why = {{0}};

		if (place->live)
			continue;
		if (!shall_run(handle, place->name, place->autostart)) {
			note_running(handle, place->name, false);
			continue;
		}
		pause_ms(wait_s * UINT64_C(1000));
		if (!access(STOPPING, F_OK))
			break;
		ret = posada_guest_start(handle, place->name, &why);
		/* A person was faster. */
		if (ret == -EALREADY)
			ret = 0;
		report(opaque, place->name, ret, &why);
		/* Nobody waits for one that did not start. */
		wait_s = ret ? 0 : place->delay_s;
		if (ret) {
			note_running(handle, place->name, true);
			put_late(handle, place->name);
		}
		if (ret && !first) {
			first = ret;
			if (err)
				*err = why;
		}
	}
	row_free(&row);
	return first;
}

void autostart_settle(struct posada *handle)
{
	struct row row;
	bool all = true;
	size_t i;

	if (access(NOTICE, F_OK) || row_make(handle, &row, NULL))
		return;
	for (i = 0; i < row.count; i++)
		all = all && (row.places[i].live || !shall_run(handle, row.places[i].name,
							    row.places[i].autostart));
	row_free(&row);
	if (all)
		unlink(NOTICE);
}

/* Opens it and asks; what cannot be asked is forced off at the end of the wait. */
static void ask(struct posada *handle, struct place *place)
{
	int ret = target_open(handle, place->name, &place->target, &place->why);

	if (ret) {
		/* One that went away since it was listed is off. */
		place->live = ret != -ENOENT;
		return;
	}
	/* Who sleeps hears nothing. */
	if (place->paused)
		virDomainResume(place->target.domain);
	virDomainShutdown(place->target.domain);
}

static size_t still_live(struct place *places, size_t count)
{
	size_t live = 0, i;

	for (i = 0; i < count; i++) {
		if (!places[i].target.domain)
			continue;
		/* One of which nothing can be learned is not off. */
		if (places[i].live)
			places[i].live = virDomainIsActive(places[i].target.domain) != 0;
		live += places[i].live;
	}
	return live;
}

static int force_off(struct place *place, unsigned waited_ms)
{
	if (!place->target.domain)
		return -ENOTCONN;
	if (virDomainDestroy(place->target.domain) && virDomainIsActive(place->target.domain))
		return fail_libvirt(&place->why, _("A guest still runs and cannot be forced off"),
			_("Look at it before the host stops, or it loses what it has not written."));
	return fail(&place->why, -ETIMEDOUT,
		_("The guest %s did not shut down within %u seconds, and was forced off."),
		place->name, waited_ms / 1000);
}

/* Returns how long that took. */
static unsigned stop_together(struct posada *handle, struct place *places, size_t count,
	unsigned timeout_ms, posada_report report, void *opaque)
{
	unsigned waited;
	size_t i;

	for (i = 0; i < count; i++)
		if (places[i].live)
			ask(handle, &places[i]);
	for (waited = 0; still_live(places, count) && waited + POLL_MS <= timeout_ms;
		waited += POLL_MS)
		pause_ms(POLL_MS);
	for (i = 0; i < count; i++) {
		int ret = places[i].live ? force_off(&places[i], waited) : 0;

		if (ret || places[i].target.domain)
			report(opaque, places[i].name, ret, &places[i].why);
	}
	return waited;
}

int posada_stop_all(struct posada *handle, unsigned timeout_ms, posada_report report, void *opaque,
	struct posada_error *err)
{
	struct row row;
	unsigned left_ms = timeout_ms * ROUNDS_MAX;
	size_t end, start;
	int ret = row_make(handle, &row, err);

	if (ret)
		return ret;
	for (end = row.count; end; end = start) {
		for (start = end - 1;
			start && row.places[start - 1].order == row.places[end - 1].order;)
			start--;
		left_ms -= stop_together(handle, &row.places[start], end - start,
			left_ms < timeout_ms ? left_ms : timeout_ms, report, opaque);
	}
	row_free(&row);
	return 0;
}
