#pragma once

#include <jansson.h>

#include "common/error.h"
#include "daemon/acquisition/preset.h"
#include "daemon/acquisition/trigger.h"
#include "detector/parameters.h"
#include "detector/settings.h"

/* What a request to start says of the detector. */
struct start_settings {
    struct scan_geometry scan;
    bool trigger_given; /* else the preset's, or internal */
    enum trigger trigger;
    const struct preset *preset; /* NULL: none */
    json_t *parameters;          /* object NAME: text or number, may be NULL */
    bool allow_dangerous;
};

/* One parameter that the detector shall have when it starts. */
struct start_parameter {
    const struct detector_parameter *parameter; /* NULL: unknown to the table */
    bool requested;                             /* by name, in the request */
    bool optional;                              /* old servers do not know it */
    bool read_back;
    char name[DETECTOR_NAME_SIZE]; /* as the request spells it */
    char value[DETECTOR_VALUE_SIZE];
};

/* In the order of sending: modes, times, triggers, files, scan, the rest. */
enum { START_PARAMETERS_MAX = 64 };

struct start_parameters {
    unsigned n;
    struct start_parameter list[START_PARAMETERS_MAX];
};

/* Why a start is refused: the protocol's error code (NULL: it is not), the field at fault ("":
 * none), a sentence. */
struct start_refusal {
    const char *code;
    char field[96];
    struct error error;
};

/*
 * Puts together what the detector shall have: the preset's settings, those that every run needs,
 * and over both the request's own. Checks type and range of each, whether it is dangerous and
 * allowed, and what goes together, with one another and with what is `known` of the detector.
 * Unknown names are passed on. false: `refusal` says why not.
 */
bool start_parameters_init(struct start_parameters *parameters,
                           const struct start_settings *settings,
                           const struct detector_settings *known, struct start_refusal *refusal);

/* The value of a parameter as text for the command socket; false: it is neither text nor number, or
 * too long. */
bool start_parameter_text(const json_t *value, char *text, size_t size);
