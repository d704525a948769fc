/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The passwords of pools: libvirt keeps them, as secrets of its own. */
#ifndef POSADA_POOL_LOGIN_H
#define POSADA_POOL_LOGIN_H

#include <libvirt/libvirt.h>
#include "posada.h"

/* What the pool's XML calls the secret: %s is the pool's name. */
#define POOL_SECRET "posada-%s"

/* In place of the one that the pool of that name had. */
int pool_password_keep(
	virConnectPtr conn, const char *pool, const char *password, struct posada_error *err);
void pool_password_forget(virConnectPtr conn, const char *pool);

#endif
