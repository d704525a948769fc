/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an installation will do, step by step, decided from a machine's description alone. */
#ifndef POSADA_PLAN_H
#define POSADA_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "disks.h"

#define PLAN_TEXT  256
#define PLAN_STEPS 32
/* More than there are sentences that one plan may need; each is said once at most. */
#define PLAN_NOTES 12
/* Bytes in front of the file system in a boot partition of ours, and where in them the core image
 * is. */
#define PLAN_RESERVED ((uint64_t)1 << 20)
#define PLAN_CORE_AT  ((uint64_t)16 * 512)
/* What the core image gets where it is in nothing of ours; the image's maker sees that it fits. */
#define PLAN_CORE_MOST ((uint64_t)256 << 10)
/* How our logical volume is called within its group. */
#define PLAN_VOLUME_NAME "posada"
/* How the group of a mirror begins; a number that differs from installation to installation
 * follows. */
#define PLAN_GROUP_NAME "posada-data"

#define PLAN_ORIGINS 8
#define PLAN_TITLE   96

/* What can be wished to start by itself beside a system's name: us, or the first other one. */
#define PLAN_START_POSADA "posada"
#define PLAN_START_ORIGIN "origin"

/* Seconds that the boot menu waits: unless told otherwise, and within which bounds. With none at
 * all nobody could choose the other system. */
#define PLAN_TIMEOUT	   5
#define PLAN_TIMEOUT_LEAST 1
#define PLAN_TIMEOUT_MOST  3600

/* The first three install; a data place is a file system alone, and a repair makes a disk the
 * second one of a mirror that has lost one. */
enum plan_layout { PLAN_ALONGSIDE, PLAN_WHOLE, PLAN_STICK, PLAN_PLACE, PLAN_REPAIR, PLAN_LAYOUTS };

/* How the layouts are called in words, and by programs. */
extern const char *const plan_layout_names[PLAN_LAYOUTS];

/* What the person asks for. */
struct plan_wish {
	const char *disk;   /* name of the disk: "sda" */
	const char *mirror; /* of a second one that holds the same; NULL: there is none */
	enum plan_layout layout;
	/* Which system the boot menu starts by itself: PLAN_START_POSADA or NULL,
	 * PLAN_START_ORIGIN, or another one's title, or how only that begins. */
	const char *start;
	unsigned timeout; /* from PLAN_TIMEOUT_LEAST to PLAN_TIMEOUT_MOST */
	uint64_t payload; /* bytes of one version of the payload */
	/* For a data place: within this partition, which loses what it holds, or as a new volume
	 * of this group; when it is NULL in the largest free room, or, with whole, on the disk,
	 * which loses all. */
	const char *part;
	bool whole;
};

enum plan_action {
	PLAN_RECORD,	/* keep what undo needs */
	PLAN_TABLE,	/* a new, empty GPT */
	PLAN_PARTITION, /* one partition more */
	PLAN_VOLUME,	/* one logical volume more */
	PLAN_MIRROR,	/* a group of two partitions, and a logical volume that both hold */
	PLAN_REJOIN,	/* a partition in place of one that such a volume has lost */
	PLAN_FORMAT,	/* a file system in it */
	PLAN_FILES, /* payload, boot loader and configuration into a folder; read back and compared
		     */
	PLAN_CORE,  /* GRUB's core image into sectors of our own */
	PLAN_SECTOR0,  /* the boot code of sector 0, in one write */
	PLAN_NVRAM,    /* an entry in the firmware's boot menu */
	PLAN_FALLBACK, /* the path that firmware takes without an entry */
	PLAN_ACTIONS
};

/* What a partition of ours is for; its name is what the table calls it. */
enum plan_role { PLAN_BOOT, PLAN_BIOS_BOOT, PLAN_DATA };

struct plan_step {
	enum plan_action action;
	enum plan_role role;
	char part[64];	 /* the kernel's name of the partition, GROUP/VOLUME, or the disk's */
	char on[64];	 /* a logical volume: the partition that it lies on; else empty */
	char with[64];	 /* a mirror: the other partition that it lies on, or is copied from */
	bool second;	 /* on the second disk */
	unsigned number; /* of the partition; 0: none */
	uint64_t start;	 /* bytes from the disk's start; as in struct part for a logical volume */
	uint64_t size;
	char type[40];		 /* as in struct part */
	char content[24];	 /* the file system made or used */
	bool guarded;		 /* ext4: two hosts cannot mount it at once (its feature mmp) */
	char does[PLAN_TEXT];	 /* for people: what it does, */
	char touches[PLAN_TEXT]; /* what it changes, */
	char undo[PLAN_TEXT];	 /* and how that is taken back */
};

/* A system that the new boot menu offers beside Posada. */
struct plan_origin {
	char title[PLAN_TITLE]; /* no two have the same */
	char uuid[40];		/* UEFI: of the file system its loader is on */
	char loader[128];	/* UEFI: the loader's path; empty: the saved sector 0 of the disk */
	char part[40]; /* the loader's partition (struct part's uuid), when none but the firmware
			  may start it; else empty */
};

/* What a disk was when it was planned for. */
struct plan_seen {
	char serial[64];
	char table_uuid[40];
	uint64_t size;
	size_t part_count;
};

struct plan {
	enum plan_layout layout;
	char disk[32];
	char mirror[32]; /* the second disk, or the one that is left of a mirror; or empty */
	char part[64];	 /* a data place: the partition or group that was wished, or empty */
	bool whole;
	struct plan_seen seen[2]; /* the disk, and the second one */
	bool uefi;
	char start[PLAN_TITLE]; /* as it was wished */
	unsigned timeout;
	uint64_t payload; /* bytes */
	struct plan_step steps[PLAN_STEPS];
	size_t step_count;
	struct plan_origin origins[PLAN_ORIGINS];
	size_t origin_count, origins_left; /* in the boot menu, and for want of room not */
	size_t first; /* which of them starts by itself, counted from 1; 0: Posada */
	char notes[PLAN_NOTES][PLAN_TEXT]; /* what the person should know before */
	size_t note_count;
	char stays[PLAN_TEXT]; /* what is left untouched on this disk; the other disks always are */
	char refusal[2 * PLAN_TEXT]; /* why not, and what to do; empty when the plan can be carried
					out */
};

/*
 * Plan an installation. Pure: nothing is read or written but MACHINE and WISH. Returns 0, or
 * -EPERM when it cannot be done, with the reason in plan->refusal and no steps.
 */
int plan_make(const struct machine *machine, const struct plan_wish *wish, struct plan *plan);

/* The first step with that action, or NULL. */
const struct plan_step *plan_find(const struct plan *plan, enum plan_action action);

/* For people, 80 columns wide; and as JSON. 0 or -EIO. */
int plan_print(const struct plan *plan, const struct machine *machine, FILE *out);
int plan_json(const struct plan *plan, FILE *out);

#endif
