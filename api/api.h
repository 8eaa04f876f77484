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
			      bool disable_auth, struct api **ret, struct error *);
void api_attach(struct api *, struct service *);
unsigned api_port(const struct api *);
/* Refuse new requests (503, and /readyz says no), answer those under way and
 * release held polls, at most grace_ms; then stop. */
void api_stop(struct api *, int grace_ms);

#endif
