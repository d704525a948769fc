// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of place.c: which place is meant, and what is copied to it.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "place.h"
#include "program.h"
#include "unit.h"

static char why[PLACE_TEXT];

static const struct places three = {
	.items = {{.name = "sda3", .uuid = "1111", .device = "/dev/sda3"},
		{.name = "sdb1", .uuid = "2222", .device = "/dev/sdb1", .medium = true},
		{.name = "vg/posada-data", .uuid = "3333", .device = "/dev/dm-0"}},
	.count = 3,
};

static const char *choose(size_t first, size_t count, const char *name)
{
	struct places places = {.count = count};
	const struct place *place;
	int ret;

	memcpy(places.items, three.items + first, count * sizeof(*places.items));
	ret = place_choose(&places, name, &place, why);
	assert_int_equal(!ret, place != NULL);
	if (!ret)
		return strcmp(place->uuid, "1111") == 0	  ? "sda3"
		       : strcmp(place->uuid, "2222") == 0 ? "sdb1"
							  : "vg/posada-data";
	return ret == -ENOENT ? "none" : ret == -ENOTUNIQ ? "many" : "?";
}

TEST(the_one_that_is_meant)
{
	assert_string_equal(choose(0, 0, NULL), "none");
	assert_string_equal(choose(0, 1, NULL), "sda3");
	assert_string_equal(choose(2, 1, NULL), "vg/posada-data");
	/* The medium's own comes first; among equals nobody guesses. */
	assert_string_equal(choose(0, 3, NULL), "sdb1");
	assert_string_equal(choose(0, 3, "sda3"), "sda3");
	assert_string_equal(choose(0, 3, "/dev/sda3"), "sda3");
	assert_string_equal(choose(0, 3, "3333"), "vg/posada-data");
	assert_string_equal(choose(0, 3, "vg/posada-data"), "vg/posada-data");
	assert_string_equal(choose(0, 3, "sda"), "none");
	assert_non_null(strstr(why, "sda3, sdb1, vg/posada-data"));
}

/* A guest can make a place on a disk of its own. */
TEST(the_one_that_was_used_before)
{
	static const struct {
		bool known[3], medium[3], strict;
		size_t count;
		const char *name;
		int ret;
		size_t chosen;
	} rows[] = {
		/* One that is known comes before others, the medium's before that. */
		{{false, true}, {0}, true, 2, NULL, 0, 1},
		{{false, true}, {0}, false, 3, NULL, 0, 1},
		{{true, false}, {false, true}, true, 2, NULL, 0, 1},
		{{false, true, true}, {false, true}, true, 3, NULL, 0, 1},
		{{true, true}, {0}, true, 2, NULL, -ENOTUNIQ, 0},
		/* Nobody takes another by himself, */
		{{0}, {0}, true, 1, NULL, -EPERM, 0},
		{{0}, {0}, true, 2, NULL, -EPERM, 0},
		{{0}, {true}, true, 1, NULL, 0, 0},
		/* but whoever says so, or has no installation that would know. */
		{{0}, {0}, true, 2, "sdb1", 0, 1},
		{{0}, {0}, false, 1, NULL, 0, 0},
		{{0}, {0}, false, 2, NULL, -ENOTUNIQ, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct places places = three;
		const struct place *place;

		places.count = rows[i].count;
		places.strict = rows[i].strict;
		for (size_t j = 0; j < places.count; j++) {
			places.items[j].known = rows[i].known[j];
			places.items[j].medium = rows[i].medium[j];
		}
		if (place_choose(&places, rows[i].name, &place, why) != rows[i].ret ||
			place != (rows[i].ret ? NULL : &places.items[rows[i].chosen]))
			fail_msg("row %zu: %s", i, why);
		if (rows[i].ret == -EPERM)
			assert_non_null(strstr(why, "has not used this data place before (sda3"));
	}
}

TEST(two_of_a_kind)
{
	struct places places = {.count = 2};
	const struct place *place;

	/* A stick and its copy, of which none is the medium, or both are. */
	for (int medium = 0; medium < 2; medium++) {
		places.items[0] = (struct place){
			.name = "sda3", .uuid = "1111", .device = "/dev/sda3", .medium = medium};
		places.items[1] = (struct place){
			.name = "sdb3", .uuid = "1111", .device = "/dev/sdb3", .medium = medium};
		assert_int_equal(place_choose(&places, NULL, &place, why), -ENOTUNIQ);
		assert_int_equal(place_choose(&places, "1111", &place, why), -ENOTUNIQ);
		assert_int_equal(place_choose(&places, "sdb3", &place, why), 0);
		assert_string_equal(place->name, "sdb3");
	}
}

static void see_file(const char *path, const char *wanted)
{
	char text[64] = "";
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	assert_string_equal(text, wanted);
}

static void make_old(const char *path)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

TEST(what_is_missing_is_copied)
{
	struct place_copy missing = {.shipped = 1000}, all = {.over = true};
	char target[64] = "";
	struct stat status;

	unit_write("from/a", "a", 1);
	unit_write("from/deep/er/b", "b", 1);
	assert_int_equal(chmod(unit_write("from/secret", "s", 1), 0600), 0);
	make_old(unit_write("from/shipped", "x", 1));
	assert_int_equal(symlink("deep/er/b", unit_path("from/link")), 0);
	assert_int_equal(mkfifo(unit_path("from/pipe"), 0600), 0);
	unit_write("to/a", "mine", 4);
	assert_int_equal(place_copy(&missing, unit_path("from"), unit_path("to"), why), 0);
	see_file(unit_path("to/a"), "mine");
	see_file(unit_path("to/deep/er/b"), "b");
	assert_int_equal(stat(unit_path("to/secret"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_true(readlink(unit_path("to/link"), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "deep/er/b");
	assert_int_not_equal(access(unit_path("to/shipped"), F_OK), 0);
	assert_int_not_equal(access(unit_path("to/pipe"), F_OK), 0);
	/* The first time also what came with the image; and what is newer in memory when asked. */
	assert_int_equal(place_copy(&all, unit_path("from"), unit_path("to"), why), 0);
	see_file(unit_path("to/a"), "a");
	see_file(unit_path("to/shipped"), "x");
}

TEST(holes_stay_holes)
{
	const char *file = unit_write("holes/disk", "begin", 5);
	struct place_copy plain = {0};
	struct stat status;
	int fd = open(file, O_WRONLY);

	assert_int_equal(pwrite(fd, "end", 3, (64 << 20) - 3), 3);
	close(fd);
	assert_int_equal(place_copy(&plain, unit_path("holes"), unit_path("copied"), why), 0);
	assert_int_equal(stat(unit_path("copied/disk"), &status), 0);
	assert_int_equal(status.st_size, 64 << 20);
	assert_true(status.st_blocks * 512 < 1 << 20);
}

TEST(what_cannot_be_copied_is_named)
{
	struct place_copy all = {.over = true};

	unit_write("bad/file", "x", 1);
	unit_write("there/file/in", "x", 1);
	assert_true(place_copy(&all, unit_path("bad"), unit_path("there"), why) < 0);
	assert_non_null(strstr(why, "bad/file"));
	assert_int_not_equal(access(unit_path("there/file.new"), F_OK), 0);
	/* What is not there has nothing to copy. */
	assert_int_equal(place_copy(&all, unit_path("nowhere"), unit_path("there"), why), 0);
}

static int look(const char *from, const char *to, bool deep)
{
	struct place_copy dry = {
		.dry = true, .deep = deep, .clash = "%s has another %.*s.", .place = "sda3"};

	return place_copy(&dry, unit_path(from), unit_path(to), why);
}

TEST(another_of_the_same_name_is_told)
{
	struct place_copy dry = {.dry = true};

	unit_write("memory/early.xml", "<domain/>", 9);
	unit_write("memory/in/late.xml", "<network/>", 10);
	unit_write("memory/.sums", "1", 1);
	assert_int_equal(symlink("a", unit_path("memory/link")), 0);
	/* Nothing is there, */
	assert_int_equal(look("memory", "place", true), 0);
	assert_int_equal(place_copy(&dry, unit_path("memory"), unit_path("place"), why), 0);
	assert_true(dry.bytes > 0);
	assert_int_not_equal(access(unit_path("place"), F_OK), 0);
	/* or the same, */
	unit_write("place/early.xml", "<domain/>", 9);
	assert_int_equal(symlink("a", unit_path("place/link")), 0);
	assert_int_equal(look("memory", "place", true), 0);
	/* or another within, or hidden: that counts only when nothing is to be lost. */
	unit_write("place/.sums", "2", 1);
	assert_int_equal(look("memory", "place", false), 0);
	assert_int_equal(look("memory", "place", true), -EEXIST);
	unit_write("place/.sums", "1", 1);
	unit_write("place/in/late.xml", "<network />", 11);
	assert_int_equal(look("memory", "place", false), 0);
	assert_int_equal(look("memory", "place", true), -EEXIST);
	assert_non_null(strstr(why, "late.xml"));
	unit_write("place/early.xml", "<DOMAIN/>", 9);
	assert_int_equal(look("memory", "place", false), -EEXIST);
	assert_string_equal(why, "sda3 has another early.");
	unit_write("place/early.xml", "<domain/>", 9);
	assert_int_equal(unlink(unit_path("place/link")), 0);
	assert_int_equal(symlink("b", unit_path("place/link")), 0);
	assert_int_equal(look("memory", "place", false), -EEXIST);
}

TEST(a_signal_ends_a_copy)
{
	struct place_progress progress = {.report = program_goes_on};
	struct place_copy copy = {.place = "sda3", .progress = &progress};
	sigset_t before, now;

	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &before), 0);
	/* A test in the background has it ignored. */
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	program_begin_copying();
	raise(SIGHUP);
	unit_write("signal/file", "x", 1);
	assert_int_equal(place_copy(&copy, unit_path("signal"), unit_path("first"), why), 0);
	/* Who saves guests meanwhile is not ended by the same key. */
	unit_run("kill -INT $$; true");
	raise(SIGINT);
	assert_int_equal(
		place_copy(&copy, unit_path("signal"), unit_path("second"), why), -ECANCELED);
	sigemptyset(&now);
	sigaddset(&now, SIGINT);
	assert_int_equal(sigtimedwait(&now, NULL, &(const struct timespec){0}), SIGINT);
	assert_true(program_goes_on(NULL, 0, 0));
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	signal(SIGHUP, SIG_DFL);
}

static void copy_new(void)
{
	struct place_copy copy = {.copied = fopen(unit_path("list"), "r"),
		.noted = fopen(unit_path("list.new"), "w")};

	assert_int_equal(place_copy(&copy, unit_path("made"), unit_path("lasts"), why), 0);
	if (copy.copied)
		fclose(copy.copied);
	fclose(copy.noted);
	assert_int_equal(rename(unit_path("list.new"), unit_path("list")), 0);
}

TEST(what_was_deleted_does_not_come_back)
{
	unit_write("made/one", "1", 1);
	unit_write("made/two", "2", 1);
	copy_new();
	see_file(unit_path("lasts/one"), "1");
	unit_run("rm lasts/*");
	copy_new();
	assert_int_not_equal(access(unit_path("lasts/one"), F_OK), 0);
	/* What was made since does, also by an old name. */
	unit_write("made/two", "22", 2);
	unit_write("made/three", "3", 1);
	copy_new();
	assert_int_not_equal(access(unit_path("lasts/one"), F_OK), 0);
	see_file(unit_path("lasts/two"), "22");
	see_file(unit_path("lasts/three"), "3");
	unit_run("rm lasts/*");
	copy_new();
	assert_int_not_equal(access(unit_path("lasts/three"), F_OK), 0);
}

TEST(pools_are_not_left_behind)
{
	static const char *const stay[] = {
		"/data/volumes", "/data/media/disks", "/mnt/pools/usb", "/dev/fast", "/database"};
	char text[256];

	assert_int_equal(place_check_pools(unit_path("no-pools"), why), 0);
	for (size_t i = 0; i < COUNT(stay); i++) {
		snprintf(text, sizeof(text),
			"<pool type='dir'>\n  <target>\n    <path>%s</path>\n  </target>\n</pool>\n",
			stay[i]);
		unit_write("pools/fine.xml", text, strlen(text));
		assert_int_equal(place_check_pools(unit_path("pools"), why), 0);
	}
	strcpy(text, "<pool type='dir'>\n    <path>/data/volumes2</path>\n</pool>\n");
	unit_write("pools/more.xml.new", text, strlen(text));
	assert_int_equal(place_check_pools(unit_path("pools"), why), 0);
	unit_write("pools/more.xml", text, strlen(text));
	assert_int_equal(place_check_pools(unit_path("pools"), why), -EBUSY);
	assert_non_null(strstr(why, "The pool more has"));
}

/* Takes note of how far it is, and ends it before the last byte. */
static bool watch(void *opaque, uint64_t done, uint64_t total)
{
	*(uint64_t *)opaque = done;
	return done < total;
}

TEST(a_copy_can_be_ended)
{
	static char bytes[200000];
	uint64_t seen = 0;
	struct place_progress progress = {.report = watch, .opaque = &seen};
	struct place_copy copy = {.over = true,
		.place = "sda3",
		.made = fopen(unit_path("made.list"), "w+"),
		.progress = &progress};

	memset(bytes, 'x', sizeof(bytes));
	memset(bytes + 65536, 0, 65536);
	unit_write("long/file", bytes, sizeof(bytes));
	/* A hole takes no room. */
	progress.total = sizeof(bytes) - 65536 + 1;
	assert_int_equal(place_copy(&copy, unit_path("long"), unit_path("whole"), why), 0);
	assert_int_equal(seen, sizeof(bytes) - 65536);
	assert_int_equal(access(unit_path("whole/file"), F_OK), 0);
	/* All that came is away again, and what was there stays. */
	unit_write("few/in/deep/a", "a", 1);
	unit_write("few/in/b", "b", 1);
	assert_int_equal(symlink("b", unit_path("few/in/link")), 0);
	unit_write("cut/in/b", "b", 1);
	progress.total = UINT64_MAX;
	assert_int_equal(place_copy(&copy, unit_path("few"), unit_path("cut"), why), 0);
	see_file(unit_path("cut/in/deep/a"), "a");
	progress.done = 0;
	progress.total = 65537;
	assert_int_equal(place_copy(&copy, unit_path("long"), unit_path("cut"), why), -ECANCELED);
	assert_string_equal(why, "Cancelled: sda3 is not used.");
	assert_int_equal(look("few", "cut", true), 0);
	place_undo(copy.made);
	fclose(copy.made);
	unit_run("[ \"$(find cut whole)\" = \"$(printf 'cut\\ncut/in\\ncut/in/b')\" ]");
	see_file(unit_path("cut/in/b"), "b");
}

TEST(what_was_left_is_no_place)
{
	struct place place = {.name = "sda3"};

	unit_run("truncate -s 16M old; mke2fs -q -F -t ext4 -L %s old", PLACE_LABEL);
	snprintf(place.device, sizeof(place.device), "%s", unit_path("old"));
	assert_int_equal(setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin", 1), 0);
	assert_int_equal(place_put_aside(&place, why), 0);
	assert_non_null(strstr(why, "mount -o ro /dev/sda3 /mnt"));
	unit_run("blkid -p old | grep 'LABEL=\"%s\"' && e2fsck -fn old", PLACE_MOVED);
	unit_run("dd if=/dev/zero of=old bs=1M count=1 conv=notrunc");
	assert_int_not_equal(place_put_aside(&place, why), 0);
	assert_non_null(strstr(why, "tune2fs -L posada-moved /dev/sda3"));
}

TEST(what_is_made_and_not_used_is_no_place)
{
	struct place place = {.name = "sda3"};

	unit_run("truncate -s 16M fresh; mke2fs -q -F -t ext4 -L %s fresh", PLACE_LABEL);
	snprintf(place.device, sizeof(place.device), "%s", unit_path("fresh"));
	strcpy(why, "A guest that runs cannot be saved.");
	assert_int_equal(place_leave(&place, -EBUSY, why), -EBUSY);
	assert_non_null(strstr(why, "A guest that runs cannot be saved.\nsda3 was made, and is "));
	assert_non_null(strstr(why, "tune2fs -L posada-data /dev/sda3; posada storage move sda3"));
	unit_run("blkid -p fresh | grep 'LABEL=\"%s\"' && e2fsck -fn fresh", PLACE_PARTIAL);
	/* Who has called it so before has told that. */
	strcpy(why, "Cancelled.");
	assert_int_equal(place_leave(&place, -ECANCELED, why), -ECANCELED);
	assert_string_equal(why, "Cancelled.");
}

TEST(what_is_bound_is_in_use_too)
{
	assert_string_equal(place_bound("/var/lib/libvirt/qemu/nvram/inn_VARS.fd"),
		"/var/lib/libvirt/qemu/nvram");
	assert_string_equal(place_bound("/root/.ssh"), "/root/.ssh");
	assert_string_equal(
		place_bound("/etc/libvirt/qemu/inn.xml (deleted)"), "/etc/libvirt/qemu");
	assert_null(place_bound("/etc/libvirt/qemu.conf"));
	assert_null(place_bound("/root"));
	assert_null(place_bound("/data/media"));
	assert_null(place_bound("socket:[1]"));
}

TEST(what_libvirt_copies_is_left_out)
{
	char list[1024], live[512];
	struct place_copy copy = {.over = true, .live = live};

	snprintf(live, sizeof(live), "%s", unit_path("live.list"));
	unit_write("left/to libvirt.img", "old", 3);
	unit_write("left/to libvirt", "x", 1);
	unit_write("beside/to libvirt.img", "new", 3);
	/* No list is an empty one, and so is one that is broken. */
	unit_write("live.list", "GUEST\n\n", 7);
	assert_int_equal(place_copy(&copy, unit_path("left"), unit_path("all"), why), 0);
	see_file(unit_path("all/to libvirt.img"), "old");
	snprintf(list, sizeof(list), "GUEST 11 vda /data/other\nGUEST 11 vdb %s\n",
		unit_path("left/to libvirt.img"));
	unit_write("live.list", list, strlen(list));
	assert_int_equal(place_copy(&copy, unit_path("left"), unit_path("beside"), why), 0);
	see_file(unit_path("beside/to libvirt.img"), "new");
	see_file(unit_path("beside/to libvirt"), "x");
}

/* Guests as libvirt tells of them: their disks in disks/NAME, their copies in xml/NAME. */
static const char virsh[] =
	"#!/bin/sh\n"
	"shift 3\n"
	"case \"$1 $2\" in\n"
	"'list --uuid') ls disks ;;\n"
	"domname*) echo \"$2\" ;;\n"
	"domblklist*) cat \"disks/$2\" ;;\n"
	"dumpxml*) cat \"xml/$2\" ;;\n"
	"blockcopy*)\n"
	"	[ ! -e \"refuse/$2-$3\" ] && echo copy >\"$5\" && echo \"<mirror job='copy'>\" >>\"xml/$2\" ;;\n"
	"blockjob*) echo \"$@\" >>jobs ;;\n"
	"esac\n";

/* Which guest has which files open, as its own process. */
static const char guests[] =
	"set -e\n"
	"PATH=$PWD/bin:$PATH\n"
	"echo 'notice() { :; }' >common\n"
	"sed \"s#/etc/init/common#$PWD/common#; s#/run/#$PWD/run/#g; s#/data#$PWD/data#g; s#/(data#$PWD&#\" \"$1\" >hook\n"
	"chmod +x bin/virsh hook\n"
	"ln -s /bin/true bin/logger\n"
	"mkdir -p run/libvirt/qemu run/posada/place.mount data/volumes data/media disks xml refuse\n"
	"for disk in alone one two third fourth big; do echo old >data/volumes/$disk.img; done\n"
	"truncate -s 8M data/volumes/big.img\n"
	"echo iso >data/media/cd.iso\n"
	"touch refuse/pair-vdb\n"
	"guest() {\n"
	"	name=$1 disks=$2\n"
	"	shift 2\n"
	"	for disk in $disks; do echo \" file   disk   ${disk%%=*}   $PWD/data/volumes/${disk#*=}.img\"; done >disks/$name\n"
	"	echo '<domain/>' >xml/$name\n"
	"	${run:-sleep} 60 & echo $! >run/libvirt/qemu/$name.pid\n"
	"}\n"
	"guest alone vda=alone 3<data/volumes/alone.img 4<data/volumes/alone.img\n"
	"guest pair 'vda=one vdb=two' 3<data/volumes/one.img 4<data/volumes/two.img\n"
	"guest reader vda=third 3<data/volumes/third.img 4<data/media/cd.iso\n"
	"guest huge vda=big 3<data/volumes/big.img\n"
	"guest elsewhere ''\n"
	"cp /bin/sleep data/media/initrd\n"
	"run=data/media/initrd guest mapper vda=fourth 3<data/volumes/fourth.img\n"
	"until grep -q initrd /proc/$!/maps; do sleep 0.1; done\n"
	"trap 'kill $(cat run/libvirt/qemu/*.pid)' EXIT\n"
	/* Of those that can be copied, one has no room, and of one a disk is refused. */
	"./hook copy NEW 4096\n"
	"echo \"alone $(cat run/libvirt/qemu/alone.pid) vda $PWD/data/volumes/alone.img\" | cmp - run/posada/place.live\n"
	"[ \"$(ls run/posada/place.mount/volumes)\" = alone.img ]\n"
	"[ \"$(cat jobs)\" = 'blockjob pair vda --abort' ]\n"
	"./hook ready && exit 1 || [ $? = 3 ]\n"
	"echo \"<mirror job='copy' ready='yes'>\" >xml/alone\n"
	"./hook ready\n"
	/* Before and after the place is on /data, it has one name. */
	"[ \"$(cat run/posada/places/NEW/volumes/alone.img)\" = copy ]\n"
	"./hook pivot NEW\n"
	"[ \"$(cat run/posada/places/NEW/volumes/alone.img)\" = old ]\n"
	"tail -n 1 jobs | grep -x 'blockjob alone vda --pivot'\n"
	"[ ! -e run/posada/place.live ]\n"
	/* One whose copy has ended is left; a move that ends takes the copies back. */
	"rm run/posada/place.mount/volumes/* && echo '<domain/>' >xml/alone\n"
	"./hook copy NEW 9000\n"
	"grep -q ^huge run/posada/place.live\n"
	"echo '<domain/>' >xml/huge\n"
	"echo \"<mirror job='copy' ready='yes'>\" >xml/alone\n"
	"./hook ready\n"
	"[ \"$(ls run/posada/place.mount/volumes)\" = alone.img ]\n"
	"./hook drop\n"
	"tail -n 1 jobs | grep -x 'blockjob alone vda --abort'\n"
	"[ -z \"$(ls run/posada/place.mount/volumes)\" ]\n"
	"[ ! -e run/posada/place.live ]\n";

TEST(disks_are_copied_under_running_guests)
{
	char *hook = realpath("../../initramfs/etc/init/place", NULL);

	assert_non_null(hook);
	unit_write("init/bin/virsh", virsh, strlen(virsh));
	unit_write("init/guests", guests, strlen(guests));
	unit_run("cd init && sh guests %s", hook);
	free(hook);
}

RUN("place", T(the_one_that_is_meant), T(the_one_that_was_used_before), T(two_of_a_kind),
	T(what_is_missing_is_copied), T(holes_stay_holes), T(what_cannot_be_copied_is_named),
	T(a_copy_can_be_ended), T(a_signal_ends_a_copy), T(another_of_the_same_name_is_told),
	T(what_was_deleted_does_not_come_back), T(pools_are_not_left_behind),
	T(what_was_left_is_no_place), T(what_is_made_and_not_used_is_no_place),
	T(what_is_bound_is_in_use_too), T(what_libvirt_copies_is_left_out),
	T(disks_are_copied_under_running_guests))
