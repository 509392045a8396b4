// exp for vector loops. Source: Cody and Waite's reduction, x = n ln 2 + r with |r| <= ln 2 / 2,
// and a Taylor polynomial of degree 7 in r, whose remainder r^8 / 8! is below 6e-9.
#ifndef STARLING_EXPONENTIAL_H
#define STARLING_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

#include "clones.h"

SK_INLINE float sk_exp(float x) {
    // Outside, the result is taken as that of the border: 1e-38 and 2.4e38.
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low mantissa bits.
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693145752f;
    r = r - n * 1.42860677e-6f;
    float p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (int32_t)((uint32_t)(bits - 0x4B400000 + 127) << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

#endif
