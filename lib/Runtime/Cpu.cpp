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
  };
#undef TQ_FEATURE
  for (const Feature &feature : features)
    if (strlen(feature.name) == length &&
        memcmp(feature.name, name, length) == 0)
      return feature.present;
#endif
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

tq_status checkCpu(const char *features) {
  char missing[256];
  size_t used = 0;
  for (const char *name = features ? features : ""; *name;) {
    size_t length = strcspn(name, ",");
    if (length && !hasFeature(name, length) && used < sizeof(missing) - 1) {
      int written = snprintf(missing + used, sizeof(missing) - used, "%s%.*s",
                             used ? ", " : "", int(length), name);
      used = written < 0 ? used : used + written;
    }
    name += length + (name[length] == ',');
  }
  if (!used && features && strstr(features, "amx-tile") && !requestTiles())
    return fail(TQ_ERROR_RESOURCE,
                "this program was compiled for a CPU with %s; the system does "
                "not let it use amx-tile (compile with another --target-cpu)",
                features);
  if (!used)
    return TQ_OK;
  return fail(TQ_ERROR_RESOURCE,
              "this program was compiled for a CPU with %s; this CPU lacks %s "
              "(compile with another --target-cpu)",
              features, missing);
}

} // namespace tq::rt
