//===- KernelProgram.cpp - Programs of single ops, run and checked --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelProgram.h"

#include "tq/Runtime/tq.h"

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <stdlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>
#include <span>

using namespace tq::test;

namespace {

bool isNumber(const std::string &dim) {
  return !dim.empty() && std::isdigit(static_cast<unsigned char>(dim[0]));
}

std::vector<int64_t> resolve(const std::vector<std::string> &dims,
                             const Sizes &sizes) {
  std::vector<int64_t> result;
  for (const std::string &dim : dims)
    result.push_back(isNumber(dim) ? std::stoll(dim) : sizes.at(dim));
  return result;
}

int64_t count(const std::vector<int64_t> &dims) {
  int64_t result = 1;
  for (int64_t dim : dims)
    result *= dim;
  return result;
}

/// Rows differ in size and sign, because the parameters of a row depend on
/// them.
void fillRow(std::span<float> row, int64_t index, Values values,
             std::mt19937 &engine) {
  std::normal_distribution<float> normal(0.0f, 1.0f);
  for (float &x : row)
    x = normal(engine);
  switch (index % 8) {
  case 1:
    for (float &x : row)
      x = std::fabs(x) * 100.0f;
    break;
  case 2:
    for (float &x : row)
      x = -std::fabs(x) * 1e-3f;
    break;
  case 3:
    row[engine() % row.size()] = 37.5f;
    break;
  case 4:
    std::ranges::fill(row, index % 16 == 4 ? 0.0f : -0.0f);
    break;
  case 5:
    std::ranges::fill(row, 2.5f);
    break;
  default:
    break;
  }
  if (values == Values::Ties)
    for (float &x : row)
      x = std::bit_cast<float>((std::bit_cast<uint32_t>(x) & 0xFFFF0000) |
                               0x8000);
  if (values == Values::AnyBits)
    for (float &x : row)
      x = std::bit_cast<float>(static_cast<uint32_t>(engine()));
  if (values != Values::Special)
    return;
  const float infinity = std::numeric_limits<float>::infinity();
  // NaN of all bits, which rounding must not carry into the sign.
  const float special[] = {std::bit_cast<float>(0x7FFFFFFF), infinity,
                           -infinity, 3e38f, 1e-40f};
  if (index % 3 == 1)
    row[engine() % row.size()] = special[engine() % std::size(special)];
  if (index % 9 == 5) {
    row[0] = -3e38f;
    row[row.size() - 1] = 3e38f;
  }
}

std::vector<float> makeFloats(const std::vector<int64_t> &dims, Values values,
                              std::mt19937 &engine) {
  std::vector<float> result(count(dims));
  int64_t width = dims.back();
  for (int64_t row = 0; row * width < std::ssize(result); ++row)
    fillRow(std::span(result).subspan(row * width, width), row, values, engine);
  return result;
}

/// A row of three holds only zeros: as a mask, it hides everything.
std::vector<int64_t> makeIds(const std::vector<int64_t> &dims, int64_t limit,
                             std::mt19937 &engine) {
  std::vector<int64_t> result(count(dims));
  int64_t width = dims.back();
  for (int64_t i = 0; i < std::ssize(result); ++i)
    result[i] = i / width % 3 == 2 ? 0 : engine() % limit;
  return result;
}

bool same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

bool noneFinite(std::span<const float> values) {
  return std::ranges::none_of(values, [](float x) { return std::isfinite(x); });
}

/// Reports how many values differ, and the first of them.
void compareRows(std::span<const float> found, std::span<const float> expected,
                 int64_t width, Compare compare) {
  int64_t differing = 0, first = -1;
  for (int64_t row = 0; row < std::ssize(expected) / width; ++row) {
    auto foundRow = found.subspan(row * width, width);
    auto expectedRow = expected.subspan(row * width, width);
    if (compare == Compare::FiniteRowsBits && noneFinite(expectedRow) &&
        noneFinite(foundRow))
      continue;
    for (int64_t column = 0; column < width; ++column) {
      if (same(foundRow[column], expectedRow[column]))
        continue;
      if (first < 0)
        first = row * width + column;
      ++differing;
    }
  }
  if (first >= 0)
    ADD_FAILURE() << differing << " of " << expected.size()
                  << " values differ, first in row " << first / width
                  << ", column " << first % width << ": expected "
                  << std::hexfloat << expected[first] << ", found "
                  << found[first];
}

/// Reports the value that is the furthest beyond its tolerance.
void compareWithin(std::span<const float> found,
                   std::span<const float> expected,
                   std::span<const float> tolerance) {
  int64_t worst = -1;
  float excess = 1.0f;
  for (int64_t i = 0; i < std::ssize(expected); ++i) {
    if (std::isinf(tolerance[i]) ||
        (!std::isfinite(found[i]) && !std::isfinite(expected[i])))
      continue;
    float difference = std::fabs(found[i] - expected[i]);
    float share = difference == 0 ? 0.0f : difference / tolerance[i];
    if (share <= excess)
      continue;
    worst = i;
    excess = std::isnan(share) ? std::numeric_limits<float>::infinity() : share;
  }
  if (worst >= 0)
    ADD_FAILURE() << "value " << worst << ": expected " << expected[worst]
                  << " within " << tolerance[worst] << ", found "
                  << found[worst];
}

/// The C interface of a loaded program.
struct Library {
  explicit Library(const std::string &path)
      : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {}
  ~Library() {
    if (handle)
      dlclose(handle);
  }
  template <typename Function>
  Function *find(const char *name, Function *) const {
    return reinterpret_cast<Function *>(dlsym(handle, name));
  }
  void *handle;
};
#define TQ_FIND(library, name) (library).find(#name, &name)

std::vector<tq_tensor> makeTensors(const RunData &data,
                                   std::vector<std::vector<int64_t>> &dims) {
  std::vector<tq_tensor> tensors(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    bool isId = !data.ids[i].empty();
    const void *values = isId ? static_cast<const void *>(data.ids[i].data())
                              : data.floats[i].data();
    tensors[i].data = const_cast<void *>(values);
    tensors[i].rank = static_cast<int32_t>(dims[i].size());
    tensors[i].dtype = isId ? TQ_I64 : TQ_F32;
    std::ranges::copy(dims[i], tensors[i].dims);
  }
  return tensors;
}

std::string describe(const Sizes &sizes) {
  std::string result;
  for (const auto &[name, size] : sizes)
    result += " " + name + "=" + std::to_string(size);
  return result;
}

std::string readFile(const std::string &path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

} // namespace

TempFolder::TempFolder() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "tq-kernels-XXXXXX").string();
  if (mkdtemp(pattern.data()))
    path = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  if (!path.empty())
    std::filesystem::remove_all(path, ignored);
}

KernelProgram::KernelProgram(std::string name, std::string quantize)
    : name(std::move(name)), quantize(std::move(quantize)), engine(7) {}

std::string KernelProgram::type(const std::vector<std::string> &dims,
                                const std::string &element) {
  std::string result = "tensor<";
  for (const std::string &dim : dims)
    result += (isNumber(dim) ? dim : "?") + "x";
  return result + element + ">";
}

size_t KernelProgram::addInput(Input input) {
  inputs.push_back(std::move(input));
  return inputs.size() - 1;
}

size_t KernelProgram::input(const std::vector<std::string> &dims,
                            Values values) {
  return addInput({dims, values, 0, false});
}

size_t KernelProgram::idInput(const std::vector<std::string> &dims,
                              int64_t limit) {
  return addInput({dims, Values::Mixed, limit, true});
}

void KernelProgram::addWeight(const std::string &weightName,
                              const std::string &weightType,
                              const std::vector<float> &values) {
  weights += "tq.weight @" + weightName + " : " + weightType +
             " = #tq.mapped<\"" + folder.path + "/weights.bin\", " +
             std::to_string(weightData.size() * sizeof(float)) + ">\n";
  weightData.insert(weightData.end(), values.begin(), values.end());
  line("%" + weightName + " = tq.get_weight @" + weightName + " : " +
       weightType);
}

std::vector<float> KernelProgram::weight(const std::string &weightName,
                                         int64_t rows, int64_t columns,
                                         float mean) {
  std::vector<float> values =
      makeFloats({rows, columns}, Values::Mixed, engine);
  for (float &value : values)
    value += mean;
  addWeight(weightName, type({std::to_string(rows), std::to_string(columns)}),
            values);
  return values;
}

std::vector<float> KernelProgram::vector(const std::string &weightName,
                                         int64_t size, float mean) {
  std::vector<float> values = makeFloats({size}, Values::Mixed, engine);
  for (float &value : values)
    value += mean;
  addWeight(weightName, type({std::to_string(size)}), values);
  return values;
}

void KernelProgram::line(const std::string &text) {
  body += "  " + text + "\n";
}

void KernelProgram::output(const std::string &value,
                           const std::vector<std::string> &dims,
                           Expected expected, Compare compare) {
  outputs.push_back({value, dims, std::move(expected), {}, compare});
}

void KernelProgram::output(const std::string &value,
                           const std::vector<std::string> &dims,
                           Expected expected, Expected tolerance) {
  outputs.push_back(
      {value, dims, std::move(expected), std::move(tolerance), Compare::Bits});
}

std::string KernelProgram::text() const {
  std::string arguments, values, types;
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::string names, index = std::to_string(i);
    for (const std::string &dim : inputs[i].dims)
      names += (names.empty() ? "\"" : ", \"") + dim + "\"";
    arguments += (i ? ",\n    %a" : "%a") + index + ": " +
                 type(inputs[i].dims, inputs[i].isId ? "i64" : "f32") +
                 " {program.port = #program.port<\"a" + index + "\", [" +
                 names + "]>}";
  }
  for (const Output &output : outputs) {
    values += (values.empty() ? "%" : ", %") + output.value;
    types += (types.empty() ? "" : ", ") + type(output.dims);
  }
  return weights + "func.func @main(" + arguments + ")\n    -> (" + types +
         ") {\n" + body + "  return " + values + " : " + types + "\n}\n";
}

RunData KernelProgram::makeData(const Sizes &sizes) {
  RunData data;
  data.sizes = sizes;
  data.floats.resize(inputs.size());
  data.ids.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::vector<int64_t> dims = resolve(inputs[i].dims, sizes);
    if (inputs[i].isId)
      data.ids[i] = makeIds(dims, inputs[i].limit, engine);
    else
      data.floats[i] = makeFloats(dims, inputs[i].values, engine);
  }
  return data;
}

/// Returns what went wrong, or nothing.
std::string KernelProgram::compile(const std::string &cpu) const {
  std::string library = folder.path + "/" + cpu + ".so", log = library + ".log";
  std::string command =
      std::string("'") + TQ_COMPILE + "' '" + folder.path +
      "/program.mlir' --emit=so --no-golden --quantize=" + quantize +
      " --target-cpu=" + cpu + " -o '" + library + "' > '" + log + "' 2>&1";
  if (system(command.c_str()) == 0)
    return {};
  return "cannot compile for " + cpu + ": " + readFile(log);
}

/// Each way to multiply that this machine has: those of bf16 only where there
/// is something to multiply.
std::vector<std::string> KernelProgram::cpus() const {
#if defined(__x86_64__)
  std::vector<std::string> result{"host"};
  bool hasBf16 = std::ranges::any_of(
      outputs, [](const Output &output) { return bool(output.tolerance); });
  if (hasBf16 && __builtin_cpu_supports("amx-bf16"))
    result.push_back("x86-64-v4+avx512vnni+avx512bf16");
  if (__builtin_cpu_supports("amx-int8"))
    result.push_back("x86-64-v4+avx512vnni");
  if (__builtin_cpu_supports("avx512vnni"))
    result.push_back("x86-64-v4");
  if (__builtin_cpu_supports("avxvnni"))
    result.push_back("x86-64-v3+avxvnni");
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    result.push_back("x86-64-v3");
  return result;
#else
  return {"host"};
#endif
}

void KernelProgram::run(const std::string &path,
                        const std::vector<RunData> &runs,
                        const Results &expected,
                        const Results &tolerances) const {
  Library library(path);
  ASSERT_NE(library.handle, nullptr) << dlerror();
  auto *message = TQ_FIND(library, tq_last_message);
  auto *destroy = TQ_FIND(library, tq_session_destroy);
  const tq_model *model = nullptr;
  ASSERT_EQ(TQ_FIND(library, tq_model_open)(&model), TQ_OK) << message();
  Results ofOneThread = expected;
  for (int32_t threads : {1, 2, 7}) {
    tq_session *session = nullptr;
    tq_session_options options = {};
    options.size = sizeof(options);
    options.threads = threads;
    ASSERT_EQ(TQ_FIND(library, tq_session_create)(model, &options, &session),
              TQ_OK)
        << message();
    for (size_t r = 0; r < runs.size(); ++r) {
      SCOPED_TRACE(std::to_string(threads) + " threads," +
                   describe(runs[r].sizes));
      std::vector<std::vector<int64_t>> dims;
      for (const Input &input : inputs)
        dims.push_back(resolve(input.dims, runs[r].sizes));
      std::vector<tq_tensor> arguments = makeTensors(runs[r], dims);
      std::vector<tq_tensor> results(outputs.size());
      tq_status status = TQ_FIND(library, tq_session_run)(
          session, arguments.data(), static_cast<int32_t>(arguments.size()),
          results.data(), static_cast<int32_t>(results.size()));
      EXPECT_EQ(status, TQ_OK) << message();
      for (size_t i = 0; status == TQ_OK && i < outputs.size(); ++i) {
        SCOPED_TRACE(outputs[i].value);
        std::vector<int64_t> want = resolve(outputs[i].dims, runs[r].sizes);
        std::vector<int64_t> have(results[i].dims,
                                  results[i].dims + results[i].rank);
        EXPECT_EQ(have, want);
        if (have != want)
          continue;
        std::span found(static_cast<const float *>(results[i].data),
                        expected[r][i].size());
        if (outputs[i].tolerance)
          compareWithin(found, expected[r][i], tolerances[r][i]);
        else
          compareRows(found, expected[r][i], want.back(), outputs[i].compare);
        if (threads == 1)
          ofOneThread[r][i].assign(found.begin(), found.end());
        compareRows(found, ofOneThread[r][i], want.back(), Compare::Bits);
      }
    }
    destroy(session);
  }
  TQ_FIND(library, tq_model_close)(model);
}

void KernelProgram::check(const std::vector<Sizes> &sizes) {
  ASSERT_FALSE(folder.path.empty());
  std::ofstream(folder.path + "/program.mlir") << text();
  std::ofstream(folder.path + "/weights.bin", std::ios::binary)
      .write(reinterpret_cast<const char *>(weightData.data()),
             static_cast<std::streamsize>(weightData.size() * sizeof(float)));

  std::vector<std::future<std::string>> compilations;
  std::vector<std::string> all = cpus();
  for (const std::string &cpu : all)
    compilations.push_back(
        std::async(std::launch::async, [&, cpu] { return compile(cpu); }));

  std::vector<RunData> runs;
  Results expected, tolerances;
  for (const Sizes &size : sizes) {
    runs.push_back(makeData(size));
    auto &values = expected.emplace_back(), &bounds = tolerances.emplace_back();
    for (const Output &output : outputs) {
      values.push_back(output.expected(runs.back()));
      auto &bound = bounds.emplace_back();
      if (output.tolerance)
        bound = output.tolerance(runs.back());
    }
  }

  for (size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(name + " on " + all[i]);
    std::string error = compilations[i].get();
    EXPECT_EQ(error, "") << text();
    if (error.empty())
      run(folder.path + "/" + all[i] + ".so", runs, expected, tolerances);
  }
}

std::vector<Sizes> tq::test::selfAttentionSizes() {
  return {{{"b", 3}, {"s", 130}}, {{"b", 1}, {"s", 1}},  {{"b", 4}, {"s", 2}},
          {{"b", 3}, {"s", 7}},   {{"b", 2}, {"s", 16}}, {{"b", 3}, {"s", 33}},
          {{"b", 2}, {"s", 61}},  {{"b", 1}, {"s", 64}}, {{"b", 1}, {"s", 65}}};
}

std::vector<Sizes> tq::test::crossAttentionSizes() {
  return {{{"b", 3}, {"s", 5}, {"t", 67}},
          {{"b", 3}, {"s", 67}, {"t", 5}},
          {{"b", 1}, {"s", 1}, {"t", 130}},
          {{"b", 2}, {"s", 9}, {"t", 113}},
          {{"b", 2}, {"s", 40}, {"t", 1}}};
}
