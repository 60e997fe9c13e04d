//===- Target.cpp - Schedules of CPU kernels as data -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/CPU/Target.h"

#include "llvm/ADT/STLExtras.h"

using namespace tq::cpu;
using llvm::ArrayRef;
using llvm::StringRef;

static constexpr StringRef kAmxFeatures[] = {
    "avx512f",    "avx512bw", "avx512dq", "avx512vl",
    "avx512vnni", "fma",      "amx-tile", "amx-int8"};
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
static const Target kTargets[] = {
    {"amx", DotKind::Vpdpbusd, {6, 4}, {6, 4}, true, kAmxFeatures},
    {"avx512vnni",
     DotKind::Vpdpbusd,
     {6, 4},
     {6, 4},
     false,
     kAvx512VnniFeatures},
    {"avx512", DotKind::Pmaddwd, {4, 2}, {6, 4}, false, kAvx512Features},
    {"avxvnni", DotKind::VpdpbusdHalf, {6, 1}, {6, 1}, false, kAvxVnniFeatures},
    {"avx2", DotKind::Pmaddwd, {4, 1}, {6, 1}, false, kAvx2Features},
    {"i8mm", DotKind::Usdot, {6, 1}, {6, 1}, false, kI8mmFeatures},
    {"dotprod", DotKind::Sdot, {6, 1}, {6, 1}, false, kDotprodFeatures},
    {"generic", DotKind::Widen, {4, 1}, {4, 1}, false, {}},
};

StringRef tq::cpu::getDotName(DotKind kind) {
  switch (kind) {
  case DotKind::Vpdpbusd:
  case DotKind::VpdpbusdHalf:
    return "vpdpbusd";
  case DotKind::Pmaddwd:
    return "vpmaddwd";
  case DotKind::Usdot:
    return "usdot";
  case DotKind::Sdot:
    return "sdot";
  case DotKind::Widen:
    return "32-bit products";
  }
  llvm_unreachable("unknown dot product");
}

ArrayRef<Target> tq::cpu::getTargets() { return kTargets; }

const Target *tq::cpu::lookupTarget(StringRef name) {
  for (const Target &target : kTargets)
    if (target.name == name)
      return &target;
  return nullptr;
}

const Target &tq::cpu::selectTarget(ArrayRef<std::string> enabledFeatures) {
  for (const Target &target : kTargets)
    if (llvm::all_of(target.features, [&](StringRef feature) {
          return llvm::is_contained(enabledFeatures, feature);
        }))
      return target;
  return getTargets().back();
}
