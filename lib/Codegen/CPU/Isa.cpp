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
static const Isa kIsas[] = {
    {"amx-bf16", Vpdpbusd, Vdpbf16ps, {6, 4}, {6, 4}, {6, 4}, true, true, kAmxBf16Features},
    {"amx", Vpdpbusd, WidenBf16, {6, 4}, {4, 4}, {6, 4}, true, false, kAmxFeatures},
    {"avx512bf16", Vpdpbusd, Vdpbf16ps, {6, 4}, {6, 4}, {6, 4}, false, false, kAvx512Bf16Features},
    {"avx512vnni", Vpdpbusd, WidenBf16, {6, 4}, {4, 4}, {6, 4}, false, false, kAvx512VnniFeatures},
    {"avx512", Pmaddwd, WidenBf16, {4, 2}, {4, 4}, {6, 4}, false, false, kAvx512Features},
    {"avxvnni", VpdpbusdHalf, WidenBf16, {6, 1}, {4, 1}, {6, 1}, false, false, kAvxVnniFeatures},
    {"avx2", Pmaddwd, WidenBf16, {4, 1}, {4, 1}, {6, 1}, false, false, kAvx2Features},
    {"i8mm", Usdot, WidenBf16, {6, 1}, {4, 1}, {6, 1}, false, false, kI8mmFeatures},
    {"dotprod", Sdot, WidenBf16, {6, 1}, {4, 1}, {6, 1}, false, false, kDotprodFeatures},
    {"generic", Widen, WidenBf16, {4, 1}, {4, 1}, {4, 1}, false, false, {}},
};
// clang-format on

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
  case DotKind::Vdpbf16ps:
    return "vdpbf16ps";
  case DotKind::WidenBf16:
    return "fma of widened bf16";
  }
  llvm_unreachable("unknown dot product");
}

ArrayRef<Isa> tq::cpu::getIsas() { return kIsas; }

const Isa *tq::cpu::lookupIsa(StringRef name) {
  for (const Isa &isa : kIsas)
    if (isa.name == name)
      return &isa;
  return nullptr;
}

const Isa &tq::cpu::selectIsa(ArrayRef<std::string> enabledFeatures) {
  for (const Isa &isa : kIsas)
    if (llvm::all_of(isa.features, [&](StringRef feature) {
          return llvm::is_contained(enabledFeatures, feature);
        }))
      return isa;
  return getIsas().back();
}
