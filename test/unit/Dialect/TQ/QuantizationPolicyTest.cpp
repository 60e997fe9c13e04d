//===- QuantizationPolicyTest.cpp - Rules and their errors ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/QuantizationPolicy.h"

#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace tq;
using quant::Observer;

namespace {

Expected<QuantizationPolicy> parse(StringRef text,
                                   const BasePolicy &base = {}) {
  return QuantizationPolicy::parse(MemoryBufferRef(text, "f.yaml"), base);
}

/// The error in `text`; "" if there is none.
std::string getError(StringRef text) {
  Expected<QuantizationPolicy> policy = parse(text);
  return policy ? "" : toString(policy.takeError());
}

/// The same for one rule, whose keys begin in line 2, column 5.
std::string getRuleError(StringRef rule) {
  return getError(("rules:\n  - " + rule + "\n").str());
}

std::string repeat(StringRef text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

//===----------------------------------------------------------------------===//
// What rules do
//===----------------------------------------------------------------------===//

TEST(QuantizationPolicy, HasTheBaseWithoutRules) {
  LayerPolicy base;
  base.scheme = Scheme::Static;
  base.observer = Observer::Entropy;
  base.smoothing = 0.5;
  EXPECT_EQ(QuantizationPolicy(base).get("a", "linear"), base);
  EXPECT_EQ(QuantizationPolicy().get("a", "linear"), LayerPolicy());
  for (StringRef text : {"rules: []", "rules: []\n", "---\nrules: [ ] # none\n",
                         "\xEF\xBB\xBFrules:\r\n  []\r\n", "{rules: []}",
                         "%YAML 1.2\n---\n\"rules\": []"})
    EXPECT_EQ(cantFail(parse(text, base)).get("a", "linear"), base)
        << text.str();
}

TEST(QuantizationPolicy, ReadsAllFields) {
  QuantizationPolicy policy = cantFail(parse(R"(# comment	with a tab
rules:
  - layer: "encoder.layer.*.output.dense"
    op: linear
    scheme: static
    observer: percentile
    percentile: 99.9
    granularity: tensor
    smoothing: 0.8
    bias-correction: on
)"));
  LayerPolicy expected;
  expected.scheme = Scheme::Static;
  expected.observer = Observer::Percentile;
  expected.percentile = 99.9;
  expected.granularity = Granularity::Tensor;
  expected.smoothing = 0.8;
  expected.biasCorrection = true;
  EXPECT_EQ(policy.get("encoder.layer.3.output.dense", "linear"), expected);
  EXPECT_EQ(policy.get("encoder.layer.3.output.dense", "matmul"),
            LayerPolicy());
  EXPECT_EQ(policy.get("encoder.layer.3.output.norm", "linear"), LayerPolicy());
}

TEST(QuantizationPolicy, ReadsEachName) {
  auto get = [](const Twine &rule) {
    return cantFail(parse(("rules: [{" + rule + "}]").str()))
        .get("a", "linear");
  };
  EXPECT_EQ(get("scheme: float").scheme, Scheme::Float);
  EXPECT_EQ(get("scheme: dynamic").scheme, Scheme::Dynamic);
  EXPECT_EQ(get("scheme: static").scheme, Scheme::Static);
  for (Observer observer :
       {Observer::MinMax, Observer::MovingAverage, Observer::Percentile,
        Observer::Entropy, Observer::Mse})
    EXPECT_EQ(get("observer: " + StringRef(quant::getObserverName(observer)))
                  .observer,
              observer);
  EXPECT_EQ(get("granularity: tensor").granularity, Granularity::Tensor);
  EXPECT_EQ(get("granularity: channel").granularity, Granularity::Channel);
  EXPECT_EQ(get("scheme: static, smoothing: 0").smoothing, 0.0);
  EXPECT_EQ(get("percentile: 1e2").percentile, 100.0);
}

TEST(QuantizationPolicy, PercentileImpliesTheObserver) {
  QuantizationPolicy policy = cantFail(parse("rules: [{percentile: 99}]"));
  EXPECT_EQ(policy.get("a", "linear").observer, Observer::Percentile);
}

TEST(QuantizationPolicy, TheLastRuleThatNamesAFieldCounts) {
  QuantizationPolicy policy = cantFail(parse(R"(
rules:
  - {scheme: static, observer: mse, smoothing: 0.8, bias-correction: on}
  - layer: "*.dense"
    observer: entropy
  - layer: "a.*"
    smoothing: off
  - layer: c
    scheme: dynamic
  - layer: d
    scheme: float
)"));
  LayerPolicy all;
  all.scheme = Scheme::Static;
  all.observer = Observer::Mse;
  all.smoothing = 0.8;
  all.biasCorrection = true;
  EXPECT_EQ(policy.get("b", "linear"), all);
  LayerPolicy dense = all;
  dense.observer = Observer::Entropy;
  EXPECT_EQ(policy.get("b.dense", "linear"), dense);
  LayerPolicy both = dense;
  both.smoothing = std::nullopt;
  EXPECT_EQ(policy.get("a.dense", "linear"), both);
  // What a scheme has no use for is off.
  LayerPolicy dynamic = all;
  dynamic.scheme = Scheme::Dynamic;
  dynamic.smoothing = std::nullopt;
  EXPECT_EQ(policy.get("c", "linear"), dynamic);
  EXPECT_FALSE(policy.get("d", "linear").biasCorrection);
}

TEST(QuantizationPolicy, MatchesByGlob) {
  auto matches = [](StringRef glob, StringRef name) {
    QuantizationPolicy policy = cantFail(
        parse(("rules: [{layer: '" + glob + "', scheme: float}]").str()));
    return policy.get(name, "linear").scheme == Scheme::Float;
  };
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a.b", "a.b"));
  EXPECT_FALSE(matches("a.b", "a.b.c"));
  EXPECT_FALSE(matches("a.b", "a-b"));
  EXPECT_TRUE(matches("layer.?.x", "layer.1.x"));
  EXPECT_FALSE(matches("layer.?.x", "layer.11.x"));
  EXPECT_TRUE(matches("layer.[0-2].*", "layer.2.x.y"));
  EXPECT_FALSE(matches("layer.[0-2].*", "layer.3.x.y"));
}

/// What stays in float by default becomes integer only by its name.
TEST(QuantizationPolicy, AttentionHasABaseOfItsOwn) {
  constexpr StringLiteral text = R"(rules:
  - layer: b.*
    scheme: static
  - layer: c.*
    scheme: float
  - layer: "*.named"
    op: attention
    scheme: static
)";
  auto schemes = [&](Scheme attention) {
    BasePolicy base;
    base.attention = attention;
    QuantizationPolicy policy = cantFail(parse(text, base));
    EXPECT_EQ(policy.get("b.self", "linear").scheme, Scheme::Static);
    SmallVector<Scheme> result;
    for (StringRef layer : {"a.self", "b.self", "c.self", "a.named"})
      result.push_back(policy.get(layer, "attention").scheme);
    return result;
  };
  EXPECT_EQ(schemes(Scheme::Float),
            (SmallVector<Scheme>{Scheme::Float, Scheme::Float, Scheme::Float,
                                 Scheme::Static}));
  EXPECT_EQ(schemes(Scheme::Dynamic),
            (SmallVector<Scheme>{Scheme::Dynamic, Scheme::Static, Scheme::Float,
                                 Scheme::Static}));
}

TEST(QuantizationPolicy, MatchesMergedLayersByTheirParts) {
  auto matches = [](StringRef glob) {
    QuantizationPolicy policy = cantFail(
        parse(("rules: [{layer: '" + glob + "', scheme: float}]").str()));
    return policy.get("a.{query,key,value}", "linear").scheme == Scheme::Float;
  };
  EXPECT_TRUE(matches("*.query"));
  EXPECT_TRUE(matches("a.value"));
  EXPECT_TRUE(matches("a.{query,key,value}"));
  EXPECT_FALSE(matches("a.dense"));
  EXPECT_FALSE(matches("key"));
}

TEST(QuantizationPolicy, ListsRulesThatMatchNothing) {
  QuantizationPolicy policy = cantFail(parse(R"(rules:
  - layer: a
    scheme: float
  - layer: b
    scheme: float
  - op: embedding
    scheme: float
)"));
  policy.get("a", "linear");
  EXPECT_EQ(policy.listUnmatched(),
            (SmallVector<std::string>{"f.yaml:4: this rule matches no layer",
                                      "f.yaml:6: this rule matches no layer"}));
  policy.get("b", "embedding");
  EXPECT_TRUE(policy.listUnmatched().empty());
}

TEST(QuantizationPolicy, ReadsTheExampleOfTheDocumentation) {
  std::unique_ptr<MemoryBuffer> page = cantFail(errorOrToExpected(
      MemoryBuffer::getFile(TQ_SOURCE_DIR "/docs/QuantizeConfig.md")));
  StringRef example =
      page->getBuffer().split("```yaml\n").second.split("```").first;
  QuantizationPolicy policy = cantFail(parse(example));
  LayerPolicy linear = policy.get("encoder.layer.3.output.norm", "linear");
  EXPECT_EQ(linear.scheme, Scheme::Static);
  EXPECT_EQ(linear.observer, Observer::Percentile);
  LayerPolicy smoothed = policy.get("encoder.layer.3.output.dense", "linear");
  EXPECT_EQ(smoothed.scheme, Scheme::Static);
  EXPECT_EQ(smoothed.observer, Observer::MinMax);
  EXPECT_EQ(smoothed.smoothing, 0.8);
  EXPECT_EQ(policy.get("encoder.layer.0.output.dense", "linear").scheme,
            Scheme::Float);
  EXPECT_TRUE(policy.listUnmatched().empty());
}

TEST(QuantizationPolicy, ReadsManyRules) {
  std::string text = "rules:\n";
  for (unsigned i = 0; i < 20000; ++i)
    text += "- layer: a." + std::to_string(i) + "\n  scheme: float\n";
  QuantizationPolicy policy = cantFail(parse(text));
  EXPECT_EQ(policy.get("a.19999", "linear").scheme, Scheme::Float);
  EXPECT_EQ(policy.listUnmatched().back(),
            "f.yaml:39998: this rule matches no layer");
}

//===----------------------------------------------------------------------===//
// Rules that are refused
//===----------------------------------------------------------------------===//

TEST(QuantizationPolicy, RefusesUnknownNames) {
  EXPECT_EQ(getRuleError("schema: float"),
            "f.yaml:2:5: expected one of layer, op, scheme, observer, "
            "percentile, granularity, smoothing, bias-correction, but got "
            "'schema'; did you mean 'scheme'?");
  EXPECT_EQ(getRuleError("bias_correction: on"),
            "f.yaml:2:5: expected one of layer, op, scheme, observer, "
            "percentile, granularity, smoothing, bias-correction, but got "
            "'bias_correction'; did you mean 'bias-correction'?");
  EXPECT_EQ(getRuleError("weights: float"),
            "f.yaml:2:5: expected one of layer, op, scheme, observer, "
            "percentile, granularity, smoothing, bias-correction, but got "
            "'weights'");
  EXPECT_EQ(getRuleError("op: conv"),
            "f.yaml:2:9: expected one of linear, attention, embedding, matmul, "
            "but got 'conv'");
  EXPECT_EQ(getRuleError("op: tq.linear"),
            "f.yaml:2:9: expected one of linear, attention, embedding, matmul, "
            "but got 'tq.linear'; did you mean 'linear'?");
  EXPECT_EQ(getRuleError("scheme: Static"),
            "f.yaml:2:13: expected one of float, dynamic, static, but got "
            "'Static'; did you mean 'static'?");
  EXPECT_EQ(getRuleError("observer: kl"),
            "f.yaml:2:15: expected one of minmax, moving-average, percentile, "
            "entropy, mse, but got 'kl'");
  EXPECT_EQ(getRuleError("granularity: head"),
            "f.yaml:2:18: expected one of tensor, channel, but got 'head'");
  EXPECT_EQ(getRuleError("bias-correction: true"),
            "f.yaml:2:22: expected one of on, off, but got 'true'");
  EXPECT_EQ(getError("rulez: []"),
            "f.yaml:1:1: expected rules, but got 'rulez'; did you mean "
            "'rules'?");
}

TEST(QuantizationPolicy, RefusesNumbersOutOfRange) {
  for (StringRef value : {"50", "100.1", "-99", "nan", "0x50", "99,9", "1e999",
                          "ninety", "99.9999999999999999999999999999999999"})
    EXPECT_EQ(getRuleError(("percentile: \"" + value + "\"").str()),
              "f.yaml:2:17: expected a percentile in (50, 100], but got '" +
                  value.str() + "'");
  for (StringRef value : {"1", "-0.1", "inf", "on", "", "1e-", "."})
    EXPECT_EQ(getRuleError(("smoothing: '" + value + "'").str()),
              "f.yaml:2:16: expected a number in [0, 1) or off, but got '" +
                  value.str() + "'");
}

TEST(QuantizationPolicy, RefusesContradictions) {
  for (std::string scheme : {"float", "dynamic"}) {
    std::string rule = "scheme: " + scheme + "\n    ";
    EXPECT_EQ(getRuleError(rule + "observer: mse"),
              "f.yaml:3:5: expected scheme static beside observer, but got " +
                  scheme);
    EXPECT_EQ(getRuleError(rule + "percentile: 99"),
              "f.yaml:3:5: expected scheme static beside percentile, but got " +
                  scheme);
    EXPECT_EQ(getRuleError(rule + "smoothing: 0.5"),
              "f.yaml:3:5: expected scheme static beside smoothing, but got " +
                  scheme);
    EXPECT_EQ(getRuleError(rule + "smoothing: off"), "");
    EXPECT_EQ(getRuleError(rule + "bias-correction: off"), "");
  }
  EXPECT_EQ(getRuleError("scheme: float\n    granularity: tensor"),
            "f.yaml:3:5: expected scheme dynamic or static beside granularity, "
            "but got float");
  EXPECT_EQ(getRuleError("scheme: float\n    bias-correction: on"),
            "f.yaml:3:5: expected scheme dynamic or static beside "
            "bias-correction, but got float");
  EXPECT_EQ(getRuleError("percentile: 99\n    observer: mse"),
            "f.yaml:2:5: expected observer percentile beside percentile, but "
            "got mse");
  EXPECT_EQ(getRuleError("op: attention\n    smoothing: 0.5"),
            "f.yaml:3:5: expected op linear beside smoothing, but got "
            "attention");
  EXPECT_EQ(getRuleError("op: embedding\n    bias-correction: on"),
            "f.yaml:3:5: expected op linear beside bias-correction, but got "
            "embedding");
  EXPECT_EQ(getRuleError("op: embedding\n    scheme: static"),
            "f.yaml:3:5: expected op linear or attention beside scheme, but "
            "got embedding");
  EXPECT_EQ(getRuleError("op: embedding\n    observer: mse"),
            "f.yaml:3:5: expected op linear or attention beside observer, but "
            "got embedding");
  EXPECT_EQ(getRuleError("op: matmul\n    granularity: tensor"),
            "f.yaml:3:5: expected op linear or attention beside granularity, "
            "but got matmul");
  EXPECT_EQ(getRuleError("op: matmul\n    scheme: dynamic"),
            "f.yaml:3:5: expected op linear, attention or embedding beside "
            "scheme, but got matmul");
}

TEST(QuantizationPolicy, RefusesRulesWithoutEffect) {
  constexpr StringLiteral message =
      "expected a rule that sets scheme, observer, percentile, granularity, "
      "smoothing or bias-correction, but got one that sets nothing";
  EXPECT_EQ(getRuleError("layer: a\n    op: linear"),
            "f.yaml:2:5: " + message.str());
  EXPECT_EQ(getRuleError("{}"), "f.yaml:2:5: " + message.str());
  EXPECT_EQ(getError("rules:\n  -\n    op: linear\n"),
            "f.yaml:3:5: " + message.str());
}

TEST(QuantizationPolicy, RefusesInvalidGlobs) {
  EXPECT_EQ(getRuleError("layer: \"\"\n    scheme: float"),
            "f.yaml:2:12: expected a glob, but got ''");
  EXPECT_EQ(getRuleError("layer: 'a.[0'\n    scheme: float"),
            "f.yaml:2:12: expected a glob, but got 'a.[0' (invalid glob "
            "pattern, unmatched '[')");
  EXPECT_EQ(getRuleError("layer: 'a\\'\n    scheme: float"),
            "f.yaml:2:12: expected a glob, but got 'a\\' (invalid glob "
            "pattern, stray '\\')");
}

TEST(QuantizationPolicy, RefusesDuplicateKeys) {
  EXPECT_EQ(getRuleError("scheme: float\n    op: linear\n    scheme: float"),
            "f.yaml:4:5: expected each key once, but got 'scheme' twice, first "
            "in line 2");
  EXPECT_EQ(getRuleError("scheme: float\n    \"sch\\x65me\": float"),
            "f.yaml:3:5: expected each key once, but got 'scheme' twice, first "
            "in line 2");
  EXPECT_EQ(getError("rules: []\nrules: []\n"),
            "f.yaml:2:1: expected each key once, but got 'rules' twice, first "
            "in line 1");
}

//===----------------------------------------------------------------------===//
// Files that are refused
//===----------------------------------------------------------------------===//

TEST(QuantizationPolicy, RefusesOtherForms) {
  for (StringRef text : {"", "\n", "# nothing\n", "---\n", "---\n---\n"})
    EXPECT_EQ(getError(text), "f.yaml:1:1: expected 'rules:' and a list of "
                              "rules, but got nothing")
        << text.str();
  EXPECT_EQ(getError("{}"),
            "f.yaml:1:1: expected the key 'rules', but got no key");
  EXPECT_EQ(getError("text"), "f.yaml:1:1: expected 'rules:' and a list of "
                              "rules, but got text");
  EXPECT_EQ(getError("- scheme: float\n"),
            "f.yaml:1:1: expected 'rules:' and a list of rules, but got a "
            "list");
  EXPECT_EQ(getError("rules:\n"), "f.yaml:1:1: expected a list of rules ([] "
                                  "for none), but got nothing");
  EXPECT_EQ(getError("rules: {}\n"), "f.yaml:1:8: expected a list of rules ([] "
                                     "for none), but got a mapping");
  EXPECT_EQ(getError("rules: |\n  x\n"),
            "f.yaml:1:1: expected a list of rules ([] for none), but got a "
            "block of text");
  EXPECT_EQ(getRuleError("dynamic"), "f.yaml:2:5: expected a rule, as in "
                                     "'scheme: float', but got text");
  EXPECT_EQ(getRuleError(""), "f.yaml:2:3: expected a rule, as in "
                              "'scheme: float', but got nothing");
  EXPECT_EQ(getError("rules:\n  -\n  - scheme: float\n"),
            "f.yaml:3:3: expected a rule, as in 'scheme: float', but got a "
            "list");
  EXPECT_EQ(getRuleError("- a"), "f.yaml:2:5: expected a rule, as in "
                                 "'scheme: float', but got a list");
  EXPECT_EQ(getRuleError("scheme:"),
            "f.yaml:2:5: expected a value, but got nothing");
  EXPECT_EQ(getRuleError("scheme: [float]"),
            "f.yaml:2:13: expected a value, but got a list");
  EXPECT_EQ(getRuleError("scheme: {a: b}"),
            "f.yaml:2:13: expected a value, but got a mapping");
  EXPECT_EQ(getRuleError("? [a]\n    : b"),
            "f.yaml:2:7: expected a key, but got a list");
  EXPECT_NE(getRuleError(": b"), "");
  EXPECT_NE(getRuleError("{: b}"), "");
}

TEST(QuantizationPolicy, RefusesAnchorsAliasesAndTags) {
  EXPECT_EQ(getRuleError("scheme: &a float"),
            "f.yaml:2:14: expected no anchors, but got 'a'");
  EXPECT_EQ(getRuleError("&a scheme: float"),
            "f.yaml:2:6: expected no anchors, but got 'a'");
  EXPECT_EQ(getRuleError("scheme: *a"),
            "f.yaml:2:13: expected a value, but got an alias");
  EXPECT_EQ(getRuleError("*a"), "f.yaml:2:5: expected a rule, as in "
                                "'scheme: float', but got an alias");
  EXPECT_EQ(getError("rules: &a []"),
            "f.yaml:1:9: expected no anchors, but got 'a'");
  EXPECT_EQ(getError("rules: !!seq []"),
            "f.yaml:1:8: expected no tags, but got '!!seq'");
}

TEST(QuantizationPolicy, RefusesWhatFollowsTheRules) {
  for (StringRef text : {"---", "...", "--- rules: []"})
    EXPECT_EQ(getError(("rules: []\n" + text + "\n").str()),
              "f.yaml:2:1: expected the end of the file, but got '" +
                  text.str() + "'");
  EXPECT_NE(getError("rules: []]"), "");
  EXPECT_NE(getError("rules: [] ]}"), "");
  EXPECT_NE(getError("{rules: []}}"), "");
  EXPECT_NE(getError("{rules: []},"), "");
}

TEST(QuantizationPolicy, RefusesInvalidYAML) {
  EXPECT_EQ(getError("rules: ["), "f.yaml:1:8: expected valid YAML, but got an "
                                  "error: Could not find closing ]!");
  for (StringRef text :
       {"rules: [{scheme: float}", "rules: [{scheme: float",
        "rules: [{scheme: \"float", "rules:\n  - scheme: 'float\n",
        "rules:\n  - scheme: float\n op: linear\n", "rules: [{a: b} {c: d}]",
        "@", "`", "%", "rules: ]", "{", "[", "\"", "rules:\n  - @a: b"}) {
    std::string error = getError(text);
    EXPECT_TRUE(StringRef(error).starts_with("f.yaml:")) << text.str() << error;
    EXPECT_FALSE(StringRef(error).contains('\n')) << text.str() << error;
  }
}

TEST(QuantizationPolicy, RefusesWhatIsNoText) {
  EXPECT_EQ(getError(StringRef("rules: []\n\0", 11)),
            "f.yaml:2:1: expected text, but got the byte 0x00");
  EXPECT_EQ(getError("rules: []\x1b"),
            "f.yaml:1:10: expected text, but got the byte 0x1b");
  EXPECT_EQ(getError("rules:\r  []"),
            "f.yaml:1:7: expected text, but got the byte 0x0d");
  EXPECT_EQ(getError("rules:\n\t- scheme: float\n"),
            "f.yaml:2:1: expected spaces, but got a tab");
  // Columns are of characters.
  EXPECT_EQ(getError("# \xC3\xA9 \xFF\n"),
            "f.yaml:1:5: expected UTF-8, but got the byte 0xff");
  EXPECT_EQ(getError("rules: \xC3"),
            "f.yaml:1:8: expected UTF-8, but got the byte 0xc3");
  EXPECT_EQ(getError(StringRef("\xFF\xFEr\0u\0", 6)),
            "f.yaml:1:1: expected UTF-8, but got the byte 0xff");
}

TEST(QuantizationPolicy, RefusesLargeFiles) {
  std::string text = "rules: []\n";
  text += "#" + std::string(kMaxQuantizeConfigBytes - text.size() - 1, 'x');
  EXPECT_EQ(getError(text), "");
  EXPECT_EQ(getError(text + "x"),
            "f.yaml:1:1: expected at most 1048576 bytes, but got more");
}

TEST(QuantizationPolicy, RefusesDeepAndLongStructures) {
  constexpr size_t deep = 100000;
  EXPECT_EQ(getError(repeat("[", deep)),
            "f.yaml:1:1: expected 'rules:' and a list of rules, but got a "
            "list");
  EXPECT_EQ(getError("rules: " + repeat("[", deep)),
            "f.yaml:1:9: expected a rule, as in 'scheme: float', but got a "
            "list");
  EXPECT_EQ(getError("rules:\n" + repeat("- ", deep)),
            "f.yaml:2:3: expected a rule, as in 'scheme: float', but got a "
            "list");
  EXPECT_EQ(getRuleError("scheme: " + repeat("{a: ", deep)),
            "f.yaml:2:13: expected a value, but got a mapping");
  EXPECT_EQ(getRuleError("? " + repeat("[", deep)),
            "f.yaml:2:7: expected a key, but got a list");
  EXPECT_NE(getError(repeat("? ", deep)), "");
  EXPECT_NE(getError(repeat("{", deep)), "");
  EXPECT_NE(getError(repeat("a: ", deep)), "");
  constexpr size_t large = kMaxQuantizeConfigBytes / 4;
  for (StringRef unit : {"&a ", "&a\n", "*a ", "!a ", "---\n", "...\n", "%A\n",
                         "- \n", ": ", "? a\n", "a:\n", "[],", "'a'"}) {
    std::string text = repeat(unit, large);
    EXPECT_NE(getError(text), "") << unit.str();
    EXPECT_NE(getError("rules: " + text), "") << unit.str();
    EXPECT_NE(getError("rules: [" + text), "") << unit.str();
    EXPECT_NE(getError("rules: []\n" + text), "") << unit.str();
  }
}

TEST(QuantizationPolicy, RefusesCommasInARow) {
  for (StringRef comma : {",", ", ", ",#\n"}) {
    std::string commas = repeat(comma, kMaxQuantizeConfigBytes / 4);
    for (StringRef before :
         {"{", "{rules: []", "{rules: [", "rules: [{", "rules: [{scheme: float",
          "rules: [{scheme: float}", "rules: [{'scheme': \"float\""})
      EXPECT_TRUE(
          StringRef(getError(before.str() + commas))
              .ends_with("expected a value between commas, but got ','"))
          << before.str() << comma.str();
  }
  EXPECT_EQ(getError("rules: [{scheme: float,},]"), "");
  EXPECT_EQ(getError("rules: [{scheme: float,,}]"),
            "f.yaml:1:24: expected a value between commas, but got ','");
}

} // namespace
