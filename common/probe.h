#pragma once

/*
 * Probes for tracers (bpftrace, SystemTap, perf): USDT, provider merlind, described in
 * docs/tracing.md. A probe is one nop and a note in the program that says where it is and in which
 * registers its arguments are; without sys/sdt.h at build time there are none.
 */
#ifdef MERLIND_PROBES
#    include <sys/sdt.h>
#    define PROBE3(name, a, b, c) DTRACE_PROBE3(merlind, name, a, b, c)
#    define PROBE4(name, a, b, c, d) DTRACE_PROBE4(merlind, name, a, b, c, d)
#else
#    define PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#    define PROBE4(name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#endif
