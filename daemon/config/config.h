#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/log.h"
#include "daemon/config/icom_settings.h"
#include "processing/products/acquisition_plan.h"

/*
 * The configuration: defaults, then one YAML file, then -o settings, each value remembered with
 * where it came from. One table in config_keys.c describes every key (type, unit, range, default,
 * text); loading, --print-config, the shipped example and the man page come from it.
 */
enum config_origin_kind {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_OPTION,
    CONFIG_FROM_CLIENT /* set while merlind runs: config_save.h */
};

struct config_origin {
    enum config_origin_kind kind;
    unsigned line; /* of the file */
};

enum {
    CONFIG_KEYS = 101, /* in the table of config_keys.c */
    CONFIG_VIRTUAL_DETECTORS_MAX = 64,
    CONFIG_REPEATS_MAX = 1000000, /* passes of a scan */
};

#define CONFIG_DIRECTORIES_MAX 8

struct directory_list {
    size_t n;
    char paths[CONFIG_DIRECTORIES_MAX][1024]; /* absolute */
};

/* A program and its arguments, each ended by a zero byte. */
struct command_words {
    size_t n; /* 0: none */
    char text[2048];
};

/* What merlind itself runs. */
struct hook_settings {
    struct command_words on_scan_end;
    double time_limit_s;
};

/* What becomes of a start when the disk will not suffice. */
enum disk_when_short { DISK_REFUSE, DISK_WARN };

/* NaN: not known. */
struct calibration_settings {
    double kv;             /* kV */
    double camera_length;  /* mm */
    double pixel_size_k;   /* nm^-1 per pixel */
    double scan_step;      /* nm */
    double scan_rotation;  /* degrees */
    double beam_current;   /* pA */
    char bad_pixels[1024]; /* a .npy file; "" for none */
    char gain[1024];       /* the same */
    char directory[1024];  /* of what is kept by name; "": see calibration_directory */
    double reference_age;  /* hours after which a reference is worth a warning */
};

/* The operator's page. */
struct web_settings {
    bool enabled;
    char listen[256];
    char token[129];            /* "": made at every start */
    char origins[1024];         /* separated by blanks */
    uint32_t viewers;           /* at once, at most */
    double patience_s;          /* a viewer that reads or answers nothing for so long is dropped */
    char tls_certificate[1024]; /* PEM files; "": no TLS */
    char tls_key[1024];
    bool allow_insecure; /* other addresses than loopback without TLS */
};

/* Of the frame stream: chunks of images, or as the file has them; or DECTRIS' stream V2. */
enum frames_format { FRAMES_DECODED, FRAMES_COMPRESSED, FRAMES_STREAM2, FRAMES_STREAM2_BSLZ4 };

struct frames_settings {
    bool enabled;
    char endpoint[256];
    enum frames_format format;
    uint32_t hwm; /* chunks that may wait for somebody who takes them */
};

struct config {
    char detector_host[256];
    uint16_t detector_command_port; /* 6341 */
    uint16_t detector_data_port;    /* 6342 */
    bool detector_allow_dangerous;  /* what can harm it may be set and commanded */
    uint32_t detector_gap;          /* pixels between the chips of a 2x2G detector; 0: unknown */
    uint32_t ingest_priority;       /* real-time (SCHED_FIFO); 0: as other threads */
    uint64_t ring_size; /* bytes; 0: a quarter of the memory this process may use, at most 8 GiB */
    unsigned workers;   /* 0: as many as CPUs it may use */
    struct scan_geometry scan; /* shape 0, 0: taken from the detector's header */
    struct recording_settings recording;
    double recording_flush_s; /* how often a reader of the growing file sees news, s */
    double recording_sync_s;  /* how often what was flushed is brought to the disk, s; 0: never */
    double recording_recompute_wait_s; /* a run that is over waits for what is computed again, s */
    struct directory_list recording_roots;
    unsigned recording_opened;    /* old runs that may be open at once */
    double recording_trash_hours; /* how long discarded files are kept */
    enum disk_when_short recording_short_of_space;
    char control_endpoint[256];
    double control_rate;    /* requests per second that one connection may send */
    double control_lease_s; /* of silence, after which the lease lapses, s */
    char results_endpoint[256];
    double results_map_rate;     /* map updates per second, at most */
    bool results_immediate;      /* whole rows are sent at once */
    double results_pattern_rate; /* patterns per second, at most */
    struct frames_settings frames;
    struct web_settings web;
    char security_server_key[1024]; /* a file; "": no keys */
    char security_clients[1024];    /* a file; "": none */
    bool security_allow_insecure;   /* other computers may connect without keys */
    struct hook_settings hooks;
    enum log_level log_level;
    size_t n_virtual_detectors;
    struct virtual_detector_settings *virtual_detectors;
    struct analysis_settings analysis;
    struct bragg_plan bragg; /* without the reference itself */
    uint64_t backlog_size;   /* bytes; 0: half of the ring */
    struct icom_settings icom;
    struct calibration_settings calibration;
    unsigned debug_worker_delay_us;   /* tests only: makes workers slow */
    unsigned debug_analysis_delay_us; /* tests only: makes the analysis slow */
    char file[1024];                  /* that was loaded, "" when none was */
    char open[1100]; /* no key: a recording to be looked at again, in a process of its own that has
                        no detector; "": a daemon as usual */
    struct config_origin origins[CONFIG_KEYS];
};

/* Where calibrations and references are kept: as configured, else "calibration" in the service's
 * state directory (systemd names it), else in the directory of the recordings. */
void calibration_directory(const struct config *config, char directory[1024]);

/* The defaults. */
void config_init(struct config *config);
void config_finish(struct config *config);

/*
 * Reads a YAML file over what is there. On errors prints each of them to `messages` compiler-style
 * (file:line:column: error: text, the line, a caret, and a suggestion where a key was mistyped) and
 * returns -EINVAL; -errno when the file cannot be read.
 */
int config_load_file(struct config *config, const char *path, FILE *messages);

/* The same of a text, which errors call `name`. */
int config_load_text(struct config *config, const char *name, const char *text, FILE *messages);

/* One `section.key=value`, value in YAML flow form. Messages as above with "-o" for the file. */
int config_set_option(struct config *config, const char *option, FILE *messages);

/* Checks what concerns several keys at once: -EINVAL with its reason in `messages`. Prints warnings
 * there too. */
int config_check(const struct config *config, FILE *messages);

/*
 * The file that is shipped: every key with its text, unit, range and default. Settings stand there
 * as comments without a space (`#key: value`), prose as comments with one, so that removing the `#`
 * of a setting is all that is needed.
 */
void config_print_example(FILE *out);

/* The keys as the KEYS section of merlind.yaml(5), in scdoc. */
void config_print_scdoc(FILE *out);

/* The keys as JSON Schema (2020-12), schemas/configuration.json. */
void config_print_schema(FILE *out);

/* The effective configuration as YAML that can be loaded again, with the origin of every value as a
 * comment. */
void config_print(const struct config *config, FILE *out);

/* Whether only this computer can reach a ZeroMQ endpoint. */
bool config_is_local_endpoint(const char *endpoint);

/* Other computers can reach one of the endpoints, and nobody asks them for keys. */
bool config_is_insecure(const struct config *config);
