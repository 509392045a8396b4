// One copy of a function per instruction set, chosen by the loader.
#ifndef STARLING_CLONES_H
#define STARLING_CLONES_H

#if defined(__x86_64__) && defined(__linux__)
#define SK_CLONES __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define SK_CLONES
#endif

#define SK_INLINE static inline __attribute__((always_inline))

// Lets sums be split over vector lanes and products be fused in the enclosing block.
#define SK_FAST _Pragma("clang fp reassociate(on) contract(fast)")

#endif
