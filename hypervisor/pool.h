/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools as text: rules for what one is made of, and libvirt's pool XML. */
#ifndef POSADA_POOL_H
#define POSADA_POOL_H

#include "posada.h"

/* What pool.c has found out on top of the specification. */
struct pool_source {
	const char *uuid; /* of the file system of a directory pool's device, or NULL: a folder */
	const char *version; /* of the protocol NFS: "4.2" */
};

/*
 * What can be said about a specification without looking at the host: -EINVAL for a name or a
 * source that cannot be.
 */
int pool_spec_check(const struct posada_pool_spec *spec, struct posada_error *err);

/* The length of the host's name that the text begins with; 0: none. */
size_t pool_host_length(const char *text);

/* The server of SERVER:/PATH; -EINVAL. */
int pool_server(const char *source, char *server, size_t size);

/* The pool XML of a checked specification; *xml is the caller's. */
int pool_to_xml(const struct posada_pool_spec *spec, const struct pool_source *source, char **xml);

/* Fills name, kind, source and path of a pool; posada_pool_free() also on failure. */
int pool_from_xml(const char *xml, struct posada_pool *pool);

/* Is there so little room left that guests will soon get errors? */
bool pool_is_full(const struct posada_pool *pool);

/* Is the folder gone at power-off? */
bool pool_is_in_memory(const char *path);

#endif
