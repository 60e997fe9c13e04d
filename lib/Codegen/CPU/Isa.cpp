//===- Isa.cpp - Instruction sets as data ---------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/CPU/Isa.h"

#include "llvm/ADT/STLExtras.h"

using namespace tq::cpu;
using llvm::ArrayRef;
using llvm::StringRef;

static constexpr StringRef kAmxBf16Features[] = {
    "avx512f",    "avx512bw", "avx512dq", "avx512vl", "avx512vnni",
    "avx512bf16", "fma",      "amx-tile", "amx-int8", "amx-bf16"};
static constexpr StringRef kAmxFeatures[] = {
    "avx512f",    "avx512bw", "avx512dq", "avx512vl",
    "avx512vnni", "fma",      "amx-tile", "amx-int8"};
static constexpr StringRef kAvx512Bf16Features[] = {
    "avx512f",    "avx512bw",   "avx512dq", "avx512vl",
    "avx512vnni", "avx512bf16", "fma"};
static constexpr StringRef kAvx512VnniFeatures[] = {
    "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni", "fma"};
static constexpr StringRef kAvx512Features[] = {"avx512f", "avx512bw",
                                                "avx512dq", "avx512vl", "fma"};
static constexpr StringRef kAvxVnniFeatures[] = {"avx2", "avxvnni", "fma"};
static constexpr StringRef kAvx2Features[] = {"avx2", "fma"};
static constexpr StringRef kI8mmFeatures[] = {"i8mm"};
static constexpr StringRef kDotprodFeatures[] = {"dotprod"};

// Tiles fill the register file: accumulators, one row of weights, a broadcast
// input. Without 32 registers the AVX-512 sizes spill and halve the speed.
// Widened bf16 takes two registers a weight vector. Tiles are of integers, bf16
// and floats; AMX has instructions for integers and for bf16.
// clang-format off
using enum DotKind;
using enum OperandForm;
static const Isa kIsas[] = {
    {"amx-bf16", Vpdpbusd, Vdpbf16ps, Stored, {6, 4}, {6, 4}, {6, 4}, true, true, kAmxBf16Features},
    {"amx", Vpdpbusd, WidenBf16, Stored, {6, 4}, {4, 4}, {6, 4}, true, false, kAmxFeatures},
    {"avx512bf16", Vpdpbusd, Vdpbf16ps, Stored, {6, 4}, {6, 4}, {6, 4}, false, false, kAvx512Bf16Features},
    {"avx512vnni", Vpdpbusd, WidenBf16, Stored, {6, 4}, {4, 4}, {6, 4}, false, false, kAvx512VnniFeatures},
    {"avx512", Pmaddwd, WidenBf16, Stored, {4, 2}, {4, 4}, {6, 4}, false, false, kAvx512Features},
    {"avxvnni", VpdpbusdHalf, WidenBf16, Stored, {6, 1}, {4, 1}, {6, 1}, false, false, kAvxVnniFeatures},
    {"avx2", Pmaddwd, WidenBf16, Widened, {4, 1}, {4, 1}, {6, 1}, false, false, kAvx2Features},
    {"i8mm", Usdot, WidenBf16, Stored, {6, 1}, {4, 1}, {6, 1}, false, false, kI8mmFeatures},
    {"dotprod", Sdot, WidenBf16, Stored, {6, 1}, {4, 1}, {6, 1}, false, false, kDotprodFeatures},
    {"generic", Widen, WidenBf16, Stored, {4, 1}, {4, 1}, {4, 1}, false, false, {}},
};
// clang-format on

ArrayRef<Isa> tq::cpu::getIsas() { return kIsas; }

static bool isEnabled(const Isa &isa, ArrayRef<std::string> enabledFeatures) {
  return llvm::all_of(isa.features, [&](StringRef feature) {
    return llvm::is_contained(enabledFeatures, feature);
  });
}

const Isa &tq::cpu::selectIsa(ArrayRef<std::string> enabledFeatures) {
  return *llvm::find_if(
      kIsas, [&](const Isa &isa) { return isEnabled(isa, enabledFeatures); });
}

bool tq::cpu::canRun(DotKind dot, SumPlace sums,
                     ArrayRef<std::string> enabledFeatures) {
  bool hasDot = dot == Fma, hasTiles = sums == SumPlace::Vectors;
  for (const Isa &isa : kIsas) {
    if (!isEnabled(isa, enabledFeatures))
      continue;
    hasDot |= dot == isa.dot || dot == isa.bf16Dot;
    hasTiles |= isBf16(dot) ? isa.hasBf16Tiles : isa.hasMatrixTiles;
  }
  return hasDot && hasTiles;
}
