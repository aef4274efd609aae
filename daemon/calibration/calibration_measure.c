#include "daemon/calibration/calibration_measure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "processing/pixels/radial_bins.h"

/* ---- the pattern ---- */

static int read_sums(struct summed_pattern *pattern, const struct run *run, struct error *error)
{
    unsigned which;
    const struct product *const product = run_find_array(run, "sum", &which);
    if (!product)
        return error_set(error, -ENODATA, "the newest run has no sum pattern");
    const size_t n = (size_t)pattern->height * pattern->width;
    pattern->sums = calloc(n, sizeof *pattern->sums);
    pattern->counts = calloc(n, sizeof *pattern->counts);
    if (!pattern->sums || !pattern->counts || run_array(run, product, which, pattern->sums) < 0)
        return error_set(error, -ENOMEM, "no memory for a pattern");
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += pattern->sums[i];
        pattern->counts[i] = pattern->bad && pattern->bad[i] ? NAN : (double)pattern->sums[i];
    }
    if (total == 0)
        return error_set(error, -ENODATA,
                         "the sum pattern of run %s has no counts yet: try again in a moment",
                         run->plan->id);
    return 0;
}

int summed_pattern_init(struct summed_pattern *pattern, const struct run *run,
                        const struct calibration *calibration, struct error *error)
{
    const struct pixel_format *const format = &run->format;
    const struct calibration_value *const centre = &calibration->values[CALIBRATION_CENTRE];
    const uint64_t analysed = atomic_load_explicit(&run->counts.analysed, memory_order_relaxed);
    *pattern = (struct summed_pattern){
        .height = format->height,
        .width = format->width,
        .n_frames = analysed / run->n_layers,
        .bad = pixel_mask_fit(calibration->bad_pixels, format->height, format->width),
        .overdispersion = fmax(1, run->plan->analysis.variance_settings.counts_per_electron),
        .centre_y = centre->known ? centre->value[0] : (format->height - 1) / 2.0,
        .centre_x = centre->known ? centre->value[1] : (format->width - 1) / 2.0,
    };
    const int r = read_sums(pattern, run, error);
    if (r < 0)
        summed_pattern_finish(pattern);
    return r;
}

void summed_pattern_finish(struct summed_pattern *pattern)
{
    free(pattern->sums);
    free(pattern->counts);
    pattern->sums = NULL;
    pattern->counts = NULL;
}

/* ---- its profile ---- */

int measured_profile_init(struct measured_profile *profile, const struct summed_pattern *pattern,
                          const struct calibration *calibration, bool ellipse, struct error *error)
{
    const struct calibration_value *const shape = &calibration->values[CALIBRATION_ELLIPSE];
    const struct radial_settings settings = {
        .centre_given = true,
        .centre_y = pattern->centre_y,
        .centre_x = pattern->centre_x,
        .ellipse_ratio = ellipse && shape->known ? shape->value[0] : 1,
        .ellipse_angle = ellipse && shape->known ? shape->value[1] : 0,
        .bin_width = 1,
    };
    struct radial_bins bins = {0};
    *profile = (struct measured_profile){0};
    const int r = radial_bins_init(&bins, &settings, pattern->bad, pattern->height, pattern->width,
                                   RADIAL_MAX_BINS, error);
    if (r < 0)
        return r;
    profile->n = bins.n_bins;
    profile->counts = calloc(bins.n_bins, sizeof *profile->counts);
    profile->areas = calloc(bins.n_bins, sizeof *profile->areas);
    const bool good = profile->counts && profile->areas;
    for (size_t i = 0; good && i < (size_t)pattern->height * pattern->width; i++) {
        if (bins.bin_of[i] >= bins.n_bins)
            continue;
        profile->counts[bins.bin_of[i]] += (double)pattern->sums[i];
        profile->areas[bins.bin_of[i]]++;
    }
    radial_bins_finish(&bins);
    if (good)
        return 0;
    measured_profile_finish(profile);
    return error_set(error, -ENOMEM, "no memory for a profile");
}

void measured_profile_finish(struct measured_profile *profile)
{
    free(profile->counts);
    free(profile->areas);
    *profile = (struct measured_profile){0};
}

/* ---- the halo's window ---- */

/* Counts per pixel over five bins. */
static double smooth(const struct measured_profile *profile, size_t bin)
{
    double counts = 0, area = 0;
    for (size_t i = bin < 2 ? 0 : bin - 2; i <= bin + 2 && i < profile->n; i++) {
        counts += profile->counts[i];
        area += profile->areas[i];
    }
    return area > 0 ? counts / area : 0;
}

/* The peak's bin, and that of the lowest place inside it; returns how high it stands above that. */
static double highest_peak(const struct measured_profile *profile, size_t n, size_t *peak,
                           size_t *valley)
{
    double highest = 0;
    size_t lowest = 0;
    for (size_t i = 0; i < n; i++) {
        if (smooth(profile, i) < smooth(profile, lowest))
            lowest = i;
        const double height = smooth(profile, i) - smooth(profile, lowest);
        if (height > highest) {
            highest = height;
            *peak = i;
            *valley = lowest;
        }
    }
    return highest;
}

static double distance_to(const struct measured_profile *profile, size_t n, size_t peak, int step,
                          double level)
{
    size_t i = peak;
    while (i > 0 && i + 1 < n && smooth(profile, i) > level)
        i += (size_t)step;
    return fabs((double)i - (double)peak);
}

int halo_window(const struct summed_pattern *pattern, const struct calibration *calibration,
                double *inner, double *outer, struct error *error)
{
    struct measured_profile profile;
    int r = measured_profile_init(&profile, pattern, calibration, false, error);
    if (r < 0)
        return r;
    /* Rings that lie in the frame as a whole. */
    const double room = fmin(fmin(pattern->centre_y, pattern->height - 1 - pattern->centre_y),
                             fmin(pattern->centre_x, pattern->width - 1 - pattern->centre_x));
    const size_t n = room < 1 ? 0 : (size_t)fmin(room, (double)profile.n);
    size_t peak = 0, valley = 0;
    const double height = highest_peak(&profile, n, &peak, &valley);
    if (height > 0 && peak >= 4) {
        const double level = smooth(&profile, peak) - height / 2;
        const double width =
            distance_to(&profile, n, peak, -1, level) + distance_to(&profile, n, peak, 1, level);
        *inner = fmax((double)valley, (double)peak + 0.5 - 1.3 * width);
        *outer = fmin(room, (double)peak + 0.5 + 1.3 * width);
    } else {
        r = error_set(error, -ENODATA,
                      "no halo is seen in the sum pattern: give inner and outer, pixels");
    }
    measured_profile_finish(&profile);
    return r;
}
