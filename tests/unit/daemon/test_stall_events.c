#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/acquisition/stall_events.h"
#include "processing/run/run.h"

#define MS UINT64_C(1000000)
#define EPOCH (UINT64_C(1600000000) * 1000 * MS)

/* A run whose frames the test puts into the table, and what is told of it. */
struct story {
    struct run *run;
    uint64_t next, clock_ns;
    struct stall_events events;
    struct acquisition_observer observer;
    json_t *told;
};

static void on_event(void *data, const char *event, json_t *body)
{
    struct story *const story = data;
    assert_string_equal(event, "stall");
    assert_string_equal(json_string_value(json_object_get(body, "run")), story->run->plan->id);
    json_array_append_new(story->told, body);
}

static void begin(struct story *story, const char *hdr)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = {
        .height = 64, .width = 64, .pixel_size = 1, .image_size = 4096};
    const struct run_frames frames = {
        .format = &format,
        .n_layers = 1,
        .hdr = (const uint8_t *)hdr,
        .hdr_size = strlen(hdr),
    };
    struct error error;
    *story = (struct story){.clock_ns = EPOCH, .told = json_array()};
    story->observer = (struct acquisition_observer){.data = story, .event = on_event};
    plan->scan = (struct scan_geometry){.ny = 100, .nx = 100};
    assert_int_equal(run_create(&story->run, plan, &frames, 1, &error), 0);
    acquisition_plan_unref(plan);
}

static void expose(struct story *story, unsigned n, uint64_t exposure_ns)
{
    for (; n > 0; n--, story->clock_ns += exposure_ns) {
        struct frame_facts *const facts = frame_table_make(story->run->frames, story->next++);
        facts->timestamp_ns = story->clock_ns;
        facts->exposure_ns = exposure_ns;
        atomic_store(&facts->state, FRAME_RECEIVED);
    }
    frame_table_raise_end(story->run->frames, story->next);
}

static void look(struct story *story)
{
    stall_events_look(&story->events, &story->observer, story->run, false);
}

static void end(struct story *story)
{
    atomic_store(&story->run->pending, 0);
    stall_events_look(&story->events, &story->observer, story->run, true);
}

static void assert_told(const struct story *story, size_t i, int first, int last, double held_up_s,
                        const char *text)
{
    const json_t *const body = json_array_get(story->told, i);
    assert_non_null(body);
    assert_int_equal(json_integer_value(json_object_get(body, "first")), first);
    assert_int_equal(json_integer_value(json_object_get(body, "last")), last);
    const double held = json_real_value(json_object_get(body, "held_up_s"));
    assert_true(held > held_up_s - 1e-6 && held < held_up_s + 1e-6);
    assert_string_equal(json_string_value(json_object_get(body, "text")), text);
}

static void finish(struct story *story)
{
    json_decref(story->told);
    run_unref(story->run);
}

static const char line_triggered[] = "HDR,\t\r\nFrames in Acquisition (Number):\t10000\r\n"
                                     "Frames per Trigger (Number):\t100\r\n"
                                     "Trigger Start (Positive, Negative, Internal):\tPositive\r\n"
                                     "End\t";
static const char untriggered[] = "HDR,\t\r\nFrames in Acquisition (Number):\t10000\r\n"
                                  "Trigger Start (Positive, Negative, Internal):\tInternal\r\n"
                                  "End\t";

static void each_stall_is_told_once_as_it_is_found(void **state)
{
    struct story story;
    begin(&story, line_triggered);
    expose(&story, 30, MS);
    look(&story);
    assert_int_equal(json_array_size(story.told), 0);
    expose(&story, 1, 101 * MS);
    look(&story);
    look(&story);
    assert_int_equal(json_array_size(story.told), 1);
    assert_told(
        &story, 0, 31, 31, 0.1,
        "the detector was held up for 0.1 s at frame 31; scan positions may be shifted from "
        "frame 101");
    expose(&story, 50, MS);
    expose(&story, 2, 21 * MS);
    expose(&story, 50, MS);
    look(&story);
    assert_told(&story, 1, 82, 83, 0.04,
                "the detector was held up for 0.04 s at frames 82 to 83; scan positions may be "
                "shifted from frame 101");
    end(&story);
    assert_int_equal(json_array_size(story.told), 2);
    finish(&story);
}

static void of_many_stalls_a_few_are_told_and_how_many_more_there_were(void **state)
{
    struct story story;
    begin(&story, untriggered);
    expose(&story, 20, MS);
    for (int i = 0; i < 200; i++) {
        expose(&story, 1, 11 * MS);
        expose(&story, 6, MS);
    }
    look(&story);
    look(&story);
    assert_int_equal(json_array_size(story.told), 5);
    assert_told(&story, 4, 49, 49, 0.01, "the detector was held up for 0.01 s at frame 49");
    end(&story);
    assert_int_equal(json_array_size(story.told), 6);
    assert_told(&story, 5, 56, 1414, 1.95,
                "the detector was held up for 1.95 s at frame 56 and 194 more times up to frame "
                "1414");
    finish(&story);
}

static void those_that_were_kept_back_are_told_in_the_next_second(void **state)
{
    struct story story;
    begin(&story, untriggered);
    expose(&story, 20, MS);
    for (int i = 0; i < 7; i++) {
        expose(&story, 1, 11 * MS);
        expose(&story, 6, MS);
    }
    look(&story);
    assert_int_equal(json_array_size(story.told), 5);
    story.events.second_ns = 0; /* it is over */
    look(&story);
    assert_int_equal(json_array_size(story.told), 6);
    assert_told(&story, 5, 56, 63, 0.02,
                "the detector was held up for 0.02 s at frame 56 and 1 more time up to frame 63");
    end(&story);
    assert_int_equal(json_array_size(story.told), 6);
    finish(&story);
}

static void stalls_that_nobody_remembers_are_counted(void **state)
{
    struct story story;
    begin(&story, untriggered);
    expose(&story, 20, MS);
    for (int i = 0; i < 1200; i++) {
        expose(&story, 1, 11 * MS);
        expose(&story, 6, MS);
    }
    look(&story);
    end(&story);
    uint64_t n = 0;
    for (size_t i = 0; i < json_array_size(story.told); i++) {
        const char *const text =
            json_string_value(json_object_get(json_array_get(story.told, i), "text"));
        const char *const more = strstr(text, " and ");
        n += 1 + (more ? strtoul(more + 5, NULL, 10) : 0);
    }
    assert_int_equal(n, 1200);
    finish(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stall_is_told_once_as_it_is_found),
        cmocka_unit_test(of_many_stalls_a_few_are_told_and_how_many_more_there_were),
        cmocka_unit_test(those_that_were_kept_back_are_told_in_the_next_second),
        cmocka_unit_test(stalls_that_nobody_remembers_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
