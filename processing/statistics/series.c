#include "processing/statistics/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/statistics/clustered.h"
#include "processing/statistics/effective_size.h"
#include "processing/statistics/order_statistics.h"

#define TOLERATED 0.1
#define HALF_STEP 0.5

/* `binary` has room for the map. */
static int measure_contrast(struct series_contrast *contrast, const struct series_scan_maps *maps,
                            uint8_t *binary, double confidence, struct error *error)
{
    struct effective_size effective;
    *contrast = (struct series_contrast){
        .min = maps->min_contrast, .found = maps->found, .alarms = maps->contrast_alarms};
    if (!(maps->min_contrast > 0))
        return 0;
    class_binary_map(binary, maps->classes, maps->contrast, maps->min_contrast,
                     (size_t)maps->ny * maps->nx);
    const int r = effective_size_of_map(&effective, binary, maps->ny, maps->nx, maps->block,
                                        confidence, error);
    if (r < 0)
        return r;
    contrast->count = effective.x;
    contrast->n_effective = effective.n_effective;
    contrast->interval = effective.interval;
    return 0;
}

int series_scan_measure(struct series_scan *scan, const struct series_scan_maps *maps,
                        double confidence, struct error *error)
{
    const size_t n = (size_t)maps->ny * maps->nx;
    struct effective_size effective;
    uint8_t *const binary = malloc(n + 1);
    if (!binary)
        return error_set(error, -ENOMEM, "no memory for a series of scans");
    class_binary_map(binary, maps->classes, NULL, 0, n);
    int r = effective_size_of_map(&effective, binary, maps->ny, maps->nx, maps->block, confidence,
                                  error);
    if (r == 0)
        r = measure_contrast(&scan->contrast, maps, binary, confidence, error);
    free(binary);
    if (r < 0)
        return r;
    scan->counts = class_counts_of(maps->classes, n);
    scan->n_effective = effective.n_effective;
    scan->interval = effective.interval;
    scan->alarms = maps->alarms;
    return 0;
}

double series_drift(double dy, double dx)
{
    return fmax(fabs(dy), fabs(dx));
}

static double dose_of(const struct series_scan *scan)
{
    return scan->dose;
}

static double thickness_of(const struct series_scan *scan)
{
    return scan->thickness;
}

/* Flags what is more than a tenth off the median of those that are known. */
static void flag_differences(struct series_scan *scans, size_t n_scans, double *room,
                             double (*value_of)(const struct series_scan *), unsigned flag)
{
    size_t n = 0;
    for (size_t i = 0; i < n_scans; i++)
        if (!isnan(value_of(&scans[i])))
            room[n++] = value_of(&scans[i]);
    if (n < 2)
        return;
    sort_doubles(room, n);
    const double median = sorted_quantile(room, n, 0.5);
    for (size_t i = 0; i < n_scans; i++)
        if (fabs(value_of(&scans[i]) - median) > TOLERATED * fabs(median))
            scans[i].flags |= flag;
}

static bool number_of(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

static struct series_row *row_of(struct series *series, const char *value)
{
    for (size_t i = 0; i < series->n_rows; i++)
        if (!strcmp(series->rows[i].value, value))
            return &series->rows[i];
    struct series_row *const row = &series->rows[series->n_rows++];
    *row = (struct series_row){.value = value, .dose = NAN};
    return row;
}

static int compare_rows(const void *a, const void *b)
{
    double x = 0, y = 0;
    number_of(((const struct series_row *)a)->value, &x);
    number_of(((const struct series_row *)b)->value, &y);
    return (x > y) - (x < y);
}

static void make_rows(struct series *series, const struct series_scan *scans, size_t n_scans)
{
    bool numbers = true;
    double number;
    for (size_t i = 0; i < n_scans; i++) {
        row_of(series, scans[i].value);
        numbers = numbers && number_of(scans[i].value, &number);
    }
    if (numbers)
        qsort(series->rows, series->n_rows, sizeof *series->rows, compare_rows);
}

static void add_counts(struct class_counts *sum, const struct class_counts *counts)
{
    for (unsigned i = 0; i < SCAN_CLASSES; i++)
        sum->of[i] += counts->of[i];
    sum->excluded += counts->excluded;
    sum->not_analysed += counts->not_analysed;
}

/* x and n of the scans of a row that have patterns. */
struct row_sums {
    double *x, *n, n_effective;
    size_t n_scans;
    struct interval interval; /* of the last */
};

static void add_patterns(struct row_sums *sums, const struct series_scan *scan, uint64_t x,
                         double n_effective, struct interval interval)
{
    const uint64_t n = class_counts_n(&scan->counts);
    if (n == 0)
        return;
    sums->x[sums->n_scans] = (double)x;
    sums->n[sums->n_scans++] = (double)n;
    sums->n_effective += n_effective;
    sums->interval = interval;
}

static struct series_fraction fraction_of(const struct row_sums *sums, double confidence)
{
    struct series_fraction made = {
        .fraction = NAN, .interval = interval_unknown, .design_effect = 1};
    struct clustered clustered;
    double x = 0, n = 0;
    for (size_t i = 0; i < sums->n_scans; i++) {
        x += sums->x[i];
        n += sums->n[i];
    }
    if (n > 0)
        made.fraction = x / n;
    if (clustered_fraction(&clustered, sums->x, sums->n, sums->n_scans, sums->n_effective,
                           confidence, NULL) == 0) {
        made.method = SERIES_CLUSTERED;
        made.interval = clustered.interval;
        made.design_effect = clustered.design_effect;
    } else if (sums->n_scans == 1) {
        made.interval = sums->interval;
        made.design_effect = n / sums->n_effective;
    }
    return made;
}

static void correct(struct series_fraction *fraction, const struct error_rates *rates,
                    double confidence)
{
    fraction->corrected_known = !isnan(fraction->fraction);
    fraction->rates = *rates;
    if (fraction->corrected_known)
        fraction->corrected =
            rogan_gladen(fraction->fraction, fraction->interval, rates, confidence);
}

/* Sets the false-positive rate that was tested. false: it was not. */
static bool set_false(struct error_rates *rates, const struct series_row *row,
                      const struct found_rate *alarms)
{
    if (!found_rate_set_false(rates, alarms))
        return false;
    if (row->alarms_of_series)
        rates->false_positive_from = RATE_TESTED_IN_SERIES;
    return true;
}

/* The rates of a row's fractions; false: they are not known. */
static bool rates_of_any(struct error_rates *rates, const struct series_row *row,
                         const struct series_rates *given)
{
    *rates = given->any;
    return given->known && (!given->false_measured || set_false(rates, row, &row->alarms)) &&
           rates->true_positive > rates->false_positive;
}

static bool rates_of_contrast(struct error_rates *rates, const struct series_row *row,
                              const struct series_rates *given)
{
    const bool tests_false = given->contrast_false_measured || !given->contrast_known;
    const bool tests_true = given->contrast_measured || !given->contrast_known;
    *rates = given->contrast;
    if (!(row->min_contrast > 0) || (tests_false && !set_false(rates, row, &row->contrast_alarms)))
        return false;
    if (!tests_true)
        return rates->true_positive > rates->false_positive;
    if (!found_rate_tells(&row->found, rates->false_positive))
        return false;
    found_rate_set(rates, &row->found);
    return true;
}

static void correct_row(struct series_row *row, const struct series_settings *settings)
{
    struct error_rates rates;
    if (rates_of_any(&rates, row, &settings->rates))
        correct(&row->all, &rates, settings->confidence);
    if (rates_of_contrast(&rates, row, &settings->rates))
        correct(&row->contrast, &rates, settings->confidence);
}

static void add_rate(struct found_rate *sum, const struct found_rate *rate)
{
    sum->n += rate->n;
    sum->found += rate->found;
}

static bool is_in(const struct series_row *row, const struct series_scan *scan)
{
    return !scan->left_out && !strcmp(scan->value, row->value);
}

static void fill_all(struct series_row *row, const struct series_scan *scans, size_t n_scans,
                     double confidence, double *room)
{
    struct row_sums sums = {.x = room, .n = room + n_scans};
    double dose = 0;
    size_t n_doses = 0;
    for (size_t i = 0; i < n_scans; i++) {
        const struct series_scan *const scan = &scans[i];
        if (!is_in(row, scan))
            continue;
        row->n_scans++;
        row->flags |= scan->flags;
        add_counts(&row->counts, &scan->counts);
        add_rate(&row->alarms, &scan->alarms);
        if (!isnan(scan->dose)) {
            dose += scan->dose;
            n_doses++;
        }
        add_patterns(&sums, scan, class_counts_bragg(&scan->counts), scan->n_effective,
                     scan->interval);
    }
    if (n_doses > 0)
        row->dose = dose / (double)n_doses;
    row->all = fraction_of(&sums, confidence);
}

/* Contrasts that differ make no fraction. */
static void fill_contrast(struct series_row *row, const struct series_scan *scans, size_t n_scans,
                          double confidence, double *room)
{
    struct row_sums sums = {.x = room, .n = room + n_scans};
    double least = INFINITY, most = 0;
    bool found = true;
    for (size_t i = 0; i < n_scans; i++) {
        const struct series_contrast *const contrast = &scans[i].contrast;
        if (!is_in(row, &scans[i]))
            continue;
        least = fmin(least, contrast->min);
        most = fmax(most, contrast->min);
        row->contrast_count += contrast->count;
        add_rate(&row->found, &contrast->found);
        add_rate(&row->contrast_alarms, &contrast->alarms);
        found = found && contrast->found.n > 0 && contrast->found.contrast == contrast->min;
        add_patterns(&sums, &scans[i], contrast->count, contrast->n_effective, contrast->interval);
    }
    row->min_contrast = least < most ? 0 : most;
    row->found.contrast = row->contrast_alarms.contrast = row->min_contrast;
    if (!found || least < most)
        row->found = (struct found_rate){0};
    if (least < most)
        row->contrast_alarms = (struct found_rate){0};
    row->contrast = fraction_of(&sums, confidence);
}

/* What is glass in one scan of a series that is compared with one reference tells of the others. */
static void borrow_alarms(struct series_row *row, const struct series_scan *scans, size_t n_scans)
{
    row->alarms_of_series = row->alarms.n == 0;
    for (size_t i = 0; i < n_scans && row->alarms_of_series; i++) {
        if (scans[i].left_out)
            continue;
        add_rate(&row->alarms, &scans[i].alarms);
        if (scans[i].contrast.min == row->min_contrast)
            add_rate(&row->contrast_alarms, &scans[i].contrast.alarms);
    }
}

static int test_phase(struct series *series, const struct series_scan *scans, size_t n_scans,
                      double confidence, struct error *error)
{
    struct two_by_two *const strata = malloc((n_scans ? n_scans : 1) * sizeof *strata);
    if (!strata)
        return error_set(error, -ENOMEM, "no memory for a series of scans");
    size_t n = 0;
    for (size_t i = 0; i < n_scans; i++)
        if (scans[i].has_table && !scans[i].left_out)
            strata[n++] = scans[i].table;
    const int result = cochran_mantel_haenszel(&series->phase, strata, n, confidence, error);
    free(strata);
    return result;
}

static void flag_scans(struct series_scan *scans, size_t n_scans, bool leave_out_drifted,
                       double *room)
{
    for (size_t i = 0; i < n_scans; i++) {
        scans[i].flags = scans[i].drift > HALF_STEP ? SERIES_DRIFT : 0;
        scans[i].left_out = leave_out_drifted && scans[i].flags != 0;
    }
    flag_differences(scans, n_scans, room, dose_of, SERIES_DOSE);
    flag_differences(scans, n_scans, room, thickness_of, SERIES_THICKNESS);
}

int series_init(struct series *series, struct series_scan *scans, size_t n_scans,
                const struct series_settings *settings, struct error *error)
{
    const double confidence = settings->confidence;
    int result = -ENOMEM;
    *series = (struct series){.rows = calloc(n_scans + 1, sizeof *series->rows)};
    double *const room = calloc(2 * n_scans + 1, sizeof *room);
    if (!series->rows || !room) {
        error_set(error, -ENOMEM, "no memory for a series of scans");
        goto out;
    }
    flag_scans(scans, n_scans, settings->leave_out_drifted, room);
    make_rows(series, scans, n_scans);
    for (size_t i = 0; i < series->n_rows; i++) {
        fill_all(&series->rows[i], scans, n_scans, confidence, room);
        fill_contrast(&series->rows[i], scans, n_scans, confidence, room);
        borrow_alarms(&series->rows[i], scans, n_scans);
        correct_row(&series->rows[i], settings);
    }
    result = test_phase(series, scans, n_scans, confidence, error);
out:
    free(room);
    if (result)
        series_finish(series);
    return result;
}

void series_finish(struct series *series)
{
    free(series->rows);
    *series = (struct series){0};
}
