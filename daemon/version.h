#pragma once

/* MERLIND_VERSION comes from meson.build, which is the only place that knows it. */
#ifndef MERLIND_VERSION
#    error "build with meson: it defines MERLIND_VERSION"
#endif
