//===- KernelProgram.h - Programs of single ops, checked --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program under test: its text, its weights, and for each output what the
// scalar reference says. One program holds many ops, because a compilation
// costs more than a run.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_UNIT_CODEGEN_KERNELPROGRAM_H
#define TQ_TEST_UNIT_CODEGEN_KERNELPROGRAM_H

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace tq::test {

/// Values of the dynamic dimensions of one run, by name.
using Sizes = std::map<std::string, int64_t>;

/// Runs of attention whose batches are `b`, queries `s` and keys `s`, or `t`:
/// on both sides of tiles and panels.
std::vector<Sizes> selfAttentionSizes();
std::vector<Sizes> crossAttentionSizes();

/// Sizes and input values of one run; inputs go by their position.
struct RunData {
  Sizes sizes;
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<int64_t>> ids;
};

/// How the values of a float input are made.
enum class Values {
  Mixed,   ///< rows of different size and sign, zeros, outliers
  Ties,    ///< halfway between two bf16
  Special, ///< also NaN, infinities and very large numbers
  AnyBits, ///< every pattern of bits is as likely
};

/// How an output is compared with what is expected.
enum class Compare {
  Bits,           ///< equal bits, or NaN on both sides
  FiniteRowsBits, ///< as Bits, but rows expected to have no finite value only
                  ///< have none
};

/// Removed with all that is in it.
class TempFolder {
public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;

  std::string path; ///< empty: it could not be made
};

class KernelProgram {
public:
  explicit KernelProgram(std::string name, std::string quantize = "dynamic");

  /// Adds an argument; dimensions are numbers or names. Returns its position,
  /// which is also its name: argument 3 is %a3.
  size_t input(const std::vector<std::string> &dims,
               Values values = Values::Mixed);
  /// The same with integers in [0, limit).
  size_t idInput(const std::vector<std::string> &dims, int64_t limit);
  /// Adds a weight of random values and returns them. A statement that reads it
  /// as %`name` goes into the body.
  std::vector<float> weight(const std::string &name, int64_t rows,
                            int64_t columns, float mean = 0.0f);
  std::vector<float> vector(const std::string &name, int64_t size,
                            float mean = 0.0f);

  /// Appends a line to the body of the function.
  void line(const std::string &text);
  /// Returns %`value` with these dimensions, expected to be what the function
  /// says.
  using Expected = std::function<std::vector<float>(const RunData &)>;
  void output(const std::string &value, const std::vector<std::string> &dims,
              Expected expected, Compare compare = Compare::Bits);
  /// The same for what is not defined to the bit: `tolerance` says how far each
  /// value may be off. Infinity allows anything; what is expected not to be
  /// finite may be so in any way.
  void output(const std::string &value, const std::vector<std::string> &dims,
              Expected expected, Expected tolerance);

  /// Compiles for each CPU, runs all `runs` with 1, 2 and 7 threads and
  /// compares each output with the reference, and with the bits of one thread.
  void check(const std::vector<Sizes> &runs);

  /// `tensor<...>` of these dimensions.
  static std::string type(const std::vector<std::string> &dims,
                          const std::string &element = "f32");

private:
  struct Input {
    std::vector<std::string> dims;
    Values values = Values::Mixed;
    int64_t limit = 0;
    bool isId = false;
  };
  struct Output {
    std::string value;
    std::vector<std::string> dims;
    Expected expected, tolerance;
    Compare compare;
  };
  using Results = std::vector<std::vector<std::vector<float>>>;

  size_t addInput(Input input);
  void addWeight(const std::string &name, const std::string &type,
                 const std::vector<float> &values);
  std::string text() const;
  RunData makeData(const Sizes &sizes);
  std::string compile(const std::string &cpu) const;
  std::vector<std::string> cpus() const;
  void run(const std::string &library, const std::vector<RunData> &runs,
           const Results &expected, const Results &tolerances) const;

  TempFolder folder;
  std::string name, quantize;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::string weights, body;
  std::vector<float> weightData;
  std::mt19937 engine;
};

} // namespace tq::test

#endif // TQ_TEST_UNIT_CODEGEN_KERNELPROGRAM_H
