#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The parameters that clients GET and SET (protocol notes 1.3). Owned by the command server's
 * thread; an acquisition works with what it was given when it started.
 */
enum parameter_id {
    PARAMETER_NUMFRAMESTOACQUIRE,
    PARAMETER_ACQUISITIONTIME,
    PARAMETER_ACQUISITIONPERIOD,
    PARAMETER_COUNTERDEPTH,
    PARAMETER_CONTINUOUSRW,
    PARAMETER_ENABLECOUNTER1,
    PARAMETER_COLOURMODE,
    PARAMETER_CHARGESUMMING,
    PARAMETER_USEACQUISITIONHEADERS,
    PARAMETER_FILEFORMAT,
    PARAMETER_TRIGGERSTART,
    PARAMETER_TRIGGERSTOP,
    PARAMETER_NUMFRAMESPERTRIGGER,
    PARAMETER_SCANX,
    PARAMETER_SCANY,
    PARAMETER_IMAGEX,
    PARAMETER_IMAGEY,
    PARAMETERS_WITH_ID, /* the rest of the table is only stored and given back */
};

enum parameter_kind { PARAMETER_INTEGER, PARAMETER_REAL, PARAMETER_DEPTH, PARAMETER_TEXT };

/* A row of the table, in parameter_table.c. */
struct parameter_row {
    const char *name; /* upper case */
    enum parameter_kind kind;
    double low, high;
    const char *initial;
    bool read_only;
    bool locked; /* SET while acquiring is answered with busy */
};

extern const struct parameter_row parameter_table[];
extern const size_t parameter_count;

#define PARAMETER_COUNT_MAX 128
#define PARAMETER_TEXT_MAX 256

struct parameter_value {
    double number;
    char text[PARAMETER_TEXT_MAX + 1];
    bool set; /* by a client */
};

struct parameters {
    struct parameter_value values[PARAMETER_COUNT_MAX];
    double shortest_frame_ms; /* allowed in continuous read-write whatever the readout takes; 0: as
                                 the readout says */
};

/* Status codes of a reply (Merlin manual v1.0). */
enum reply_code {
    REPLY_OK = 0,
    REPLY_BUSY = 1,
    REPLY_NOT_RECOGNISED = 2,
    REPLY_OUT_OF_RANGE = 3,
};

/* Every parameter as the table says; `set` false. */
void parameters_reset(struct parameters *parameters);

double parameters_number(const struct parameters *parameters, enum parameter_id id);
bool parameters_set_by_client(const struct parameters *parameters, enum parameter_id id);

/* Gives a parameter a value that no client asked for. */
void parameters_preset(struct parameters *parameters, enum parameter_id id, double value);

/* The text of a GET. Names are case-insensitive. REPLY_NOT_RECOGNISED leaves `text` empty. */
enum reply_code parameters_get(const struct parameters *parameters, const char *name, char *text,
                               size_t room);

/* A client's SET; settings that exclude each other are reset silently as a Merlin does (protocol
 * notes 1.6). */
enum reply_code parameters_set(struct parameters *parameters, const char *name, const char *text,
                               bool acquiring);
