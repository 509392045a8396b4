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

// Gives the system back what the allocator holds free, where it can (threads.c).
void sk_release_free_memory(void);
// From now on it does so at once for every block of a MiB or more.
void sk_keep_large_blocks_apart(void);

// Processor (threads.c).

// Whether the processor has the AVX-512 subsets F, DQ, BW and VL.
int sk_cpu_has_avx512(void);
// Whether the processor multiplies pairs of bfloat16 (AVX512_BF16).
int sk_cpu_has_avx512_bf16(void);
// Whether the processor has AVX2 and FMA.
int sk_cpu_has_avx2(void);

// Matrix product (product.c): c = alpha op(a) op(b) + beta c, all row-major.

void sk_sgemm(
    int a_transposed, int b_transposed, intptr_t m, intptr_t n, intptr_t k, float alpha,
    const float *a, intptr_t a_stride, const float *b, intptr_t b_stride, float beta, float *c,
    intptr_t c_stride);

// Thin products (thin.c): c = scale x y^T with few rows of y, in bfloat16. On x86 only where
// sk_cpu_has_avx512_bf16 says so.
void sk_thin_product(
    const uint16_t *x, intptr_t x_stride, const uint16_t *y, intptr_t y_stride, float scale,
    float *c, intptr_t c_stride, intptr_t rows, intptr_t columns, intptr_t depth);
// y = x^T, x with `rows` rows.
void sk_transpose_bf16(
    const uint16_t *x, intptr_t x_stride, uint16_t *y, intptr_t y_stride, intptr_t rows,
    intptr_t columns);
// y += x^T.
void sk_add_transposed(
    const float *x, intptr_t x_stride, float *y, intptr_t y_stride, intptr_t rows,
    intptr_t columns);

// Rows (rows.c). Where a flag says `half`, elements are bfloat16 instead of Float32; distances
// between rows are in elements either way.

void sk_rmsnorm_forward(
    const void *x, intptr_t x_stride, int x_half, const float *weight, float epsilon, void *y,
    intptr_t y_stride, int y_half, intptr_t rows, intptr_t n);
// gx becomes keep gx plus the gradient.
void sk_rmsnorm_backward(
    const void *x, intptr_t x_stride, int x_half, const float *weight, float epsilon,
    const float *gy, intptr_t gy_stride, float *gx, intptr_t gx_stride, float keep, intptr_t rows,
    intptr_t n);

// gate and up lie side by side in a row of 2 n values; h has their type.
void sk_swiglu_forward(
    const void *gate_up, intptr_t stride, void *h, intptr_t h_stride, intptr_t rows, intptr_t n,
    int half);
// `out` has the layout and type of gate_up and may be the same memory.
void sk_swiglu_backward(
    const void *gate_up, intptr_t stride, const float *gh, intptr_t gh_stride, void *out,
    intptr_t out_stride, intptr_t rows, intptr_t n, int half);

void sk_to_bf16_rows(
    const float *x, intptr_t x_stride, uint16_t *y, intptr_t y_stride, intptr_t rows, intptr_t n);
void sk_from_bf16_rows(
    const uint16_t *x, intptr_t x_stride, float *y, intptr_t y_stride, intptr_t rows, intptr_t n);

// Rotates the halves of every head in place; row i has position offset + (first + i) % length.
// `direction` is 1 forward and -1 for the inverse, which is also the gradient.
void sk_rope(
    float *x, intptr_t stride, intptr_t rows, intptr_t heads, intptr_t head_dimension,
    const float *cosines, const float *sines, intptr_t first, intptr_t length, intptr_t offset,
    float direction);

void sk_add_rows(
    float *y, intptr_t y_stride, const float *x, intptr_t x_stride, intptr_t rows, intptr_t n);

int sk_all_finite(const float *x, intptr_t n);

// Recurrent cells (recurrent.c). A row of gates holds blocks of n values side by side; each function
// adds the bias of the same layout. `rounded` takes the new state in bfloat16 too unless it is 0.

// One block, the sum; h' = tanh(sum).
void sk_rnn_forward(
    float *gates, intptr_t stride, const float *bias, float *next, intptr_t next_stride,
    uint16_t *rounded, intptr_t rounded_stride, intptr_t rows, intptr_t n);
// `half` is the type of `gradient`, which has the layout of the gates and may be the same memory
// where both have one type; so below.
void sk_rnn_backward(
    const float *next, intptr_t next_stride, const float *gh, intptr_t gh_stride, void *gradient,
    intptr_t gradient_stride, intptr_t rows, intptr_t n, int half);

// Four blocks: the sums of r and z, the state's part a of the candidate, the input's part of it. They
// become r, z, a and the candidate c = tanh(input's part + r a); h' = (1 - z) c + z h.
void sk_gru_forward(
    float *gates, intptr_t stride, const float *bias, const float *h, intptr_t h_stride,
    float *next, intptr_t next_stride, uint16_t *rounded, intptr_t rounded_stride, intptr_t rows,
    intptr_t n);
// gh becomes what h takes of it past the gates.
void sk_gru_backward(
    const float *gates, intptr_t stride, const float *h, intptr_t h_stride, float *gh,
    intptr_t gh_stride, void *gradient, intptr_t gradient_stride, intptr_t rows, intptr_t n,
    int half);

// Four blocks: the sums of i, f, g and o, which become those gates; c' = f c + i g, h' = o tanh(c').
void sk_lstm_forward(
    float *gates, intptr_t stride, const float *bias, const float *c, intptr_t c_stride,
    float *next_c, intptr_t next_c_stride, float *next, intptr_t next_stride, uint16_t *rounded,
    intptr_t rounded_stride, intptr_t rows, intptr_t n);
// gc is that of c' before and that of c afterwards.
void sk_lstm_backward(
    const float *gates, intptr_t stride, const float *c, intptr_t c_stride, const float *next_c,
    intptr_t next_c_stride, const float *gh, intptr_t gh_stride, float *gc, intptr_t gc_stride,
    void *gradient, intptr_t gradient_stride, intptr_t rows, intptr_t n, int half);

// sums += scale x the sum over rows.
void sk_add_column_sums(
    const void *x, intptr_t stride, float scale, float *sums, intptr_t rows, intptr_t n,
    int half);
// y = scale x diag(factors).
void sk_scale_columns(
    const float *x, intptr_t x_stride, const float *factors, float scale, float *y,
    intptr_t y_stride, intptr_t rows, intptr_t n);
// Adds the gradients of both factors.
void sk_scale_columns_backward(
    const float *x, intptr_t x_stride, const float *factors, float scale, const float *gy,
    intptr_t gy_stride, float *gx, intptr_t gx_stride, float *g_factors, intptr_t rows,
    intptr_t n);

// Dropout (dropout.c).

// y = x * keep / (1 - p), or adds that to y; y may be x. Element i of row r is kept where a random
// word reaches `threshold`, 2^32 p rounded; `scale` is 1 / (1 - p). The word is number i % 4 of
// Philox 4x32-10 for `key` and the counter i / 4, position, sequence, plane, lowest word first; with
// s = first + r the position is s % length and the sequence is sequence + s / length.
void sk_dropout(
    const float *x, intptr_t x_stride, float *y, intptr_t y_stride, intptr_t rows, intptr_t n,
    intptr_t first, intptr_t length, intptr_t sequence, uint32_t plane, uint64_t key,
    uint32_t threshold, float scale, int adds);

// Attention and loss (softmax.c).

// Row i of the scores sees keys lower[i]..<upper[i], at least one of them; column 0 is key `first`.
// `half` is the type of all void pointers.

// Writes exp(score - largest) into `weights`, which may be the scores, 0 where nothing is seen, and
// each row's sum and log-sum-exp.
void sk_softmax_weights(
    const float *scores, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *lower,
    const int32_t *upper, intptr_t first, float *log_sum_exp, intptr_t log_sum_exp_stride,
    float *sums, void *weights, int half);
// y = x / divisors[row].
void sk_divide_rows(
    const float *x, intptr_t x_stride, const float *divisors, void *y, intptr_t y_stride,
    intptr_t rows, intptr_t n, int half);
// Writes the probabilities and the gradient of the unscaled scores; p may be the scores, gs may be
// gp.
void sk_softmax_backward(
    const float *scores, const float *gp, intptr_t stride, intptr_t rows, intptr_t columns,
    const int32_t *lower, const int32_t *upper, intptr_t first, const float *log_sum_exp,
    intptr_t log_sum_exp_stride, const void *o, intptr_t o_stride, const void *go,
    intptr_t go_stride, intptr_t head_dimension, float scale, void *p, void *gs, int half);

// Adds each row's loss to losses[row]; where `scale` is not 0, `gradient` takes the gradient of the
// logits times `scale`. It may be the logits, each row at the start of the same row. The logits are
// scratch afterwards. Targets are inside 0..<columns.
void sk_cross_entropy(
    float *logits, intptr_t stride, intptr_t rows, intptr_t columns, const int32_t *targets,
    float scale, double *losses, void *gradient, intptr_t gradient_stride, int half);

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

// The quantised types.
typedef enum {
    sk_stored_q4_0, sk_stored_q4_1, sk_stored_q5_0, sk_stored_q5_1, sk_stored_q8_0, sk_stored_q4_k,
    sk_stored_q5_k, sk_stored_q6_k
} sk_stored_type;
// Stored elements to bfloat16 (dequantize_half.c), rounded as sk_to_bf16_rows does but for values
// below 1e-38, which become 0. Returns 0 and writes nothing where this processor has no kernel.
int sk_decode_bf16(sk_stored_type type, const uint8_t *source, uint16_t *target, intptr_t count);

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
