/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at a screen over RFB 3.8 (RFC 6143), which is what VNC speaks. */
#ifndef POSADA_RFB_H
#define POSADA_RFB_H

#include "picture.h"
#include "posada.h"

/* The largest screen that is taken, in pixels: 3 bytes of memory each. */
#define RFB_PIXELS_MAX (1u << 24)

/*
 * Takes the whole screen of the server at the other end of a connected socket, once. Nothing that
 * the server says about sizes is believed beyond what fits. picture_free() on success. -ETIMEDOUT
 * when all of it takes longer than timeout_ms; -EPROTO for what is no RFB, or wants a password.
 */
int rfb_capture(int fd, unsigned timeout_ms, struct picture *picture, struct posada_error *err);

#endif
