//===- ArenaPlan.cpp - Places of a schedule's temporaries -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What does not live at the same time takes turns in a slot. In a group of
// calls that goes through its rows in blocks, calls are at work at the same
// time, on different rows. There
//
// - a temporary wider than what enters and leaves the group holds only a block
//   of rows for each thread: it stays in the cache, and is small;
// - the others hold all rows, and live as long as the group; but two with rows
//   of the same bytes still take turns, as a block has the same place in both.
//
//===----------------------------------------------------------------------===//

#include "ArenaPlan.h"

#include "tq/Codegen/Common/KernelAbi.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

#include <functional>

using namespace mlir;
using namespace tq;

namespace {

/// Calls, both included.
struct Lifetime {
  bool meets(const Lifetime &other) const {
    return first <= other.last && other.first <= last;
  }
  int64_t first, last;
};

/// What has a place in the arena.
struct Temporary {
  Value buffer; ///< null: the workspace of the first call
  SizeFormula bytes;
  Lifetime uses;
  Lifetime lifetime;     ///< with all of the groups that use it
  SizeFormula rows = {}; ///< how many it has, if it holds all,
  int64_t rowBytes = 0;  ///< and their bytes
  std::optional<size_t> group =
      {}; ///< of which it holds a block of rows a thread
};

class ArenaPlanner {
public:
  ArenaPlanner(ModuleOp module, Schedule &schedule, ShapeFormulas &shapes)
      : module(module), schedule(schedule), shapes(shapes) {}

  void run();
  std::string getFormula();

private:
  SmallVector<Temporary, 0> collectTemporaries();
  void addWorkspaces(SmallVectorImpl<Temporary> &temporaries);
  std::optional<size_t> findGroup(int64_t call) const;
  Temporary makeTemporary(Value buffer, Lifetime uses);
  int64_t getBorderBytes(const RowGroup &group);
  SizeFormula getBlockBytes(Value buffer, const RowGroup &group);
  int64_t takeSlot(const Temporary &temporary);

  ModuleOp module;
  Schedule &schedule;
  ShapeFormulas &shapes;
  const SizeFormula threads = SizeFormula::symbol("threads", 4);
  llvm::MapVector<Value, Lifetime> buffers; ///< all, with their uses
  SmallVector<SmallVector<Temporary, 0>> slotUsers;
};

} // namespace

//===----------------------------------------------------------------------===//
// Temporaries
//===----------------------------------------------------------------------===//

std::optional<size_t> ArenaPlanner::findGroup(int64_t call) const {
  for (auto [index, group] : llvm::enumerate(schedule.groups))
    if (group.first <= call && call <= group.last)
      return index;
  return std::nullopt;
}

/// Bytes of the widest row that enters or leaves a group.
int64_t ArenaPlanner::getBorderBytes(const RowGroup &group) {
  int64_t bytes = 0;
  for (const ScheduledCall &call : schedule.getCalls(group))
    for (Value operand : call.op->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType());
      auto found = buffers.find(getRoot(operand));
      bool isInner = found != buffers.end() &&
                     found->second.first >= group.first &&
                     found->second.last <= group.last;
      if (!type.hasStaticShape() && !isInner)
        bytes = std::max(bytes, getRowBytes(type));
    }
  return bytes;
}

/// Bytes that all threads need of a buffer that holds blocks of rows.
SizeFormula ArenaPlanner::getBlockBytes(Value buffer, const RowGroup &group) {
  std::string unit = std::to_string(kBlockRowUnit);
  std::string rows = "min(" + unit + "*ceil(" +
                     shapes.countRows(group.tensor).str() + " / (" + unit +
                     "*threads)), " + std::to_string(kBlockRows) + ")";
  SizeFormula bytes = SizeFormula::constant(getRowBytes(buffer.getType())) *
                      SizeFormula::symbol(rows, kBlockRows);
  return threads * bytes.roundUp(kBufferAlignment);
}

Temporary ArenaPlanner::makeTemporary(Value buffer, Lifetime uses) {
  Temporary temporary{
      buffer,      shapes.getBytes(buffer),  uses,
      uses,        shapes.countRows(buffer), getRowBytes(buffer.getType()),
      std::nullopt};
  auto first = findGroup(uses.first), last = findGroup(uses.last);
  if (first)
    temporary.lifetime.first = schedule.groups[*first].first;
  if (last)
    temporary.lifetime.last = schedule.groups[*last].last;
  if (!first || first != last)
    return temporary;
  const RowGroup &group = schedule.groups[*first];
  if (temporary.rows == shapes.countRows(group.tensor) &&
      temporary.rowBytes > getBorderBytes(group)) {
    temporary.group = first;
    temporary.bytes = getBlockBytes(buffer, group);
  }
  return temporary;
}

void ArenaPlanner::addWorkspaces(SmallVectorImpl<Temporary> &temporaries) {
  for (const ScheduledCall &call : schedule.calls)
    if (auto function =
            lookupPart(module, call.getKernel(), kWorkspaceSuffix)) {
      SizeFormula bytes = threads * shapes.getWorkspaceBytes(call.op, function);
      Lifetime uses{call.id, call.id};
      temporaries.push_back({Value(), bytes, uses, uses});
    }
}

SmallVector<Temporary, 0> ArenaPlanner::collectTemporaries() {
  for (const ScheduledCall &call : schedule.calls)
    for (Value operand : call.op->getOperands()) {
      Value root = getRoot(operand);
      if (root.getDefiningOp<tensor::EmptyOp>())
        buffers.insert({root, {call.id, call.id}}).first->second.last = call.id;
    }
  for (auto [buffer, output] : schedule.outputs)
    buffers.erase(buffer);
  SmallVector<Temporary, 0> temporaries;
  addWorkspaces(temporaries);
  for (auto &[buffer, uses] : buffers)
    temporaries.push_back(makeTemporary(buffer, uses));
  return temporaries;
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// Whether two temporaries cannot share memory.
static bool conflict(const Temporary &a, const Temporary &b) {
  bool areBlocks = a.group && a.group == b.group;
  bool haveSameRows = !a.group && !b.group && a.rowBytes != 0 &&
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
  if (found == slotUsers.end()) {
    schedule.slots.emplace_back();
    slotUsers.emplace_back();
  }
  slotUsers[slot].push_back(temporary);
  return slot;
}

/// Largest first: what follows mostly fits into the slots that are there.
void ArenaPlanner::run() {
  SmallVector<Temporary, 0> temporaries = collectTemporaries();
  SmallVector<std::pair<double, int64_t>> order; // equal ones: the first first
  for (auto [index, temporary] : llvm::enumerate(temporaries))
    order.push_back({-temporary.bytes.estimate(), index});
  llvm::sort(order);
  for (auto [bytes, index] : order) {
    const Temporary &temporary = temporaries[index];
    int64_t place = takeSlot(temporary);
    Slot &slot = schedule.slots[place];
    if (temporary.group) {
      slot.blocks.push_back({temporary.buffer, *temporary.group});
    } else if (temporary.buffer) {
      slot.buffers.push_back(temporary.buffer);
    } else {
      ScheduledCall &call = schedule.calls[temporary.uses.first];
      call.workspaceSlot = place;
      slot.workspaces.push_back(call.op);
    }
  }
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
  std::string maxima;
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
    maxima += " + max(" + llvm::join(texts, ", ") + ")";
  }
  return sum.str() + maxima;
}

std::string tq::planArena(ModuleOp module, Schedule &schedule,
                          ShapeFormulas &shapes) {
  ArenaPlanner planner(module, schedule, shapes);
  planner.run();
  return planner.getFormula();
}
