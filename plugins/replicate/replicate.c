/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replicate: every file is whole on each brick of a set.  Parameter: replica,
 * the number of copies (1 to 3, by default 2).  With the volume option
 * user.heketi.arbiter the third brick of each set is an arbiter: it keeps names
 * and attributes only, to break ties, and so is small.  Two copies and an arbiter
 * are asked for as replica 3, of which one is the arbiter, or, as gluster has it
 * since its version 4, as replica 2 and an arbiter.
 */
#include <stdlib.h>
#include <string.h>

#include <brickyard/volume-type.h>

#define ARBITER_OPTION	 "user.heketi.arbiter"
#define ARBITER_INDEX	 2u
#define ARBITER_MIN_KIB	 (UINT64_C(16) * 1024)
#define AVERAGE_FILE_KIB UINT64_C(64)	/* where the host knows no better */

static const struct brickyard_host *host;

/* The number of copies, or -1: can't be. */
static long
replicate_copies(const struct brickyard_volume_request *request)
{
	long n = 0;

	for (size_t i = 0; i < request->nparams; i++)
		if (strcmp(request->params[i].key, "replica") == 0)
			n = strtol(request->params[i].value, NULL, 10);
	if (n == 0)
		return 2;
	return n < 0 || n > 3 ? -1 : n;
}

/* What Go's strconv.ParseBool takes for true. */
static int
replicate_is_true(const char *value)
{
	static const char *const words[] = {
		"1", "t", "T", "true", "True", "TRUE",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value, words[i]) == 0)
			return 1;
	return 0;
}

/* Of several such options the last one counts. */
static int
replicate_has_arbiter(const struct brickyard_volume_request *request)
{
	size_t n = strlen(ARBITER_OPTION);
	int arbiter = 0;

	for (size_t i = 0; i < request->noptions; i++) {
		const char *option = request->options[i];

		if (strncmp(option, ARBITER_OPTION, n) != 0)
			continue;
		if (option[n] == ' ')
			arbiter = replicate_is_true(option + n + 1);
		else if (option[n] == '\0')
			arbiter = 0;
	}
	return arbiter;
}

/* Whether an arbiter goes with the number of copies is not looked at, as heketi
 * does not: what gluster makes nothing of (one copy) it says itself.
 */
static int
replicate_validate(const struct brickyard_volume_request *request,
		   struct brickyard_error *err)
{
	if (replicate_copies(request) >= 0)
		return 0;
	host->fail(err, BRICKYARD_ERR_INVALID, "Invalid replica value");
	return -1;
}

static uint32_t
replicate_bricks(const struct brickyard_volume_request *request)
{
	uint32_t copies = (uint32_t)replicate_copies(request);

	return copies == 2 && replicate_has_arbiter(request) ? 3 : copies;
}

static int
replicate_geometry(const struct brickyard_volume_request *request,
		   struct brickyard_geometry *ret, struct brickyard_error *err)
{
	uint32_t bricks = replicate_bricks(request);

	ret->bricks_per_set = bricks;
	ret->data_bricks = 1;
	/* Three bricks serve only while two agree, be it for reading; two are
	 * each enough alone, as gluster has no quorum for them by default.
	 */
	ret->max_missing = bricks > 1 ? 1 : 0;
	ret->write_quorum = bricks > 2 ? 2 : 1;
	ret->sets_per_command = 5;
	ret->min_set_factor = 1;
	return 0;
}

static uint32_t
replicate_role(const struct brickyard_volume_request *request, uint32_t i)
{
	return i == ARBITER_INDEX && replicate_has_arbiter(request) ?
		BRICKYARD_ROLE_ARBITER : BRICKYARD_ROLE_DATA;
}

/* An arbiter needs room for one inode for each file that the data bricks have
 * room for: 1 KiB each.
 */
static int
replicate_brick_bytes(const struct brickyard_volume_request *request,
		      uint32_t i, uint64_t data_brick_bytes,
		      uint64_t average_file_bytes, uint64_t *ret_bytes,
		      struct brickyard_error *err)
{
	uint64_t data_kib = data_brick_bytes / 1024;
	uint64_t file_kib = average_file_bytes / 1024;
	uint64_t kib;

	if (replicate_role(request, i) != BRICKYARD_ROLE_ARBITER) {
		*ret_bytes = data_brick_bytes;
		return 0;
	}
	if (file_kib == 0)
		file_kib = AVERAGE_FILE_KIB;
	if (data_kib < file_kib) {
		host->fail(err, BRICKYARD_ERR_INVALID, "Average file size "
			   "(%llu) is greater than Brick size (%llu)",
			   (unsigned long long)file_kib,
			   (unsigned long long)data_kib);
		return -1;
	}
	kib = data_kib / file_kib;
	*ret_bytes = (kib > ARBITER_MIN_KIB ? kib : ARBITER_MIN_KIB) * 1024;
	return 0;
}

static int
replicate_create_words(const struct brickyard_volume_request *request,
		       struct brickyard_result *words,
		       struct brickyard_error *err)
{
	host->result_str(words, "word", "replica");
	host->result_u64(words, "word", (uint64_t)replicate_copies(request));
	if (replicate_has_arbiter(request)) {
		host->result_str(words, "word", "arbiter");
		host->result_str(words, "word", "1");
	}
	return 0;
}

static struct brickyard_volume_type plugin = {
	.head = {
		.name = "replicate",
		.version = "1.0.0",
		.description = "files copied to every brick of a set",
		.license = "GPL-2.0-or-later",
	},
	.validate = replicate_validate,
	.geometry = replicate_geometry,
	.role = replicate_role,
	.brick_bytes = replicate_brick_bytes,
	.create_words = replicate_create_words,
};

BRICKYARD_VOLUME_TYPE_REGISTER(plugin, host)
