#include "mask_loop.h"

#include <sodium.h>
#include <string.h>

enum { CHUNK = 4096 };

int mask_loop(uint32_t *words, size_t word_count, const uint8_t *seeds, size_t seed_count) {
    static _Thread_local uint32_t stream[CHUNK];
    int code = sodium_init() < 0 ? -1 : 0;
    for (size_t start = 0; start < word_count; start += CHUNK) {
        size_t count = word_count - start < CHUNK ? word_count - start : CHUNK;
        uint64_t number = start / CHUNK;
        uint8_t nonce[8];
        memcpy(nonce, &number, sizeof nonce);
        for (size_t seed = 0; seed < seed_count; seed++) {
            code |= crypto_stream_chacha20((uint8_t *)stream, 4 * count, nonce, seeds + 32 * seed);
            uint32_t *out = words + start;
            if (seed & 1) {
                for (size_t i = 0; i < count; i++) out[i] -= stream[i];
            } else {
                for (size_t i = 0; i < count; i++) out[i] += stream[i];
            }
        }
    }
    return code;
}
