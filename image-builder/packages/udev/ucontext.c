/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The context switches that musl declares and lacks: systemd's fibres want them, udev starts no fibre. */
#include <errno.h>
#include <stdlib.h>
#include <ucontext.h>

int getcontext(ucontext_t *context)
{
	(void)context;
	errno = ENOSYS;
	return -1;
}

int setcontext(const ucontext_t *context)
{
	(void)context;
	errno = ENOSYS;
	return -1;
}

int swapcontext(ucontext_t *old, const ucontext_t *context)
{
	(void)old;
	(void)context;
	errno = ENOSYS;
	return -1;
}

void makecontext(ucontext_t *context, void (*function)(void), int count, ...)
{
	(void)context;
	(void)function;
	(void)count;
	abort();
}
