//===- MatrixTiles.cpp - The tile registers of AMX ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The intrinsics that name registers by immediates: a kernel uses all eight, so
// there is nothing for a register allocator to decide.
//
//===----------------------------------------------------------------------===//

#include "MatrixTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tq::cpu;

static constexpr int64_t kTiles = 8;

void MatrixTiles::call(StringRef intrinsic, ValueRange operands) {
  LLVM::CallIntrinsicOp::create(builder, builder.getStringAttr(intrinsic),
                                operands);
}

Value MatrixTiles::tile(int64_t number) {
  return LLVM::ConstantOp::create(builder, builder.getI8Type(), number);
}

Value MatrixTiles::toI64(Value index) {
  return arith::IndexCastOp::create(builder, builder.getI64Type(), index);
}

Value MatrixTiles::pointerTo(Value memref, ValueRange indices) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(builder, memref);
  Value offset = arith::ConstantIndexOp::create(builder, 0);
  for (auto [index, stride] : llvm::zip(indices, metadata.getStrides()))
    offset = arith::AddIOp::create(
        builder, offset, arith::MulIOp::create(builder, index, stride));
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(builder, memref);
  Value pointer = LLVM::IntToPtrOp::create(
      builder, LLVM::LLVMPointerType::get(builder.getContext()), toI64(base));
  return LLVM::GEPOp::create(builder, pointer.getType(), type.getElementType(),
                             pointer, ArrayRef<LLVM::GEPArg>{toI64(offset)});
}

/// Palette 1: bytes of a row of tile t at 16 + 2 t, its rows at 48 + t.
void MatrixTiles::configure(int64_t plain, Value rows) {
  auto store = [&](Value value, int64_t at) {
    memref::StoreOp::create(
        builder, value, config,
        ValueRange{arith::ConstantIndexOp::create(builder, at)});
  };
  auto byte = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, value, 8);
  };
  Value rowByte =
      arith::IndexCastOp::create(builder, builder.getI8Type(), rows);
  for (int64_t at = 0; at < 64; ++at)
    store(byte(at == 0 ? 1 : 0), at);
  for (int64_t t = 0; t < kTiles; ++t) {
    store(byte(kTileBytes), 16 + 2 * t);
    store(t < plain ? rowByte : byte(kTileRows), 48 + t);
  }
  call("llvm.x86.ldtilecfg",
       pointerTo(config,
                 ValueRange{arith::ConstantIndexOp::create(builder, 0)}));
}

void MatrixTiles::zero(int64_t number) {
  call("llvm.x86.tilezero", tile(number));
}

void MatrixTiles::load(int64_t number, Value memref, ValueRange indices,
                       Value stride) {
  call("llvm.x86.tileloadd64",
       {tile(number), pointerTo(memref, indices), toI64(stride)});
}

void MatrixTiles::store(int64_t number, Value memref, ValueRange indices,
                        Value stride) {
  call("llvm.x86.tilestored64",
       {tile(number), pointerTo(memref, indices), toI64(stride)});
}

void MatrixTiles::dot(int64_t sums, int64_t inputs, int64_t weights) {
  call("llvm.x86.tdpbusd", {tile(sums), tile(inputs), tile(weights)});
}

void MatrixTiles::dotSigned(int64_t sums, int64_t inputs, int64_t weights) {
  call("llvm.x86.tdpbssd", {tile(sums), tile(inputs), tile(weights)});
}

void MatrixTiles::dotBf16(int64_t sums, int64_t inputs, int64_t weights) {
  call("llvm.x86.tdpbf16ps", {tile(sums), tile(inputs), tile(weights)});
}

void MatrixTiles::release() { call("llvm.x86.tilerelease", {}); }
