/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What writing an installation, taking it back and adopting what is beside it share. */
#ifndef POSADA_WORK_H
#define POSADA_WORK_H

#include <limits.h>
#include "apply.h"
#include "raw.h"

/* Where our files are on their file system. */
#define WORK_FOLDER	 "/posada"
#define WORK_VERSION_A	 WORK_FOLDER "/a"
#define WORK_UNDO_NAME	 "undo"
#define WORK_UNDO	 WORK_FOLDER "/" WORK_UNDO_NAME
#define WORK_CORE	 WORK_UNDO "/core"
#define WORK_EFI_FOLDER	 "/EFI/posada"
#define WORK_EFI_GRUB	 WORK_EFI_FOLDER "/grubx64.efi"
#define WORK_BOOT_FOLDER "/EFI/BOOT"
#define WORK_FALLBACK	 WORK_BOOT_FOLDER "/BOOTX64.EFI"

/* The copies of records, each in a folder of its own as on the disk; it lasts on a data place. */
#define WORK_RECORDS "/etc/posada/records"

/* Two disks that hold the same have the same word in this file. */
#define WORK_PAIR WORK_FOLDER "/mirror"

/* How a GPT calls the partition that has GRUB's core image alone. */
#define WORK_CORE_NAME "Posada GRUB"

/* The file system that is ours is called so. */
#define WORK_LABEL "POSADA"

#define WORK_HASH 32

/* What a mirror has twice: of the disk that is not at work now. */
struct work_side {
	char device[PATH_MAX];
	char identity[17];
	int lock;
	struct raw_ends before, after;
};

struct work {
	const struct plan *plan;
	const struct apply_options *options;
	const struct plan_step *step; /* the one at work */
	struct apply_places places;
	struct apply_result *result;
	char device[PATH_MAX];	  /* of the disk */
	char partition[PATH_MAX]; /* of the partition or volume with the payload */
	char volume[64];	  /* GROUP/VOLUME when it is one */
	char content[24];	  /* its file system */
	char mount[512];	  /* where that is mounted */
	char copy[512];		  /* the folder with the copy of the record, or empty */
	char identity[17];	  /* of this installation: the file that GRUB looks for */
	int lock;		  /* on the disk's device */
	bool block;		  /* the disk is a device, no image file */
	struct raw_ends before, after;
	struct work_side other; /* its device is empty where there is no mirror */
	bool second;		/* the second disk is at work */
	char pair[17];		/* what both disks have in WORK_PAIR */
	struct work *from;	/* the file system that a repair copies from, while it is mounted */
	uint64_t total, done;	/* bytes, for the gauge */
	uint8_t hash[WORK_HASH]; /* of the file written last */
	bool mounted, read_only;
	/* What this run has begun to change, for the way back. */
	bool table_made, files_made, core_made, sector0_made, nvram_made, fallback_made,
		boot_folder_made, volume_made;
	const struct plan_step *part_made;
	bool lost;     /* what a partition that was there held */
	uint8_t *core; /* the core image as it lies in sectors that are nobody's, or NULL */
	size_t core_size;
	uint8_t option[512]; /* the firmware's entry */
	size_t option_size;
	char *why; /* APPLY_TEXT */
};

/* For work that is all zero but for its why. Places that were not given are a running system's. */
void work_open(struct work *work, const struct apply_options *options);
void work_close(struct work *work);

/*
 * Say why, unless a reason has been given already; returns RET. The functions below that return 0
 * or -errno have said why after an error, but those that take no struct work, and work_sync.
 */
int work_fail(struct work *work, int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether both disks of a mirror hold the same, on the status page: a sentence until they do; NULL
 * when they do. */
void work_notice(const struct work *work, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- The disk ----------------------------------------------------------- */

/*
 * Keep whoever changes the disk DEVICE off it until what is returned is closed; ALONE: also those
 * who take something of it into use, and udev. A descriptor, or -EBUSY: somebody changes it; or
 * -errno.
 */
int work_lock(const char *device, bool alone);

/* Have the disk alone until work_close: no second installer, no udev that reads its table. */
int work_claim(struct work *work);

/* The same, but file systems of the disk may be in use. */
int work_claim_files(struct work *work);

/* Go on with the second disk of a mirror, or with the first. */
void work_turn(struct work *work, bool second);

/* The machine as it is now, which the caller frees also after an error, and the disk NAME in it. */
int work_look(
	struct work *work, const char *name, struct machine *machine, const struct disk **disk);

int work_write(struct work *work, const void *bytes, size_t size, uint64_t at);
int work_read_ends(struct work *work, struct raw_ends *ends);

/* What the kernel knows of a partition ("start", "size"), in bytes; -ENOENT: nothing. */
int work_kernel_number(const char *name, const char *fact, uint64_t *bytes);

/* A name that the kernel has given to something else must not be written to: -EBUSY. */
int work_see_partition(struct work *work, const char *name, uint64_t start, uint64_t size);

/* Fills work->option, the firmware's entry for our loader on a partition. */
int work_make_option(struct work *work, unsigned number, uint64_t start, uint64_t size);

/* The device of a disk or partition. */
void work_device(struct work *work, const char *name, char device[PATH_MAX]);

/* A program without a shell; one that ends with more than MOST has failed. */
int work_run(struct work *work, const char *const words[], int most);

/*
 * Between the table that has our partition and the record in it, the partition's last bytes tell
 * what was there before: written first, and dropped when the record is there. work_get_mark fills
 * work->before; -ENOENT, without a word, when there is no mark.
 */
int work_put_mark(struct work *work, uint64_t start, uint64_t size);
int work_get_mark(struct work *work, uint64_t start, uint64_t size);
int work_drop_mark(struct work *work, uint64_t start, uint64_t size);

/* --- The file system with the payload ----------------------------------- */

/* Where it is: a partition, or a volume when ON tells which partition has that. */
void work_choose(struct work *work, const char *name, const char *on, const char *content);

/* A volume has a device only while it is active: from work_activate until work_release. */
int work_activate(struct work *work);
int work_release(struct work *work, int ret);

/* On a directory that nobody else knows. */
int work_mount(struct work *work, bool read_only);

/* Have a device, also one that was written by another program, keep what it was given; says
 * nothing. */
int work_flush(const char *device);

/* RET is what went wrong before; what was written is on the disk when this returns 0. */
int work_unmount(struct work *work, int ret);

/* Flush what was written so far: what is written next comes after it whenever the power goes. */
int work_sync(const struct work *work);

/* Where a file of that file system is. */
void work_path(struct work *work, const char *name, char path[PATH_MAX]);

/* Make the directories that lead to a path. */
int work_make_folders(const char *path);

/* Whether both can be read, and have the same bytes. */
bool work_same_files(const char *one, const char *other);

/* Whatever writes a file's bytes, the same ones each time. */
typedef int (*work_producer)(struct work *work, const void *what, FILE *out);

/*
 * Write the file NAME, which is in place only once it is whole and reads back as it was written;
 * its sha256 is work->hash then.
 */
int work_write_file(struct work *work, const char *name, work_producer produce, const void *what);

/* The same from a source that can be read once. */
int work_write_once(struct work *work, const char *name, work_producer produce, const void *what);

/* --- The way back ------------------------------------------------------- */

/* The record's lines, "key=0" and "key=1", or with numbers; what is not among them is 0. */
struct record {
	bool partition, sector0, nvram, fallback, boot_folder;
	uint64_t core;	      /* bytes from the disk's start: in sectors that are nobody's */
	unsigned core_number; /* of the partition that was made for the core image */
	uint64_t core_start;
	bool summed; /* it tells a sum, and has that: no byte of it is lost */
	bool marked; /* no line: there was no record yet, but the mark of a partition half made */
	bool copied; /* no line: it is the copy on the data place */
	bool bare;   /* no line: there is none, and this is what is ours without one */
};

/* The sum of the lines before, and of work->before, work->after and work->core. */
uint64_t work_sum_record(const struct work *work, uint64_t lines);

/*
 * Fills work->copy for an installation on PART of a disk: by what tells the disk, its table and the
 * partition in it from any other. Empty when there is no place that lasts.
 */
void work_choose_copy(struct work *work, const char *serial, uint64_t size, const char *table_uuid,
	const struct part *part);

/* The copy is of no use any more; says nothing. */
void work_drop_copy(const struct work *work);

/*
 * Read the record of an installation, which is mounted, and with it work->before, work->after and
 * work->core; -EPERM when the disk is Posada's as a whole.
 */
int work_read_record(struct work *work, struct record *record);

/*
 * The same from PART, or, where it is not whole there, from the copy that work_choose_copy has
 * chosen. THERE: what is on PART could be looked at, or is a volume of ours.
 */
int work_find_record(
	struct work *work, const struct part *part, struct record *record, bool *there);

/* Undo what this run has done, the last first; no record on the disk is needed. */
int work_take_back(struct work *work);

#endif
