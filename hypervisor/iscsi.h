/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets of iSCSI servers, and the sessions with them. */
#ifndef POSADA_ISCSI_H
#define POSADA_ISCSI_H

#include <stdbool.h>
#include <stddef.h>

#define ISCSI_BY_PATH "/dev/disk/by-path"

struct iscsi_target {
	char server[256];
	char port[6];
	char name[224]; /* as RFC 3720 has it: iqn., eui. or naa. */
};

/* Of HOST[:PORT]/NAME; -EINVAL. */
int iscsi_target_parse(const char *source, struct iscsi_target *target);

struct iscsi_session {
	char id[32]; /* as the kernel calls it: "session1" */
	bool answers;
};

/* The session with a target, in the kernel's SYS ("/sys"); -ENOENT when there is none. */
int iscsi_session_find(const char *sys, const char *name, struct iscsi_session *session);

/* Is the path that of a volume of the target by its name, whether it is there now or not? */
bool iscsi_path_is_of(const char *path, const char *name);

/* Is what PATH leads to a volume of the session, or a part of one? */
bool iscsi_session_has(const char *sys, const struct iscsi_session *session, const char *path);

/* A volume of the session that LVM or the like is at work on, in device; -ENOENT. What is mounted
 * iscsid does not let go of by itself. */
int iscsi_session_held(
	const char *sys, const struct iscsi_session *session, char *device, size_t size);

#endif
