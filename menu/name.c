// SPDX-License-Identifier: GPL-2.0-or-later
// Asks for the name of a new guest, pool or network until it can be one.
#include "name.h"

#include <errno.h>
#include <stdio.h>
#include "ui.h"

struct name_question {
	const char *prompt;
	const char *taken; /* "%s" is the name */
	/* Is there one? 0, -ENOENT, or another -errno with err filled. */
	int (*look)(struct posada *host, const char *name, struct posada_error *err);
};

static bool ask(struct app *app, const char *title, const struct name_question *question,
	char *name, size_t size)
{
	while (ui_input(title, _(question->prompt), name, size)) {
		struct posada_error err;
		char text[256];
		int ret;

		if (!posada_name_is_legal(name)) {
			ui_message(title,
				_("Use letters, digits, dots, dashes and underscores, and begin with a letter or a digit."));
			continue;
		}
		ret = question->look(app->host, name, &err);
		if (ret == -ENOENT)
			return true;
		if (ret) {
			ui_message(title, err.text);
			return false;
		}
		snprintf(text, sizeof(text), _(question->taken), name);
		ui_message(title, text);
	}
	return false;
}

static int look_guest(struct posada *host, const char *name, struct posada_error *err)
{
	struct posada_guest guest;
	int ret = posada_guest_show(host, name, &guest, err);

	if (!ret)
		posada_guest_free(&guest);
	return ret;
}

static int look_pool(struct posada *host, const char *name, struct posada_error *err)
{
	struct posada_pool pool;
	int ret = posada_pool_show(host, name, &pool, err);

	if (!ret)
		posada_pool_free(&pool);
	return ret;
}

static int look_network(struct posada *host, const char *name, struct posada_error *err)
{
	struct posada_networks network;
	int ret = posada_network_show(host, name, &network, err);

	if (!ret)
		posada_networks_free(&network);
	return ret;
}

bool name_ask_guest(struct app *app, const char *title, char *name, size_t size)
{
	static const struct name_question question = {N_("What is the guest called?"),
		N_("There is a guest named %s already. Choose another name."), look_guest};

	return ask(app, title, &question, name, size);
}

bool name_ask_pool(struct app *app, const char *title, char *name, size_t size)
{
	static const struct name_question question = {N_("What is the pool called?"),
		N_("There is a pool named %s already. Choose another name."), look_pool};

	return ask(app, title, &question, name, size);
}

bool name_ask_network(struct app *app, const char *title, char *name, size_t size)
{
	static const struct name_question question = {N_("What is the network called?"),
		N_("There is a network named %s already. Choose another name."), look_network};

	return ask(app, title, &question, name, size);
}
