// The product for machines that have neither oneDNN nor OpenBLAS: slices of op(b) are packed, and
// blocks of 4 x 32 results stay in registers.
#include <string.h>

#include "CKernels.h"
#include "clones.h"

enum { depth_max = 256, block_rows = 4, block_columns = 32 };

SK_INLINE void pack(
    float *packed, const float *b, intptr_t b_stride, int transposed, intptr_t depth,
    intptr_t columns) {
    for (intptr_t p = 0; p < depth; p++) {
        float *row = packed + p * block_columns;
        for (intptr_t j = 0; j < columns; j++) {
            row[j] = transposed ? b[j * b_stride + p] : b[p * b_stride + j];
        }
        for (intptr_t j = columns; j < block_columns; j++) row[j] = 0;
    }
}

SK_CLONES static void multiply_block(
    const float *packed, const float *a, intptr_t row_step, intptr_t depth_step, intptr_t depth,
    intptr_t rows, intptr_t columns, float alpha, float *c, intptr_t c_stride) {
    SK_FAST
    float sums[block_rows][block_columns];
    memset(sums, 0, sizeof sums);
    // Rows beyond the matrix repeat the last one; their sums are dropped.
    const float *row[block_rows];
    for (intptr_t i = 0; i < block_rows; i++) row[i] = a + (i < rows ? i : rows - 1) * row_step;
    for (intptr_t p = 0; p < depth; p++) {
        const float *b = packed + p * block_columns;
        for (intptr_t i = 0; i < block_rows; i++) {
            float value = row[i][p * depth_step];
            for (intptr_t j = 0; j < block_columns; j++) sums[i][j] += value * b[j];
        }
    }
    for (intptr_t i = 0; i < rows; i++) {
        for (intptr_t j = 0; j < columns; j++) c[i * c_stride + j] += alpha * sums[i][j];
    }
}

void sk_sgemm(
    int a_transposed, int b_transposed, intptr_t m, intptr_t n, intptr_t k, float alpha,
    const float *a, intptr_t a_stride, const float *b, intptr_t b_stride, float beta, float *c,
    intptr_t c_stride) {
    for (intptr_t i = 0; i < m; i++) {
        for (intptr_t j = 0; j < n; j++) {
            c[i * c_stride + j] = beta == 0 ? 0 : beta * c[i * c_stride + j];
        }
    }
    float packed[depth_max * block_columns];
    for (intptr_t p = 0; p < k; p += depth_max) {
        intptr_t depth = k - p < depth_max ? k - p : depth_max;
        for (intptr_t j = 0; j < n; j += block_columns) {
            intptr_t columns = n - j < block_columns ? n - j : block_columns;
            const float *slice = b_transposed ? b + j * b_stride + p : b + p * b_stride + j;
            pack(packed, slice, b_stride, b_transposed, depth, columns);
            for (intptr_t i = 0; i < m; i += block_rows) {
                intptr_t rows = m - i < block_rows ? m - i : block_rows;
                const float *start = a_transposed ? a + p * a_stride + i : a + i * a_stride + p;
                multiply_block(
                    packed, start, a_transposed ? 1 : a_stride, a_transposed ? a_stride : 1, depth,
                    rows, columns, alpha, c + i * c_stride + j, c_stride);
            }
        }
    }
}
