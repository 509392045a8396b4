// One copy of a function per instruction set, chosen by the loader: the psABI's levels 3 (AVX2, FMA)
// and 4 (AVX-512 F, BW, CD, DQ, VL). A level is what the processor can do; naming a model instead
// would choose by who made it.
#ifndef STARLING_CLONES_H
#define STARLING_CLONES_H

#if defined(__x86_64__) && defined(__linux__)
#define SK_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define SK_CLONES
#endif

#define SK_INLINE static inline __attribute__((always_inline))

// Lets sums be split over vector lanes and products be fused in the enclosing block.
#define SK_FAST _Pragma("clang fp reassociate(on) contract(fast)")

#endif
