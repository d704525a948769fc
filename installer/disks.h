/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's disks: what the probe finds, what the planner reads, and their description as text.
 */
#ifndef POSADA_DISKS_H
#define POSADA_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* All offsets and sizes are bytes. A text that is not known is empty, never missing. */

enum disks_table { TABLE_NONE, TABLE_GPT, TABLE_DOS, TABLE_DAMAGED };

/* Systems that an ESP starts, beside the first. */
#define PART_MORE 3

struct system {
	char name[96];
	char loader[128];
};

/* A partition, or a logical volume of a volume group. */
struct part {
	char name[64];	 /* the kernel's: sda1, or group/volume */
	unsigned number; /* in the table, from 1; 0 for a logical volume */
	uint64_t start;	 /* from the disk's start */
	uint64_t size;
	char type[40];	  /* GPT: the type's GUID in lower case; DOS: two hexadecimal digits */
	char uuid[40];	  /* of the partition, not of the file system */
	bool active;	  /* DOS: the flag that a boot sector looks for */
	bool logical;	  /* DOS: inside the extended partition */
	char content[24]; /* what libblkid names: ext4, xfs, btrfs, vfat, ntfs, BitLocker,
			     crypto_LUKS, LVM2_member, linux_raid_member, swap, …; empty: nothing
			     that is known */
	char content_uuid[40];
	char label[64];
	uint64_t room;	   /* free bytes of the file system; 0 when it was not looked into.
			      LVM2_member: the largest piece that no volume has */
	char mounted[128]; /* where this host has it mounted */
	char group[64];	   /* LVM2_member: the volume group it belongs to */
	char on[64];	  /* logical volume in one piece: the partition or disk that it lies on, and
			     start is from there */
	char system[96];  /* the operating system found in it: "Debian GNU/Linux 13 (trixie)" */
	char loader[128]; /* ESP: path of that system's loader in it: /EFI/debian/shimx64.efi */
	struct system more[PART_MORE]; /* ESP: those of others (as text: system2, loader2, …) */
	bool fallback;		       /* ESP: /EFI/BOOT/BOOTX64.EFI is taken */
	bool kernels;		       /* ESP: a system's kernels lie in it */
	bool dirty;		       /* was not unmounted cleanly */
	bool hibernated;	       /* a sleeping Windows or Linux will write to it */
	bool readable;	 /* ext4, xfs, btrfs, vfat: GRUB knows every feature that it has */
	bool posada;	 /* a payload of ours lies in /posada, or the beginnings of one */
	char mirror[20]; /* what our partitions on the two disks of a mirror have in common, and
			    no others; or empty */
	bool ours;	 /* a logical volume that we made for ourselves */
	bool unfinished; /* only the beginnings, or what undo has not yet taken away */
	bool unseen;	 /* a file system that could not be looked into: what is said of it is
			    not all there may be */
	bool used;	 /* mounted, swap, a guest's, or a member of something active */
	char guest[64];	 /* one that has it, whether it runs or not */
};

struct disk {
	char name[32]; /* the kernel's: sda, nvme0n1, md0 */
	char model[64];
	char serial[64];
	char transport[16]; /* usb, sata, sas, nvme, virtio, … */
	uint64_t size;
	unsigned sector; /* of its logical sectors: 512 or 4096 */
	bool read_only;
	bool failing; /* it reports about itself that it fails */
	bool removable;
	bool medium;	  /* this host was booted from it */
	bool in_use;	  /* mounted, swap, a guest's, or a member of something active */
	bool taken;	  /* the same, as a whole: its partitions alone do not count */
	char guest[64];	  /* one that has it as a whole, whether it runs or not */
	char adopted[64]; /* the guest that the system on it was adopted as */
	enum disks_table table;
	char table_uuid[40];
	uint64_t first,
		last; /* GPT: the first usable byte, and the one behind the last; else 0, size */
	uint64_t gap_free; /* DOS: where the run of zero sectors before the first partition begins;
			      0: none */
	bool boot_code;	   /* sector 0 holds boot code */
	char boot_loader[16]; /* whose: GRUB, Windows, …; empty: nobody's that is known */
	struct part *parts;   /* in order of start */
	size_t part_count;
};

/* A volume group and the room in it. */
struct group {
	char name[64];
	uint64_t extent; /* bytes */
	uint64_t free;
	struct part *volumes;
	size_t volume_count;
};

struct machine {
	bool uefi;
	bool secure_boot;
	bool nvram; /* boot entries can be written */
	struct disk *disks;
	size_t disk_count;
	struct group *groups;
	size_t group_count;
};

/*
 * Write MACHINE as text: lines "machine", "disk", "part" (of the disk above), "group" and "volume"
 * (of the group above), each followed by " key=value" with the names of the fields above; a value's
 * bytes below 0x21, "%", and those from 0x7f are written as %XX; what is 0, empty or false is left
 * out, what is true is written as "yes". Returns 0 or -EIO.
 */
int disks_write(const struct machine *machine, FILE *out);

/*
 * Read such a text. Returns 0, -ENOMEM, -EIO, or -EINVAL with the number of the line at fault in
 * *LINE; what was filled is freed by disks_free, also after an error. A line that begins with "#"
 * and an empty one say nothing.
 */
int disks_read(FILE *in, struct machine *machine, unsigned *line);

void disks_free(struct machine *machine);

/* The same as JSON (RFC 8259), every field there. 0 or -EIO. */
int disks_json(const struct machine *machine, FILE *out);

/* What travels from machine to machine: it is removable, or on USB. */
bool disks_is_stick(const struct disk *disk);

/* DOS: an extended partition, which has nothing but others in it. */
bool disks_is_container(const struct part *part);

/* A SCSI disk other than SATA's and USB's: more than one host may be attached to it. */
bool disks_is_shareable(const struct disk *disk);

/* The kernel's name of a disk's partition: nvme0n1 has nvme0n1p1, sda has sda1. */
void disks_part_name(const char *disk, unsigned number, char name[64]);

/* The group of that name, or NULL; none has an empty one. */
struct group *disks_find_group(const struct machine *machine, const char *name);

/* The volume GROUP/VOLUME, or NULL. */
struct part *disks_find_volume(const struct machine *machine, const char *name);

/* Our partition on the other disk of PART's mirror, and that disk; NULL: there is none. */
const struct part *disks_find_twin(
	const struct machine *machine, const struct part *part, const struct disk **disk);

/* Does that partition, or volume (GROUP/VOLUME), lie on the disk that this host was started from?
 */
bool disks_on_medium(const struct machine *machine, const char *name);

/* Room for one element more in a list that those above free; cleared. NULL when there is no memory.
 */
struct disk *disks_add(struct machine *machine);
struct group *disks_add_group(struct machine *machine);
struct part *disks_add_part(struct disk *disk);
struct part *disks_add_volume(struct group *group);

#endif
