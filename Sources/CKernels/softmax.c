#include <math.h>

#include "CKernels.h"
#include "clones.h"
#include "elements.h"
#include "exponential.h"

SK_INLINE intptr_t smaller(intptr_t a, intptr_t b) { return a < b ? a : b; }

SK_INLINE float largest(const float *x, intptr_t n) {
    float lanes[16];
    for (int lane = 0; lane < 16; lane++) lanes[lane] = -INFINITY;
    intptr_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int lane = 0; lane < 16; lane++) {
            lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
        }
    }
    float result = -INFINITY;
    for (; i < n; i++) result = x[i] > result ? x[i] : result;
    for (int lane = 0; lane < 16; lane++) result = lanes[lane] > result ? lanes[lane] : result;
    return result;
}

// The visible columns of a row as places in its scores, whose first column is key `first`.
SK_INLINE intptr_t visible_start(intptr_t lower, intptr_t first) {
    return lower > first ? lower - first : 0;
}

SK_INLINE intptr_t visible_end(intptr_t upper, intptr_t first, intptr_t columns) {
    return upper > first ? smaller(upper - first, columns) : 0;
}

SK_INLINE void clear(void *row, intptr_t from, intptr_t to, int half) {
    if (to > from) memset(sk_at_mutable(row, from, half), 0, (size_t)((to - from) * (half ? 2 : 4)));
}

SK_INLINE void softmax_weights(
    const float *scores, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *lower,
    const int32_t *upper, intptr_t first, float *log_sum_exp, intptr_t log_sum_exp_stride,
    float *sums, void *weights, int half) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, scores += stride) {
        intptr_t begin = visible_start(lower[row], first);
        intptr_t end = visible_end(upper[row], first, columns);
        void *out = sk_at_mutable(weights, row * stride, half);
        float top = largest(scores + begin, end - begin);
        float sum = 0;
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = begin; i < end; i++) {
            float e = sk_exp(scores[i] - top);
            sk_store(out, i, e, half);
            sum += e;
        }
        clear(out, 0, begin, half);
        clear(out, end, columns, half);
        sums[row] = sum;
        log_sum_exp[row * log_sum_exp_stride] = top + logf(sum);
    }
}

SK_CLONES void sk_softmax_weights(
    const float *scores, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *lower,
    const int32_t *upper, intptr_t first, float *log_sum_exp, intptr_t log_sum_exp_stride,
    float *sums, void *weights, int half) {
    if (half) {
        softmax_weights(
            scores, stride, rows, columns, lower, upper, first, log_sum_exp, log_sum_exp_stride,
            sums, weights, 1);
    } else {
        softmax_weights(
            scores, stride, rows, columns, lower, upper, first, log_sum_exp, log_sum_exp_stride,
            sums, weights, 0);
    }
}

SK_INLINE void divide_rows(
    const float *x, intptr_t x_stride, const float *divisors, void *y, intptr_t y_stride,
    intptr_t rows, intptr_t n, int half) {
    for (intptr_t row = 0; row < rows; row++, x += x_stride) {
        void *out = sk_at_mutable(y, row * y_stride, half);
        float factor = 1 / divisors[row];
        for (intptr_t i = 0; i < n; i++) sk_store(out, i, x[i] * factor, half);
    }
}

SK_CLONES void sk_divide_rows(
    const float *x, intptr_t x_stride, const float *divisors, void *y, intptr_t y_stride,
    intptr_t rows, intptr_t n, int half) {
    if (half) {
        divide_rows(x, x_stride, divisors, y, y_stride, rows, n, 1);
    } else {
        divide_rows(x, x_stride, divisors, y, y_stride, rows, n, 0);
    }
}

// With p = exp(score - log_sum_exp) and d = dot(o, go): gs = scale p (gp - d).
SK_INLINE void softmax_backward(
    const float *scores, const float *gp, intptr_t stride, intptr_t rows, intptr_t columns,
    const int32_t *lower, const int32_t *upper, intptr_t first, const float *log_sum_exp,
    intptr_t log_sum_exp_stride, const void *o, intptr_t o_stride, const void *go,
    intptr_t go_stride, intptr_t head_dimension, float scale, void *p, void *gs, int half) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, scores += stride, gp += stride) {
        intptr_t begin = visible_start(lower[row], first);
        intptr_t end = visible_end(upper[row], first, columns);
        void *p_out = sk_at_mutable(p, row * stride, half);
        void *gs_out = sk_at_mutable(gs, row * stride, half);
        const void *o_row = sk_at(o, row * o_stride, half);
        const void *go_row = sk_at(go, row * go_stride, half);
        float shift = log_sum_exp[row * log_sum_exp_stride];
        float inner = 0;
        for (intptr_t i = 0; i < head_dimension; i++) {
            inner += sk_load(o_row, i, half) * sk_load(go_row, i, half);
        }
#pragma clang loop vectorize(assume_safety)
        for (intptr_t i = begin; i < end; i++) {
            float weight = sk_exp(scores[i] - shift);
            float gradient = scale * weight * (gp[i] - inner);
            sk_store(p_out, i, weight, half);
            sk_store(gs_out, i, gradient, half);
        }
        clear(p_out, 0, begin, half);
        clear(p_out, end, columns, half);
        clear(gs_out, 0, begin, half);
        clear(gs_out, end, columns, half);
    }
}

SK_CLONES void sk_softmax_backward(
    const float *scores, const float *gp, intptr_t stride, intptr_t rows, intptr_t columns,
    const int32_t *lower, const int32_t *upper, intptr_t first, const float *log_sum_exp,
    intptr_t log_sum_exp_stride, const void *o, intptr_t o_stride, const void *go,
    intptr_t go_stride, intptr_t head_dimension, float scale, void *p, void *gs, int half) {
    if (half) {
        softmax_backward(
            scores, gp, stride, rows, columns, lower, upper, first, log_sum_exp,
            log_sum_exp_stride, o, o_stride, go, go_stride, head_dimension, scale, p, gs, 1);
    } else {
        softmax_backward(
            scores, gp, stride, rows, columns, lower, upper, first, log_sum_exp,
            log_sum_exp_stride, o, o_stride, go, go_stride, head_dimension, scale, p, gs, 0);
    }
}

SK_INLINE void cross_entropy(
    float *logits, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *targets,
    float scale, double *losses, void *gradient, intptr_t gradient_stride, int half) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, logits += stride) {
        void *out = sk_at_mutable(gradient, row * gradient_stride, half);
        float top = largest(logits, columns);
        float target = logits[targets[row]];
        float sum = 0;
        if (scale == 0) {
            for (intptr_t i = 0; i < columns; i++) sum += sk_exp(logits[i] - top);
        } else {
            for (intptr_t i = 0; i < columns; i++) {
                float e = sk_exp(logits[i] - top);
                logits[i] = e;
                sum += e;
            }
            float factor = scale / sum;
            logits[targets[row]] -= sum;
            // bfloat16 may lie over the same row: element i of it ends before element i of the
            // logits begins, so no value is overwritten before it is read.
#pragma clang loop vectorize(assume_safety)
            for (intptr_t i = 0; i < columns; i++) sk_store(out, i, logits[i] * factor, half);
        }
        losses[row] += log((double)sum) + (double)top - (double)target;
    }
}

SK_CLONES void sk_cross_entropy(
    float *logits, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *targets,
    float scale, double *losses, void *gradient, intptr_t gradient_stride, int half) {
    if (half) {
        cross_entropy(logits, stride, rows, columns, targets, scale, losses, gradient, gradient_stride, 1);
    } else {
        cross_entropy(logits, stride, rows, columns, targets, scale, losses, gradient, gradient_stride, 0);
    }
}
