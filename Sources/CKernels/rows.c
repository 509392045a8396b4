#include <math.h>

#include "CKernels.h"
#include "clones.h"
#include "exponential.h"

SK_CLONES void sk_rmsnorm_forward(
    const float *x, intptr_t x_stride, const float *weight, float epsilon, float *y,
    intptr_t y_stride, intptr_t rows, intptr_t n) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, x += x_stride, y += y_stride) {
        float squares = 0;
        for (intptr_t i = 0; i < n; i++) squares += x[i] * x[i];
        float factor = 1 / sqrtf(squares / (float)n + epsilon);
        for (intptr_t i = 0; i < n; i++) y[i] = x[i] * factor * weight[i];
    }
}

// With f = (mean(x^2) + e)^(-1/2) and y = f w x: gx = f w gy - x f^3 / n sum(w gy x).
SK_CLONES void sk_rmsnorm_backward(
    const float *x, intptr_t x_stride, const float *weight, float epsilon, const float *gy,
    intptr_t gy_stride, float *gx, intptr_t gx_stride, intptr_t rows, intptr_t n) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, x += x_stride, gy += gy_stride, gx += gx_stride) {
        float squares = 0;
        float inner = 0;
        for (intptr_t i = 0; i < n; i++) {
            squares += x[i] * x[i];
            inner += weight[i] * gy[i] * x[i];
        }
        float factor = 1 / sqrtf(squares / (float)n + epsilon);
        float along = factor * factor * factor * inner / (float)n;
        for (intptr_t i = 0; i < n; i++) gx[i] += factor * weight[i] * gy[i] - along * x[i];
    }
}

SK_CLONES void sk_swiglu_forward(
    const float *gate_up, intptr_t stride, float *h, intptr_t h_stride, intptr_t rows,
    intptr_t n) {
    for (intptr_t row = 0; row < rows; row++, gate_up += stride, h += h_stride) {
        const float *gate = gate_up;
        const float *up = gate_up + n;
        for (intptr_t i = 0; i < n; i++) h[i] = gate[i] / (1 + sk_exp(-gate[i])) * up[i];
    }
}

// silu'(g) = s (1 + g (1 - s)) with s = 1 / (1 + exp(-g)).
SK_CLONES void sk_swiglu_backward(
    const float *gate_up, intptr_t stride, const float *gh, intptr_t gh_stride, float *out,
    intptr_t out_stride, intptr_t rows, intptr_t n) {
    for (intptr_t row = 0; row < rows;
         row++, gate_up += stride, gh += gh_stride, out += out_stride) {
        // Each element is read before the same element is written; the hint keeps the loop from
        // being compiled twice for a `out` that lies elsewhere in the row, which no caller has.
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            float gate = gate_up[i];
            float up = gate_up[n + i];
            float sigmoid = 1 / (1 + sk_exp(-gate));
            float gradient = gh[i];
            out[i] = gradient * up * sigmoid * (1 + gate * (1 - sigmoid));
            out[n + i] = gradient * gate * sigmoid;
        }
    }
}

SK_CLONES void sk_rope(
    float *x, intptr_t stride, intptr_t rows, intptr_t heads, intptr_t head_dimension,
    const float *cosines, const float *sines, intptr_t first, intptr_t length, intptr_t offset,
    float direction) {
    SK_FAST
    intptr_t half = head_dimension / 2;
    for (intptr_t row = 0; row < rows; row++, x += stride) {
        intptr_t position = offset + (first + row) % length;
        const float *c = cosines + position * half;
        const float *s = sines + position * half;
        for (intptr_t head = 0; head < heads; head++) {
            float *low = x + head * head_dimension;
            float *high = low + half;
#pragma clang loop vectorize(assume_safety)
            for (intptr_t i = 0; i < half; i++) {
                float a = low[i];
                float b = high[i];
                float sine = direction * s[i];
                low[i] = a * c[i] - b * sine;
                high[i] = b * c[i] + a * sine;
            }
        }
    }
}

SK_CLONES void sk_add_rows(
    float *y, intptr_t y_stride, const float *x, intptr_t x_stride, intptr_t rows, intptr_t n) {
    for (intptr_t row = 0; row < rows; row++, x += x_stride, y += y_stride) {
        for (intptr_t i = 0; i < n; i++) y[i] += x[i];
    }
}

SK_CLONES int sk_all_finite(const float *x, intptr_t n) {
    uint32_t bad = 0;
    for (intptr_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bad |= (uint32_t)((bits & 0x7F800000u) == 0x7F800000u);
    }
    return bad == 0;
}
