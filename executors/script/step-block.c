/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block volumes, through gluster-block; the work on the node is in block.sh. */
#include <stdio.h>
#include <string.h>

#include "lower.h"
#include "words.h"

#define GIB (UINT64_C(1) << 30)

static int
check_names(struct step *st, const char *volume, const char *name)
{
	if (check_gluster_volume(st, volume) < 0)
		return -1;
	if (is_plain_name(name))
		return 0;
	return step_fail(st, BRICKYARD_ERR_INVALID,
			 "'%.200s' is not a name of a block volume", name);
}

static int
check_size(struct step *st, const struct brickyard_block *b, char size[40])
{
	if (b->size_bytes == 0 || b->size_bytes % GIB != 0)
		return step_fail(st, BRICKYARD_ERR_INVALID,
				 "block volume %s: %llu bytes are no whole GiB",
				 b->name, (unsigned long long)b->size_bytes);
	snprintf(size, 40, "%lluGiB",
		 (unsigned long long)(b->size_bytes / GIB));
	return 0;
}

/* heketi: what is not a plain word is taken for "full". */
static const char *
prealloc(const struct step *st, const struct brickyard_block *b)
{
	const char *s = b->prealloc != NULL && b->prealloc[0] != '\0' ?
		b->prealloc : opt_str(st->in, OPT_BLOCK_PREALLOC);

	return is_plain_name(s) ? s : "full";
}

/* h1,h2: the CLI would split one that has a comma. */
static int
join_hosts(struct step *st, const struct brickyard_block *b, struct text *ret)
{
	for (size_t i = 0; i < b->nhosts; i++) {
		if (check_gluster_word(st, b->hosts[i]) < 0)
			return -1;
		if (strpbrk(b->hosts[i], ", ") != NULL || b->hosts[i][0] == '-')
			return step_fail(st, BRICKYARD_ERR_INVALID,
					 "'%.200s' is not a host", b->hosts[i]);
		text_addf(ret, "%s%s", i > 0 ? "," : "", b->hosts[i]);
	}
	if (b->nhosts > 0)
		return 0;
	return step_fail(st, BRICKYARD_ERR_INVALID,
			 "block volume %s: no host is to export it", b->name);
}

int
lower_block_create(struct brickyard_executor_instance *in,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node,
		   const struct brickyard_block *b,
		   struct brickyard_result *res, struct brickyard_error *err)
{
	CLEANUP_TEXT struct text hosts = {0};
	CLEANUP_STEP struct step st;
	char size[40], ha[24];

	step_init(&st, in, call, node, err);
	st.result = res;
	if (check_names(&st, b->volume, b->name) < 0 ||
	    check_size(&st, b, size) < 0 || join_hosts(&st, b, &hosts) < 0)
		return -1;
	st.body.failed |= hosts.failed;
	snprintf(ha, sizeof(ha), "%zu", b->hacount != 0 ? b->hacount :
		 b->nhosts);
	step_part(&st, part_block);
	step_do(&st, "bl_create", b->volume, b->name, ha,
		b->auth != 0 ? "enable" : "disable", prealloc(&st, b),
		text_str(&hosts), size, NULL);
	return step_run(&st);
}

int
lower_block_info(struct brickyard_executor_instance *in,
		 const struct brickyard_call *call,
		 const struct brickyard_node *node, const char *volume,
		 const char *name, struct brickyard_result *res,
		 struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	st.result = res;
	if (check_names(&st, volume, name) < 0)
		return -1;
	step_part(&st, part_block);
	step_do(&st, "bl_info", volume, name, NULL);
	return step_run(&st);
}

int
lower_block_expand(struct brickyard_executor_instance *in,
		   const struct brickyard_call *call,
		   const struct brickyard_node *node,
		   const struct brickyard_block *b, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;
	char size[40];

	step_init(&st, in, call, node, err);
	if (check_names(&st, b->volume, b->name) < 0 ||
	    check_size(&st, b, size) < 0)
		return -1;
	step_part(&st, part_block);
	step_do(&st, "bl_expand", b->volume, b->name, size, NULL);
	return step_run(&st);
}

int
lower_block_destroy(struct brickyard_executor_instance *in,
		    const struct brickyard_call *call,
		    const struct brickyard_node *node, const char *volume,
		    const char *name, struct brickyard_error *err)
{
	CLEANUP_STEP struct step st;

	step_init(&st, in, call, node, err);
	if (check_names(&st, volume, name) < 0)
		return -1;
	step_part(&st, part_block);
	step_do(&st, "bl_destroy", volume, name, NULL);
	return step_run(&st);
}
