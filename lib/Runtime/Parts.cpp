//===- Parts.cpp - Take batches apart -------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parts.h"
#include "Session.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

/// Positions that a thread computes at a time: enough to make the weights' way
/// from memory worth while, few enough that a layer's tensors stay in its
/// caches.
static constexpr int64_t partPositions = 256;

/// Tables of rows stay far below the address space.
static constexpr int64_t mostPositions = int64_t(1) << 56;

/// Positions computed in vain that cost as much as one more part.
static constexpr int64_t partWaste = 32;

//===----------------------------------------------------------------------===//
// The batch as it is bound
//===----------------------------------------------------------------------===//

static int64_t symbolOf(const tq_session &session, int64_t dim) {
  return session.symbols[-(dim + 1)];
}

static BatchShape describeBatch(const tq_session &session) {
  const tq_program_entry &entry = *session.entry;
  BatchShape batch = {symbolOf(session, entry.batch_dim), 1, 0, nullptr, 0};
  for (int32_t i = 0; i < entry.num_inputs; ++i) {
    const tq_program_tensor &input = entry.inputs[i];
    // Without a mask, a row's size is a guess at its work.
    if (batch.positions == 1 && input.rank > 1 && input.dims[1] < 0 &&
        input.dims[0] == entry.batch_dim)
      batch.positions = symbolOf(session, input.dims[1]);
    if (!input.marks_padding)
      continue;
    batch.sequenceDim = input.dims[1];
    batch.positions = symbolOf(session, input.dims[1]);
    batch.mask = static_cast<const uint8_t *>(session.inputPointers[i]);
    batch.maskBytes = dtypeBytes(input.dtype);
  }
  return batch;
}

/// Positions of a row up to its padding; a row of padding only keeps it.
static int64_t measureRow(const BatchShape &batch, int64_t row) {
  if (!batch.mask)
    return batch.positions;
  int64_t bytes = batch.positions * batch.maskBytes;
  const uint8_t *data = batch.mask + row * bytes;
  while (bytes > 0 && data[bytes - 1] == 0)
    --bytes;
  return bytes ? (bytes - 1) / batch.maskBytes + 1 : batch.positions;
}

//===----------------------------------------------------------------------===//
// Cutting
//===----------------------------------------------------------------------===//

static int64_t *words(const Buffer &buffer) {
  return reinterpret_cast<int64_t *>(buffer.data);
}

static Part *partTable(const Parts &parts) {
  return reinterpret_cast<Part *>(parts.table.data);
}

/// Whether rows [first, next) of the order are neighbours in the batch, too.
/// One row is, up to any length; several only if none is padded: rows of one
/// length keep their order, others do not.
static bool areNeighbours(const Parts &parts, const BatchShape &batch,
                          int64_t first, int64_t next) {
  const int64_t *order = words(parts.order), last = order[next - 1];
  return next - first == 1 || (words(parts.lengths)[last] == batch.positions &&
                               last - order[first] == next - first - 1);
}

/// Cuts the ordered rows to parts of about `target` positions; gives their
/// number.
static int64_t cutRows(Parts &parts, const BatchShape &batch, int64_t target) {
  const int64_t *order = words(parts.order), *lengths = words(parts.lengths);
  int64_t count = 0, rows = batch.rows;
  for (int64_t first = 0; first < rows; ++count) {
    int64_t length = lengths[order[first]], next = first + 1, waste = 0;
    while (next < rows && (next - first) * length < target &&
           (waste += length - lengths[order[next]]) <= partWaste)
      ++next;
    partTable(parts)[count] = {first, next - first, length,
                               areNeighbours(parts, batch, first, next)};
    first = next;
  }
  return count;
}

/// Parts for each thread, if there are enough for all; else one that all
/// threads share. A profile shows one call at a time, so it is of shared parts.
static void cutForThreads(Parts &parts, const BatchShape &batch, int64_t total,
                          int64_t threads, bool isProfiled) {
  auto ceilDiv = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  int64_t wanted = ceilDiv(total, partPositions);
  if (threads > 1 && !isProfiled && wanted >= threads) {
    wanted = ceilDiv(wanted, threads) * threads;
    parts.count = cutRows(parts, batch, ceilDiv(total, wanted));
    // A few that are left over keep all threads busy one after the other.
    int64_t rest = parts.count % threads;
    parts.aside = 2 * rest > threads ? parts.count : parts.count - rest;
    if (parts.aside)
      return;
  }
  parts.count =
      cutRows(parts, batch, threads > 1 ? total : ceilDiv(total, wanted));
}

tq_status cutBatch(tq_session &session) {
  Parts &parts = session.parts;
  parts.count = parts.aside = 0;
  if (!session.entry->batch_dim)
    return TQ_OK;
  const BatchShape &batch = parts.batch = describeBatch(session);
  int64_t positions;
  if (!multiply(batch.rows, batch.positions, &positions) ||
      positions > mostPositions)
    return fail(TQ_ERROR_INPUT,
                "expected a batch of at most 2^56 positions, found %" PRId64
                " rows of %" PRId64,
                batch.rows, batch.positions);
  if (!bufferReserve(parts.lengths, 8 * batch.rows) ||
      !bufferReserve(parts.table, sizeof(Part) * batch.rows))
    return fail(TQ_ERROR_RESOURCE, "no memory for a batch of %" PRId64 " rows",
                batch.rows);
  int64_t *lengths = words(parts.lengths), total = 0, longest = 1;
  for (int64_t r = 0; r < batch.rows; ++r) {
    lengths[r] = measureRow(batch, r);
    longest = lengths[r] > longest ? lengths[r] : longest;
    total += lengths[r];
  }
  if (!sortByLength(parts.order, batch.rows, longest,
                    [&](int64_t row) { return lengths[row]; }))
    return fail(TQ_ERROR_RESOURCE, "no memory for a batch of %" PRId64 " rows",
                batch.rows);
  cutForThreads(parts, batch, total, session.pool.threads(),
                session.context.profile);
  if (parts.count == 1 && total == positions)
    parts.count = 0;
  return TQ_OK;
}

int64_t rowsPerPart(const tq_session &session) {
  int64_t most = 0;
  for (int64_t i = 0; i < session.parts.count; ++i) {
    int64_t rows = partTable(session.parts)[i].rows;
    most = rows > most ? rows : most;
  }
  return most;
}

//===----------------------------------------------------------------------===//
// A part's tensors
//===----------------------------------------------------------------------===//

namespace {
/// How rows lie in a tensor of the whole batch.
struct Rows {
  int64_t pitch; // bytes from row to row
  int64_t bytes; // of a row up to a length
};

/// A part and the batch that it belongs to.
class PartView {
public:
  PartView(tq_session &session, Lane &lane, const Part &part)
      : session(session), lane(lane), part(part), entry(*session.entry),
        batch(session.parts.batch),
        order(words(session.parts.order) + part.first) {}

  /// Dimensions of inputs and outputs; gives the arena's bytes.
  int64_t plan(int64_t threads);
  /// Bytes of the rows that have to be gathered.
  int64_t gatheredBytes() const;
  void bind();
  /// Gives outputs to their rows, with zeros for padding.
  void deliver();

private:
  Rows getRows(const tq_program_tensor &tensor, const int64_t *dims,
               int64_t length) const;
  bool isCut(const tq_program_tensor &tensor) const {
    return tensor.rank && tensor.dims[0] == entry.batch_dim;
  }

  tq_session &session;
  Lane &lane;
  const Part &part;
  const tq_program_entry &entry;
  const BatchShape &batch;
  const int64_t *order;
};
} // namespace

/// `dims` are those of the whole batch.
Rows PartView::getRows(const tq_program_tensor &tensor, const int64_t *dims,
                       int64_t length) const {
  Rows rows = {dtypeBytes(tensor.dtype), 0};
  for (int32_t d = 1; d < tensor.rank; ++d)
    rows.pitch *= dims[d];
  rows.bytes = rows.pitch;
  if (batch.sequenceDim && tensor.rank > 1 &&
      tensor.dims[1] == batch.sequenceDim)
    rows.bytes = rows.pitch / batch.positions * length;
  return rows;
}

int64_t PartView::plan(int64_t threads) {
  const int64_t *whole = session.inputDims;
  int64_t *dims = lane.inputDims;
  for (int32_t i = 0; i < entry.num_inputs; ++i) {
    const tq_program_tensor &input = entry.inputs[i];
    for (int32_t d = 0; d < input.rank; ++d, ++dims, ++whole)
      *dims = input.dims[d] == entry.batch_dim ? part.rows
              : batch.sequenceDim && input.dims[d] == batch.sequenceDim
                  ? part.length
                  : *whole;
  }
  return getCode(session).plan(lane.inputDims, threads, lane.outputDims);
}

static int64_t roundToLine(int64_t bytes) { return (bytes + 63) / 64 * 64; }

int64_t PartView::gatheredBytes() const {
  if (part.inPlace)
    return 0;
  int64_t sum = 0;
  auto count = [&](const tq_program_tensor *tensors, int32_t number,
                   const int64_t *dims) {
    for (int32_t i = 0; i < number; dims += tensors[i++].rank)
      if (isCut(tensors[i]))
        sum += roundToLine(part.rows *
                           getRows(tensors[i], dims, part.length).bytes);
  };
  count(entry.inputs, entry.num_inputs, session.inputDims);
  count(entry.outputs, entry.num_outputs, session.outputDims);
  return sum;
}

/// Points to the part's rows where they are, or gathers those of inputs and
/// makes room for those of outputs.
void PartView::bind() {
  uint8_t *place = lane.gathered.data;
  const int64_t *dims = session.inputDims;
  for (int32_t i = 0; i < entry.num_inputs; dims += entry.inputs[i++].rank) {
    auto *from = static_cast<const uint8_t *>(session.inputPointers[i]);
    lane.inputPointers[i] = from;
    if (!isCut(entry.inputs[i]))
      continue;
    Rows rows = getRows(entry.inputs[i], dims, part.length);
    lane.inputPointers[i] = part.inPlace ? from + order[0] * rows.pitch : place;
    if (part.inPlace)
      continue;
    for (int64_t r = 0; r < part.rows; ++r)
      memcpy(place + r * rows.bytes, from + order[r] * rows.pitch, rows.bytes);
    place += roundToLine(part.rows * rows.bytes);
  }
  dims = session.outputDims;
  for (int32_t i = 0; i < entry.num_outputs; dims += entry.outputs[i++].rank) {
    Rows rows = getRows(entry.outputs[i], dims, part.length);
    auto *to = static_cast<uint8_t *>(session.outputPointers[i]);
    lane.outputPointers[i] = part.inPlace ? to + order[0] * rows.pitch : place;
    if (!part.inPlace)
      place += roundToLine(part.rows * rows.bytes);
  }
}

void PartView::deliver() {
  const int64_t *dims = session.outputDims;
  for (int32_t i = 0; i < entry.num_outputs; dims += entry.outputs[i++].rank) {
    int64_t stride = getRows(entry.outputs[i], dims, part.length).bytes;
    auto *from = static_cast<const uint8_t *>(lane.outputPointers[i]);
    for (int64_t r = 0; r < part.rows; ++r) {
      Rows row = getRows(entry.outputs[i], dims,
                         words(session.parts.lengths)[order[r]]);
      uint8_t *to = static_cast<uint8_t *>(session.outputPointers[i]) +
                    order[r] * row.pitch;
      if (!part.inPlace)
        memcpy(to, from + r * stride, row.bytes);
      memset(to + row.bytes, 0, row.pitch - row.bytes);
    }
  }
}

//===----------------------------------------------------------------------===//
// Memory and the run
//===----------------------------------------------------------------------===//

/// Threads that work on part `index` together.
static int64_t threadsOf(const tq_session &session, int64_t index) {
  return index < session.parts.aside ? 1 : session.pool.threads();
}

int64_t partsArena(tq_session &session) {
  Parts &parts = session.parts;
  int64_t most = 0;
  parts.arena = 0;
  for (int64_t i = 0; i < parts.count; ++i) {
    int64_t bytes = PartView(session, parts.lanes[0], partTable(parts)[i])
                        .plan(threadsOf(session, i));
    if (bytes < 0)
      return -1;
    int64_t &place = i < parts.aside ? parts.arena : most;
    place = bytes > place ? bytes : place;
  }
  parts.arena = roundToLine(parts.arena);
  int64_t aside;
  if (!multiply(parts.arena, session.pool.threads(), &aside))
    return -1;
  return aside > most ? aside : most;
}

tq_status reserveParts(tq_session &session) {
  Parts &parts = session.parts;
  if (!parts.count)
    return TQ_OK;
  int64_t most = 0;
  for (int64_t i = 0; i < parts.count; ++i) {
    int64_t bytes =
        PartView(session, parts.lanes[0], partTable(parts)[i]).gatheredBytes();
    most = bytes > most ? bytes : most;
  }
  int64_t lanes = parts.aside ? session.pool.threads() : 1;
  for (int64_t i = 0; i < lanes; ++i)
    if (!bufferReserve(parts.lanes[i].gathered, most))
      return fail(TQ_ERROR_RESOURCE,
                  "rows of a part need %" PRId64
                  " bytes, and this machine does not have them",
                  most);
  return TQ_OK;
}

static void runPart(tq_session &session, int64_t index, Lane &lane,
                    tq_context &context, uint8_t *arena) {
  PartView view(session, lane, partTable(session.parts)[index]);
  view.plan(threadsOf(session, index));
  view.bind();
  getCode(session).run(&context, lane.inputPointers, lane.inputDims,
                       lane.outputPointers, arena,
                       session.model->program->weights);
  view.deliver();
}

/// A thread takes the next part until none is left.
static void runAside(void *arguments, int64_t begin, int64_t end, int64_t) {
  auto &session = *static_cast<tq_session *>(arguments);
  Parts &parts = session.parts;
  for (int64_t lane = begin; lane < end; ++lane) {
    tq_context alone = {&session.alone, nullptr};
    int64_t index;
    while ((index = parts.next.fetch_add(1, std::memory_order_relaxed)) <
           parts.aside)
      runPart(session, index, parts.lanes[lane], alone,
              session.arena.data + lane * parts.arena);
  }
}

void runParts(tq_session &session) {
  Parts &parts = session.parts;
  parts.next.store(0, std::memory_order_relaxed);
  if (parts.aside)
    session.pool.parallelFor(runAside, &session, session.pool.threads());
  for (int64_t i = parts.aside; i < parts.count; ++i)
    runPart(session, i, parts.lanes[0], session.context, session.arena.data);
}

//===----------------------------------------------------------------------===//
// Life of the lanes
//===----------------------------------------------------------------------===//

static bool hasBatch(const tq_program &program) {
  for (int32_t i = 0; i < program.num_entries; ++i)
    if (program.entries[i].batch_dim)
      return true;
  return false;
}

bool makeParts(tq_session &session, int32_t threads) {
  const tq_program &program = *session.model->program;
  Parts &parts = session.parts;
  if (!hasBatch(program))
    return true;
  auto [numIn, numOut] = countTensors(program);
  if (!makeArray(parts.lanes, threads))
    return false;
  parts.numLanes = threads;
  for (int32_t i = 0; i < threads; ++i) {
    Lane &lane = parts.lanes[i];
    if (!makeArray(lane.inputPointers, numIn) ||
        !makeArray(lane.outputPointers, numOut) ||
        !makeArray(lane.inputDims, numIn * TQ_MAX_RANK) ||
        !makeArray(lane.outputDims, numOut * TQ_MAX_RANK))
      return false;
  }
  return true;
}

void freeParts(tq_session &session) {
  Parts &parts = session.parts;
  for (int32_t i = 0; i < parts.numLanes; ++i) {
    Lane &lane = parts.lanes[i];
    free(lane.inputPointers);
    free(lane.outputPointers);
    free(lane.inputDims);
    free(lane.outputDims);
    bufferFree(lane.gathered);
  }
  free(parts.lanes);
  bufferFree(parts.lengths);
  bufferFree(parts.order);
  bufferFree(parts.table);
}

} // namespace tq::rt
