/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checked calls that Debian's compiler put into libdialog.a and musl does not have. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

/* Their names are the C library's own, so no header declares them. */
long __fdelt_chk(long fd);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);
size_t __fread_chk(void *to, size_t room, size_t size, size_t count, FILE *file);
void *__memcpy_chk(void *to, const void *from, size_t length, size_t room);
int __open_2(const char *path, int flags);
int __sprintf_chk(char *to, int flag, size_t room, const char *format, ...);
char *__strcpy_chk(char *to, const char *from, size_t room);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments);

long __fdelt_chk(long fd)
{
	if (fd < 0 || fd >= FD_SETSIZE)
		abort();
	return fd / (8 * (long)sizeof(long));
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	va_list arguments;
	int written;

	(void)flag;
	va_start(arguments, format);
	written = vfprintf(file, format, arguments);
	va_end(arguments);
	return written;
}

size_t __fread_chk(void *to, size_t room, size_t size, size_t count, FILE *file)
{
	if (size && count > room / size)
		abort();
	return fread(to, size, count, file);
}

void *__memcpy_chk(void *to, const void *from, size_t length, size_t room)
{
	if (length > room)
		abort();
	return memcpy(to, from, length);
}

int __open_2(const char *path, int flags)
{
	if (flags & O_CREAT)
		abort();
	return open(path, flags);
}

int __sprintf_chk(char *to, int flag, size_t room, const char *format, ...)
{
	va_list arguments;
	int length;

	(void)flag;
	va_start(arguments, format);
	length = vsnprintf(to, room, format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length >= room)
		abort();
	return length;
}

char *__strcpy_chk(char *to, const char *from, size_t room)
{
	return __memcpy_chk(to, from, strlen(from) + 1, room);
}

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vfprintf(file, format, arguments);
}
