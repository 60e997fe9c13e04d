//===- Profile.cpp - --profile --------------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Files.h"
#include "Cli/Main.h"
#include "Cli/Peak.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

static constexpr int64_t maxEvents = 1 << 20;
static constexpr int32_t maxProfiledRuns = 1 << 16;

ProfileRecorder::~ProfileRecorder() {
  free(profile.events);
  free(profile.runs);
}

tq_status ProfileRecorder::start(tq_session &session, const char *path) {
  if (!path)
    return TQ_OK;
  if (tq_status status = probeOutput(path))
    return status;
  profile.events =
      static_cast<ProfileEvent *>(malloc(maxEvents * sizeof(ProfileEvent)));
  profile.runs =
      static_cast<ProfileRun *>(malloc(maxProfiledRuns * sizeof(ProfileRun)));
  if (!profile.events || !profile.runs)
    return fail(TQ_ERROR_RESOURCE, "no memory for a profile");
  profile.capacity = maxEvents;
  profile.runCapacity = maxProfiledRuns;
  session.context.profile = &profile;
  return TQ_OK;
}

//===----------------------------------------------------------------------===//
// The trace
//===----------------------------------------------------------------------===//

static int64_t countEvents(const Profile &profile) {
  int64_t count = profile.count;
  return count < profile.capacity ? count : profile.capacity;
}

/// Share of what `threads` cores can do, for the kind of arithmetic of the
/// call; 0 where the peak is not known.
static double shareOfPeak(const tq_program_call &call, double gops,
                          const Peak &peak, int64_t threads) {
  double most = peak.floating;
  if (strncmp(call.scheme, "int8", 4) == 0)
    most = peak.integer;
  else if (strcmp(call.scheme, "bf16") == 0)
    most = peak.bf16;
  return most > 0 ? gops / (most * double(threads)) : 0;
}

static void printEvent(Bytes &to, const tq_program &program,
                       const Profile &profile, const ProfileEvent &event,
                       const Peak &peak, int64_t threads) {
  if (event.thread >= 0)
    threads = 1;
  const tq_program_call &call = program.entries->calls[event.call];
  const ProfileRun &run = profile.runs[event.run];
  double time = double(event.end - event.begin);
  double start = double(event.begin - profile.events[0].begin);
  char shape[192];
  to.print("{\"name\": ");
  printJson(to, program.kernels[call.kernel].name);
  to.print(", \"cat\": ");
  printJson(to, call.scheme);
  to.print(", \"ph\": \"X\", \"pid\": 1, \"tid\": %d, \"ts\": %.3f, \"dur\": "
           "%.3f, \"args\": {\"layer\": ",
           event.thread < 0 ? 1 : event.thread + 1, start * 1e-3, time * 1e-3);
  printJson(to, call.layer);
  to.print(", \"run\": %d, \"shape\": %s, \"ops\": %" PRId64
           ", \"bytes\": %" PRId64 ", \"gops\": %.3f, \"gbps\": %.3f, "
           "\"share_of_peak\": %.4f}}",
           event.run, shapeText(shape, run.dims, run.rank), event.ops,
           event.bytes, time > 0 ? double(event.ops) / time : 0.0,
           time > 0 ? double(event.bytes) / time : 0.0,
           time > 0 ? shareOfPeak(call, double(event.ops) / time, peak, threads)
                    : 0.0);
}

static tq_status writeTrace(const tq_program &program, const Profile &profile,
                            const char *path, const Peak &peak,
                            int64_t threads) {
  Bytes text;
  text.print("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n"
             "{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": 1, "
             "\"args\": {\"name\": ");
  printJson(text, program.name);
  text.print("}}");
  for (int64_t i = 0, count = countEvents(profile); i < count; ++i) {
    text.print(",\n");
    printEvent(text, program, profile, profile.events[i], peak, threads);
  }
  text.print("\n]}\n");
  tq_status status = writeFile(path, text);
  text.free();
  return status;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {
struct KernelTotal {
  const char *name;
  const tq_program_call *call;
  double time; // nanoseconds
  double ops;
  double bytes;
  int64_t calls;
};
} // namespace

static int byTime(const void *a, const void *b) {
  double x = static_cast<const KernelTotal *>(a)->time;
  double y = static_cast<const KernelTotal *>(b)->time;
  return int(x < y) - int(x > y);
}

static tq_status printTable(const tq_program &program, const Profile &profile,
                            const Peak &peak, int64_t threads) {
  auto *totals = static_cast<KernelTotal *>(
      calloc(program.num_kernels + 1, sizeof(KernelTotal)));
  if (!totals)
    return fail(TQ_ERROR_RESOURCE, "no memory for the profile's table");
  for (int32_t k = 0; k < program.num_kernels; ++k)
    totals[k].name = program.kernels[k].name;
  double sum = 0;
  int64_t count = countEvents(profile), dropped = profile.count - count;
  for (int64_t i = 0; i < count; ++i) {
    const ProfileEvent &event = profile.events[i];
    double time = double(event.end - event.begin);
    if (event.thread >= 0) // the others are at work, too
      time /= double(threads);
    KernelTotal &total = totals[program.entries->calls[event.call].kernel];
    total.call = &program.entries->calls[event.call];
    total.time += time;
    total.ops += double(event.ops);
    total.bytes += double(event.bytes);
    ++total.calls;
    sum += time;
  }
  qsort(totals, program.num_kernels, sizeof(KernelTotal), byTime);
  fprintf(stderr, "%10s %6s %8s %9s %8s %8s  kernel\n", "ms", "%", "calls",
          "GOPS", "% peak", "GB/s");
  for (int32_t k = 0; k < program.num_kernels && totals[k].calls; ++k) {
    double time = totals[k].time > 0 ? totals[k].time : 1;
    fprintf(
        stderr, "%10.3f %6.1f %8" PRId64 " %9.1f %8.1f %8.1f  %s\n",
        totals[k].time * 1e-6, sum > 0 ? 100 * totals[k].time / sum : 0,
        totals[k].calls, totals[k].ops / time,
        100 * shareOfPeak(*totals[k].call, totals[k].ops / time, peak, threads),
        totals[k].bytes / time, totals[k].name);
  }
  fprintf(stderr, "%10.3f %6.1f %8" PRId64 " %9s %8s %8s  all, in %d runs\n",
          sum * 1e-6, 100.0, count, "", "", "", profile.numRuns);
  if (peak.floating > 0)
    fprintf(stderr,
            "peak of %" PRId64 " thread(s): %.0f GOPS of u8 x s8 dot products, "
            "%.0f GFLOPS of f32 fma, %.0f of bf16\n",
            threads, peak.integer * double(threads),
            peak.floating * double(threads), peak.bf16 * double(threads));
  if (dropped)
    fprintf(stderr, "note: %" PRId64 " more calls were not recorded\n",
            dropped);
  free(totals);
  return TQ_OK;
}

tq_status ProfileRecorder::finish(tq_session &session, const char *path) {
  if (!path)
    return TQ_OK;
  session.context.profile = nullptr;
  const tq_program &program = *session.model->program;
  Peak peak = measurePeak(session.model->target->required_features);
  int64_t threads = tq_num_threads(&session.context);
  if (tq_status status = writeTrace(program, profile, path, peak, threads))
    return status;
  return printTable(program, profile, peak, threads);
}

} // namespace tq::rt
