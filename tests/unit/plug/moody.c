/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A volume type of two copies, until the file $BY_TROUBLE has a line "CALLBACK
 * FAULT": then that one breaks its word in that way.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <brickyard/volume-type.h>

static const struct brickyard_host *host;

static int
is(const char *callback, const char *fault)
{
	const char *path = getenv("BY_TROUBLE");
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	char name[32] = "", what[32] = "";
	int r = f != NULL && fscanf(f, "%31s %31s", name, what) == 2 &&
		strcmp(name, callback) == 0 && strcmp(what, fault) == 0;

	if (f != NULL)
		fclose(f);
	return r;
}

/* As long as the file says so. */
static void
hang(const char *callback)
{
	while (is(callback, "hang"))
		usleep(50000);
}

static int
moody_validate(const struct brickyard_volume_request *request,
	       struct brickyard_error *err)
{
	(void)request, (void)err;
	hang("validate");
	if (is("validate", "number"))
		return 7;
	return is("validate", "silent") ? -1 : 0;
}

static int
moody_geometry(const struct brickyard_volume_request *request,
	       struct brickyard_geometry *ret, struct brickyard_error *err)
{
	(void)request, (void)err;
	hang("geometry");
	ret->bricks_per_set = is("geometry", "garbage") ? 0x7fffffff : 2;
	ret->data_bricks = 1;
	ret->max_missing = 1;
	ret->write_quorum = 2;
	return 0;
}

static uint32_t
moody_role(const struct brickyard_volume_request *request, uint32_t i)
{
	(void)request;
	return is("role", "garbage") ? 77 + i : BRICKYARD_ROLE_DATA;
}

static int
moody_bytes(const struct brickyard_volume_request *request, uint32_t i,
	    uint64_t data_bytes, uint64_t file_bytes, uint64_t *ret,
	    struct brickyard_error *err)
{
	(void)request, (void)i, (void)file_bytes, (void)err;
	hang("brick_bytes");
	*ret = is("brick_bytes", "garbage") ? UINT64_MAX : data_bytes;
	return 0;
}

static int
moody_words(const struct brickyard_volume_request *request,
	    struct brickyard_result *res, struct brickyard_error *err)
{
	(void)request, (void)err;
	hang("create_words");
	if (is("create_words", "garbage"))
		host->result_str(res, "word", "; reboot");
	for (int i = 0; i < 100000 && is("create_words", "overrun"); i += 100)
		for (int k = 0; k < 100; k++)
			host->result_str(res, "word", "replica");
	host->result_str(res, "word", "replica");
	host->result_str(res, "word", "2");
	return 0;
}

static struct brickyard_volume_type plugin = {
	.head = {
		.name = "moody",
		.version = "1",
		.description = "two copies, most of the time",
		.license = "GPL-2.0-or-later",
	},
	.validate = moody_validate,
	.geometry = moody_geometry,
	.role = moody_role,
	.brick_bytes = moody_bytes,
	.create_words = moody_words,
};

BRICKYARD_VOLUME_TYPE_REGISTER(plugin, host)
