#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/statistics/class_counts.h"
#include "processing/statistics/contingency.h"
#include "processing/statistics/found_rate.h"
#include "processing/statistics/proportion.h"

/*
 * Scans that differ in one condition (strain: 0, 2, 4, 8), as one table: a row for each value of
 * the condition, over all its scans. What else may have changed from scan to scan is flagged,
 * because it looks like an effect of the condition: the smallest contrast that can be seen falls
 * with the dose.
 */

/* series_scan.flags, series_row.flags */
#define SERIES_DOSE (1u << 0)      /* more than a tenth off the median of the series' scans */
#define SERIES_THICKNESS (1u << 1) /* the same of the thickness */
#define SERIES_DRIFT (1u << 2)     /* the specimen moved more than half a step during the scan */

/* Positions with a reflection of at least a contrast, the same at every dose: what to compare where
 * the dose is not the same. */
struct series_contrast {
    double min; /* 0: they were not counted */
    uint64_t count;
    double n_effective;       /* effective_size.h */
    struct interval interval; /* the scan's own */
    struct found_rate found;  /* of such reflections at the scan's dose; n 0: not measured */
    struct found_rate alarms; /* likewise, in glass */
};

/* Filled in by the caller but for the members below the line. */
struct series_scan {
    const char *name, *value; /* of the scan, of its condition; kept, not copied */
    struct class_counts counts;
    double n_effective;       /* effective_size.h */
    struct interval interval; /* the scan's own */
    struct found_rate alarms; /* of any reflection, in glass; n 0: not measured */
    struct series_contrast contrast;
    double dose; /* any unit, NAN: not known; for one the mean counts per pixel of the annulus */
    double thickness; /* any unit proportional to it, NAN: not known */
    double keep;      /* the part of its counts that was kept to thin it, 0: it was not thinned */
    double drift; /* positions between maps from before and after (series_drift), NAN: not known */
    bool has_table;
    struct two_by_two table; /* reflections against a phase */
    /* ---- */
    unsigned flags;
    bool left_out; /* of its row and of the test */
};

enum series_method { SERIES_EFFECTIVE_SIZE, SERIES_CLUSTERED };

struct series_fraction {
    double fraction;           /* NAN: nothing is classified */
    enum series_method method; /* one scan: its own interval; more: over scans (clustered.h) */
    struct interval interval;
    double design_effect;
    bool corrected_known;
    struct corrected_fraction corrected; /* before misclassification */
    struct error_rates rates;            /* that it was corrected with */
};

struct series_row {
    const char *value;
    size_t n_scans; /* that count */
    struct class_counts counts;
    struct series_fraction all;      /* with any reflection */
    double min_contrast;             /* 0: not all of its scans have the same */
    uint64_t contrast_count;         /* positions with a reflection of at least that */
    struct series_fraction contrast; /* where min_contrast is not 0 */
    struct found_rate found;         /* of all of its scans; n 0: not of all */
    /* Of its scans that have glass named, else of all of the series that have; n 0: none has. */
    struct found_rate alarms, contrast_alarms;
    bool alarms_of_series;
    double dose;    /* mean of the scans whose dose is known, NAN: none */
    unsigned flags; /* of any of its scans that count */
};

struct series {
    struct series_row *rows;
    size_t n_rows;
    struct common_association phase; /* over all scans with a table, each a stratum */
};

/* Maps of a scan, [ny][nx]. */
struct series_scan_maps {
    uint32_t ny, nx;
    const uint8_t *classes;
    const double *contrast;  /* of the strongest reflection, NAN: none */
    double min_contrast;     /* 0: reflections of a contrast are not counted */
    struct found_rate found; /* of reflections of min_contrast; n 0: not measured */
    struct found_rate alarms, contrast_alarms; /* in glass, of any and of those; likewise */
    uint32_t block;                            /* as in effective_size.h */
};

/* Sets counts, n_effective, interval and contrast. -EINVAL, -ENOMEM with a sentence. */
int series_scan_measure(struct series_scan *scan, const struct series_scan_maps *maps,
                        double confidence, struct error *error);

/* The drift that counts of a shift between two maps (map_drift.h): the larger of |dy| and |dx|. */
double series_drift(double dy, double dx);

/* Error rates by which the fractions of all rows are corrected; what is measured is what was found
 * in the row's own scans. Where those of the contrast are not known, both are, if they can be. */
struct series_rates {
    bool known, contrast_known; /* of any reflection, of those of the least contrast */
    struct error_rates any, contrast;
    bool contrast_measured;                       /* its true-positive rate */
    bool false_measured, contrast_false_measured; /* the false-positive rates */
};

struct series_settings {
    bool leave_out_drifted;
    double confidence;
    struct series_rates rates;
};

/*
 * Fills flags and left_out of the scans, and the series; scans with SERIES_DRIFT are left out where
 * leave_out_drifted says so. Rows come in the order of their values: as numbers where all are,
 * else in the order in which they came. -EINVAL: a table that is none; -ENOMEM.
 */
int series_init(struct series *series, struct series_scan *scans, size_t n_scans,
                const struct series_settings *settings, struct error *error);
/* Also of a zeroed series. */
void series_finish(struct series *series);
