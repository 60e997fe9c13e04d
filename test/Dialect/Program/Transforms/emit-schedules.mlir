// RUN: tq-opt %s -program-emit-schedules -split-input-file | FileCheck %s

// The entry describes; a module for the target has its functions. A kernel's arguments
// are words: a pointer and its dynamic size, a number, scratch and its bytes: 0 to 4,
// then the output's. Code that does not count its items runs as one, in the scratch of
// the thread.

// CHECK-LABEL: program.entry @main
// CHECK-SAME:    arenas ["64*n"]
// CHECK-NEXT:  module @target_0 attributes {llvm.target_triple = "x86_64-unknown-linux-gnu", program.target = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">} {
// CHECK-NOT:   program.schedule
// CHECK-NOT:   program.kernel
// CHECK:         func.func @main.plan(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i64
// CHECK:         func.func @main.run(
// CHECK-SAME:      %[[CONTEXT:[a-z0-9]+]]: !llvm.ptr
// CHECK:           %[[ONE:.*]] = arith.constant 1 : i64
// CHECK-NEXT:      %[[BODY:.*]] = constant @plain.body : (!llvm.ptr, i64, i64, i64) -> ()
// CHECK-NEXT:      %[[ADDRESS:.*]] = builtin.unrealized_conversion_cast %[[BODY]]
// CHECK-NEXT:      call @tq_parallel_for(%[[CONTEXT]], %[[ADDRESS]], %{{.*}}, %[[ONE]])
// CHECK:         func.func private @plain.body(
// CHECK-SAME:      %[[BLOCK:[a-z0-9]+]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %[[THREAD:.*]]: i64)
// CHECK:           llvm.getelementptr %[[BLOCK]][0]
// CHECK:           llvm.getelementptr %[[BLOCK]][1]
// CHECK:           %[[AT:.*]] = llvm.getelementptr %[[BLOCK]][2]
// CHECK:           %[[WORD:.*]] = llvm.load %[[AT]] : !llvm.ptr -> i64
// CHECK:           %[[NUMBER:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK:           %[[AT5:.*]] = llvm.getelementptr %[[BLOCK]][5]
// CHECK:           %[[BASE:.*]] = llvm.load %[[AT5]] : !llvm.ptr -> !llvm.ptr
// CHECK:           %[[AT6:.*]] = llvm.getelementptr %[[BLOCK]][6]
// CHECK:           %[[BYTES:.*]] = llvm.load %[[AT6]] : !llvm.ptr -> i64
// CHECK:           %[[OFFSET:.*]] = llvm.mul %[[THREAD]], %[[BYTES]]
// CHECK:           llvm.getelementptr %[[BASE]][%[[OFFSET]]] : (!llvm.ptr, i64) -> !llvm.ptr, i8
// CHECK:           call @plain.code(%{{.*}}, %[[NUMBER]], %{{.*}}, %{{.*}})
// CHECK:         func.func private @plain.code(%{{.*}}: memref<?x8xf32>, %{{.*}}: index, %{{.*}}: memref<?x8xf32>, %{{.*}}: memref<?xi8>)
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
program.entry @main : (tensor<?x8xf32>) -> tensor<?x8xf32>
  inputs [#program.port<"x", ["n", ""]>] outputs [#program.port<"y", ["n", ""]>]
program.schedule @main #avx2 arena "64*n" {
^bb0(%x: tensor<?x8xf32>):
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %y = program.call @plain(%x, %n, %e) scratch in slot 0
    : (tensor<?x8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  program.yield %y : tensor<?x8xf32>
}
program.kernel @plain {
func.func @plain(%x: tensor<?x8xf32>, %n: index, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %out : tensor<?x8xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x8xf32>, %n: index, %out: memref<?x8xf32>, %scratch: memref<?xi8>):
  program.yield
} workspace {
^bb0(%rows: index, %n: index, %outRows: index):
  %c64 = arith.constant 64 : index
  %0 = arith.muli %n, %c64 : index
  program.yield %0 : index
}
}
}

// -----

// With 32 rows for each thread in blocks, else each kernel shared by all threads, with
// as many items as its count says.
// CHECK-LABEL: program.entry @main
// CHECK:       func.func @main.run(
// CHECK:         %[[THREADS64:.*]] = call @tq_num_threads(
// CHECK:         %[[THREADS:.*]] = arith.index_cast %[[THREADS64]]
// CHECK:         %[[C32:.*]] = arith.constant 32 : index
// CHECK:         %[[LEAST:.*]] = arith.muli %[[THREADS]], %[[C32]]
// CHECK:         %[[MANY:.*]] = arith.cmpi uge, %{{.*}}, %[[LEAST]]
// CHECK:         scf.if %[[MANY]] {
// CHECK:           constant @tq_row_group_0
// CHECK:           call @tq_parallel_for(
// CHECK-NOT:       call @tq_kernel_begin(
// CHECK:         } else {
// CHECK-COUNT-2:   call @tq_kernel_begin(
// CHECK:         }
// CHECK-NOT:     call @tq_kernel_begin(
// CHECK:         return

// The code for rows goes through its blocks, each from the first row of the block.
// CHECK:       func.func @tq_row_group_0(
// CHECK-SAME:      %[[WORDS:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %[[THREAD:.*]]: i64)
// CHECK:         %[[FIRST:.*]] = arith.index_cast %[[BEGIN]]
// CHECK:         %[[LAST:.*]] = arith.index_cast %[[END]]
// CHECK:         scf.for %[[BLOCK:.*]] = %[[FIRST]] to %[[LAST]]
// CHECK:           %[[ROW:.*]] = arith.muli %[[BLOCK]],
// CHECK:           call @widen.body(%{{.*}}, %{{.*}}, %{{.*}}, %[[THREAD]])
// CHECK:           call @tq_kernel_end(
// CHECK:           call @narrow.body(
// CHECK-NOT:       call @widen.body(
// CHECK:         return
// CHECK:       func.func private @widen.body(
// CHECK-SAME:      %{{.*}}: !llvm.ptr, %[[B:.*]]: i64, %[[E:.*]]: i64, %{{.*}}: i64)
// CHECK-DAG:     %[[FROM:.*]] = arith.index_cast %[[B]]
// CHECK-DAG:     %[[TO:.*]] = arith.index_cast %[[E]]
// CHECK:         call @widen.code(%{{.*}}, %{{.*}}, %[[FROM]], %[[TO]])
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
program.entry @main : (tensor<?x16xf32>) -> tensor<?x16xf32>
  inputs [#program.port<"x", ["n", ""]>] outputs [#program.port<"y", ["n", ""]>]
program.schedule @main #avx2 {
^bb0(%x: tensor<?x16xf32>):
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %out = tensor.empty(%n) : tensor<?x16xf32>
  %y = program.rows block 256 unit 16 least 32 {
    %wide = program.buffer 0(%n) : tensor<?x32xf32>
    %0 = program.call @widen(%x, %wide) : (tensor<?x16xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    %1 = program.call @narrow(%0, %out) : (tensor<?x32xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
    program.yield %1 : tensor<?x16xf32>
  } : tensor<?x16xf32>
  program.yield %y : tensor<?x16xf32>
}
program.kernel @widen {
func.func @widen(%x: tensor<?x16xf32>, %out: tensor<?x32xf32>) -> tensor<?x32xf32> {
  return %out : tensor<?x32xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x16xf32>, %out: memref<?x32xf32>, %begin: index, %end: index):
  program.yield
} count {
^bb0(%n: index, %m: index):
  program.yield %n : index
}
}
program.kernel @narrow {
func.func @narrow(%x: tensor<?x32xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  return %out : tensor<?x16xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x32xf32>, %out: memref<?x16xf32>):
  program.yield
}
}
}

// -----

// States are inputs behind those of the caller: @cache is the second pointer, its
// dimensions are words 2 and 3 behind those of the input, @length is word 4. What @length
// is after the run stands behind the output's dimensions, and so does @other, which stays.

// CHECK-LABEL: program.state @cache
// CHECK:         func.func @main.plan(%[[IN:.*]]: !llvm.ptr, %{{.*}}: i64, %[[OUT:.*]]: !llvm.ptr) -> i64
// CHECK:           %[[AT0:.*]] = llvm.getelementptr %[[IN]][0]
// CHECK:           %[[WORD0:.*]] = llvm.load %[[AT0]]
// CHECK:           %[[ROWS:.*]] = arith.index_cast %[[WORD0]]
// CHECK:           %[[AT4:.*]] = llvm.getelementptr %[[IN]][4]
// CHECK:           %[[WORD4:.*]] = llvm.load %[[AT4]]
// CHECK:           %[[LENGTH:.*]] = arith.index_cast %[[WORD4]]
// CHECK:           %[[NOW:.*]] = arith.addi %[[LENGTH]], %[[ROWS]] : index
// CHECK:           %[[NEW:.*]] = arith.index_cast %[[NOW]] : index to i64
// CHECK:           %[[OUT2:.*]] = llvm.getelementptr %[[OUT]][2]
// CHECK:           llvm.store %[[NEW]], %[[OUT2]]
// CHECK:           %[[AT5:.*]] = llvm.getelementptr %[[IN]][5]
// CHECK:           %[[OTHER:.*]] = llvm.load %[[AT5]]
// CHECK:           %[[OUT3:.*]] = llvm.getelementptr %[[OUT]][3]
// CHECK:           llvm.store %[[OTHER]], %[[OUT3]]
// CHECK:         func.func @main.run(%{{[a-z0-9]+}}: !llvm.ptr, %[[INPUTS:[a-z0-9]+]]: !llvm.ptr, %[[DIMS:[a-z0-9]+]]: !llvm.ptr
// CHECK:           %[[AT2:.*]] = llvm.getelementptr %[[DIMS]][2]
// CHECK:           llvm.load %[[AT2]]
// CHECK:           %[[SECOND:.*]] = llvm.getelementptr %[[INPUTS]][1]
// CHECK:           %[[CACHE:.*]] = llvm.load %[[SECOND]] : !llvm.ptr -> !llvm.ptr
// CHECK:           %[[PLACE:.*]] = llvm.getelementptr %[[BLOCK:.*]][3]
// CHECK:           llvm.store %[[CACHE]], %[[PLACE]]
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
program.state @cache : tensor<?x8xf32> dims ["capacity", ""]
program.state @length : index
program.state @other : index
program.entry @main : (tensor<?x8xf32>) -> tensor<?x8xf32>
  inputs [#program.port<"x", ["n", ""]>] outputs [#program.port<"y", ["n", ""]>]
program.schedule @main #avx2 arena "0" {
^bb0(%x: tensor<?x8xf32>):
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %cache = program.get_state @cache : tensor<?x8xf32>
  %length = program.get_state @length : index
  %new = program.call @plain(%x, %length, %cache)
    : (tensor<?x8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  %now = arith.addi %length, %n : index
  program.set_state @cache, %new : tensor<?x8xf32>
  program.set_state @length, %now : index
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %y = program.call @plain(%x, %length, %e)
    : (tensor<?x8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  program.yield %y : tensor<?x8xf32>
}
program.kernel @plain {
func.func @plain(%x: tensor<?x8xf32>, %n: index, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %out : tensor<?x8xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x8xf32>, %n: index, %out: memref<?x8xf32>):
  program.yield
}
}
}
