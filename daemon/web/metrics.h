#pragma once

struct web;

/* All figures of the status and of the web server in Prometheus' text format 0.0.4. To be freed;
 * NULL: no memory. */
char *metrics_text(const struct web *web);
