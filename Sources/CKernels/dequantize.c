// Block formats as listed in the GGUF specification; little-endian hosts only, like the formats.
#include <string.h>

#include "CKernels.h"
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

void sk_dequantize_f32(const uint8_t *source, float *target, intptr_t count) {
    memcpy(target, source, (size_t)count * sizeof(float));
}

SK_CLONES void sk_dequantize_f16(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t i = 0; i < count; i++) target[i] = half_value(load16(source + 2 * i));
}

SK_CLONES void sk_dequantize_bf16(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)load16(source + 2 * i) << 16;
        memcpy(target + i, &bits, sizeof bits);
    }
}

SK_CLONES void sk_dequantize_q4_0(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 18, target += 32) {
        float d = half_value(load16(source));
        for (int i = 0; i < 16; i++) {
            target[i] = d * (float)((int)(source[2 + i] & 15) - 8);
            target[16 + i] = d * (float)((int)(source[2 + i] >> 4) - 8);
        }
    }
}

SK_CLONES void sk_dequantize_q4_1(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 20, target += 32) {
        float d = half_value(load16(source));
        float m = half_value(load16(source + 2));
        for (int i = 0; i < 16; i++) {
            target[i] = d * (float)(source[4 + i] & 15) + m;
            target[16 + i] = d * (float)(source[4 + i] >> 4) + m;
        }
    }
}

SK_CLONES void sk_dequantize_q8_0(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 34, target += 32) {
        float d = half_value(load16(source));
        for (int i = 0; i < 32; i++) target[i] = d * (float)(int8_t)source[2 + i];
    }
}
