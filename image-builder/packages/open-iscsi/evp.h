/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those of OpenSSL's functions that open-iscsi calls, for CHAP: nettle has the hashes, the kernel the chance. */
#ifndef POSADA_EVP_H
#define POSADA_EVP_H

#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

typedef struct nettle_hash EVP_MD;

typedef struct {
	const EVP_MD *hash;
	union {
		struct md5_ctx md5;
		struct sha1_ctx sha1;
		struct sha256_ctx sha256;
		struct sha3_256_ctx sha3_256;
	} state;
} EVP_MD_CTX;

#define EVP_md5()      (&nettle_md5)
#define EVP_sha1()     (&nettle_sha1)
#define EVP_sha256()   (&nettle_sha256)
#define EVP_sha3_256() (&nettle_sha3_256)

static inline EVP_MD_CTX *EVP_MD_CTX_new(void)
{
	return calloc(1, sizeof(EVP_MD_CTX));
}

static inline void EVP_MD_CTX_free(EVP_MD_CTX *context)
{
	free(context);
}

static inline int EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *hash, void *engine)
{
	(void)engine;
	if (!context)
		return 0;
	context->hash = hash;
	hash->init(&context->state);
	return 1;
}

static inline int EVP_DigestUpdate(EVP_MD_CTX *context, const void *bytes, size_t size)
{
	context->hash->update(&context->state, size, bytes);
	return 1;
}

static inline int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned *size)
{
	*size = context->hash->digest_size;
	context->hash->digest(&context->state, *size, digest);
	return 1;
}

static inline int RAND_bytes(unsigned char *bytes, int size)
{
	return getrandom(bytes, (size_t)size, 0) == (ssize_t)size;
}

#endif
