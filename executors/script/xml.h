/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the small, regular XML that the gluster CLI prints: elements, text,
 * the five entities and numeric ones.  Attributes, comments and declarations
 * are skipped.  Nothing else is XML to it: what is not well-formed is refused.
 */
#ifndef XML_H
#define XML_H

#include "text.h"

#define XML_DEPTH_MAX	16
#define XML_PATH_MAX	512

/* Called at each end tag with the path ("cliOutput/opRet") and the text that
 * stood directly before it.  Stops when the answer is not 0.
 */
typedef int xml_element_fn(void *arg, const char *path, const char *text);

/* s is changed.  -1: not well-formed, or fn said stop. */
int xml_scan(char *s, xml_element_fn *fn, void *arg) MUST_CHECK;

#endif
