//===- Cores.cpp - Cores that this process may use ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A container is mostly given a part of the machine's time, not of its cores:
// more threads than that are all stopped for the rest of each period. A quota
// holds for a group and those below it, so all groups on the way to the root
// count. There are two versions of control groups, and a system may mount both:
//
//     version 2: cpu.max, "QUOTA PERIOD" or "max PERIOD"
//     version 1: cpu.cfs_quota_us, -1 for none, and cpu.cfs_period_us
//
//===----------------------------------------------------------------------===//

#include "Device/Cores.h"
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace tq::rt {

namespace {
using Text = char[PATH_MAX];

/// The lines of a file; none if it cannot be opened.
class Lines {
public:
  Lines(const char *folder, const char *name) : file(nullptr) {
    Text path;
    if (size_t(snprintf(path, sizeof(path), "%s%s", folder, name)) <
        sizeof(path))
      file = fopen(path, "re");
  }
  ~Lines() {
    if (file)
      fclose(file);
  }
  Lines(const Lines &) = delete;
  Lines &operator=(const Lines &) = delete;

  /// The next line that fits, without its end; longer ones are left out.
  bool next(Text &line) {
    for (bool isWhole = true; file && fgets(line, sizeof(line), file);) {
      size_t length = strlen(line);
      bool ends = length && line[length - 1] == '\n';
      if (isWhole && (ends || feof(file))) {
        line[length - ends] = 0;
        return true;
      }
      isWhole = ends;
    }
    return false;
  }

private:
  FILE *file;
};

/// Where the groups of one version are, and which of them is ours.
struct Hierarchy {
  bool isSecond;
  Text mount;
  Text root; // the group that is mounted there
  Text group;
};
} // namespace

/// Whether `word` is in a list with commas.
static bool contains(const char *list, const char *word) {
  size_t length = strlen(word);
  while (list) {
    if (strncmp(list, word, length) == 0 &&
        (list[length] == ',' || list[length] == 0))
      return true;
    list = strchr(list, ',');
    list += list != nullptr;
  }
  return false;
}

/// Copies a field of mountinfo, which writes spaces and the like as \040.
static void unescape(const char *from, Text &to) {
  char *place = to;
  auto isOctal = [](char c) { return c >= '0' && c <= '7'; };
  while (*from) {
    if (from[0] == '\\' && isOctal(from[1]) && isOctal(from[2]) &&
        isOctal(from[3])) {
      *place++ =
          char((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
      from += 4;
    } else {
      *place++ = *from++;
    }
  }
  *place = 0;
}

/// Reads a line of mountinfo,
///
///     ID PARENT DEVICE ROOT MOUNT OPTIONS [MORE...] - TYPE SOURCE OPTIONS
///
/// and says whether it is of groups that may limit CPU time.
static bool parseMount(char *line, Hierarchy &hierarchy) {
  enum { Root = 3, Mount = 4, Fields = 6 };
  char *separator = strstr(line, " - "), *rest = nullptr;
  if (!separator)
    return false;
  *separator = 0;
  const char *type = strtok_r(separator + 3, " ", &rest);
  const char *source = strtok_r(nullptr, " ", &rest);
  const char *options = strtok_r(nullptr, " ", &rest);
  if (!type || !source || !options)
    return false;
  hierarchy.isSecond = strcmp(type, "cgroup2") == 0;
  if (!hierarchy.isSecond &&
      !(strcmp(type, "cgroup") == 0 && contains(options, "cpu")))
    return false;
  const char *fields[Fields];
  for (int i = 0; i < Fields; ++i) {
    fields[i] = strtok_r(i ? nullptr : line, " ", &rest);
    if (!fields[i])
      return false;
  }
  unescape(fields[Root], hierarchy.root);
  unescape(fields[Mount], hierarchy.mount);
  return true;
}

/// Finds our group: "0::PATH", or "ID:CONTROLLERS:PATH" in version 1.
static bool findGroup(const char *root, Hierarchy &hierarchy) {
  Lines lines(root, "/proc/self/cgroup");
  for (Text line; lines.next(line);) {
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : nullptr;
    if (!path)
      continue;
    *controllers++ = *path++ = 0;
    if (hierarchy.isSecond ? strcmp(line, "0") == 0 && !*controllers
                           : contains(controllers, "cpu")) {
      memcpy(hierarchy.group, path, strlen(path) + 1);
      return true;
    }
  }
  return false;
}

/// The part of our group's path below the mounted one; empty if the group is
/// outside of what is mounted.
static const char *pathInMount(const Hierarchy &hierarchy) {
  const char *path = hierarchy.group;
  size_t length = strlen(hierarchy.root);
  if (strcmp(hierarchy.root, "/") != 0) {
    if (strncmp(path, hierarchy.root, length) != 0)
      return "";
    path += length;
  }
  bool isBelow = path[0] == '/' && path[1] != 0;
  return isBelow && !strstr(path, "/..") ? path : "";
}

/// Reads a positive number and moves past it.
static bool parseNumber(const char *&text, int64_t &number) {
  if (*text < '0' || *text > '9')
    return false;
  char *end;
  errno = 0;
  number = strtoll(text, &end, 10);
  text = end;
  return errno == 0 && number > 0;
}

static bool readNumber(const char *folder, const char *name, int64_t &number) {
  Text line;
  const char *text = line;
  return Lines(folder, name).next(line) && parseNumber(text, number) && !*text;
}

/// Quota and period of one group, in microseconds; false: it has no limit.
static bool readQuota(const Hierarchy &hierarchy, const char *folder,
                      int64_t &quota, int64_t &period) {
  if (!hierarchy.isSecond)
    return readNumber(folder, "/cpu.cfs_quota_us", quota) &&
           readNumber(folder, "/cpu.cfs_period_us", period);
  Text line;
  const char *text = line;
  return Lines(folder, "/cpu.max").next(line) && parseNumber(text, quota) &&
         *text++ == ' ' && parseNumber(text, period) && !*text;
}

/// The least of a group's cores and those of the groups above it.
static int64_t coresOfGroup(const char *root, const Hierarchy &hierarchy) {
  int64_t cores = INT64_MAX, quota, period;
  Text folder;
  size_t top = strlen(root) + strlen(hierarchy.mount);
  if (size_t(snprintf(folder, sizeof(folder), "%s%s%s", root, hierarchy.mount,
                      pathInMount(hierarchy))) >= sizeof(folder))
    return cores;
  for (;;) {
    if (readQuota(hierarchy, folder, quota, period)) {
      int64_t rounded = quota / period + (quota % period != 0);
      cores = rounded < cores ? rounded : cores;
    }
    char *last = strrchr(folder, '/');
    if (!last || size_t(last - folder) < top)
      return cores;
    *last = 0;
  }
}

int64_t coresOfQuota(const char *root) {
  int64_t cores = INT64_MAX;
  Lines mounts(root, "/proc/self/mountinfo");
  for (Text line; mounts.next(line);) {
    Hierarchy hierarchy;
    if (!parseMount(line, hierarchy) || !findGroup(root, hierarchy))
      continue;
    int64_t found = coresOfGroup(root, hierarchy);
    cores = found < cores ? found : cores;
  }
  return cores;
}

int32_t availableCores() {
  cpu_set_t set;
  int64_t count = 0;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    count = CPU_COUNT(&set);
  else
    count = sysconf(_SC_NPROCESSORS_ONLN); // more cores than the set has bits
  int64_t quota = coresOfQuota("");
  count = quota < count ? quota : count;
  return count < 1 ? 1 : count > maxThreads ? maxThreads : int32_t(count);
}

} // namespace tq::rt
