#include "daemon/bragg/bragg_statistics_json.h"

#include "daemon/bragg/headline_json.h"
#include "daemon/bragg/statistics_json.h"

#define DOMAINS_LISTED 20
#define AREA_BINS 32

static json_t *count_json(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *effective_json(const struct effective_size *effective)
{
    return json_pack("{s:f, s:f, s:f, s:o}", "n_effective", effective->n_effective, "design_effect",
                     effective->design_effect, "range", effective->range, "interval",
                     interval_json(effective->interval));
}

static json_t *bootstrap_json(const struct bragg_statistics *statistics)
{
    const struct block_bootstrap *const b = &statistics->bootstrap;
    if (!statistics->bootstrap_known)
        return json_null();
    return json_pack("{s:I, s:I, s:o, s:o}", "block", (json_int_t)b->block, "resamples",
                     (json_int_t)b->n_resamples, "interval", interval_json(b->interval),
                     "design_effect", number_json(b->design_effect));
}

static json_t *contrast_json(const struct bragg_contrast_statistics *contrast, double confidence)
{
    if (!contrast->asked)
        return json_null();
    return json_pack(
        "{s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "min", contrast->min_contrast, "count",
        count_json(contrast->count), "fraction", number_json(contrast->fraction), "effective_size",
        effective_json(&contrast->effective), "true_positive",
        found_rate_json(&contrast->found, confidence), "false_positive",
        false_rate_json(&contrast->alarms, confidence), "corrected",
        corrected_json(contrast->corrected_known, &contrast->corrected, &contrast->rates));
}

static json_t *phase_json(const struct bragg_phase_statistics *phase)
{
    const struct two_by_two *const t = &phase->table;
    const struct association *const a = &phase->association;
    if (!phase->asked)
        return json_null();
    return json_pack(
        "{s:[[I, I], [I, I]], s:o, s:o, s:o, s:o, s:s, s:f, s:f, s:o, s:o, s:o, s:f, s:o}", "table",
        (json_int_t)t->a, (json_int_t)t->b, (json_int_t)t->c, (json_int_t)t->d, "fraction_in",
        number_json(t->a / (t->a + t->b)), "fraction_outside", number_json(t->c / (t->c + t->d)),
        "odds_ratio", number_json(a->odds_ratio), "odds_ratio_interval",
        interval_json(a->odds_ratio_interval), "test",
        a->test == ASSOCIATION_FISHER ? "fisher" : "chi_square", "p", a->p, "p_fisher", a->p_fisher,
        "p_chi_square", number_json(a->p_chi_square), "chi_square", number_json(a->chi_square),
        "difference", number_json(phase->shift.difference), "p_toroidal", phase->shift.p, "shifts",
        count_json(phase->shift.n_shifts));
}

void bragg_statistics_json_set_phase(json_t *json, const char *name,
                                     const struct threshold *threshold)
{
    static const char *const rules[] = {
        [THRESHOLD_HALF] = "half",
        [THRESHOLD_MEDIAN] = "median",
        [THRESHOLD_OTSU] = "otsu",
        [THRESHOLD_VALUE] = "value",
    };
    json_t *const phase = json_object_get(json, "phase");
    json_object_set_new(phase, "name", json_string(name));
    json_object_set_new(phase, "threshold",
                        json_pack("{s:s, s:f, s:f, s:f}", "rule", rules[threshold->rule], "level",
                                  threshold->level, "low", threshold->low, "high",
                                  threshold->high));
}

static json_t *tiles_json(const struct bragg_statistics *statistics)
{
    const size_t n = (size_t)statistics->tiles_shape[0] * statistics->tiles_shape[1];
    json_t *const tiles = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(tiles,
                              class_counts_json(&statistics->tiles[i], statistics->confidence));
    return json_pack("{s:[I, I], s:[I, I], s:o}", "size", (json_int_t)statistics->tile_y,
                     (json_int_t)statistics->tile_x, "shape",
                     (json_int_t)statistics->tiles_shape[0], (json_int_t)statistics->tiles_shape[1],
                     "tiles", tiles);
}

static json_t *areas_json(const struct bragg_statistics *statistics)
{
    json_t *const areas = json_array();
    for (size_t i = 0; i < statistics->n_areas; i++) {
        json_t *const area =
            class_counts_json(&statistics->areas[i].counts, statistics->confidence);
        json_object_set_new(area, "label", json_integer(statistics->areas[i].label));
        json_array_append_new(areas, area);
    }
    return areas;
}

static json_t *histogram_json(const struct histogram *histogram)
{
    json_t *const counts = json_array();
    for (uint32_t i = 0; i < histogram->n_bins; i++)
        json_array_append_new(counts, count_json(histogram->counts[i]));
    return json_pack("{s:f, s:f, s:o, s:o, s:o}", "start", histogram->start, "step",
                     histogram->step, "counts", counts, "below", count_json(histogram->below),
                     "above", count_json(histogram->above));
}

/* Domains of 1, 2, 3-4, 5-8, ... positions. */
static json_t *area_counts_json(const struct domains *domains, uint64_t *sum)
{
    uint64_t counts[AREA_BINS] = {0};
    unsigned n_bins = 0;
    *sum = 0;
    for (size_t i = 0; i < domains->n; i++) {
        const uint32_t area = domains->domains[i].n_positions;
        unsigned bin = 0;
        while (bin + 1 < AREA_BINS && (UINT64_C(1) << bin) < area)
            bin++;
        counts[bin]++;
        n_bins = bin + 1 > n_bins ? bin + 1 : n_bins;
        *sum += area;
    }
    json_t *const json = json_array();
    for (unsigned i = 0; i < n_bins; i++)
        json_array_append_new(json, count_json(counts[i]));
    return json;
}

static json_t *domains_json(const struct domains *domains)
{
    uint64_t sum;
    json_t *const area_counts = area_counts_json(domains, &sum), *const largest = json_array();
    for (size_t i = 0; i < domains->n && i < DOMAINS_LISTED; i++) {
        const struct domain *const d = &domains->domains[i];
        json_array_append_new(largest, json_pack("{s:I, s:[f, f], s:[f, f]}", "area",
                                                 (json_int_t)d->n_positions, "g", d->gy, d->gx,
                                                 "centre", d->centre_y, d->centre_x));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "n", count_json(domains->n), "mean_area",
                     number_json((double)sum / (double)domains->n), "area_counts", area_counts,
                     "largest", largest);
}

static json_t *texture_json(const struct bragg_statistics *statistics)
{
    json_t *const texture = json_array();
    for (size_t i = 0; i < statistics->n_texture; i++) {
        const struct static_reflection *const r = &statistics->texture[i];
        json_array_append_new(
            texture, json_pack("{s:[f, f], s:I, s:o}", "g", r->gy, r->gx, "positions",
                               (json_int_t)r->n_positions, "fraction",
                               number_json((double)r->n_positions / (double)statistics->n)));
    }
    return texture;
}

/* How many reflections fit each crystalline phase. */
static json_t *crystals_json(const struct bragg_statistics *statistics)
{
    const uint64_t *const counts = statistics->crystal_counts;
    const size_t n = statistics->n_crystals;
    if (!counts)
        return json_null();
    json_t *const phases = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(phases, json_pack("{s:s, s:o}", "name", statistics->crystals[i].name,
                                                "n", count_json(counts[i])));
    return json_pack("{s:f, s:o, s:o, s:o}", "tolerance", statistics->spacing_tolerance, "phases",
                     phases, "none", count_json(counts[n]), "ambiguous", count_json(counts[n + 1]));
}

static json_t *reflections_json(const struct bragg_statistics *statistics)
{
    if (!statistics->reflections_known)
        return json_null();
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "n", count_json(statistics->n_reflections),
        "pixel_size", statistics->pixel_size > 0 ? json_real(statistics->pixel_size) : json_null(),
        "crystals", crystals_json(statistics), "g", histogram_json(&statistics->lengths), "azimuth",
        histogram_json(&statistics->azimuths), "domains", domains_json(&statistics->domains),
        "texture", texture_json(statistics));
}

static json_t *quoted_json(const struct bragg_statistics *statistics)
{
    const struct bragg_contrast_statistics *const contrast = &statistics->contrast;
    const struct headline strong = {
        .min_contrast = contrast->min_contrast,
        .count = contrast->count,
        .fraction = contrast->fraction,
        .interval = contrast->effective.interval,
        .design_effect = contrast->effective.design_effect,
        .found = contrast->found,
        .alarms = contrast->alarms,
        .corrected_known = contrast->corrected_known,
        .corrected = contrast->corrected,
        .rates = contrast->rates,
    };
    const struct headline any = {
        .why_any = "no least contrast is set (bragg.contrast_min)",
        .count = statistics->bragg,
        .fraction = statistics->fraction,
        .interval = statistics->effective.interval,
        .design_effect = statistics->effective.design_effect,
        .alarms = statistics->alarms,
        .corrected_known = statistics->corrected_known,
        .corrected = statistics->corrected,
        .rates = statistics->rates,
    };
    return headline_json(contrast->asked ? &strong : &any, statistics->confidence);
}

static json_t *warnings_json(const struct bragg_statistics *statistics)
{
    json_t *const warnings = json_array();
    if (statistics->n > 0 && statistics->effective.n_effective < 5)
        json_array_append_new(
            warnings, json_string("the map is worth fewer than 5 independent patterns: take a "
                                  "larger one, or several scans"));
    if (statistics->n_texture > 0)
        json_array_append_new(warnings,
                              json_string("reflections stay put over the scan: the film is "
                                          "textured, or the detector has bad pixels"));
    if (statistics->corrected_known && statistics->fraction < statistics->rates.false_positive)
        json_array_append_new(warnings, json_string("the fraction is below the false positive "
                                                    "rate: what was found may be false alarms"));
    return warnings;
}

json_t *bragg_statistics_json(const struct bragg_statistics *statistics)
{
    json_t *const json = class_counts_json(&statistics->counts, statistics->confidence);
    if (!json)
        return NULL;
    const struct {
        const char *name;
        json_t *value;
    } members[] = {
        {"shape", json_pack("[I, I]", (json_int_t)statistics->ny, (json_int_t)statistics->nx)},
        {"excluded", count_json(statistics->counts.excluded)},
        {"not_analysed", count_json(statistics->counts.not_analysed)},
        {"confidence", json_real(statistics->confidence)},
        {"clopper_pearson", interval_json(statistics->clopper_pearson)},
        {"headline", quoted_json(statistics)},
        {"effective_size", effective_json(&statistics->effective)},
        {"block_bootstrap", bootstrap_json(statistics)},
        {"corrected",
         corrected_json(statistics->corrected_known, &statistics->corrected, &statistics->rates)},
        {"contrast", contrast_json(&statistics->contrast, statistics->confidence)},
        {"phase", phase_json(&statistics->phase)},
        {"tiles", tiles_json(statistics)},
        {"areas", areas_json(statistics)},
        {"reflections", reflections_json(statistics)},
        {"warnings", warnings_json(statistics)},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        result |= json_object_set_new(json, members[i].name, members[i].value);
    if (result == 0)
        return json;
    json_decref(json);
    return NULL;
}
