/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a word is from another: for what was probably meant. */
#ifndef DISTANCE_H
#define DISTANCE_H

/* The letters that are to be added, taken away or changed (Levenshtein's
 * distance), in any case; of longer words the first 64 count.
 */
unsigned word_distance(const char *a, const char *b);

#endif
