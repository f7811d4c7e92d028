/* The hand-written rival: many steps of x <- bfloat16(x + c) over bfloat16 codes.

   moved[r][d] is codes[r][d] after `steps` steps by displacements[t][d], rounded
   to nearest, ties to even, in integers. A tile of ROWS x LANES codes stays in
   vector registers through all steps, so memory is read and written once and a
   displacement is loaded once a tile.

   Values stay finite; rows >= ROWS, dims >= LANES; `moved` is not `codes`. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 16 };
#elif defined(__AVX2__)
enum { LANES = 8, ROWS = 8 };
#else
enum { LANES = 4, ROWS = 8 };
#endif

typedef uint16_t codes_t __attribute__((vector_size(2 * LANES)));
typedef uint32_t bits_t __attribute__((vector_size(4 * LANES)));
typedef float real_t __attribute__((vector_size(4 * LANES)));

static inline bits_t stepped(bits_t x, real_t c)
{
    x = (bits_t)((real_t)x + c);
    x += ((x >> 16) & 1) + 0x7fff;
    return x & 0xffff0000;
}

static long place(long block, long size, long end)
{
    return (block + 1) * size <= end ? block * size : end - size;
}

static void tile(const uint16_t *codes, uint16_t *moved, long dims, const float *c, long steps)
{
    bits_t x[ROWS];
    for (int r = 0; r < ROWS; r++) {
        codes_t narrow;
        memcpy(&narrow, codes + r * dims, sizeof narrow);
        x[r] = __builtin_convertvector(narrow, bits_t) << 16;
    }
    for (long t = 0; t < steps; t++) {
        real_t here;
        memcpy(&here, c + t * LANES, sizeof here);
        for (int r = 0; r < ROWS; r++)
            x[r] = stepped(x[r], here);
    }
    for (int r = 0; r < ROWS; r++) {
        codes_t narrow = __builtin_convertvector(x[r] >> 16, codes_t);
        memcpy(moved + r * dims, &narrow, sizeof narrow);
    }
}

/* 0, or 1 where there is no memory. What does not divide is covered by a last
   tile that overlaps the one before. */
int advance(const uint16_t *codes, uint16_t *moved, long rows, long dims,
            const float *displacements, long steps)
{
    long blocks = (dims + LANES - 1) / LANES;
    float *c = malloc(sizeof(float) * LANES * (size_t)blocks * (size_t)steps);
    if (c == NULL)
        return 1;
    for (long b = 0; b < blocks; b++) /* a tile's displacements lie together */
        for (long t = 0; t < steps; t++)
            memcpy(c + (b * steps + t) * LANES, displacements + t * dims + place(b, LANES, dims),
                   sizeof(float) * LANES);
    for (long r = 0; r * ROWS < rows; r++)
        for (long b = 0; b < blocks; b++) {
            long at = place(r, ROWS, rows) * dims + place(b, LANES, dims);
            tile(codes + at, moved + at, dims, c + b * steps * LANES, steps);
        }
    free(c);
    return 0;
}
