#include "tests/bench/bragg/report.h"

#include <math.h>

static double centroid_rms(const struct trial *trial)
{
    return sqrt(trial->squares / trial->matched);
}

static double centroid_ratio(const struct trial *trial)
{
    return sqrt(trial->squares / trial->expected_squares);
}

void report_table_head(FILE *file)
{
    fprintf(file, "                      false alarms       found at 90%% contrast           V "
                  "learnt  diagonal  recall "
                  "precision  centroid  x formula  within\n"
                  "cell                    rate   95%%            contrast rate upper\n");
}

void report_table_row(FILE *file, const struct cell *cell, const struct trial *trial)
{
    const struct rate null = trial_null(trial);
    const struct interval alarms = rate_interval(null);
    fprintf(file, "%-23s %6.4f %.4f-%.4f  %8.3g %.3f %.3f  ", cell->name, rate_value(null),
            alarms.low, alarms.high, trial->contrast_90, rate_value(trial->found_90),
            rate_interval(trial->found_90).high);
    fprintf(file, "%7.4f %7.4f  %8.3f  %6.3f  %8.3f  %8.3f  %9.2f  %6.3f\n", trial->v_disk[0],
            trial->v_disk[1], rate_value(trial_diagonal(trial)), rate_value(trial->recall),
            rate_value(trial->precision), centroid_rms(trial), centroid_ratio(trial),
            rate_value(trial->within));
}

#define ALPHA 0.01
#define DIAGONAL 0.95
#define CENTROID 1.3
#define TPR 0.9
#define LARGE_DISK 6 /* pixels: the design says nothing of the power beyond */

static bool promise(FILE *file, const struct cell *cell, bool kept, const char *what, double value,
                    double limit)
{
    if (!kept)
        fprintf(file, "%s: %s %.4g, and %.4g is promised\n", cell->name, what, value, limit);
    return kept;
}

bool report_promises(FILE *file, const struct cell *cell, const struct trial *trial)
{
    bool all = true;
    for (unsigned phase = 0; phase < 2; phase++) {
        const double upper = rate_interval(trial->null[phase]).high;
        if (trial->null[phase].n)
            all &= promise(file, cell, upper <= 2 * ALPHA, "upper bound of false alarms", upper,
                           2 * ALPHA);
    }
    const double found = rate_interval(trial->found_90).high;
    if (cell->optics.disk_radius < LARGE_DISK)
        all &= promise(file, cell, found >= TPR, "upper bound of what is found", found, TPR);
    const double diagonal = rate_interval(trial_diagonal(trial)).high;
    all &= promise(file, cell, diagonal >= DIAGONAL, "upper bound of a class that is right",
                   diagonal, DIAGONAL);
    const double centroid = centroid_ratio(trial);
    all &= promise(file, cell, centroid <= CENTROID, "places in units of the formula", centroid,
                   CENTROID);
    return all;
}

/* JSON knows no NaN. */
static void print_number(FILE *file, double value)
{
    if (isfinite(value))
        fprintf(file, "%.4g", value);
    else
        fputs("null", file);
}

static void print_rate(FILE *file, struct rate rate)
{
    const struct interval interval = rate_interval(rate);
    fprintf(file, "{\"found\": %u, \"n\": %u, \"rate\": ", rate.found, rate.n);
    print_number(file, rate_value(rate));
    fprintf(file, ", \"interval\": [%.4g, %.4g]}", interval.low, interval.high);
}

typedef void print_part(FILE *file, const struct cell *cell, const struct trial *trial);

static void print_fpr(FILE *file, const struct cell *cell, const struct trial *trial)
{
    print_rate(file, trial_null(trial));
}

static void print_fpr_by_phase(FILE *file, const struct cell *cell, const struct trial *trial)
{
    fputc('[', file);
    print_rate(file, trial->null[0]);
    fputs(", ", file);
    print_rate(file, trial->null[1]);
    fputc(']', file);
}

static void print_tpr(FILE *file, const struct cell *cell, const struct trial *trial)
{
    fputc('{', file);
    for (unsigned i = 0; i < TRIAL_CONTRASTS; i++) {
        fprintf(file, "\"%g\": ", trial_contrasts[i]);
        print_number(file, rate_value(trial->found[i]));
        fputs(", ", file);
    }
    fprintf(file, "\"contrast_90\": %.3g, \"at_contrast_90\": ", trial->contrast_90);
    print_rate(file, trial->found_90);
    fputc('}', file);
}

static void print_confusion(FILE *file, const struct cell *cell, const struct trial *trial)
{
    fprintf(file, "{\"contrast\": [%.3g, %.3g], \"diagonal\": %.4g, \"counts\": [",
            trial->class_contrast[0], trial->class_contrast[1], rate_value(trial_diagonal(trial)));
    for (unsigned class = 0; class < GLASS_CLASSES; class ++) {
        const unsigned *row = trial->confusion[class];
        fprintf(file, "%s[%u, %u, %u, %u, %u]", class ? ", " : "", row[0], row[1], row[2], row[3],
                row[4]);
    }
    fputs("]}", file);
}

static void print_speckle(FILE *file, const struct cell *cell, const struct trial *trial)
{
    fprintf(file, "{\"true\": %.4g, \"learnt\": %.4g, \"positions\": %u}", trial->v_disk[0],
            trial->v_disk[1], trial->positions);
}

static void print_centroid(FILE *file, const struct cell *cell, const struct trial *trial)
{
    fputs("{\"pixels\": ", file);
    print_number(file, centroid_rms(trial));
    fputs(", \"of_formula\": ", file);
    print_number(file, centroid_ratio(trial));
    fputs(", \"recall\": ", file);
    print_number(file, rate_value(trial->recall));
    fputs(", \"precision\": ", file);
    print_number(file, rate_value(trial->precision));
    fprintf(file, ", \"n\": %u}", trial->matched);
}

static void print_coverage(FILE *file, const struct cell *cell, const struct trial *trial)
{
    print_rate(file, trial->within);
}

static void print_on_axis(FILE *file, const struct cell *cell, const struct trial *trial)
{
    fputc('{', file);
    for (unsigned i = 0; i < TRIAL_CONTRASTS; i++) {
        fprintf(file, "%s\"%g\": ", i ? ", " : "", trial_contrasts[i]);
        print_number(file, rate_value(trial->on_axis[i]));
    }
    fputc('}', file);
}

static void print_peers(FILE *file, const struct cell *cell, const struct trial *trial)
{
    fputc('{', file);
    for (enum peer peer = 0; peer < PEERS; peer++) {
        fprintf(file, "%s\"%s\": {\"fpr\": ", peer ? ", " : "", peer_names[peer]);
        print_number(file, rate_value(trial->peer_null[peer]));
        fputs(", \"tpr\": {", file);
        for (unsigned i = 0; i < TRIAL_CONTRASTS; i++) {
            fprintf(file, "%s\"%g\": ", i ? ", " : "", trial_contrasts[i]);
            print_number(file, rate_value(trial->peer_found[peer][i]));
        }
        fputs("}}", file);
    }
    fputc('}', file);
}

static const struct {
    const char *name;
    print_part *print;
} parts[] = {
    {"fpr", print_fpr},
    {"fpr_by_phase", print_fpr_by_phase},
    {"tpr", print_tpr},
    {"confusion", print_confusion},
    {"centroid_rms", print_centroid},
    {"coverage", print_coverage},
    {"on_axis", print_on_axis},
    {"speckle", print_speckle},
    {"peers", print_peers},
};

static void print_speeds(FILE *file, const struct speed *speeds)
{
    fputs(",\n \"us_per_frame\": {", file);
    for (unsigned i = 0; i < SPEEDS; i++) {
        char name[SPEED_NAME];
        speed_name(&speeds[i], name);
        fprintf(file, "%s\"%s\": %.3g", i ? ", " : "", name, speeds[i].us);
    }
    fputs("}", file);
}

void report_speeds(FILE *file, const struct speed *speeds)
{
    fputs("\nmicroseconds per frame of 256 x 256, one core, annulus 25-46\n", file);
    for (unsigned i = 0; i < SPEEDS; i++) {
        char name[SPEED_NAME];
        speed_name(&speeds[i], name);
        fprintf(file, "%-30s %6.1f\n", name, speeds[i].us);
    }
}

void report_json(FILE *file, const struct cell *cells, const struct trial *trials, unsigned n,
                 const struct trial_size *size, const struct speed *speeds,
                 const struct fractions *fractions)
{
    fprintf(file,
            "{\"schema\": \"merlind-bragg-benchmark\", \"v\": 1, \"alpha\": 0.01,\n \"frames\": "
            "{\"reference\": %u, \"null\": %u, \"thresholds\": %u, \"classes\": %u}",
            size->reference, size->null, size->thresholds, size->classes);
    for (unsigned part = 0; part < sizeof parts / sizeof parts[0]; part++) {
        fprintf(file, ",\n \"%s\": {", parts[part].name);
        for (unsigned i = 0; i < n; i++) {
            fprintf(file, "%s\n  \"%s\": ", i ? "," : "", cells[i].name);
            parts[part].print(file, &cells[i], &trials[i]);
        }
        fputs("}", file);
    }
    print_speeds(file, speeds);
    if (fractions->n_frames > 0)
        fractions_json(file, fractions);
    fputs("}\n", file);
}
