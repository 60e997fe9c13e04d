//===- CoresTest.cpp - Tests of the cores a process may use ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device/Cores.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

using namespace tq::rt;
namespace fs = std::filesystem;

namespace {

/// A folder in place of the system's root.
class Quota : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cores-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override { fs::remove_all(root); }

  void write(const std::string &path, const std::string &text) {
    fs::path file = root.string() + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  /// Mounts version 2 at /sys/fs/cgroup.
  void mountSecond(const std::string &group, const std::string &top = "/") {
    write("/proc/self/cgroup", "0::" + group + "\n");
    write("/proc/self/mountinfo",
          "22 1 8:1 / / rw,relatime - ext4 /dev/root rw\n"
          "31 22 0:28 " +
              top +
              " /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n");
  }
  /// Mounts the controller of version 1 as most systems do.
  void mountFirst(const std::string &group, const std::string &top = "/") {
    write("/proc/self/cgroup", "9:name=systemd:/else\n3:cpuset:/else\n"
                               "2:cpu,cpuacct:" +
                                   group + "\n0::/else\n");
    write("/proc/self/mountinfo",
          "30 22 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
          "31 22 0:28 " +
              top +
              " /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
              "rw,cpu,cpuacct\n");
  }
  void limitFirst(const std::string &group, const std::string &quota,
                  const std::string &period) {
    std::string folder = "/sys/fs/cgroup/cpu,cpuacct" + group;
    write(folder + "/cpu.cfs_quota_us", quota);
    write(folder + "/cpu.cfs_period_us", period);
  }
  int64_t cores() const { return coresOfQuota(root.c_str()); }

  fs::path root;
};

constexpr int64_t unlimited = INT64_MAX;

} // namespace

TEST_F(Quota, OfTheSecondVersion) {
  mountSecond("/");
  const std::pair<const char *, int64_t> cases[] = {
      {"100000 100000\n", 1},     {"100001 100000\n", 2},
      {"150000 100000\n", 2},     {"1000 100000\n", 1},
      {"400000 50000\n", 8},      {"200000 100000", 2},
      {"max 100000\n", unlimited}};
  for (auto [text, expected] : cases) {
    write("/sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(cores(), expected) << text;
  }
}

TEST_F(Quota, OfTheFirstVersion) {
  mountFirst("/");
  limitFirst("", "250000\n", "100000\n");
  EXPECT_EQ(cores(), 3);
  limitFirst("", "-1\n", "100000\n");
  EXPECT_EQ(cores(), unlimited);
}

TEST_F(Quota, TheLeastOnTheWayToTheRootCounts) {
  mountSecond("/a/b b/c");
  write("/sys/fs/cgroup/a/b b/c/cpu.max", "max 100000\n");
  write("/sys/fs/cgroup/a/b b/cpu.max", "400000 100000\n");
  write("/sys/fs/cgroup/a/cpu.max", "800000 100000\n");
  EXPECT_EQ(cores(), 4);
  write("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(cores(), 3);
  write("/sys/fs/cgroup/a/b b/c/cpu.max", "100000 100000\n");
  EXPECT_EQ(cores(), 1);
  // Of other groups, and above the mount, nothing counts.
  write("/sys/fs/cgroup/a/other/cpu.max", "1 100000\n");
  write("/sys/fs/cpu.max", "1 100000\n");
  write("/cpu.max", "1 100000\n");
  write("/sys/fs/cgroup/a/b b/c/cpu.max", "200000 100000\n");
  EXPECT_EQ(cores(), 2);
}

TEST_F(Quota, TheFirstVersionNestsToo) {
  mountFirst("/user/job");
  limitFirst("/user/job", "-1\n", "100000\n");
  limitFirst("/user", "120000\n", "60000\n");
  EXPECT_EQ(cores(), 2);
}

TEST_F(Quota, OfAContainerThatSeesItsOwnGroupAsTheMount) {
  mountFirst("/docker/abc/inner", "/docker/abc");
  limitFirst("", "100000\n", "100000\n");
  limitFirst("/inner", "300000\n", "100000\n");
  EXPECT_EQ(cores(), 1);
  // A group beside the mounted one, by name or by path: the mount is all there
  // is to see.
  for (const char *group : {"/docker/abcd", "/../abc", "/docker/abc/../x"}) {
    mountFirst(group, "/docker/abc");
    limitFirst("", "200000\n", "100000\n");
    EXPECT_EQ(cores(), 2) << group;
  }
}

TEST_F(Quota, BothVersionsAtOnce) {
  write("/proc/self/cgroup", "4:cpu:/first\n0::/second\n");
  write("/proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "41 31 0:38 / /sys/fs/my\\040groups rw - cgroup2 cgroup2 rw\n");
  write("/sys/fs/cgroup/cpu/first/cpu.cfs_quota_us", "500000\n");
  write("/sys/fs/cgroup/cpu/first/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), 5);
  write("/sys/fs/my groups/second/cpu.max", "200000 100000\n");
  EXPECT_EQ(cores(), 2);
}

TEST_F(Quota, WhatIsNotThereSetsNoLimit) {
  EXPECT_EQ(cores(), unlimited); // an empty root
  EXPECT_EQ(coresOfQuota("/no/such/folder"), unlimited);
  EXPECT_EQ(coresOfQuota(std::string(10000, 'x').c_str()), unlimited);
  mountSecond("/a");
  EXPECT_EQ(cores(), unlimited);
  fs::remove(root / "proc/self/cgroup");
  write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(cores(), unlimited);
  mountFirst("/");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(cores(), unlimited); // a quota without a period
}

TEST_F(Quota, GarbageSetsNoLimit) {
  mountSecond("/");
  const std::string cases[] = {"",
                               "\n",
                               " ",
                               "max",
                               "100000",
                               "100000 ",
                               "100000 0\n",
                               "0 100000\n",
                               "-1 100000\n",
                               "100000 -1\n",
                               "100000\t100000\n",
                               "1e5 100000\n",
                               "100000 100000 7\n",
                               "99999999999999999999 100000\n",
                               "100000 99999999999999999999\n",
                               std::string("1\0 1\n", 5),
                               std::string(100000, '1'),
                               std::string(100000, ' ') + "1 1\n"};
  for (const std::string &text : cases) {
    write("/sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(cores(), unlimited) << text.substr(0, 40);
  }
  write("/sys/fs/cgroup/cpu.max", "9223372036854775807 1\n");
  EXPECT_EQ(cores(), INT64_MAX);
  write("/sys/fs/cgroup/cpu.max", "9223372036854775807 9223372036854775806\n");
  EXPECT_EQ(cores(), 2);
}

TEST_F(Quota, GarbageInTheTablesIsLeftOut) {
  mountSecond("/");
  write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  auto read = [&](const char *name) {
    std::ifstream file(root.string() + name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  std::string mounts = read("/proc/self/mountinfo");
  write("/proc/self/mountinfo",
        "\n - \n - cgroup2\n1 2 3 - cgroup2 cgroup2 rw\n"
        "31 22 0:28 / - cgroup2 cgroup2 rw\n" +
            std::string(20000, 'm') + " - cgroup2 cgroup2 rw\n" +
            std::string("\0\n", 2) + "31 22 0:28 \\04 \\ rw - cgroup2 x rw\n" +
            mounts);
  write("/proc/self/cgroup", "\n:\n::\n0:\n0:cpu\n" + std::string(20000, '0') +
                                 "::/\n" + read("/proc/self/cgroup"));
  EXPECT_EQ(cores(), 2);
}

TEST(Cores, AreKnown) {
  EXPECT_GE(availableCores(), 1);
  EXPECT_LE(availableCores(), maxThreads);
  EXPECT_LE(availableCores(), coresOfQuota(""));
}
