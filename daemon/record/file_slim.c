#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/record/file_command.h"
#include "daemon/record/file_copy.h"
#include "daemon/record/file_options.h"
#include "daemon/record/file_output.h"
#include "daemon/record/file_progress.h"
#include "daemon/record/file_recording.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"

/*
 * The results of a recording without the patterns: everything is copied but the datasets of images
 * (/entry/data/data, those of other layers, /entry/extra/data) and what is only good together with
 * them (/entry/messages: headers and checksums). Programs that follow @default open the file on a
 * map.
 */

static const struct argp_option option_table[] = {
    {"output", 'o', "NEW", 0, "The new file; it appears when it is whole", 1},
    {"force", FILE_KEY_FORCE, 0, 0, "Replace a file that is there", 2},
    {0},
};

static const char help_doc[] =
    "Make a small file of a recording: all results, settings and the table of frames, without the "
    "patterns themselves. The original is not touched.\vMore in merlin-file(1).";

/* ---- copying ---- */

static bool is_images(const char *name)
{
    return strcmp(name, "data") == 0;
}

static bool has_images(const char *name)
{
    return strcmp(name, "data") == 0 || strncmp(name, "data_", 5) == 0 ||
           strcmp(name, "extra") == 0;
}

struct slim_copy {
    struct file_copier copier;
    hid_t to;
};

/* It is no plot any more. */
static bool is_of_plots(const char *name)
{
    return strcmp(name, "NX_class") == 0 || strcmp(name, "signal") == 0 ||
           reader_views_is_mark(name);
}

/* A group of images, without them. */
static int copy_around_images(struct slim_copy *copy, hid_t from, const char *name)
{
    const hid_t old = H5Gopen2(from, name, H5P_DEFAULT);
    const hid_t made = nexus_group(copy->to, name, "NXcollection");
    int r = -1;
    if (old >= 0 && made >= 0 && file_copy_attributes(old, made, is_of_plots) == 0)
        r = file_copy_members(&copy->copier, old, made, is_images);
    if (made >= 0)
        H5Gclose(made);
    if (old >= 0)
        H5Gclose(old);
    return r;
}

static int copy_member(hid_t from, const char *name, H5L_type_t type, void *data)
{
    struct slim_copy *const copy = data;
    if (strcmp(name, "messages") == 0)
        return 0;
    if (type == H5L_TYPE_HARD && has_images(name))
        return copy_around_images(copy, from, name);
    return file_copy_member(&copy->copier, from, name, copy->to);
}

/* ---- what a viewer shows first ---- */

static int find_first(hid_t results, const char *name, H5L_type_t type, void *data)
{
    char *const found = data;
    if (found[0] == '\0' && type == H5L_TYPE_HARD && strcmp(name, "measured") != 0)
        snprintf(found, FILE_NAME_SIZE, "%s", name);
    return 0;
}

/* @default leads from group to group down to the first plot, through the first layer. Not every
 * plot's signal is called data: that of bragg is class. */
static int point_at_map(hid_t parent, const char *name)
{
    char first[FILE_NAME_SIZE] = "";
    if (!file_has(parent, name))
        return 0;
    const hid_t group = H5Gopen2(parent, name, H5P_DEFAULT);
    if (group < 0)
        return -1;
    int r = nexus_attribute(parent, "default", name);
    if (r >= 0 && H5Aexists(group, "signal") <= 0)
        r = file_each_member(group, find_first, first);
    if (r >= 0 && first[0])
        r = point_at_map(group, first);
    H5Gclose(group);
    return r;
}

static int describe(hid_t entry, const char *original)
{
    const char *const slash = strrchr(original, '/');
    if (point_at_map(entry, "results") < 0)
        return -1;
    return nexus_attribute(entry, "slim_of", slash ? slash + 1 : original);
}

static bool is_made_here(const char *name)
{
    return strcmp(name, "default") == 0 || reader_views_is_mark(name);
}

static int copy_entry(struct slim_copy *copy, const struct file_recording *old)
{
    copy->to = nexus_group(copy->copier.into, "entry", NULL);
    if (copy->to < 0)
        return -1;
    int r = file_copy_attributes(old->entry, copy->to, is_made_here);
    if (r == 0)
        r = file_each_member(old->entry, copy_member, copy);
    if (r == 0)
        r = describe(copy->to, old->path);
    H5Gclose(copy->to);
    return r;
}

static int fill(const struct file_output *output, const struct file_recording *old)
{
    struct slim_copy copy;
    file_copier_init(&copy.copier, output->file);
    int r = file_copy_attributes(old->file, output->file, reader_views_is_mark);
    if (r == 0)
        r = copy_entry(&copy, old);
    file_copier_finish(&copy.copier);
    return r;
}

static int make(const struct file_options *options, const struct file_recording *old,
                struct error *error)
{
    struct file_output output;
    int r = file_output_create(&output, options->output, options->path, options->force, error);
    if (r < 0)
        return r;
    r = fill(&output, old) < 0 ? file_output_error(&output, options->path, error) : 0;
    if (r == 0 && file_interrupted())
        r = error_set(error, -EINTR, "interrupted: %.250s is not made", output.name.final);
    if (r == 0)
        r = file_output_commit(&output, options->path, error);
    if (r < 0)
        file_output_abandon(&output);
    return r;
}

/* ---- all ---- */

static void tell(const struct file_options *options)
{
    struct stat old, new;
    if (stat(options->path, &old) < 0 || stat(options->output, &new) < 0)
        return;
    printf("%s: %s of %s\n", options->output, file_text_of_bytes((double)new.st_size).text,
           file_text_of_bytes((double)old.st_size).text);
}

int file_command_slim(int argc, char **argv)
{
    struct file_options options = {.needs_output =
                                       "-o NEW is missing: what the new file is to be called"};
    struct file_recording old;
    struct error error = {0};
    file_options_parse(&options, option_table, "FILE -o NEW", help_doc, argc, argv);
    file_interrupt_watch();
    int r = file_recording_open(&old, options.path, &error);
    const bool reading = r < 0;
    if (r == 0)
        r = make(&options, &old, &error);
    if (r == 0)
        tell(&options);
    file_recording_close(&old);
    return r < 0 ? file_command_failed(file_exit_status(r, reading), &error) : EX_OK;
}
