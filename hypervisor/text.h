/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of text.c that only libposada uses. */
#ifndef POSADA_TEXT_H
#define POSADA_TEXT_H

#include "posada.h"

/* Bytes of the UTF-8 character (RFC 3629) at text; 0 at its end or when it is broken. */
size_t utf8_decode(const char *text, uint32_t *point);

#endif
