#include <math.h>

#include "CKernels.h"
#include "clones.h"
#include "elements.h"
#include "exponential.h"

SK_INLINE float sigmoid(float x) { return 1 / (1 + sk_exp(-x)); }

// Near 0 both forms with exp lose the low bits; there the Taylor polynomial of degree 9 is within
// 2e-8 of the value.
SK_INLINE float hyperbolic_tangent(float x) {
    float square = x * x;
    float p = 2.18694885e-2f;
    p = p * square - 5.39682540e-2f;
    p = p * square + 1.33333333e-1f;
    p = p * square - 3.33333333e-1f;
    p = p * square + 1.0f;
    float away = fabsf(x);
    float power = sk_exp(-2 * away);
    float far = copysignf((1 - power) / (1 + power), x);
    return away < 0.3f ? x * p : far;
}

SK_INLINE void rnn_forward(
    float *gates, intptr_t stride, const float *bias, float *next, intptr_t next_stride,
    uint16_t *rounded, intptr_t rounded_stride, intptr_t rows, intptr_t n, int half) {
    for (intptr_t row = 0; row < rows; row++) {
        const float *sums = gates + row * stride;
        float *h = next + row * next_stride;
        uint16_t *copy = rounded + (half ? row * rounded_stride : 0);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            float value = hyperbolic_tangent(sums[i] + bias[i]);
            h[i] = value;
            if (half) copy[i] = sk_to_bf16(value);
        }
    }
}

SK_CLONES void sk_rnn_forward(
    float *gates, intptr_t stride, const float *bias, float *next, intptr_t next_stride,
    uint16_t *rounded, intptr_t rounded_stride, intptr_t rows, intptr_t n) {
    if (rounded) {
        rnn_forward(
            gates, stride, bias, next, next_stride, rounded, rounded_stride, rows, n, 1);
    } else {
        rnn_forward(gates, stride, bias, next, next_stride, 0, 0, rows, n, 0);
    }
}

// tanh' = 1 - tanh^2.
SK_INLINE void rnn_backward(
    const float *next, intptr_t next_stride, const float *gh, intptr_t gh_stride, void *gradient,
    intptr_t gradient_stride, intptr_t rows, intptr_t n, int half) {
    for (intptr_t row = 0; row < rows; row++) {
        const float *h = next + row * next_stride;
        const float *g = gh + row * gh_stride;
        void *target = sk_at_mutable(gradient, row * gradient_stride, half);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) sk_store(target, i, g[i] * (1 - h[i] * h[i]), half);
    }
}

SK_CLONES void sk_rnn_backward(
    const float *next, intptr_t next_stride, const float *gh, intptr_t gh_stride, void *gradient,
    intptr_t gradient_stride, intptr_t rows, intptr_t n, int half) {
    if (half) {
        rnn_backward(
            next, next_stride, gh, gh_stride, gradient, gradient_stride, rows, n, 1);
    } else {
        rnn_backward(
            next, next_stride, gh, gh_stride, gradient, gradient_stride, rows, n, 0);
    }
}

SK_INLINE void gru_forward(
    float *gates, intptr_t stride, const float *bias, const float *h, intptr_t h_stride,
    float *next, intptr_t next_stride, uint16_t *rounded, intptr_t rounded_stride, intptr_t rows,
    intptr_t n, int half) {
    for (intptr_t row = 0; row < rows; row++) {
        float *own = gates + row * stride;
        const float *before = h + row * h_stride;
        float *after = next + row * next_stride;
        uint16_t *copy = rounded + (half ? row * rounded_stride : 0);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            float r = sigmoid(own[i] + bias[i]);
            float z = sigmoid(own[n + i] + bias[n + i]);
            float a = own[2 * n + i] + bias[2 * n + i];
            float c = hyperbolic_tangent(own[3 * n + i] + bias[3 * n + i] + r * a);
            float value = c + z * (before[i] - c);
            own[i] = r;
            own[n + i] = z;
            own[2 * n + i] = a;
            own[3 * n + i] = c;
            after[i] = value;
            if (half) copy[i] = sk_to_bf16(value);
        }
    }
}

SK_CLONES void sk_gru_forward(
    float *gates, intptr_t stride, const float *bias, const float *h, intptr_t h_stride,
    float *next, intptr_t next_stride, uint16_t *rounded, intptr_t rounded_stride, intptr_t rows,
    intptr_t n) {
    if (rounded) {
        gru_forward(
            gates, stride, bias, h, h_stride, next, next_stride, rounded, rounded_stride, rows, n,
            1);
    } else {
        gru_forward(gates, stride, bias, h, h_stride, next, next_stride, 0, 0, rows, n, 0);
    }
}

// With h' = (1 - z) c + z h and c = tanh(x + r a): gc = gh' (1 - z)(1 - c^2), gz = gh' (h - c) z (1 - z),
// gr = gc a r (1 - r), ga = gc r; gh' becomes what h takes of it directly, gh' z.
SK_INLINE void gru_backward(
    const float *gates, intptr_t stride, const float *h, intptr_t h_stride, float *gh,
    intptr_t gh_stride, void *gradient, intptr_t gradient_stride, intptr_t rows, intptr_t n,
    int half) {
    for (intptr_t row = 0; row < rows; row++) {
        const float *own = gates + row * stride;
        const float *before = h + row * h_stride;
        float *g = gh + row * gh_stride;
        void *target = sk_at_mutable(gradient, row * gradient_stride, half);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            float r = own[i];
            float z = own[n + i];
            float a = own[2 * n + i];
            float c = own[3 * n + i];
            float whole = g[i];
            float gc = whole * (1 - z) * (1 - c * c);
            g[i] = whole * z;
            sk_store(target, i, gc * a * r * (1 - r), half);
            sk_store(target, n + i, whole * (before[i] - c) * z * (1 - z), half);
            sk_store(target, 2 * n + i, gc * r, half);
            sk_store(target, 3 * n + i, gc, half);
        }
    }
}

SK_CLONES void sk_gru_backward(
    const float *gates, intptr_t stride, const float *h, intptr_t h_stride, float *gh,
    intptr_t gh_stride, void *gradient, intptr_t gradient_stride, intptr_t rows, intptr_t n,
    int half) {
    if (half) {
        gru_backward(
            gates, stride, h, h_stride, gh, gh_stride, gradient, gradient_stride, rows, n, 1);
    } else {
        gru_backward(
            gates, stride, h, h_stride, gh, gh_stride, gradient, gradient_stride, rows, n, 0);
    }
}

SK_INLINE void lstm_forward(
    float *gates, intptr_t stride, const float *bias, const float *c, intptr_t c_stride,
    float *next_c, intptr_t next_c_stride, float *next, intptr_t next_stride, uint16_t *rounded,
    intptr_t rounded_stride, intptr_t rows, intptr_t n, int half) {
    for (intptr_t row = 0; row < rows; row++) {
        float *own = gates + row * stride;
        const float *before = c + row * c_stride;
        float *memory = next_c + row * next_c_stride;
        float *after = next + row * next_stride;
        uint16_t *copy = rounded + (half ? row * rounded_stride : 0);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t j = 0; j < n; j++) {
            float i = sigmoid(own[j] + bias[j]);
            float f = sigmoid(own[n + j] + bias[n + j]);
            float g = hyperbolic_tangent(own[2 * n + j] + bias[2 * n + j]);
            float o = sigmoid(own[3 * n + j] + bias[3 * n + j]);
            float kept = f * before[j] + i * g;
            float value = o * hyperbolic_tangent(kept);
            own[j] = i;
            own[n + j] = f;
            own[2 * n + j] = g;
            own[3 * n + j] = o;
            memory[j] = kept;
            after[j] = value;
            if (half) copy[j] = sk_to_bf16(value);
        }
    }
}

SK_CLONES void sk_lstm_forward(
    float *gates, intptr_t stride, const float *bias, const float *c, intptr_t c_stride,
    float *next_c, intptr_t next_c_stride, float *next, intptr_t next_stride, uint16_t *rounded,
    intptr_t rounded_stride, intptr_t rows, intptr_t n) {
    if (rounded) {
        lstm_forward(
            gates, stride, bias, c, c_stride, next_c, next_c_stride, next, next_stride, rounded,
            rounded_stride, rows, n, 1);
    } else {
        lstm_forward(
            gates, stride, bias, c, c_stride, next_c, next_c_stride, next, next_stride, 0, 0, rows,
            n, 0);
    }
}

// With c' = f c + i g and h' = o tanh(c'): gc' takes gh' o (1 - tanh^2 c') first; then go, gi, gf and gg
// follow, each through its own function, and gc = gc' f.
SK_INLINE void lstm_backward(
    const float *gates, intptr_t stride, const float *c, intptr_t c_stride, const float *next_c,
    intptr_t next_c_stride, const float *gh, intptr_t gh_stride, float *gc, intptr_t gc_stride,
    void *gradient, intptr_t gradient_stride, intptr_t rows, intptr_t n, int half) {
    for (intptr_t row = 0; row < rows; row++) {
        const float *own = gates + row * stride;
        const float *before = c + row * c_stride;
        const float *memory = next_c + row * next_c_stride;
        const float *g_output = gh + row * gh_stride;
        float *g_memory = gc + row * gc_stride;
        void *target = sk_at_mutable(gradient, row * gradient_stride, half);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t j = 0; j < n; j++) {
            float i = own[j];
            float f = own[n + j];
            float g = own[2 * n + j];
            float o = own[3 * n + j];
            float bent = hyperbolic_tangent(memory[j]);
            float whole = g_memory[j] + g_output[j] * o * (1 - bent * bent);
            g_memory[j] = whole * f;
            sk_store(target, j, whole * g * i * (1 - i), half);
            sk_store(target, n + j, whole * before[j] * f * (1 - f), half);
            sk_store(target, 2 * n + j, whole * i * (1 - g * g), half);
            sk_store(target, 3 * n + j, g_output[j] * bent * o * (1 - o), half);
        }
    }
}

SK_CLONES void sk_lstm_backward(
    const float *gates, intptr_t stride, const float *c, intptr_t c_stride, const float *next_c,
    intptr_t next_c_stride, const float *gh, intptr_t gh_stride, float *gc, intptr_t gc_stride,
    void *gradient, intptr_t gradient_stride, intptr_t rows, intptr_t n, int half) {
    if (half) {
        lstm_backward(
            gates, stride, c, c_stride, next_c, next_c_stride, gh, gh_stride, gc, gc_stride,
            gradient, gradient_stride, rows, n, 1);
    } else {
        lstm_backward(
            gates, stride, c, c_stride, next_c, next_c_stride, gh, gh_stride, gc, gc_stride,
            gradient, gradient_stride, rows, n, 0);
    }
}

SK_INLINE void add_column_sums(
    const void *x, intptr_t stride, float scale, float *sums, intptr_t rows, intptr_t n,
    int half) {
    for (intptr_t row = 0; row < rows; row++) {
        const void *source = sk_at(x, row * stride, half);
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) sums[i] += scale * sk_load(source, i, half);
    }
}

SK_CLONES void sk_add_column_sums(
    const void *x, intptr_t stride, float scale, float *sums, intptr_t rows, intptr_t n,
    int half) {
    if (half) {
        add_column_sums(x, stride, scale, sums, rows, n, 1);
    } else {
        add_column_sums(x, stride, scale, sums, rows, n, 0);
    }
}

SK_CLONES void sk_scale_columns(
    const float *x, intptr_t x_stride, const float *factors, float scale, float *y,
    intptr_t y_stride, intptr_t rows, intptr_t n) {
    for (intptr_t row = 0; row < rows; row++, x += x_stride, y += y_stride) {
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) y[i] = scale * factors[i] * x[i];
    }
}

SK_CLONES void sk_scale_columns_backward(
    const float *x, intptr_t x_stride, const float *factors, float scale, const float *gy,
    intptr_t gy_stride, float *gx, intptr_t gx_stride, float *g_factors, intptr_t rows,
    intptr_t n) {
    for (intptr_t row = 0; row < rows; row++, x += x_stride, gy += gy_stride, gx += gx_stride) {
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = 0; i < n; i++) {
            gx[i] += scale * factors[i] * gy[i];
            g_factors[i] += scale * x[i] * gy[i];
        }
    }
}
