/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loop devices, which go away with their last user. */
#ifndef POSADA_LOOP_H
#define POSADA_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_NAME 32

/*
 * A loop device over SIZE bytes from START of what is open as BACKING (0: up to its end), which the
 * caller may close. Returns a descriptor of the device, whose path is in PATH, or -errno.
 */
int loop_open(int backing, uint64_t start, uint64_t size, bool read_only, char path[LOOP_NAME]);

/*
 * The same over all of a disk with sectors of 512 bytes, each of which is read and written alone:
 * the page around it, of which a partition may have the rest, is never written back.
 */
int loop_open_direct(int backing, bool read_only, char path[LOOP_NAME]);

#endif
