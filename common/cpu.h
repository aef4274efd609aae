#pragma once

/*
 * Which instruction set the tuned kernels may use. Chosen once at start from what the processor
 * has, capped by the environment variable MERLIND_ISA (`plain`, `avx2`, `avx512`) so that tests can
 * run every version on one machine.
 */
enum cpu_isa { CPU_ISA_PLAIN, CPU_ISA_AVX2, CPU_ISA_AVX512 };

/* The best set that this processor has (AVX512 means F, BW, DQ, VL, VNNI, VBMI, VBMI2 and
 * VPOPCNTDQ: Ice Lake, Zen 4 and later) and MERLIND_ISA allows. */
enum cpu_isa cpu_isa_best(void);

const char *cpu_isa_name(enum cpu_isa isa);

/* CPUs that this process may run on (affinity mask), at least 1. */
unsigned cpu_count_available(void);
