//===- Target.cpp - The CPU that a program is compiled for ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/Target.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace llvm;

static constexpr StringLiteral kTriple = "x86_64-unknown-linux-gnu";

/// The features a program checks at its start, in the order in which messages
/// list them. LLVM, GCC and the runtime's Cpu.cpp use the same names.
static constexpr StringLiteral kCheckedFeatures[] = {
    "sse3",         "ssse3",
    "sse4.1",       "sse4.2",
    "popcnt",       "avx",
    "avx2",         "fma",
    "f16c",         "bmi",
    "bmi2",         "lzcnt",
    "movbe",        "avx512f",
    "avx512bw",     "avx512cd",
    "avx512dq",     "avx512vl",
    "avx512vnni",   "avx512vbmi",
    "avx512vbmi2",  "avx512bf16",
    "avxvnni",      "gfni",
    "avx512bitalg", "avx512vpopcntdq",
    "amx-tile",     "amx-int8"};

/// What `host` adds to its x86-64 level: extensions that kernels make use of.
static constexpr StringLiteral kHostExtras[] = {"avx512vnni", "avxvnni",
                                                "amx-int8"};

static constexpr StringLiteral kLevel4[] = {"avx512f", "avx512bw", "avx512cd",
                                            "avx512dq", "avx512vl"};
static constexpr StringLiteral kLevel3[] = {"avx2", "bmi",   "bmi2", "f16c",
                                            "fma",  "lzcnt", "movbe"};

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeNativeTarget();
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  });
}

static Expected<const llvm::Target *> lookUpTarget() {
  initializeTargets();
  std::string message;
  const llvm::Target *target =
      TargetRegistry::lookupTarget(Triple(kTriple), message);
  if (!target)
    return createStringError("LLVM lacks the target '" + kTriple +
                             "': " + message);
  return target;
}

static bool hasAll(const StringMap<bool> &features,
                   ArrayRef<StringLiteral> names) {
  return all_of(names, [&](StringRef name) { return features.lookup(name); });
}

/// The features that this process may use: the system grants tile registers
/// only on request (as programs ask for them, too), and some sandboxes do not.
static StringMap<bool> getHostFeatures() {
  StringMap<bool> features = sys::getHostCPUFeatures();
#if defined(__linux__) && defined(__x86_64__)
  constexpr long requestPermission = 0x1023, tileData = 18;
  if (features.lookup("amx-tile") &&
      syscall(SYS_arch_prctl, requestPermission, tileData) != 0)
    features["amx-tile"] = features["amx-int8"] = false;
#endif
  return features;
}

/// Returns what `host` stands for.
static Expected<std::string> describeHost() {
  if (Triple(sys::getProcessTriple()).getArch() != Triple::x86_64)
    return createStringError(
        "--target-cpu=host: programs are made for x86-64 only, but this "
        "machine is " +
        sys::getProcessTriple() + "; name a CPU, such as x86-64-v3");
  StringMap<bool> features = getHostFeatures();
  if (!hasAll(features, kLevel3))
    return createStringError("--target-cpu=host: programs need AVX2 and FMA, "
                             "which this machine lacks; name a CPU, such as "
                             "x86-64-v3");
  std::string name = hasAll(features, kLevel4) ? "x86-64-v4" : "x86-64-v3";
  for (StringRef extra : kHostExtras)
    if (features.lookup(extra))
      name += "+" + extra.str();
  return name;
}

static Error checkCpu(const MCSubtargetInfo &info, StringRef cpu) {
  bool known = any_of(info.getAllProcessorDescriptions(),
                      [&](const auto &entry) { return entry.Key == cpu; });
  if (!known)
    return createStringError("unknown CPU '" + cpu +
                             "' in --target-cpu: expected host, x86-64-v3, "
                             "x86-64-v4 or a CPU name of LLVM");
  return Error::success();
}

static Error checkFeature(const MCSubtargetInfo &info, StringRef feature) {
  bool known = any_of(info.getAllProcessorFeatures(),
                      [&](const auto &entry) { return entry.Key == feature; });
  if (!known)
    return createStringError("unknown feature '" + feature +
                             "' in --target-cpu: expected a CPU feature of "
                             "LLVM, such as avx512vnni");
  return Error::success();
}

bool tq::Target::hasFeature(StringRef feature) const {
  return is_contained(required, feature);
}

Expected<tq::Target> tq::resolveTarget(StringRef spec) {
  std::string full = spec.str();
  if (spec == "host" || spec.starts_with("host+")) {
    Expected<std::string> host = describeHost();
    if (!host)
      return host.takeError();
    full = *host + spec.drop_front(4).str();
  }
  Expected<const llvm::Target *> llvmTarget = lookUpTarget();
  if (!llvmTarget)
    return llvmTarget.takeError();
  std::unique_ptr<MCSubtargetInfo> all(
      (*llvmTarget)->createMCSubtargetInfo(Triple(kTriple), "x86-64", ""));

  SmallVector<StringRef> parts;
  StringRef(full).split(parts, '+');
  if (Error error = checkCpu(*all, parts.front()))
    return error;
  tq::Target target;
  target.name = full;
  target.triple = kTriple.str();
  target.cpu = parts.front().str();
  for (StringRef feature : ArrayRef(parts).drop_front()) {
    if (Error error = checkFeature(*all, feature))
      return error;
    target.features += (target.features.empty() ? "+" : ",+") + feature.str();
  }

  std::unique_ptr<MCSubtargetInfo> info(
      (*llvmTarget)
          ->createMCSubtargetInfo(Triple(kTriple), target.cpu,
                                  target.features));
  if (!info->checkFeatures("+64bit,+avx2,+fma"))
    return createStringError("--target-cpu=" + spec +
                             ": programs need a 64-bit CPU with AVX2 and FMA, "
                             "such as x86-64-v3");
  for (StringRef feature : kCheckedFeatures)
    if (info->checkFeatures(("+" + feature).str()))
      target.required.push_back(feature.str());
  return target;
}

bool tq::runsOnHost(const Target &target) {
  if (Triple(sys::getProcessTriple()).getArch() != Triple::x86_64)
    return false;
  StringMap<bool> features = getHostFeatures();
  return all_of(target.required, [&](const std::string &feature) {
    return features.lookup(feature);
  });
}

Expected<std::unique_ptr<TargetMachine>>
tq::createTargetMachine(const Target &target) {
  Expected<const llvm::Target *> llvmTarget = lookUpTarget();
  if (!llvmTarget)
    return llvmTarget.takeError();
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Strict;
  options.FunctionSections = true;
  options.DataSections = true;
  std::unique_ptr<TargetMachine> machine(
      (*llvmTarget)
          ->createTargetMachine(Triple(target.triple), target.cpu,
                                target.features, options, Reloc::PIC_));
  if (!machine)
    return createStringError("LLVM has no code generator for " + target.name);
  return machine;
}
