/* SPDX-License-Identifier: GPL-2.0-or-later */
/* distribute: every file is whole on one brick, and there is one copy of it.
 * What a request gets that names no durability.  It is also the smallest
 * volume type there can be: the one to copy for a start.
 */
#include <brickyard/volume-type.h>

static const struct brickyard_host *host;

/* There are no parameters, so there is nothing to refuse. */
static int
distribute_validate(const struct brickyard_volume_request *request,
		    struct brickyard_error *err)
{
	return 0;
}

static int
distribute_geometry(const struct brickyard_volume_request *request,
		    struct brickyard_geometry *ret,
		    struct brickyard_error *err)
{
	ret->bricks_per_set = 1;
	ret->data_bricks = 1;
	ret->max_missing = 0;
	ret->write_quorum = 1;
	ret->sets_per_command = 15;
	ret->min_set_factor = 1;
	return 0;
}

static struct brickyard_volume_type plugin = {
	.head = {
		.name = "distribute",
		.version = "1.0.0",
		.description = "files spread over bricks, one copy of each",
		.license = "GPL-2.0-or-later",
	},
	.request_names = "none,",
	.validate = distribute_validate,
	.geometry = distribute_geometry,
};

BRICKYARD_VOLUME_TYPE_REGISTER(plugin, host)
