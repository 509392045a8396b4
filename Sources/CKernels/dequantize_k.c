// The block formats of 256 elements; ElementType.swift has their layouts.
#include "CKernels.h"
#include "clones.h"
#include "stored.h"

SK_CLONES void sk_dequantize_q4_k(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 256; block++, source += 144) {
        float d = half_value(load16(source));
        float e = half_value(load16(source + 2));
        for (int group = 0; group < 8; group++, target += 32) {
            const uint8_t *values = source + 16 + group / 2 * 32;
            int shift = group % 2 * 4;
            int scale, minimum;
            load_scale_minimum(source + 4, group, &scale, &minimum);
            float factor = d * (float)scale, offset = e * (float)minimum;
            for (int i = 0; i < 32; i++)
                target[i] = factor * (float)(values[i] >> shift & 15) - offset;
        }
    }
}

SK_CLONES void sk_dequantize_q5_k(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 256; block++, source += 176) {
        float d = half_value(load16(source));
        float e = half_value(load16(source + 2));
        const uint8_t *high = source + 16;
        for (int group = 0; group < 8; group++, target += 32) {
            const uint8_t *values = source + 48 + group / 2 * 32;
            int shift = group % 2 * 4;
            int scale, minimum;
            load_scale_minimum(source + 4, group, &scale, &minimum);
            float factor = d * (float)scale, offset = e * (float)minimum;
            for (int i = 0; i < 32; i++) {
                int value = (values[i] >> shift & 15) | (high[i] >> group & 1) << 4;
                target[i] = factor * (float)value - offset;
            }
        }
    }
}

SK_CLONES void sk_dequantize_q6_k(const uint8_t *source, float *target, intptr_t count) {
    for (intptr_t block = 0; block < count / 256; block++, source += 210) {
        float d = half_value(load16(source + 208));
        for (int part = 0; part < 8; part++, target += 32) {
            const uint8_t *low = source + part / 4 * 64 + part % 2 * 32;
            const uint8_t *high = source + 128 + part / 4 * 32;
            const uint8_t *scales = source + 192 + 2 * part;
            int low_shift = part % 4 / 2 * 4, high_shift = part % 4 * 2;
            float factors[2] = {d * (float)(int8_t)scales[0], d * (float)(int8_t)scales[1]};
            for (int i = 0; i < 32; i++) {
                int value = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
                target[i] = factors[i / 16] * (float)(value - 32);
            }
        }
    }
}
