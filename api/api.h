/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP side: started by main with the core's service. */
#ifndef API_H
#define API_H

#include "configuration.h"
#include "service.h"

struct api;

/* Listens on "ADDR:PORT" (":8080" and "8080": all addresses, IPv4 and IPv6;
 * port 0: any) and serves.  service may be NULL at first (while starting):
 * /hello and /healthz are answered, everything else 503; api_attach gives it.
 */
enum err MUST_CHECK api_start(const struct config *, const char *listen,
			      bool disable_auth, struct api **ret,
			      struct error *);
void api_attach(struct api *, struct service *);
unsigned api_port(const struct api *);
bool api_has_tls(const struct api *);
/* Read the certificate and its key anew: connections that begin afterwards get
 * them.  If they can't be used, those that are there go on being used.
 */
enum err MUST_CHECK api_reload(struct api *, struct error *);
/* Before the stop: /readyz says no and connections end with their next reply, so
 * that balancers go elsewhere; all requests are served as before.
 */
void api_drain(struct api *);
/* Refuse new requests (503, and /readyz says no), answer those under way and
 * release held polls; after grace_ms, say so in the log.  A handler that waits
 * for a node ends by its call's deadline only, and is waited for: it uses the
 * service, which the caller stops next.
 */
void api_stop(struct api *, int grace_ms);

#endif
