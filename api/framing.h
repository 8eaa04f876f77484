/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where does a request end?  If its headers contradict each other, a proxy before
 * us may have seen the end elsewhere, and what follows is not a request of the same
 * client.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include <stdbool.h>

#include <microhttpd.h>

/* true: no answer but *status with *text, and the connection is not used again.
 * On the HTTP thread, when the headers are there.
 */
bool framing_is_bad(struct MHD_Connection *, unsigned *status,
		    const char **text);

#endif
