#pragma once

#include <stdbool.h>

#include "daemon/control/request.h"
#include "daemon/results/map_values.h"
#include "processing/stored/frame_sums.h"

/*
 * One analysis of maps on its way from its request to its reply: what the commands com, icom,
 * map_profile, map_correlation and map_drift have in common. A step that fails calls
 * analysis_refuse, which returns -1 for its caller to pass on.
 *
 * They are computed as jobs (daemon/jobs.h): of 256 x 256 positions iCoM takes 3 ms, drift 14 to
 * 35 ms, but 2^20 positions (MAP_VALUES_MAX_POSITIONS) take 0.1 to 0.5 s. So replies may overtake
 * each other. An analysis belongs to its job; beside that it looks at the run, which any thread
 * may.
 */
#define ANALYSIS_MAX_PARTS 16

struct analysis {
    struct request *request;
    const struct control_service *service;
    void (*compute)(struct analysis *analysis);
    void (*finish)(struct analysis *analysis, bool cancelled); /* NULL: nothing to do; `compute` may
                                                                  set it */
    bool reads_frames;                 /* as a long job; `busy` beside another */
    struct frame_sums_progress *sweep; /* of one that reads the frames again, else NULL */
    void *data;                        /* of compute and finish */
    struct run *run;                   /* holds a reference */
    json_t *args;                      /* holds a reference */
    json_t *vacuum; /* of the vacuum reference that args.descan names; NULL: none. Holds a
                       reference, for the store of references belongs to the service thread */
    struct map_pass pass;
    json_t *result; /* owned */
    json_t *described;
    unsigned n_parts;
    void *values[ANALYSIS_MAX_PARTS]; /* owned */
    struct reply_part parts[ANALYSIS_MAX_PARTS];
    const char *code; /* why it was refused; NULL: it was not */
    char field[32];
    struct error error;
};

/* Takes the run that args.run names (else the newest) and args.pass, has `compute` called as a job,
 * and replies. */
void analysis_start(const struct control_service *service, struct request *request, json_t *args,
                    void (*compute)(struct analysis *analysis));

/* The same for one that reads some frames on the disk again: `busy` while another job does. */
void analysis_start_long(const struct control_service *service, struct request *request,
                         json_t *args, void (*compute)(struct analysis *analysis));

/* The same for one that takes single frames and no maps: of a scan of any size, and where nothing
 * was measured yet. */
void analysis_start_frames(const struct control_service *service, struct request *request,
                           json_t *args, void (*compute)(struct analysis *analysis));

/*
 * The same for one that reads the frames on the disk again, of which there is one at a time; `what`
 * is a literal, its name in events. `finish` is called on the service thread before the reply, and
 * also when `compute` has refused; `data` is its to free.
 */
void analysis_start_sweep(const struct control_service *service, struct request *request,
                          json_t *args, const char *what, void *data,
                          void (*compute)(struct analysis *analysis),
                          void (*finish)(struct analysis *analysis, bool cancelled));

/* `field` as in "args.width"; NULL: none. */
__attribute__((format(printf, 4, 5))) int analysis_refuse(struct analysis *analysis,
                                                          const char *code, const char *field,
                                                          const char *format, ...);
/* Refuses for what a function said, errors by their errno: -EINVAL and the like are bad values,
 * -ENODATA and -EDOM no data. */
int analysis_refuse_error(struct analysis *analysis, int error, const char *field);

/* ---- arguments (analysis_arguments.c); each is left as it is when args has none ---- */

/* A number from low to high. */
int analysis_take_number(struct analysis *analysis, const char *name, double low, double high,
                         double *value);
int analysis_take_integer(struct analysis *analysis, const char *name, int64_t low, int64_t high,
                          int64_t *value);
/* true or false. */
int analysis_take_flag(struct analysis *analysis, const char *name, bool *value);
/* The layer of the run that args.layer names; else the first. */
int analysis_take_layer(struct analysis *analysis, unsigned *layer);
/* One of the words, ended by NULL: its index. */
int analysis_take_word(struct analysis *analysis, const char *name, const char *const *words,
                       unsigned *index);
/* [y, x], finite. Refused when it is not there. */
int analysis_take_place(struct analysis *analysis, const char *name, double *y, double *x);

/* The map that args names; *values is the caller's to free. */
int analysis_read_map(struct analysis *analysis, const char *name, const struct map_pass *pass,
                      double **values);

/* The map, or the sum of the maps, that args names; *values is the caller's to free. */
int analysis_read_maps(struct analysis *analysis, const char *name, const struct map_pass *pass,
                       double **values);

/* ---- results ---- */

/* A raw part of the reply, [ny, nx] of the pass; takes over `values`. */
void analysis_add_map(struct analysis *analysis, const char *name, const char *units,
                      double *values);
/* Any other; `shape` and `dims` are arrays, taken over as `values` is. */
void analysis_add_part(struct analysis *analysis, const char *name, const char *dtype,
                       json_t *shape, json_t *dims, const char *units, void *values, size_t size);
/* A number, null when it is not finite: JSON has no NaN. */
json_t *analysis_number(double value);
json_t *analysis_numbers(const double *values, unsigned n);
