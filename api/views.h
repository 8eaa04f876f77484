/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices collected for a reply, with what is on them. */
#ifndef VIEWS_H
#define VIEWS_H

#include "api/encode.h"

struct device_views {
	struct device_view *v;
	size_t n, cap;
};

/* Add a device; takes the reference over. */
void device_views_add(struct service *, struct device *, struct device_views *);
void device_views_of_node(struct service *, const char *node,
			  struct device_views *);
void device_views_release(struct device_views *);

#endif
