#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "processing/run/given_maps.h"
#include "processing/run/run_products.h"
#include "processing/tables/column_table.h"
#include "tests/unit/processing/frames.h"

enum { NY = 3, NX = 4, N = NY * NX };

static const struct given_map two[] = {
    {"one", MAP_DTYPE_F64, "nm", "first"},
    {"two", MAP_DTYPE_U64, "", "second"},
};

static struct run *run_of(unsigned n_layers)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = frame_format(16, 16, 1);
    const struct run_frames frames = {.format = &format, .n_layers = n_layers};
    struct run *run = NULL;
    struct error error;
    plan->scan = (struct scan_geometry){.order = SCAN_ORDER_SERPENTINE, .ny = NY, .nx = NX};
    assert_int_equal(run_create(&run, plan, &frames, 1, &error), 0);
    acquisition_plan_unref(plan);
    return run;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static struct product *give(struct run *run, const struct given_map *maps, const char *provenance)
{
    struct error error = {0};
    struct product *const product = given_maps_home(run, maps, 2, provenance, &error);
    assert_non_null(product);
    return product;
}

static void values_are_seen_where_their_exposures_are(void **unused)
{
    struct run *const run = run_of(1);
    struct error error;
    struct product *const product = give(run, two, "{}");
    double one[N];
    uint64_t second[N];
    uint8_t measured[N];
    assert_true(given_maps_put(product, 4, (const uint64_t[]){bits_of(2.5), 7}, 3));
    assert_true(given_maps_put(product, 5, (const uint64_t[]){bits_of(1.5), 8}, 2));
    assert_null(given_maps_find(run, "one"));
    assert_int_equal(given_maps_show(run, product, &error), 0);
    unsigned which;
    assert_ptr_equal(run_find_map(run, "two", &which), product);
    run_map_positions(run, run_scan(run), product, 0, 0, N, one, measured);
    /* The second line goes backwards. */
    for (int i = 0; i < N; i++) {
        assert_int_equal(measured[i], i == 7);
        assert_true(i == 7 ? one[i] == 2.5 : isnan(one[i]));
    }
    run_map_positions(run, run_scan(run), product, 1, 0, N, second, measured);
    for (int i = 0; i < N; i++) {
        assert_int_equal(measured[i], i == 7 || i == 6);
        assert_int_equal(second[i], i == 7 ? 7 : i == 6 ? 8 : 0);
    }
    run_unref(run);
}

static void the_same_maps_are_replaced_in_their_product_and_others_get_another(void **unused)
{
    struct run *const run = run_of(1);
    struct error error;
    struct product *const first = give(run, two, "{\"n\": 1}");
    assert_true(given_maps_put(first, 0, (const uint64_t[]){bits_of(1), 1}, 3));
    assert_int_equal(given_maps_show(run, first, &error), 0);
    const uint32_t version = run_set(run)->version;
    assert_ptr_equal(give(run, two, "{\"n\": 2}"), first);
    assert_int_equal(given_maps_show(run, first, &error), 0);
    assert_int_equal(run_set(run)->version, version);
    assert_int_equal(atomic_load(&first->given->revision), 2);
    char *const provenance = given_maps_provenance(first);
    assert_string_equal(provenance, "{\"n\": 2}");
    free(provenance);
    uint8_t measured[N];
    double values[N];
    run_map_positions(run, run_scan(run), first, 0, 0, N, values, measured);
    assert_int_equal(measured[0], 0); /* the values of before are gone */

    struct given_map other[2] = {two[0], two[1]};
    other[0].units = "m";
    struct product *const second = give(run, other, "{}");
    assert_ptr_not_equal(second, first);
    const unsigned before = run_set(run)->n;
    assert_int_equal(given_maps_show(run, second, &error), 0);
    assert_int_equal(run_set(run)->n, before);
    assert_ptr_equal(given_maps_find(run, "two"), second);
    run_unref(run);
}

static void in_a_run_of_two_layers_it_belongs_to_none(void **unused)
{
    struct run *const run = run_of(2);
    struct error error;
    unsigned which;
    struct product *const product = give(run, two, "{}");
    assert_int_equal(given_maps_show(run, product, &error), 0);
    assert_string_equal(product->maps[0].name, "one");
    assert_ptr_equal(run_find_map(run, "one", &which), product);
    assert_null(run_find_map(run, "e", &which));
    assert_non_null(run_find_map(run, "com_y", &which));
    run_unref(run);
}

/* ---- while somebody looks ---- */

struct looking {
    const struct run *run;
    struct product *product;
    _Atomic bool done;
    uint64_t torn;
};

/* Both maps have the same number at a position, as long as one row is seen whole. */
static void *look(void *data)
{
    struct looking *const looking = data;
    while (!atomic_load(&looking->done)) {
        for (uint64_t i = 0; i < N; i++) {
            uint64_t columns[3];
            if (column_table_get(looking->product->columns, i, columns))
                looking->torn += columns[0] != columns[1] || columns[2] != columns[0] % 4;
        }
    }
    return NULL;
}

static void a_reader_sees_whole_rows(void **unused)
{
    struct run *const run = run_of(1);
    struct looking looking = {.run = run, .product = give(run, two, "{}")};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, look, &looking), 0);
    for (uint64_t n = 0; n < 2000; n++) {
        for (uint64_t i = 0; i < N; i++)
            assert_true(
                given_maps_put(looking.product, i, (const uint64_t[]){n + i, n + i}, (n + i) % 4));
    }
    atomic_store(&looking.done, true);
    pthread_join(thread, NULL);
    assert_int_equal(looking.torn, 0);
    struct error error;
    assert_int_equal(given_maps_show(run, looking.product, &error), 0);
    run_unref(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_seen_where_their_exposures_are),
        cmocka_unit_test(the_same_maps_are_replaced_in_their_product_and_others_get_another),
        cmocka_unit_test(in_a_run_of_two_layers_it_belongs_to_none),
        cmocka_unit_test(a_reader_sees_whole_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
