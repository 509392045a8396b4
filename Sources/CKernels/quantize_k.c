// Encoders of the formats of 256 elements: a search for the scales and minima with the least sum of
// squared errors. ElementType.swift has the layouts.
//
// A group is first fitted by itself: several widths of the code range are tried, each followed by
// the least-squares scale and minimum for the codes that it gives. Then all groups of a block share
// binary16 units for their short scales, which are fitted in turn: short scales to the units, codes
// to both, and units to the codes. Nothing of this is in the format; a decoder sees only the result.
#include <math.h>

#include "CKernels.h"
#include "clones.h"
#include "stored.h"

enum { groups_q45 = 8, length_q45 = 32, groups_q6 = 16, length_q6 = 16, rounds = 3 };

// To the nearest integer, for magnitudes below 2^22: adding 1.5 * 2^23 leaves no fraction.
SK_INLINE float nearest(float value) { return (value + 12582912.0f) - 12582912.0f; }

// Not a number becomes `least`.
SK_INLINE float clamp(float value, float least, float most) {
    value = value > least ? value : least;
    return value < most ? value : most;
}

// Sums are split over eight lanes by hand, so that every instruction set gives the same bytes.
enum { lanes = 8 };

SK_INLINE float total(const float *sums) {
    float even = (sums[0] + sums[4]) + (sums[2] + sums[6]);
    float odd = (sums[1] + sums[5]) + (sums[3] + sums[7]);
    return even + odd;
}

SK_INLINE float finite_inverse(float value) {
    float result = value == 0 ? 0 : 1 / value;
    return isfinite(result) ? result : 0;
}

// Codes of x for x ~ d q - m; returns the squared error.
SK_INLINE float encode_affine(const float *x, float d, float m, float last, float *codes) {
    float factor = finite_inverse(d), errors[lanes] = {0};
    for (int i = 0; i < length_q45; i++) {
        codes[i] = nearest(clamp((x[i] + m) * factor, 0, last));
        float difference = x[i] - (d * codes[i] - m);
        errors[i % lanes] += difference * difference;
    }
    return total(errors);
}

// The least-squares d and m >= 0 for given codes; unchanged where the codes are all the same.
SK_INLINE void fit_affine(const float *x, const float *codes, float *d, float *m) {
    float x_sums[lanes] = {0}, q_sums[lanes] = {0}, qq_sums[lanes] = {0}, xq_sums[lanes] = {0};
    for (int i = 0; i < length_q45; i++) {
        x_sums[i % lanes] += x[i];
        q_sums[i % lanes] += codes[i];
        qq_sums[i % lanes] += codes[i] * codes[i];
        xq_sums[i % lanes] += x[i] * codes[i];
    }
    float sum_x = total(x_sums), sum_q = total(q_sums);
    float sum_qq = total(qq_sums), sum_xq = total(xq_sums);
    float determinant = length_q45 * sum_qq - sum_q * sum_q;
    if (!(determinant > 0)) return;
    float slope = (length_q45 * sum_xq - sum_q * sum_x) / determinant;
    float minimum = (slope * sum_q - sum_x) / length_q45;
    if (minimum < 0) {
        minimum = 0;
        slope = sum_xq / sum_qq;
    }
    if (!(slope > 0) || !isfinite(slope) || !isfinite(minimum)) return;
    *d = slope;
    *m = minimum;
}

// The best d and m of one group.
SK_INLINE void search_affine(const float *x, float last, float *d, float *m) {
    float least = 0, most = 0, codes[length_q45];
    for (int i = 0; i < length_q45; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    *d = (most - least) / last;
    *m = -least;
    float best = encode_affine(x, *d, *m, last, codes);
    for (int step = -10; step <= 10 && best > 0; step++) {
        float scale = (most - least) / (last + 0.1f * (float)step), minimum = -least;
        encode_affine(x, scale, minimum, last, codes);
        fit_affine(x, codes, &scale, &minimum);
        float error = encode_affine(x, scale, minimum, last, codes);
        if (error < best) {
            best = error;
            *d = scale;
            *m = minimum;
        }
    }
}

// What a Q4_K or Q5_K block is made of.
struct affine_block {
    uint16_t d, e;
    float scales[groups_q45], minima[groups_q45];
    float codes[groups_q45 * length_q45];
};

// Short scales, minima and codes for the units of a block; returns the squared error. Every group
// starts from its nearest short numbers and takes a neighbour where that is better.
SK_INLINE float encode_groups(
    const float *x, const float *scales, const float *minima, float last,
    struct affine_block *block) {
    float d = half_value(block->d), e = half_value(block->e), sum = 0;
    for (int group = 0; group < groups_q45; group++) {
        float scale = nearest(clamp(scales[group] * finite_inverse(d), 0, 63));
        float minimum = nearest(clamp(minima[group] * finite_inverse(e), 0, 63));
        float best = INFINITY, codes[length_q45];
        for (int step = 0; step < 9; step++) {
            float s = scale + (float)(step % 3 - 1), m = minimum + (float)(step / 3 - 1);
            if (s < 0 || s > 63 || m < 0 || m > 63) continue;
            float error = encode_affine(x + group * length_q45, d * s, e * m, last, codes);
            if (error < best) {
                best = error;
                block->scales[group] = s;
                block->minima[group] = m;
                memcpy(block->codes + group * length_q45, codes, sizeof codes);
            }
        }
        sum += best;
    }
    return sum;
}

// The least-squares units for given short numbers and codes: x ~ d (s q) - e m.
SK_INLINE void fit_units(const float *x, struct affine_block *block) {
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    for (int i = 0; i < groups_q45 * length_q45; i++) {
        double a = (double)block->scales[i / length_q45] * (double)block->codes[i];
        double b = -(double)block->minima[i / length_q45];
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ax += a * (double)x[i];
        bx += b * (double)x[i];
    }
    double determinant = aa * bb - ab * ab;
    double d = determinant > 0 ? (ax * bb - bx * ab) / determinant : aa > 0 ? ax / aa : 0;
    double e = determinant > 0 ? (bx * aa - ax * ab) / determinant : 0;
    if (d >= 0 && d < 65504 && e >= 0 && e < 65504) {
        block->d = half_bits((float)d);
        block->e = half_bits((float)e);
    }
}

SK_INLINE void search_affine_block(const float *x, float last, struct affine_block *best) {
    float scales[groups_q45], minima[groups_q45], largest_scale = 0, largest_minimum = 0;
    for (int group = 0; group < groups_q45; group++) {
        search_affine(x + group * length_q45, last, scales + group, minima + group);
        largest_scale = scales[group] > largest_scale ? scales[group] : largest_scale;
        largest_minimum = minima[group] > largest_minimum ? minima[group] : largest_minimum;
    }
    struct affine_block block = {.d = half_bits(largest_scale / 63)};
    block.e = half_bits(largest_minimum / 63);
    float error = encode_groups(x, scales, minima, last, &block);
    *best = block;
    for (int round = 0; round < rounds && error > 0; round++) {
        fit_units(x, &block);
        float d = half_value(block.d), e = half_value(block.e);
        for (int group = 0; group < groups_q45; group++) {
            scales[group] = d * block.scales[group];
            minima[group] = e * block.minima[group];
        }
        float other = encode_groups(x, scales, minima, last, &block);
        if (!(other < error)) break;
        error = other;
        *best = block;
    }
}

SK_INLINE void pack_scales(const struct affine_block *block, uint8_t *packed) {
    for (int group = 0; group < 4; group++) {
        int s = (int)block->scales[group], m = (int)block->minima[group];
        int upper_s = (int)block->scales[group + 4], upper_m = (int)block->minima[group + 4];
        packed[group] = (uint8_t)(s | upper_s >> 4 << 6);
        packed[group + 4] = (uint8_t)(m | upper_m >> 4 << 6);
        packed[group + 8] = (uint8_t)((upper_s & 15) | (upper_m & 15) << 4);
    }
}

// The lower four bits of the codes: each 32 bytes have two groups.
SK_INLINE void pack_low(const float *codes, uint8_t *target) {
    for (int pair = 0; pair < groups_q45 / 2; pair++, codes += 2 * length_q45)
        for (int i = 0; i < length_q45; i++)
            *target++ = (uint8_t)(((int)codes[i] & 15) | ((int)codes[length_q45 + i] & 15) << 4);
}

SK_CLONES void sk_quantize_q4_k(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t index = 0; index < count / 256; index++, source += 256, target += 144) {
        struct affine_block block;
        search_affine_block(source, 15, &block);
        store16(target, block.d);
        store16(target + 2, block.e);
        pack_scales(&block, target + 4);
        pack_low(block.codes, target + 16);
    }
}

SK_CLONES void sk_quantize_q5_k(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t index = 0; index < count / 256; index++, source += 256, target += 176) {
        struct affine_block block;
        search_affine_block(source, 31, &block);
        store16(target, block.d);
        store16(target + 2, block.e);
        pack_scales(&block, target + 4);
        for (int i = 0; i < length_q45; i++) {
            int bits = 0;
            for (int group = 0; group < groups_q45; group++)
                bits |= ((int)block.codes[group * length_q45 + i] >> 4) << group;
            target[16 + i] = (uint8_t)bits;
        }
        pack_low(block.codes, target + 48);
    }
}

// Codes -32...31 of x for x ~ d q; returns the squared error.
SK_INLINE float encode_signed(const float *x, float d, float *codes) {
    float factor = finite_inverse(d), errors[lanes] = {0};
    for (int i = 0; i < length_q6; i++) {
        codes[i] = nearest(clamp(x[i] * factor, -32, 31));
        float difference = x[i] - d * codes[i];
        errors[i % lanes] += difference * difference;
    }
    return total(errors);
}

// The best d of one group; either sign, since -32 has no partner.
SK_INLINE float search_signed(const float *x) {
    float extreme = 0, codes[length_q6];
    for (int i = 0; i < length_q6; i++) extreme = fabsf(x[i]) > fabsf(extreme) ? x[i] : extreme;
    float result = extreme / -32, best = encode_signed(x, result, codes);
    for (int step = -10; step <= 10 && best > 0; step++) {
        float d = extreme / (-32 + 0.1f * (float)step), products = 0, squares = 0;
        encode_signed(x, d, codes);
        for (int i = 0; i < length_q6; i++) {
            products += x[i] * codes[i];
            squares += codes[i] * codes[i];
        }
        float fitted = squares > 0 ? products / squares : d;
        float error = encode_signed(x, fitted, codes);
        if (error < best) {
            best = error;
            result = fitted;
        }
    }
    return result;
}

// What a Q6_K block is made of.
struct signed_block {
    uint16_t d;
    float scales[groups_q6];
    float codes[groups_q6 * length_q6];
};

// As encode_groups.
SK_INLINE float encode_signed_groups(
    const float *x, const float *scales, struct signed_block *block) {
    float d = half_value(block->d), sum = 0;
    for (int group = 0; group < groups_q6; group++) {
        float scale = nearest(clamp(scales[group] * finite_inverse(d), -128, 127));
        float best = INFINITY, codes[length_q6];
        for (int step = -1; step <= 1; step++) {
            float s = scale + (float)step;
            if (s < -128 || s > 127) continue;
            float error = encode_signed(x + group * length_q6, d * s, codes);
            if (error < best) {
                best = error;
                block->scales[group] = s;
                memcpy(block->codes + group * length_q6, codes, sizeof codes);
            }
        }
        sum += best;
    }
    return sum;
}

SK_INLINE void search_signed_block(const float *x, struct signed_block *best) {
    float scales[groups_q6], largest = 0;
    for (int group = 0; group < groups_q6; group++) {
        scales[group] = search_signed(x + group * length_q6);
        largest = fabsf(scales[group]) > fabsf(largest) ? scales[group] : largest;
    }
    struct signed_block block = {.d = half_bits(largest / -128)};
    float error = encode_signed_groups(x, scales, &block);
    *best = block;
    for (int round = 0; round < rounds && error > 0; round++) {
        double products = 0, squares = 0;
        for (int i = 0; i < 256; i++) {
            double a = (double)block.scales[i / length_q6] * (double)block.codes[i];
            products += a * (double)x[i];
            squares += a * a;
        }
        double d = squares > 0 ? products / squares : 0;
        if (!(fabs(d) < 65504)) break;
        block.d = half_bits((float)d);
        for (int group = 0; group < groups_q6; group++)
            scales[group] = half_value(block.d) * block.scales[group];
        float other = encode_signed_groups(x, scales, &block);
        if (!(other < error)) break;
        error = other;
        *best = block;
    }
}

SK_CLONES void sk_quantize_q6_k(const float *source, uint8_t *target, intptr_t count) {
    for (intptr_t index = 0; index < count / 256; index++, source += 256, target += 210) {
        struct signed_block block;
        search_signed_block(source, &block);
        memset(target, 0, 192);
        for (int i = 0; i < 256; i++) {
            int value = (int)block.codes[i] + 32, part = i / 32 % 4, half = i / 128;
            target[half * 64 + part % 2 * 32 + i % 32] |= (uint8_t)((value & 15) << part / 2 * 4);
            target[128 + half * 32 + i % 32] |= (uint8_t)(value >> 4 << 2 * part);
        }
        for (int group = 0; group < groups_q6; group++)
            target[192 + group] = (uint8_t)(int8_t)block.scales[group];
        store16(target + 208, block.d);
    }
}
