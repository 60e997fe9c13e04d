# Helpers shared by the folders of the project.

# Debian builds LLVM without RTTI and exceptions; everything that links it must agree.
add_compile_options(
  $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti> $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
# Numerics are law: a*b+c is contracted only where fma is written.
add_compile_options(-ffp-contract=off)
add_compile_options(-Wall -Wextra -Wno-unused-parameter -fdiagnostics-color)
if(TQ_WERROR)
  add_compile_options(-Werror)
endif()
if(TQ_SANITIZE)
  add_compile_options(-fsanitize=${TQ_SANITIZE} -fno-sanitize-recover=all
                      -fno-sanitize=vptr,function -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${TQ_SANITIZE})
  # For executables that link LLVM.
  set(TQ_SANITIZER_OPTIONS ${PROJECT_SOURCE_DIR}/cmake/SanitizerOptions.cpp)
endif()

# The headers that libraries with MLIR_LIBS share. Without a time in it ccache takes equal
# ones for equal, where CCACHE_SLOPPINESS allows it (tools/dev/lib.sh).
add_library(TQPrecompiledMLIR STATIC cmake/PrecompiledMLIR.cpp)
target_include_directories(TQPrecompiledMLIR SYSTEM PRIVATE
  ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_compile_options(TQPrecompiledMLIR PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
target_precompile_headers(TQPrecompiledMLIR PRIVATE cmake/PrecompiledMLIR.h)

# tq_link_mlir(TARGET SCOPE libs...): the one libMLIR, in place of MLIR's libraries, and
# the one libLLVM; or the archives of both.
function(tq_link_mlir target scope)
  if(TQ_STATIC_LLVM)
    target_link_libraries(${target} ${scope} TQStaticLLVM)
  else()
    mlir_target_link_libraries(${target} ${scope} ${ARGN})
    target_link_libraries(${target} ${scope} LLVM)
  endif()
endfunction()

# tq_add_library(NAME sources... [LINK_LIBS libs...] [MLIR_LIBS libs...] [DEPENDS targets...])
# A static library of the compiler. MLIR_LIBS resolve to the one libMLIR,
# and bring the one libLLVM with them.
function(tq_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS;MLIR_LIBS;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
  if(ARG_MLIR_LIBS)
    target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
    tq_link_mlir(${name} PUBLIC ${ARG_MLIR_LIBS})
    add_dependencies(${name} tq-headers)
    target_precompile_headers(${name} REUSE_FROM TQPrecompiledMLIR)
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# tq_add_tool(NAME sources... [LINK_LIBS libs...] [MLIR_LIBS libs...]): an executable in bin/.
function(tq_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS;MLIR_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS} ${TQ_SANITIZER_OPTIONS})
  target_include_directories(${name} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  if(ARG_MLIR_LIBS)
    tq_link_mlir(${name} PRIVATE ${ARG_MLIR_LIBS})
  endif()
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# tq_add_doc(NAME tblgen-arguments...): reference documentation of LLVM_TARGET_DEFINITIONS,
# generated at build into docs/NAME.md of the build folder.
function(tq_add_doc name)
  tablegen(MLIR ${name}.md ${ARGN})
  set(doc ${PROJECT_BINARY_DIR}/docs/${name}.md)
  add_custom_command(OUTPUT ${doc}
    COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_CURRENT_BINARY_DIR}/${name}.md ${doc}
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.md)
  add_custom_target(tq-doc-${name} ALL DEPENDS ${doc})
endfunction()

# tq_add_dialect(PREFIX NAME [OPS] [INTERFACES attr|op]): what tblgen makes of a dialect,
# from PREFIXOps.td, or without OPS from PREFIXAttrs.td, and from PREFIXInterfaces.td.
function(tq_add_dialect prefix name)
  cmake_parse_arguments(ARG "OPS" "INTERFACES" "" ${ARGN})
  if(ARG_INTERFACES)
    set(LLVM_TARGET_DEFINITIONS ${prefix}Interfaces.td)
    mlir_tablegen(${prefix}Interfaces.h.inc -gen-${ARG_INTERFACES}-interface-decls)
    mlir_tablegen(${prefix}Interfaces.cpp.inc -gen-${ARG_INTERFACES}-interface-defs)
  endif()
  if(ARG_OPS)
    set(LLVM_TARGET_DEFINITIONS ${prefix}Ops.td)
    mlir_tablegen(${prefix}Ops.h.inc -gen-op-decls)
    mlir_tablegen(${prefix}Ops.cpp.inc -gen-op-defs)
  else()
    set(LLVM_TARGET_DEFINITIONS ${prefix}Attrs.td)
  endif()
  mlir_tablegen(${prefix}Dialect.h.inc -gen-dialect-decls -dialect=${name})
  mlir_tablegen(${prefix}Dialect.cpp.inc -gen-dialect-defs -dialect=${name})
  mlir_tablegen(${prefix}Enums.h.inc -gen-enum-decls)
  mlir_tablegen(${prefix}Enums.cpp.inc -gen-enum-defs)
  mlir_tablegen(${prefix}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${name})
  mlir_tablegen(${prefix}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${name})
  add_public_tablegen_target(TQ${prefix}IncGen)
  add_dependencies(tq-headers TQ${prefix}IncGen)
  tq_add_doc(${prefix}Dialect -gen-dialect-doc -dialect=${name})
endfunction()

# tq_add_unittest(NAME sources... [LINK_LIBS libs...]): a GoogleTest binary in bin/unit,
# run by `tools/dev/check` and by ctest.
function(tq_add_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS} ${TQ_SANITIZER_OPTIONS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} GTest::gtest GTest::gtest_main)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/unit)
  add_test(NAME ${name} COMMAND ${name})
  add_dependencies(tq-unit-tests ${name})
endfunction()
