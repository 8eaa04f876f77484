/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What could stand at the end of an unfinished command line. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "util/buf.h"

/* argv without the program's name; its last word is the unfinished one and may
 * be "".  A line each: the word, a tab, what it is for; ":files" where a file
 * is wanted.  Asks no server.
 */
void complete_words(int argc, char *const *argv, struct buf *ret);

#endif
