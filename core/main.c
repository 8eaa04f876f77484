/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyardd: options and start order only.  The one file that knows all
 * rooms, because it puts them together.
 */
#include <config.h>

int
main(void)
{
	return 0;
}
