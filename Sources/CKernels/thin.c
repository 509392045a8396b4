// Products whose result has few columns, as an adapter's rank: general libraries spend most of their
// time on packing there.
#include "CKernels.h"
#include "clones.h"
#include "elements.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SK_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

// The sums of 16 vectors, in their order: pairs of vectors share lanes, then quarters are added.
SK_BF16 static inline __m512 lane_sums(const __m512 *x) {
    __m512 quads[4];
    for (int i = 0; i < 4; i++) {
        const __m512 *v = x + 4 * i;
        __m512 a = _mm512_add_ps(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]));
        __m512 b = _mm512_add_ps(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]));
        __m512d c = _mm512_castps_pd(a), d = _mm512_castps_pd(b);
        quads[i] = _mm512_add_ps(
            _mm512_castpd_ps(_mm512_unpacklo_pd(c, d)), _mm512_castpd_ps(_mm512_unpackhi_pd(c, d)));
    }
    __m512 halves[2];
    for (int i = 0; i < 2; i++) {
        __m512 a = quads[2 * i], b = quads[2 * i + 1];
        halves[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
    }
    return _mm512_add_ps(
        _mm512_shuffle_f32x4(halves[0], halves[1], 0x88),
        _mm512_shuffle_f32x4(halves[0], halves[1], 0xDD));
}

// Two rows of x against up to eight rows of y; indices beyond the last row repeat it.
SK_BF16 static inline __m512 sums_2x8(
    const uint16_t *const x[2], const uint16_t *const y[8], intptr_t depth) {
    __m512 sums[16];
    for (int i = 0; i < 16; i++) sums[i] = _mm512_setzero_ps();
    for (intptr_t k = 0; k < depth; k += 32) {
        __mmask32 mask = depth - k >= 32 ? 0xFFFFFFFFu : (1u << (depth - k)) - 1u;
        __m512bh a = (__m512bh)_mm512_maskz_loadu_epi16(mask, x[0] + k);
        __m512bh b = (__m512bh)_mm512_maskz_loadu_epi16(mask, x[1] + k);
        for (int j = 0; j < 8; j++) {
            __m512bh c = (__m512bh)_mm512_maskz_loadu_epi16(mask, y[j] + k);
            sums[j] = _mm512_dpbf16_ps(sums[j], a, c);
            sums[8 + j] = _mm512_dpbf16_ps(sums[8 + j], b, c);
        }
    }
    return lane_sums(sums);
}

SK_BF16 void sk_thin_product(
    const uint16_t *x, intptr_t x_stride, const uint16_t *y, intptr_t y_stride, float scale,
    float *c, intptr_t c_stride, intptr_t rows, intptr_t columns, intptr_t depth) {
    __m512 factor = _mm512_set1_ps(scale);
    for (intptr_t first = 0; first < columns; first += 8) {
        intptr_t count = columns - first < 8 ? columns - first : 8;
        const uint16_t *ys[8];
        for (intptr_t j = 0; j < 8; j++) {
            ys[j] = y + (first + (j < count ? j : count - 1)) * y_stride;
        }
        __mmask16 low = (__mmask16)((1u << count) - 1u);
        for (intptr_t row = 0; row < rows; row += 2) {
            int has_second = row + 1 < rows;
            const uint16_t *xs[2] = {
                x + row * x_stride, x + (row + has_second) * x_stride};
            __m512 sums = _mm512_mul_ps(factor, sums_2x8(xs, ys, depth));
            float *out = c + row * c_stride + first;
            _mm512_mask_storeu_ps(out, low, sums);
            if (has_second) {
                __m512 second = _mm512_shuffle_f32x4(sums, sums, 0xEE);
                _mm512_mask_storeu_ps(out + c_stride, low, second);
            }
        }
    }
}
#else
void sk_thin_product(
    const uint16_t *x, intptr_t x_stride, const uint16_t *y, intptr_t y_stride, float scale,
    float *c, intptr_t c_stride, intptr_t rows, intptr_t columns, intptr_t depth) {
    for (intptr_t row = 0; row < rows; row++) {
        for (intptr_t column = 0; column < columns; column++) {
            float sum = 0;
            for (intptr_t k = 0; k < depth; k++) {
                sum += sk_from_bf16(x[row * x_stride + k]) * sk_from_bf16(y[column * y_stride + k]);
            }
            c[row * c_stride + column] = scale * sum;
        }
    }
}
#endif

void sk_transpose_bf16(
    const uint16_t *x, intptr_t x_stride, uint16_t *y, intptr_t y_stride, intptr_t rows,
    intptr_t columns) {
    for (intptr_t column = 0; column < columns; column++) {
        for (intptr_t row = 0; row < rows; row++) {
            y[column * y_stride + row] = x[row * x_stride + column];
        }
    }
}

void sk_add_transposed(
    const float *x, intptr_t x_stride, float *y, intptr_t y_stride, intptr_t rows,
    intptr_t columns) {
    for (intptr_t column = 0; column < columns; column++) {
        for (intptr_t row = 0; row < rows; row++) {
            y[column * y_stride + row] += x[row * x_stride + column];
        }
    }
}
