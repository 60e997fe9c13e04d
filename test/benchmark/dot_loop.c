/* Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What the inner loop of an int8 linear can reach on this machine: the tile of the
 * target avx512vnni, 6 rows x 64 outputs, K = 384, weights as [N/16][K/4][16][4], as a
 * share of the peak that vpdpbusd has from registers, measured right before. Weights
 * are in the first cache, the second, or beyond; a panel of 64 outputs is read by so
 * many tiles of rows before the next one. Medians of pairs:
 *
 *   cc -O2 -fno-unroll-loops -march=native test/benchmark/dot_loop.c -o dot_loop
 *   ./dot_loop
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { rows = 6, vectors = 4, depth = 384, panel = 16 * vectors * depth };
enum { mostTiles = 21, repeats = 15, tilesPerRun = 2000 };
static const double opsPerDot = 128; /* 64 products, 64 additions */

static uint8_t *inputs;
static int8_t *weights;
static int32_t sums[rows * vectors * 16];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Operations a second in 1e9, of 24 independent chains. */
static double measurePeak(void) {
  enum { steps = 200000, chains = rows * vectors };
  __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(2), sum[chains];
  for (int i = 0; i < chains; ++i)
    sum[i] = a;
  double start = now();
  for (long step = 0; step < steps; ++step) {
    __asm__ volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 24
    for (int i = 0; i < chains; ++i)
      sum[i] = _mm512_dpbusd_epi32(sum[i], a, b);
  }
  double seconds = now() - start;
  for (int i = 0; i < chains; ++i)
    __asm__ volatile("" : "+v"(sum[i]));
  return steps * chains * opsPerDot / seconds * 1e-9;
}

static void runTile(const uint8_t *a, const int8_t *w) {
  __m512i sum[rows][vectors];
#pragma GCC unroll 24
  for (int i = 0; i < rows * vectors; ++i)
    sum[i / vectors][i % vectors] = _mm512_setzero_si512();
  for (int k = 0; k < depth; k += 4) {
    __m512i weight[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      weight[v] = _mm512_loadu_si512(w + v * 16 * depth + k * 16);
#pragma GCC unroll 6
    for (int r = 0; r < rows; ++r) {
      int32_t group;
      memcpy(&group, a + r * depth + k, 4);
      __m512i input = _mm512_set1_epi32(group);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v)
        sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], input, weight[v]);
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < rows * vectors; ++i)
    _mm512_storeu_si512(sums + 16 * i, sum[i / vectors][i % vectors]);
}

/* `tiles` tiles of rows for each of `panels` panels, over and over. */
static double measureLoop(int panels, int tiles) {
  long count = 0;
  double start = now();
  while (count < tilesPerRun)
    for (int p = 0; p < panels; ++p)
      for (int t = 0; t < tiles; ++t, ++count)
        runTile(inputs + t * rows * depth, weights + (size_t)p * panel);
  double dots = (double)count * rows * vectors * depth / 4;
  return dots * opsPerDot / (now() - start) * 1e-9;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(void) {
  const struct {
    const char *name;
    int panels;
  } places[] = {{"first cache, 24 KiB", 1},
                {"second cache, 576 KiB", 24},
                {"beyond, 8 MiB", 341}};
  const int tiles[] = {1, 4, 8, mostTiles};
  inputs = aligned_alloc(64, mostTiles * rows * depth);
  weights = aligned_alloc(64, (size_t)341 * panel);
  if (!inputs || !weights)
    return 1;
  memset(inputs, 1, mostTiles * rows * depth);
  memset(weights, 1, (size_t)341 * panel);
  printf("| weights | rows that read a panel | share of the peak |\n|---|---|---|\n");
  for (int place = 0; place < 3; ++place)
    for (int i = 0; i < 4; ++i) {
      double shares[repeats];
      for (int r = 0; r < repeats; ++r) {
        double peak = measurePeak();
        shares[r] = measureLoop(places[place].panels, tiles[i]) / peak;
      }
      qsort(shares, repeats, sizeof(double), compare);
      printf("| %s | %d | %.0f %% (%.0f to %.0f) |\n", places[place].name,
             tiles[i] * rows, 100 * shares[repeats / 2], 100 * shares[2],
             100 * shares[repeats - 3]);
    }
  return 0;
}
