/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disperse: files are erasure-coded over a set of data + redundancy bricks, of
 * which any `redundancy` may be missing.  Parameters: data and redundancy.
 */
#include <stdlib.h>
#include <string.h>

#include <brickyard/volume-type.h>

static const struct brickyard_host *host;

/* Other combinations work, too, but lose capacity or speed, so heketi has
 * always refused them.
 */
static const struct disperse_code {
	uint32_t data, redundancy;
} disperse_codes[] = {
	{ 2, 1 },
	{ 4, 2 },
	{ 8, 3 },
	{ 8, 4 },
};

/* What the request says, as text; an absent parameter is 0. */
static const char *
disperse_param(const struct brickyard_volume_request *request, const char *key)
{
	for (size_t i = 0; i < request->nparams; i++)
		if (strcmp(request->params[i].key, key) == 0)
			return request->params[i].value;
	return "0";
}

/* NULL: the request asks for none of them. */
static const struct disperse_code *
disperse_code(const struct brickyard_volume_request *request)
{
	long data = strtol(disperse_param(request, "data"), NULL, 10);
	long redundancy = strtol(disperse_param(request, "redundancy"), NULL,
				 10);
	size_t n = sizeof(disperse_codes) / sizeof(disperse_codes[0]);

	for (size_t i = 0; i < n; i++)
		if (data == (long)disperse_codes[i].data &&
		    redundancy == (long)disperse_codes[i].redundancy)
			return &disperse_codes[i];
	return NULL;
}

static int
disperse_validate(const struct brickyard_volume_request *request,
		  struct brickyard_error *err)
{
	if (disperse_code(request) != NULL)
		return 0;
	host->fail(err, BRICKYARD_ERR_INVALID,
		   "Invalid dispersion combination: %s+%s",
		   disperse_param(request, "data"),
		   disperse_param(request, "redundancy"));
	return -1;
}

static int
disperse_geometry(const struct brickyard_volume_request *request,
		  struct brickyard_geometry *ret, struct brickyard_error *err)
{
	const struct disperse_code *code = disperse_code(request);

	ret->bricks_per_set = code->data + code->redundancy;
	ret->data_bricks = code->data;
	ret->max_missing = code->redundancy;
	ret->write_quorum = code->data;
	ret->sets_per_command = 1;
	ret->min_set_factor = code->data;
	return 0;
}

static void
disperse_word(struct brickyard_result *words, const char *word, uint32_t n)
{
	host->result_str(words, "word", word);
	host->result_u64(words, "word", n);
}

static int
disperse_create_words(const struct brickyard_volume_request *request,
		      struct brickyard_result *words,
		      struct brickyard_error *err)
{
	const struct disperse_code *code = disperse_code(request);

	disperse_word(words, "disperse-data", code->data);
	disperse_word(words, "redundancy", code->redundancy);
	return 0;
}

static struct brickyard_volume_type plugin = {
	.head = {
		.name = "disperse",
		.version = "1.0.0",
		.description = "files erasure-coded over data and redundancy "
			       "bricks",
		.license = "GPL-2.0-or-later",
	},
	.validate = disperse_validate,
	.geometry = disperse_geometry,
	.create_words = disperse_create_words,
};

BRICKYARD_VOLUME_TYPE_REGISTER(plugin, host)
