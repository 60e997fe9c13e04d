//===- EncoderBuilderTest.cpp - Weights that are read twice ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EncoderBuilder.h"

#include "ImportFixture.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace tq;
using namespace tq::test;

namespace {

TEST(EncoderBuilder, DefinesATiedWeightOnce) {
  TempDirectory directory;
  TinyModel::bert().write(directory);
  MetadataWarnings warnings;
  llvm::Expected<ModelConfig> config =
      readModelConfig(directory.path(), warnings);
  ASSERT_TRUE(bool(config));
  llvm::Expected<std::unique_ptr<WeightArchive>> archive =
      openWeightArchive(directory.path());
  ASSERT_TRUE(bool(archive));

  // A model whose keys are made by the weights of its queries.
  const EncoderFamily &bert = config->architecture->family;
  EncoderNames names = bert.names;
  names.key = names.query;
  EncoderFamily tied = {bert.modelType, bert.prefix, names,
                        bert.keys,      false,       bert.pooler};
  Architecture architecture = {"TiedModel", tied, {}};
  config->architecture = &architecture;

  MLIRContext context;
  context.loadDialect<TQDialect, program::ProgramDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  EncoderBuilder builder(*config, **archive, /*checkFinite=*/false, *module);
  ASSERT_TRUE(succeeded(builder.build(EmbeddingOutput())));
  EXPECT_TRUE(succeeded(verify(*module)));
  std::string query = "encoder.layer.0.attention.self.query.weight";
  int64_t numReads = 0;
  module->walk([&](GetWeightOp get) { numReads += get.getName() == query; });
  EXPECT_EQ(numReads, 2);
}

} // namespace
