// Stored elements to bfloat16 on the way into a product, where the processor rounds to bfloat16.
// ElementType.swift has the layouts. A block of 4- or 5-bit values has at most 32 different results,
// so those are computed once and looked up.
#include "CKernels.h"
#include "clones.h"
#include "stored.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SK_HALF static inline __attribute__((target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

// The results for values 0..<32: scale * (value - zero) + offset, each step rounded as elsewhere.
SK_HALF __m512i results(float scale, float zero, float offset) {
    __m512 low = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512 high = _mm512_add_ps(low, _mm512_set1_ps(16));
    __m512 z = _mm512_set1_ps(zero), s = _mm512_set1_ps(scale), o = _mm512_set1_ps(offset);
    low = _mm512_add_ps(_mm512_mul_ps(s, _mm512_sub_ps(low, z)), o);
    high = _mm512_add_ps(_mm512_mul_ps(s, _mm512_sub_ps(high, z)), o);
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// Looks 32 values up and stores their results.
SK_HALF void store_results(__m512i table, __m256i values, uint16_t *target) {
    __m512i wide = _mm512_cvtepu8_epi16(values);
    _mm512_storeu_si512(target, _mm512_permutexvar_epi16(wide, table));
}

// 16 bytes to 32 values: the low nibbles, then the high ones.
SK_HALF __m256i nibbles(const uint8_t *source) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)source);
    __m128i mask = _mm_set1_epi8(15);
    __m128i low = _mm_and_si128(bytes, mask);
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
    return _mm256_set_m128i(high, low);
}

// 32 bytes to 32 values: the low or the high nibbles.
SK_HALF __m256i nibbles_of(const uint8_t *source, int shift) {
    __m256i bytes = _mm256_loadu_si256((const __m256i *)source);
    __m256i moved = _mm256_srl_epi16(bytes, _mm_cvtsi32_si128(shift));
    return _mm256_and_si256(moved, _mm256_set1_epi8(15));
}

// Adds 16 to the values whose bit is set.
SK_HALF __m256i with_fifth_bit(__m256i values, uint32_t bits) {
    return _mm256_mask_add_epi8(values, bits, values, _mm256_set1_epi8(16));
}

// The bits of 32 bytes at one place.
SK_HALF uint32_t bit_of(const uint8_t *source, int bit) {
    __m256i bytes = _mm256_loadu_si256((const __m256i *)source);
    return _mm256_test_epi8_mask(bytes, _mm256_set1_epi8((char)(1 << bit)));
}

// 32 signed bytes times a scale, or two for their halves.
SK_HALF void store_products(__m256i values, float low, float high, uint16_t *target) {
    __m512 a = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_castsi256_si128(values)));
    __m512 b = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_extracti128_si256(values, 1)));
    a = _mm512_mul_ps(a, _mm512_set1_ps(low));
    b = _mm512_mul_ps(b, _mm512_set1_ps(high));
    _mm512_storeu_si512(target, (__m512i)_mm512_cvtne2ps_pbh(b, a));
}

SK_HALF void decode_q4_0(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 32, source += 18, target += 32) {
        store_results(results(half_value(load16(source)), 8, 0), nibbles(source + 2), target);
    }
}

SK_HALF void decode_q4_1(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 32, source += 20, target += 32) {
        float d = half_value(load16(source)), m = half_value(load16(source + 2));
        store_results(results(d, 0, m), nibbles(source + 4), target);
    }
}

SK_HALF void decode_q5_0(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 32, source += 22, target += 32) {
        __m256i values = with_fifth_bit(nibbles(source + 6), load32(source + 2));
        store_results(results(half_value(load16(source)), 16, 0), values, target);
    }
}

SK_HALF void decode_q5_1(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 32, source += 24, target += 32) {
        float d = half_value(load16(source)), m = half_value(load16(source + 2));
        __m256i values = with_fifth_bit(nibbles(source + 8), load32(source + 4));
        store_results(results(d, 0, m), values, target);
    }
}

SK_HALF void decode_q8_0(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 32, source += 34, target += 32) {
        float d = half_value(load16(source));
        store_products(_mm256_loadu_si256((const __m256i *)(source + 2)), d, d, target);
    }
}

SK_HALF void decode_q4_k(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 256, source += 144) {
        float d = half_value(load16(source)), e = half_value(load16(source + 2));
        for (int group = 0; group < 8; group++, target += 32) {
            int scale, minimum;
            load_scale_minimum(source + 4, group, &scale, &minimum);
            __m512i table = results(d * (float)scale, 0, -(e * (float)minimum));
            store_results(
                table, nibbles_of(source + 16 + group / 2 * 32, group % 2 * 4), target);
        }
    }
}

SK_HALF void decode_q5_k(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 256, source += 176) {
        float d = half_value(load16(source)), e = half_value(load16(source + 2));
        for (int group = 0; group < 8; group++, target += 32) {
            int scale, minimum;
            load_scale_minimum(source + 4, group, &scale, &minimum);
            __m512i table = results(d * (float)scale, 0, -(e * (float)minimum));
            __m256i low = nibbles_of(source + 48 + group / 2 * 32, group % 2 * 4);
            store_results(table, with_fifth_bit(low, bit_of(source + 16, group)), target);
        }
    }
}

SK_HALF void decode_q6_k(const uint8_t *source, uint16_t *target, intptr_t count) {
    for (; count > 0; count -= 256, source += 210) {
        float d = half_value(load16(source + 208));
        for (int part = 0; part < 8; part++, target += 32) {
            const uint8_t *scales = source + 192 + 2 * part;
            __m256i low =
                nibbles_of(source + part / 4 * 64 + part % 2 * 32, part % 4 / 2 * 4);
            __m256i bytes =
                _mm256_loadu_si256((const __m256i *)(source + 128 + part / 4 * 32));
            __m256i high = _mm256_and_si256(
                _mm256_srl_epi16(bytes, _mm_cvtsi32_si128(part % 4 * 2)), _mm256_set1_epi8(3));
            __m256i values = _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
            store_products(
                _mm256_sub_epi8(values, _mm256_set1_epi8(32)), d * (float)(int8_t)scales[0],
                d * (float)(int8_t)scales[1], target);
        }
    }
}

int sk_decode_bf16(sk_stored_type type, const uint8_t *source, uint16_t *target, intptr_t count) {
    if (!sk_cpu_has_avx512_bf16()) return 0;
    switch (type) {
        case sk_stored_q4_0: decode_q4_0(source, target, count); return 1;
        case sk_stored_q4_1: decode_q4_1(source, target, count); return 1;
        case sk_stored_q5_0: decode_q5_0(source, target, count); return 1;
        case sk_stored_q5_1: decode_q5_1(source, target, count); return 1;
        case sk_stored_q8_0: decode_q8_0(source, target, count); return 1;
        case sk_stored_q4_k: decode_q4_k(source, target, count); return 1;
        case sk_stored_q5_k: decode_q5_k(source, target, count); return 1;
        case sk_stored_q6_k: decode_q6_k(source, target, count); return 1;
    }
    return 0;
}
#else
int sk_decode_bf16(sk_stored_type type, const uint8_t *source, uint16_t *target, intptr_t count) {
    return 0;
}
#endif
