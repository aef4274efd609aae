#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/message_datasets.h"

#define HEADER 384
#define ROWS (20 * MESSAGE_BLOCK_ROWS + 17)

struct stage {
    char path[64];
    hid_t file;
    struct run run; /* only its format is looked at */
    struct message_datasets messages;
    struct message_batch batch;
};

static void begin(struct stage *stage)
{
    memset(stage, 0, sizeof *stage);
    strcpy(stage->path, "/tmp/test_message_datasets_XXXXXX");
    const int descriptor = mkstemp(stage->path);
    assert_true(descriptor >= 0);
    close(descriptor);
    stage->run.format.data_offset = HEADER;
    stage->run.format.payload_size = 64;
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    stage->file = H5Fcreate(stage->path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    assert_true(stage->file >= 0);
    assert_int_equal(message_datasets_create(&stage->messages, stage->file, &stage->run), 0);
    assert_true(H5Fstart_swmr_write(stage->file) >= 0);
}

static void end(struct stage *stage)
{
    message_batch_finish(&stage->batch);
    message_datasets_finish(&stage->messages);
    H5Dclose(stage->messages.row);
    H5Dclose(stage->messages.crc32c);
    H5Dclose(stage->messages.header_crc32c);
    H5Dclose(stage->messages.header);
    assert_true(H5Fclose(stage->file) >= 0);
    unlink(stage->path);
}

static void make_header(char header[HEADER], uint64_t arrival)
{
    memset(header, 0, HEADER);
    snprintf(header, HEADER, "MQ1,%06u,00384,01 and so on", (unsigned)(arrival * 7));
    header[HEADER - 1] = (char)arrival; /* padding is kept as well */
}

static void add(struct stage *stage, uint64_t arrival)
{
    char header[HEADER];
    make_header(header, arrival);
    const struct message_record record = {.arrival = arrival,
                                          .row = arrival * 3,
                                          .crc32c = (uint32_t)(arrival * 2654435761u),
                                          .header_crc32c = (uint32_t)~arrival};
    assert_int_equal(message_batch_add(&stage->batch, &record, header, HEADER), 0);
}

static void hand_over(struct stage *stage)
{
    assert_int_equal(message_datasets_write(&stage->messages, &stage->batch), 0);
    message_batch_clear(&stage->batch);
}

/* Everything in the file, by HDF5 alone: those of `there`, and nothing else. */
static void check(const struct stage *stage, const bool *there, uint64_t length)
{
    uint64_t *const rows = calloc(length, sizeof *rows);
    uint32_t *const crcs = calloc(length, sizeof *crcs);
    uint32_t *const header_crcs = calloc(length, sizeof *header_crcs);
    char(*const headers)[HEADER] = calloc(length, HEADER);
    char expected[HEADER];
    const struct message_datasets *const messages = &stage->messages;
    assert_int_equal(messages->length, length);
    assert_true(grown_dataset_read(messages->row, H5T_NATIVE_UINT64, 0, length, rows) >= 0);
    assert_true(grown_dataset_read(messages->crc32c, H5T_NATIVE_UINT32, 0, length, crcs) >= 0);
    assert_true(grown_dataset_read(messages->header_crc32c, H5T_NATIVE_UINT32, 0, length,
                                   header_crcs) >= 0);
    assert_true(grown_dataset_read(messages->header, messages->header_type, 0, length, headers) >=
                0);
    for (uint64_t i = 0; i < length; i++) {
        assert_int_equal(rows[i], there[i] ? i * 3 : MESSAGE_ROW_NONE);
        if (!there[i])
            continue;
        assert_int_equal(crcs[i], (uint32_t)(i * 2654435761u));
        assert_int_equal(header_crcs[i], (uint32_t)~i);
        make_header(expected, i);
        assert_memory_equal(headers[i], expected, HEADER);
    }
    free(headers);
    free(header_crcs);
    free(crcs);
    free(rows);
}

static void messages_in_any_order_end_in_their_rows(void **unused)
{
    struct stage stage;
    bool there[ROWS] = {0};
    begin(&stage);
    /* More blocks are begun than can be open, and every one is come back to. */
    for (uint64_t step = 0; step < 37; step++) {
        for (uint64_t i = step * 11 % 37; i < ROWS; i += 37) {
            add(&stage, i);
            there[i] = true;
        }
        hand_over(&stage);
        if (step % 9 == 0)
            assert_int_equal(message_datasets_update(&stage.messages), 0);
    }
    assert_int_equal(message_datasets_update(&stage.messages), 0);
    check(&stage, there, ROWS);
    end(&stage);
}

static void a_flush_shows_what_there_is_and_holes_stay_holes(void **unused)
{
    struct stage stage;
    bool there[400] = {0};
    begin(&stage);
    for (uint64_t i = 0; i < 300; i++) {
        if (i % 10 == 3)
            continue;
        add(&stage, i);
        there[i] = true;
    }
    hand_over(&stage);
    assert_int_equal(message_datasets_update(&stage.messages), 0);
    check(&stage, there, 300);
    add(&stage, 3);
    add(&stage, 399);
    there[3] = there[399] = true;
    hand_over(&stage);
    assert_int_equal(message_datasets_update(&stage.messages), 0);
    check(&stage, there, 400);
    end(&stage);
}

static int prepare(void **unused)
{
    return blosc_filter_register() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_in_any_order_end_in_their_rows),
        cmocka_unit_test(a_flush_shows_what_there_is_and_holes_stay_holes),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
