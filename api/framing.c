/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libmicrohttpd lets pass: it takes the first of several lengths, and waits
 * for the connection's end where it doesn't know the transfer encoding.
 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "api/framing.h"

struct framing {
	const char *length;
	bool contradicts;	/* two lengths that are not the same */
	bool unknown;		/* a transfer encoding that nobody undoes */
};

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *name,
	  const char *value)
{
	struct framing *f = cls;

	if (value == NULL)
		value = "";
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		f->contradicts |= f->length != NULL &&
				  strcmp(f->length, value) != 0;
		f->length = value;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		f->unknown |= strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

bool
framing_is_bad(struct MHD_Connection *c, unsigned *status, const char **text)
{
	struct framing f = { .length = NULL };

	MHD_get_connection_values(c, MHD_HEADER_KIND, on_header, &f);
	if (f.unknown) {
		*status = MHD_HTTP_NOT_IMPLEMENTED;
		*text = "Unsupported transfer encoding";
	} else if (f.contradicts) {
		*status = MHD_HTTP_BAD_REQUEST;
		*text = "400 Bad Request";
	}
	return f.unknown || f.contradicts;
}
