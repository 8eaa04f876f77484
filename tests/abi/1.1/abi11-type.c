/* SPDX-License-Identifier: BSD-2-Clause */
/* A volume type as it was written against the headers of ABI 1.1: copies,
 * three unless the request says otherwise, four sets at most.  Built with tests/abi/1.1
 * and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include <brickyard/volume-type.h>

static const struct brickyard_host *host;

static long
copies_of(const struct brickyard_volume_request *request)
{
	for (size_t i = 0; i < request->nparams; i++)
		if (strcmp(request->params[i].key, "copies") == 0)
			return strtol(request->params[i].value, NULL, 10);
	return 3;
}

static int
old_validate(const struct brickyard_volume_request *request,
	     struct brickyard_error *err)
{
	long copies = copies_of(request);

	if (copies >= 1 && copies <= 5)
		return 0;
	host->fail(err, BRICKYARD_ERR_INVALID, "copies: %ld is not 1 to 5",
		   copies);
	return -1;
}

static int
old_geometry(const struct brickyard_volume_request *request,
	     struct brickyard_geometry *ret, struct brickyard_error *err)
{
	(void)err;
	ret->bricks_per_set = (uint32_t)copies_of(request);
	ret->data_bricks = 1;
	ret->max_missing = ret->bricks_per_set - 1;
	ret->write_quorum = ret->bricks_per_set / 2 + 1;
	ret->sets_per_command = 2;
	if (BRICKYARD_HAS(ret, max_sets))
		ret->max_sets = 4;
	return 0;
}

static int
old_words(const struct brickyard_volume_request *request,
	  struct brickyard_result *res, struct brickyard_error *err)
{
	char digit[2] = { (char)('0' + copies_of(request)), '\0' };

	(void)err;
	host->result_str(res, "word", "replica");
	host->result_str(res, "word", digit);
	return 0;
}

static struct brickyard_volume_type plugin = {
	.head = {
		.name = "abi11-type",
		.version = "1",
		.description = "a volume type of ABI 1.1",
		.license = "BSD-2-Clause",
	},
	.validate = old_validate,
	.geometry = old_geometry,
	.create_words = old_words,
};

BRICKYARD_VOLUME_TYPE_REGISTER(plugin, host)
