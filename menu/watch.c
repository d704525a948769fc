// SPDX-License-Identifier: GPL-2.0-or-later
// Asks for the state of host and guests every two seconds, in a thread of its own.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "watch.h"

#define PERIOD_S  2
#define REFRESH_S 3

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static struct watch latest;
static time_t latest_at;
static unsigned asked_for, answer;

static time_t uptime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static struct timespec in_seconds(unsigned seconds)
{
	struct timespec when;

	clock_gettime(CLOCK_REALTIME, &when);
	when.tv_sec += seconds;
	return when;
}

/* handle NULL asks only for what needs no libvirtd. */
static void ask(struct posada *handle)
{
	struct watch fresh = {0}, old;

	if (posada_host_status(handle, &fresh.host, NULL))
		return;
	fresh.guests_known = handle && !posada_guest_list(handle, &fresh.guests, NULL);
	pthread_mutex_lock(&mutex);
	old = latest;
	latest = fresh;
	latest_at = uptime();
	pthread_mutex_unlock(&mutex);
	posada_guests_free(&old.guests);
	posada_host_free(&old.host);
}

static void *keep_asking(void *unused)
{
	struct posada *handle = NULL;

	(void)unused;
	if (posada_open(&handle, 0, NULL))
		return NULL;
	for (;;) {
		struct timespec next = in_seconds(PERIOD_S);
		unsigned serving;

		pthread_mutex_lock(&mutex);
		serving = asked_for;
		pthread_mutex_unlock(&mutex);
		ask(handle);
		pthread_mutex_lock(&mutex);
		answer = serving;
		pthread_cond_broadcast(&answered);
		while (asked_for == serving && !pthread_cond_timedwait(&asked, &mutex, &next))
			;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

void watch_start(void)
{
	sigset_t all, before;
	pthread_t thread;

	ask(NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!pthread_create(&thread, NULL, keep_asking, NULL))
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void watch_refresh(void)
{
	struct timespec limit = in_seconds(REFRESH_S);
	unsigned mine;

	pthread_mutex_lock(&mutex);
	mine = ++asked_for;
	pthread_cond_signal(&asked);
	while (answer != mine && !pthread_cond_timedwait(&answered, &mutex, &limit))
		;
	pthread_mutex_unlock(&mutex);
}

const struct watch *watch_lock(void)
{
	pthread_mutex_lock(&mutex);
	latest.age_s = (unsigned)(uptime() - latest_at);
	/* Before libvirtd is up there is nothing to complain about. */
	if (!latest.guests_known && posada_host_is_starting())
		latest.age_s = 0;
	return &latest;
}

void watch_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}
