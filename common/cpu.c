#include "common/cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static enum cpu_isa isa_of_processor(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vpopcntdq"))
        return CPU_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2"))
        return CPU_ISA_AVX2;
#endif
    return CPU_ISA_PLAIN;
}

enum cpu_isa cpu_isa_best(void)
{
    const enum cpu_isa available = isa_of_processor();
    const char *const wanted = getenv("MERLIND_ISA");
    if (!wanted)
        return available;
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= available; isa++) {
        if (strcmp(wanted, cpu_isa_name(isa)) == 0)
            return isa;
    }
    return available;
}

const char *cpu_isa_name(enum cpu_isa isa)
{
    switch (isa) {
    case CPU_ISA_AVX512:
        return "avx512";
    case CPU_ISA_AVX2:
        return "avx2";
    case CPU_ISA_PLAIN:
        break;
    }
    return "plain";
}

unsigned cpu_count_available(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    const int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}
