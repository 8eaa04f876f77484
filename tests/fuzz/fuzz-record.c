/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents of the store, after a line with their key: what can be read is
 * written and read again without a change.
 */
#include <config.h>

#include "store/codec.h"
#include "tests/fuzz/fuzz.h"

static void
read_again(const char *key, char *doc)
{
	struct error err = { .text = "" };
	struct record *r = NULL;
	char *again;

	if (record_decode(key, doc, strlen(doc), 7, &r, &err) != ERR_OK)
		fprintf(stderr, "%s: %s\n%s\n", key, err.text, doc);
	HOLDS(r != NULL);
	again = record_encode(r);
	HOLDS(strcmp(again, doc) == 0);
	free(again);
	record_unref(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	struct error err = { .text = "" };
	struct record *r = NULL;
	char *key, *doc;
	size_t n;

	if (end == NULL)
		return 0;
	n = (size_t)(end - data);
	key = strndup((const char *)data, n);
	if (record_decode(key, (const char *)end + 1, size - n - 1, 7, &r,
			  &err) == ERR_OK) {
		doc = record_encode(r);
		read_again(key, doc);
		free(doc);
		record_unref(r);
	} else {
		HOLDS(err.text[0] != '\0' && r == NULL);
	}
	free(key);
	return 0;
}
