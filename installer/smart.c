/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks disks about their health: NVMe by its log page, SATA by its SMART status. */
#include "smart.h"

#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PATIENCE_MS 5000

#define NVME_GET_LOG	     0x02
#define NVME_LOG_SMART	     0x02
#define NVME_EVERYWHERE	     0xffffffff
#define NVME_WARN_SPARE	     0x01
#define NVME_WARN_UNRELIABLE 0x04
#define NVME_WARN_READ_ONLY  0x08
#define NVME_WARN_BACKUP     0x10

#define ATA_PASS_THROUGH 0x85
#define ATA_NO_DATA	 (3 << 1)
#define ATA_WANT_ANSWER	 0x20
#define ATA_SMART	 0xb0
#define SMART_STATUS	 0xda
#define SMART_MIDDLE	 0x4f
#define SMART_HIGH	 0xc2
#define FAILS_MIDDLE	 0xf4
#define FAILS_HIGH	 0x2c
#define SENSE_FIXED	 0x70
#define SENSE_DESCRIBED	 0x72
#define SENSE_ATA	 0x09

bool smart_nvme_fails(const uint8_t log[SMART_NVME_LOG])
{
	/* Heat, the remaining warning, is about the room it stands in. */
	return log[0] &
	       (NVME_WARN_SPARE | NVME_WARN_UNRELIABLE | NVME_WARN_READ_ONLY | NVME_WARN_BACKUP);
}

bool smart_ata_fails(const uint8_t sense[SMART_ATA_SENSE])
{
	if ((sense[0] & 0x7f) == SENSE_DESCRIBED)
		return sense[8] == SENSE_ATA && sense[17] == FAILS_MIDDLE &&
		       sense[19] == FAILS_HIGH;
	return (sense[0] & 0x7f) == SENSE_FIXED && sense[10] == FAILS_MIDDLE &&
	       sense[11] == FAILS_HIGH;
}

static bool ask_nvme(int fd)
{
	uint8_t log[SMART_NVME_LOG] = {0};
	struct nvme_admin_cmd command = {
		.opcode = NVME_GET_LOG,
		.nsid = NVME_EVERYWHERE,
		.addr = (uintptr_t)log,
		.data_len = sizeof(log),
		.cdw10 = NVME_LOG_SMART | (sizeof(log) / 4 - 1) << 16,
		.timeout_ms = PATIENCE_MS,
	};

	return !ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command) && smart_nvme_fails(log);
}

static bool ask_ata(int fd)
{
	uint8_t sense[SMART_ATA_SENSE] = {0};
	uint8_t command[16] = {
		[0] = ATA_PASS_THROUGH,
		[1] = ATA_NO_DATA,
		[2] = ATA_WANT_ANSWER,
		[4] = SMART_STATUS,
		[10] = SMART_MIDDLE,
		[12] = SMART_HIGH,
		[14] = ATA_SMART,
	};
	struct sg_io_hdr request = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_NONE,
		.cmd_len = sizeof(command),
		.cmdp = command,
		.mx_sb_len = sizeof(sense),
		.sbp = sense,
		.timeout = PATIENCE_MS,
	};

	return !ioctl(fd, SG_IO, &request) && smart_ata_fails(sense);
}

bool smart_is_failing(const char *path, const char *transport)
{
	bool nvme = !strcmp(transport, "nvme"), failing;
	int fd;

	/* Bridges from USB to ATA are known to hang on what they do not understand. */
	if (!nvme && strcmp(transport, "sata") != 0)
		return false;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	failing = nvme ? ask_nvme(fd) : ask_ata(fd);
	close(fd);
	return failing;
}
