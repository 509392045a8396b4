#include <math.h>

#include "CKernels.h"
#include "clones.h"
#include "elements.h"
#include "exponential.h"

SK_INLINE void rmsnorm_forward(
    const void *x, intptr_t x_stride, int x_half, const float *weight, float epsilon, void *y,
    intptr_t y_stride, int y_half, intptr_t rows, intptr_t n) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++) {
        const void *source = sk_at(x, row * x_stride, x_half);
        void *target = sk_at_mutable(y, row * y_stride, y_half);
        float squares = 0;
        for (intptr_t i = 0; i < n; i++) {
            float value = sk_load(source, i, x_half);
            squares += value * value;
        }
        float factor = 1 / sqrtf(squares / (float)n + epsilon);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            sk_store(target, i, sk_load(source, i, x_half) * factor * weight[i], y_half);
        }
    }
}

SK_CLONES void sk_rmsnorm_forward(
    const void *x, intptr_t x_stride, int x_half, const float *weight, float epsilon, void *y,
    intptr_t y_stride, int y_half, intptr_t rows, intptr_t n) {
    if (x_half && y_half) {
        rmsnorm_forward(x, x_stride, 1, weight, epsilon, y, y_stride, 1, rows, n);
    } else if (x_half) {
        rmsnorm_forward(x, x_stride, 1, weight, epsilon, y, y_stride, 0, rows, n);
    } else if (y_half) {
        rmsnorm_forward(x, x_stride, 0, weight, epsilon, y, y_stride, 1, rows, n);
    } else {
        rmsnorm_forward(x, x_stride, 0, weight, epsilon, y, y_stride, 0, rows, n);
    }
}

// With f = (mean(x^2) + e)^(-1/2) and y = f w x: gx = f w gy - x f^3 / n sum(w gy x).
SK_INLINE void rmsnorm_backward(
    const void *x, intptr_t x_stride, int x_half, const float *weight, float epsilon,
    const float *gy, intptr_t gy_stride, float *gx, intptr_t gx_stride, float keep, intptr_t rows,
    intptr_t n) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, gy += gy_stride, gx += gx_stride) {
        const void *source = sk_at(x, row * x_stride, x_half);
        float squares = 0;
        float inner = 0;
        for (intptr_t i = 0; i < n; i++) {
            float value = sk_load(source, i, x_half);
            squares += value * value;
            inner += weight[i] * gy[i] * value;
        }
        float factor = 1 / sqrtf(squares / (float)n + epsilon);
        float along = factor * factor * factor * inner / (float)n;
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            gx[i] = keep * gx[i] + factor * weight[i] * gy[i]
                - along * sk_load(source, i, x_half);
        }
    }
}

SK_CLONES void sk_rmsnorm_backward(
    const void *x, intptr_t x_stride, int x_half, const float *weight, float epsilon,
    const float *gy, intptr_t gy_stride, float *gx, intptr_t gx_stride, float keep, intptr_t rows,
    intptr_t n) {
    if (x_half) {
        rmsnorm_backward(
            x, x_stride, 1, weight, epsilon, gy, gy_stride, gx, gx_stride, keep, rows, n);
    } else {
        rmsnorm_backward(
            x, x_stride, 0, weight, epsilon, gy, gy_stride, gx, gx_stride, keep, rows, n);
    }
}

SK_INLINE void swiglu_forward(
    const void *gate_up, intptr_t stride, void *h, intptr_t h_stride, intptr_t rows, intptr_t n,
    int half) {
    for (intptr_t row = 0; row < rows; row++) {
        const void *gates = sk_at(gate_up, row * stride, half);
        void *target = sk_at_mutable(h, row * h_stride, half);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            float gate = sk_load(gates, i, half);
            sk_store(target, i, gate / (1 + sk_exp(-gate)) * sk_load(gates, n + i, half), half);
        }
    }
}

SK_CLONES void sk_swiglu_forward(
    const void *gate_up, intptr_t stride, void *h, intptr_t h_stride, intptr_t rows, intptr_t n,
    int half) {
    if (half) {
        swiglu_forward(gate_up, stride, h, h_stride, rows, n, 1);
    } else {
        swiglu_forward(gate_up, stride, h, h_stride, rows, n, 0);
    }
}

// silu'(g) = s (1 + g (1 - s)) with s = 1 / (1 + exp(-g)). Each element is read before the same
// element is written; the hint says so.
SK_INLINE void swiglu_backward(
    const void *gate_up, intptr_t stride, const float *gh, intptr_t gh_stride, void *out,
    intptr_t out_stride, intptr_t rows, intptr_t n, int half) {
    for (intptr_t row = 0; row < rows; row++, gh += gh_stride) {
        const void *gates = sk_at(gate_up, row * stride, half);
        void *target = sk_at_mutable(out, row * out_stride, half);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            float gate = sk_load(gates, i, half);
            float up = sk_load(gates, n + i, half);
            float sigmoid = 1 / (1 + sk_exp(-gate));
            float gradient = gh[i];
            sk_store(target, i, gradient * up * sigmoid * (1 + gate * (1 - sigmoid)), half);
            sk_store(target, n + i, gradient * gate * sigmoid, half);
        }
    }
}

SK_CLONES void sk_swiglu_backward(
    const void *gate_up, intptr_t stride, const float *gh, intptr_t gh_stride, void *out,
    intptr_t out_stride, intptr_t rows, intptr_t n, int half) {
    if (half) {
        swiglu_backward(gate_up, stride, gh, gh_stride, out, out_stride, rows, n, 1);
    } else {
        swiglu_backward(gate_up, stride, gh, gh_stride, out, out_stride, rows, n, 0);
    }
}

SK_CLONES void sk_to_bf16_rows(
    const float *x, intptr_t x_stride, uint16_t *y, intptr_t y_stride, intptr_t rows, intptr_t n) {
    for (intptr_t row = 0; row < rows; row++, x += x_stride, y += y_stride) {
        for (intptr_t i = 0; i < n; i++) y[i] = sk_to_bf16(x[i]);
    }
}

SK_CLONES void sk_from_bf16_rows(
    const uint16_t *x, intptr_t x_stride, float *y, intptr_t y_stride, intptr_t rows, intptr_t n) {
    for (intptr_t row = 0; row < rows; row++, x += x_stride, y += y_stride) {
        for (intptr_t i = 0; i < n; i++) y[i] = sk_from_bf16(x[i]);
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
