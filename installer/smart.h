/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a disk whether it fails. */
#ifndef POSADA_SMART_H
#define POSADA_SMART_H

#include <stdbool.h>
#include <stdint.h>

/* Does the disk say that it fails? One that cannot be asked does not. TRANSPORT as in struct disk.
 */
bool smart_is_failing(const char *path, const char *transport);

/* The first bytes of NVMe's log page 2; the sense data of ATA's "SMART RETURN STATUS". */
#define SMART_NVME_LOG	512
#define SMART_ATA_SENSE 32
bool smart_nvme_fails(const uint8_t log[SMART_NVME_LOG]);
bool smart_ata_fails(const uint8_t sense[SMART_ATA_SENSE]);

#endif
