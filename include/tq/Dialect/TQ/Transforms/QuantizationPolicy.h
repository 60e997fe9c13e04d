//===- QuantizationPolicy.h - How each layer is quantized -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the command line says of all layers, and what the rules of a YAML file
// say of some: docs/QuantizeConfig.md.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_TRANSFORMS_QUANTIZATIONPOLICY_H
#define TQ_DIALECT_TQ_TRANSFORMS_QUANTIZATIONPOLICY_H

#include "tq/Quant/Observers.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tq {

/// When the scales of activations are computed.
enum class Scheme {
  Float,   ///< never: the layer stays in float
  Dynamic, ///< row by row, at run time
  Static,  ///< by a calibration, at compile time
};

/// What has a scale of its own.
enum class Granularity {
  Tensor,  ///< the tensor
  Channel, ///< each channel
};

/// How one layer is quantized.
struct LayerPolicy {
  Scheme scheme = Scheme::Dynamic;
  quant::Observer observer = quant::Observer::MinMax;
  /// For Observer::Percentile, in (50, 100].
  double percentile = 99.99;
  Granularity granularity = Granularity::Channel;
  /// SmoothQuant's alpha, in [0, 1); only where the scheme is static.
  std::optional<double> smoothing;
  /// Only where the scheme is not float.
  bool biasCorrection = false;

  bool operator==(const LayerPolicy &) const = default;
};

/// The policy of layers of which no rule says anything.
struct BasePolicy : LayerPolicy {
  BasePolicy(const LayerPolicy &policy = {}) : LayerPolicy(policy) {}

  /// Of attention, in place of `scheme`. Where it is Float, only rules that
  /// name the op change it.
  Scheme attention = Scheme::Float;
};

/// The largest file of rules, in bytes.
inline constexpr size_t kMaxQuantizeConfigBytes = 1 << 20;

/// A policy for all layers, and rules for some.
class QuantizationPolicy {
public:
  /// No rules: each layer has `base`.
  explicit QuantizationPolicy(const BasePolicy &base = {});
  QuantizationPolicy(QuantizationPolicy &&) noexcept;
  QuantizationPolicy &operator=(QuantizationPolicy &&) noexcept;
  ~QuantizationPolicy();

  /// Reads rules. Errors are "FILE:LINE:COLUMN: expected ..., but got ...",
  /// where FILE is the buffer's identifier.
  static llvm::Expected<QuantizationPolicy> parse(llvm::MemoryBufferRef buffer,
                                                  const BasePolicy &base = {});

  /// The policy of a layer, whose op is a tq op without its prefix ("linear").
  /// A layer merged of several, "encoder.{query,key}", is matched by what
  /// matches its name or that of a part. Notes which rules match: not for
  /// several threads at once.
  LayerPolicy get(llvm::StringRef layer, llvm::StringRef op) const;

  /// "FILE:LINE: this rule matches no layer" for each rule that matched in no
  /// call of get.
  llvm::SmallVector<std::string> listUnmatched() const;

private:
  friend class RuleReader;
  struct Rule;

  BasePolicy base;
  std::string path;
  std::vector<std::unique_ptr<Rule>> rules;
};

/// The policy with the rules of the file `config`; none where that is "".
llvm::Expected<QuantizationPolicy> loadPolicy(llvm::StringRef config,
                                              const BasePolicy &base);

/// The same, for a pass: an error is one of `op`.
mlir::FailureOr<QuantizationPolicy>
loadPolicy(mlir::Operation *op, llvm::StringRef config, const BasePolicy &base);

/// The policy of the layer that `op` is.
LayerPolicy getPolicy(const QuantizationPolicy &policy, mlir::Operation *op);

} // namespace tq

#endif // TQ_DIALECT_TQ_TRANSFORMS_QUANTIZATIONPOLICY_H
