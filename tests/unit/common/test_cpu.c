#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/cpu.h"

static void each_instruction_set_has_its_name(void **unused)
{
    assert_string_equal(cpu_isa_name(CPU_ISA_PLAIN), "plain");
    assert_string_equal(cpu_isa_name(CPU_ISA_AVX2), "avx2");
    assert_string_equal(cpu_isa_name(CPU_ISA_AVX512), "avx512");
}

static void the_environment_lowers_the_choice(void **unused)
{
    unsetenv("MERLIND_ISA");
    const enum cpu_isa best = cpu_isa_best();
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= CPU_ISA_AVX512; isa++) {
        setenv("MERLIND_ISA", cpu_isa_name(isa), 1);
        assert_int_equal(cpu_isa_best(), isa <= best ? isa : best);
    }
    unsetenv("MERLIND_ISA");
}

static void an_unknown_name_in_the_environment_changes_nothing(void **unused)
{
    unsetenv("MERLIND_ISA");
    const enum cpu_isa best = cpu_isa_best();
    setenv("MERLIND_ISA", "mmx", 1);
    assert_int_equal(cpu_isa_best(), best);
    unsetenv("MERLIND_ISA");
}

static void only_the_cpus_of_the_affinity_mask_are_counted(void **unused)
{
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(cpu_count_available(), CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(cpu_count_available(), 1);
    sched_setaffinity(0, sizeof before, &before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_instruction_set_has_its_name),
        cmocka_unit_test(the_environment_lowers_the_choice),
        cmocka_unit_test(an_unknown_name_in_the_environment_changes_nothing),
        cmocka_unit_test(only_the_cpus_of_the_affinity_mask_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
