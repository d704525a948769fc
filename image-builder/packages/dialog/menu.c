/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proof, at build time, that Debian's library draws through our ncurses. */
#include <dialog.h>
#include <stdlib.h>

int main(void)
{
	init_dialog(stdin, stdout);
	dialog_vars.timeout_secs = 1;
	dlg_put_backtitle();
	dialog_menu("menu", "choose", 0, 0, 1, 1, (char *[]){"one", "the first"});
	dialog_yesno("yes or no", "well?", 0, 0);
	dialog_msgbox("message", "\303\244 wide", 0, 0, 0);
	end_dialog();
	return dlg_count_columns("\303\244") == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
