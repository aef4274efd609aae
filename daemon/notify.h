#pragma once

#include <stdint.h>

/*
 * What systemd wants to hear from a service of Type=notify: one datagram each to the socket that
 * NOTIFY_SOCKET names. Without that variable all of these do nothing. None blocks: a datagram that
 * the socket does not take at once is lost.
 *
 * To be called by the service thread only. Each returns 0 or a negative errno, which is worth a
 * debug line and nothing more.
 */

/* `status` is the line that `systemctl status` shows; NULL leaves it. */
int notify_ready(const char *status);

__attribute__((format(printf, 1, 2))) int notify_status(const char *format, ...);

int notify_stopping(void);

/* Before a reload; notify_ready ends it. */
int notify_reloading(void);

/* Alive. Due every notify_watchdog_interval_us() / 2. */
int notify_watchdog(void);

/* Microseconds that systemd waits for the next notify_watchdog, 0: it does not wait. */
uint64_t notify_watchdog_interval_us(void);

/* The start or the stop that is going on needs up to so much longer from now. */
int notify_extend_timeout(unsigned seconds);
