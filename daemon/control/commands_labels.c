#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "daemon/control/label_source.h"
#include "daemon/results/array_parts.h"
#include "processing/products/label_sums.h"
#include "processing/products/profile_products.h"
#include "processing/run/run_products.h"

/* label_profiles: what the rings add up to for each label of a map (phase, region, class). */

/* The run's product of a kind, of its first layer. NULL: it has none. */
static const struct product *find_product(const struct run *run,
                                          bool (*is_kind)(const struct product *product))
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        if (set->products[i]->layer == 0 && is_kind(set->products[i]))
            return set->products[i];
    }
    return NULL;
}

static void add_table(struct analysis *analysis, const char *name, const char *units,
                      const struct label_sums *sums, double *values)
{
    analysis_add_part(analysis, name, "<f8",
                      json_pack("[I, I]", (json_int_t)sums->n_labels, (json_int_t)sums->n_bins),
                      json_pack("[s, s]", "label", "ring"), units, values,
                      (size_t)sums->n_labels * sums->n_bins * sizeof *values);
}

static void add_means(struct analysis *analysis, const struct product *product,
                      struct label_sums *sums)
{
    double *const means = calloc((size_t)sums->n_labels * sums->n_bins, sizeof *means);
    if (!means) {
        analysis_refuse(analysis, "internal", NULL, "no memory for the profiles");
        return;
    }
    for (uint32_t label = 0; label < sums->n_labels; label++)
        label_sums_mean(sums, product, label, means + (size_t)label * sums->n_bins);
    add_table(analysis, "mean", "counts/px", sums, means);
    analysis_add_part(analysis, "frames", "<u8", json_pack("[I]", (json_int_t)sums->n_labels),
                      json_pack("[s]", "label"), "", sums->frames,
                      sums->n_labels * sizeof *sums->frames);
    sums->frames = NULL; /* taken over */
}

static double v_re(const struct ring_totals *ring, double counts_per_electron)
{
    (void)counts_per_electron;
    return variance_v_re(ring);
}

/* Those that need no pattern per label. */
static const struct {
    const char *name;
    double (*value)(const struct ring_totals *ring, double counts_per_electron);
} variances[] = {{"v_r", variance_v_r}, {"v_re", v_re}, {"omega", variance_omega}};

static void add_variances(struct analysis *analysis, const struct product *product,
                          const struct label_sums *sums)
{
    const struct variance_settings *const settings =
        &analysis->run->plan->analysis.variance_settings;
    const double sharing = settings->counts_per_electron > 0 ? settings->counts_per_electron : 1;
    const size_t n = (size_t)sums->n_labels * sums->n_bins;
    for (size_t which = 0; which < sizeof variances / sizeof *variances; which++) {
        double *const values = calloc(n, sizeof *values);
        if (!values) {
            analysis_refuse(analysis, "internal", NULL, "no memory for the profiles");
            return;
        }
        for (size_t i = 0; i < n; i++) {
            const struct ring_totals ring = label_sums_ring(
                sums, product, (uint32_t)(i / sums->n_bins), (uint32_t)(i % sums->n_bins));
            values[i] = variances[which].value(&ring, sharing);
        }
        add_table(analysis, variances[which].name, "", sums, values);
    }
}

static double ring_width(const struct run *run)
{
    const double width = run->plan->analysis.variance_settings.rings.bin_width;
    return width > 0 ? width : 1;
}

static void add_profiles(struct analysis *analysis, const struct label_map *map,
                         const struct product *product)
{
    struct label_sums sums = {0};
    const int r = label_sums_init(&sums, product, &analysis->pass.view->scan, map->labels, map->n,
                                  &analysis->error);
    if (r < 0) {
        analysis_refuse_error(analysis, r, "args.labels");
        return;
    }
    if (product_is_variance(product))
        add_variances(analysis, product, &sums);
    add_means(analysis, product, &sums);
    json_object_set_new(analysis->result, "axis",
                        ring_axis_json(analysis->run, ring_width(analysis->run)));
    label_sums_finish(&sums);
}

static void analyse_labels(struct analysis *analysis)
{
    const struct product *const variance = find_product(analysis->run, product_is_variance);
    const struct product *const product =
        variance ? variance : find_product(analysis->run, product_is_radial_profile);
    struct label_map map;
    if (label_map_init(&map, analysis) < 0)
        return;
    if (product && product->columns)
        add_profiles(analysis, &map, product);
    else
        analysis_refuse(analysis, "no_data", NULL,
                        "this run keeps no profiles of single frames: set analysis.radial_profile, "
                        "and give the number of frames beforehand");
    label_map_finish(&map);
}

void command_label_profiles(const struct control_service *service, struct request *request,
                            json_t *args)
{
    analysis_start(service, request, args, analyse_labels);
}
