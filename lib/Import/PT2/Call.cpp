//===- Call.cpp - A node of a program, ready to be built ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Call.h"

using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;
using llvm::Twine;

const Call::Value &Call::get(StringRef name) const {
  auto found = arguments.find(name);
  assert(found != arguments.end() && "the schema has no such argument");
  return found->second;
}

Tensor Call::tensor(StringRef name) const {
  const Value &value = get(name);
  return value.tensors.empty() ? Tensor() : value.tensors.front();
}

SizeExpr Call::size(StringRef name) const {
  const Value &value = get(name);
  return value.sizes.empty() ? SizeExpr(0) : value.sizes.front();
}

int64_t Call::integer(StringRef name) {
  llvm::SmallVector<int64_t> all = integers(name);
  return all.empty() ? 0 : all.front();
}

llvm::SmallVector<int64_t> Call::integers(StringRef name) {
  llvm::SmallVector<int64_t> result;
  for (const SizeExpr &size : get(name).sizes) {
    std::optional<int64_t> constant = size.getConstant();
    b.expect(constant.has_value(), "argument '" + name +
                                       "': expected a constant, but got " +
                                       b.getSizes().print(size));
    result.push_back(constant.value_or(0));
  }
  return result;
}

double Call::number(StringRef name) {
  const Value &value = get(name);
  return value.sizes.empty() ? value.number.number : double(integer(name));
}

Tensor Call::scalar(StringRef name, DType dtype) {
  const Value &value = get(name);
  if (value.sizes.empty())
    return b.constant(dtype, value.number);
  return b.fromSize(value.sizes.front(), dtype);
}

int64_t Call::dim(StringRef name, const Tensor &tensor) {
  return b.getDim(integer(name), tensor.getRank()).value_or(0);
}

llvm::SmallVector<int64_t> Call::dims(StringRef name, const Tensor &tensor) {
  llvm::SmallVector<int64_t> result;
  for (int64_t dim : integers(name))
    result.push_back(b.getDim(dim, tensor.getRank()).value_or(0));
  return result;
}

const Shape &Call::shape(unsigned i) {
  static const Shape none;
  return b.expect(hasResult(i), "expected " + Twine(i + 1) +
                                    " tensors as results, but got " +
                                    Twine(declared.size()))
             ? declared[i].shape
             : none;
}

DType Call::resultType(unsigned i) {
  return hasResult(i) ? declared[i].dtype : DType::F32;
}

void Call::setViews(StringRef of, std::vector<View> all) {
  viewed = of.str();
  views = std::move(all);
  Tensor base = tensor(of);
  for (const View &view : views)
    results.push_back(b.hasFailed() ? Tensor() : view.read(base));
}
