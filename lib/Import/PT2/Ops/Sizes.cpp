//===- Sizes.cpp - Numbers and checks beside the tensors ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

using namespace tq;
using namespace tq::pt2;

static void buildSymSize(Call &call) {
  Tensor self = call.tensor("self");
  int64_t dim = call.dim("dim", self);
  if (call.b.expect(self.getRank() > 0,
                    "expected a tensor of rank 1 or more") &&
      !call.b.hasFailed())
    call.setSize(self.shape[dim]);
}

static void buildAdd(Call &call) {
  call.setSize(call.size("a") + call.size("b"));
}

static void buildSub(Call &call) {
  call.setSize(call.size("a") - call.size("b"));
}

static void buildMul(Call &call) {
  call.setSize(call.size("a") * call.size("b"));
}

static void buildNeg(Call &call) { call.setSize(SizeExpr(0) - call.size("a")); }

/// Sizes are not negative, and no size is divided by 0.
static bool canDivide(Call &call) {
  std::optional<int64_t> divisor = call.size("b").getConstant();
  return call.b.expect(!divisor || *divisor > 0,
                       "expected a positive divisor of a size");
}

static void buildFloorDiv(Call &call) {
  if (canDivide(call))
    call.setSize(call.b.getSizes().floorDiv(call.size("a"), call.size("b")));
}

static void buildMod(Call &call) {
  if (canDivide(call))
    call.setSize(call.b.getSizes().combine(SizeTable::Kind::Mod, call.size("a"),
                                           call.size("b")));
}

template <SizeTable::Kind kind>
static void buildExtreme(Call &call) {
  call.setSize(call.b.getSizes().combine(kind, call.size("a"), call.size("b")));
}

/// What it asserts holds by the types of values; what it does not say is None.
static void buildAssertMetadata(Call &call) {
  Tensor a = call.tensor("a");
  std::optional<DType> dtype =
      call.has("dtype") ? call.dtype("dtype") : std::nullopt;
  call.b.expect(!dtype || *dtype == a.dtype,
                "expected " + (dtype ? getName(*dtype) : "") +
                    ", as the program asserts, but got " + getName(a.dtype));
}

static constexpr OpRow kRows[] = {
    {"aten.sym_size.int(Tensor self, int dim)", buildSymSize},
    {"_operator.add(SymInt a, SymInt b)", buildAdd},
    {"_operator.sub(SymInt a, SymInt b)", buildSub},
    {"_operator.mul(SymInt a, SymInt b)", buildMul},
    {"_operator.neg(SymInt a)", buildNeg},
    {"_operator.floordiv(SymInt a, SymInt b)", buildFloorDiv},
    {"_operator.mod(SymInt a, SymInt b)", buildMod},
    {"torch.sym_max(SymInt a, SymInt b)", buildExtreme<SizeTable::Kind::Max>},
    {"torch.sym_min(SymInt a, SymInt b)", buildExtreme<SizeTable::Kind::Min>},
    {"aten._assert_tensor_metadata.default(Tensor a, SymInt[]? size=None, "
     "SymInt[]? stride=None, ScalarType? dtype=None, *, Device? device=None, "
     "Layout? layout=None)",
     buildAssertMetadata},
};

llvm::ArrayRef<OpRow> pt2::getSizeOps() { return kRows; }
