// Block formats as listed in the GGUF specification; little-endian hosts only, like the formats.
#include <string.h>

#include "CKernels.h"
#include "clones.h"
#include "stored.h"

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

SK_CLONES void sk_dequantize_q5_0(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 22, target += 32) {
        float d = half_value(load16(source));
        uint32_t high = load32(source + 2);
        for (int i = 0; i < 16; i++) {
            uint32_t low = source[6 + i];
            target[i] = d * (float)((int)((low & 15) | (high >> i & 1) << 4) - 16);
            target[16 + i] = d * (float)((int)(low >> 4 | (high >> (16 + i) & 1) << 4) - 16);
        }
    }
}

SK_CLONES void sk_dequantize_q5_1(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 24, target += 32) {
        float d = half_value(load16(source));
        float m = half_value(load16(source + 2));
        uint32_t high = load32(source + 4);
        for (int i = 0; i < 16; i++) {
            uint32_t low = source[8 + i];
            target[i] = d * (float)(int)((low & 15) | (high >> i & 1) << 4) + m;
            target[16 + i] = d * (float)(int)(low >> 4 | (high >> (16 + i) & 1) << 4) + m;
        }
    }
}

SK_CLONES void sk_dequantize_q8_0(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 32; block++, source += 34, target += 32) {
        float d = half_value(load16(source));
        for (int i = 0; i < 32; i++) target[i] = d * (float)(int8_t)source[2 + i];
    }
}
