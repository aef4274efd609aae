#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/processing/bragg_scene.h"

/* Which reflections are of one lattice, and which are there by chance. */

static struct scene scene;

static void open_scene(void)
{
    scene.glass = scene_glass(5, 3.4, 46);
    scene.settings = scene_settings(&scene.glass, 25);
    scene_learn(&scene, 40);
}

/* How many of ten patterns have a class, turned by 7 degrees each. */
static int count_class(const double *degrees, int n, enum bragg_class class)
{
    int found = 0;
    for (int i = 0; i < 10; i++) {
        double turned[PATTERN_DISKS];
        for (int k = 0; k < n; k++)
            turned[k] = degrees[k] + 7 * i;
        scene_put_disks(&scene, turned, n, 5);
        scene_classify(&scene, (uint64_t)i);
        assert_int_equal(scene.result.n_reflections, n);
        found += scene.result.class == class;
    }
    return found;
}

/* The third disk lies 6 pixels off -2 (g1 + g2), where it could be if the centre were off by 1.2
 * pixels. Points of that order are known so badly that any third disk lies near one. */
static void a_third_disk_near_a_point_of_high_order_makes_no_lattice(void **state)
{
    static const double degrees[] = {10, 104.5, 255.5};
    open_scene();
    assert_int_equal(count_class(degrees, 3, BRAGG_MULTIPLE), 10);
    scene_close(&scene);
}

static void three_disks_at_points_of_low_order_make_a_lattice(void **state)
{
    static const double with_partner[] = {10, 80, 190};
    static const double sum_of_two[] = {10, 70, 130};
    static const double without_partner[] = {10, 130, 250};
    open_scene();
    assert_int_equal(count_class(with_partner, 3, BRAGG_ON_AXIS), 10);
    assert_int_equal(count_class(sum_of_two, 3, BRAGG_ON_AXIS), 10);
    assert_int_equal(count_class(without_partner, 3, BRAGG_ON_AXIS), 10);
    scene_close(&scene);
}

/* With more disks a lattice is told although its points of high order are wide. */
static void disks_at_points_of_high_order_are_of_a_lattice_with_others(void **state)
{
    static const double degrees[] = {0, 104.5, 255.5, 75.5, 284.5};
    open_scene();
    assert_int_equal(count_class(degrees, 5, BRAGG_ON_AXIS), 10);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_third_disk_near_a_point_of_high_order_makes_no_lattice),
        cmocka_unit_test(three_disks_at_points_of_low_order_make_a_lattice),
        cmocka_unit_test(disks_at_points_of_high_order_are_of_a_lattice_with_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
