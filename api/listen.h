/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening socket. */
#ifndef LISTEN_H
#define LISTEN_H

#include "util/error.h"

/* "ADDR:PORT", "[v6]:PORT", ":PORT" and "PORT" (all addresses, both families);
 * port 0: any.  The caller closes *ret_fd.
 */
enum err MUST_CHECK listen_on(const char *where, int *ret_fd,
			      unsigned *ret_port, struct error *);

#endif
