//===- PlanArena.cpp - Places of a schedule's temporaries -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What does not live at the same time takes turns in a slot. Calls in
// `program.rows` are at work at the same time, on different rows. There
//
// - a temporary that is allocated inside holds only a block of rows for each
//   thread: it stays in the cache, and is small;
// - the others hold all rows, and live as long as the op; but two with rows of
//   the same bytes still take turns, as a block has the same place in both.
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/Analysis/Buffers.h"
#include "tq/Dialect/Program/Analysis/ShapeFormulas.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

#include <functional>

namespace tq::program {
#define GEN_PASS_DEF_PLANARENAPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

namespace {

/// Calls, by their number, both included.
struct Lifetime {
  bool meets(const Lifetime &other) const {
    return first <= other.last && other.first <= last;
  }
  int64_t first, last;
};

/// What has a place in the arena.
struct Temporary {
  Value buffer; ///< null: the scratch memory of the first call
  SizeFormula bytes;
  Lifetime uses;
  Lifetime lifetime;     ///< with all of `program.rows` that use it
  SizeFormula rows = {}; ///< how many it has, if it holds all,
  int64_t rowBytes = 0;  ///< and their bytes
  RowsOp blocksOf = {};  ///< where it holds a block of rows a thread
};

class ArenaPlanner {
public:
  ArenaPlanner(ScheduleOp schedule, SymbolTable &symbols)
      : schedule(schedule), symbols(symbols), shapes(schedule),
        calls(schedule.getCalls()) {}

  void run();

private:
  SmallVector<Temporary, 0> collectTemporaries();
  void addWorkspaces(SmallVectorImpl<Temporary> &temporaries);
  Lifetime getLifetime(Lifetime uses);
  SizeFormula getBlockBytes(Value buffer, RowsOp rows);
  int64_t takeSlot(const Temporary &temporary);
  void place(const Temporary &temporary, int64_t slot);
  std::string getFormula();

  ScheduleOp schedule;
  SymbolTable &symbols;
  ShapeFormulas shapes;
  SmallVector<CallOp> calls;
  const SizeFormula threads = SizeFormula::symbol("threads", 4);
  SmallVector<SmallVector<Temporary, 0>> slotUsers;
};

} // namespace

//===----------------------------------------------------------------------===//
// Temporaries
//===----------------------------------------------------------------------===//

/// Blocks of rows may be anywhere between the first call and the last one of
/// their op.
Lifetime ArenaPlanner::getLifetime(Lifetime uses) {
  auto isTogether = [&](int64_t a, int64_t b) {
    Operation *parent = calls[a]->getParentOp();
    return isa<RowsOp>(parent) && parent == calls[b]->getParentOp();
  };
  int64_t count = calls.size();
  while (uses.first > 0 && isTogether(uses.first, uses.first - 1))
    --uses.first;
  while (uses.last + 1 < count && isTogether(uses.last, uses.last + 1))
    ++uses.last;
  return uses;
}

/// Bytes that all threads need of a buffer that holds blocks of rows.
SizeFormula ArenaPlanner::getBlockBytes(Value buffer, RowsOp op) {
  std::string unit = std::to_string(op.getUnit());
  std::string rows = "min(" + unit + "*ceil(" +
                     shapes.countRows(getRowsTensor(op)).str() + " / (" + unit +
                     "*threads)), " + std::to_string(op.getBlockRows()) + ")";
  SizeFormula bytes = SizeFormula::constant(getRowBytes(buffer.getType())) *
                      SizeFormula::symbol(rows, op.getBlockRows());
  return threads * bytes.roundUp(kBufferAlignment);
}

void ArenaPlanner::addWorkspaces(SmallVectorImpl<Temporary> &temporaries) {
  for (auto [number, call] : llvm::enumerate(calls)) {
    auto kernel = symbols.lookup<KernelOp>(call.getKernel());
    VariantOp variant = kernel.getVariant(schedule.getTarget());
    if (!variant.hasWorkspace())
      continue;
    SizeFormula bytes = threads * shapes.getWorkspaceBytes(call, variant);
    Lifetime uses{int64_t(number), int64_t(number)};
    temporaries.push_back({Value(), bytes, uses, uses});
  }
}

/// All but the outputs, in the order of their first use.
SmallVector<Temporary, 0> ArenaPlanner::collectTemporaries() {
  llvm::MapVector<Value, Lifetime> buffers;
  for (auto [number, call] : llvm::enumerate(calls))
    for (Value operand : call.getArguments())
      if (isa<RankedTensorType>(operand.getType()) && isAllocated(operand)) {
        int64_t id = number;
        buffers.insert({getRoot(operand), {id, id}}).first->second.last = id;
      }
  for (Value output : schedule.getResults())
    buffers.erase(getRoot(output));
  SmallVector<Temporary, 0> temporaries;
  addWorkspaces(temporaries);
  for (auto &[buffer, uses] : buffers) {
    Temporary temporary{buffer,
                        shapes.getBytes(buffer),
                        uses,
                        getLifetime(uses),
                        shapes.countRows(buffer),
                        getRowBytes(buffer.getType())};
    if (auto rows = dyn_cast<RowsOp>(buffer.getDefiningOp()->getParentOp())) {
      temporary.blocksOf = rows;
      temporary.bytes = getBlockBytes(buffer, rows);
    }
    temporaries.push_back(temporary);
  }
  return temporaries;
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// Whether two temporaries cannot share memory.
static bool conflict(const Temporary &a, const Temporary &b) {
  bool areBlocks = a.blocksOf && a.blocksOf == b.blocksOf;
  bool haveSameRows = !a.blocksOf && !b.blocksOf && a.rowBytes != 0 &&
                      a.rowBytes == b.rowBytes && a.rows == b.rows;
  if (areBlocks || haveSameRows)
    return a.uses.meets(b.uses);
  return a.lifetime.meets(b.lifetime);
}

/// The first slot that nothing else needs meanwhile, or a new one.
int64_t ArenaPlanner::takeSlot(const Temporary &temporary) {
  auto found = llvm::find_if(slotUsers, [&](ArrayRef<Temporary> users) {
    return llvm::none_of(users, [&](const Temporary &other) {
      return conflict(other, temporary);
    });
  });
  int64_t slot = found - slotUsers.begin();
  if (found == slotUsers.end())
    slotUsers.emplace_back();
  slotUsers[slot].push_back(temporary);
  return slot;
}

void ArenaPlanner::place(const Temporary &temporary, int64_t slot) {
  if (!temporary.buffer) {
    calls[temporary.uses.first].setSlot(slot);
    return;
  }
  auto empty = temporary.buffer.getDefiningOp<tensor::EmptyOp>();
  OpBuilder builder(empty);
  auto buffer = BufferOp::create(builder, empty.getLoc(), empty.getType(), slot,
                                 empty.getDynamicSizes());
  empty.replaceAllUsesWith(buffer.getResult());
  empty.erase();
}

/// Largest first: what follows mostly fits into the slots that are there.
void ArenaPlanner::run() {
  SmallVector<Temporary, 0> temporaries = collectTemporaries();
  SmallVector<std::pair<double, int64_t>> order; // equal ones: the first first
  for (auto [index, temporary] : llvm::enumerate(temporaries))
    order.push_back({-temporary.bytes.estimate(), index});
  llvm::sort(order);
  SmallVector<int64_t> slots(temporaries.size());
  for (auto [bytes, index] : order)
    slots[index] = takeSlot(temporaries[index]);
  schedule.setArena(getFormula());
  // At last: the formulas know the allocations that buffers take the place of.
  for (auto [temporary, slot] : llvm::zip(temporaries, slots))
    place(temporary, slot);
}

//===----------------------------------------------------------------------===//
// The formula
//===----------------------------------------------------------------------===//

/// The sizes of which a slot's is the maximum: none is always at most another.
static SmallVector<SizeFormula> getLargest(ArrayRef<Temporary> users) {
  SmallVector<SizeFormula> largest;
  for (const Temporary &user : users) {
    if (llvm::any_of(largest, [&](const SizeFormula &bytes) {
          return user.bytes.isAtMost(bytes);
        }))
      continue;
    llvm::erase_if(largest, [&](const SizeFormula &bytes) {
      return bytes.isAtMost(user.bytes);
    });
    largest.push_back(user.bytes);
  }
  return largest;
}

/// The slots' bytes, added up as far as they are no maxima.
std::string ArenaPlanner::getFormula() {
  SizeFormula sum;
  SmallVector<std::string> summands;
  for (ArrayRef<Temporary> users : slotUsers) {
    auto rounded =
        llvm::map_to_vector(getLargest(users), [](const SizeFormula &bytes) {
          return bytes.roundUp(kBufferAlignment);
        });
    if (rounded.size() == 1) {
      sum = sum + rounded.front();
      continue;
    }
    auto texts = llvm::map_range(rounded, std::mem_fn(&SizeFormula::str));
    summands.push_back("max(" + llvm::join(texts, ", ") + ")");
  }
  if (summands.empty() || !(sum == SizeFormula()))
    summands.insert(summands.begin(), sum.str());
  return llvm::join(summands, " + ");
}

namespace {

struct PlanArenaPass : public program::impl::PlanArenaPassBase<PlanArenaPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto schedule : getOperation().getOps<ScheduleOp>())
      ArenaPlanner(schedule, symbols).run();
  }
};

} // namespace
