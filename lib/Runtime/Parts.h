//===- Parts.h - Take batches apart -----------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of a batch do not depend on each other, nor on what stands behind a
// row's last token (see tq_program::batch_dim and marks_padding). So a large
// batch runs in parts, whose tensors stay in the caches and which need a small
// arena; padding is left out; and where there is a part for each thread, each
// works on its own without waiting for the others. Outputs have the same bits
// as in one piece, and zeros at padded positions.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_PARTS_H
#define TQ_LIB_RUNTIME_PARTS_H

#include "Support.h"
#include "tq/Runtime/Program.h"
#include <atomic>

struct tq_session;

namespace tq::rt {

/// What is cut: rows of up to `positions` positions, in tensors that have
/// `sequenceDim` behind the batch. Without such a dimension, it is 0.
struct BatchShape {
  int64_t rows;
  int64_t positions;
  int64_t sequenceDim;
  const uint8_t *mask; ///< null: no padding
  int64_t maskBytes;   ///< of an element
};

/// Rows of a batch that are computed together: `rows` of `Parts::order` from
/// `first` on, up to their position `length`.
struct Part {
  int64_t first;
  int64_t rows;
  int64_t length;
  bool inPlace; ///< the rows stand in the batch as they are needed here
};

/// What a thread needs to run a part by itself.
struct Lane {
  const void **inputPointers;
  void **outputPointers;
  int64_t *inputDims;
  int64_t *outputDims;
  Buffer gathered; ///< the part's rows of inputs, then those of outputs
};

/// Tables of the last run; they only grow.
struct Parts {
  Buffer lengths; ///< int64_t, positions of each row up to its padding
  Buffer order;   ///< int64_t, rows by length, the longest first
  Buffer table;   ///< Part
  Lane *lanes;    ///< one a thread
  int32_t numLanes;
  BatchShape batch;
  int64_t count; ///< parts
  int64_t aside; ///< the first parts, each run by one thread beside others
  int64_t arena; ///< bytes that a thread needs for one of those
  std::atomic<int64_t> next;
};

/// Makes the lanes of a session of `threads` threads; false without memory.
bool makeParts(tq_session &session, int32_t threads);
void freeParts(tq_session &session);

/// Cuts the batch that is bound to the session. A count of 0: it runs in one
/// piece, as it is.
tq_status cutBatch(tq_session &session);

/// Bytes of the arena for all parts, or -1 if they are too many to count.
int64_t partsArena(tq_session &session);

/// Makes room for the rows of each part.
tq_status reserveParts(tq_session &session);

/// Rows of the largest part, 0 if the batch runs in one piece.
int64_t rowsPerPart(const tq_session &session);

/// Runs all parts; their outputs go where the session's pointers say.
void runParts(tq_session &session);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_PARTS_H
