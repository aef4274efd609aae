#include "stall_stage.h"

#include <stdlib.h>

/* Frames of real detectors. */

static uint8_t *read_all(const char *directory, const char *name, size_t *size)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *const file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *const bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    bytes[*size] = '\0';
    return bytes;
}

/* The times of a real file's frames, those from frame `held_up` on later by ns. */
static void put_real_frames(struct run *run, const uint8_t *bytes, size_t size, uint64_t held_up,
                            uint64_t ns)
{
    const uint8_t *at = bytes;
    for (uint64_t i = 0; at; i++) {
        struct frame_header header;
        struct error error;
        const size_t left = size - (size_t)(at - bytes);
        assert_int_equal(frame_header_parse(&header, at, left, &error), 0);
        assert_true(header.has_mq1a);
        put(run, i, header.timestamp_ns + (i >= held_up ? ns : 0), header.exposure_ns);
        at = memmem(at + 4, left - 4, "MQ1,", 4);
    }
}

static void real_frames_are_calm_but_where_they_were_held_up(void **state)
{
    static const struct {
        const char *name;
        uint64_t frames;
        bool continuous;
    } files[] = {{"001_4x2_6bit", 8, false},
                 {"Single_9_Frame_CounterDepth_1_Rows_256", 9, true},
                 {"Single_9_Frame_CounterDepth_1_Rows_256RAW", 9, true},
                 {"Single_9_Frame_CounterDepth_6_Rows_256", 9, true},
                 {"Single_9_Frame_CounterDepth_12_Rows_256", 9, true},
                 {"Single_1_Frame_CounterDepth_24_Rows_256", 1, false}};
    const char *const given = getenv("MERLIND_REAL_MIB");
    const char *const directory = given ? given : REAL_MIB;
    const struct pixel_format format = frame_format(64, 64, 1);
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        char name[200];
        size_t size, hdr_size;
        snprintf(name, sizeof name, "%s.hdr", files[i].name);
        uint8_t *const hdr = read_all(directory, name, &hdr_size);
        snprintf(name, sizeof name, "%s.mib", files[i].name);
        uint8_t *const bytes = read_all(directory, name, &size);
        if (!bytes || !hdr) {
            free(bytes);
            free(hdr);
            print_message("%s is not in %s\n", name, directory);
            skip();
        }
        for (unsigned stalls = 0; stalls < 2; stalls++) {
            struct acquisition_plan *const plan = acquisition_plan_create(0);
            const struct run_frames frames = {
                .format = &format, .n_layers = 1, .hdr = hdr, .hdr_size = hdr_size};
            struct run *run;
            struct error error;
            assert_int_equal(run_create(&run, plan, &frames, 1, &error), 0);
            put_real_frames(run, bytes, size, 4, stalls * 500 * MS);
            assert_int_equal(frame_table_end(run->frames), files[i].frames);
            end(run);
            /* A pause between exposures is how only one that is not continuous is held up. */
            const bool seen = stalls == 1 && !files[i].continuous && files[i].frames > 4;
            assert_int_equal(atomic_load(&run->counts.stalled), seen);
            assert_int_equal(summary_of(run).shifted_from, seen ? 5 : 0);
            run_unref(run);
            acquisition_plan_unref(plan);
        }
        free(bytes);
        free(hdr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_frames_are_calm_but_where_they_were_held_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
