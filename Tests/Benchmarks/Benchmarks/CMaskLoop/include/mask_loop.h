#ifndef MASK_LOOP_H
#define MASK_LOOP_H

#include <stddef.h>
#include <stdint.h>

/* Adds the streams of so many seeds (32 bytes each) to the words, every second one negated, in
   chunks of 16 KiB: what MaskGenerator does, in C over libsodium. Returns libsodium's code. */
int mask_loop(uint32_t *words, size_t word_count, const uint8_t *seeds, size_t seed_count);

#endif
