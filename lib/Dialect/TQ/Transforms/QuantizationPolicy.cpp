//===- QuantizationPolicy.cpp - How each layer is quantized ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three steps: ConfigText refuses what is no text, ConfigReader makes of the
// file a list of fields for each rule, and RuleReader checks what they say.
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/QuantizationPolicy.h"

#include "ConfigText.h"

#include "tq/Support/InputError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

using namespace llvm;
using namespace tq;

struct QuantizationPolicy::Rule {
  size_t line = 0;
  /// The glob refers to it.
  std::string layer = "*";
  std::optional<GlobPattern> glob;
  /// Empty for all.
  std::string op;
  std::optional<Scheme> scheme;
  std::optional<quant::Observer> observer;
  std::optional<double> percentile;
  std::optional<Granularity> granularity;
  /// What is inside is absent for "off".
  std::optional<std::optional<double>> smoothing;
  std::optional<bool> biasCorrection;
  bool matched = false;

  bool matches(StringRef name) const;
  void apply(LayerPolicy &policy) const;
};

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

namespace {

enum class Key {
  Layer,
  Op,
  Scheme,
  Observer,
  Percentile,
  Granularity,
  Smoothing,
  BiasCorrection,
};

template <typename T>
struct Choice {
  StringRef name;
  T value;
};

} // namespace

static constexpr Choice<Key> kKeys[] = {
    {"layer", Key::Layer},           {"op", Key::Op},
    {"scheme", Key::Scheme},         {"observer", Key::Observer},
    {"percentile", Key::Percentile}, {"granularity", Key::Granularity},
    {"smoothing", Key::Smoothing},   {"bias-correction", Key::BiasCorrection},
};

static constexpr Choice<int> kRootKeys[] = {{"rules", 0}};

static constexpr Choice<StringRef> kOps[] = {
    {"linear", "linear"},
    {"attention", "attention"},
    {"embedding", "embedding"},
    {"matmul", "matmul"},
};

static constexpr Choice<Scheme> kSchemes[] = {
    {"float", Scheme::Float},
    {"dynamic", Scheme::Dynamic},
    {"static", Scheme::Static},
};

static constexpr Choice<Granularity> kGranularities[] = {
    {"tensor", Granularity::Tensor},
    {"channel", Granularity::Channel},
};

static constexpr Choice<bool> kSwitches[] = {{"on", true}, {"off", false}};

static ArrayRef<Choice<quant::Observer>> getObservers() {
  using quant::Observer;
  static const auto choices =
      map_to_vector(quant::kObserverNames, [](const auto &entry) {
        return Choice<Observer>{entry.first, entry.second};
      });
  return choices;
}

template <typename T>
static const Choice<T> *findChoice(ArrayRef<Choice<T>> choices,
                                   StringRef name) {
  const auto *found = find_if(
      choices, [&](const Choice<T> &choice) { return choice.name == name; });
  return found == choices.end() ? nullptr : found;
}

/// "expected one of a, b, but got 'c'", and which of them is meant if one is
/// near.
template <typename T>
static std::string describeUnknown(ArrayRef<Choice<T>> choices,
                                   StringRef name) {
  constexpr size_t longestTypo = 32;
  StringRef nearest;
  unsigned best = 4; // one more than a typo may have
  for (const Choice<T> &choice : choices) {
    unsigned limit = std::min<unsigned>(best - 1, choice.name.size() / 2);
    if (name.size() > longestTypo || limit == 0)
      continue;
    unsigned distance = choice.name.edit_distance(
        name.lower(), /*AllowReplacements=*/true, limit);
    if (distance > limit)
      continue;
    nearest = choice.name;
    best = distance;
    if (best == 0)
      break;
  }
  std::string names = join(
      map_range(choices, [](const Choice<T> &choice) { return choice.name; }),
      ", ");
  return ("expected " + Twine(choices.size() > 1 ? "one of " : "") + names +
          ", but got '" + printable(name) + "'" +
          (nearest.empty() ? "" : "; did you mean '" + nearest.str() + "'?"))
      .str();
}

//===----------------------------------------------------------------------===//
// The YAML
//===----------------------------------------------------------------------===//

namespace {

struct Field {
  Key key;
  std::string value;
  size_t keyAt;
  size_t valueAt;
};

using Fields = SmallVector<Field, 4>;

/// Makes fields of YAML. LLVM's parser reads as far as it is asked to, and
/// recurses over nested nodes and over commas in a row: it is only asked to go
/// on where what comes has the form of rules.
class ConfigReader {
public:
  explicit ConfigReader(ConfigText &config) : config(config) {}

  /// The fields of each rule; on failure `config` has the error.
  bool read(std::vector<std::pair<size_t, Fields>> &rules);

private:
  bool readRoot(yaml::Node *node);
  bool readRules(yaml::Node *node, size_t keyAt);
  bool readRule(yaml::Node *node);

  /// Reads the keys of a mapping, and has `readValue` read the values.
  template <typename T>
  bool readMapping(
      yaml::MappingNode &mapping, ArrayRef<Choice<T>> keys,
      function_ref<bool(T key, size_t keyAt, yaml::Node *value)> readValue);

  /// The text of a scalar, and where it is.
  bool readScalar(yaml::Node *node, StringRef expected, size_t keyAt,
                  std::string &value, size_t &at);

  /// Says that `node`, which may be null, is not `expected`. `keyAt` is for
  /// nodes of which the parser does not say where they are.
  bool fail(yaml::Node *node, const Twine &expected, size_t keyAt);

  /// Refuses anchors and tags.
  bool checkProperties(yaml::Node &node);

  /// Refuses commas in a row in front of the next token.
  bool checkCommas(size_t allowed);

  /// Refuses what stands behind the rules.
  bool checkEnd();

  size_t getOffset(SMLoc location) const;
  /// Where a node begins; moves `last` there.
  size_t enter(yaml::Node &node);

  ConfigText &config;
  std::vector<std::pair<size_t, Fields>> *rules = nullptr;
  /// Behind the last token that is known.
  size_t last = 0;
};

} // namespace

size_t ConfigReader::getOffset(SMLoc location) const {
  StringRef text = config.getText();
  const char *at = location.getPointer();
  return at >= text.begin() && at <= text.end() ? at - text.begin()
                                                : text.size();
}

size_t ConfigReader::enter(yaml::Node &node) {
  last = std::max(last, getOffset(node.getSourceRange().Start));
  if (isa<yaml::ScalarNode>(node))
    return getOffset(node.getSourceRange().Start);
  if (auto *alias = dyn_cast<yaml::AliasNode>(&node))
    return getOffset(SMLoc::getFromPointer(alias->getName().begin())) - 1;
  // The parser takes what is behind the bracket for the beginning.
  StringRef before = config.getText().take_front(last).rtrim(' ');
  if (isa<yaml::SequenceNode, yaml::MappingNode>(node) &&
      (before.ends_with("[") || before.ends_with("{")))
    return before.size() - 1;
  return last;
}

/// Describes a node of a wrong kind.
static StringRef describe(yaml::Node *node) {
  if (!node || isa<yaml::NullNode>(node))
    return "nothing";
  if (isa<yaml::MappingNode>(node))
    return "a mapping";
  if (isa<yaml::SequenceNode>(node))
    return "a list";
  if (isa<yaml::AliasNode>(node))
    return "an alias";
  if (isa<yaml::BlockScalarNode>(node))
    return "a block of text";
  return "text";
}

bool ConfigReader::fail(yaml::Node *node, const Twine &expected, size_t keyAt) {
  bool hasPlace = node && !isa<yaml::NullNode, yaml::BlockScalarNode>(node);
  return config.fail(hasPlace ? enter(*node) : keyAt,
                     "expected " + expected + ", but got " + describe(node));
}

bool ConfigReader::checkProperties(yaml::Node &node) {
  for (auto [property, what] : {std::pair(node.getAnchor(), "no anchors"),
                                std::pair(node.getRawTag(), "no tags")})
    if (!property.empty())
      return config.fail(getOffset(SMLoc::getFromPointer(property.begin())),
                         Twine("expected ") + what + ", but got '" +
                             printable(property) + "'");
  return true;
}

/// Removes spaces and comments from the front.
static StringRef skipToToken(StringRef text) {
  while (true) {
    text = text.ltrim(" \t\r\n");
    if (!text.starts_with("#"))
      return text;
    text = text.drop_until([](char c) { return c == '\n'; });
  }
}

bool ConfigReader::checkCommas(size_t allowed) {
  StringRef text = config.getText();
  size_t commas = 0;
  for (StringRef rest = text.drop_front(last);; rest = rest.drop_front()) {
    rest = skipToToken(rest);
    if (rest.starts_with("]") || rest.starts_with("}")) {
      commas = 0;
      allowed = 1;
      continue;
    }
    if (!rest.starts_with(","))
      return true;
    if (commas == allowed)
      return config.fail(text.size() - rest.size(),
                         "expected a value between commas, but got ','");
    ++commas;
  }
}

bool ConfigReader::checkEnd() {
  StringRef text = config.getText();
  StringRef rest = skipToToken(text.drop_front(last));
  while (!rest.empty() && StringRef("]},").contains(rest.front()))
    rest = skipToToken(rest.drop_front());
  if (rest.empty())
    return true;
  return config.fail(text.size() - rest.size(),
                     "expected the end of the file, but got '" +
                         printable(rest.take_until(
                             [](char c) { return c == '\n' || c == '\r'; })) +
                         "'");
}

bool ConfigReader::readScalar(yaml::Node *node, StringRef expected,
                              size_t keyAt, std::string &value, size_t &at) {
  auto *scalar = dyn_cast_or_null<yaml::ScalarNode>(node);
  if (!scalar)
    return fail(node, expected, keyAt);
  at = enter(*scalar);
  if (!checkProperties(*scalar))
    return false;
  SmallString<32> storage;
  value = scalar->getValue(storage).str();
  last = std::max(last, getOffset(scalar->getSourceRange().End));
  return !config.failed();
}

template <typename T>
bool ConfigReader::readMapping(
    yaml::MappingNode &mapping, ArrayRef<Choice<T>> keys,
    function_ref<bool(T key, size_t keyAt, yaml::Node *value)> readValue) {
  size_t start = enter(mapping);
  if (!checkProperties(mapping) || !checkCommas(/*allowed=*/0))
    return false;
  // Where each key is; its value is read only then.
  SmallVector<std::optional<size_t>> places(keys.size());
  for (auto entry = mapping.begin(), end = mapping.end(); entry != end;) {
    std::string name;
    size_t at;
    if (!readScalar(entry->getKey(), "a key", start, name, at))
      return false;
    const Choice<T> *choice = findChoice(keys, name);
    if (!choice)
      return config.fail(at, describeUnknown(keys, name));
    std::optional<size_t> &place = places[choice - keys.begin()];
    if (place)
      return config.fail(at, "expected each key once, but got '" + name +
                                 "' twice, first in line " +
                                 Twine(config.getLine(*place)));
    place = at;
    yaml::Node *value = entry->getValue();
    if (config.failed() || !readValue(choice->value, at, value) ||
        !checkCommas(/*allowed=*/1))
      return false;
    ++entry;
  }
  return !config.failed();
}

bool ConfigReader::readRule(yaml::Node *node) {
  auto *mapping = dyn_cast_or_null<yaml::MappingNode>(node);
  if (!mapping) {
    // The parser says where the next token is.
    size_t at = node ? enter(*node) : last;
    at = config.getText().take_front(at).rtrim(" \r\n").size();
    return fail(node, "a rule, as in 'scheme: float'", at ? at - 1 : 0);
  }
  auto &[at, fields] = rules->emplace_back(enter(*mapping), Fields());
  return readMapping<Key>(
      *mapping, kKeys, [&](Key key, size_t keyAt, yaml::Node *value) {
        Field &field = fields.emplace_back();
        field.key = key;
        field.keyAt = keyAt;
        return readScalar(value, "a value", keyAt, field.value, field.valueAt);
      });
}

bool ConfigReader::readRules(yaml::Node *node, size_t keyAt) {
  auto *sequence = dyn_cast_or_null<yaml::SequenceNode>(node);
  if (!sequence)
    return fail(node, "a list of rules ([] for none)", keyAt);
  enter(*sequence);
  if (!checkProperties(*sequence) || !checkCommas(/*allowed=*/0))
    return false;
  for (auto entry = sequence->begin(), end = sequence->end(); entry != end;
       ++entry)
    if (config.failed() || !readRule(entry) || !checkCommas(/*allowed=*/1))
      return false;
  return !config.failed();
}

bool ConfigReader::readRoot(yaml::Node *node) {
  auto *mapping = dyn_cast_or_null<yaml::MappingNode>(node);
  if (!mapping)
    return fail(node, "'rules:' and a list of rules", 0);
  size_t start = enter(*mapping);
  bool hasRules = false;
  if (!readMapping<int>(*mapping, kRootKeys,
                        [&](int, size_t keyAt, yaml::Node *value) {
                          hasRules = true;
                          return readRules(value, keyAt);
                        }))
    return false;
  return hasRules ||
         config.fail(start, "expected the key 'rules', but got no key");
}

bool ConfigReader::read(std::vector<std::pair<size_t, Fields>> &result) {
  rules = &result;
  // The parser cannot say where an error is in a file of no bytes.
  if (config.getText().empty())
    return fail(nullptr, "'rules:' and a list of rules", 0);
  SourceMgr sources;
  auto handle = [](const SMDiagnostic &diagnostic, void *context) {
    auto *reader = static_cast<ConfigReader *>(context);
    reader->config.fail(reader->getOffset(diagnostic.getLoc()),
                        "expected valid YAML, but got an error: " +
                            printable(diagnostic.getMessage()));
  };
  sources.setDiagHandler(handle, this);
  yaml::Stream stream(MemoryBufferRef(config.getText(), config.getPath()),
                      sources, /*ShowColors=*/false);
  yaml::document_iterator document = stream.begin();
  yaml::Node *root = document->getRoot();
  if (config.failed() || !readRoot(root) || !checkEnd())
    return false;
  ++document;
  if (!config.failed() && document != stream.end())
    return config.fail(last, "expected the end of the file, but got more");
  return !config.failed();
}

//===----------------------------------------------------------------------===//
// The rules
//===----------------------------------------------------------------------===//

/// Makes a rule of its fields.
class tq::RuleReader {
public:
  RuleReader(ConfigText &config, size_t at, ArrayRef<Field> fields)
      : config(config), at(at), fields(fields) {}

  /// Null on failure; `config` has the error.
  std::unique_ptr<QuantizationPolicy::Rule> read();

  static Expected<QuantizationPolicy> readFile(MemoryBufferRef buffer,
                                               const BasePolicy &base);

private:
  bool readField(const Field &field);
  bool readLayer(const Field &field);
  bool readPercentile(const Field &field);
  bool readSmoothing(const Field &field);

  template <typename T, typename To>
  bool choose(const Field &field, ArrayRef<Choice<T>> choices, To &to);

  /// Refuses rules of which a part can have no effect.
  bool check();
  bool checkScheme();
  bool checkOp();
  bool checkObserver();

  /// Says that `key` does not suit what the rule says besides.
  bool contradict(Key key, StringRef expected, StringRef found);

  ConfigText &config;
  size_t at;
  ArrayRef<Field> fields;
  std::unique_ptr<QuantizationPolicy::Rule> rule;
};

template <typename T, typename To>
bool RuleReader::choose(const Field &field, ArrayRef<Choice<T>> choices,
                        To &to) {
  const Choice<T> *choice = findChoice<T>(choices, field.value);
  if (!choice)
    return config.fail(field.valueAt, describeUnknown(choices, field.value));
  to = choice->value;
  return true;
}

/// A number as files write them: no infinity, nothing hexadecimal.
static std::optional<double> parseNumber(StringRef text) {
  constexpr size_t longest = 32;
  double value;
  if (text.empty() || text.size() > longest ||
      text.find_first_not_of("0123456789.eE+-") != StringRef::npos ||
      text.getAsDouble(value))
    return std::nullopt;
  return value;
}

bool RuleReader::readPercentile(const Field &field) {
  rule->percentile = parseNumber(field.value);
  if (rule->percentile && *rule->percentile > 50 && *rule->percentile <= 100)
    return true;
  return config.fail(field.valueAt,
                     "expected a percentile in (50, 100], but got '" +
                         printable(field.value) + "'");
}

bool RuleReader::readSmoothing(const Field &field) {
  std::optional<double> alpha = parseNumber(field.value);
  if (field.value != "off" && !(alpha && *alpha >= 0 && *alpha < 1))
    return config.fail(field.valueAt,
                       "expected a number in [0, 1) or off, but got '" +
                           printable(field.value) + "'");
  rule->smoothing.emplace(alpha);
  return true;
}

bool RuleReader::readLayer(const Field &field) {
  if (field.value.empty())
    return config.fail(field.valueAt, "expected a glob, but got ''");
  rule->layer = field.value;
  return true;
}

bool RuleReader::readField(const Field &field) {
  switch (field.key) {
  case Key::Layer:
    return readLayer(field);
  case Key::Op:
    return choose<StringRef>(field, kOps, rule->op);
  case Key::Scheme:
    return choose<Scheme>(field, kSchemes, rule->scheme);
  case Key::Observer:
    return choose(field, getObservers(), rule->observer);
  case Key::Percentile:
    return readPercentile(field);
  case Key::Granularity:
    return choose<Granularity>(field, kGranularities, rule->granularity);
  case Key::Smoothing:
    return readSmoothing(field);
  case Key::BiasCorrection:
    return choose<bool>(field, kSwitches, rule->biasCorrection);
  }
  llvm_unreachable("all keys are there");
}

bool RuleReader::contradict(Key key, StringRef expected, StringRef found) {
  const Field *field =
      find_if(fields, [&](const Field &field) { return field.key == key; });
  const Choice<Key> *name = find_if(
      kKeys, [&](const Choice<Key> &choice) { return choice.value == key; });
  return config.fail(field->keyAt, "expected " + expected + " beside " +
                                       name->name + ", but got " + found);
}

bool RuleReader::checkScheme() {
  if (!rule->scheme || rule->scheme == Scheme::Static)
    return true;
  bool isFloat = rule->scheme == Scheme::Float;
  StringRef found = isFloat ? "float" : "dynamic";
  if (rule->observer)
    return contradict(Key::Observer, "scheme static", found);
  if (rule->percentile)
    return contradict(Key::Percentile, "scheme static", found);
  if (rule->smoothing && *rule->smoothing)
    return contradict(Key::Smoothing, "scheme static", found);
  if (isFloat && rule->granularity)
    return contradict(Key::Granularity, "scheme dynamic or static", found);
  if (isFloat && rule->biasCorrection.value_or(false))
    return contradict(Key::BiasCorrection, "scheme dynamic or static", found);
  return true;
}

bool RuleReader::checkOp() {
  if (rule->op.empty() || rule->op == "linear")
    return true;
  if (rule->smoothing && *rule->smoothing)
    return contradict(Key::Smoothing, "op linear", rule->op);
  if (rule->biasCorrection.value_or(false))
    return contradict(Key::BiasCorrection, "op linear", rule->op);
  if (rule->op == "attention")
    return true;
  // Activations of no other op have ranges that were seen.
  constexpr StringRef observed = "op linear or attention";
  if (rule->scheme == Scheme::Static)
    return contradict(Key::Scheme, observed, rule->op);
  if (rule->observer)
    return contradict(Key::Observer, observed, rule->op);
  if (rule->percentile)
    return contradict(Key::Percentile, observed, rule->op);
  if (rule->granularity)
    return contradict(Key::Granularity, observed, rule->op);
  if (rule->op != "embedding" && rule->scheme == Scheme::Dynamic)
    return contradict(Key::Scheme, "op linear, attention or embedding",
                      rule->op);
  return true;
}

bool RuleReader::checkObserver() {
  using quant::Observer;
  if (!rule->percentile)
    return true;
  if (rule->observer && rule->observer != Observer::Percentile)
    return contradict(Key::Percentile, "observer percentile",
                      quant::getObserverName(*rule->observer));
  rule->observer = Observer::Percentile;
  return true;
}

bool RuleReader::check() {
  if (all_of(fields, [](const Field &field) {
        return field.key == Key::Layer || field.key == Key::Op;
      }))
    return config.fail(at, "expected a rule that sets scheme, observer, "
                           "percentile, granularity, smoothing or "
                           "bias-correction, but got one that sets nothing");
  return checkScheme() && checkOp() && checkObserver();
}

std::unique_ptr<QuantizationPolicy::Rule> RuleReader::read() {
  rule = std::make_unique<QuantizationPolicy::Rule>();
  rule->line = config.getLine(at);
  if (!all_of(fields, [&](const Field &field) { return readField(field); }) ||
      !check())
    return nullptr;
  Expected<GlobPattern> glob = GlobPattern::create(rule->layer);
  if (!glob) {
    const Field *layer = find_if(
        fields, [](const Field &field) { return field.key == Key::Layer; });
    config.fail(layer->valueAt,
                "expected a glob, but got '" + printable(layer->value) + "' (" +
                    printable(toString(glob.takeError())) + ")");
    return nullptr;
  }
  rule->glob = std::move(*glob);
  return std::move(rule);
}

Expected<QuantizationPolicy> RuleReader::readFile(MemoryBufferRef buffer,
                                                  const BasePolicy &base) {
  ConfigText config(buffer);
  std::vector<std::pair<size_t, Fields>> rules;
  if (!config.check() || !ConfigReader(config).read(rules))
    return config.takeError();
  QuantizationPolicy policy(base);
  policy.path = config.getPath().str();
  for (const auto &[at, fields] : rules) {
    policy.rules.push_back(RuleReader(config, at, fields).read());
    if (!policy.rules.back())
      return config.takeError();
  }
  return std::move(policy);
}

//===----------------------------------------------------------------------===//
// QuantizationPolicy
//===----------------------------------------------------------------------===//

QuantizationPolicy::QuantizationPolicy(const BasePolicy &base) : base(base) {}
QuantizationPolicy::QuantizationPolicy(QuantizationPolicy &&) noexcept =
    default;
QuantizationPolicy &
QuantizationPolicy::operator=(QuantizationPolicy &&) noexcept = default;
QuantizationPolicy::~QuantizationPolicy() = default;

Expected<QuantizationPolicy> QuantizationPolicy::parse(MemoryBufferRef buffer,
                                                       const BasePolicy &base) {
  return RuleReader::readFile(buffer, base);
}

bool QuantizationPolicy::Rule::matches(StringRef name) const {
  if (glob->match(name))
    return true;
  size_t brace = name.rfind('{');
  if (brace == StringRef::npos || !name.ends_with("}"))
    return false;
  StringRef prefix = name.take_front(brace);
  return any_of(
      split(name.drop_front(brace + 1).drop_back(), ','),
      [&](StringRef part) { return glob->match((prefix + part).str()); });
}

void QuantizationPolicy::Rule::apply(LayerPolicy &policy) const {
  policy.scheme = scheme.value_or(policy.scheme);
  policy.observer = observer.value_or(policy.observer);
  policy.percentile = percentile.value_or(policy.percentile);
  policy.granularity = granularity.value_or(policy.granularity);
  policy.smoothing = smoothing.value_or(policy.smoothing);
  policy.biasCorrection = biasCorrection.value_or(policy.biasCorrection);
}

LayerPolicy QuantizationPolicy::get(StringRef layer, StringRef op) const {
  LayerPolicy policy = base;
  bool isFloatAttention = op == "attention" && base.attention == Scheme::Float;
  if (op == "attention")
    policy.scheme = base.attention;
  for (const std::unique_ptr<Rule> &rule : rules) {
    if ((!rule->op.empty() && rule->op != op) || !rule->matches(layer))
      continue;
    rule->matched = true;
    Scheme before = policy.scheme;
    rule->apply(policy);
    if (isFloatAttention && rule->op.empty())
      policy.scheme = before;
  }
  if (policy.scheme != Scheme::Static)
    policy.smoothing.reset();
  if (policy.scheme == Scheme::Float)
    policy.biasCorrection = false;
  return policy;
}

SmallVector<std::string> QuantizationPolicy::listUnmatched() const {
  SmallVector<std::string> result;
  for (const std::unique_ptr<Rule> &rule : rules)
    if (!rule->matched)
      result.push_back(
          (path + ":" + Twine(rule->line) + ": this rule matches no layer")
              .str());
  return result;
}
