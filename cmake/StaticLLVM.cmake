# TQStaticLLVM: LLVM, MLIR and lld as archives, for a tq-compile that needs nothing but
# libc. It needs the Debian packages liblld-22-dev, libzstd-dev and zlib1g-dev.
#
# The targets that MLIR and lld export bring libLLVM.so with them, so the archives are
# named as files: all of them, as lld takes what is needed, in whichever order they stand.

find_library(TQ_LLD_ELF NAMES liblldELF.a HINTS ${LLVM_LIBRARY_DIRS} REQUIRED)
find_library(TQ_ZLIB NAMES libz.a REQUIRED)
find_library(TQ_ZSTD NAMES libzstd.a REQUIRED)
file(GLOB archives ${LLVM_LIBRARY_DIRS}/libMLIR*.a ${LLVM_LIBRARY_DIRS}/libLLVM*.a)
list(FILTER archives EXCLUDE REGEX "/lib(MLIRCAPI|MLIR[A-Za-z]*Test|LLVMTestingSupport)")

# lld and MLIR name all targets of LLVM, and lld's link-time optimization Polly. Of what
# tq has no use for, nothing is linked if the functions are already there.
set(unused_targets ${LLVM_TARGETS_TO_BUILD})
list(REMOVE_ITEM unused_targets X86 AArch64)
list(TRANSFORM unused_targets REPLACE "(.+)" "TQ_UNUSED_TARGET(\\1)")
list(JOIN unused_targets "\n" unused_targets)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/UnusedTargets.def
     CONTENT "${unused_targets}\n")
add_library(TQUnusedLLVM OBJECT ${CMAKE_CURRENT_LIST_DIR}/UnusedLLVM.cpp)
target_include_directories(TQUnusedLLVM PRIVATE ${PROJECT_BINARY_DIR})
target_include_directories(TQUnusedLLVM SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})

add_library(TQStaticLLVM INTERFACE)
target_link_libraries(TQStaticLLVM INTERFACE
  $<TARGET_OBJECTS:TQUnusedLLVM> ${archives}
  ${TQ_LLD_ELF} ${LLVM_LIBRARY_DIRS}/liblldCommon.a ${TQ_ZLIB} ${TQ_ZSTD})
target_link_options(TQStaticLLVM INTERFACE
  -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,-s)

# What else programs are linked from, where there is no compiler: files of libc, and
# compiler-rt's builtins in place of libgcc. lib/Emit/LinkDirectly.cpp looks for them.
function(tq_install_crt name)
  cmake_parse_arguments(ARG "" "AS" "" ${ARGN})
  execute_process(COMMAND ${CMAKE_C_COMPILER} --rtlib=compiler-rt ${name}
    OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT EXISTS ${path})
    message(FATAL_ERROR "${name}: ${CMAKE_C_COMPILER} does not find it")
  endif()
  file(REAL_PATH ${path} path)
  get_filename_component(file_name ${path} NAME)
  if(ARG_AS)
    set(file_name ${ARG_AS})
  endif()
  install(FILES ${path} DESTINATION lib/tq/crt RENAME ${file_name} COMPONENT wheel)
endfunction()
foreach(file Scrt1.o crti.o crtn.o)
  tq_install_crt(-print-file-name=${file})
endforeach()
tq_install_crt(-print-libgcc-file-name AS libbuiltins.a)

# What may be done with all that is inside.
foreach(package llvm-22-dev libstdc++-12-dev libc6-dev libutf8proc-dev libzstd-dev zlib1g-dev)
  install(FILES /usr/share/doc/${package}/copyright DESTINATION lib/tq/licenses
    RENAME ${package} COMPONENT wheel)
endforeach()
