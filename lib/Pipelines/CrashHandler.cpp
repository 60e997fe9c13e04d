//===- CrashHandler.cpp - One line for every end --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CrashHandler.h"

#include "Report.h"

#include "tq/Support/Cleanup.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Compiler.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/thread.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if LLVM_ADDRESS_SANITIZER_BUILD
#include <sanitizer/common_interface_defs.h>
#endif

using namespace llvm;
using namespace tq;

/// Signals of errors in the program itself.
static constexpr int kCrashSignals[] = {SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
                                        SIGABRT, SIGTRAP, SIGSYS};

/// Signals from outside whose default is to end the process.
static constexpr int kEndSignals[] = {
    SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGPIPE, SIGALRM, SIGXCPU,
    SIGUSR1, SIGUSR2, SIGPROF, SIGVTALRM, SIGPOLL, SIGPWR,  SIGSTKFLT};

static constexpr int kInput = static_cast<int>(ExitCode::Input);
static constexpr int kUnsupported = static_cast<int>(ExitCode::Unsupported);

/// Bytes of the stack that handlers run on.
static constexpr size_t kHandlerStackBytes = 64 << 10;

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

namespace {
/// A report in memory of its own, ready to be written.
struct PreparedReport {
  char crash[4500];
  char noMemory[4500];
  char fatal[4500];
  int code;
};
} // namespace

static PreparedReport preparedReports[2];
static std::atomic<PreparedReport *> currentReport{&preparedReports[0]};

template <size_t N>
static void copyText(char (&to)[N], StringRef from) {
  size_t size = std::min(from.size(), N - 1);
  memcpy(to, from.data(), size);
  to[size] = 0;
}

void tq::setCrashReport(const CrashReport &report) {
  PreparedReport *free = currentReport == &preparedReports[0]
                             ? &preparedReports[1]
                             : &preparedReports[0];
  copyText(free->crash, oneLine(report.crash));
  copyText(free->noMemory, oneLine(report.noMemory));
  copyText(free->fatal, oneLine(report.fatal));
  free->code = static_cast<int>(report.code);
  currentReport = free;
}

//===----------------------------------------------------------------------===//
// Ends
//===----------------------------------------------------------------------===//

static void writeText(StringRef text) {
  while (!text.empty()) {
    ssize_t written = write(getErrorDescriptor(), text.data(), text.size());
    if (written <= 0)
      return;
    text = text.drop_front(size_t(written));
  }
}

static std::atomic<bool> isOver;
static thread_local bool endsHere;

/// Ends the process at once. Before a function that does not return, as _exit
/// is, a sanitizer looks for the end of the stack, and prints a warning where a
/// handler has one of its own.
static void leave(int code) { syscall(SYS_exit_group, code); }

/// The first thread that ends the process goes on, the others stop.
static void claimEnd(int code) {
  if (endsHere)
    leave(code); // the end itself went wrong
  if (isOver.exchange(true))
    for (;;)
      pause();
  endsHere = true;
}

/// Says why, in one line; the error of a parser is why it crashes afterwards.
static void tell(StringRef what, StringRef more = "", StringRef why = "") {
  if (hasPrintedError())
    return;
  writeText("error: ");
  writeText(what);
  writeText(more);
  writeText(why);
  writeText("\n");
}

static void endWith(const char *message, int code) {
  claimEnd(code);
  tell(message);
  cleanUp();
  leave(code);
}

/// Whether there is no memory left, not even for little things.
static bool isMemoryGone() {
  constexpr size_t bytes = 1 << 20;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return true;
  munmap(memory, bytes);
  return false;
}

/// Malformed input may ask for any number of bytes.
static void onNoMemory() {
  const PreparedReport *report = currentReport;
  if (report->code != kInput || isMemoryGone())
    endWith(report->noMemory, kUnsupported);
  claimEnd(report->code);
  tell(report->fatal, ": it asks for more memory than there is");
  cleanUp();
  leave(report->code);
}

/// A crash; libraries do not expect that there is no memory.
static void onTerminate() {
  const PreparedReport *report = currentReport;
  if (isMemoryGone())
    endWith(report->noMemory, kUnsupported);
  endWith(report->crash, report->code);
}

static void onFatalError(void *, const char *reason, bool) {
  const PreparedReport *report = currentReport;
  bool isThread = StringRef(reason).starts_with("pthread_create");
  int code = isThread ? kUnsupported : report->code;
  claimEnd(code);
  tell(isThread ? "LLVM" : report->fatal, ": ",
       StringRef(reason).split('\n').first);
  cleanUp();
  leave(code);
}

static void onBadAlloc(void *, const char *, bool) { onNoMemory(); }

//===----------------------------------------------------------------------===//
// Mapped files
//===----------------------------------------------------------------------===//

namespace {
/// Reads /proc/self/maps, line by line, without the heap.
class MapsReader {
public:
  MapsReader() : file(open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}

  /// The path of the file that is mapped at `address`; null if none is.
  const char *findFile(uintptr_t address);

private:
  bool nextLine();

  int file;
  char buffer[4096];
  size_t used = 0, size = 0;
  char line[8192];
};
} // namespace

bool MapsReader::nextLine() {
  size_t length = 0;
  for (;;) {
    if (used == size) {
      ssize_t bytes = read(file, buffer, sizeof buffer);
      if (bytes <= 0)
        return false;
      used = 0;
      size = size_t(bytes);
    }
    char c = buffer[used++];
    if (c == '\n')
      break;
    if (length + 1 < sizeof line)
      line[length++] = c;
  }
  line[length] = 0;
  return true;
}

static uintptr_t readHex(const char *&text) {
  uintptr_t value = 0;
  for (; isHexDigit(*text); ++text)
    value = value * 16 + hexDigitValue(*text);
  return value;
}

const char *MapsReader::findFile(uintptr_t address) {
  // 7f0000000000-7f0000001000 r--p 00000000 fd:01 1234      /path
  while (nextLine()) {
    const char *text = line;
    uintptr_t begin = readHex(text);
    if (*text++ != '-')
      continue;
    uintptr_t end = readHex(text);
    if (address >= begin && address < end)
      return strchr(text, '/');
  }
  return nullptr;
}

/// If the end of a mapped file has gone, ends the process and says so.
static void checkMappedFiles(int signal, const siginfo_t *info) {
  if (signal != SIGBUS || info->si_code != BUS_ADRERR)
    return;
  MapsReader reader;
  const char *path =
      reader.findFile(reinterpret_cast<uintptr_t>(info->si_addr));
  if (!path)
    return;
  claimEnd(kInput);
  tell(path, " became shorter while it was read, or the disk failed");
  cleanUp();
  leave(kInput);
}

//===----------------------------------------------------------------------===//
// Signals
//===----------------------------------------------------------------------===//

static struct sigaction earlierActions[NSIG];
static bool passesCrashesOn;

/// Leaves the crash to who handled it before, for half a minute: it prints a
/// stack, for which it may wait for a lock forever.
static void passOn(int signal) {
  sigaction(signal, &earlierActions[signal], nullptr);
  std::signal(SIGALRM, SIG_DFL);
  alarm(30);
  sigset_t unblocked;
  sigemptyset(&unblocked);
  sigaddset(&unblocked, signal);
  sigaddset(&unblocked, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);
  raise(signal);
}

static void onCrash(int signal, siginfo_t *info, void *) {
  checkMappedFiles(signal, info);
  const PreparedReport *report = currentReport;
  if (!passesCrashesOn)
    onTerminate();
  claimEnd(report->code);
  tell(report->crash);
  cleanUp();
  passOn(signal);
  leave(report->code);
}

static void onEndSignal(int signal) {
  claimEnd(128 + signal);
  cleanUp();
  std::signal(signal, SIG_DFL);
  sigset_t unblocked;
  sigemptyset(&unblocked);
  sigaddset(&unblocked, signal);
  pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);
  raise(signal);
}

static void installCrashHandler(int signal) {
  struct sigaction action = {};
  action.sa_sigaction = onCrash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigfillset(&action.sa_mask);
  sigaction(signal, &action, &earlierActions[signal]);
}

/// What the caller ignores stays ignored, as nohup wants it.
static void installEndHandler(int signal) {
  struct sigaction action = {};
  sigaction(signal, nullptr, &action);
  if (action.sa_handler == SIG_IGN)
    return;
  action = {};
  action.sa_handler = onEndSignal;
  action.sa_flags = SA_ONSTACK;
  sigfillset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

#if LLVM_ADDRESS_SANITIZER_BUILD
/// After the sanitizer's report, the line and the exit code of every build.
static void onSanitizerDeath() { onTerminate(); }
#endif

void tq::installCrashHandlers(bool verbose) {
  passesCrashesOn = verbose;
  install_fatal_error_handler(onFatalError);
  install_bad_alloc_error_handler(onBadAlloc);
  std::set_new_handler(onNoMemory);
  std::set_terminate(onTerminate);
#if LLVM_ADDRESS_SANITIZER_BUILD
  __sanitizer_set_death_callback(onSanitizerDeath);
#endif
  // A file that may not grow is an error of writing.
  std::signal(SIGXFSZ, SIG_IGN);
  for (int signal : kCrashSignals)
    installCrashHandler(signal);
  for (int signal : kEndSignals)
    installEndHandler(signal);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

namespace {
/// A stack for handlers in this thread, where its own may be full.
class HandlerStack {
public:
  HandlerStack();
  ~HandlerStack();

private:
  void *memory = MAP_FAILED;
};
} // namespace

HandlerStack::HandlerStack() {
  stack_t stack = {};
  if (sigaltstack(nullptr, &stack) != 0 || !(stack.ss_flags & SS_DISABLE))
    return; // a sanitizer's
  memory = mmap(nullptr, kHandlerStackBytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return;
  stack.ss_sp = memory;
  stack.ss_size = kHandlerStackBytes;
  stack.ss_flags = 0;
  sigaltstack(&stack, nullptr);
}

HandlerStack::~HandlerStack() {
  if (memory == MAP_FAILED)
    return;
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  munmap(memory, kHandlerStackBytes);
}

static void guardThread() {
  thread_local HandlerStack stack;
  (void)stack;
}

void tq::runOnLargeStack(function_ref<void()> body) {
  constexpr unsigned stackBytes = 256 << 20;
  llvm::thread thread(std::optional<unsigned>(stackBytes), [body] {
    guardThread();
    body();
  });
  thread.join();
}

void GuardedThreadPool::asyncEnqueue(unique_function<void()> task,
                                     ThreadPoolTaskGroup *group) {
  auto guarded = [task = std::move(task)]() mutable {
    guardThread();
    task();
  };
  if (group)
    pool.async(*group, std::move(guarded));
  else
    pool.async(std::move(guarded));
}
