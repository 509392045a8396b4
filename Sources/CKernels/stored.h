// Numbers of stored tensors; little-endian hosts only, like the formats.
#ifndef STARLING_STORED_H
#define STARLING_STORED_H

#include <stdint.h>
#include <string.h>

#include "clones.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "stored tensors are little-endian"
#endif

// binary16 to binary32 without a branch on vector lanes: normal numbers move their exponent by
// 112; subnormal ones are an integer times 2^-24; infinities and NaN keep an exponent of ones.
SK_INLINE float half_value(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 31u;
    uint32_t mantissa = h & 0x3FFu;
    uint32_t normal = ((exponent + 112) << 23) | (mantissa << 13);
    float small = (float)mantissa * 5.9604644775390625e-8f;
    uint32_t subnormal;
    memcpy(&subnormal, &small, sizeof subnormal);
    uint32_t special = 0x7F800000u | (mantissa << 13);
    uint32_t bits = exponent == 0 ? subnormal : exponent == 31 ? special : normal;
    bits |= sign;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

SK_INLINE uint16_t load16(const uint8_t *source) {
    uint16_t value;
    memcpy(&value, source, sizeof value);
    return value;
}

SK_INLINE uint32_t load32(const uint8_t *source) {
    uint32_t value;
    memcpy(&value, source, sizeof value);
    return value;
}

// The 6-bit scale and minimum of one of the 8 groups of a Q4_K or Q5_K block.
SK_INLINE void load_scale_minimum(const uint8_t *packed, int group, int *scale, int *minimum) {
    if (group < 4) {
        *scale = packed[group] & 63;
        *minimum = packed[group + 4] & 63;
    } else {
        *scale = (packed[group + 4] & 15) | packed[group - 4] >> 6 << 4;
        *minimum = packed[group + 4] >> 4 | packed[group] >> 6 << 4;
    }
}

SK_INLINE void store16(uint8_t *target, uint16_t value) { memcpy(target, &value, sizeof value); }

SK_INLINE uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// binary32 to binary16, to nearest with ties to even; what is too large becomes infinite.
SK_INLINE uint16_t half_bits(float value) {
    uint32_t bits = float_bits(value);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    bits &= 0x7FFFFFFFu;
    if (bits >= 0x47800000u) return sign | (bits > 0x7F800000u ? 0x7E00u : 0x7C00u);
    if (bits < 0x38800000u) {
        // Neighbours of 0.5 lie 2^-24 apart, as binary16's subnormal numbers do.
        float shifted;
        memcpy(&shifted, &bits, sizeof shifted);
        shifted += 0.5f;
        return sign | (uint16_t)(float_bits(shifted) - 0x3F000000u);
    }
    return sign | (uint16_t)((bits - (112u << 23) + 0xFFFu + (bits >> 13 & 1)) >> 13);
}

#endif
