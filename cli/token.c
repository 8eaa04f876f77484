/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HS256 tokens as heketi's clients make them: iss is the user, qsh binds the
 * token to one method and path.
 */
#include <config.h>

#include <assert.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "cli/token.h"
#include "util/buf.h"
#include "util/xalloc.h"

enum { TOKEN_LIFE_S = 5 * 60 };

/* base64url without padding */
static void
add_base64url(struct buf *b, const void *p, size_t n)
{
	CLEANUP_FREE char *s = xcalloc(n / 3 + 1, 4 + 1);
	int len = EVP_EncodeBlock((unsigned char *)s, p, (int)n);

	for (int i = 0; i < len && s[i] != '='; i++) {
		char c = s[i] == '+' ? '-' : s[i] == '/' ? '_' : s[i];

		buf_add(b, &c, 1);
	}
}

static void
hash_request(const char *method, const char *path, char ret_hex[65])
{
	CLEANUP_FREE char *s = xasprintf("%s&%s", method, path);
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int r = EVP_Digest(s, strlen(s), md, &len, EVP_sha256(), NULL);

	assert(r == 1 && len == 32);
	(void)r;
	for (unsigned i = 0; i < len; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", md[i]);
}

static char *
claims_new(const char *user, const char *method, const char *path,
	   int64_t now_s)
{
	json_auto_t *claims = NULL;
	char qsh[65], *text;

	hash_request(method, path, qsh);
	claims = json_pack("{s:I, s:I, s:s%, s:s}", "exp",
			   (json_int_t)(now_s + TOKEN_LIFE_S), "iat",
			   (json_int_t)now_s, "iss", user, strlen(user), "qsh",
			   qsh);
	text = json_dumps(claims, JSON_COMPACT);
	assert(text != NULL);	/* client_new() has checked the user */
	return text;
}

char *
token_new(const char *user, const char *secret, const char *method,
	  const char *path, int64_t now_s)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	CLEANUP_FREE char *claims = claims_new(user, method, path, now_s);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct buf b = { 0 };

	add_base64url(&b, header, strlen(header));
	buf_adds(&b, ".");
	add_base64url(&b, claims, strlen(claims));
	HMAC(EVP_sha256(), secret, (int)strlen(secret),
	     (const unsigned char *)b.s, b.len, mac, &len);
	buf_adds(&b, ".");
	add_base64url(&b, mac, len);
	return buf_steal(&b);
}
