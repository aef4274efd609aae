#pragma once

#include <stdbool.h>

/*
 * Who may talk to the server at all. Other pages in the same browser are kept out by their Origin,
 * names of strangers that were made to point here (DNS rebinding) by the Host.
 *
 * `origins`: origins as browsers write them (http://host:port), separated by blanks, that are
 * welcome too; "" for none.
 */

/* A Host header: an address, localhost, this computer's name, or the host of one of `origins`.
 * Ports are not looked at, so that a tunnel may have its own. */
bool gate_host_allowed(const char *host, const char *origins);

/* An Origin header: the one that `host` belongs to, or one of `origins`. A program that is no
 * browser sends none, "", which is allowed. */
bool gate_origin_allowed(const char *origin, const char *host, const char *origins);

/* Takes as long whatever differs. A token of "" fits nothing. */
bool gate_token_fits(const char *given, const char *token);
