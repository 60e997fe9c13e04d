//===- Cpu.cpp - Can this machine run the program? ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace tq::rt {

namespace {
struct Feature {
  const char *name;
  bool present;
};
} // namespace

/// True if the feature is known and the CPU has it.
static bool hasFeature(const char *name, size_t length) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#define TQ_FEATURE(NAME) {NAME, __builtin_cpu_supports(NAME) != 0}
  const Feature features[] = {
      TQ_FEATURE("sse3"),        TQ_FEATURE("ssse3"),
      TQ_FEATURE("sse4.1"),      TQ_FEATURE("sse4.2"),
      TQ_FEATURE("popcnt"),      TQ_FEATURE("avx"),
      TQ_FEATURE("avx2"),        TQ_FEATURE("fma"),
      TQ_FEATURE("f16c"),        TQ_FEATURE("bmi"),
      TQ_FEATURE("bmi2"),        TQ_FEATURE("lzcnt"),
      TQ_FEATURE("movbe"),       TQ_FEATURE("avx512f"),
      TQ_FEATURE("avx512bw"),    TQ_FEATURE("avx512cd"),
      TQ_FEATURE("avx512dq"),    TQ_FEATURE("avx512vl"),
      TQ_FEATURE("avx512vnni"),  TQ_FEATURE("avx512vbmi"),
      TQ_FEATURE("avx512vbmi2"), TQ_FEATURE("avx512bitalg"),
      TQ_FEATURE("avx512bf16"),  TQ_FEATURE("avx512vpopcntdq"),
      TQ_FEATURE("avxvnni"),     TQ_FEATURE("gfni"),
      TQ_FEATURE("amx-tile"),    TQ_FEATURE("amx-int8"),
      TQ_FEATURE("amx-bf16"),
  };
#undef TQ_FEATURE
#elif defined(__aarch64__)
  const unsigned long base = getauxval(AT_HWCAP), more = getauxval(AT_HWCAP2);
  const Feature features[] = {
      {"fullfp16", (base & HWCAP_ASIMDHP) != 0},
      {"lse", (base & HWCAP_ATOMICS) != 0},
      {"rdm", (base & HWCAP_ASIMDRDM) != 0},
      {"dotprod", (base & HWCAP_ASIMDDP) != 0},
      {"bf16", (more & HWCAP2_BF16) != 0},
      {"i8mm", (more & HWCAP2_I8MM) != 0},
      {"sve", (base & HWCAP_SVE) != 0},
      {"sve2", (more & HWCAP2_SVE2) != 0},
  };
#endif
  for (const Feature &feature : features)
    if (strlen(feature.name) == length &&
        memcmp(feature.name, name, length) == 0)
      return feature.present;
  return false;
}

/// Linux saves the tile registers only of processes that ask for them.
static bool requestTiles() {
#if defined(__x86_64__)
  constexpr long requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
#else
  return false;
#endif
}

/// Writes those of `features` that the CPU lacks into `missing`, and returns
/// how many bytes that took.
static size_t findMissing(const char *features, char *missing, size_t size) {
  size_t used = 0;
  missing[0] = 0;
  for (const char *name = features; *name;) {
    size_t length = strcspn(name, ",");
    if (length && !hasFeature(name, length) && used < size - 1) {
      int written = snprintf(missing + used, size - used, "%s%.*s",
                             used ? ", " : "", int(length), name);
      used = written < 0 ? used : used + size_t(written);
    }
    name += length + (name[length] == ',');
  }
  return used;
}

static bool needsTiles(const char *features) {
  return strstr(features, "amx-tile") != nullptr;
}

bool isSupported(const tq_program_target &target) {
  char missing[256];
  const char *features = target.required_features;
  return !findMissing(features, missing, sizeof(missing)) &&
         (!needsTiles(features) || requestTiles());
}

const tq_program_target *findTarget(const tq_program &program) {
  for (int32_t i = 0; i < program.num_targets; ++i)
    if (isSupported(program.targets[i]))
      return &program.targets[i];
  return nullptr;
}

tq_status chooseTarget(const tq_program &program,
                       const tq_program_target **target) {
  *target = findTarget(program);
  if (*target)
    return TQ_OK;
  // What it would take at least.
  const char *features =
      program.targets[program.num_targets - 1].required_features;
  char missing[256];
  if (!findMissing(features, missing, sizeof(missing)))
    return fail(TQ_ERROR_RESOURCE,
                "this program was compiled for a CPU with %s; the system does "
                "not let it use amx-tile (compile with another --target-cpu)",
                features);
  return fail(TQ_ERROR_RESOURCE,
              "this program was compiled for a CPU with %s; this CPU lacks %s "
              "(compile with another --target-cpu)",
              features, missing);
}

} // namespace tq::rt
