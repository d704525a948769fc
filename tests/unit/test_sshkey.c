// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of sshkey.c: whole public keys are taken, and nothing else.
#include "sshkey.h"
#include "unit.h"

/* As ssh-keygen wrote them; the last two are put together by hand. */
static const char *const keys[] = {
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHzIeV3IB/RnoMrWoxx5Xwn0f+qQGReOvTfqiR8MttYv maria@mesa",
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDQ8yEe9WZqqQyvdxHJqHrfJWWtGhlW03qGqgwxPeg7JWODiC4hcN4ay7EgkJsSHKqTxR5Ja2q/CW+/KYTMhph6kqnjUH5KIJHomslZe+TzrDxRNll+XUwCoWv+u6uwBPydU80yiUGA86fJeJDdjq9QjBp5mItDge/bPRG4M7whfjxPOJP4jE/smW9WUu/uoNnegNQ+gNqR7H7g8tgGaS+WJetIr+dswAw2tYMIeXajOzRwkTnqFYYwC9eKKW+tDUlCx4GcJpYiunETmrrhFkmmXtlqKRdtUzJA6BH7qt9lIdisqX6YWHivbwNJIVSeu009kgPtRArUxOlCBZi2xf6f maria@mesa",
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBB8C1h3LqHyEddTS5ahW7ao2sb7F6ZPumZcrDUV0dFLfa6vsSu2w/ltg3EGm+h5zD1jhGfn14wpFCWUBvzb06LY= maria@mesa",
	"ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBH8IzFTfUqtUgtD1aGhfvZTwUMkxSQnjZEv/8mcAYzHbq4vLEcWkeseEmp8NppQw16tuW30LIKv/tRsIu3BOc2ShJc32VexTaZwIopzq/L6bJ6PvpL3zUbEHiTfndNhbsQ== maria@mesa",
	"ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAE3uQfXVUhUnFEGWJ+QdonkRr4UfOYG4Hlc2fBkCjlgabW//wiP2Pd+2Cm/Aux6YoiDLiHxihjdrSrE3hItYyR+oAAY3kBpXQo4sW6onPGw2P1L9IqVhuQBV4J2hbTeGhMquJoh9WN1m8aye6O9C2tyIrCa7bpajcnEygV3+Cxws9HtPw== maria@mesa",
	"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo=",
	"sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8AAAAEc3NoOg==",
};

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIHzIeV3IB/RnoMrWoxx5Xwn0f+qQGReOvTfqiR8MttYv"

TEST(keys_are_taken)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_true(sshkey_is_whole(keys[i]));
}

TEST(other_lines_are_refused)
{
	static const char *const lines[] = {"", " ", "garbage", "ssh-ed25519", "ssh-ed25519 ",
		"ssh-ed25519  " BLOB, " ssh-ed25519 " BLOB, "ssh-ed25519 " BLOB "\n",
		"ssh-ed25519 " BLOB "\nssh-ed25519 " BLOB, "ssh-ed25519 " BLOB " a\rb",
		"ssh-ed25519\t" BLOB, "ssh-ed25519 " BLOB "=", "ssh-ed25519 " BLOB "AAAA",
		"ssh-ed25519 AAAA" BLOB, "ssh-rsa " BLOB, "ssh-dss " BLOB, "SSH-ED25519 " BLOB,
		"ssh-ed25519-cert-v01@openssh.com " BLOB, "command=\"/bin/sh\" ssh-ed25519 " BLOB,
		"no-pty ssh-ed25519 " BLOB, "# ssh-ed25519 " BLOB,
		"-----BEGIN OPENSSH PRIVATE KEY-----", BLOB};
	static char huge[1 << 16];

	for (size_t i = 0; i < COUNT(lines); i++)
		if (sshkey_is_whole(lines[i]))
			fail_msg("%s", lines[i]);
	memset(huge, 'A', sizeof(huge) - 1);
	memcpy(huge, "ssh-rsa ", 8);
	assert_false(sshkey_is_whole(huge));
}

TEST(torn_keys_are_refused)
{
	char line[1024];

	for (size_t i = 0; i < COUNT(keys); i++) {
		size_t end = strcspn(keys[i], " ") + 1;

		end += strcspn(keys[i] + end, " ");
		for (size_t cut = 0; cut < end; cut++) {
			snprintf(line, sizeof(line), "%.*s", (int)cut, keys[i]);
			assert_false(sshkey_is_whole(line));
			/* One character fell out. */
			strcat(line, keys[i] + cut + 1);
			assert_false(sshkey_is_whole(line));
		}
		for (unsigned n = 0; n < 2000; n++) {
			strcpy(line, keys[i]);
			line[unit_chance((uint32_t)end)] = (char)unit_chance(256);
			line[unit_chance((uint32_t)end)] = (char)unit_chance(256);
			sshkey_is_whole(line);
		}
	}
}

RUN("sshkey", T(keys_are_taken), T(other_lines_are_refused), T(torn_keys_are_refused))
