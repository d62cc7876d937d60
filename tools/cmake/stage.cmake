# spoor_stage(NAME [THREADS] DEPENDS stage… LIBRARIES target…)
# One folder, one target: every .cpp of the folder and of those in it becomes the library spoor_NAME, every *_test.cpp
# the test program spoor_NAME_test (registered with CTest case by case), every *_fuzz.cpp a libFuzzer
# program of that name, every *_bench.cpp a Google Benchmark program of that name. THREADS: the stage has threads or locks
# of its own, so that the thread sanitizer has something to find in its tests.
include(GoogleTest)
# spoor_gtest(PROGRAM PREFIX prefix LABELS label… [PROPERTIES name value…])
# Registers a test program with CTest: case by case, but under sanitizers, where starting it costs more
# than most of its cases, as one test. tests/machine/test_main.cpp ends it with 77 when
# nothing failed and something was skipped: neither a word in its output nor a failure makes a skip.
function(spoor_gtest PROGRAM)
  cmake_parse_arguments(ARG "" "PREFIX;LABELS" "PROPERTIES" ${ARGN})
  if(SPOOR_SANITIZE)
    add_test(NAME ${ARG_PREFIX}${PROGRAM} COMMAND ${PROGRAM} --gtest_brief=1)
    set_tests_properties(${ARG_PREFIX}${PROGRAM} PROPERTIES LABELS ${ARG_LABELS} SKIP_RETURN_CODE 77 ${ARG_PROPERTIES})
    return()
  endif()
  gtest_discover_tests(${PROGRAM} TEST_PREFIX ${ARG_PREFIX} DISCOVERY_TIMEOUT 600
                       PROPERTIES LABELS ${ARG_LABELS} SKIP_RETURN_CODE 77 ${ARG_PROPERTIES})
endfunction()
# What the sanitizers run: the unit tests and the fuzz targets, without the programs.
add_custom_target(unit_tests)
add_custom_target(threaded_unit_tests)
function(spoor_stage NAME)
  cmake_parse_arguments(ARG "THREADS" "" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cpp$")
  set(dependencies ${ARG_DEPENDS})
  list(TRANSFORM dependencies PREPEND spoor_)
  if(sources)
    add_library(spoor_${NAME} STATIC ${sources})
    target_include_directories(spoor_${NAME} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(spoor_${NAME} PUBLIC ${dependencies} ${ARG_LIBRARIES})
  else()
    add_library(spoor_${NAME} INTERFACE)
    target_include_directories(spoor_${NAME} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(spoor_${NAME} INTERFACE ${dependencies} ${ARG_LIBRARIES})
  endif()

  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(tests AND BUILD_TESTING)
    add_executable(spoor_${NAME}_test ${tests})
    target_link_libraries(spoor_${NAME}_test PRIVATE spoor_${NAME} spoor_test_main)
    spoor_gtest(spoor_${NAME}_test PREFIX ${NAME}. LABELS unit)
    add_dependencies(unit_tests spoor_${NAME}_test)
    if(ARG_THREADS AND SPOOR_SANITIZE)
      add_dependencies(threaded_unit_tests spoor_${NAME}_test)
      set_property(TEST ${NAME}.spoor_${NAME}_test APPEND PROPERTY LABELS threads)
    endif()
  endif()

  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  if(SPOOR_FUZZ)
    foreach(source ${fuzzers})
      get_filename_component(program ${source} NAME_WE)
      add_executable(${program} ${source})
      target_link_libraries(${program} PRIVATE spoor_${NAME})
      target_link_options(${program} PRIVATE -fsanitize=fuzzer)
      # As a test: the seed corpus and a fixed number of mutations, so that the result does not
      # depend on the machine's speed; fewer where each makes a log on disk or
      # walks a whole state. `make fuzz` runs for longer.
      set(runs 20000)
      if(program MATCHES "^(evidence_log_fuzz|ingest_state_fuzz|transfer_fuzz)$")
        set(runs 4000)
      endif()
      add_test(NAME fuzz.${program}
               COMMAND ${program} -runs=${runs} -seed=1 -max_len=65536 -print_final_stats=1
                       ${CMAKE_CURRENT_BINARY_DIR}/${program}_found
                       ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${program})
      file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${program}_found)
      set_tests_properties(fuzz.${program} PROPERTIES LABELS fuzz)
      add_dependencies(unit_tests ${program})
    endforeach()
  endif()

  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  foreach(source ${benches})
    get_filename_component(program ${source} NAME_WE)
    add_executable(${program} ${source})
    target_link_libraries(${program} PRIVATE spoor_${NAME} benchmark::benchmark_main)
  endforeach()
endfunction()
