#include <math.h>

#include "CKernels.h"
#include "clones.h"
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

SK_CLONES void sk_softmax_causal(
    float *scores, intptr_t stride, intptr_t rows, intptr_t columns, intptr_t visible,
    float *log_sum_exp, intptr_t log_sum_exp_stride) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, scores += stride) {
        intptr_t n = smaller(visible + row, columns);
        float top = largest(scores, n);
        float sum = 0;
        for (intptr_t i = 0; i < n; i++) {
            float e = sk_exp(scores[i] - top);
            scores[i] = e;
            sum += e;
        }
        float factor = 1 / sum;
        for (intptr_t i = 0; i < n; i++) scores[i] *= factor;
        for (intptr_t i = n; i < columns; i++) scores[i] = 0;
        log_sum_exp[row * log_sum_exp_stride] = top + logf(sum);
    }
}

SK_CLONES void sk_softmax_causal_again(
    float *scores, intptr_t stride, intptr_t rows, intptr_t columns, intptr_t visible,
    const float *log_sum_exp, intptr_t log_sum_exp_stride) {
    for (intptr_t row = 0; row < rows; row++, scores += stride) {
        intptr_t n = smaller(visible + row, columns);
        float shift = log_sum_exp[row * log_sum_exp_stride];
        for (intptr_t i = 0; i < n; i++) scores[i] = sk_exp(scores[i] - shift);
        for (intptr_t i = n; i < columns; i++) scores[i] = 0;
    }
}

SK_CLONES void sk_softmax_causal_backward(
    const float *p, float *gp, intptr_t stride, intptr_t rows, intptr_t columns, intptr_t visible,
    const float *o, intptr_t o_stride, const float *go, intptr_t go_stride, intptr_t head_dimension,
    float scale) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, p += stride, gp += stride) {
        intptr_t n = smaller(visible + row, columns);
        float inner = 0;
        for (intptr_t i = 0; i < head_dimension; i++) {
            inner += o[row * o_stride + i] * go[row * go_stride + i];
        }
        for (intptr_t i = 0; i < n; i++) gp[i] = scale * p[i] * (gp[i] - inner);
        for (intptr_t i = n; i < columns; i++) gp[i] = 0;
    }
}

SK_CLONES void sk_cross_entropy(
    float *logits, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *targets,
    float scale, double *losses) {
    SK_FAST
    for (intptr_t row = 0; row < rows; row++, logits += stride) {
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
            for (intptr_t i = 0; i < columns; i++) logits[i] *= factor;
            logits[targets[row]] -= scale;
        }
        losses[row] += log((double)sum) + (double)top - (double)target;
    }
}
