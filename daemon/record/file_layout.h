#pragma once

#include <hdf5.h>
#include <stddef.h>

#include "daemon/record/data_groups.h"
#include "daemon/record/extra_datasets.h"
#include "daemon/record/file_mark.h"
#include "daemon/record/frame_datasets.h"
#include "daemon/record/geometry_datasets.h"
#include "daemon/record/log_datasets.h"
#include "daemon/record/message_datasets.h"
#include "daemon/record/result_datasets.h"
#include "daemon/record/saturation_text.h"

struct run_file_extras;

/* What stays open of a file while it is written: the datasets that change. */
struct file_datasets {
    struct data_groups data;
    struct extra_datasets extra;
    struct frame_datasets frames;
    struct message_datasets messages;
    struct geometry_datasets geometry;
    struct log_datasets log;
    struct result_datasets results;
    struct file_mark mark;
    struct saturation_text saturation;
    hid_t end_time, end_reason, statistics;
    size_t statistics_capacity;
};

/*
 * Makes every group, dataset and attribute of merlind-file(5): nothing may be added once SWMR has
 * begun. Returns 0 or a negative number: HDF5 failed or there is no memory; file_datasets_finish is
 * to be called in any case.
 */
int file_layout_create(struct file_datasets *datasets, hid_t file, const struct run *run,
                       const char *summary, const struct run_file_extras *extras);

/* Frees memory; the datasets are closed with the file. */
void file_datasets_finish(struct file_datasets *datasets);

#define ISO_TIME_SIZE 40

/* "2026-01-31T12:34:56.123456+01:00", "" for 0. */
void iso_time(char text[ISO_TIME_SIZE], uint64_t unix_ns);
