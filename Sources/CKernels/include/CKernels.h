// Plain loops over Float32 rows, compiled for several instruction sets and chosen when the program
// is loaded. No function checks its arguments: the Swift callers in Kernels do, at the door.
// A matrix is a pointer, a distance between rows in elements (…_stride) and its extents.
#ifndef STARLING_CKERNELS_H
#define STARLING_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Threads (threads.c).

typedef void (*sk_task)(void *context, intptr_t task, intptr_t worker);

// Sets how many threads work on a parallel call, the caller among them; 1 to 256.
void sk_threads_set(intptr_t count);
intptr_t sk_threads_count(void);

// Calls `run` for every task in 0..<task_count and returns when all have ended. Tasks are handed
// out in order to whichever worker is free; `worker` is below `workers_max` and the number of threads,
// and unique among those that run at the same time within this call. While another call is in progress the tasks
// run on the caller alone, as worker 0.
void sk_parallel(intptr_t task_count, intptr_t workers_max, sk_task run, void *context);

// Processor (threads.c).

// Whether the processor has the AVX-512 subsets F, DQ, BW and VL.
int sk_cpu_has_avx512(void);
// Whether the processor has AVX2 and FMA.
int sk_cpu_has_avx2(void);

// Matrix product (product.c): c = alpha op(a) op(b) + beta c, all row-major.

void sk_sgemm(
    int a_transposed, int b_transposed, intptr_t m, intptr_t n, intptr_t k, float alpha,
    const float *a, intptr_t a_stride, const float *b, intptr_t b_stride, float beta, float *c,
    intptr_t c_stride);

// Rows (rows.c).

void sk_rmsnorm_forward(
    const float *x, intptr_t x_stride, const float *weight, float epsilon, float *y,
    intptr_t y_stride, intptr_t rows, intptr_t n);
// Adds to gx.
void sk_rmsnorm_backward(
    const float *x, intptr_t x_stride, const float *weight, float epsilon, const float *gy,
    intptr_t gy_stride, float *gx, intptr_t gx_stride, intptr_t rows, intptr_t n);

// gate and up lie side by side in a row of 2 n values.
void sk_swiglu_forward(
    const float *gate_up, intptr_t stride, float *h, intptr_t h_stride, intptr_t rows, intptr_t n);
// `out` has the layout of gate_up and may be the same memory.
void sk_swiglu_backward(
    const float *gate_up, intptr_t stride, const float *gh, intptr_t gh_stride, float *out,
    intptr_t out_stride, intptr_t rows, intptr_t n);

// Rotates the halves of every head in place; row i has position offset + (first + i) % length.
// `direction` is 1 forward and -1 for the inverse, which is also the gradient.
void sk_rope(
    float *x, intptr_t stride, intptr_t rows, intptr_t heads, intptr_t head_dimension,
    const float *cosines, const float *sines, intptr_t first, intptr_t length, intptr_t offset,
    float direction);

void sk_add_rows(
    float *y, intptr_t y_stride, const float *x, intptr_t x_stride, intptr_t rows, intptr_t n);

int sk_all_finite(const float *x, intptr_t n);

// Attention and loss (softmax.c).

// Row i sees columns 0..<visible + i; the others become 0. Writes the probabilities over the
// scores and each row's log-sum-exp.
void sk_softmax_causal(
    float *scores, intptr_t stride, intptr_t rows, intptr_t columns, intptr_t visible,
    float *log_sum_exp, intptr_t log_sum_exp_stride);
// The same probabilities from scores and the log-sum-exp kept from the forward pass.
void sk_softmax_causal_again(
    float *scores, intptr_t stride, intptr_t rows, intptr_t columns, intptr_t visible,
    const float *log_sum_exp, intptr_t log_sum_exp_stride);
// gp becomes scale * p * (gp - dot(o, go)), the gradient of the unscaled scores.
void sk_softmax_causal_backward(
    const float *p, float *gp, intptr_t stride, intptr_t rows, intptr_t columns, intptr_t visible,
    const float *o, intptr_t o_stride, const float *go, intptr_t go_stride, intptr_t head_dimension,
    float scale);

// Adds each row's loss to losses[row]; where `scale` is not 0 the logits become their gradient
// times `scale`. Targets are inside 0..<columns.
void sk_cross_entropy(
    float *logits, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *targets,
    float scale, double *losses);

// Stored elements to Float32 (dequantize.c, dequantize_k.c). `source` needs no alignment; counts are elements and
// whole blocks.

void sk_dequantize_f32(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_f16(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_bf16(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q4_0(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q4_1(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q5_0(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q5_1(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q8_0(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q4_k(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q5_k(const uint8_t *source, float *target, intptr_t count);
void sk_dequantize_q6_k(const uint8_t *source, float *target, intptr_t count);

// Float32 to stored elements (quantize.c, quantize_k.c); the inverse of the functions above.
// Non-finite values give some bytes, not undefined behaviour.

void sk_quantize_f32(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_f16(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_bf16(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q4_0(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q4_1(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q5_0(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q5_1(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q8_0(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q4_k(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q5_k(const float *source, uint8_t *target, intptr_t count);
void sk_quantize_q6_k(const float *source, uint8_t *target, intptr_t count);

#endif
