/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page that asks what cloud-init shall do when a guest starts first. */
#ifndef POSADA_SEED_PAGE_H
#define POSADA_SEED_PAGE_H

#include "posada.h"

struct seed_page {
	bool wanted;
	char user[64], host[64], address[64], gateway[64], dns[64];
	char keys[4096];
};

/* Asks until the answers are right or the person goes back, which is false. */
bool seed_page_run(const char *title, bool has_card, struct seed_page *page);

/* The seed, whose texts are the page's, or NULL when none is wanted. */
const struct posada_seed *seed_page_seed(const struct seed_page *page, struct posada_seed *seed);

#endif
