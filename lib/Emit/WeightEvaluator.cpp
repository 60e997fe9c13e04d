//===- WeightEvaluator.cpp - Elements of weights --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/WeightEvaluator.h"

#include "tq/Support/FileDigest.h"
#include "tq/Support/TempFiles.h"

#include "tq/Quant/Half.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace tq;
using llvm::ArrayRef;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::SmallVector;
using llvm::StringRef;

/// Deeper chains of initializers are refused, to bound the recursion.
static constexpr unsigned kMaxDepth = 500;

/// Marks a weight whose number is being worked out: seen again, it is a cycle.
static constexpr unsigned kInProgress = ~0u - 2;

/// The verifier of weights has seen all types that occur here.
static uint64_t getBytes(Type type) {
  return uint64_t(*getTensorBytes(llvm::cast<RankedTensorType>(type)));
}

TensorData TensorData::allocate(uint64_t bytes) {
  // Of 64-bit words: aligned for every element type.
  std::shared_ptr<uint64_t[]> words(new uint64_t[bytes / 8 + 1]());
  ArrayRef<uint8_t> view(reinterpret_cast<uint8_t *>(words.get()), bytes);
  return TensorData(view, std::move(words));
}

/// A copy of `bytes`, aligned.
static TensorData copyOf(ArrayRef<uint8_t> bytes) {
  TensorData data = TensorData::allocate(bytes.size());
  if (!bytes.empty())
    memcpy(data.data(), bytes.data(), bytes.size());
  return data;
}

//===----------------------------------------------------------------------===//
// Numbering
//===----------------------------------------------------------------------===//

unsigned WeightEvaluator::intern(StringRef key) {
  return numbers.try_emplace(key, numbers.size()).first->second;
}

WeightOp WeightEvaluator::lookUp(GetWeightOp op) {
  return symbols.lookup<WeightOp>(op.getName());
}

Expected<unsigned> WeightEvaluator::number(WeightOp weight, unsigned depth) {
  auto [entry, isNew] =
      weightNumbers.try_emplace(weight.getOperation(), kInProgress);
  if (!isNew) {
    if (entry->second == kInProgress)
      return createStringError("the initializer of weight @" +
                               weight.getSymName() + " refers to itself");
    return entry->second;
  }
  unsigned result;
  if (weight.getInitializer().empty()) {
    result = intern(("@" + weight.getSymName()).str());
  } else {
    auto yield =
        llvm::cast<YieldOp>(weight.getInitializer().front().getTerminator());
    Expected<unsigned> value = number(yield.getValue(), depth + 1);
    if (!value)
      return value.takeError();
    result = *value;
  }
  weightNumbers[weight.getOperation()] = result;
  return result;
}

Expected<unsigned> WeightEvaluator::number(Value value, unsigned depth) {
  auto known = valueNumbers.find(value);
  if (known != valueNumbers.end())
    return known->second;
  if (depth > kMaxDepth)
    return createStringError("initializers of weights are nested more than " +
                             llvm::Twine(kMaxDepth) + " deep");

  auto result = llvm::cast<OpResult>(value);
  Operation *op = result.getOwner();
  std::string key;
  llvm::raw_string_ostream stream(key);
  stream << op->getName() << op->getRawDictionaryAttrs() << value.getType()
         << op->getPropertiesAsAttribute();
  if (auto get = llvm::dyn_cast<GetWeightOp>(op)) {
    WeightOp weight = lookUp(get);
    if (!weight)
      return createStringError("there is no weight @" + get.getName());
    Expected<unsigned> source = number(weight, depth + 1);
    if (!source)
      return source.takeError();
    if (weight.getType() == value.getType())
      return valueNumbers[value] = *source;
    key.clear();
    stream << "widen " << value.getType() << ' ' << *source;
  }
  for (Value operand : op->getOperands()) {
    Expected<unsigned> source = number(operand, depth + 1);
    if (!source)
      return source.takeError();
    stream << ' ' << *source;
  }
  stream << '#' << result.getResultNumber();
  return valueNumbers[value] = intern(key);
}

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

const TensorData *WeightEvaluator::find(unsigned number) {
  auto entry = cache.find(number);
  if (entry == cache.end())
    return nullptr;
  recent.splice(recent.begin(), recent, entry->second);
  return &entry->second->data;
}

void WeightEvaluator::insert(unsigned number, TensorData data) {
  if (cache.count(number) || data.bytes().size() > cacheLimit)
    return;
  cacheBytes += data.bytes().size();
  recent.push_front({number, std::move(data)});
  cache[number] = recent.begin();
  while (cacheBytes > cacheLimit) {
    cacheBytes -= recent.back().data.bytes().size();
    cache.erase(recent.back().number);
    recent.pop_back();
  }
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

static Expected<std::shared_ptr<llvm::sys::fs::mapped_file_region>>
mapFile(StringRef path) {
  namespace fs = llvm::sys::fs;
  Expected<fs::file_t> file = fs::openNativeFileForRead(path);
  if (!file)
    return createStringError("cannot open the file of weights " + path + ": " +
                             llvm::toString(file.takeError()));
  fs::file_status status;
  std::error_code error = fs::status(*file, status);
  std::shared_ptr<fs::mapped_file_region> region;
  if (!error && !fs::is_regular_file(status))
    error = std::make_error_code(std::errc::invalid_argument);
  if (!error && status.getSize() == 0)
    region = std::make_shared<fs::mapped_file_region>();
  else if (!error)
    region = std::make_shared<fs::mapped_file_region>(
        *file, fs::mapped_file_region::readonly, status.getSize(), 0, error);
  fs::closeFile(*file);
  if (error == std::errc::not_enough_memory)
    return makeMemoryError("not enough memory to map the file of weights " +
                           path);
  if (error)
    return createStringError("cannot map the file of weights " + path + ": " +
                             error.message());
  return region;
}

Expected<WeightEvaluator::MappedFile *>
WeightEvaluator::openMapped(StringRef path) {
  MappedFile &file = files[path];
  if (file.region)
    return &file;
  auto region = mapFile(path);
  if (!region)
    return region.takeError();
  file.region = std::move(*region);
  if (*file.region)
    file.digest = getFileDigest(
        {reinterpret_cast<const uint8_t *>(file.region->const_data()),
         file.region->size()});
  return &file;
}

/// From the first element to the end of the last, by the strides.
static uint64_t getSpan(RankedTensorType type, ArrayRef<int64_t> strides) {
  uint64_t last = 0;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides)) {
    if (size == 0)
      return 0;
    last = llvm::SaturatingMultiplyAdd<uint64_t>(size - 1, stride, last);
  }
  uint64_t elementBytes = getElementBytes(type.getElementType());
  return llvm::SaturatingMultiply<uint64_t>(
      llvm::SaturatingAdd<uint64_t>(last, 1), elementBytes);
}

/// The elements row-major, one dimension after the other.
static TensorData gather(const TensorData &source, RankedTensorType type,
                         ArrayRef<int64_t> strides) {
  ArrayRef<int64_t> shape = type.getShape();
  uint64_t elementBytes = getElementBytes(type.getElementType());
  TensorData result = TensorData::allocate(getBytes(type));
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  uint64_t at = 0;
  for (uint64_t to = 0, e = result.bytes().size(); to < e; to += elementBytes) {
    memcpy(result.data() + to, source.bytes().data() + at * elementBytes,
           elementBytes);
    for (size_t dim = shape.size(); dim-- > 0;) {
      at += strides[dim];
      if (++index[dim] < shape[dim])
        break;
      at -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
  }
  return result;
}

Expected<TensorData> WeightEvaluator::readMapped(MappedAttr mapped,
                                                 WeightOp weight) {
  RankedTensorType type = weight.getTensorType();
  if (mapped.getStrides().empty())
    return readBytes(mapped, weight, getBytes(type));
  Expected<TensorData> stored =
      readBytes(mapped, weight, getSpan(type, mapped.getStrides()));
  if (!stored)
    return stored;
  return gather(*stored, type, mapped.getStrides());
}

Expected<TensorData>
WeightEvaluator::readBytes(MappedAttr mapped, WeightOp weight, uint64_t bytes) {
  Expected<MappedFile *> file = openMapped(mapped.getFile());
  if (!file)
    return file.takeError();
  auto &region = (*file)->region;
  uint64_t size = *region ? region->size() : 0;
  if (mapped.getOffset() > size || bytes > size - mapped.getOffset())
    return createStringError("weight @" + weight.getSymName() + " needs " +
                             llvm::Twine(bytes) + " bytes at offset " +
                             llvm::Twine(mapped.getOffset()) + " of " +
                             mapped.getFile() + ", but the file has " +
                             llvm::Twine(size) + " bytes");
  if (mapped.getDigest() && mapped.getDigest() != (*file)->digest)
    return createStringError("the file of weights " + mapped.getFile() +
                             " is not the one that the module was made from");
  if (bytes == 0)
    return TensorData::allocate(0);
  ArrayRef<uint8_t> view(
      reinterpret_cast<const uint8_t *>(region->const_data()) +
          mapped.getOffset(),
      bytes);
  // Files align tensors to the end of a header of any length.
  int64_t alignment = getElementBytes(weight.getTensorType().getElementType());
  if (reinterpret_cast<uintptr_t>(view.data()) % alignment != 0)
    return copyOf(view);
  return TensorData(view, region);
}

static TensorData readDense(DenseElementsAttr attr, uint64_t bytes) {
  TensorData data = TensorData::allocate(bytes);
  if (attr.getElementType().isInteger(1)) {
    uint8_t *out = data.data();
    for (bool value : attr.getValues<bool>())
      *out++ = value;
    return data;
  }
  ArrayRef<char> raw = attr.getRawData();
  for (uint64_t at = 0; at < bytes && !raw.empty(); at += raw.size())
    memcpy(data.data() + at, raw.data(),
           std::min<uint64_t>(raw.size(), bytes - at));
  return data;
}

static Expected<TensorData> readElements(Attribute value, WeightOp weight) {
  uint64_t bytes = getBytes(weight.getType());
  if (auto dense = llvm::dyn_cast<DenseElementsAttr>(value);
      dense && dense.getElementType().isIntOrFloat())
    return readDense(dense, bytes);
  auto resource = llvm::dyn_cast<DenseResourceElementsAttr>(value);
  if (!resource)
    return createStringError("weight @" + weight.getSymName() +
                             ": expected dense or dense_resource elements");
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob || blob->getData().size() != bytes)
    return createStringError(
        "weight @" + weight.getSymName() + ": expected a resource of " +
        llvm::Twine(bytes) + " bytes, but found " +
        (blob ? llvm::Twine(blob->getData().size()) : llvm::Twine("none")));
  return copyOf({reinterpret_cast<const uint8_t *>(blob->getData().data()),
                 blob->getData().size()});
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// Converts `In` to f32, element by element.
template <typename In>
static TensorData convert(const TensorData &source, float (*function)(In)) {
  uint64_t count = source.bytes().size() / sizeof(In);
  TensorData result = TensorData::allocate(count * sizeof(float));
  const In *in = source.as<In>();
  std::transform(in, in + count, reinterpret_cast<float *>(result.data()),
                 function);
  return result;
}

/// Converts f16 or bf16 to f32, which is exact, or f64, which rounds to
/// nearest, to even at a tie.
static TensorData convertToFloat(const TensorData &source, Type element) {
  if (element.isF16())
    return convert(source, tq::quant::halfToFloat);
  if (element.isBF16())
    return convert(source, tq::quant::bfloat16ToFloat);
  return convert<double>(source,
                         [](double x) { return static_cast<float>(x); });
}

Expected<SmallVector<TensorData, 2>> WeightEvaluator::compute(Operation *op) {
  SmallVector<TensorData, 4> operands;
  for (Value operand : op->getOperands()) {
    Expected<TensorData> data = evaluateValue(operand);
    if (!data)
      return data.takeError();
    operands.push_back(std::move(*data));
  }
  auto compileTimeOp = llvm::dyn_cast<CompileTimeOpInterface>(op);
  if (!compileTimeOp)
    return createStringError("'" + op->getName().getStringRef() +
                             "' cannot be evaluated at compile time");
  SmallVector<TensorData, 2> results;
  for (Type type : op->getResultTypes())
    results.push_back(TensorData::allocate(getBytes(type)));
  compileTimeOp.evaluate(
      llvm::map_to_vector(operands, [](auto &data) { return data.bytes(); }),
      llvm::map_to_vector(results, [](TensorData &data) {
        return llvm::MutableArrayRef<uint8_t>(data.data(), data.bytes().size());
      }));
  return results;
}

Expected<TensorData> WeightEvaluator::evaluateGet(GetWeightOp op) {
  WeightOp weight = lookUp(op);
  Expected<TensorData> source = evaluate(weight);
  if (!source || weight.getType() == op.getType())
    return source;
  Type from = weight.getTensorType().getElementType();
  Type to = llvm::cast<RankedTensorType>(op.getType()).getElementType();
  if (to.isF32() && (from.isF16() || from.isBF16() || from.isF64()))
    return convertToFloat(*source, from);
  if (getElementBytes(from) == getElementBytes(to))
    return source; // quantized values read as plain integers
  return createStringError("weight @" + weight.getSymName() +
                           " cannot be read as another element type");
}

Expected<TensorData> WeightEvaluator::evaluateValue(Value value) {
  Expected<unsigned> id = number(value, 0);
  if (!id)
    return id.takeError();
  if (const TensorData *known = find(*id))
    return *known;
  auto result = llvm::cast<OpResult>(value);
  if (auto get = llvm::dyn_cast<GetWeightOp>(result.getOwner()))
    return evaluateGet(get);
  auto computed = compute(result.getOwner());
  if (!computed)
    return computed.takeError();
  for (auto [type, data] :
       llvm::zip(result.getOwner()->getResults(), *computed)) {
    Expected<unsigned> number = this->number(type, 0);
    if (!number)
      return number.takeError();
    insert(*number, data);
  }
  return std::move((*computed)[result.getResultNumber()]);
}

Expected<TensorData> WeightEvaluator::evaluate(WeightOp weight) {
  Expected<unsigned> id = number(weight, 0);
  if (!id)
    return id.takeError();
  if (weight.getInitializer().empty()) {
    Attribute value = *weight.getValue();
    if (auto mapped = llvm::dyn_cast<MappedAttr>(value))
      return readMapped(mapped, weight);
    return readElements(value, weight);
  }
  auto yield =
      llvm::cast<YieldOp>(weight.getInitializer().front().getTerminator());
  return evaluateValue(yield.getValue());
}
