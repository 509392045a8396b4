// Rows whose elements are Float32 or bfloat16, the upper half of a Float32. `half` is a constant at
// every call, so each loop is compiled for its own types.
#ifndef STARLING_ELEMENTS_H
#define STARLING_ELEMENTS_H

#include <stdint.h>
#include <string.h>

#include "clones.h"

SK_INLINE float sk_from_bf16(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

// Rounds to the nearest value, to the even one of two; not-a-number stays one.
SK_INLINE uint16_t sk_to_bf16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FC0u : rounded);
}

SK_INLINE float sk_load(const void *x, intptr_t i, int half) {
    return half ? sk_from_bf16(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

SK_INLINE void sk_store(void *x, intptr_t i, float value, int half) {
    if (half) {
        ((uint16_t *)x)[i] = sk_to_bf16(value);
    } else {
        ((float *)x)[i] = value;
    }
}

// The place `count` elements further on.
SK_INLINE const void *sk_at(const void *x, intptr_t count, int half) {
    return (const char *)x + count * (half ? 2 : 4);
}

SK_INLINE void *sk_at_mutable(void *x, intptr_t count, int half) {
    return (char *)x + count * (half ? 2 : 4);
}

#endif
