/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes that come from a file, or over the network. */
#ifndef POSADA_FETCH_H
#define POSADA_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "posada.h"

struct fetch {
	uint64_t total; /* bytes that will come; 0 while that is not known */
	/* The rest belongs to fetch.c. */
	int fd;
	int says; /* what the program that fetches reports */
	pid_t pid;
	char line[512];
	size_t line_len;
	char last[512]; /* its last words that are no header */
};

/* Is it an address (http://, https://)? */
bool fetch_is_address(const char *from);

/* What a file from there would be called: the last part of the path; NULL when that is nothing. */
const char *fetch_name(const char *from, char *name, size_t size);

/* FROM is a path or an address; fetch_close() after success. */
int fetch_open(struct fetch *fetch, const char *from, struct posada_error *err);

/*
 * Reads what there is: bytes, 0 at the end, -EAGAIN when nothing came for a moment, or another
 * negative errno value.
 */
ssize_t fetch_read(struct fetch *fetch, void *buf, size_t size);

/* Ends it; -EIO when not all has come, and why. */
int fetch_close(struct fetch *fetch, bool complete, struct posada_error *err);

#endif
