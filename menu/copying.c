// SPDX-License-Identifier: GPL-2.0-or-later
// The gauge while disks are copied for a new guest.
#include "copying.h"

#include "menu.h"
#include "terminal.h"
#include "ui.h"

void copying_begin(struct copying *copying, const char *title)
{
	copying->title = title;
	copying->shown = UI_GAUGE_NONE;
	terminal_hold();
}

void copying_end(const struct copying *copying)
{
	terminal_release();
	if (copying->shown != UI_GAUGE_NONE)
		ui_gauge_end();
}

bool copying_progress(void *opaque, unsigned percent)
{
	struct copying *copying = opaque;

	if (terminal_is_gone())
		return false;
	return ui_gauge_goes_on(copying->title, copying->text, percent, &copying->shown,
		_("End the copying? Nothing of the new guest will be left."));
}
