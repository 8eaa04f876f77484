/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which API server, and how to log in: the service account in a pod, or a
 * kubeconfig.  What was read is never changed; when a file that it came from is
 * another one, it is read anew, and who still uses the old one keeps that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "kubernetes.h"

#define FILE_MAX (1024 * 1024)
#define TOKEN_MAX (32 * 1024)	/* it has to fit into the request's head */

/* ---- life ---- */

static void
access_free(struct access *a)
{
	if (a->ssl != NULL)
		SSL_CTX_free(a->ssl);
	for (size_t i = 0; i < a->nwatched; i++)
		free(a->watched[i].path);
	text_free(&a->ca);
	text_free(&a->cert);
	if (a->key.len > 0)
		explicit_bzero(a->key.s, a->key.len);
	text_free(&a->key);
	free(a->origin);
	free(a->server);
	free(a->host);
	free(a->prefix);
	free(a->server_name);
	free(a->token);
	free(a->token_file);
	free(a->namespace);
	free(a);
}

struct access *
access_use(struct access *a)
{
	atomic_fetch_add(&a->users, 1);
	return a;
}

void
access_put(struct access *a)
{
	if (atomic_fetch_sub(&a->users, 1) == 1)
		access_free(a);
}

/* ---- files that may change ---- */

static void
stamp_take(const char *path, int64_t ret[4])
{
	struct stat st;

	memset(ret, 0, 4 * sizeof(ret[0]));
	if (stat(path, &st) < 0)
		return;
	ret[0] = (int64_t)st.st_ino;
	ret[1] = st.st_size;
	ret[2] = st.st_mtim.tv_sec;
	ret[3] = st.st_mtim.tv_nsec;
}

int
access_watch(struct access *a, const char *path, struct text *ret,
	     struct fault *f)
{
	struct stamp *s = &a->watched[a->nwatched];

	if (a->nwatched == WATCHED_MAX)
		abort();	/* a bug of ours: there are not so many */
	stamp_take(path, s->v);
	s->path = strdup(path);
	if (s->path == NULL)
		return fault_nomem(f);
	a->nwatched++;
	if (ret != NULL && slurp(path, FILE_MAX, ret) < 0)
		return fault_set(f, BRICKYARD_ERR_INVALID, "%s: can't be read: "
				 "%s", path, strerror(errno));
	return 0;
}

static bool
access_is_current(const struct access *a)
{
	int64_t v[4];

	for (size_t i = 0; i < a->nwatched; i++) {
		stamp_take(a->watched[i].path, v);
		if (memcmp(v, a->watched[i].v, sizeof(v)) != 0)
			return false;
	}
	return true;
}

/* ---- the server's address ---- */

static char *
url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *s = NULL, *copy;

	if (curl_url_get(u, part, &s, flags) != CURLUE_OK)
		return NULL;
	copy = strdup(s);
	curl_free(s);
	return copy;
}

static int
take_url(struct access *a, CURLU *u)
{
	CLEANUP_FREE char *scheme = NULL, *port = NULL;
	size_t n;

	if (curl_url_set(u, CURLUPART_URL, a->server, 0) != CURLUE_OK)
		return -1;
	scheme = url_part(u, CURLUPART_SCHEME, 0);
	port = url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	a->host = url_part(u, CURLUPART_HOST, 0);
	a->prefix = url_part(u, CURLUPART_PATH, 0);
	if (scheme == NULL || port == NULL || a->host == NULL ||
	    a->prefix == NULL)
		return -1;
	a->is_tls = strcmp(scheme, "https") == 0;
	if (!a->is_tls && strcmp(scheme, "http") != 0)
		return -1;
	a->port = (unsigned)strtoul(port, NULL, 10);
	n = strlen(a->host);
	if (a->host[0] == '[') {
		memmove(a->host, a->host + 1, n);
		a->host[n - 2] = '\0';
	}
	for (n = strlen(a->prefix); n > 0 && a->prefix[n - 1] == '/'; n--)
		a->prefix[n - 1] = '\0';
	return strlen(a->prefix) < 256 && strlen(a->host) < 128 ? 0 : -1;
}

int
access_split_url(struct access *a, struct fault *f)
{
	CURLU *u = curl_url();
	int r;

	if (u == NULL)
		return fault_nomem(f);
	r = take_url(a, u);
	curl_url_cleanup(u);
	if (r < 0)
		return fault_set(f, BRICKYARD_ERR_INVALID, "%s: the server "
				 "'%.200s' is not a URL of an API server",
				 a->origin, a->server);
	return 0;
}

/* ---- where it comes from ---- */

static int
in_dir(const char *dir, const char *name, char **ret)
{
	return asprintf(ret, "%s/%s", dir, name) < 0 ? -1 : 0;
}

/* Not there: the namespace is not said.  Empty: it is "default". */
static int
read_namespace(struct access *a, const char *path, struct fault *f)
{
	CLEANUP_TEXT struct text t = { 0 };

	if (slurp(path, 4096, &t) == 0) {
		text_trim(&t);
		a->namespace = strdup(t.len > 0 ? t.s : "default");
	} else {
		a->namespace = strdup("");
	}
	return a->namespace != NULL ? 0 : fault_nomem(f);
}

static int
read_service_account(struct access *a, const char *dir, struct fault *f)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool is_ipv6 = strchr(host, ':') != NULL;
	CLEANUP_FREE char *ca = NULL, *namespace = NULL;

	a->origin = strdup("service account");
	if (asprintf(&a->server, is_ipv6 ? "https://[%s]:%s" : "https://%s:%s",
		     host, port != NULL ? port : "443") < 0)
		a->server = NULL;
	if (a->origin == NULL || a->server == NULL ||
	    in_dir(dir, "ca.crt", &ca) < 0 ||
	    in_dir(dir, "token", &a->token_file) < 0 ||
	    in_dir(dir, "namespace", &namespace) < 0)
		return fault_nomem(f);
	if (access_watch(a, ca, &a->ca, f) < 0 ||
	    read_namespace(a, namespace, f) < 0)
		return -1;
	return access_split_url(a, f);
}

static bool
is_in_pod(const struct brickyard_executor_instance *in)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	CLEANUP_FREE char *token = NULL;

	return host != NULL && host[0] != '\0' &&
		in_dir(opt_str(in, OPT_SERVICE_ACCOUNT_DIR), "token",
		       &token) == 0 && access(token, F_OK) == 0;
}

static int
read_any(const struct brickyard_executor_instance *in, struct access *a,
	 struct fault *f)
{
	const char *file = opt_str(in, OPT_KUBECONFIG);

	if (file[0] == '\0' && is_in_pod(in))
		return read_service_account(a, opt_str(in,
					    OPT_SERVICE_ACCOUNT_DIR), f);
	if (file[0] == '\0' && getenv("KUBECONFIG") != NULL)
		file = getenv("KUBECONFIG");
	if (file[0] != '\0')
		return kubeconfig_read(a, file, opt_str(in, OPT_CONTEXT), f);
	return fault_set(f, BRICKYARD_ERR_INVALID, "no API server: this is no "
			 "pod with a service account "
			 "(KUBERNETES_SERVICE_HOST, %s/token), and neither the "
			 "option kubeconfig nor $KUBECONFIG names a file",
			 opt_str(in, OPT_SERVICE_ACCOUNT_DIR));
}

static struct access *
access_read(const struct brickyard_executor_instance *in, struct fault *f)
{
	struct access *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		fault_nomem(f);
		return NULL;
	}
	atomic_init(&a->users, 1);
	if (read_any(in, a, f) == 0 && (!a->is_tls || tls_prepare(a, f) == 0))
		return a;
	access_free(a);
	return NULL;
}

struct access *
access_get(struct brickyard_executor_instance *in, struct fault *f)
{
	struct access *a, *old = NULL;
	bool is_new = false;
	struct fault why = { 0 };

	pthread_mutex_lock(&in->access_lock);
	if (in->access == NULL || !access_is_current(in->access)) {
		a = access_read(in, &why);
		is_new = a != NULL;
		if (is_new) {
			old = in->access;
			in->access = a;
		}
	}
	a = in->access != NULL ? access_use(in->access) : NULL;
	pthread_mutex_unlock(&in->access_lock);
	if (old != NULL)
		access_put(old);
	if (a == NULL)
		*f = why;
	else if (why.err_class != 0)	/* half written? */
		kube_host->log(BRICKYARD_LOG_WARNING, "%s; what was read "
			       "before is still used", why.text);
	if (is_new && a->is_insecure)
		kube_host->log(BRICKYARD_LOG_WARNING, "%s: the certificate of "
			       "%s is not checked (insecure-skip-tls-verify)",
			       a->origin, a->server);
	return a;
}

int
access_authorization(const struct access *a, struct text *ret, struct fault *f)
{
	CLEANUP_TEXT struct text t = { 0 };
	const char *token = a->token;

	if (token == NULL && a->token_file == NULL)
		return 0;
	if (token == NULL) {
		if (slurp(a->token_file, TOKEN_MAX, &t) < 0)
			return fault_set(f, BRICKYARD_ERR_TRANSIENT, "token "
					 "file %s: can't be read: %s",
					 a->token_file, strerror(errno));
		text_trim(&t);
		token = text_str(&t);
	}
	if (token[0] == '\0' || strlen(token) > TOKEN_MAX ||
	    token[strcspn(token, " \r\n\t")] != '\0')
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: that is no "
				 "token", a->token_file != NULL ?
				 a->token_file : a->origin);
	text_addf(ret, "Bearer %s", token);
	return ret->failed ? fault_nomem(f) : 0;
}
