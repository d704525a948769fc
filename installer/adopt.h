/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes of a disk its own system sees as a guest, decided from a machine's description alone.
 */
#ifndef POSADA_ADOPT_H
#define POSADA_ADOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "disks.h"

#define ADOPT_TEXT   512
#define ADOPT_PIECES 512
#define ADOPT_HIDDEN 8
#define ADOPT_NAME   48

struct adopt_wish {
	const char *disk; /* name of the disk: "sda" */
	bool trial;	  /* nothing of it is written */
	/* What the record of the installation on that disk tells: */
	uint64_t core; /* where GRUB's core image of ours lies in sectors that are nobody's */
	unsigned core_number; /* the partition that was made for it alone */
	unsigned own_number;  /* the one that was made for Posada */
};

/* Where the bytes of a piece of the guest's disk are. */
enum adopt_source {
	ADOPT_PRIVATE, /* in a copy that is the guest's alone, at the same place */
	ADOPT_DISK,    /* on the disk itself, at the same place, in no partition */
	ADOPT_PART,    /* in a partition */
	ADOPT_ESP,     /* in a copy of the ESP, from where the copy begins */
	ADOPT_NOTHING  /* nowhere: what is read or written there fails */
};

struct adopt_piece {
	enum adopt_source source;
	uint64_t start, size; /* bytes of the guest's disk */
	char part[64];	      /* the kernel's name of the partition, */
	uint64_t at;	      /* and from where in it, or in the copy */
};

struct adopt {
	char disk[32];
	char system[96]; /* what is to be a guest: "Debian GNU/Linux 13 (trixie)" */
	uint64_t size;
	uint64_t first, last; /* what is in front of and from there on is the table */
	bool uefi;
	/* The ESP that the guest gets a copy of, because Posada lies in it, or because it lacks
	 * what a guest's firmware starts; no name: none. */
	struct part esp;
	/* All of the disk, in order. */
	struct adopt_piece pieces[ADOPT_PIECES];
	size_t piece_count;
	/* What the guest's table has as nobody's: Posada's own partitions. */
	struct {
		unsigned number;
		uint64_t start;
	} hidden[ADOPT_HIDDEN];
	size_t hidden_count;
	char note[ADOPT_TEXT];	  /* what the person should know, or empty */
	char refusal[ADOPT_TEXT]; /* why not, and what to do; empty when it can be done */
};

/*
 * Pure: nothing is read or written but MACHINE and WISH. Returns 0, or -EPERM when it cannot be
 * done, with the reason in adopt->refusal and no pieces.
 */
int adopt_plan(const struct machine *machine, const struct adopt_wish *wish, struct adopt *adopt);

/*
 * Was the system of DISK installed with UEFI, rather than with a BIOS? Where it could start by
 * both, what this host was started with decides. Pure.
 */
bool adopt_is_uefi(const struct machine *machine, const struct disk *disk);

/* What a guest may be called by its system: "debian", "debian-trial". */
void adopt_name(const struct adopt *adopt, bool trial, char name[ADOPT_NAME]);

/* The paths of what the pieces lie on; partitions are below PARTS ("/dev"). */
struct adopt_devices {
	const char *private_copy, *disk, *esp, *parts;
};

/* The table for device-mapper. 0 or -EIO. */
int adopt_table(const struct adopt *adopt, const struct adopt_devices *devices, FILE *out);

#endif
