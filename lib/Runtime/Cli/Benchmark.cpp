//===- Benchmark.cpp - --benchmark ----------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Files.h"
#include "Cli/Main.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

namespace tq::rt {

//===----------------------------------------------------------------------===//
// Time since the process started
//===----------------------------------------------------------------------===//

// The kernel tells a process its start only in steps of 10 ms. So the clock is
// read before main, and what came before that (exec and the loader, which do
// not wait for anything but the disk) is taken from the CPU time used until
// then.
static int64_t constructorTime, cpuTimeBefore;

__attribute__((constructor)) static void noteStart() {
  timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  cpuTimeBefore = int64_t(cpu.tv_sec) * 1000000000 + cpu.tv_nsec;
  constructorTime = now();
}

static double millisecondsSinceStart() {
  return double(now() - constructorTime + cpuTimeBefore) * 1e-6;
}

/// Of this program alone: getrusage also counts what ran here before exec.
static int64_t peakMemory() {
  Bytes status;
  int64_t kilobytes = 0;
  if (readFile("/proc/self/status", &status) == TQ_OK) {
    status.append("", 1);
    const char *line = status.failed ? nullptr : strstr(status.data, "VmHWM:");
    kilobytes = line ? strtoll(line + 6, nullptr, 10) : 0;
  }
  status.free();
  rusage usage;
  if (!kilobytes && getrusage(RUSAGE_SELF, &usage) == 0)
    kilobytes = usage.ru_maxrss;
  return 1024 * kilobytes;
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

namespace {
struct Measurement {
  int64_t *times = nullptr; // nanoseconds
  int64_t count = 0;
  double firstAnswer = 0;
};

struct Statistics {
  double mean, p50, p90, p99, min; // milliseconds
};
} // namespace

static constexpr int64_t maxRuns = 1 << 20, minRuns = 5;

/// All runs are first ones: what one leaves behind is no part of the next.
static tq_status runOnce(tq_session &session, const RandomInputs &inputs) {
  if (session.model->program->num_states)
    if (tq_status status = tq_session_reset(&session))
      return status;
  return tq_session_run(&session, inputs.tensors, inputs.count, nullptr, 0);
}

static tq_status measure(tq_session &session, const RandomInputs &inputs,
                         double seconds, Measurement &result) {
  auto run = [&] { return runOnce(session, inputs); };
  if (tq_status status = run())
    return status;
  result.firstAnswer = millisecondsSinceStart();
  int64_t warm = now() + int64_t(0.2e9 * seconds);
  for (int64_t i = 0; i < 3 || now() < warm; ++i)
    if (tq_status status = run())
      return status;
  int64_t begin = now(), end = begin + int64_t(1e9 * seconds);
  while (result.count < maxRuns && (begin < end || result.count < minRuns)) {
    if (tq_status status = run())
      return status;
    int64_t after = now();
    result.times[result.count++] = after - begin;
    begin = after;
  }
  return TQ_OK;
}

static Statistics evaluate(Measurement &measurement) {
  int64_t *times = measurement.times, count = measurement.count, sum = 0;
  qsort(times, count, sizeof(int64_t), [](const void *a, const void *b) {
    int64_t x = *static_cast<const int64_t *>(a);
    int64_t y = *static_cast<const int64_t *>(b);
    return int(x > y) - int(x < y);
  });
  for (int64_t i = 0; i < count; ++i)
    sum += times[i];
  // The smallest time that this share of the runs did not exceed.
  auto percentile = [&](int64_t percent) {
    return double(times[(count * percent + 99) / 100 - 1]) * 1e-6;
  };
  return {double(sum) / double(count) * 1e-6, percentile(50), percentile(90),
          percentile(99), double(times[0]) * 1e-6};
}

static void printDims(char (&text)[192], const tq_tensor &tensor) {
  size_t used = 0;
  text[0] = 0;
  for (int32_t d = 0; d < tensor.rank && used + 24 < sizeof(text); ++d)
    used += snprintf(text + used, sizeof(text) - used,
                     d ? "x%" PRId64 : "%" PRId64, tensor.dims[d]);
}

/// Items of a run: rows of the first input that has any.
static int64_t itemsPerRun(const RandomInputs &inputs) {
  for (int32_t i = 0; i < inputs.count; ++i)
    if (inputs.tensors[i].rank > 0)
      return inputs.tensors[i].dims[0];
  return 1;
}

static void printResult(const tq_session &session, const RandomInputs &inputs,
                        const Measurement &measurement,
                        const Statistics &statistics, bool json) {
  const tq_program &program = *session.model->program;
  char shape[192] = "";
  if (inputs.count)
    printDims(shape, inputs.tensors[0]);
  double perSecond = 1e3 * double(itemsPerRun(inputs)) / statistics.mean;
  int64_t memory = peakMemory(), arena = tq_session_arena_bytes(&session);
  const Parts &parts = session.parts;
  int64_t count = parts.count ? parts.count : 1;
  int32_t threads = tq_session_threads(&session);
  if (!json) {
    printf("shape        %s, %d threads, %" PRId64 " runs, %" PRId64 " parts\n"
           "latency      mean %.3f ms, P50 %.3f, P90 %.3f, P99 %.3f, min %.3f\n"
           "throughput   %.1f items/s\n"
           "memory       peak %.1f MB, of it arena %.1f MB\n"
           "first answer %.1f ms after process start\n",
           shape, threads, measurement.count, count, statistics.mean,
           statistics.p50, statistics.p90, statistics.p99, statistics.min,
           perSecond, double(memory) * 1e-6, double(arena) * 1e-6,
           measurement.firstAnswer);
    return;
  }
  printf("{\"shape\": \"%s\", \"threads\": %d, \"runs\": %" PRId64
         ", \"parts\": %" PRId64 ", \"parts_at_once\": %d"
         ", \"rows_per_part\": %" PRId64
         ", \"latency_ms\": {\"mean\": %.6f, \"p50\": %.6f, \"p90\": %.6f, "
         "\"p99\": %.6f, \"min\": %.6f}, \"items_per_second\": %.3f, "
         "\"peak_rss_bytes\": %" PRId64 ", \"arena_bytes\": %" PRId64
         ", \"weights_bytes\": %" PRIu64 ", \"first_answer_ms\": %.3f, "
         "\"inputs\": {",
         shape, threads, measurement.count, count, parts.aside ? threads : 1,
         parts.count ? rowsPerPart(session) : itemsPerRun(inputs),
         statistics.mean, statistics.p50, statistics.p90, statistics.p99,
         statistics.min, perSecond, memory, arena, program.weights_bytes,
         measurement.firstAnswer);
  for (int32_t i = 0; i < inputs.count; ++i) {
    Bytes name;
    printJson(name, program.entries->inputs[i].name);
    printf("%s%.*s: %s", i ? ", " : "", int(name.size), name.data,
           shapeText(shape, inputs.tensors[i].dims, inputs.tensors[i].rank));
    name.free();
  }
  printf("}}\n");
}

/// A few runs are enough for a trace.
static tq_status profileRuns(tq_session &session, const RandomInputs &inputs,
                             const char *path, int runs) {
  ProfileRecorder recorder;
  if (tq_status status = recorder.start(session, path))
    return status;
  for (int i = 0; i < runs; ++i)
    if (tq_status status = runOnce(session, inputs))
      return status;
  return recorder.finish(session, path);
}

/// All that a run with random inputs needs.
static tq_status prepare(const tq_program &program, const Options &options,
                         RandomInputs &inputs, OpenSession &session) {
  if (tq_status status = inputs.make(program, options))
    return status;
  return session.open(program, options, options.threads);
}

tq_status runBenchmark(const tq_program &program, const Options &options) {
  // The first answer is what a user waits for: nothing else is prepared before.
  RandomInputs inputs;
  OpenSession session;
  if (tq_status status = prepare(program, options, inputs, session))
    return status;
  Measurement measurement;
  measurement.times = static_cast<int64_t *>(malloc(8 * maxRuns));
  if (!measurement.times)
    return fail(TQ_ERROR_RESOURCE, "no memory for the times");
  tq_status status = measure(*session, inputs, options.seconds, measurement);
  if (!status) {
    Statistics statistics = evaluate(measurement);
    printResult(*session, inputs, measurement, statistics, options.json);
  }
  free(measurement.times);
  if (!status && options.profile)
    status = profileRuns(*session, inputs, options.profile, 5);
  return status;
}

tq_status runRandom(const tq_program &program, const Options &options) {
  if (options.numOutputs)
    return fail(TQ_ERROR_USAGE, "--output: expected texts or --input as well");
  RandomInputs inputs;
  OpenSession session;
  if (tq_status status = prepare(program, options, inputs, session))
    return status;
  for (int i = 0; i < 3; ++i) // warm up
    if (tq_status status = runOnce(*session, inputs))
      return status;
  return profileRuns(*session, inputs, options.profile, 5);
}

} // namespace tq::rt
