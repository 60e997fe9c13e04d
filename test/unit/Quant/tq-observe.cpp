//===- tq-observe.cpp - Statistics and ranges of values, for tests --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// tq-observe CHANNELS ROWS PADDING PERCENTILE: reads f32 values from stdin, in
// batches of ROWS rows whose last PADDING are left out, and prints what is
// known of them, a name and its numbers a line; floats in hexadecimal.
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Observers.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace tq::quant;

static std::vector<float> readValues() {
  std::vector<float> values;
  float buffer[4096];
  while (size_t count = fread(buffer, sizeof(float), std::size(buffer), stdin))
    values.insert(values.end(), buffer, buffer + count);
  return values;
}

static void print(const char *name, const std::vector<float> &values) {
  printf("%s", name);
  for (float v : values)
    printf(" %a", v);
  printf("\n");
}

static void printStatistics(const TensorStatistics &statistics) {
  printf("rows %lld\n", static_cast<long long>(statistics.rows));
  printf("non-finite %lld\n", static_cast<long long>(statistics.nonFinite));
  print("low", statistics.low);
  print("high", statistics.high);
  print("mean", statistics.mean);
  const Histogram &histogram = statistics.histogram;
  printf("width %a\n", histogram.getWidth());
  printf("first %lld\n", static_cast<long long>(histogram.getFirst()));
  printf("counts");
  for (uint64_t count : histogram.getCounts())
    printf(" %llu", static_cast<unsigned long long>(count));
  printf("\n");
}

static void printRanges(const TensorStatistics &statistics, double percentile) {
  for (Observer observer :
       {Observer::MinMax, Observer::MovingAverage, Observer::Percentile,
        Observer::Entropy, Observer::Mse})
    for (bool isSymmetric : {false, true}) {
      Range range =
          chooseRange(statistics, {observer, percentile}, isSymmetric);
      QuantParams params = chooseParamsU8(range);
      std::string_view name = getObserverName(observer);
      printf("%.*s%s %a %a %a %d %a\n", static_cast<int>(name.size()),
             name.data(), isSymmetric ? "-symmetric" : "", range.low,
             range.high, params.scale, params.zeroPoint,
             chooseScaleS8(range.high));
    }
}

int main(int argc, char **argv) {
  int64_t numbers[3] = {};
  for (int i = 0; argc == 5 && i < 3; ++i)
    numbers[i] = strtoll(argv[i + 1], nullptr, 10);
  auto [channels, batch, padding] = numbers;
  if (channels <= 0 || batch <= 0 || padding < 0 || padding > batch) {
    fprintf(stderr, "tq-observe: expected CHANNELS ROWS PADDING PERCENTILE\n");
    return 2;
  }
  std::vector<float> values = readValues();
  int64_t rows = static_cast<int64_t>(values.size()) / channels;
  std::vector<uint8_t> isObserved(batch, 1);
  std::fill_n(isObserved.rbegin(), padding, 0);
  StatisticsCollector collector(channels);
  for (int64_t row = 0; row < rows; row += batch)
    collector.addBatch(values.data() + row * channels,
                       std::min(batch, rows - row), isObserved.data());
  TensorStatistics statistics = collector.getStatistics();
  printStatistics(statistics);
  printRanges(statistics, strtod(argv[4], nullptr));
  return 0;
}
