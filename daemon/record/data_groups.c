#include "daemon/record/data_groups.h"

#include <stdio.h>

#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"

#define FIRST_GROUP "data"
#define AXIS_VALUES_AT_ONCE GROWN_DATASET_CHUNK
/* A frame number that jumped far ahead must not cost gigabytes: the axis has values up to here. */
#define AXIS_LIMIT (UINT64_C(1) << 24)

/* The axes in the order of the dataset; returns how many. */
static size_t name_axes(const char *axes[5], const struct run *run)
{
    size_t n = 0;
    if (scan_geometry_is_stack(&run->scan))
        axes[n++] = "frame";
    else
        n = nexus_scan_axis_names(axes, &run->scan);
    axes[n++] = "y";
    axes[n++] = "x";
    return n;
}

static int write_frame_axis(hid_t axis, uint64_t first, uint64_t end)
{
    double values[AXIS_VALUES_AT_ONCE];
    for (uint64_t n; first < end; first += n) {
        n = end - first < AXIS_VALUES_AT_ONCE ? end - first : AXIS_VALUES_AT_ONCE;
        for (uint64_t i = 0; i < n; i++)
            values[i] = (double)(first + i);
        if (grown_dataset_write(axis, H5T_NATIVE_DOUBLE, first, n, values) < 0)
            return -1;
    }
    return 0;
}

static int extend_frame_axis(struct data_groups *data, uint64_t end)
{
    const uint64_t first = data->frame_axis_length;
    if (end <= first)
        return 0;
    if (grown_dataset_extend(data->frame_axis, end) < 0 ||
        write_frame_axis(data->frame_axis, first, end < AXIS_LIMIT ? end : AXIS_LIMIT) < 0)
        return -1;
    data->frame_axis_length = end;
    return 0;
}

static int extend_all(struct data_groups *data, uint64_t length)
{
    for (unsigned i = 0; i < data->n_layers; i++) {
        if (image_dataset_extend(&data->images[i], length) < 0)
            return -1;
    }
    return extend_frame_axis(data, length);
}

int data_groups_update(struct data_groups *data)
{
    uint64_t length = 0;
    if (data->frame_axis < 0)
        return 0;
    for (unsigned i = 0; i < data->n_layers; i++) {
        if (data->images[i].length > length)
            length = data->images[i].length;
    }
    return extend_all(data, length);
}

static int create_frame_axis(struct data_groups *data, hid_t group)
{
    const double fill = 0;
    data->frame_axis =
        grown_dataset_create(group, "frame", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &fill);
    if (data->frame_axis < 0)
        return -1;
    if (nexus_attribute(data->frame_axis, "units", "") < 0 ||
        nexus_attribute(data->frame_axis, "name", "frame") < 0)
        return -1;
    return nexus_attribute(data->frame_axis, "long_name", "place in the order of frames");
}

/* In k from the centre of the pattern, where the size of a pixel is known; else in pixels. */
static struct nexus_scale detector_scale(const struct calibration *calibration, unsigned axis,
                                         uint32_t n)
{
    const double size = calibration_number(calibration, CALIBRATION_PIXEL_SIZE_K, 0);
    const struct calibration_value *const known = &calibration->values[CALIBRATION_CENTRE];
    const double centre = known->known ? known->value[axis] : ((double)n - 1) / 2;
    if (size <= 0)
        return (struct nexus_scale){0, 1, "px"};
    return (struct nexus_scale){-centre * size, size, "1/nm"};
}

static int create_axes(struct data_groups *data, hid_t group, const struct run *run)
{
    const struct calibration *const calibration = &run->plan->calibration;
    const double step = calibration_number(calibration, CALIBRATION_SCAN_STEP, 0);
    const int r = scan_geometry_is_stack(&run->scan) ? create_frame_axis(data, group)
                                                     : nexus_scan_axes(group, &run->scan, step);
    const struct nexus_scale y = detector_scale(calibration, 0, run->format.height);
    const struct nexus_scale x = detector_scale(calibration, 1, run->format.width);
    if (r < 0 || nexus_axis(group, "y", run->format.height, &y, "detector row") < 0)
        return -1;
    return nexus_axis(group, "x", run->format.width, &x, "detector column");
}

static int link_axes(hid_t group, const char *const *axes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (nexus_link(group, axes[i], "/entry/" FIRST_GROUP) < 0)
            return -1;
    }
    return 0;
}

static int fill_group(struct data_groups *data, hid_t group, const struct run *run, unsigned layer)
{
    const char *axes[5];
    const size_t n = name_axes(axes, run);
    if (nexus_attribute(group, "signal", "data") < 0 ||
        nexus_attribute(group, "interpretation", "image") < 0 ||
        reader_views_name_axes(group, axes, (unsigned)n) < 0 ||
        image_dataset_create(&data->images[layer], group, run) < 0)
        return -1;
    if (run->n_layers > 1 && nexus_attribute(group, "layer", run_layer_name(run, layer)) < 0)
        return -1;
    return layer == 0 ? create_axes(data, group, run) : link_axes(group, axes, n);
}

static int create_group(struct data_groups *data, hid_t entry, const struct run *run,
                        unsigned layer)
{
    char name[32] = FIRST_GROUP;
    if (layer > 0)
        snprintf(name, sizeof name, FIRST_GROUP "_%s", run_layer_name(run, layer));
    const hid_t group = nexus_group(entry, name, "NXdata");
    if (group < 0)
        return -1;
    const int r = fill_group(data, group, run, layer);
    H5Gclose(group);
    return r;
}

int data_groups_create(struct data_groups *data, hid_t entry, const struct run *run)
{
    *data = (struct data_groups){.n_layers = run->n_layers, .frame_axis = -1};
    for (unsigned layer = 0; layer < data->n_layers; layer++) {
        if (create_group(data, entry, run, layer) < 0)
            return -1;
    }
    return data_groups_update(data);
}

/* Frames that a stack of unknown length has places for by now. */
static uint64_t places_so_far(const struct run *run)
{
    return run_map_shape(run, &run->scan).nx;
}

int data_groups_write(struct data_groups *data, const struct compressed_chunk *chunk)
{
    const struct run *const run = chunk->run;
    const uint64_t place = (uint64_t)chunk->first_place;
    uint64_t length = 0;
    if (run->scan.ny == 0) {
        const uint64_t there = places_so_far(run), end = place + run->chunk_frames;
        length = there < end ? there : end;
    }
    return image_dataset_write(&data->images[chunk->layer], chunk, place, length);
}

int data_groups_complete(struct data_groups *data, const struct run *run)
{
    if (run->scan.ny > 0)
        return data_groups_update(data);
    return extend_all(data, places_so_far(run));
}
