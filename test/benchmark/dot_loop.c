/* Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What the inner loop of an int8 linear can reach on this machine, weights as
 * [N/16][K/4][16][4], K = 384, in the first cache, the second, or beyond:
 *
 * - the tile of the target avx512vnni, 6 rows x 64 outputs, as a share of the
 * peak that vpdpbusd has from registers, measured right before; a panel of 64
 * outputs is read by so many tiles of rows before the next one;
 * - one row, in bytes of weights a second, beside loads that do nothing else.
 *
 * Medians of pairs. Built by clang: gcc 12 copies the sums from register to
 * register, in the loop that finds the peak, too.
 *
 *   clang -O2 -march=native test/benchmark/dot_loop.c -o dot_loop && ./dot_loop
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { rows = 6, vectors = 4, depth = 384, panel = 16 * vectors * depth };
enum { mostTiles = 21, mostPanels = 341, repeats = 15 };
enum { tilesPerRun = 2000, panelsPerRun = 3000 };
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

/* `height` rows: a constant where this is called. Fetches the weights of 16
 * outputs from `next` into the second cache, if there are any. */
static inline __attribute__((always_inline)) void
runRows(int height, const uint8_t *a, const int8_t *w, const int8_t *next) {
  __m512i sum[rows][vectors];
#pragma GCC unroll 24
  for (int i = 0; i < height * vectors; ++i)
    sum[i / vectors][i % vectors] = _mm512_setzero_si512();
  for (int k = 0; k < depth; k += 4) {
    if (next)
      _mm_prefetch((const char *)next + k * 16, _MM_HINT_T1);
    __m512i weight[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      weight[v] = _mm512_loadu_si512(w + v * 16 * depth + k * 16);
#pragma GCC unroll 6
    for (int r = 0; r < height; ++r) {
      int32_t group;
      memcpy(&group, a + r * depth + k, 4);
      __m512i input = _mm512_set1_epi32(group);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v)
        sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], input, weight[v]);
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < height * vectors; ++i)
    _mm512_storeu_si512(sums + 16 * i, sum[i / vectors][i % vectors]);
  __asm__ volatile("" : : "r"(sums) : "memory"); /* somebody reads them */
}

static __attribute__((noinline)) void runTile(const uint8_t *a, const int8_t *w,
                                              const int8_t *next) {
  runRows(rows, a, w, next);
}

static __attribute__((noinline)) void runRow(const uint8_t *a,
                                             const int8_t *w) {
  runRows(1, a, w, NULL);
}

/* Loads of a panel, in the order of their addresses. */
static __attribute__((noinline)) void readPanel(const uint8_t *a,
                                                const int8_t *w) {
  (void)a;
  __m512i any[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)
    any[i] = _mm512_setzero_si512();
  for (int byte = 0; byte < panel; byte += 8 * 64)
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i)
      any[i] = _mm512_or_si512(any[i], _mm512_loadu_si512(w + byte + 64 * i));
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)
    __asm__ volatile("" : : "v"(any[i]));
}

/* `tiles` tiles of rows for each of `panels` panels, over and over. The first
 * four fetch the next panel. */
static double measureLoop(int panels, int tiles) {
  long count = 0;
  double start = now();
  while (count < tilesPerRun)
    for (int p = 0; p < panels; ++p) {
      const int8_t *own = weights + (size_t)p * panel;
      const int8_t *next = weights + (size_t)((p + 1) % panels) * panel;
      for (int t = 0; t < tiles; ++t, ++count)
        runTile(inputs + t * rows * depth, own,
                t < vectors ? next + t * 16 * depth : own);
    }
  double dots = (double)count * rows * vectors * depth / 4;
  return dots * opsPerDot / (now() - start) * 1e-9;
}

/* Bytes a second in 1e9 that `run` takes of so many panels, over and over. */
static double measureBytes(int panels,
                           void (*run)(const uint8_t *, const int8_t *)) {
  long count = 0;
  double start = now();
  while (count < panelsPerRun)
    for (int p = 0; p < panels; ++p, ++count)
      run(inputs, weights + (size_t)p * panel);
  return (double)count * panel / (now() - start) * 1e-9;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static const struct {
  const char *name;
  int panels;
} places[] = {{"first cache, 24 KiB", 1},
              {"second cache, 576 KiB", 24},
              {"beyond, 8 MiB", mostPanels}};

static void printShares(void) {
  const int tiles[] = {1, 4, 8, mostTiles};
  printf("| weights | rows that read a panel | share of the peak "
         "|\n|---|---|---|\n");
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
}

static void printBytes(void) {
  printf("\n| weights | loads alone, GB/s | one row, GB/s | ratio "
         "|\n|---|---|---|---|\n");
  for (int place = 0; place < 3; ++place) {
    double loads[repeats], row[repeats], ratios[repeats];
    for (int r = 0; r < repeats; ++r) {
      loads[r] = measureBytes(places[place].panels, readPanel);
      row[r] = measureBytes(places[place].panels, runRow);
      ratios[r] = row[r] / loads[r];
    }
    qsort(loads, repeats, sizeof(double), compare);
    qsort(row, repeats, sizeof(double), compare);
    qsort(ratios, repeats, sizeof(double), compare);
    printf("| %s | %.0f | %.0f | %.2f (%.2f to %.2f) |\n", places[place].name,
           loads[repeats / 2], row[repeats / 2], ratios[repeats / 2], ratios[2],
           ratios[repeats - 3]);
  }
}

int main(void) {
  inputs = aligned_alloc(64, mostTiles * rows * depth);
  weights = aligned_alloc(64, (size_t)mostPanels * panel);
  if (!inputs || !weights)
    return 1;
  memset(inputs, 1, mostTiles * rows * depth);
  memset(weights, 1, (size_t)mostPanels * panel);
  printShares();
  printBytes();
  return 0;
}
