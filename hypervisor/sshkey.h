/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a pasted line an SSH public key, whole and of a kind that is trusted today? */
#ifndef POSADA_SSHKEY_H
#define POSADA_SSHKEY_H

#include <stdbool.h>

/* "TYPE BASE64 [COMMENT]", as in an .pub file (RFC 4253, 6.6); no options before it. */
bool sshkey_is_whole(const char *line);

#endif
