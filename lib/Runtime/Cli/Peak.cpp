//===- Peak.cpp - What one core can do at most ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Twelve independent chains of an instruction hide its latency. The compiler
// must not see through the operands, hence the empty assembly statements.
//
//===----------------------------------------------------------------------===//

#include "Cli/Peak.h"
#include <stdint.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tq::rt {

#if defined(__x86_64__)

static constexpr int chains = 12;
static constexpr int64_t steps = 100000;
/// Steps of a vector that take about as long as one of a tile.
static constexpr int64_t tileSteps = 16;

#define TQ_PEAK_LOOP(NAME, FEATURES, VECTOR, A, B, STEP)                       \
  __attribute__((target(FEATURES))) static void NAME() {                       \
    VECTOR a = A, b = B, sums[chains];                                         \
    asm volatile("" : "+v"(a), "+v"(b));                                       \
    for (VECTOR &sum : sums)                                                   \
      sum = a;                                                                 \
    for (int64_t i = 0; i < steps; ++i)                                        \
      _Pragma("clang loop unroll(full)") for (VECTOR &sum : sums) {            \
        asm volatile("" : "+v"(a));                                            \
        sum = STEP;                                                            \
      }                                                                        \
    for (VECTOR &sum : sums)                                                   \
      asm volatile("" : "+v"(sum));                                            \
  }

TQ_PEAK_LOOP(dotAvx512Vnni, "avx512f,avx512vnni", __m512i, _mm512_set1_epi8(1),
             _mm512_set1_epi8(2), _mm512_dpbusd_epi32(sum, a, b))
TQ_PEAK_LOOP(dotAvxVnni, "avx2,avxvnni", __m256i, _mm256_set1_epi8(1),
             _mm256_set1_epi8(2), _mm256_dpbusd_avx_epi32(sum, a, b))
TQ_PEAK_LOOP(dotAvx2, "avx2", __m256i, _mm256_set1_epi16(1),
             _mm256_set1_epi16(2),
             _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)))
TQ_PEAK_LOOP(dotBf16, "avx512f,avx512bf16", __m512, _mm512_set1_ps(0.5f),
             _mm512_set1_ps(0.25f),
             _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b))
TQ_PEAK_LOOP(fmaAvx512, "avx512f", __m512, _mm512_set1_ps(0.5f),
             _mm512_set1_ps(0.25f), _mm512_fmadd_ps(sum, a, b))
TQ_PEAK_LOOP(fmaAvx2, "avx2,fma", __m256, _mm256_set1_ps(0.5f),
             _mm256_set1_ps(0.25f), _mm256_fmadd_ps(sum, a, b))

#undef TQ_PEAK_LOOP

/// Four chains of products of whole tiles: of two each of both operands.
#define TQ_TILE_LOOP(NAME, FEATURES, DOT)                                      \
  __attribute__((target(FEATURES))) static void NAME() {                       \
    alignas(64) uint8_t shapes[64] = {1};                                      \
    for (int tile = 0; tile < 8; ++tile) {                                     \
      shapes[16 + 2 * tile] = 64;                                              \
      shapes[48 + tile] = 16;                                                  \
    }                                                                          \
    _tile_loadconfig(shapes);                                                  \
    for (int64_t i = 0; i < steps * chains / (4 * tileSteps); ++i) {           \
      DOT(0, 4, 6);                                                            \
      DOT(1, 4, 7);                                                            \
      DOT(2, 5, 6);                                                            \
      DOT(3, 5, 7);                                                            \
    }                                                                          \
    _tile_release();                                                           \
  }

TQ_TILE_LOOP(dotTiles, "amx-tile,amx-int8", _tile_dpbusd)
TQ_TILE_LOOP(dotBf16Tiles, "amx-tile,amx-bf16", _tile_dpbf16ps)

#undef TQ_TILE_LOOP

static double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return double(time.tv_sec) * 1e9 + double(time.tv_nsec);
}

/// The best of some runs: others may use the core, too.
static double measure(void (*loop)(), double opsPerStep) {
  double best = 0;
  for (int run = 0; run < 8; ++run) {
    double start = now();
    loop();
    double rate = opsPerStep * chains * double(steps) / (now() - start);
    best = rate > best ? rate : best;
  }
  return best;
}

static bool hasName(const char *features, const char *name) {
  return features && strstr(features, name) != nullptr;
}

Peak measurePeak(const char *features) {
  if (!hasName(features, "avx2"))
    return {0, 0, 0};
  bool isAvx512 = hasName(features, "avx512f");
  Peak peak;
  // 16 x 16 x 64 products and additions in tiles, 64 in 512 bits, 32 in 256, 16
  // of 16-bit words.
  if (hasName(features, "amx-int8"))
    peak.integer = measure(dotTiles, 2.0 * 16 * 16 * 64 / tileSteps);
  else if (hasName(features, "avx512vnni"))
    peak.integer = measure(dotAvx512Vnni, 2 * 64);
  else if (hasName(features, "avxvnni"))
    peak.integer = measure(dotAvxVnni, 2 * 32);
  else
    peak.integer = measure(dotAvx2, 2 * 16);
  peak.floating =
      isAvx512 ? measure(fmaAvx512, 2 * 16) : measure(fmaAvx2, 2 * 8);
  // Half as many products as of bytes.
  if (hasName(features, "amx-bf16"))
    peak.bf16 = measure(dotBf16Tiles, 2.0 * 16 * 16 * 32 / tileSteps);
  else if (hasName(features, "avx512bf16"))
    peak.bf16 = measure(dotBf16, 2 * 32);
  else
    peak.bf16 = peak.floating;
  return peak;
}

#else

Peak measurePeak(const char *) { return {0, 0, 0}; }

#endif

} // namespace tq::rt
