/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <config.h>

#include "store/store.h"

enum err
etcd_store_open(const char *urls, const char *const *options,
		struct store **ret, struct error *err)
{
	return fail(err, ERR_NOTSUP, "etcd:%s: its client comes with the next "
		    "commits", urls);
}
