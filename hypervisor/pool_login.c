// SPDX-License-Identifier: GPL-2.0-or-later
// The passwords of pools, as secrets of libvirt's.
#include "pool_login.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "internal.h"

int pool_password_keep(
	virConnectPtr conn, const char *pool, const char *password, struct posada_error *err)
{
	virSecretPtr secret;
	char xml[512];
	int ret = 0;

	pool_password_forget(conn, pool);
	/* A pool's name is legal, so nothing in it needs escaping. */
	snprintf(xml, sizeof(xml),
		"<secret ephemeral='no' private='yes'><usage type='iscsi'><target>" POOL_SECRET
		"</target></usage></secret>",
		pool);
	secret = virSecretDefineXML(conn, xml, 0);
	if (!secret ||
		virSecretSetValue(secret, (const unsigned char *)password, strlen(password), 0))
		ret = fail_libvirt(err, _("The password cannot be kept"), _("Try again."));
	if (secret)
		virSecretFree(secret);
	if (ret)
		pool_password_forget(conn, pool);
	return ret;
}

void pool_password_forget(virConnectPtr conn, const char *pool)
{
	char usage[POSADA_NAME_MAX + sizeof(POOL_SECRET)];
	virSecretPtr secret;

	snprintf(usage, sizeof(usage), POOL_SECRET, pool);
	secret = virSecretLookupByUsage(conn, VIR_SECRET_USAGE_TYPE_ISCSI, usage);
	if (!secret)
		return;
	virSecretUndefine(secret);
	virSecretFree(secret);
}
