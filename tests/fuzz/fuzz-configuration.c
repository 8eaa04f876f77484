/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files, as far as they are JSON: the walk over their members. */
#include <config.h>

#include "store/jsonfile.h"
#include "tests/fuzz/fuzz.h"

static enum err
seen(void *arg, const char *key, const char *value, char type, int line,
     struct error *err)
{
	size_t *n = arg;

	HOLDS(key != NULL);
	HOLDS(strchr("sibnr", type) != NULL);
	HOLDS(line >= 0);
	HOLDS(type == 'n' || value != NULL);
	if (type == 'b')
		HOLDS(strcmp(value, "true") == 0 ||
		      strcmp(value, "false") == 0);
	return ++*n == 1000 ? fail(err, ERR_BADREQ, "enough") : ERR_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { .text = "" };
	size_t n = 0;
	char path[32];
	int fd = fuzz_file(data, size, path);
	enum err r = jsonfile_walk(path, seen, &n, &err);

	HOLDS((r == ERR_OK) == (err.text[0] == '\0'));
	HOLDS(n < 1000 || r == ERR_BADREQ);
	fuzz_file_end(fd);
	return 0;
}
