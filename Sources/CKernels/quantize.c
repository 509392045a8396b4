// Round-to-nearest encoders of the formats of 32 elements and of the short floats. The steps are
// those of ggml's reference quantisers, operation by operation in Float32, so that the bytes are
// the same: one scale per block from its extremes, and codes rounded half up.
#include <math.h>

#include "CKernels.h"
#include "clones.h"
#include "stored.h"

// `value` within 0...most as an integer, its fraction cut off; 0 where it is not a number.
SK_INLINE uint32_t code(float value, float most) {
    value = value > 0 ? value : 0;
    return (uint32_t)(value < most ? value : most);
}

// 1 / d, or 0 where d is 0 or so small that its inverse is infinite.
SK_INLINE float inverse(float d) {
    float result = d == 0 ? 0 : 1 / d;
    return isfinite(result) ? result : 0;
}

// The first value of the largest magnitude.
SK_INLINE float extreme(const float *x) {
    float largest = fabsf(x[0]), result = x[0];
    for (int i = 1; i < 32; i++) {
        float magnitude = fabsf(x[i]);
        if (magnitude > largest) {
            largest = magnitude;
            result = x[i];
        }
    }
    return result;
}

SK_INLINE void range(const float *x, float *least, float *most) {
    *least = *most = x[0];
    for (int i = 1; i < 32; i++) {
        *least = x[i] < *least ? x[i] : *least;
        *most = x[i] > *most ? x[i] : *most;
    }
}

// The lower four bits of 32 codes as 16 bytes, and the fifth bits if `high` is not null.
SK_INLINE void pack(const uint32_t *codes, uint8_t *low, uint8_t *high) {
    for (int i = 0; i < 16; i++)
        low[i] = (uint8_t)((codes[i] & 15) | (codes[16 + i] & 15) << 4);
    if (!high) return;
    uint32_t bits = 0;
    for (int i = 0; i < 32; i++) bits |= (codes[i] >> 4 & 1) << i;
    memcpy(high, &bits, sizeof bits);
}

void sk_quantize_f32(const float *source, uint8_t *target, intptr_t count) {
    memcpy(target, source, (size_t)count * sizeof(float));
}

SK_CLONES void sk_quantize_f16(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t i = 0; i < count; i++) store16(target + 2 * i, half_bits(source[i]));
}

SK_CLONES void sk_quantize_bf16(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t i = 0; i < count; i++) {
        uint32_t bits = float_bits(source[i]);
        uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
        // Rounding could turn a NaN into an infinity; it keeps its upper bits and becomes quiet.
        uint32_t quiet = bits >> 16 | 64;
        store16(target + 2 * i, (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded));
    }
}

// The extreme becomes the most negative code, so that all codes of two's complement are used.
SK_INLINE float symmetric(const float *x, float levels, uint32_t *codes) {
    float d = extreme(x) / -levels, factor = inverse(d);
    for (int i = 0; i < 32; i++) codes[i] = code(x[i] * factor + (levels + 0.5f), 2 * levels - 1);
    return d;
}

// The least value becomes code 0 and the largest the last one.
SK_INLINE float affine(const float *x, float last, uint32_t *codes, float *least) {
    float most;
    range(x, least, &most);
    float d = (most - *least) / last, factor = inverse(d);
    for (int i = 0; i < 32; i++) codes[i] = code((x[i] - *least) * factor + 0.5f, last);
    return d;
}

SK_CLONES void sk_quantize_q4_0(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 32, target += 18) {
        uint32_t codes[32];
        store16(target, half_bits(symmetric(source, 8, codes)));
        pack(codes, target + 2, 0);
    }
}

SK_CLONES void sk_quantize_q4_1(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 32, target += 20) {
        uint32_t codes[32];
        float least;
        store16(target, half_bits(affine(source, 15, codes, &least)));
        store16(target + 2, half_bits(least));
        pack(codes, target + 4, 0);
    }
}

SK_CLONES void sk_quantize_q5_0(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 32, target += 22) {
        uint32_t codes[32];
        store16(target, half_bits(symmetric(source, 16, codes)));
        pack(codes, target + 6, target + 2);
    }
}

SK_CLONES void sk_quantize_q5_1(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 32, target += 24) {
        uint32_t codes[32];
        float least;
        store16(target, half_bits(affine(source, 31, codes, &least)));
        store16(target + 2, half_bits(least));
        pack(codes, target + 8, target + 4);
    }
}

SK_CLONES void sk_quantize_q8_0(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 32, target += 34) {
        float d = fabsf(extreme(source)) / 127, factor = inverse(d);
        store16(target, half_bits(d));
        for (int i = 0; i < 32; i++) {
            // Half away from zero; the sum's own rounding must not carry 0.5 - 2^-25 up.
            float value = source[i] * factor, whole = floorf(fabsf(value));
            int magnitude = (int)code(whole + floorf(2 * (fabsf(value) - whole)), 127);
            target[2 + i] = (uint8_t)(int8_t)(value < 0 ? -magnitude : magnitude);
        }
    }
}
