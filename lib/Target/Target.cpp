//===- Target.cpp - The CPUs that a program is compiled for ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Target/Target.h"

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

/// The features a program checks at its start, in the order in which messages
/// list them. LLVM, GCC and the runtime's Cpu.cpp use the same names.
static constexpr StringLiteral kX86Checked[] = {
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
    "amx-tile",     "amx-int8",
    "amx-bf16"};
static constexpr StringLiteral kArmChecked[] = {
    "fullfp16", "lse", "rdm", "dotprod", "bf16", "i8mm", "sve", "sve2"};

/// The host's levels, the highest first.
namespace {
struct Level {
  StringLiteral name;
  ArrayRef<StringLiteral> features;
};
} // namespace

static constexpr StringLiteral kV4Features[] = {
    "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2",
    "bmi",     "bmi2",     "f16c",     "fma",      "lzcnt",    "movbe"};
static constexpr StringLiteral kV3Features[] = {"avx2", "bmi",   "bmi2", "f16c",
                                                "fma",  "lzcnt", "movbe"};
static constexpr Level kX86Levels[] = {{"x86-64-v4", kV4Features},
                                       {"x86-64-v3", kV3Features}};
static constexpr Level kArmLevels[] = {{"generic", {}}};

/// What `host` adds to its level: extensions that kernels make use of.
static constexpr StringLiteral kX86Extras[] = {
    "avx512vnni", "avx512bf16", "avxvnni", "amx-int8", "amx-bf16"};
static constexpr StringLiteral kArmExtras[] = {"dotprod", "i8mm"};

static constexpr StringLiteral kX86Defaults[] = {"x86-64-v3",
                                                 "x86-64-v4+avx512vnni"};
static constexpr StringLiteral kArmDefaults[] = {"generic", "generic+dotprod",
                                                 "generic+dotprod+i8mm"};

namespace {
/// What tq knows of an architecture: one row each.
struct Architecture {
  Triple::ArchType arch;
  StringLiteral triple;
  /// A CPU with nothing but what all have, to look features up.
  StringLiteral baseCpu;
  /// What every program needs, for LLVM and for people.
  StringLiteral needed, neededText;
  ArrayRef<StringLiteral> checked;
  ArrayRef<Level> levels;
  ArrayRef<StringLiteral> extras;
  ArrayRef<StringLiteral> defaults;
};
} // namespace

static constexpr Architecture kArchitectures[] = {
    {Triple::x86_64, "x86_64-unknown-linux-gnu", "x86-64", "+64bit,+avx2,+fma",
     "a 64-bit CPU with AVX2 and FMA, such as x86-64-v3", kX86Checked,
     kX86Levels, kX86Extras, kX86Defaults},
    {Triple::aarch64, "aarch64-unknown-linux-gnu", "generic", "+neon",
     "a CPU with NEON, such as generic", kArmChecked, kArmLevels, kArmExtras,
     kArmDefaults}};

/// The row of `triple`, or null.
static const Architecture *findArchitecture(StringRef triple) {
  Triple::ArchType arch = Triple(triple).getArch();
  for (const Architecture &row : kArchitectures)
    if (row.arch == arch)
      return &row;
  return nullptr;
}

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
  });
}

static Expected<const llvm::Target *> lookUpTarget(StringRef triple) {
  initializeTargets();
  std::string message;
  const llvm::Target *target =
      TargetRegistry::lookupTarget(Triple(triple), message);
  if (!target)
    return createStringError("LLVM lacks the target '" + triple +
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
    features["amx-tile"] = features["amx-int8"] = features["amx-bf16"] = false;
#endif
  return features;
}

static bool isHost(const Architecture &row) {
  return Triple(sys::getProcessTriple()).getArch() == row.arch;
}

/// Returns what `host` stands for.
static Expected<std::string> describeHost(const Architecture &row) {
  if (!isHost(row))
    return createStringError("--target-cpu=host: this machine is " +
                             sys::getProcessTriple() + ", not " + row.triple +
                             "; name a CPU, such as " + row.defaults.front());
  StringMap<bool> features = getHostFeatures();
  for (const Level &level : row.levels) {
    if (!hasAll(features, level.features))
      continue;
    std::string name = level.name.str();
    for (StringRef extra : row.extras)
      if (features.lookup(extra))
        name += "+" + extra.str();
    return name;
  }
  return createStringError("--target-cpu=host: programs need " +
                           row.neededText +
                           ", which this machine lacks; name "
                           "a CPU, such as " +
                           row.defaults.front());
}

Expected<std::string> tq::resolveTriple(StringRef text) {
  Triple triple(text.empty() ? sys::getProcessTriple()
                             : Triple::normalize(text));
  const Architecture *row = findArchitecture(triple.str());
  if (row && triple.isOSLinux() && !triple.isMusl() && !triple.isAndroid())
    return row->triple.str();
  if (text.empty())
    return kArchitectures[0].triple.str();
  return createStringError("--target=" + text +
                           ": expected x86_64-linux-gnu or aarch64-linux-gnu");
}

std::vector<std::string> tq::getDefaultCpus(StringRef triple) {
  std::vector<std::string> result;
  if (const Architecture *row = findArchitecture(triple))
    result.assign(row->defaults.begin(), row->defaults.end());
  return result;
}

static Error checkCpu(const MCSubtargetInfo &info, StringRef cpu,
                      StringRef example) {
  bool known = any_of(info.getAllProcessorDescriptions(),
                      [&](const auto &entry) { return entry.Key == cpu; });
  if (!known)
    return createStringError("unknown CPU '" + cpu +
                             "' in --target-cpu: expected host, " + example +
                             " or a CPU name of LLVM");
  return Error::success();
}

static Error checkFeature(const MCSubtargetInfo &info, StringRef feature,
                          StringRef example) {
  bool known = any_of(info.getAllProcessorFeatures(),
                      [&](const auto &entry) { return entry.Key == feature; });
  if (!known)
    return createStringError("unknown feature '" + feature +
                             "' in --target-cpu: expected a CPU feature of "
                             "LLVM, such as " +
                             example);
  return Error::success();
}

bool tq::Target::hasFeature(StringRef feature) const {
  return is_contained(required, feature);
}

Expected<tq::Target> tq::resolveTarget(StringRef spec, StringRef triple) {
  const Architecture &row = *findArchitecture(triple);
  std::string full = spec.str();
  if (spec == "host" || spec.starts_with("host+")) {
    Expected<std::string> host = describeHost(row);
    if (!host)
      return host.takeError();
    full = *host + spec.drop_front(4).str();
  }
  Expected<const llvm::Target *> llvmTarget = lookUpTarget(triple);
  if (!llvmTarget)
    return llvmTarget.takeError();
  std::unique_ptr<MCSubtargetInfo> all(
      (*llvmTarget)->createMCSubtargetInfo(Triple(triple), row.baseCpu, ""));

  SmallVector<StringRef> parts;
  StringRef(full).split(parts, '+');
  if (Error error = checkCpu(*all, parts.front(), row.levels.front().name))
    return error;
  tq::Target target;
  target.name = full;
  target.triple = triple.str();
  target.cpu = parts.front().str();
  for (StringRef feature : ArrayRef(parts).drop_front()) {
    if (Error error = checkFeature(*all, feature, row.extras.front()))
      return error;
    target.features += (target.features.empty() ? "+" : ",+") + feature.str();
  }

  std::unique_ptr<MCSubtargetInfo> info(
      (*llvmTarget)
          ->createMCSubtargetInfo(Triple(triple), target.cpu, target.features));
  if (!info->checkFeatures(row.needed))
    return createStringError("--target-cpu=" + spec + ": programs need " +
                             row.neededText);
  for (StringRef feature : row.checked)
    if (info->checkFeatures(("+" + feature).str()))
      target.required.push_back(feature.str());
  return target;
}

Expected<std::vector<tq::Target>>
tq::resolveTargets(ArrayRef<std::string> specs, StringRef triple) {
  std::vector<Target> targets;
  for (const auto &[index, spec] : enumerate(specs)) {
    if (is_contained(specs.take_front(index), spec))
      return createStringError("--target-cpu: " + spec + " is named twice");
    Expected<Target> target = resolveTarget(spec, triple);
    if (!target)
      return target.takeError();
    // What `host` stands for may be in the list, too.
    if (any_of(targets,
               [&](const Target &other) { return other.name == target->name; }))
      continue;
    auto place =
        upper_bound(targets, *target, [](const Target &a, const Target &b) {
          return a.required.size() > b.required.size();
        });
    targets.insert(place, std::move(*target));
  }
  return targets;
}

bool tq::runsOnHost(const Target &target) {
  const Architecture *row = findArchitecture(target.triple);
  if (!row || !isHost(*row))
    return false;
  StringMap<bool> features = getHostFeatures();
  return all_of(target.required, [&](const std::string &feature) {
    return features.lookup(feature);
  });
}

Expected<std::unique_ptr<TargetMachine>>
tq::createTargetMachine(const Target &target) {
  Expected<const llvm::Target *> llvmTarget = lookUpTarget(target.triple);
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
