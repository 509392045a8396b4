#include "CKernels.h"
#include "clones.h"

// Philox 4x32 with 10 rounds. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011, section 3.3. A counter of four words and a key of two give four words that nobody tells
// from random ones, so that no state passes from one element to the next.

enum { lanes = 16, rounds = 10, words = 4 };

// Blocks first..<first + lanes of a row; the words of one block lie `lanes` apart.
SK_INLINE void philox(uint32_t first, const uint32_t counter[3], uint64_t key, uint32_t *out) {
    uint32_t *c0 = out, *c1 = out + lanes, *c2 = out + 2 * lanes, *c3 = out + 3 * lanes;
    for (int i = 0; i < lanes; i++) {
        c0[i] = first + (uint32_t)i;
        c1[i] = counter[0];
        c2[i] = counter[1];
        c3[i] = counter[2];
    }
    uint32_t k0 = (uint32_t)key;
    uint32_t k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < rounds; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        for (int i = 0; i < lanes; i++) {
            uint64_t even = (uint64_t)c0[i] * 0xD2511F53u;
            uint64_t odd = (uint64_t)c2[i] * 0xCD9E8D57u;
            c0[i] = (uint32_t)(odd >> 32) ^ c1[i] ^ k0;
            c1[i] = (uint32_t)odd;
            c2[i] = (uint32_t)(even >> 32) ^ c3[i] ^ k1;
            c3[i] = (uint32_t)even;
        }
    }
}

SK_INLINE void drop_row(
    const float *x, float *y, intptr_t n, const uint32_t counter[3], uint64_t key,
    uint32_t threshold, float scale, int adds) {
    uint32_t random[words * lanes];
    float factors[words * lanes];
    for (intptr_t start = 0; start < n; start += words * lanes) {
        philox((uint32_t)(start / words), counter, key, random);
        for (int i = 0; i < lanes; i++) {
            for (int word = 0; word < words; word++) {
                factors[words * i + word] = random[word * lanes + i] >= threshold ? scale : 0;
            }
        }
        intptr_t count = n - start < words * lanes ? n - start : words * lanes;
        if (adds) {
            for (intptr_t i = 0; i < count; i++) y[start + i] += x[start + i] * factors[i];
        } else {
            for (intptr_t i = 0; i < count; i++) y[start + i] = x[start + i] * factors[i];
        }
    }
}

SK_CLONES void sk_dropout(
    const float *x, intptr_t x_stride, float *y, intptr_t y_stride, intptr_t rows, intptr_t n,
    intptr_t first, intptr_t length, intptr_t sequence, uint32_t plane, uint64_t key,
    uint32_t threshold, float scale, int adds) {
    for (intptr_t row = 0; row < rows; row++, x += x_stride, y += y_stride) {
        uint32_t counter[3] = {
            (uint32_t)((first + row) % length),
            (uint32_t)(sequence + (first + row) / length),
            plane,
        };
        if (adds) {
            drop_row(x, y, n, counter, key, threshold, scale, 1);
        } else {
            drop_row(x, y, n, counter, key, threshold, scale, 0);
        }
    }
}
