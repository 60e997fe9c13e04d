//===- ObservingProgram.cpp - Run a model and see inside ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObservingProgram.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Emit/Emit.h"
#include "tq/Pipelines/Phases.h"

#include <dlfcn.h>

using namespace llvm;
using namespace tq;

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

/// What the user of the program would see of an observed value: nobody does.
static mlir::Attribute makePort(StringRef site, mlir::RankedTensorType type) {
  mlir::MLIRContext *context = type.getContext();
  SmallVector<mlir::StringAttr> dims;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    dims.push_back(mlir::StringAttr::get(
        context, type.isDynamicDim(dim) ? site + "." + Twine(dim) : Twine("")));
  return program::PortAttr::get(context, site, dims, /*limit=*/0,
                                program::Fill::None, /*padding=*/false);
}

/// Makes `entry` return the observed values and nothing else.
static std::vector<std::string> returnObserved(mlir::func::FuncOp entry) {
  std::vector<std::string> sites;
  SmallVector<mlir::Value> values;
  SmallVector<mlir::Attribute> attributes;
  mlir::Builder builder(entry.getContext());
  entry.walk([&](ObserveOp op) {
    sites.push_back(op.getSite().str());
    values.push_back(op.getInput());
    attributes.push_back(
        builder.getDictionaryAttr({{builder.getStringAttr(program::kPortAttr),
                                    makePort(op.getSite(), op.getType())}}));
  });
  entry.walk([](ObserveOp op) {
    op.replaceAllUsesWith(op.getInput());
    op.erase();
  });
  entry.getBody().front().getTerminator()->setOperands(values);
  entry.setType(builder.getFunctionType(entry.getFunctionType().getInputs(),
                                        mlir::TypeRange(values)));
  entry.setResAttrsAttr(builder.getArrayAttr(attributes));
  return sites;
}

/// One entry is enough. The batch is not taken apart: what an observed value
/// has to do with it nobody knows.
static mlir::func::FuncOp keepFirstEntry(mlir::ModuleOp module) {
  mlir::func::FuncOp first;
  for (auto function :
       make_early_inc_range(module.getOps<mlir::func::FuncOp>()))
    if (!first)
      first = function;
    else
      function.erase();
  auto symbols = module->getAttrOfType<mlir::ArrayAttr>(program::kSymbolsAttr);
  if (!symbols)
    return first;
  SmallVector<mlir::Attribute> kept;
  for (auto symbol : symbols.getAsRange<program::SymbolAttr>())
    kept.push_back(program::SymbolAttr::get(module.getContext(),
                                            symbol.getName(), symbol.getMax(),
                                            /*batch=*/false));
  module->setAttr(program::kSymbolsAttr,
                  mlir::ArrayAttr::get(module.getContext(), kept));
  return first;
}

static Error compile(mlir::ModuleOp module) {
  mlir::PassManager manager(module.getContext());
  QuantizePipelineOptions quantize;
  quantize.mode = QuantizationMode::None;
  buildQuantizePipeline(manager, quantize);
  buildFusePipeline(manager, {});
  buildLowerPipeline(manager, LowerPipelineOptions());
  CodegenPipelineOptions codegen;
  codegen.targetCpu = {"host"};
  buildCodegenPipeline(manager, codegen);
  if (failed(manager.run(module)))
    return createStringError("cannot compile the model for calibration");
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The library
//===----------------------------------------------------------------------===//

template <typename Function>
static bool find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

Error ObservingProgram::makeError() const {
  return createStringError(interface.lastMessage());
}

Error ObservingProgram::load(StringRef path) {
  library = dlopen(path.str().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return createStringError(
        Twine("cannot load the program for calibration: ") + dlerror());
  if (!find(library, "tq_model_open", interface.modelOpen) ||
      !find(library, "tq_model_close", interface.modelClose) ||
      !find(library, "tq_model_tokenize", interface.modelTokenize) ||
      !find(library, "tq_session_create", interface.sessionCreate) ||
      !find(library, "tq_session_destroy", interface.sessionDestroy) ||
      !find(library, "tq_session_run", interface.sessionRun) ||
      !find(library, "tq_last_message", interface.lastMessage))
    return createStringError("the runtime's libraries are of another version");
  if (interface.modelOpen(&model) ||
      interface.sessionCreate(model, nullptr, &session))
    return makeError();
  return Error::success();
}

ObservingProgram::~ObservingProgram() {
  if (session)
    interface.sessionDestroy(session);
  if (model)
    interface.modelClose(model);
  if (library)
    dlclose(library);
}

Expected<std::unique_ptr<ObservingProgram>>
ObservingProgram::create(mlir::ModuleOp module, StringRef runtimeDirectory) {
  std::unique_ptr<ObservingProgram> program(new ObservingProgram());
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  program->sites = returnObserved(keepFirstEntry(*copy));
  if (Error error = compile(*copy))
    return error;
  Expected<std::string> path = program->files.create("so");
  if (!path)
    return path.takeError();
  EmitOptions options;
  options.kind = OutputKind::SharedLibrary;
  options.output = *path;
  options.runtimeDirectory = runtimeDirectory.str();
  options.golden = false;
  Expected<EmitResult> result =
      emitProgram(*copy, options, [](uint64_t, uint64_t) {});
  if (!result)
    return result.takeError();
  program->info = std::move(result->program);
  if (Error error = program->load(*path))
    return error;
  return program;
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// The text with the model's default prompt before it.
static std::string addPrompt(const ProgramInfo &info, StringRef text) {
  if (info.defaultPrompt == 0)
    return text.str();
  return info.prompts[info.defaultPrompt - 1].text + text.str();
}

Expected<std::vector<int32_t>>
ObservingProgram::tokenize(StringRef text) const {
  std::string prompted = addPrompt(info, text);
  // Decomposition makes at most four code points of a byte.
  std::vector<int32_t> ids(4 * prompted.size() + 64);
  int64_t count = 0;
  if (interface.modelTokenize(model, prompted.data(), prompted.size(),
                              ids.data(), static_cast<int64_t>(ids.size()),
                              &count, nullptr))
    return makeError();
  ids.resize(std::min<size_t>(ids.size(), static_cast<size_t>(count)));
  return ids;
}

Expected<ArrayRef<tq_tensor>>
ObservingProgram::run(ArrayRef<tq_tensor> inputs) {
  outputs.assign(sites.size(), tq_tensor{});
  if (interface.sessionRun(session, inputs.data(),
                           static_cast<int32_t>(inputs.size()), outputs.data(),
                           static_cast<int32_t>(outputs.size())))
    return makeError();
  return ArrayRef(outputs);
}
