/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Authorization header.  As it comes; and, after a line break, the claims of
 * a token that is signed as it should be, to get beyond the signature.
 */
#include <config.h>

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "api/auth.h"
#include "tests/fuzz/fuzz.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/xalloc.h"

#define KEY "secret"

static void
add_base64(struct buf *b, const uint8_t *data, size_t n)
{
	uint8_t *text = xcalloc(n / 3 + 2, 4);
	int len = EVP_EncodeBlock(text, data, (int)n);

	for (int i = 0; i < len && text[i] != '='; i++)
		buf_addf(b, "%c", text[i] == '+' ? '-' :
			 text[i] == '/' ? '_' : text[i]);
	free(text);
}

static void
sign(struct buf *b, const uint8_t *claims, size_t n)
{
	static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	size_t start = b->len;
	uint8_t mac[32];
	unsigned len;

	add_base64(b, (const uint8_t *)head, strlen(head));
	buf_adds(b, ".");
	add_base64(b, claims, n);
	HMAC(EVP_sha256(), KEY, strlen(KEY), (uint8_t *)b->s + start,
	     b->len - start, mac, &len);
	buf_adds(b, ".");
	add_base64(b, mac, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth a = { .iat_leeway_s = 0 };
	struct error err = { .text = "" };
	struct buf header = { 0 };
	struct auth_request q = { .method = "GET", .path = "/clusters",
				  .now_s = 1700000000 };
	bool raw = size == 0 || data[0] != '\n';
	enum err r;

	HOLDS(auth_init(&a, KEY, "user's", 120, &err) == ERR_OK);
	if (raw) {
		buf_add(&header, (const char *)data, size);
	} else {
		buf_adds(&header, "bearer ");
		sign(&header, data + 1, size - 1);
	}
	q.header = buf_str(&header);
	r = auth_check(&a, &q, &err);
	HOLDS(r == ERR_OK || r == ERR_AUTH || r == ERR_BADREQ);
	HOLDS((r == ERR_OK) == (err.text[0] == '\0'));
	/* Nobody guesses a signature. */
	HOLDS(!raw || r != ERR_OK || strchr(q.header, '.') != NULL);
	buf_release(&header);
	auth_release(&a);
	return 0;
}
