#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/*
 * What can be read, set and commanded on Merlin's command socket, after its manuals (v0.7, v1.0 and
 * the newer command tables). Newer servers know more than this table: a name that is not in it is
 * no error.
 */
enum detector_access { DETECTOR_READ, DETECTOR_READ_WRITE, DETECTOR_COMMAND };

enum detector_type { DETECTOR_INTEGER, DETECTOR_FLOAT, DETECTOR_TEXT, DETECTOR_CHOICE };

/* In the order of sending: a change of mode may alter times and triggers (manual v1.0). */
enum detector_group {
    DETECTOR_GROUP_MODE,
    DETECTOR_GROUP_TIME,
    DETECTOR_GROUP_TRIGGER,
    DETECTOR_GROUP_FILE,
    DETECTOR_GROUP_SCAN,
    DETECTOR_GROUP_OTHER,
    DETECTOR_GROUPS,
};

/* A value of a choice. A list of them ends with a meaning of NULL. */
struct detector_choice {
    int value;
    const char *meaning;
};

struct detector_parameter {
    const char *name; /* upper case */
    enum detector_access access;
    enum detector_type type;
    enum detector_group group;
    bool read_back;   /* the server may silently change what was set */
    bool dangerous;   /* can harm the sensor or its calibration, or takes the detector away from
                         others */
    const char *unit; /* NULL: none */
    double minimum, maximum; /* of numbers; of a text its greatest length is `maximum` */
    double step;             /* of which an integer must be a multiple; 0: any */
    const struct detector_choice *choices; /* of a choice */
    const char *text;                      /* for a person */
};

extern const struct detector_parameter detector_parameters[];
extern const size_t detector_n_parameters;

/* By name, upper and lower case alike; NULL: not in the table. THSCAN is both a parameter and a
 * command. */
const struct detector_parameter *detector_parameter_find(const char *name);
const struct detector_parameter *detector_command_find(const char *name);

/* Whether SET may carry this text: 0, or -EINVAL with a sentence that names type, range and unit.
 */
int detector_parameter_check(const struct detector_parameter *parameter, const char *value,
                             struct error *error);

/* "0 to 120", "0 (off) or 1 (on)", "at most 256 characters"; "" where anything goes. Returns
 * `text`. */
const char *detector_parameter_range(const struct detector_parameter *parameter, char *text,
                                     size_t size);

/* "get", "get/set" or "command"; "integer", "float", "text" or "choice". */
const char *detector_access_name(enum detector_access access);
const char *detector_type_name(enum detector_type type);

/* A plain decimal number as the command socket takes it: no blanks, hexadecimal, infinity. */
bool detector_number(const char *text, double *number);

/*
 * Two texts that mean the same value: numbers within the 10 ns to which Merlin keeps times (the
 * unit of times is ms), texts letter by letter.
 */
bool detector_values_equal(const char *one, const char *other);
