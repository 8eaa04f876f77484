/* SPDX-License-Identifier: BSD-2-Clause */
/* thin-arbiter - a volume type: two copies, and a thin arbiter.
 *
 * The third brick of a volume holds no files, only a mark for each copy that
 * says which of them is good; so it may be far away and small, and two copies
 * survive the loss of either node without a split brain.
 *
 * GlusterFS has one thin arbiter a volume ("gluster volume create NAME replica 2
 * thin-arbiter 1 HOST:BRICK HOST:BRICK HOST:PATH"), so such a volume is one set:
 * max_sets says that, and the host makes larger bricks instead of more sets.
 *
 * In requests:	"durability": { "type": "thin-arbiter" }
 *		"durability": { "type": "thin-arbiter",
 *				"thin-arbiter": { "arbiter_mib": 64 } }
 */
#include <stdlib.h>
#include <string.h>

#include <brickyard/volume-type.h>

#define MIB		((uint64_t)1 << 20)
#define BRICKS		3
#define ARBITER		2		/* the last of the set */
#define DEFAULT_MIB	32
#define LEAST_MIB	16		/* XFS wants this much */
#define MOST_MIB	1024

static const struct brickyard_host *host;

/* 0: not given as a number in its range. */
static uint64_t
arbiter_mib(const struct brickyard_volume_request *request)
{
	const char *value = NULL;
	unsigned long mib;
	char *end;

	for (size_t i = 0; i < request->nparams; i++)
		if (strcmp(request->params[i].key, "arbiter_mib") == 0)
			value = request->params[i].value;
	if (value == NULL)
		return DEFAULT_MIB;
	if (value[0] < '1' || value[0] > '9')
		return 0;
	mib = strtoul(value, &end, 10);
	return *end == '\0' && mib >= LEAST_MIB && mib <= MOST_MIB ? mib : 0;
}

static int
thin_validate(const struct brickyard_volume_request *request,
	      struct brickyard_error *err)
{
	if (arbiter_mib(request) != 0)
		return 0;
	host->fail(err, BRICKYARD_ERR_INVALID, "thin-arbiter.arbiter_mib: must "
		   "be %d to %d", LEAST_MIB, MOST_MIB);
	return -1;
}

static int
thin_geometry(const struct brickyard_volume_request *request,
	      struct brickyard_geometry *ret, struct brickyard_error *err)
{
	(void)request;
	if (!BRICKYARD_HAS(ret, max_sets)) {
		host->fail(err, BRICKYARD_ERR_UNSUPPORTED, "thin-arbiter needs a "
			   "Brickyard of ABI 1.1 or newer");
		return -1;
	}
	ret->bricks_per_set = BRICKS;
	ret->data_bricks = 1;
	ret->max_missing = 1;
	ret->write_quorum = 2;
	ret->sets_per_command = 1;
	ret->max_sets = 1;
	return 0;
}

static uint32_t
thin_role(const struct brickyard_volume_request *request, uint32_t i)
{
	(void)request;
	return i == ARBITER ? BRICKYARD_ROLE_ARBITER : BRICKYARD_ROLE_DATA;
}

static int
thin_brick_bytes(const struct brickyard_volume_request *request, uint32_t i,
		 uint64_t data_brick_bytes, uint64_t average_file_bytes,
		 uint64_t *ret_bytes, struct brickyard_error *err)
{
	(void)average_file_bytes, (void)err;
	*ret_bytes = i == ARBITER ? arbiter_mib(request) * MIB :
				    data_brick_bytes;
	return 0;
}

static int
thin_words(const struct brickyard_volume_request *request,
	   struct brickyard_result *res, struct brickyard_error *err)
{
	static const char *const words[] = {
		"replica", "2", "thin-arbiter", "1",
	};

	(void)request, (void)err;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		host->result_str(res, "word", words[i]);
	return 0;
}

static struct brickyard_volume_type plugin = {
	.head = {
		.name = "thin-arbiter",
		.version = "1.0",
		.description = "two copies and a thin arbiter",
		.license = "BSD-2-Clause",
	},
	.validate = thin_validate,
	.geometry = thin_geometry,
	.role = thin_role,
	.brick_bytes = thin_brick_bytes,
	.create_words = thin_words,
};

BRICKYARD_VOLUME_TYPE_REGISTER(plugin, host)
