//===- ForeignFile.cpp - Says what else a file is -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/ForeignFile.h"

#include "tq/Support/InputPaths.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace tq;

namespace {
struct Signature {
  StringLiteral begin;
  StringLiteral meaning;
};
} // namespace

static constexpr StringLiteral lfsPointer =
    "a git-lfs pointer instead of the file: run 'git lfs pull' in its "
    "directory";
static constexpr StringLiteral page =
    "an HTML or XML page instead of the file: download it again";
static constexpr StringLiteral pickle =
    "a pickle, as torch.save writes: convert it to safetensors";

// Letters are compared without their case.
static constexpr Signature failedDownloads[] = {
    {"version https://git-lfs", lfsPointer},
    {"version https://hawser", lfsPointer},
    {"<!doctype", page},
    {"<html", page},
    {"<?xml", page},
};
static constexpr Signature otherFiles[] = {
    {"PK\x03\x04", "a zip archive, as torch.save writes: convert it to "
                   "safetensors"},
    {"\x80\x02", pickle},
    {"\x80\x03", pickle},
    {"\x80\x04", pickle},
    {"\x80\x05", pickle},
    {"\x89HDF\r\n\x1a\n", "an HDF5 file, as TensorFlow writes: convert it to "
                          "safetensors"},
    {"GGUF", "a GGUF file: take the model that it was made of"},
    {"\x1f\x8b", "a gzip archive: unpack it"},
};

static StringRef findSignature(ArrayRef<Signature> signatures,
                               StringRef content) {
  StringRef text = content.take_front(4096).ltrim(" \t\r\n");
  for (const Signature &signature : signatures)
    if (text.starts_with_insensitive(signature.begin))
      return signature.meaning;
  return "";
}

StringRef tq::describeFailedDownload(StringRef content) {
  return findSignature(failedDownloads, content);
}

StringRef tq::describeForeignContent(StringRef content) {
  // Any of these could be the size of a header, but then a header follows.
  if (content.size() > 8 && content[8] == '{')
    return "";
  StringRef download = describeFailedDownload(content);
  return download.empty() ? findSignature(otherFiles, content) : download;
}

namespace {
struct OtherWeights {
  StringLiteral file;
  StringLiteral advice;
};
} // namespace

static constexpr StringLiteral convertTorch =
    "to convert it, run in this directory: python3 -c \"import glob, torch, "
    "safetensors.torch as s; s.save_file({k: v.contiguous().clone() for f in "
    "sorted(glob.glob('pytorch_model*.bin')) for k, v in torch.load(f, "
    "map_location='cpu', weights_only=True).items()}, 'model.safetensors', "
    "{'format': 'pt'})\"";
static constexpr StringLiteral convertTensorFlow =
    "to convert it, load it by from_pretrained(..., from_tf=True) of "
    "transformers 4 and save it by save_pretrained";
static constexpr StringLiteral convertFlax =
    "to convert it, load it by from_pretrained(..., from_flax=True) of "
    "transformers 4 and save it by save_pretrained";
static constexpr StringLiteral takeOriginal =
    "tq reads the model that it was exported from";
static constexpr StringLiteral mergeAdapter =
    "an adapter alone is no model: merge it by merge_and_unload of peft and "
    "save the result by save_pretrained";

/// The first that is there is named.
static constexpr OtherWeights otherWeights[] = {
    {"pytorch_model.bin", convertTorch},
    {"pytorch_model.bin.index.json", convertTorch},
    {"tf_model.h5", convertTensorFlow},
    {"tf_model.h5.index.json", convertTensorFlow},
    {"flax_model.msgpack", convertFlax},
    {"flax_model.msgpack.index.json", convertFlax},
    {"adapter_model.safetensors", mergeAdapter},
    {"adapter_model.bin", mergeAdapter},
    {"model.onnx", takeOriginal},
    {"onnx/model.onnx", takeOriginal},
    {"openvino_model.xml", takeOriginal},
    {"openvino/openvino_model.xml", takeOriginal},
};

std::string tq::describeOtherWeights(StringRef directory) {
  for (const OtherWeights &other : otherWeights)
    if (sys::fs::exists(joinPath(directory, other.file)))
      return ("only " + other.file + "; " + other.advice).str();
  return "neither";
}
