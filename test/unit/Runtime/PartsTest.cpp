//===- PartsTest.cpp - Tests of batches that run in parts -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "TestProgram.h"
#include <gtest/gtest.h>
#include <math.h>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace tq::rt;
using namespace tq::test;

namespace {

/// A batch of rows of different lengths, whose padding is not zero.
struct Rows {
  Rows(std::vector<int64_t> lengths, int64_t positions)
      : lengths(lengths), positions(positions) {
    std::mt19937 random(17);
    int64_t count = int64_t(lengths.size()) * positions;
    for (int64_t i = 0; i < count; ++i) {
      ids.push_back(int64_t(random() % vocabulary));
      types.push_back(int64_t(random() % 2));
      mask.push_back(i % positions < lengths[size_t(i / positions)]);
    }
  }

  tq_tensor tensor(std::vector<int64_t> &data) {
    return {data.data(), {int64_t(lengths.size()), positions}, 2, TQ_I64};
  }
  float expected(size_t row, int j) const {
    size_t at = row * size_t(positions);
    return expectedEmbedding(&ids[at], &mask[at], &types[at], positions, j);
  }

  std::vector<int64_t> lengths, ids, mask, types;
  int64_t positions;
};

class PartsTest : public testing::TestWithParam<int32_t> {
protected:
  void open(const tq_program &opened) {
    program = opened;
    ASSERT_EQ(openProgram(program, &model), TQ_OK);
    ASSERT_EQ(create(model, GetParam(), &session), TQ_OK);
  }
  void SetUp() override { open(makeBatchProgram()); }
  void TearDown() override {
    tq_session_destroy(session);
    tq_model_close(model);
  }

  /// Runs the rows and checks both outputs of each.
  void check(Rows &rows) {
    tq_tensor inputs[] = {rows.tensor(rows.ids), rows.tensor(rows.mask),
                          rows.tensor(rows.types)};
    int64_t count = int64_t(rows.lengths.size());
    // What is not written stays a NaN.
    std::vector<float> embedding(size_t(count * width), NAN);
    std::vector<float> states(rows.ids.size() * 2, NAN);
    tq_tensor outputs[2] = {
        {embedding.data(), {count, width}, 2, TQ_F32},
        {states.data(), {count, rows.positions, 2}, 3, TQ_F32}};
    ASSERT_EQ(tq_session_run(session, inputs, 3, outputs, 2), TQ_OK)
        << tq_last_message();
    for (size_t r = 0; r < rows.lengths.size(); ++r) {
      for (int j = 0; j < width; ++j)
        ASSERT_EQ(embedding[r * width + size_t(j)], rows.expected(r, j))
            << "row " << r;
      for (int64_t i = 0; i < rows.positions; ++i) {
        size_t at = r * size_t(rows.positions) + size_t(i);
        float id = i < rows.lengths[r] ? float(rows.ids[at]) : 0.0f;
        ASSERT_EQ(states[2 * at], id) << "row " << r << ", position " << i;
        ASSERT_EQ(states[2 * at + 1], -id);
      }
    }
  }

  tq_program program;
  const tq_model *model = nullptr;
  tq_session *session = nullptr;
};

} // namespace

TEST_P(PartsTest, FullRowsStayWhereTheyAre) {
  Rows rows(std::vector<int64_t>(120, 16), 16);
  check(rows);
  EXPECT_GE(session->parts.count, 5);
  // An arena of 64 bytes a position, for no more than a part a thread.
  EXPECT_LE(tq_session_arena_bytes(session), GetParam() * 64 * (256 + 16));
}

TEST_P(PartsTest, LeavesPaddingOut) {
  std::vector<int64_t> lengths(120);
  std::mt19937 random(3);
  for (int64_t &length : lengths)
    length = 1 + int64_t(random() % 16);
  Rows rows(lengths, 16);
  check(rows);
  EXPECT_GT(session->parts.count, 2);
  int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), int64_t(0));
  EXPECT_LT(session->parts.count, tokens / 64);
}

TEST_P(PartsTest, NeighboursOfAnotherOrderAreNoNeighbours) {
  Rows first({13, 16, 2, 14, 12, 1}, 16);
  check(first);
  Rows second({16, 10, 14, 10, 10, 16, 10, 10, 10, 10, 10, 10}, 16);
  check(second);
}

TEST_P(PartsTest, AnyLengths) {
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    int64_t positions = 1 + int64_t(random() % 16);
    std::vector<int64_t> lengths(1 + random() % 64);
    for (int64_t &length : lengths)
      length = 1 + int64_t(random()) % positions;
    Rows rows(lengths, positions);
    check(rows);
  }
}

TEST_P(PartsTest, OneShortRowIsEnough) {
  Rows rows({16, 3, 16}, 16);
  check(rows);
  Rows single({2}, 16);
  check(single);
  Rows same({5, 5}, 16);
  check(same);
}

TEST_P(PartsTest, RowsOfPaddingOnlyKeepTheirPositions) {
  Rows rows({4, 0, 16}, 16);
  rows.lengths[1] = 16;
  check(rows);
}

TEST_P(PartsTest, PaddingInsideARowIsNoEnd) {
  Rows rows({9, 16}, 16);
  rows.mask[0] = rows.mask[5] = 0;
  check(rows);
}

TEST_P(PartsTest, SmallBatchesStayWhole) {
  Rows rows({16, 16}, 16);
  check(rows);
  EXPECT_EQ(session->parts.count, 0);
}

TEST_P(PartsTest, RefusesOutputsOverInputs) {
  Rows rows(std::vector<int64_t>(40, 16), 16);
  tq_tensor inputs[] = {rows.tensor(rows.ids), rows.tensor(rows.mask),
                        rows.tensor(rows.types)};
  auto *last = reinterpret_cast<float *>(&rows.mask.back()) + 1;
  tq_tensor output = {last, {40, width}, 2, TQ_F32};
  EXPECT_EQ(tq_session_run(session, inputs, 3, &output, 1), TQ_ERROR_USAGE);
  EXPECT_NE(std::string(tq_last_message()).find("overlaps"), std::string::npos);
}

TEST_P(PartsTest, WithoutABatchNothingIsCut) {
  TearDown();
  open(makeProgram());
  Rows rows(std::vector<int64_t>(83, 16), 16);
  check(rows);
  EXPECT_EQ(session->parts.count, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, PartsTest, testing::Values(1, 2, 3, 7));
