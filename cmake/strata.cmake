# Compiler settings, third-party packages and strata_module(), the one way to declare a module.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines (double frees); use clang++-19: cmake --preset release")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

option(STRATA_FUZZ "build the libFuzzer targets" OFF)
set(STRATA_SANITIZE "" CACHE STRING "value of -fsanitize= for all of our code")

add_compile_options(-Wall -Wextra -Werror -fno-omit-frame-pointer -fvisibility=hidden)
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT=1)
add_link_options(-fuse-ld=lld)
if(STRATA_SANITIZE)
  add_compile_options(-fsanitize=${STRATA_SANITIZE})
  add_link_options(-fsanitize=${STRATA_SANITIZE})
endif()
# What tests of a sanitizer build run with: any report fails the test; the suppressions name libraries only.
set(STRATA_SANITIZER_ENVIRONMENT)
if(STRATA_SANITIZE)
  set(folder ${CMAKE_CURRENT_LIST_DIR}/sanitizers)
  set(STRATA_SANITIZER_ENVIRONMENT
    "LSAN_OPTIONS=suppressions=${folder}/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1"
    "TSAN_OPTIONS=suppressions=${folder}/tsan.supp:halt_on_error=1:second_deadlock_stack=1")
endif()
if(STRATA_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(ZLIB REQUIRED)

# Third-party files that cmake/setup/deps.sh fetched and built.
set(STRATA_DEPS "$ENV{STRATA_DEPS}" CACHE PATH "folder filled by cmake/setup/deps.sh")
if(NOT STRATA_DEPS)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(STRATA_DEPS "$ENV{XDG_CACHE_HOME}/strata/deps")
  else()
    set(STRATA_DEPS "$ENV{HOME}/.cache/strata/deps")
  endif()
endif()

# What a chat request runs through is optimised by a profile of its own (bench/gateway/profile.py makes it). "generate" builds
# a server that records one, a file is used, "" builds without. Code that was changed since, and what the profile does not
# know, is compiled as without one: an old profile costs speed, nothing else.
set(STRATA_PROFILE "" CACHE STRING "\"generate\", or a file of llvm-profdata")
set(STRATA_PROFILED
  "base/" "domain/" "guard/" "observe/" "net/(client|http|internal|runtime|server|tls|url)"
  "store/(call|data_dir|file\\.cc|hasher|journal|key|label|sql)" "dialect/[a-z_]*\\.cc" "dialect/(openai|anthropic|json)/"
  "provider/(lazy_models|registry|spec|wire_headers|remote/|openai/|anthropic/)" "route/direct" "gateway/[a-z_]*\\.cc"
  "gateway/resilience/" "server/(answer_|anthropic_|app|base_access|cors|live_config|main|model_names|openai_)"
  "server/(request_|router\\.cc|serve\\.cc|trace_links)")
list(JOIN STRATA_PROFILED "|" STRATA_PROFILED)

# strata_profile(SOURCE…): those of them that a request runs through.
function(strata_profile)
  if(NOT STRATA_PROFILE OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    return()
  endif()
  set(sources ${ARGN})
  list(FILTER sources INCLUDE REGEX "^${CMAKE_SOURCE_DIR}/src/(${STRATA_PROFILED})")
  if(STRATA_PROFILE STREQUAL "generate")
    set(options -fprofile-generate)
  else()
    # Relative, so that all checkouts share the compiler cache.
    file(RELATIVE_PATH file ${CMAKE_BINARY_DIR} ${STRATA_PROFILE})
    set(options -fprofile-use=${file} -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled -Wno-backend-plugin)
    set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS ${STRATA_PROFILE})
  endif()
  set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS ${options})
endfunction()
if(STRATA_PROFILE STREQUAL "generate")
  add_link_options(-fprofile-generate)
endif()

include(cmake/pch/pch.cmake)

# strata_test_code(TARGET): its sources are those of a test. Compiling them with optimisation takes twice as long, and what
# they test has been compiled with it.
function(strata_test_code target)
  target_compile_options(${target} PRIVATE -O0)
  strata_precompiled(${target} test)
endfunction()
# strata_module(NAME DEPS module… LIBS library…)
# Makes library strata_NAME from every .cc below the folder but *_test.cc, and NAME_test from those.
function(strata_module name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_LIBS" ${ARGN})
  list(FIND STRATA_MODULES ${name} own)
  foreach(dep IN LISTS ARG_DEPS)
    list(FIND STRATA_MODULES ${dep} at)
    if(at EQUAL -1 OR at GREATER_EQUAL own)
      message(FATAL_ERROR "module ${name} may not use ${dep}: only modules above it in STRATA_MODULES")
    endif()
  endforeach()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM ARG_DEPS PREPEND strata_)
  add_library(strata_${name} STATIC ${sources})
  strata_profile(${sources})
  strata_precompiled(strata_${name} std)
  target_include_directories(strata_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(strata_${name} PUBLIC ${ARG_DEPS} ${ARG_LIBS} fmt::fmt)
  if(tests)
    add_executable(${name}_test ${tests})
    target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name}_test PRIVATE strata_${name} ${ARG_TEST_LIBS} GTest::gmock GTest::gtest_main)
    strata_test_code(${name}_test)
    add_test(NAME ${name}_test COMMAND ${name}_test)
    set_tests_properties(${name}_test PROPERTIES LABELS unit ENVIRONMENT "${STRATA_SANITIZER_ENVIRONMENT}")
    set_property(GLOBAL APPEND PROPERTY STRATA_UNIT_TESTS ${name}_test)
  endif()
endfunction()
