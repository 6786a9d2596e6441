# Precompiled headers: std.h and test.h, which half of the files include, are parsed once. A build from nothing takes about
# half of the processor time.

option(STRATA_PCH "use precompiled headers" OFF)

# strata_pch(NAME OPTION…): compiles NAME.h for the targets that strata_precompiled gives it to, with their options.
# The compiler cache is told of the headers' text, not of the compiled file, which differs from checkout to checkout.
function(strata_pch name)
  set(header ${CMAKE_SOURCE_DIR}/cmake/pch/${name}.h)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch_${name}.cc CONTENT "")
  add_library(strata_pch_${name} OBJECT ${CMAKE_BINARY_DIR}/pch_${name}.cc)
  target_precompile_headers(strata_pch_${name} PRIVATE ${header})
  target_compile_options(strata_pch_${name} PRIVATE -Xclang -fno-pch-timestamp ${ARGN})
  target_link_libraries(strata_pch_${name} PRIVATE fmt::fmt)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -std=c++23 ${flags} ${ARGN} -E -P -include ${header} -x c++ /dev/null
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 sum "${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${STRATA_SANITIZE} ${text}")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/CMakeFiles/strata_pch_${name}.dir/cmake_pch.hxx.pch.sum CONTENT ${sum})
endfunction()

# strata_precompiled(TARGET NAME)
function(strata_precompiled target name)
  if(STRATA_PCH)
    target_precompile_headers(${target} REUSE_FROM strata_pch_${name})
    target_compile_options(${target} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
endfunction()

if(STRATA_PCH)
  # Without the header's own path, which CMake names as well: it would tell checkouts apart in the compiler cache.
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
  # A package that was upgraded has another text.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    /usr/include/boost/version.hpp /usr/include/fmt/core.h /usr/include/gtest/gtest.h)
  strata_pch(std)
  strata_pch(test -O0 -fPIE)  # as test programs are compiled
  set_target_properties(strata_pch_test PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_link_libraries(strata_pch_test PRIVATE GTest::gmock)
endif()
