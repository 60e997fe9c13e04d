//===- Archive.cpp - The archive of torch.export.save ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Archive.h"

#include "Program.h"

#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace tq;
using namespace tq::pt2;

/// The folder that all members are in: writers name it after the file.
Error Archive::readRoot() {
  StringRef path = zip.getPath();
  for (const ZipArchive::Member &member : zip.getMembers()) {
    StringRef folder =
        StringRef(member.name).take_until([](char c) { return c == '/'; });
    if (folder.size() == member.name.size())
      return makeFileError(path, "expected all members of the archive in one "
                                 "folder, but got '" +
                                     printable(member.name) + "' beside it");
    if (root.empty())
      root = folder.str() + "/";
    else if (!StringRef(member.name).starts_with(root))
      return makeFileError(path, "expected all members of the archive in the "
                                 "folder '" +
                                     printable(root) + "', but got '" +
                                     printable(member.name) + "'");
  }
  if (root.empty())
    return makeFileError(path, "expected an archive that torch.export.save "
                               "wrote, but got one without members");
  return Error::success();
}

Expected<StringRef> Archive::readText(StringRef name) {
  const ZipArchive::Member *member = zip.find((root + name).str());
  if (!member)
    return makeFileError(zip.getPath(),
                         "expected an archive that torch.export.save wrote, "
                         "but it has no member '" +
                             printable(name) + "'");
  Expected<ArrayRef<uint8_t>> bytes = zip.read(*member);
  if (!bytes)
    return bytes.takeError();
  return StringRef(reinterpret_cast<const char *>(bytes->data()),
                   bytes->size());
}

Error Archive::checkMember(StringRef name, StringRef expected) {
  Expected<StringRef> text = readText(name);
  if (!text)
    return text.takeError();
  if (text->trim() == expected)
    return Error::success();
  return makeFileError(zip.getPath(), "member '" + name + "': expected '" +
                                          expected + "', but got '" +
                                          printable(*text) + "'");
}

Error Archive::readProgramText() {
  std::vector<std::string> names;
  for (const ZipArchive::Member &member : zip.getMembers()) {
    StringRef name = StringRef(member.name).drop_front(root.size());
    if (name.consume_front("models/") && name.consume_back(".json") &&
        !name.contains('/'))
      names.push_back(name.str());
  }
  if (names.size() != 1)
    return makeFileError(zip.getPath(), "expected an archive of one program, "
                                        "models/NAME.json, but got " +
                                            Twine(names.size()));
  model = names.front();
  std::string member = "models/" + model + ".json";
  programPath = (zip.getPath() + ": " + printable(member)).str();
  Expected<StringRef> text = readText(member);
  if (!text)
    return text.takeError();
  programText = *text;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Sizes and strides that a tensor can have.
static bool isValid(const TensorMeta &meta) {
  return meta.storageOffset >= 0 && meta.sizes.size() == meta.strides.size() &&
         all_of(meta.sizes,
                [](const SizeText &size) {
                  return size.value >= 0 && size.expr.empty();
                }) &&
         all_of(meta.strides, [](int64_t stride) { return stride >= 0; });
}

/// One past the last byte that the tensor reaches in its storage; none where
/// that leaves 64 bits.
static std::optional<uint64_t> getReach(const TensorMeta &meta,
                                        uint64_t elementBytes) {
  uint64_t last = meta.storageOffset;
  bool isEmpty = false, overflows = false;
  for (auto [size, stride] : zip_equal(meta.sizes, meta.strides)) {
    isEmpty |= size.value == 0;
    uint64_t span = 0;
    overflows |= size.value > 0 &&
                 (__builtin_mul_overflow(size.value - 1, stride, &span) ||
                  __builtin_add_overflow(last, span, &last));
  }
  if (isEmpty)
    return 0;
  uint64_t end = 0;
  if (overflows || __builtin_add_overflow(last, 1, &last) ||
      __builtin_mul_overflow(last, elementBytes, &end))
    return std::nullopt;
  return end;
}

static bool isContiguous(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  int64_t expected = 1;
  for (auto [size, stride] : reverse(llvm::zip_equal(shape, strides))) {
    if (size != 1 && stride != expected)
      return false;
    expected *= size;
  }
  return true;
}

Error Archive::addTensor(StringRef name, const ZipArchive::Member &member,
                         const TensorMeta &meta) {
  auto fail = [&](const Twine &message) {
    return makeFileError(zip.getPath(),
                         "tensor '" + printable(name) + "': " + message);
  };
  Weight weight;
  weight.name = name.str();
  weight.type = getWeightType(meta.dtype);
  uint64_t elementBytes = getWeightTypeBytes(weight.type);
  if (!isValid(meta))
    return fail("expected sizes, as many strides and an offset, all integers "
                "of 0 or more");
  std::optional<uint64_t> reach = getReach(meta, elementBytes);
  if (!reach || *reach > member.bytes)
    return fail("expected sizes and strides within the " + Twine(member.bytes) +
                " bytes of its storage '" + printable(member.name) +
                "', but they reach " +
                (reach ? "byte " + Twine(*reach) : Twine("beyond 64 bits")));
  uint64_t count = 1;
  bool overflows = false;
  for (const SizeText &size : meta.sizes) {
    weight.shape.push_back(size.value);
    overflows |= __builtin_mul_overflow(count, size.value, &count);
  }
  // What an expanded tensor repeats is in the file once, in the program often.
  constexpr uint64_t maxRepeated = uint64_t(1) << 30;
  overflows |= __builtin_mul_overflow(count, elementBytes, &weight.bytes);
  if (overflows || weight.bytes > std::max<uint64_t>(member.bytes, maxRepeated))
    return fail("expected at most 1 GiB more than its storage holds, but got "
                "sizes that need more");
  // Only where something is there: strides of an empty tensor say nothing.
  if (weight.bytes != 0 && !isContiguous(weight.shape, meta.strides))
    weight.strides.assign(meta.strides.begin(), meta.strides.end());
  weight.path = zip.getPath().str();
  weight.fileDigest = digest;
  Expected<ArrayRef<uint8_t>> storage = zip.read(member, /*checkSum=*/false);
  if (!storage)
    return storage.takeError();
  uint64_t begin = weight.bytes ? meta.storageOffset * elementBytes : 0;
  weight.offset = member.offset + begin;
  weight.data = storage->data() + begin;
  weights.push_back(std::move(weight));
  if (!byName.try_emplace(name, &weights.back()).second)
    return fail("expected each name once, but there is a weight and a constant "
                "of it");
  return Error::success();
}

/// Reads `data/FOLDER/MODEL_CONFIG.json`, which is absent where there is
/// nothing to say.
Error Archive::readTensors(StringRef folder, StringRef config) {
  std::string prefix = "data/" + folder.str() + "/";
  std::string name = prefix + model + "_" + config.str() + ".json";
  if (!zip.find(root + name))
    return Error::success();
  Expected<StringRef> text = readText(name);
  if (!text)
    return text.takeError();
  std::string path = (zip.getPath() + ": " + printable(name)).str();
  Expected<json::Object> object = parseJSONObject(path, *text);
  if (!object)
    return object.takeError();
  ObjectReader reader(path, *object);
  const json::Object *entries = reader.object("config");
  if (!entries)
    reader.expected("config", "an object");
  if (Error error = reader.takeError())
    return error;
  std::map<std::string, const json::Value *> byKey;
  for (const auto &[key, value] : *entries)
    byKey[key.str()] = &value;
  for (const auto &[key, value] : byKey) {
    const json::Object *payload = value->getAsObject();
    if (!payload)
      return makeFileError(path, describeMismatch(key, "an object", value));
    ObjectReader entry(path, *payload, "config." + printable(key) + ".");
    std::string member = entry.string("path_name");
    bool isPickle = entry.boolean("use_pickle", false);
    const json::Object *meta = entry.object("tensor_meta");
    if (Error error = entry.takeError())
      return error;
    if (isPickle || !meta) {
      refusals[key] =
          isPickle ? "it is a pickle, as of a tensor subclass; export the "
                     "module after torchao.utils.unwrap_tensor_subclass(module)"
                   : "it is no tensor, but an object of Python";
      continue;
    }
    // Needed by nobody, perhaps.
    std::optional<int64_t> dtype = meta->getInteger("dtype");
    if (dtype && !findDType(*dtype)) {
      refusals[key] = "it is of dtype " + std::to_string(*dtype) +
                      ", which tq does not compute with";
      continue;
    }
    Expected<TensorMeta> tensor =
        readTensorMeta(path, *meta, "config." + printable(key));
    if (!tensor)
      return tensor.takeError();
    const ZipArchive::Member *storage = zip.find(root + prefix + member);
    if (!storage)
      return makeFileError(path, "tensor '" + printable(key) +
                                     "': expected its storage in the member '" +
                                     printable(prefix + member) +
                                     "', but there is none");
    if (Error error = addTensor(key, *storage, *tensor))
      return error;
  }
  return Error::success();
}

StringRef Archive::getRefusal(StringRef name) const {
  auto found = refusals.find(name);
  return found == refusals.end() ? "" : StringRef(found->second);
}

Expected<std::unique_ptr<Archive>> Archive::open(StringRef path) {
  Expected<ZipArchive> zip = ZipArchive::open(path);
  if (!zip)
    return zip.takeError();
  std::unique_ptr<Archive> archive(new Archive(std::move(*zip)));
  archive->digest = archive->zip.getDigest();
  if (Error error = archive->readRoot())
    return error;
  if (Error error = archive->checkMember("archive_format", "pt2"))
    return error;
  if (Error error = archive->checkMember("byteorder", "little"))
    return error;
  if (Error error = archive->readProgramText())
    return error;
  if (Error error = archive->readTensors("weights", "weights_config"))
    return error;
  if (Error error = archive->readTensors("constants", "constants_config"))
    return error;
  for (const Weight &weight : archive->weights)
    archive->sorted.push_back(&weight);
  llvm::sort(archive->sorted, [](const Weight *a, const Weight *b) {
    return std::tie(a->offset, a->name) < std::tie(b->offset, b->name);
  });
  return archive;
}
