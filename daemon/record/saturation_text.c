#include "daemon/record/saturation_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/counter.h"
#include "common/log.h"
#include "daemon/record/nexus.h"
#include "daemon/results/detector_saturation.h"
#include "processing/run/run_products.h"

/* A map's name and its numbers, and room for detectors that come later. */
#define BYTES_PER_MAP (PRODUCT_NAME_SIZE + 100)
#define MAPS_TO_COME 32

static bool is_detector(const struct product *product)
{
    return product->source[0] && !product->given && product->n_maps > 0;
}

/* 0: there is nothing to tell. */
static size_t count_maps(const struct run *run)
{
    const struct product_set *const set = run_set(run);
    size_t maps = 0;
    bool full_scale = false;
    for (unsigned i = 0; i < set->n; i++) {
        maps += is_detector(set->products[i]) ? set->products[i]->n_maps : 0;
        full_scale = full_scale || set->products[i]->flag == FRAME_FLAG_SATURATED;
    }
    return full_scale ? maps : 0;
}

int saturation_text_create(struct saturation_text *text, hid_t entry, const struct run *run)
{
    const size_t maps = count_maps(run);
    *text = (struct saturation_text){.capacity = (maps + MAPS_TO_COME) * BYTES_PER_MAP};
    if (maps == 0)
        return 0;
    text->dataset = nexus_text_create(entry, "saturation", text->capacity);
    return text->dataset < 0 ? -1 : 0;
}

/* Of two maps of a name the first one is in the file. */
static int add_product(json_t *maps, const struct detector_saturation *saturation,
                       const struct product *product, uint64_t frames)
{
    for (unsigned map = 0; map < product->n_maps; map++) {
        const char *const name = product->maps[map].name;
        if (json_object_get(maps, name))
            continue;
        const struct saturated_pixels found = detector_saturation_of(saturation, product, map);
        if (json_object_set_new(maps, name,
                                json_pack("{s:I, s:I, s:I}", "pixels", (json_int_t)found.pixels,
                                          "frames", (json_int_t)frames, "pixel_frames",
                                          (json_int_t)found.pixel_frames)) < 0)
            return -1;
    }
    return 0;
}

/* For free(); NULL: no memory. */
static char *make_text(struct run *run)
{
    const struct product_set *const set = run_set(run);
    const uint64_t frames = counter_read(&run->counts.analysed);
    struct detector_saturation *const saturation = detector_saturation_create(run);
    json_t *const maps = saturation ? json_object() : NULL;
    int r = maps ? 0 : -1;
    for (unsigned i = 0; r == 0 && i < set->n; i++) {
        if (is_detector(set->products[i]))
            r = add_product(maps, saturation, set->products[i], frames);
    }
    char *const text = r == 0 ? json_dumps(maps, JSON_COMPACT) : NULL;
    json_decref(maps);
    detector_saturation_destroy(saturation);
    return text;
}

int saturation_text_complete(const struct saturation_text *text, struct run *run)
{
    if (text->dataset <= 0)
        return 0;
    char *const made = make_text(run);
    if (!made)
        return -1;
    const size_t size = strlen(made);
    int r = 0;
    /* Half a JSON text helps nobody. */
    if (size <= text->capacity)
        r = nexus_text_write(text->dataset, made, size);
    else
        log_warning("record",
                    "what is at full scale of the virtual detectors (%zu bytes) has no room in the "
                    "file (%zu)",
                    size, text->capacity);
    free(made);
    return r;
}
