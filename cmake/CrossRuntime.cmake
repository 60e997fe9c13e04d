# The runtime for other architectures than this machine's: tq-compile --target links
# it from lib/TRIPLE. Built where Debian's cross compiler has put a C library and
# tools/dev/install has fetched utf8proc, see docs/Codegen.md, "Several CPUs".

set(TQ_SYSROOTS ${PROJECT_SOURCE_DIR}/build/sysroot CACHE PATH
    "Folder with usr/lib/TRIPLE/libutf8proc.a, in a folder for each TRIPLE")

# tq_compile_for(TRIPLE OBJECTS sources...): objects of the runtime for TRIPLE; appends
# their names to the variable OBJECTS.
function(tq_compile_for triple objects)
  set(flags --target=${triple} -std=c++20 -fPIC -fno-rtti -fno-exceptions
      -ffp-contract=off -Wall -Wextra -Wno-unused-parameter ${TQ_RUNTIME_OPTIONS}
      -DUTF8PROC_STATIC -I${PROJECT_SOURCE_DIR}/include
      -I${CMAKE_CURRENT_SOURCE_DIR} -isystem ${TQ_SYSROOTS}/${triple}/usr/include)
  if(TQ_WERROR)
    list(APPEND flags -Werror)
  endif()
  set(result ${${objects}})
  foreach(source ${ARGN})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${triple}/${source}.o)
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${CMAKE_CXX_COMPILER} ${flags} -MD -MF ${object}.d
              -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d VERBATIM
      COMMENT "Building ${source} for ${triple}")
    list(APPEND result ${object})
  endforeach()
  set(${objects} ${result} PARENT_SCOPE)
endfunction()

# tq_archive_for(TRIPLE NAME objects...): lib/TRIPLE/libNAME.a.
function(tq_archive_for triple name)
  set(archive ${PROJECT_BINARY_DIR}/lib/${triple}/lib${name}.a)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/lib/${triple})
  add_custom_command(OUTPUT ${archive}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} rcs ${archive} ${ARGN}
    DEPENDS ${ARGN} VERBATIM)
  add_custom_target(${name}-${triple} ALL DEPENDS ${archive})
  install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR}/tq/${triple})
endfunction()

# tq_add_cross_runtime(TRIPLE RUNTIME sources... MAIN sources...): libtq_runtime.a and
# libtq_main.a for TRIPLE, if this machine can compile for it.
function(tq_add_cross_runtime triple)
  cmake_parse_arguments(ARG "" "" "RUNTIME;MAIN" ${ARGN})
  set(libc /usr/${triple}/lib/libc.so)
  set(utf8proc ${TQ_SYSROOTS}/${triple}/usr/lib/${triple}/libutf8proc.a)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64" OR NOT EXISTS ${libc}
     OR NOT EXISTS ${utf8proc} OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(STATUS "No runtime for ${triple}: it needs clang, ${libc} and ${utf8proc}")
    return()
  endif()
  set(utf8proc_object ${CMAKE_CURRENT_BINARY_DIR}/${triple}/utf8proc.o)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${triple})
  add_custom_command(OUTPUT ${utf8proc_object}
    COMMAND ${CMAKE_AR} x ${utf8proc} utf8proc.o
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${triple}
    DEPENDS ${utf8proc} VERBATIM)
  tq_compile_for(${triple} runtime ${ARG_RUNTIME})
  tq_archive_for(${triple} tq_runtime ${runtime} ${utf8proc_object})
  tq_compile_for(${triple} main ${ARG_MAIN})
  tq_archive_for(${triple} tq_main ${main})
endfunction()
