//===- CliTest.cpp - Tests of the program's command line ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Main.h"
#include "Cli/Npy.h"
#include "TestProgram.h"
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace tq::rt;
using namespace tq::test;

namespace {

/// Runs commands in a folder of its own.
class CliTest : public testing::Test {
protected:
  void SetUp() override {
    const auto *info = testing::UnitTest::GetInstance()->current_test_info();
    folder = testing::TempDir() + "tq-cli-" + std::to_string(getpid()) + "-" +
             info->name();
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string file(const std::string &name) const {
    return folder + "/" + name;
  }
  std::string write(const std::string &name, const std::string &content) const {
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }
  static std::string read(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    std::stringstream content;
    content << stream.rdbuf();
    return content.str();
  }
  size_t filesInFolder() const {
    auto range = std::filesystem::directory_iterator(folder);
    return std::distance(begin(range), end(range));
  }

  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "prog");
    std::vector<char *> argv;
    for (std::string &argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    int code = runMain(program, int(arguments.size()), argv.data());
    out = testing::internal::GetCapturedStdout();
    err = testing::internal::GetCapturedStderr();
    return code;
  }

  /// Expects this exit code and one line of error with this text.
  void expectError(int code, const std::string &part,
                   std::vector<std::string> arguments) {
    EXPECT_EQ(run(std::move(arguments)), code) << err;
    EXPECT_EQ(err.find("error: "), 0u) << err;
    EXPECT_EQ(err.find('\n'), err.size() - 1) << err;
    EXPECT_NE(err.find(part), std::string::npos) << err;
  }

  std::string writeTensor(const std::string &name, std::vector<int64_t> data,
                          std::vector<int64_t> dims) {
    tq_tensor tensor = {data.data(), {}, int32_t(dims.size()), TQ_I64};
    for (size_t i = 0; i < dims.size(); ++i)
      tensor.dims[i] = dims[i];
    OutputFile output;
    std::string path = file(name);
    EXPECT_EQ(output.open(path.c_str()), TQ_OK);
    EXPECT_EQ(writeNpy(output, tensor), TQ_OK);
    EXPECT_EQ(output.close(), TQ_OK);
    EXPECT_EQ(output.commit(), TQ_OK);
    return path;
  }

  struct Array {
    tq_tensor tensor;
    std::vector<float> values;
  };
  Array readArray(const std::string &name) {
    Bytes storage;
    Array array = {};
    EXPECT_EQ(readNpy(file(name).c_str(), &storage, &array.tensor), TQ_OK)
        << tq_last_message();
    int64_t elements = 0;
    product(array.tensor.dims, array.tensor.rank, 1, &elements);
    auto *data = static_cast<const float *>(array.tensor.data);
    if (data)
      array.values.assign(data, data + elements);
    storage.free();
    return array;
  }

  tq_program program = makeProgram();
  std::string folder, out, err;
};

bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

} // namespace

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

TEST_F(CliTest, HelpAndVersion) {
  EXPECT_EQ(run({"--help"}), 0);
  for (const char *option :
       {"--input", "--output", "--text", "--threads", "--batch", "--describe",
        "--json", "--benchmark", "--shape", "--seconds", "--profile",
        "--selftest", "--help", "--version"})
    EXPECT_TRUE(contains(out, option)) << option;
  EXPECT_EQ(run({"--version", "--benchmark"}), 0);
  EXPECT_TRUE(contains(out, "tq 0.0.0"));
}

TEST_F(CliTest, WrongUsage) {
  expectError(1, "nothing to do", {});
  expectError(1, "unknown option '--thread'; did you mean --threads?",
              {"--thread", "2", "a"});
  expectError(1, "unknown option '-x'", {"-x"});
  expectError(1, "unknown option '--quantize-everything'; --help lists all",
              {"--quantize-everything"});
  expectError(1, "--threads: expected a number from 1 to 1024, found '0'",
              {"--threads", "0", "a"});
  for (const char *bad : {"-1", "2x", "", "99999999999999999999", " 2", "1e3"})
    expectError(1, "--threads: expected", {std::string("--threads=") + bad});
  expectError(1, "--threads: expected N, found nothing", {"--threads"});
  expectError(1, "--batch: expected", {"--batch", "none", "a"});
  expectError(1, "--seconds: expected", {"--benchmark", "--seconds", "-1"});
  expectError(1, "--seconds: expected", {"--benchmark", "--seconds", "nan"});
  expectError(1, "--json takes no value", {"--describe", "--json=1"});
  expectError(1, "--describe and --selftest exclude",
              {"--describe", "--selftest"});
  expectError(1, "exclude each other", {"--text", "-", "word"});
  expectError(1, "--batch is for texts",
              {"--batch", "3", "--input", "input_ids=x"});
  expectError(1, "--shape is for", {"--shape", "input_ids=1x2", "word"});
  expectError(1, "take no texts", {"--selftest", "word"});
  expectError(1, "--json is for", {"--json", "word"});
  expectError(1, "--profile needs a run", {"--describe", "--profile", "x"});
  expectError(1, "--text is given twice", {"--text", "a", "--text", "b"});
  expectError(1, "expected NAME=FILE.npy, found 'input_ids'",
              {"--input", "input_ids"});
  expectError(1, "expected NAME=FILE.npy", {"--input", "=x.npy"});
  expectError(1, "expected NAME=FILE.npy", {"--input", "input_ids="});
  expectError(1, "there is no input 'ids'", {"--input", "ids=x.npy"});
  expectError(1, "there is no output 'x'", {"--output", "x=x.npy", "word"});
  expectError(1, "'embedding' is given twice",
              {"--output", "embedding=a", "--output", "embedding=b", "word"});
  expectError(
      1, "is to be written twice",
      {"--output", "embedding=a", "--output", "last_hidden_state=a", "w"});
}

TEST_F(CliTest, ErrorsStayOneLine) {
  expectError(1, "unknown option '--a?b", {"--a\nb"});
  expectError(2, "No such file", {"--text", file("no\nsuch")});
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

TEST_F(CliTest, WordsGiveEmbeddingsAndSimilarities) {
  EXPECT_EQ(run({"ab", "ab"}), 0) << err;
  EXPECT_EQ(err, "");
  EXPECT_TRUE(contains(out, "     1  embedding [")) << out;
  EXPECT_TRUE(contains(out, "\"ab\""));
  EXPECT_TRUE(contains(out, "cosine similarity"));
  EXPECT_TRUE(contains(out, "     1  1.0000  1.0000")) << out;
  EXPECT_EQ(run({"--", "--threads"}), 0);
  EXPECT_TRUE(contains(out, "\"--threads\""));
  EXPECT_FALSE(contains(out, "cosine"));
}

TEST_F(CliTest, ClassifierPrintsLabels) {
  program = makeClassifier();
  EXPECT_EQ(run({"a word", ""}), 0) << err;
  EXPECT_TRUE(contains(out, "     1  NEGATIVE") || contains(out, "POSITIVE"))
      << out;
  EXPECT_FALSE(contains(out, "cosine"));
}

TEST_F(CliTest, ScoresFollowTheKindOfClassifier) {
  program = makeClassifier();
  entryOf(program).num_outputs = 1;
  float logits[] = {-0.5f, 1.25f};
  tq_tensor all = {logits, {1, 2}, 2, TQ_F32};
  auto expectScores = [&](int32_t scores, const std::string &line) {
    program.label_scores = scores;
    testing::internal::CaptureStdout();
    printTensors(program, &all);
    EXPECT_EQ(testing::internal::GetCapturedStdout(),
              "logits f32 [1, 2]\n     1  " + line + "\n");
    TextSummary summary(program);
    ASSERT_EQ(summary.open(0, all), TQ_OK);
    TextRow row = {};
    row.data = reinterpret_cast<const uint8_t *>(logits);
    summary.take(row);
    const char *text = "a";
    const size_t bytes = 1;
    testing::internal::CaptureStdout();
    summary.print(&text, &bytes);
    EXPECT_EQ(testing::internal::GetCapturedStdout(),
              "     1  " + line + "  \"a\"\n");
  };
  expectScores(TQ_SCORES_SOFTMAX, "POSITIVE 0.8520");
  expectScores(TQ_SCORES_SIGMOID, "NEGATIVE 0.3775, POSITIVE 0.7773");
  expectScores(TQ_SCORES_NONE, "NEGATIVE -0.5000, POSITIVE 1.2500");
  tq_program_tensor single = {"logits", TQ_PROGRAM_F32, 2, {-1, 1}, 0, 0, 0};
  entryOf(program).outputs = &single;
  program.num_labels = 1;
  logits[0] = 1.25f;
  all.dims[1] = 1;
  testing::internal::CaptureStdout();
  program.label_scores = TQ_SCORES_SIGMOID;
  printTensors(program, &all);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "logits f32 [1, 1]\n     1  NEGATIVE 0.7773\n");
  program = makeClassifier();
  program.label_scores = 3;
  expectError(4, "damaged description of the labels", {"ab"});
}

TEST_F(CliTest, SummariesOfManyTextsKeepTheirOrder) {
  std::string lines, text;
  for (int i = 0; i < 200; ++i) {
    text = i % 7 ? std::string(1 + i % 50, 'x') : "";
    for (int w = 0; w < i % 3; ++w)
      text += " yy";
    lines += text + "\n";
  }
  EXPECT_EQ(run({"--text", write("in.txt", lines), "--batch", "3"}), 0) << err;
  std::string all = out;
  EXPECT_TRUE(contains(all, "printed for up to 32 texts"));
  // Each line is what its text gives alone.
  std::istringstream source(lines), printed(all);
  std::string line;
  for (int i = 0; std::getline(source, text); ++i) {
    ASSERT_TRUE(std::getline(printed, line));
    EXPECT_EQ(std::stoi(line), i + 1);
    if (i % 20)
      continue;
    EXPECT_EQ(run({"--", text}), 0);
    EXPECT_EQ(out.substr(6), line.substr(6) + "\n");
  }
}

TEST_F(CliTest, SummariesTakeAFewNumbersOfAText) {
  // All rows together are larger than the address space.
  tq_program_tensor wide = {
      "embedding", TQ_PROGRAM_F32, 2, {-1, int64_t(1) << 55}, 0, 0, 0};
  entryOf(program).outputs = &wide;
  tq_tensor all = {nullptr, {1 << 16, int64_t(1) << 55}, 2, TQ_F32};
  TextSummary summary(program);
  EXPECT_EQ(summary.open(0, all), TQ_OK) << tq_last_message();
  // With a few texts whole rows are compared.
  all.dims[0] = 2;
  TextSummary compared(program);
  EXPECT_EQ(compared.open(0, all), TQ_ERROR_RESOURCE);
  wide.dtype = TQ_PROGRAM_I32;
  EXPECT_EQ(summary.open(0, all), TQ_ERROR_USAGE);
}

TEST_F(CliTest, SummariesOfNarrowOutputsEndWithTheText) {
  // Without special tokens a text of one word is one token of two values.
  setTokenizer(program, "bare");
  tq_program_tensor outputs[2] = {entryOf(program).outputs[1],
                                  entryOf(program).outputs[0]};
  outputs[0].name = "states";
  entryOf(program).outputs = outputs;
  entryOf(program).num_outputs = 1;
  TextSummary summary(program);
  tq_tensor all = {nullptr, {2, 3, 2}, 3, TQ_F32};
  ASSERT_EQ(summary.open(0, all), TQ_OK);
  const float data[] = {1, -1, 9, 9, 9, 9, 2, -2, 3, -3, 4, -4};
  TextRow row = {};
  row.perToken = true;
  row.padded = 3;
  row.outer = 1;
  row.inner = 2 * sizeof(float);
  row.data = reinterpret_cast<const uint8_t *>(data);
  row.text = 1;
  row.length = 1;
  summary.take(row);
  row.data += 3 * row.inner;
  row.text = 0;
  row.length = 3;
  summary.take(row);
  const char *texts[] = {"a b c", "d"};
  const size_t bytes[] = {5, 1};
  testing::internal::CaptureStdout();
  summary.print(texts, bytes);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "     1  states of 3 tokens [2.0000, -2.0000, 3.0000, -3.0000, "
            "...]  \"a b c\"\n"
            "     2  states of 1 tokens [1.0000, -1.0000]  \"d\"\n");
}

TEST_F(CliTest, ErrorsNameTheTextBeforeAnythingRuns) {
  expectError(2, "text 2: expected token ids from 0 to 99, found 100",
              {"--output", "embedding=" + file("e.npy"), "the", "zebra",
               "one two three"});
  EXPECT_EQ(out, "");
  setTokenizer(program, "bare");
  expectError(2, "text 2: expected at least one token, found none",
              {"--output", "embedding=" + file("e.npy"), "--text",
               write("in.txt", "a\n\nb\n")});
  EXPECT_EQ(filesInFolder(), 1u);
}

TEST_F(CliTest, ProgressNeedsATerminalThatErases) {
  int watched = posix_openpt(O_RDWR | O_NOCTTY);
  if (watched < 0)
    GTEST_SKIP() << "no terminals here";
  const char *before = getenv("TERM");
  std::string old = before ? before : "";
  setenv("TERM", "xterm", 1);
  EXPECT_TRUE(canShowProgress(watched));
  int null = open("/dev/null", O_WRONLY);
  EXPECT_FALSE(canShowProgress(null));
  for (const char *term : {"dumb", ""}) {
    setenv("TERM", term, 1);
    EXPECT_FALSE(canShowProgress(watched)) << term;
  }
  unsetenv("TERM");
  EXPECT_FALSE(canShowProgress(watched));
  if (before)
    setenv("TERM", old.c_str(), 1);
  close(null);
  close(watched);
}

TEST_F(CliTest, ControlCharactersAreNotPrinted) {
  EXPECT_EQ(run({std::string("a\033[2Jb\xff\xc3\xa9\xc2\x9b") + "c"}), 0);
  EXPECT_TRUE(contains(out, "\"a?[2Jb?\xc3\xa9?c\"")) << out;
}

TEST_F(CliTest, TextFilesGiveArrays) {
  std::string texts = write("in.txt", "one two\r\n\nthree\nfour five six");
  std::vector<float> first, states;
  for (const char *batch : {"1", "2", "100"}) {
    EXPECT_EQ(run({"--text", texts, "--batch", batch, "--output",
                   "embedding=" + file("e.npy"), "--output",
                   "last_hidden_state=" + file("s.npy")}),
              0)
        << err;
    EXPECT_EQ(out, "");
    Array embedding = readArray("e.npy"), hidden = readArray("s.npy");
    EXPECT_EQ(embedding.tensor.dims[0], 4);
    EXPECT_EQ(hidden.tensor.rank, 3);
    EXPECT_EQ(hidden.tensor.dims[1], 5);
    if (first.empty()) {
      first = embedding.values;
      states = hidden.values;
    }
    EXPECT_EQ(embedding.values, first);
    EXPECT_EQ(hidden.values, states);
  }
  EXPECT_EQ(filesInFolder(), 3u);
  // The second text is empty: only the special tokens.
  EXPECT_EQ(states[10], 1);
  EXPECT_EQ(states[12], 2);
  EXPECT_EQ(states[14], 0);
}

TEST_F(CliTest, LongLinesAreCutWithANote) {
  std::string line;
  while (line.size() < 10000000)
    line += "word ";
  EXPECT_EQ(run({"--text", write("long.txt", "a\n" + line + "\n")}), 0);
  EXPECT_EQ(err, "note: 1 of 2 texts had more than 12 tokens and was cut (the "
                 "first is number 2)\n");
}

TEST_F(CliTest, BadTexts) {
  expectError(2, "No such file", {"--text", file("missing.txt")});
  expectError(2, "Is a directory", {"--text", folder});
  expectError(2, "expected at least one line", {"--text", write("empty", "")});
  expectError(2, "No such file or directory",
              {"--output", "embedding=" + file("no/e.npy"), "word"});
  expectError(2, "Is a directory", {"--output", "embedding=" + folder, "word"});
  EXPECT_EQ(run({"--text", write("nul", std::string("a\0b\n\xff\xfe\n", 7))}),
            0);
  EXPECT_EQ(filesInFolder(), 2u);
  program.tokenizer = nullptr;
  program.tokenizer_note = "its tokenizer is byte-level BPE";
  expectError(1, "byte-level BPE", {"word"});
  expectError(1, "byte-level BPE", {"--text", file("missing.txt")});
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

TEST_F(CliTest, TensorsInAndOut) {
  std::string ids = writeTensor("ids.npy", {1, 2, 3, 4, 5, 6}, {2, 3});
  std::string mask = writeTensor("mask.npy", {1, 1, 1, 1, 0, 0}, {2, 3});
  EXPECT_EQ(
      run({"--input", "input_ids=" + ids, "--input", "attention_mask=" + mask,
           "--output", "embedding=" + file("e.npy"), "--threads=2"}),
      0)
      << err;
  Array embedding = readArray("e.npy");
  EXPECT_EQ(embedding.tensor.dims[0], 2);
  const int64_t values[] = {4, 5, 6}, valid[] = {1, 0, 0}, zeros[3] = {};
  EXPECT_EQ(embedding.values[width + 1],
            expectedEmbedding(values, valid, zeros, 3, 1));
  EXPECT_EQ(run({"--input", "input_ids=" + ids}), 0);
  EXPECT_TRUE(contains(out, "embedding f32 [2, 4]")) << out;
  EXPECT_TRUE(contains(out, "last_hidden_state f32 [2, 3, 2]"));
}

TEST_F(CliTest, BadTensors) {
  auto input = [](const std::string &path) {
    return std::vector<std::string>{"--input", "input_ids=" + path};
  };
  expectError(2, "No such file", input(file("missing.npy")));
  expectError(2, "expected an npy file", input(write("x.npy", "no array")));
  expectError(2, "expected rank 2, found rank 1",
              input(writeTensor("rank.npy", {1}, {1})));
  expectError(2, "expected values from 0 to 99, found 100 at [0, 1]",
              input(writeTensor("id.npy", {1, 100}, {1, 2})));
  expectError(
      2, "expected a sequence of 1 to 16",
      input(writeTensor("long.npy", std::vector<int64_t>(17, 1), {1, 17})));
  expectError(2, "expected a batch of at least 1",
              input(writeTensor("none.npy", {}, {0, 2})));
  expectError(2, "input 'input_ids' is missing",
              {"--input", "attention_mask=" + file("id.npy")});
  // Nothing is written when the run fails.
  std::vector<std::string> arguments = input(file("id.npy"));
  arguments.insert(arguments.end(), {"--output", "embedding=" + file("e.npy")});
  expectError(2, "expected values", arguments);
  EXPECT_FALSE(std::filesystem::exists(file("e.npy")));
}

TEST_F(CliTest, OneBadOutputLeavesNone) {
  std::string ids = writeTensor("ids.npy", {1}, {1, 1});
  expectError(2, "cannot write",
              {"--input", "input_ids=" + ids, "--output",
               "embedding=" + file("e.npy"), "--output",
               "last_hidden_state=" + file("no/s.npy")});
  expectError(2, "No space left",
              {"--input", "input_ids=" + ids, "--output",
               "embedding=" + file("e.npy"), "--output",
               "last_hidden_state=/dev/full"});
  EXPECT_EQ(filesInFolder(), 1u);
}

//===----------------------------------------------------------------------===//
// The other commands
//===----------------------------------------------------------------------===//

TEST_F(CliTest, Describe) {
  EXPECT_EQ(run({"--describe"}), 0);
  for (const char *part :
       {"tiny", "64*batch*sequence", "input_ids: i64 [batch, sequence]",
        "ones if left out", "int8 dynamic", "encoder.states"})
    EXPECT_TRUE(contains(out, part)) << part << "\n" << out;
  EXPECT_EQ(run({"--describe", "--json"}), 0);
  for (const char *part :
       {"\"model\": \"tiny\"", "\"shape\": [\"batch\", \"sequence\"]",
        "\"weights_bytes\": 16", "\"reason\": \"\\u0022quoted\\u0022 reason\"",
        "\"calls\": 1", "\"max\": 16", "\"selftest\": true",
        "\"label_scores\": \"none\""})
    EXPECT_TRUE(contains(out, part)) << part << "\n" << out;
  tq_program whole = program;
  program = makeClassifier();
  program.label_scores = TQ_SCORES_SIGMOID;
  EXPECT_EQ(run({"--describe"}), 0);
  EXPECT_TRUE(contains(out, "NEGATIVE POSITIVE\nscores   sigmoid\n")) << out;
  EXPECT_EQ(run({"--describe", "--json"}), 0);
  EXPECT_TRUE(contains(out, "\"label_scores\": \"sigmoid\"")) << out;
  program = whole;
  // It can be asked on any machine.
  tq_program_target target = program.targets[0];
  target.required_features = "avx1024";
  program.targets = &target;
  EXPECT_EQ(run({"--describe"}), 0);
  expectError(4, "this CPU lacks avx1024", {"word"});
}

TEST_F(CliTest, Prompts) {
  static const tq_program_prompt prompts[] = {{"doc", ""}, {"query", "a \n: "}};
  EXPECT_EQ(run({"--describe", "--json"}), 0);
  EXPECT_NE(out.find("\"prompts\": {},\n  \"default_prompt\": null,"),
            std::string::npos);
  EXPECT_EQ(run({"--prompt", "", "text"}), 0) << err;
  std::string bare = out;
  expectError(1, "this model has none, found 'doc'", {"--prompt=doc", "text"});

  program.prompts = prompts;
  program.num_prompts = 2;
  program.default_prompt = 2;
  EXPECT_EQ(run({"text"}), 0) << err;
  std::string prompted = out;
  EXPECT_NE(prompted, bare);
  EXPECT_EQ(run({"--prompt=", "text"}), 0) << err;
  EXPECT_EQ(out, bare);
  EXPECT_EQ(run({"--prompt", "doc", "text"}), 0) << err;
  EXPECT_EQ(out, bare);
  EXPECT_EQ(run({"--prompt", "query", "text"}), 0) << err;
  EXPECT_EQ(out, prompted);
  expectError(1, "one of 2 prompts, as 'doc', found 'dog'",
              {"--prompt=dog", "text"});
  expectError(1, "--prompt is given twice",
              {"--prompt=doc", "--prompt=doc", "text"});
  expectError(1, "--prompt is for texts", {"--prompt=doc", "--input=a=b"});
  expectError(1, "no --prompt", {"--prompt=doc", "--describe"});

  EXPECT_EQ(run({"--describe"}), 0);
  EXPECT_NE(out.find("prompt   doc: \"\"\n"
                     "prompt   query: \"a \\u000a: \", the default\n"),
            std::string::npos)
      << out;
  EXPECT_EQ(run({"--describe", "--json"}), 0);
  EXPECT_NE(out.find("\"prompts\": {\"doc\": \"\", \"query\": "
                     "\"a \\u000a: \"},\n  \"default_prompt\": \"query\","),
            std::string::npos)
      << out;
}

TEST_F(CliTest, Benchmark) {
  EXPECT_EQ(run({"--benchmark", "--seconds", "0.01", "--json", "--shape",
                 "input_ids=3x7", "--threads", "2"}),
            0)
      << err;
  for (const char *part :
       {"{\"shape\": \"3x7\", \"threads\": 2, ", "\"latency_ms\": {\"mean\": ",
        "\"p50\": ", "\"p90\": ", "\"p99\": ", "\"min\": ",
        "\"items_per_second\": ", "\"peak_rss_bytes\": ", "\"arena_bytes\": ",
        "\"first_answer_ms\": ", "\"attention_mask\": [3, 7]"})
    EXPECT_TRUE(contains(out, part)) << part << "\n" << out;
  EXPECT_EQ(run({"--benchmark", "--seconds", "0.01"}), 0);
  EXPECT_TRUE(contains(out, "shape        1x16")) << out; // the longest
  expectError(1, "expected 2 sizes such as 1x128, found '3'",
              {"--benchmark", "--shape", "input_ids=3"});
  for (const char *bad : {"0x1", "ax1", "1x", "1x1x1", "-1x2", "99999999999x1"})
    expectError(1, "expected 2 sizes",
                {"--benchmark", "--shape", std::string("input_ids=") + bad});
  expectError(1, "there is no input 'ids'",
              {"--benchmark", "--shape", "ids=1x1"});
  expectError(1, "expected 3 in dimension 0, found 2",
              {"--benchmark", "--shape", "input_ids=3x1", "--shape",
               "attention_mask=2x1"});
  expectError(2, "expected a sequence of 1 to 16",
              {"--benchmark", "--shape", "input_ids=1x17"});
}

TEST_F(CliTest, Profile) {
  EXPECT_EQ(run({"--profile", file("t.json"), "one", "two words"}), 0) << err;
  std::string trace = read(file("t.json"));
  for (const char *part : {"\"traceEvents\"", "\"name\": \"embed\"",
                           "\"layer\": \"encoder.embed\"", "\"ph\": \"X\"",
                           "\"shape\": [2, 4]", "\"ops\": ", "\"gbps\": "})
    EXPECT_TRUE(contains(trace, part)) << part << "\n" << trace;
  EXPECT_TRUE(contains(err, "states")) << err;
  EXPECT_TRUE(contains(err, "all, in 1 runs"));
  EXPECT_TRUE(contains(out, "embedding"));
  EXPECT_EQ(run({"--profile", file("t.json"), "--shape", "input_ids=2x5"}), 0);
  EXPECT_TRUE(contains(read(file("t.json")), "\"shape\": [2, 5]"));
  EXPECT_EQ(run({"--profile", file("t.json"), "--benchmark", "--seconds=0.01"}),
            0);
  expectError(2, "cannot write", {"--profile", file("no/t.json"), "one"});
  EXPECT_EQ(filesInFolder(), 1u);
}

TEST_F(CliTest, SelfTest) {
  EXPECT_EQ(run({"--selftest", "--threads", "3"}), 0) << err;
  EXPECT_TRUE(contains(out, "self-test passed: 2 outputs, 20 values, the same "
                            "bits with 1 and 3 threads"))
      << out;
  std::vector<uint8_t> golden(program.golden,
                              program.golden + program.golden_bytes);
  program.golden = golden.data();
  // The embedding's values lie after three inputs and the dims of the output.
  golden[3 * (16 + 48) + 16 + 4 * 5] ^= 1;
  expectError(3,
              "self-test with 1 threads: output 'embedding' at [1, 1]: "
              "expected",
              {"--selftest"});
  std::swap(golden[3 * (16 + 48)], golden[3 * (16 + 48) + 8]);
  expectError(3, "expected output 'embedding' of [4, 2], found [2, 4]",
              {"--selftest"});
  program.golden = nullptr;
  expectError(1, "no self-test was stored", {"--selftest"});
}

TEST_F(CliTest, DamagedSelfTest) {
  for (uint64_t bytes = 0; bytes < program.golden_bytes; bytes += 8) {
    tq_program whole = makeProgram();
    program.golden_bytes = bytes;
    expectError(3, "the stored self-test ends within", {"--selftest"});
    program = whole;
    if (bytes > 64)
      break;
  }
}

//===----------------------------------------------------------------------===//
// The executable
//===----------------------------------------------------------------------===//

namespace {
int spawn(const std::string &arguments) {
  int status = system(("'" TQ_TEST_PROGRAM "' " + arguments).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
} // namespace

TEST_F(CliTest, LinkedProgramAnswers) {
  EXPECT_EQ(spawn("--selftest >" + file("out")), 0);
  EXPECT_TRUE(contains(read(file("out")), "self-test passed"));
  EXPECT_EQ(spawn("--nonsense 2>" + file("err")), 1);
  EXPECT_EQ(spawn("--text - --output embedding=" + file("e.npy") + " <" +
                  write("in", "one\ntwo\n")),
            0);
  EXPECT_EQ(readArray("e.npy").tensor.dims[0], 2);
  EXPECT_EQ(spawn("a b c >/dev/full 2>" + file("err")), 2);
  EXPECT_TRUE(contains(read(file("err")), "cannot write standard output"));
}
